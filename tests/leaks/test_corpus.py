"""The corpus: every form is found, by the public keys and without them; nothing else is."""

from __future__ import annotations

import base64
import io
import json
import random
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from counterfoil.jose.base64url import encode_number
from counterfoil.leaks import known, render
from counterfoil.leaks.chunks import of_stream
from counterfoil.leaks.engine import Engine, without_inner
from counterfoil.leaks.finding import LeaksReport
from counterfoil.leaks.kernel import best
from counterfoil.leaks.known import KnownKeys
from counterfoil.leaks.scan import ScanSettings, scan

from . import corpus
from .corpus import BARE_FORMS, Corpus
from .silent import SILENT

# one process: what is made for all of them takes long
pytestmark = pytest.mark.xdist_group("corpus")

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Return a corpus."""
    noise = random.Random(2023)  # noqa: S311  # the same in each run
    return corpus.write(tmp_path_factory.mktemp("leaks") / "corpus", noise)


@pytest.fixture(scope="module")
def keys(made: Corpus) -> KnownKeys:
    """Return its public keys."""
    return known.known([str(made.jwks)], ())


@pytest.fixture(scope="module")
def proven(made: Corpus, keys: KnownKeys) -> LeaksReport:
    """Return what a scan with the public keys gives, scalars at every offset."""
    return _scan(made, keys, every_offset=True)


def _scan(made: Corpus, keys: KnownKeys, folder: str = "planted", *, every_offset: bool = False) -> LeaksReport:
    return scan([str(made.folder / folder)], keys, ScanSettings(NOW, every_offset=every_offset), SILENT)


def test_with_the_public_keys_all_twenty_forms_are_found_and_proven(made: Corpus, proven: LeaksReport) -> None:
    """20 of 20, each under its key id and proven, the scalar at every offset; the variants and what is beyond, too."""
    report = proven
    found = {(Path(leak.path).name, leak.kid) for leak in report.findings if leak.proven}
    assert found == {(planted.name, planted.kid) for planted in made.planted}
    assert {planted.form for planted in made.planted} == set(range(21))
    written = {planted.name for planted in made.planted if planted.form}
    told = [leak for leak in report.findings if Path(leak.path).name in written]
    assert len(told) == len(written), "one finding a file: no part of a key is told again"
    assert all(leak.proven for leak in report.findings)


def test_without_keys_the_seventeen_forms_with_a_structure_are_found(made: Corpus) -> None:
    """17 of 20: all but bare primes, exponents and scalars; none is called a known key."""
    report = _scan(made, KnownKeys())
    found = {Path(leak.path).name for leak in report.findings}
    structured = {planted.name for planted in made.planted if planted.form not in (0, *BARE_FORMS)}
    assert structured <= found
    assert found == {planted.name for planted in made.planted if not planted.bare}
    assert not any(leak.proven or leak.kid for leak in report.findings)
    assert len({planted.form for planted in made.planted if planted.name in structured}) == 17


@pytest.mark.parametrize("with_keys", [True, False], ids=["with keys", "without keys"])
def test_clean_files_give_nothing(made: Corpus, keys: KnownKeys, with_keys: bool) -> None:
    """No key is found in noise, text, programs, compressed data, public keys, and manuals."""
    report = _scan(made, keys if with_keys else KnownKeys(), "clean")
    assert not report.findings
    assert report.files == len(made.clean)
    assert not report.unread


def test_a_form_is_found_across_any_border(made: Corpus, keys: KnownKeys) -> None:
    """A border between two chunks is put into the middle of each key: it is found all the same, once, in its place."""
    engines = {key.kid: Engine(best(), KnownKeys((key,)), every_offset=True) for key in keys.keys}
    for planted in made.planted:
        engine = engines[planted.kid]
        data = (made.folder / "planted" / planted.name).read_bytes()
        places: list[set[tuple[str, int, str]]] = []
        size = len(data)
        for _ in range(2):
            chunks = of_stream(io.BytesIO(data), size)
            leaks = without_inner([leak for chunk in chunks for leak in engine.scan(chunk, planted.name)])
            places.append({(leak.form, leak.offset, leak.kid) for leak in leaks})
            size = leaks[0].offset + leaks[0].size // 2
        assert places[0] == places[1], planted.name


def test_a_short_value_tells_no_place(made: Corpus, keys: KnownKeys) -> None:
    """Before a key stands what its exponent looks like, as noise does at times: the key's place is its own."""
    data = (made.folder / "planted" / "00-identityserver-tempkey.data").read_bytes()
    key = data[data.index(b'{"KeyId"') :]
    engine = Engine(best(), keys, every_offset=True)
    (alone,), (after,) = (
        [leak for chunk in of_stream(io.BytesIO(before + key), len(before + key))
         for leak in without_inner(engine.scan(chunk, "x")) if leak.form == "rsa-members"]
        for before in (b"", b"AQAB " * 9)
    )
    assert after.offset == alone.offset + len(b"AQAB " * 9)


@pytest.mark.parametrize("signs", ["x22", "u0022"])
def test_signs_of_base64_are_no_escaped_quote(signs: str) -> None:
    """One RSA key in two hundred has `x22` in a value of its JWK: it is found as others are."""
    scalar = int.from_bytes(base64.urlsafe_b64decode(f"A{signs}".ljust(43, "A") + "="))
    point = ec.derive_private_key(scalar, ec.SECP256R1()).public_key().public_numbers()
    numbers = {"x": point.x, "y": point.y, "d": scalar}
    key = {"kty": "EC", "crv": "P-256", **{name: encode_number(value, 32) for name, value in numbers.items()}}
    assert signs in key["d"]
    data = json.dumps(key).encode()
    found = [leak for chunk in of_stream(io.BytesIO(data), len(data))
             for leak in Engine(best(), KnownKeys(), every_offset=False).scan(chunk, "x")]
    assert [leak.form for leak in found] == ["jwk-ec"]


AROUND = {
    "two digits behind it": (b"", b"0d"),
    "two digits before it": (b"be", b""),
    "a digit before it": (b"A", b""),
    "another number on each side": (b"5e" * 32, b"77" * 48),
    "hex that is no number": (b"c0ffee", b"c0ff ee:c0"),
}


@pytest.mark.parametrize("around", AROUND)
def test_a_number_in_its_line_is_found_whatever_hex_stands_around_it(
    made: Corpus, keys: KnownKeys, around: str
) -> None:
    """Hex in lines is read as one, for what was broken into lines, and each line by itself."""
    before, behind = AROUND[around]
    engine = Engine(best(), keys)
    for name, kid in (("00-hex-seed-ed25519.data", "corpus-ed25519"), ("00-hex-scalar-ec.data", "corpus-ec")):
        written = re.search(rb"\n([0-9a-fA-F]{64})\n", (made.folder / "planted" / name).read_bytes())
        assert written
        data = b"\n".join((b"here:", before, written[1], behind, b"that is all"))
        found = [leak.kid for chunk in of_stream(io.BytesIO(data), len(data)) for leak in engine.scan(chunk, name)]
        assert found == [kid]


def test_no_report_holds_a_secret(made: Corpus, proven: LeaksReport) -> None:
    """No format of the report, and no repr, holds any private member of the keys that were planted."""
    texts = [render.render(proven, form) for form in render.FORMATS] + [repr(proven)]
    jwk = json.loads(_text_of(made, "10-jwk-ec.data"))
    rsa = json.loads(_text_of(made, "09-jwk-rsa.data"))
    secrets = [jwk["d"], *(rsa[name] for name in ("d", "p", "q", "dp", "dq", "qi"))]
    for secret in secrets:
        number = int.from_bytes(base64.urlsafe_b64decode(secret + "=="))
        for text in texts:
            assert secret[:16] not in text
            assert str(number)[:16] not in text
            assert f"{number:x}"[:16] not in text


def _text_of(made: Corpus, name: str) -> str:
    data = (made.folder / "planted" / name).read_bytes()
    start = data.index(b'{"kty"')
    return data[start : data.index(b"}", start) + 1].decode()
