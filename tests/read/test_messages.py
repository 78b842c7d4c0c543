"""Messages of a collecting tool: each line counts once, whatever it holds."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.read.messages import looks_like, messages
from counterfoil.read.texts import Limits

STARTS = b"2026-03-02 10:15:00: === Starting Sign-in Log Collection ===\n"


def _read(data: bytes, limit: int = 1 << 20) -> list[tuple[str | None, str | None]]:
    return list(messages(io.BytesIO(data), lambda _: None, Limits(record=limit)))


def _told(data: bytes) -> list[dict[str, str]]:
    return [json.loads(text) for text, _ in _read(data) if text is not None]


@pytest.mark.parametrize("head", [
    STARTS, b"3/2/2026 10:15:00 AM: [INFO] Running Get-UALAll\r\n", b"[INFO] Running Get-UALAll",
    b"2026-03-02 10:15:00: [INFO] Creating the following directory: Output\n", b"\xef\xbb\xbf\n" + STARTS,
])
def test_the_suites_messages_are_known(head: bytes) -> None:
    """With and without times, in the forms of earlier versions, after a byte order mark."""
    assert looks_like(head)


@pytest.mark.parametrize("head", [
    b"", b"[]", b'[{"a": 1}]', b'{"message": "=== Starting x ==="}\n', b"a,b\n1,2\n",
    b"2026-03-02 10:15:00: [INFO] server started\n", b"[2026-03-02 10:15:00] - [ACTION] - Running Get-X\n",
])
def test_others_are_not(head: bytes) -> None:
    """Neither data nor the messages of other programs."""
    assert not looks_like(head)


def test_a_message_goes_on_and_names_its_section() -> None:
    """Lines without a time are of the message before them; a section lasts until the next."""
    told = _told(STARTS + b"2026-03-02 10:15:01: [ERROR] Failed\n\nForbidden\r\nagain\n3/2/2026 10:16:00 AM: done")
    assert [one["SuiteSection"] for one in told] == ["Sign-in Log Collection"] * 3
    assert told[1] == {
        "SuiteTime": "2026-03-02 10:15:01", "SuiteLevel": "ERROR", "SuiteSection": "Sign-in Log Collection",
        "SuiteMessage": "Failed\nForbidden\nagain",
    }
    assert told[2]["SuiteTime"] == "3/2/2026 10:16:00 AM"


def test_a_line_that_is_too_long_is_one_reject() -> None:
    """It is not held, and the next one is read."""
    found = _read(b"[INFO] a\n" + b"x" * 100_000 + b"\n[INFO] b\n", limit=1_000)
    assert [text is None for text, _ in found] == [False, True, False]
    assert found[1][1] == "record longer than 0 MiB"


@given(st.lists(st.binary(max_size=40).filter(lambda line: b"\n" not in line and b"\r" not in line), max_size=20))
def test_nothing_is_lost_and_nothing_breaks(lines: list[bytes]) -> None:
    """Each line is in one message, or is one reject; each message is one JSON object of texts."""
    found = _read(b"".join(b"[INFO] " + line + b"\n" for line in lines))
    texts = [line.decode() for line in lines if _is_text(line)]
    assert sum(why is not None for _, why in found) == sum(not _is_text(line) for line in lines)
    told = [json.loads(text) for text, _ in found if text is not None]
    assert [one["SuiteMessage"] for one in told] == [text.strip() for text in texts if text.strip()]


@given(st.binary(max_size=400))
def test_any_bytes_are_read(data: bytes) -> None:
    """Whatever stands in the file, each record is a text or a reason, never both, never neither."""
    looks_like(data)
    assert all((text is None) != (why is None) for text, why in _read(data, limit=64))


def _is_text(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
