"""All vectors of Wycheproof for JWS and JWK, run at that layer and accounted for one by one.

`valid` vectors that are refused on purpose stand below by number, with the reason. An `invalid` vector that is
accepted is a failure, without exception.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from counterfoil.errors import PolicyError, VerifyError
from counterfoil.tokens import jws
from counterfoil.tokens.encoding import from_translated
from counterfoil.tokens.entitlement import Entitlement, IssuerPattern
from counterfoil.tokens.keyset import Grant, KeySet, from_document

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "wycheproof"
GRANT = Grant(Entitlement(issuers=((IssuerPattern.of("https://wycheproof.example"),),)))

needed = pytest.mark.skipif(not FOLDER.exists(), reason="../shared/data/wycheproof is absent")

# json_web_signature_test.json: `valid`, and refused here.
REFUSED_SIGNATURES: Mapping[str, frozenset[int]] = {
    "HS256: a symmetric key; public keys are all that is taken": frozenset({1, 348, 352, 357, 358, 359, 376, 377}),
    "lax base64url: unused bits that are not zero (and HS256)": frozenset({372, 373}),
    "PS384 by a key whose JWK says PS256": frozenset({346, 350}),
    "ES512 by a key whose JWK says ES521, which is no algorithm": frozenset({347, 351}),
}
# json_web_key_test.json: `valid`, and refused here.
REFUSED_KEYS: Mapping[str, frozenset[int]] = {
    "HS256, HS384, HS512: a symmetric key in a key set": frozenset({2, 13, 14, 15}),
}


def vectors(name: str) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Yield every vector with its group."""
    for group in json.loads((FOLDER / name).read_text("utf-8"))["testGroups"]:
        for vector in group["tests"]:
            yield group, vector


def outcome(keys: list[Mapping[str, Any]], token: object) -> str:
    """Return "accepted", or why the key set or the token was refused; anything else that is raised is a failure."""
    text = token if isinstance(token, str) else json.dumps(token)
    try:
        known: KeySet = from_document(json.dumps({"keys": keys}).encode(), GRANT, "vectors")
        if any("stolen" in why for why in known.unusable.values()):
            return "key set: secret material"
        parts = jws.compact(text)
        named = jws.known_header(parts, known)
        jws.signed(parts, named.check, named.key.id)
        from_translated(parts.payload, "the payload")
    except PolicyError as error:
        return f"key set: {error}"
    except VerifyError as error:
        return f"{error.rule} {error.check}"
    return "accepted"


def refused(known: Mapping[str, frozenset[int]]) -> frozenset[int]:
    """Return all numbers of a table."""
    return frozenset().union(*known.values())


def public(key: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the public part of an asymmetric key that the vectors give with its private part only."""
    return {name: value for name, value in key.items() if name not in {"d", "p", "q", "dp", "dq", "qi"}}


@needed
def test_all_401_signature_vectors_are_judged() -> None:
    """Every `invalid` one is refused, every `valid` one accepted but for those listed."""
    judged = {"accepted": 0, "refused": 0, "refused on purpose": 0}
    for group, vector in vectors("json_web_signature_test.json"):
        key = group.get("public") or group["private"]
        found, number = outcome([key], vector["jws"]), vector["tcId"]
        if vector["result"] == "valid" and number not in refused(REFUSED_SIGNATURES):
            assert found == "accepted", (number, vector["comment"])
            judged["accepted"] += 1
        else:
            assert found != "accepted", (number, vector["comment"])
            judged["refused" if vector["result"] == "invalid" else "refused on purpose"] += 1
    assert judged == {"accepted": 32, "refused": 355, "refused on purpose": 14}


@needed
def test_all_26_key_vectors_are_judged() -> None:
    """Key sets that are weak, mixed, ambiguous or of the wrong use let no token through."""
    judged = {"accepted": 0, "refused": 0, "refused on purpose": 0}
    for group, vector in vectors("json_web_key_test.json"):
        keys = (group.get("public") or group["private"])["keys"]
        found, number = outcome(keys, vector["jws"]), vector["tcId"]
        if vector["result"] == "valid" and number not in refused(REFUSED_KEYS):
            assert found == "accepted", (number, vector["comment"], found)
            judged["accepted"] += 1
        else:
            assert found != "accepted", (number, vector["comment"])
            judged["refused" if vector["result"] == "invalid" else "refused on purpose"] += 1
    assert judged == {"accepted": 1, "refused": 21, "refused on purpose": 4}


@needed
def test_what_is_refused_on_purpose_is_refused_for_the_reason_told() -> None:
    """The symmetric ones for the key; the others because key and token differ, and would pass if they agreed."""
    for group, vector in vectors("json_web_signature_test.json"):
        number, key = vector["tcId"], group.get("public") or group["private"]
        if number in refused(REFUSED_SIGNATURES):
            symmetric = key["kty"] == "oct"
            assert outcome([key], vector["jws"]).startswith("key set: " if symmetric else "V"), number
            if not symmetric:
                right = {**key, "alg": {"RSA": "PS384", "EC": "ES512"}[key["kty"]]}
                assert outcome([right], vector["jws"]) == "accepted", number


@needed
def test_lax_base64url_is_refused_whatever_the_key() -> None:
    """The vectors on base64 have symmetric keys: their text alone is refused too, by F2, where it is not exact."""
    # 367 and 370 speak of padding, and hold the same text as 357, which is exact.
    lax = {360, 361, 362, 363, 364, 365, 366, 368, 369, 371, 372, 373, 374, 375}
    judged = set()
    for _, vector in vectors("json_web_signature_test.json"):
        if vector["tcId"] in lax:
            with pytest.raises(VerifyError) as caught:
                parts = jws.compact(vector["jws"])
                for part in (parts.header, parts.payload, parts.signature):
                    from_translated(part, "the part")
            assert caught.value.rule == "F2"
            judged.add(vector["tcId"])
    assert judged == lax


@needed
def test_private_keys_are_refused_where_public_ones_belong() -> None:
    """Also asymmetric ones: whoever publishes a private key has lost it."""
    for group, _ in vectors("json_web_signature_test.json"):
        assert outcome([group["private"]], "a.b.c").startswith("key set: ")
