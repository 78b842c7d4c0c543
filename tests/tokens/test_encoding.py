"""Base64url and JSON: exact, in every case that random input finds."""

from __future__ import annotations

import binascii
import json
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from counterfoil.errors import VerifyError
from counterfoil.tokens import limits
from counterfoil.tokens.encoding import from_base64url, frozen, json_object, numeric_date, thawed

from .making import b64

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text() | st.floats(-1e300, 1e300),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
# A busy machine is no failure.
relaxed = settings(deadline=None)

OBJECTS = st.dictionaries(st.text(max_size=8), VALUES, max_size=8)


@relaxed
@given(st.binary(max_size=200))
def test_base64url_of_octets_is_read_back(data: bytes) -> None:
    """Reading undoes writing."""
    assert from_base64url(b64(data).encode(), "the text") == data


@relaxed
@given(st.binary(max_size=24) | st.text(alphabet='ABg_-+/=."\\! \n\x00u0041', max_size=12).map(str.encode))
@example(b'AA"')
@example(b"\\u0041AAA")
@example(b"AAAA\n")
@example(b"AA==")
def test_base64url_is_exact(text: bytes) -> None:
    """A text is accepted only if writing what was read gives that very text: binascii, strictly, agrees."""
    try:
        data = from_base64url(text, "the text")
    except VerifyError as error:
        assert error.rule == "F2"
        plain = text.translate(bytes.maketrans(b"-_", b"+/"))
        found = None if set(text) & set(b"+/=") else _strict(plain)
        assert found is None or b64(found).encode() != text
    else:
        assert b64(data).encode() == text


def _strict(text: bytes) -> bytes | None:
    try:
        return binascii.a2b_base64(text + b"=" * (-len(text) % 4), strict_mode=True)
    except (binascii.Error, ValueError):
        return None


@relaxed
@given(OBJECTS, st.sampled_from([None, 1]), st.booleans())
def test_json_without_duplicates_is_read_as_it_is(value: dict[str, Any], indent: int | None, ascii_only: bool) -> None:
    """Whatever its spaces and escapes."""
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    try:
        octets = text.encode()
    except UnicodeEncodeError:
        return  # a lone surrogate: no UTF-8, and refused (below)
    try:
        assert json_object(octets, "the text") == value
    except VerifyError as error:
        assert error.rule == "F2"
        assert any(0xD800 <= ord(char) <= 0xDFFF for char in json.dumps(value, ensure_ascii=False))


@relaxed
@given(st.data())
def test_a_name_that_occurs_twice_is_found(data: st.DataObject) -> None:
    """In the outermost object or further in, as it is or in escapes, with the same value or another."""
    name = data.draw(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=8))
    escaped = data.draw(st.booleans())
    again = "".join(f"\\u{ord(char):04x}" for char in name) if escaped and all(ord(c) < 0xFFFF for c in name) else None
    pair = f'{json.dumps(name)}:1,{json.dumps(name) if again is None else f"{chr(34)}{again}{chr(34)}"}:1'
    inner = "{" + pair + "}"
    depth = data.draw(st.integers(0, 2))
    for _ in range(depth):
        inner = data.draw(st.sampled_from(['{"a":%s}', '{"a":[%s]}', '{"a":[1,%s,2],"b":{}}'])) % inner
    with pytest.raises(VerifyError) as caught:
        json_object(inner.encode(), "the text")
    assert caught.value.rule == "F3"


@relaxed
@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
@example(b"\xef\xbb\xbf{}")
@example(b'{"a":NaN}')
@example(b'{"a":1e999}')
@example(b'{"a":"\\ud800"}')
@example(b'{"a":' + b"9" * 5000 + b"}")
@example(b"[" * 5000)
@example(b'{"a":' * 5000)
@example(b'{"a":1}{"a":1}')
def test_whatever_is_no_json_is_refused(octets: bytes) -> None:
    """Nothing but our own error comes out, whatever comes in."""
    try:
        found = json_object(octets, "the text")
    except VerifyError as error:
        assert error.rule in {"F1", "F2", "F3"}
    else:
        assert json.loads(octets) == found


@relaxed
@given(OBJECTS)
def test_freezing_changes_no_value(value: dict[str, Any]) -> None:
    """Arrays become tuples and objects become views that cannot be changed; nothing else changes."""
    found = frozen(json.loads(json.dumps(value)), "the text")
    assert _is_frozen(found)
    assert thawed(found) == json.loads(json.dumps(value))


def _is_frozen(value: Any) -> bool:
    if isinstance(value, MappingProxyType):
        return all(map(_is_frozen, value.values()))
    return all(map(_is_frozen, value)) if isinstance(value, tuple) else not isinstance(value, list | dict)


def test_members_are_counted_at_every_depth() -> None:
    """Many small arrays are as much work as a large one."""
    fits = {"a": [[0] * 100 for _ in range(10)]}  # 1 + 10 + 1000
    assert frozen(fits, "the text")
    arrays, objects = {"a": [[0] * 100 for _ in range(11)]}, {str(n): {str(m): 1 for m in range(40)} for n in range(30)}
    for too_many in (arrays, objects):
        with pytest.raises(VerifyError, match="F1, members"):
            frozen(too_many, "the text")


@pytest.mark.parametrize("value", [True, False, None, "1", [], float("nan"), float("inf"), -1, -0.5, 2**70])
def test_what_is_no_time_is_none(value: object) -> None:
    """RFC 7519, 2: a number of seconds; a truth value is none, though Python takes it for one."""
    assert numeric_date(value) is None


@relaxed
@given(st.integers(0, limits.MAX_NUMERIC_DATE) | st.floats(0, limits.MAX_NUMERIC_DATE))
def test_times_are_numbers_in_bounds(value: float) -> None:
    """Integers and fractions."""
    assert numeric_date(value) == value
