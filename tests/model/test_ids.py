"""Token ids: every encoding that logs use means one id, null forms mean none, anything else stays as it is."""

from __future__ import annotations

import base64
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.model.ids import MAX_ID_CHARS, NULL_FORMS, IdKind, canonical, uti

GUID = "58f8ce73-9fc8-4f02-8ea8-1908964f842e"
UTI = "c874WMifAk-OqBkIlk-ELg"

ENCODINGS = {
    "the GUID": GUID,
    "the GUID in upper case": GUID.upper(),
    "the GUID between blanks": f"  {GUID} ",
    "base64url without padding": UTI,
    "base64url with padding": UTI + "==",
    "base64 of the standard alphabet": "c874WMifAk+OqBkIlk+ELg",
    "base64 of the standard alphabet with padding": "c874WMifAk+OqBkIlk+ELg==",
    "base64 of the GUID's text": base64.b64encode(GUID.encode()).decode(),
    "base64 of the GUID's text in upper case": base64.b64encode(GUID.upper().encode()).decode(),
    "base64url of the GUID's text": base64.urlsafe_b64encode(GUID.encode()).decode(),
}

KEPT = {
    "a GUID in braces": f"{{{GUID}}}",
    "a GUID without dashes": GUID.replace("-", ""),
    "21 characters": UTI[:-1],
    "a last character that no 16 bytes give": UTI[:-1] + "B",
    "one equals sign": UTI + "=",
    "a newline after it": UTI + "\n",
    "a character outside the alphabet": "c874WMifAk.OqBkIlk-ELg",
    "letters of another script that look the same": "с874WMifAk-OqBkIlk-ELg",  # noqa: RUF001  # that is the point
    "48 characters that hold no GUID": "A" * 48,
    "null in capitals": "NULL",
    "a tab": "\t",
}


@pytest.mark.parametrize("text", ENCODINGS.values(), ids=ENCODINGS.keys())
def test_every_encoding_means_one_id(text: str) -> None:
    """The same id in any encoding that a log uses gets the same canonical form."""
    assert canonical(IdKind.ENTRA_UTI, text) == GUID


@pytest.mark.parametrize("kind", IdKind)
@pytest.mark.parametrize("form", sorted(NULL_FORMS))
def test_null_forms_are_no_id(kind: IdKind, form: str) -> None:
    """What services write when there is no id never links, of whatever kind, with or without blanks."""
    assert canonical(kind, form) is None
    assert canonical(kind, f" {form}  ") is None


def test_the_null_id_in_every_encoding_is_no_id() -> None:
    """The GUID of zeros is no id in any of its encodings."""
    zeros = str(uuid.UUID(int=0))
    for text in (zeros, uti(zeros), uti(zeros) + "==", base64.b64encode(zeros.encode()).decode()):
        assert canonical(IdKind.ENTRA_UTI, text) is None
    assert canonical(IdKind.ENTRA_UTI, None) is None


@pytest.mark.parametrize("text", KEPT.values(), ids=KEPT.keys())
def test_an_odd_id_stays_an_id(text: str) -> None:
    """Whoever forges a token chooses its id: what has no known form is kept as it stands, and is not taken for none."""
    assert canonical(IdKind.ENTRA_UTI, text) == text


@pytest.mark.parametrize("kind", [kind for kind in IdKind if kind is not IdKind.ENTRA_UTI])
def test_other_kinds_are_not_decoded(kind: IdKind) -> None:
    """An id of another kind is kept as it stands even if it looks like one of Entra's."""
    assert canonical(kind, UTI) == UTI
    assert canonical(kind, GUID.upper()) == GUID.upper()


def test_a_long_id_becomes_its_hash() -> None:
    """An id of up to 256 characters is kept, a longer one is replaced by its SHA-256, and two never become one."""
    assert canonical(IdKind.JTI, "x" * MAX_ID_CHARS) == "x" * MAX_ID_CHARS
    long, other = (canonical(IdKind.JTI, "x" * MAX_ID_CHARS + last) for last in "ab")
    assert long is not None
    assert long.startswith("sha256:")
    assert len(long) == len("sha256:") + 64
    assert long != other


def test_a_token_id_is_the_request_id_in_little_endian_base64() -> None:
    """A token id is the 16 bytes of the .NET GUID, as in a real AD FS sign-in."""
    assert uti("58f8ce73-9fc8-4f02-8ea8-1908964f842e") == "c874WMifAk-OqBkIlk-ELg"


@given(st.uuids())
def test_uti_and_canonical_are_inverse(value: uuid.UUID) -> None:
    """The `uti` form of a GUID leads back to it."""
    form = uti(str(value))
    assert len(form) == 22
    assert canonical(IdKind.ENTRA_UTI, form) == (str(value) if value.int else None)


@given(st.text(max_size=60), st.sampled_from(IdKind))
def test_canonical_is_idempotent(text: str, kind: IdKind) -> None:
    """The canonical form of a canonical form is itself."""
    once = canonical(kind, text)
    assert once is None or canonical(kind, once) == once
