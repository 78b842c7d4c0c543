"""Subject keys: both sides take the same key for the same token, secrets show nowhere, a file is whole or refused."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.config import add_subject_key, read_subject_keys
from counterfoil.errors import CounterfoilError, KeyStoreError, PolicyError, UsageError
from counterfoil.tokens.pseudonym import SubjectKey
from counterfoil.tokens.subject_keys import Span, SubjectKeys

START = datetime(2026, 6, 1, tzinfo=UTC)
SECRET = base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
OTHER = base64.b64encode(b"fedcba9876543210fedcba9876543210").decode()
HEAD = 'schema = "counterfoil.subject-keys/1"\n'


def table(**changed: str) -> str:
    """Return one table of the file."""
    fields = {"id": '"a"', "secret": f'"{SECRET}"', "from": "2026-06-01T00:00:00Z"} | changed
    return "[[key]]\n" + "".join(f"{name} = {value}\n" for name, value in fields.items() if value)


REFUSED = [
    ("nothing at all", "", "missing required field"),
    ("no key", HEAD + "key = []\n", "expected 1 to"),
    ("another schema", HEAD.replace("/1", "/9") + table(), "expected"),
    ("a field that nobody knows", HEAD + table(usage='"all"'), "usage"),
    ("a broken line that holds the secret", HEAD + table(secret=f'"{SECRET}'), "no TOML"),
    ("a secret that is no base64", HEAD + table(secret=f'"{SECRET}!"'), "not base64"),
    ("a secret that can be guessed", HEAD + table(secret='"YWJj"'), "needs 32"),  # noqa: S106
    ("a secret without end", HEAD + table(secret='"' + "QUFB" * 100 + '"'), "longer than"),
    ("an id that blurs the pseudonym", HEAD + table(id='"a:b"'), "a-z"),
    ("a time without offset", HEAD + table(**{"from": "2026-06-01T00:00:00"}), "offset"),
    ("an end before the beginning", HEAD + table(until="2026-05-01T00:00:00Z"), "ends before"),
    ("one id twice", HEAD + table() + table(secret=f'"{OTHER}"', **{"from": "2026-07-01T00:00:00Z"}), "one id twice"),
    ("one secret twice", HEAD + table() + table(id='"b"', **{"from": "2026-07-01T00:00:00Z"}), "one secret twice"),
    ("two keys from one time", HEAD + table() + table(id='"b"', secret=f'"{OTHER}"'), "overlap"),
    (
        "a key that ends after the next begins",
        HEAD + table(until="2026-08-01T00:00:00Z")
        + table(id='"b"', secret=f'"{OTHER}"', **{"from": "2026-07-01T00:00:00Z"}),
        "overlap",
    ),
    ("a file without end", HEAD + "#" * 70_000, "larger than"),
]


@pytest.mark.parametrize(("text", "told"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_file_that_is_not_sound_is_refused_and_not_quoted(text: str, told: str) -> None:
    """One line says why; no secret is in it, nor in what an exception chain would print."""
    with pytest.raises(PolicyError, match=told) as caught:
        SubjectKeys.from_toml(text)
    assert SECRET not in f"{caught.value}{caught.value.hint}{caught.value.__cause__}"


@given(st.text(max_size=200), st.booleans())
def test_any_text_is_keys_or_one_error_of_ours(text: str, headed: bool) -> None:
    """Nothing else comes out of the parser."""
    with contextlib.suppress(CounterfoilError):
        SubjectKeys.from_toml(HEAD + table() + text if headed else text)


@given(
    st.lists(st.tuples(st.integers(1, 1_000), st.booleans()), min_size=1, max_size=8), st.integers(-2_000, 10_000)
)
def test_the_key_of_a_time_is_the_one_whose_span_holds_it(gaps: list[tuple[int, bool]], asked: int) -> None:
    """At most one span holds it, also after the file was written and read."""
    spans, begin = [], 0
    for place, (gap, ends) in enumerate(gaps):
        key = SubjectKey(f"k{place}", bytes([place]) * 32)
        end = START + timedelta(seconds=begin + gap) if ends else None
        spans.append(Span(key, START + timedelta(seconds=begin), end))
        begin += gap + place % 2
    keys, when = SubjectKeys.of(spans), START + timedelta(seconds=asked)
    ends_at = [span.end or (spans[i + 1].begin if i + 1 < len(spans) else None) for i, span in enumerate(spans)]
    holding = [s.key for s, end in zip(spans, ends_at, strict=True) if s.begin <= when and (end is None or when < end)]
    assert len(holding) <= 1
    assert keys.find(when) == (holding[0] if holding else None)
    assert SubjectKeys.from_toml(keys.to_toml()) == keys


def test_a_time_without_a_key_is_said() -> None:
    """The mint stops then, rather than name somebody under no key."""
    keys = SubjectKeys.from_toml(HEAD + table())
    with pytest.raises(UsageError, match="no subject key is for tokens of 2026-05-31"):
        keys.at(START - timedelta(days=1))
    assert SECRET not in repr(keys) and "0123456789" not in repr(keys)


def test_a_rotation_keeps_the_keys_before_and_who_may_read_them(tmp_path: Path) -> None:
    """Tokens issued before keep their pseudonyms; the file stays the group's, and nobody else's."""
    file = tmp_path / "subjects.toml"
    first = add_subject_key(file, START)
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o640)
    second = add_subject_key(file, START + timedelta(days=90), "second")
    keys = read_subject_keys(file)
    assert file.stat().st_mode & 0o777 == 0o640
    assert keys.at(START + timedelta(days=89)) == first
    assert keys.at(START + timedelta(days=90)) == second
    assert [path.name for path in tmp_path.iterdir()] == ["subjects.toml"]


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        pytest.param(lambda file: file.chmod(0o644), "everybody may read", id="everybody may read the file"),
        pytest.param(lambda file: file.write_bytes(b"\xff"), "not UTF-8", id="it is no text"),
        pytest.param(lambda file: file.unlink(), "No such file", id="it is gone"),
    ],
)
def test_a_file_that_is_not_kept_well_is_not_used(spoil: Callable[[Path], None], told: str, tmp_path: Path) -> None:
    """Keys that everybody has protect nobody."""
    file = tmp_path / "subjects.toml"
    add_subject_key(file, START)
    spoil(file)
    with pytest.raises(KeyStoreError, match=told):
        read_subject_keys(file)


def test_a_key_of_the_past_is_not_put_in(tmp_path: Path) -> None:
    """It would rename the subjects of tokens that are out."""
    file = tmp_path / "subjects.toml"
    add_subject_key(file, START)
    before = file.read_bytes()
    with pytest.raises(UsageError, match="begins later"):
        add_subject_key(file, START)
    assert file.read_bytes() == before
