"""Random and mangled input: nothing but our own error comes out, and nothing that was mangled is accepted.

The quick run is part of the tests; `pytest -m slow tests/tokens/test_fuzz.py` goes on for five minutes.
"""

from __future__ import annotations

import base64
import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from counterfoil.errors import PolicyError, VerifyError
from counterfoil.tokens.decoded import decoded, showable
from counterfoil.tokens.policy import TokenPolicy
from counterfoil.tokens.presentation import DpopRequest, Presentation
from counterfoil.tokens.saml import SamlVerifier

from .making import NOW, POLICY, claims, header, jwk, key, signed, token, unb64, verifier
from .test_dpop import JKT, proof
from .test_encoding import OBJECTS, VALUES
from .test_saml import assertion, genuine, response
from .test_saml import verifier as saml_verifier
from .test_status import listed, referring

SLOW_SECONDS = 300
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
FLOWS = ("mail", "actor", "checked", "asked", "dpop", "lists")
# Headers and claims that occur, so that random values come at the places that are looked at.
HEADERS = st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "jku", "x5c", "x5u", "cty", "zip"])
CLAIMS = st.sampled_from(
    ["iss", "aud", "sub", "exp", "iat", "nbf", "jti", "tid", "sid", "act", "actortoken", "cnf", "status", "uti",
     "client_id", "status_list", "ttl", "ver"]
)
TREES = st.sampled_from(
    [{"jkt": "x"}, {"x5t#S256": 1}, {"sub": "calendar"}, {"status_list": {"idx": 0, "uri": "u"}},
     {"bits": 1, "lst": "eNo"}]
)


def judged(flow: str, given_token: str | bytes, shown: Presentation) -> bool:
    """Return whether a token is accepted; anything but VerifyError is a failure of the test."""
    try:
        verifier(flow).verify(given_token, at=NOW, shown=shown)
    except VerifyError as error:
        assert str(error).isprintable() or error.got  # it can be told
        return False
    return True


def mangled(text: str) -> st.SearchStrategy[str]:
    """Return a strategy of texts that differ from `text` in one place."""
    place = st.integers(0, max(len(text) - 1, 0))
    char = st.sampled_from("AZaz09-_.=+/ \n\"\\{}\u00e9")
    return st.one_of(
        st.builds(lambda at, new: text[:at] + new + text[at + 1 :], place, char),
        st.builds(lambda at, new: text[:at] + new + text[at:], place, char),
        st.builds(lambda at: text[:at] + text[at + 1 :], place),
        st.builds(lambda at: text[:at], place),
        st.builds(lambda at, to: text[:at] + text[to:], place, place),
    )


def any_bytes(data: st.DataObject) -> None:
    """Octets and texts of any kind are refused, as a token and as all that may come with one."""
    given_token = data.draw(st.binary(max_size=300) | st.text(max_size=300))
    assert not judged(data.draw(st.sampled_from(FLOWS)), given_token, Presentation())
    noise = data.draw(st.binary(max_size=120))
    shown = Presentation(certificate=noise, status_list=noise, introspection=noise, renewal=data.draw(st.booleans()))
    for flow, good in (("checked", referring()), ("asked", token()), ("mail", token(cnf={"x5t#S256": "x"}))):
        judged(flow, good, shown)
    request = DpopRequest(data.draw(st.text(max_size=200)), "GET", data.draw(st.text(max_size=40)))
    assert not judged("mail", token(cnf=JKT), Presentation(dpop=request))
    with suppress(VerifyError):
        showable(decoded(given_token).claims)


def mangled_token(data: st.DataObject) -> None:
    """Tokens with one place changed are refused, whatever the place."""
    good = token()
    bad = data.draw(mangled(good))
    assert judged("mail", bad, Presentation()) == (bad == good)


def random_members(data: st.DataObject) -> None:
    """Signed tokens with any value at any known place: refused or accepted, and no other error."""
    head: dict[str, Any] = {**header(), **data.draw(st.dictionaries(HEADERS, VALUES, max_size=2))}
    said = {**claims(), **data.draw(st.dictionaries(CLAIMS, VALUES | TREES, max_size=3))}
    made = signed(key("ec"), {**head, "kid": "ec"}, said, "ES256")
    made_right = signed(key("ec"), header("ec", alg="ES256"), said, "ES256")
    for flow in FLOWS:
        judged(flow, made, Presentation())
        judged(flow, made_right, Presentation(status_list=listed([0]), introspection=b'{"active":true}'))


def random_proofs(data: st.DataObject) -> None:
    """DPoP proofs with any value at any place, and status lists and responses with any members."""
    bound = token(cnf=JKT)
    names = st.sampled_from(["jti", "htm", "htu", "iat", "ath", "nonce"])
    changes = data.draw(st.dictionaries(names, VALUES, max_size=2))
    head = data.draw(st.dictionaries(st.sampled_from(["typ", "alg", "jwk", "kid", "crit"]), VALUES, max_size=1))
    try:
        made = proof(bound, head=head, **{name: value for name, value in changes.items() if name != "iat"})
    except (TypeError, AttributeError, ValueError, KeyError):
        return  # the maker, not the verifier
    judged("mail", bound, Presentation(dpop=DpopRequest(made, "GET", "https://mail.example/messages")))
    judged("asked", token(), Presentation(introspection=json.dumps(data.draw(OBJECTS)).encode()))
    told: dict[str, Any] = data.draw(st.dictionaries(CLAIMS, VALUES | TREES, max_size=2))
    judged("checked", referring(), Presentation(status_list=listed([0], 1, **told)))


def random_documents(data: st.DataObject) -> None:
    """Key sets and policies of any content: PolicyError, or a policy."""
    names = ["kty", "n", "e", "x", "y", "crv", "alg", "use", "key_ops", "kid", "x5c", "issuer", "exp", "iat", "revoked"]
    members = data.draw(st.dictionaries(st.sampled_from(names), VALUES, max_size=3))
    der = base64.b64encode(data.draw(st.binary(max_size=60)))
    base = data.draw(st.sampled_from([jwk("rsa"), jwk("ec"), jwk("ed")]))
    document = data.draw(st.sampled_from([
        json.dumps({"keys": [{**base, **members}]}).encode(), json.dumps({"keys": data.draw(VALUES)}).encode(),
        data.draw(st.binary(max_size=80)),
        b"-----BEGIN CERTIFICATE-----\n" + der + b"\n-----END CERTIFICATE-----",
    ]))
    text = data.draw(st.just(POLICY) | mangled(POLICY))
    try:
        TokenPolicy.from_toml(text, {"common.json": document})
    except PolicyError as error:
        assert str(error)


def mangled_assertion(data: st.DataObject) -> None:
    """SAML with one place changed, and any XML and any octets."""
    good = response(genuine())
    bad = data.draw(mangled(good) | st.text(max_size=200) | mangled(assertion()))
    saml: SamlVerifier = saml_verifier()
    try:
        found = saml.verify(bad.encode("utf-8", "surrogatepass"), at=NOW)
    except VerifyError:
        return
    assert found.claims == saml.verify(good.encode(), at=NOW).claims  # what is not signed may change, claims may not


TARGETS = (any_bytes, mangled_token, random_members, random_proofs, random_documents, mangled_assertion)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.__name__)
def test_nothing_but_our_own_error_comes_out(target: Any) -> None:
    """A few dozen inputs of each kind."""
    QUICK(given(st.data())(target))()


@pytest.mark.slow
@pytest.mark.timeout(SLOW_SECONDS * 2)
def test_nothing_but_our_own_error_comes_out_in_five_minutes() -> None:
    """All kinds in turns, with fresh random numbers each time, for five minutes."""
    end, runs = time.monotonic() + SLOW_SECONDS, 0
    longer = settings(QUICK, max_examples=400, database=None)
    while time.monotonic() < end:
        for target in TARGETS:
            longer(given(st.data())(target))()
            runs += 400
    assert runs > 0


def test_every_single_bit_of_the_signature_counts() -> None:
    """Each bit of header, claims and signature: the token with that bit turned is refused."""
    good = token("ec", {"alg": "ES256"})
    head, body, tail = (bytearray(unb64(part)) for part in good.split("."))
    for part, octets in enumerate((head, body, tail)):
        for place in range(len(octets)):
            octets[place] ^= 1 << (place % 8)
            parts = [base64.urlsafe_b64encode(bytes(one)).rstrip(b"=").decode() for one in (head, body, tail)]
            octets[place] ^= 1 << (place % 8)
            assert not judged("mail", ".".join(parts), Presentation()), (part, place)
