"""What is revoked, how it is named, and that another form of a revoked token is refused as well."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from counterfoil.errors import InputError, UsageError, VerifyError
from counterfoil.jose import base64url
from counterfoil.jose.algorithms import jws_form
from counterfoil.jose.jwk import members_of
from counterfoil.respond.selection import Asked, IssuedToken, selected
from counterfoil.respond.status_list import packed
from counterfoil.tokens.decoded import decoded
from counterfoil.tokens.policy import TokenPolicy
from counterfoil.tokens.revoked import NotRevoked, RevokedTokens, TokenName, written
from counterfoil.tokens.verifier import Verifier

NOW = 1_772_000_000
KEY = ec.generate_private_key(ec.SECP256R1())
POLICY = """schema = "counterfoil.token-policy/1"
[[keys]]
file = "keys"
classes = ["access"]
issuers = ["https://idp"]
[[flow]]
name = "mail"
class = "access"
issuers = ["https://idp"]
audiences = ["api://mail"]
"""
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def verifier() -> Verifier:
    """Return a verifier of access tokens of one issuer."""
    member = {**members_of(KEY.public_key()), "kid": "ec", "alg": "ES256", "use": "sig"}
    return Verifier(TokenPolicy.from_toml(POLICY, {"keys": json.dumps({"keys": [member]}).encode()}))


def token(jti: str = "one") -> str:
    """Return an access token."""
    claims = {
        "iss": "https://idp", "sub": "alice", "aud": "api://mail", "client_id": "web", "iat": NOW - 10,
        "exp": NOW + 600, "jti": jti,
    }
    head = {"alg": "ES256", "kid": "ec", "typ": "at+jwt"}
    given = ".".join(base64url.encode(json.dumps(part).encode()) for part in (head, claims))
    return f"{given}.{base64url.encode(jws_form(KEY.sign(given.encode(), ec.ECDSA(SHA256()))))}"


def at(hour: int) -> datetime:
    """Return an hour of an invented day."""
    return datetime(2026, 3, 1, hour, tzinfo=UTC)


def issued(jti: str, hour: int, key: str = "old", parents: tuple[str, ...] = (), **more: str) -> IssuedToken:
    """Return a token of an issuer's log."""
    return IssuedToken(TokenName(iss="https://idp", jti=jti), at(hour), key, parents=parents, **more)  # type: ignore[arg-type]


LOG = (
    issued("c", 5, "service", ("b",)),
    issued("a", 1), issued("b", 3, parents=("forged",), session="s1"), issued("d", 9, subject="alice"),
    issued("e", 4, "new", client="web"), issued("canary", 4),
)
SELECTIONS = {
    "a key": (Asked(key="old"), "a b d canary"),
    "a key and a window": (Asked(key="old", since=at(2), until=at(9)), "b canary"),
    "a subject": (Asked(subject="alice"), "d"),
    "a client": (Asked(client="web"), "e"),
    "a session": (Asked(session="s1"), "b"),
    "a session and its lineage": (Asked(session="s1", lineage=True), "b c"),
    "the lineage of a forged token, which is in no log": (Asked(seeds=frozenset({"forged"}), lineage=True), "b c"),
}


@pytest.mark.parametrize("sentence", SELECTIONS)
def test_what_is_selected(sentence: str) -> None:
    """By key and window, subject, client, session, and by lineage, in whatever order the log is."""
    asked, expected = SELECTIONS[sentence]
    assert sorted(name.jti for name in selected(LOG, asked)) == sorted(expected.split())


def test_a_canary_is_not_revoked() -> None:
    """The probe's own tokens are nobody's."""
    one = IssuedToken(TokenName(iss="https://idp", jti="x"), at(1), "old", canary=True)
    assert selected([one], Asked(key="old")) == ()


def test_everything_is_not_selected_by_mistake() -> None:
    """A selection that names nothing is refused."""
    with pytest.raises(UsageError, match="which tokens"):
        Asked(since=at(1))


@pytest.mark.parametrize("members", [{"jti": "a"}, {"iss": "https://idp"}, {"digest": "AB" * 32}, {}])
def test_a_name_names_one_token(members: dict[str, str]) -> None:
    """Never by the id alone; and a document with such a name is refused."""
    with pytest.raises(ValueError, match=r"issuer|neither|SHA-256"):
        TokenName(**members)  # type: ignore[arg-type]
    with pytest.raises(InputError):
        RevokedTokens.read(json.dumps({"schema": "counterfoil.revoked/1", "tokens": [members]}).encode())


def revoking(text: str, *, by: str) -> NotRevoked:
    """Return a verifier for which a token is revoked, by its id or its digest, by way of the written list."""
    seen = decoded(text)
    by_id = TokenName(iss=seen.claims["iss"], jti=seen.claims["jti"])
    name = by_id if by == "id" else TokenName(digest=seen.digest.hex())
    listed = RevokedTokens.read(written([name]))
    return NotRevoked(verifier(), lambda: listed)


def second_signature(text: str) -> str:
    """Return the other signature that verifies for the same input: (r, n - s)."""
    given, _, signature = text.rpartition(".")
    raw = base64url.decode(signature.encode())
    r, s = int.from_bytes(raw[:32]), int.from_bytes(raw[32:])
    return f"{given}.{base64url.encode(r.to_bytes(32) + (P256_ORDER - s).to_bytes(32))}"


@pytest.mark.parametrize("by", ["id", "digest"])
def test_a_second_form_of_a_revoked_token_is_refused(by: str) -> None:
    """A second ECDSA signature has another text and the same name; lax base64 is no token at all."""
    text = token()
    verifier().verify(text, at=NOW)
    other = second_signature(text)
    assert other != text
    assert verifier().verify(other, at=NOW).digest == decoded(text).digest
    for form in (text, other):
        with pytest.raises(VerifyError) as caught:
            revoking(text, by=by).verify(form, at=NOW)
        assert (caught.value.rule, caught.value.check) == ("S1", "revoked")
    head, payload, signature = text.split(".")
    for lax in (f"{head}.{payload}=.{signature}", f"{head}.{payload}.{signature}=", f"{head}.{payload}.{signature}\n"):
        with pytest.raises(VerifyError) as caught:
            revoking(text, by=by).verify(lax, at=NOW)
        assert caught.value.rule in {"F2", "F5"}  # the form is wrong, or something else was signed


def test_what_is_not_on_the_list_passes() -> None:
    """The list refuses what it names, and nothing else."""
    first, other = (token(name) for name in ("one", "two"))
    assert revoking(first, by="id").verify(other, at=NOW).claims["jti"] == "two"


# draft-ietf-oauth-status-list, "Test vectors for Status List encoding": lists of 2^20 places.
SIZE = 2**20
ONE = (0, 1993, 25460, 159495, 495669, 554353, 645645, 723232, 854545, 934534, 1000345)
TWO = dict(zip(ONE, (1, 2, 1, 3, 1, 1, 2, 1, 1, 2, 3), strict=True))
FOUR = dict(zip(
    (0, 1993, 35460, 459495, 595669, 754353, 845645, 923232, 924445, 934534, 1004534, 1000345, 1030203, 1030204,
     1030205), range(1, 16), strict=True,
))
# The places of the statuses 0 to 255, in this order.
EIGHT = """
233478 52451 576778 513575 468106 292632 214947 182323 884834 66653 62489 196493 458517 487925 55649 416992
879796 462297 942059 583408 13628 334829 886286 713557 582738 326064 451545 705889 214350 194502 796765 202828 752834
721327 554740 91122 963483 261779 793844 165255 614839 758403 403258 145867 96100 477937 606890 167335 488197 211815
797182 582952 950870 765108 341110 776325 745056 439368 559893 149741 358903 513405 342679 969429 795775 566121 460566
680070 117310 480348 67319 661552 841303 561493 138807 442463 659927 445910 1046963 829700 962282 299623 555493 292826
517215 551009 898490 837603 759161 459948 290102 1034977 190650 98810 229950 320531 335506 885333 133227 806915 800313
981571 527253 24077 240232 559572 713399 233941 615514 911768 331680 951527 6805 552366 374660 223159 625884 417146
320527 784154 338792 1199 679804 1024680 40845 234603 761225 644903 502167 121477 505144 165165 179628 1019195 145149
263738 269256 996739 346296 555864 887384 444173 421844 653716 836747 783119 918762 946835 253764 519895 471224 134272
709016 44112 482585 461829 15080 148883 123467 480125 141348 65877 692958 148598 499131 584009 1017987 449287 277478
991262 509602 991896 853666 399318 197815 203278 903979 743015 888308 862143 979421 113605 206397 127113 844358 711569
229153 521470 401793 398896 940810 293983 884749 384802 584151 970201 523882 158093 929312 205329 106091 30949 195586
495723 348779 852312 1018463 1009481 448260 841042 122967 345269 794764 4520 818773 556171 954221 598210 887110 1020623
324632 398244 622241 456551 122648 127837 657676 119884 105156 999897 330160 119285 168005 389703 143699 142524 493258
846778 251420 516351 83344 171931 879178 663475 546865 428362 658891 500560 557034 830023 274471 629139 958869 663071
152133 19535
"""
# How each list of the draft begins, and how it ends: the last bytes are the checksum of all its places.
VECTORS = {
    1: (dict.fromkeys(ONE, 1), "eNrt3AENwCAMAEGogklACtKQPg9LugC9k_ACvreiogEAAKkeCQAA", "ACAZC8L2AEb"),
    2: (TWO, "eNrt2zENACEQAEEuoaBABP5VIO01fCjIHTMStt9ovGVIAAAAAABAbiEBAAAA", "AACoYUoAAAAAAAAAAAAAAEBqH81gAQw"),
    4: (FOUR, "eNrt0EENgDAQADAIHwImkIIEJEwCUpCEBBQRHOy35Li1EjoOQGab", "jsA9xMBMA"),
    8: (
        {int(place): status for status, place in enumerate(EIGHT.split())},
        "eNrt0WOQM2kYhtGsbdu2bdu2bdu2bdu2bdu2jVnU1my-SWYm6U5enFPVf7ue97orFYAo7CQBAACQuuckAABStqUE",
        "DQFotLAECz_gQ1PX-B",
    ),
}


@pytest.mark.parametrize("bits", VECTORS)
def test_the_vectors_of_the_draft(bits: int) -> None:
    """In each width: every place, by the checksum at the end of the draft's own list."""
    statuses, begins, ends = VECTORS[bits]
    made = packed(statuses, SIZE, bits)
    assert made["bits"] == bits
    assert made["lst"].startswith(begins)
    assert made["lst"].endswith(ends)


@pytest.mark.parametrize(("size", "bits", "statuses"), [(8, 3, {}), (0, 1, {}), (8, 1, {8: 1}), (8, 1, {1: 2})])
def test_a_list_that_cannot_be(size: int, bits: int, statuses: dict[int, int]) -> None:
    """Another width, no room, a place beyond the end, a status that does not fit."""
    with pytest.raises(UsageError):
        packed(statuses, size, bits)
