"""Counterfoils of tokens that others make: they say what the mint's own would, or nothing is recorded."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counterfoil.errors import LogError, UsageError
from counterfoil.jose import base64url
from counterfoil.mint.ledger import FileLedger, decode, encode
from counterfoil.mint.observed import MAX_AT_ONCE, MAX_LINE, Kept, counterfoil_of, record_lines
from counterfoil.model.counterfoil import Counterfoil, Grant
from counterfoil.tlog import replay
from counterfoil.tlog.folder import Folder

from .making import CLAIMS, NOW, ORIGIN, SUBJECTS, making

HEADER = {"alg": "RS256", "kid": "k1"}
TOLD: dict[str, Any] = {"iss": "https://login.example", "jti": "t-1", "iat": 1_780_000_000, "exp": 1_780_003_600}


def input_of(header: object, claims: object) -> str:
    """Return a signing input."""
    return ".".join(base64url.encode(json.dumps(part).encode()) for part in (header, claims))


def test_it_is_what_the_mint_records(tmp_path: Path) -> None:
    """All that a counterfoil tells but the policy's names can be told from what is signed."""
    with making(tmp_path) as made:
        minted = made.mint.issue(CLAIMS, grant=Grant.CODE, session="s-1")
        told = counterfoil_of(minted.token.rpartition(".")[0], time=NOW, subject_key=SUBJECTS, grant=Grant.CODE)
    assert told == msgspec.structs.replace(minted.counterfoil, token_class="", policy="")


def test_a_token_without_id_is_known_by_its_digest(tmp_path: Path) -> None:
    """ID tokens have no jti; their counterfoils are kept all the same."""
    told = counterfoil_of(input_of(HEADER, {name: TOLD[name] for name in ("iss", "iat", "exp")}), time=NOW)
    assert (told.jti, len(told.digest)) == ("", 64)
    with FileLedger.open(tmp_path / "ledger", ORIGIN) as ledger:
        assert ledger.record(told) == 0


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param(f"{input_of(HEADER, TOLD)}.c2ln", "no signing input", id="a whole token, with its signature"),
        pytest.param("", "no signing input", id="nothing"),
        pytest.param("a.b", "no signing input", id="no base64url of JSON"),
        pytest.param(input_of(HEADER, [TOLD]), "no signing input", id="claims that are no object"),
        pytest.param(f"{input_of(HEADER, TOLD)}{'A' * 20_000}", "no signing input", id="longer than any token"),
        pytest.param(input_of({"alg": "RS256"}, TOLD), "no kid", id="no key id"),
        pytest.param(input_of({"kid": "k1"}, TOLD), "no alg", id="no algorithm"),
        pytest.param(input_of(HEADER, TOLD | {"iss": ""}), "no iss", id="no issuer"),
        pytest.param(input_of(HEADER, TOLD | {"iss": 7}), "is no text", id="an issuer that is no text"),
        pytest.param(input_of(HEADER, TOLD | {"jti": 7}), "is no text", id="an id that is no text"),
        pytest.param(input_of(HEADER, TOLD | {"exp": "soon"}), "no time", id="an end that is no time"),
        pytest.param(input_of(HEADER, TOLD | {"iat": True}), "no time", id="a beginning that is a truth"),
        pytest.param(input_of(HEADER, TOLD | {"iat": 1e300}), "no time", id="a beginning after all time"),
        pytest.param(input_of(HEADER, TOLD | {"aud": [{}]}), "aud", id="an audience that is no text"),
    ],
)
def test_what_cannot_be_told_is_refused(text: str, why: str) -> None:
    """Each for its own reason, with a hint or a name, and nothing of the token in the error."""
    with pytest.raises(UsageError, match=why) as error:
        counterfoil_of(text, time=NOW)
    assert not text or text not in str(error.value)


def test_a_refreshed_token_needs_its_parents() -> None:
    """Without them it would stand for a first issuance, or for nothing."""
    with pytest.raises(UsageError, match="ids of the tokens that were shown"):
        counterfoil_of(input_of(HEADER, TOLD), time=NOW, grant=Grant.REFRESH)


_TEXT = st.text(max_size=20)
_JSON = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _TEXT | st.lists(_TEXT, max_size=3)


@settings(suppress_health_check=[HealthCheck.too_slow])  # the first text takes long on a busy machine
@given(
    st.dictionaries(st.sampled_from(["alg", "kid", "typ", "cfs", "crit"]), _JSON),
    st.dictionaries(st.sampled_from(["iss", "sub", "aud", "jti", "iat", "exp", "sid", "tid", "client_id"]), _JSON),
)
def test_whatever_an_issuer_writes_is_kept_or_refused(header: dict[str, object], claims: dict[str, object]) -> None:
    """No claim ends in another error than ours, and what is not refused can be read again."""
    try:
        told = counterfoil_of(input_of(HEADER | header, TOLD | claims), time=NOW, subject_key=SUBJECTS)
        entry = encode(told)
    except UsageError:
        return
    assert decode(entry, 0) == told


def line(name: str, **more: object) -> bytes:
    """Return the line of a token with this id."""
    return json.dumps({"input": input_of(HEADER, TOLD | {"jti": name}), **more}).encode()


def recorded(path: Path) -> list[Counterfoil]:
    """Return what a ledger holds."""
    found: list[Counterfoil] = []
    replay.replay(Folder(path), lambda index, raw: found.append(decode(raw, index)))
    return found


def test_each_line_is_answered_once_and_kept_once(tmp_path: Path) -> None:
    """Many at once: every answer tells where its counterfoil is, and lines that cannot be used do not end it."""
    lines = [line(f"t-{number}") for number in range(5 * MAX_AT_ONCE)]
    bad = [b"{}", b"no JSON", b"A" * (MAX_LINE + 1), b"[" * 9_999]
    bad += [line("t-r", grant="refresh_token"), line("t-x", extra=1)]
    answers: list[Kept] = []
    with FileLedger.open(tmp_path / "ledger", ORIGIN) as ledger:
        refused = record_lines([*bad, *lines], ledger, answers.append, clock=lambda: NOW)
    kept = recorded(tmp_path / "ledger")
    assert refused == len(bad)
    assert Counter(answer.line for answer in answers) == Counter(range(1, len(bad) + len(lines) + 1))
    assert {answer.line for answer in answers if answer.error} == set(range(1, len(bad) + 1))
    good = [answer for answer in answers if not answer.error]
    assert {answer.index: answer.digest for answer in good} == {n: stub.digest for n, stub in enumerate(kept)}
    assert {answer.jti: answer.line for answer in good} == {f"t-{n}": n + len(bad) + 1 for n in range(len(lines))}


def test_whoever_waits_for_a_broken_ledger_is_told(tmp_path: Path) -> None:
    """The line is answered with the error, so that its token is not handed out, and recording ends."""
    ledger = FileLedger.open(tmp_path / "ledger", ORIGIN)
    ledger.close()
    answers: list[Kept] = []
    with pytest.raises(LogError):
        record_lines([line("t-1")], ledger, answers.append, clock=lambda: NOW)
    assert [(answer.line, bool(answer.error)) for answer in answers] == [(1, True)]


def test_the_command_answers_while_it_reads(tmp_path: Path) -> None:
    """An issuer writes a line, waits for its answer, hands out the token, and goes on; the end of input ends it."""
    FileLedger.open(tmp_path / "ledger", ORIGIN).close()
    command = [sys.executable, "-m", "counterfoil.cli.main", "ledger", "record", str(tmp_path / "ledger")]
    before = datetime.now(UTC)
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(command, **pipes) as running:  # type: ignore[call-overload]  # noqa: S603  # our own
        assert running.stdin is not None
        assert running.stdout is not None
        for number, name in enumerate(["a", "b", "c"]):
            running.stdin.write(line(name, grant="client_credentials") + b"\n")
            running.stdin.flush()
            told = json.loads(running.stdout.readline())
            assert (told["line"], told["index"], told["jti"]) == (number + 1, number, name)
        _, errors = running.communicate(b"no JSON\n")
    assert (running.returncode, b"1 lines were refused" in errors) == (2, True)
    kept = recorded(tmp_path / "ledger")
    assert [stub.jti for stub in kept] == ["a", "b", "c"]
    assert all(before <= stub.time <= datetime.now(UTC) and stub.grant is Grant.CLIENT for stub in kept)
