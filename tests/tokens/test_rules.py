"""Every rule, and every check of it, by a token that is genuine but for that one thing."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from counterfoil.errors import UsageError, VerifyError
from counterfoil.tokens import limits
from counterfoil.tokens.flow import BACKCHANNEL_LOGOUT, CLASSES, Binding
from counterfoil.tokens.keyset import KeySet
from counterfoil.tokens.policy import TokenPolicy
from counterfoil.tokens.presentation import Presentation
from counterfoil.tokens.rules import BY_CODE, RULES
from counterfoil.tokens.verifier import Verifier

from .making import (
    AUDIENCE,
    CONSUMER_ISSUER,
    CONSUMERS,
    ISSUER,
    LOGIN,
    NOW,
    OTHER_TENANT,
    SELF,
    TENANT,
    b64,
    claims,
    documents,
    encoded,
    header,
    jwk,
    key,
    policy,
    signed,
    token,
    verifier,
)

RENEWAL = Presentation(renewal=True)
MAY_2026 = int(datetime(2026, 5, 1, tzinfo=UTC).timestamp())


def _altered(text: str, part: int, change: Callable[[str], str]) -> str:
    parts = text.split(".")
    parts[part] = change(parts[part])
    return ".".join(parts)


def _nested(depth: int) -> object:
    return [] if depth == 1 else [_nested(depth - 1)]


def _many(count: int) -> dict[str, Any]:
    return {f"c{number}": 1 for number in range(count)}


def _unsigned(alg: str) -> str:
    return f"{encoded(header(alg=alg))}.{encoded(claims())}."


def _raw(payload: str) -> str:
    return signed(key("rsa"), header(), payload)


def _elsewhere(guid: str) -> str:
    return LOGIN.replace("{tenantid}", guid)


# What the row says -> (the rule and check that must refuse it, the token, how it is presented).
CASES: dict[str, tuple[str, str, Callable[[], Any], Presentation]] = {
    f"{rule} {check}: {sentence}": (rule, check, made, shown)
    for rule, check, sentence, made, *more in (
        ("F1", "token", "longer than a web server takes", lambda: token(pad="x" * limits.MAX_TOKEN_BYTES)),
        ("F1", "header", "a header longer than any", lambda: token(head={"pad": "x" * limits.MAX_HEADER_BYTES})),
        ("F1", "members", "more members than any", lambda: token(groups=[0] * limits.MAX_MEMBERS)),
        ("F1", "members", "more members at the top", lambda: token(**_many(1025))),
        ("F1", "depth", "nested deeper than any", lambda: token(deep=_nested(limits.MAX_DEPTH))),
        ("F1", "depth", "nested until a parser fails", lambda: _raw("[" * 6000)),
        ("F2", "compact", "two parts", lambda: token().rpartition(".")[0]),
        ("F2", "compact", "four parts", lambda: token() + ".x"),
        ("F2", "compact", "encrypted", lambda: token() + ".x.x"),
        ("F2", "compact", "other characters", lambda: token() + "\u00e9"),
        ("F2", "compact", "JSON serialization", lambda: json.dumps({"payload": "e30"})),
        ("F2", "compact", "nothing", lambda: ""),
        ("F2", "compact", "no token at all", lambda: None),
        ("F2", "base64url", "padding", lambda: _altered(token(), 0, lambda part: part + "=")),
        ("F2", "base64url", "base64 instead", lambda: _altered(token(), 0, lambda part: part[:-4] + "+///")),
        ("F2", "base64url", "a line break", lambda: token() + "\n"),
        ("F2", "base64url", "unused bits",
         lambda: _altered(token(), 2, lambda part: part[:-1] + chr(ord(part[-1]) + 1))),
        ("F2", "json", "a header that is no JSON", lambda: signed(key("rsa"), "{", claims())),
        ("F2", "json", "not a number", lambda: _raw('{"exp":NaN}')),
        ("F2", "object", "an array of claims", lambda: _raw("[1]")),
        ("F3", "member", "two issuers", lambda: _raw(encodable(claims(), ',"iss":"https://evil.example"'))),
        ("F3", "member", "one of the two in escapes", lambda: _raw(encodable(claims(), ',"\\u0069ss":"x"'))),
        ("F3", "member", "two names further in", lambda: _raw(encodable(claims(), ',"x":{"a":1,"a":1}'))),
        ("F3", "member", "two key ids", lambda: signed(key("rsa"), encodable(header(), ',"kid":"ec"'), claims())),
        ("F4", "crit", "an extension", lambda: token(head={"crit": ["exp"], "exp": 1})),
        ("F4", "crit", "an empty list", lambda: token(head={"crit": []})),
        ("F4", "b64", "unencoded, without crit", lambda: token(head={"b64": False})),
        ("F5", "signature", "other claims", lambda: _altered(token(), 1, lambda _: encoded(claims(sub="bob")))),
        ("F5", "signature", "none", lambda: _altered(token(), 2, lambda _: "")),
        ("F5", "signature", "another key's", lambda: signed(key("rsa-consumer"), header(), claims())),
        ("F5", "signature", "DER instead of R and S", lambda: _altered(ec_token(), 2, lambda _: b64(b"0" * 70))),
        ("V1", "known", "none", lambda: _unsigned("none")),
        ("V1", "known", "nOnE", lambda: _unsigned("nOnE")),
        ("V1", "known", "HS256 with the public key", lambda: _unsigned("HS256")),
        ("V1", "known", "no algorithm", lambda: signed(key("rsa"), header(alg=None), claims(), "RS256")),
        ("V1", "known", "an algorithm that is no text",
         lambda: signed(key("rsa"), header(alg=["RS256"]), claims(), "RS256")),
        ("V1", "bound", "one that the policy does not bind to it", lambda: token(head={"alg": "PS256"})),
        ("V1", "bound", "one of another type of key",
         lambda: signed(key("rsa"), header(alg="ES256"), claims(), "RS256")),
        ("V2", "kid", "no key id", lambda: signed(key("rsa"), headed(kid=None), claims())),
        ("V2", "kid", "a key id that is a number", lambda: signed(key("rsa"), headed(kid=7), claims())),
        ("V2", "kid", "a key id longer than any", lambda: signed(key("rsa"), header(kid="k" * 257), claims())),
        ("V2", "known", "an unknown key", lambda: signed(key("rsa-other"), header("rsa-other"), claims())),
        ("V2", "known", "a path as key id", lambda: signed(key("rsa"), header("../../dev/null"), claims())),
        ("V2", "state", "retired", lambda: token("rsa-retired")),
        ("V2", "state", "not in use yet", lambda: token("rsa-next")),
        ("V2", "state", "revoked in the key set", lambda: token("rsa-revoked")),
        ("V3", "end", "issued when the key's window closed", lambda: dated(MAY_2026)),
        ("V3", "start", "issued before the key's window", lambda: dated(1_767_225_599)),
        ("V4", "issuer", "2023: an organisation's token by the consumers' key", lambda: token("rsa-consumer")),
        ("V4", "issuer", "by the key of the service itself", lambda: token("rsa-self")),
        ("V4", "tenant", "another tenant than the key's",
         lambda: narrow(tid=OTHER_TENANT, iss=_elsewhere(OTHER_TENANT))),
        ("V4", "audience", "another audience than the key's", lambda: narrow(aud="api://files")),
        ("V5", "tid", "no tenant", lambda: token(tid=None)),
        ("V5", "guid", "a tenant that is no GUID", lambda: token(tid="contoso", iss=_elsewhere("contoso"))),
        ("V5", "guid", "a GUID in capitals", lambda: token(tid=CONSUMERS.upper(), iss=_elsewhere(CONSUMERS.upper()))),
        ("V5", "guid", "a GUID and more", lambda: token(tid=TENANT + "\n", iss=_elsewhere(TENANT + "\n"))),
        ("V5", "accepted", "a tenant that is not served",
         lambda: token(tid=OTHER_TENANT, iss=_elsewhere(OTHER_TENANT))),
        ("V7", "audience", "another service", lambda: token(aud="api://files")),
        ("V7", "audience", "another service besides", lambda: token(aud=[AUDIENCE, "api://files"])),
        ("V7", "audience", "nearly this service", lambda: token(aud=AUDIENCE + "/")),
        ("V8", "typ", "an ID token", lambda: token(head={"typ": "JWT"})),
        ("V8", "typ", "no type", lambda: token(head={"typ": None})),
        ("V8", "typ", "a type that is no text", lambda: token(head={"typ": ["at+jwt"]})),
        ("V9", "exp", "expired", lambda: token(exp=NOW - 60, iat=NOW - 600)),
        ("V9", "iat", "issued tomorrow", lambda: token(iat=NOW + 86400, exp=NOW + 86460, nbf=None)),
        ("V9", "nbf", "not valid yet", lambda: token(nbf=NOW + 61)),
        ("V9", "lifetime", "ten years", lambda: token(exp=NOW + 315_360_000)),
        ("V9", "lifetime", "a second more than an hour", lambda: token(iat=NOW - 1800, exp=NOW + 1801)),
        ("V9", "order", "expired when issued", lambda: token(iat=NOW, exp=NOW, nbf=None)),
        ("V10", "iss", "no issuer", lambda: token(iss=None)),
        ("V10", "iss", "a list of issuers", lambda: token(iss=[ISSUER])),
        ("V10", "exp", "no expiry", lambda: token(exp=None)),
        ("V10", "exp", "an expiry as a text", lambda: token(exp=str(NOW + 60))),
        ("V10", "exp", "an expiry as a truth value", lambda: token(exp=True)),
        ("V10", "exp", "an expiry after the last year", lambda: token(exp=limits.MAX_NUMERIC_DATE + 1)),
        ("V10", "exp", "an expiry before the first", lambda: token(exp=-1)),
        ("V10", "iat", "no time of issuance", lambda: token(iat=None)),
        ("V10", "nbf", "a beginning that is no time", lambda: token(nbf="now")),
        ("V10", "aud", "no audience", lambda: token(aud=None)),
        ("V10", "aud", "an empty list of audiences", lambda: token(aud=[])),
        ("V10", "aud", "an audience that is no text", lambda: token(aud=[AUDIENCE, 7])),
        ("V10", "sub", "no subject", lambda: token(sub=None)),
        ("V10", "sub", "a subject that is a number", lambda: token(sub=7)),
        ("V10", "jti", "no token id", lambda: token(jti=None)),
        ("V10", "sid", "no session, which the policy asks for", lambda: token(sid=None)),
        ("V11", "actor", "an actor who is not listed", lambda: token(act={"sub": "mallory"})),
        ("V11", "actor", "an actor without a name", lambda: token(act={})),
        ("V11", "actor", "an earlier actor who is not listed",
         lambda: token(act={"sub": "calendar", "act": {"sub": "m"}})),
        ("V11", "actor", "a listed subject of another client",
         lambda: token(act={"sub": "calendar", "client_id": "m"})),
        ("V11", "act", "an actor that is no object", lambda: token(act="calendar")),
        ("V11", "issuer", "an actor of another issuer",
         lambda: token(act={"sub": "calendar", "iss": "https://evil.example"})),
        ("V11", "issuer", "an actor of no issuer", lambda: token(act={"sub": "calendar", "iss": None})),
        ("V11", "issuer", "an earlier actor of another issuer",
         lambda: token(act={"sub": "calendar", "act": {"sub": "calendar", "iss": CONSUMER_ISSUER}})),
        ("V11", "tenant", "an actor of another tenant", lambda: token(act={"sub": "calendar", "tid": OTHER_TENANT})),
        ("V11", "chain", "more actors than any", lambda: token(act=_chain(limits.MAX_ACTORS + 1))),
        ("V11", "signed", "an unsigned actor token", lambda: token(actortoken=_unsigned("none"))),
        ("V11", "actortoken", "an actor token that is no text", lambda: token(actortoken={"sub": "calendar"})),
        ("V11", "tenant", "an actor token of another tenant", lambda: token(actortoken=actor(tid=OTHER_TENANT))),
        ("V11", "actor", "an actor token of somebody who is not listed",
         lambda: token(actortoken=actor(sub="mallory"))),
        ("V12", "proof", "bound to a key, shown as a bearer token", lambda: token(cnf={"jkt": "x"})),
        ("V12", "certificate", "bound to a certificate, shown without", lambda: token(cnf={"x5t#S256": "x"})),
        ("V12", "cnf", "bound to nothing", lambda: token(cnf={})),
        ("V12", "cnf", "bound by a text", lambda: token(cnf="x")),
        ("V12", "method", "bound in a way that is not implemented", lambda: token(cnf={"jwk": jwk("ec")})),
        ("V13", "issuer", "renewed by the service that issued it", lambda: token("rsa-self", iss=SELF), RENEWAL),
        ("V14", "jwk", "its own key", lambda: token(head={"jwk": jwk("rsa")})),
        ("V14", "jku", "where to fetch its key", lambda: token(head={"jku": "https://evil.example/jwks"})),
        ("V14", "x5u", "where to fetch its certificate", lambda: token(head={"x5u": "https://evil.example/pem"})),
        ("V14", "x5c", "its own certificate", lambda: token(head={"x5c": ["MIIB"]})),
    )
    for shown in (more or [Presentation()])
}


def encodable(members: dict[str, object], more: str) -> str:
    """Return JSON with more before the closing brace."""
    return json.dumps(members, separators=(",", ":"))[:-1] + more + "}"


def headed(**changes: Any) -> dict[str, Any]:
    """Return a header with any change, the key id included."""
    return {name: value for name, value in {**header(), **changes}.items() if value is not None}


def ec_token() -> str:
    """Return a genuine token of the EC key."""
    return token("ec", {"alg": "ES256"})


def dated(issued: int) -> str:
    """Return a token of the key with a window."""
    return token("rsa-dated", iat=issued, nbf=None, exp=issued + 60)


def narrow(**changes: Any) -> str:
    """Return a token of the key that is entitled to one tenant, audience and class."""
    return token("ec-narrow", {"alg": "ES256"}, **changes)


def actor(**changes: Any) -> str:
    """Return an actor token; its issuer is that of its tenant."""
    changes = {"sub": "calendar", "client_id": None, **changes}
    return token(iss=_elsewhere(str(changes.get("tid", TENANT))), **changes)


def _chain(length: int) -> dict[str, object]:
    return {"sub": "calendar"} if length == 1 else {"sub": "calendar", "act": _chain(length - 1)}


NO_LOGOUTS: dict[str, tuple[str, dict[str, Any]]] = {
    "with a nonce, as an ID token": ("nonce", {"nonce": "n-1"}),
    "with an empty nonce": ("nonce", {"nonce": ""}),
    "with another event": ("events", {"events": {"urn:other": {}}}),
    "without any event": ("events", {"events": {}}),
    "with events that are a text": ("events", {"events": BACKCHANNEL_LOGOUT}),
    "with events that are a list": ("events", {"events": [BACKCHANNEL_LOGOUT]}),
    "with events that are a truth value": ("events", {"events": True}),
    "with an event that is a text": ("events", {"events": {BACKCHANNEL_LOGOUT: "x"}}),
    "with another event that is none": ("events", {"events": {BACKCHANNEL_LOGOUT: {}, "urn:other": 1}}),
}


def told(name: str, **changes: Any) -> None:
    """Verify a token of a class of events."""
    judge = verifier(token_class=CLASSES[name], typ=frozenset({"logout+jwt", "jwt"}), required=())
    entitled = replace(judge._policy.keys.keys["ed"].entitlement, classes=frozenset({name}))
    keys = KeySet({"ed": replace(judge._policy.keys.keys["ed"], entitlement=entitled)})
    genuine = {"events": {BACKCHANNEL_LOGOUT: {}}, **changes}
    made = token("ed", {"alg": "EdDSA", "typ": "logout+jwt"}, **genuine)
    Verifier(TokenPolicy(keys, {"mail": judge.flow}), "mail").verify(made, at=NOW)


@pytest.mark.parametrize(("check", "changes"), NO_LOGOUTS.values(), ids=NO_LOGOUTS)
def test_what_is_no_logout_token_is_refused(check: str, changes: dict[str, Any]) -> None:
    """OpenID Connect Back-Channel Logout 1.0, 2.6: signed by the issuer, and still another kind of token."""
    with pytest.raises(VerifyError) as caught:
        told("logout", **changes)
    assert (caught.value.rule, caught.value.check) == ("V8", check)
    told("logout")


@pytest.mark.parametrize(
    ("events", "fits"),
    [({"urn:a": {}}, True), ({"urn:a": {"b": 1}, "urn:c": {}}, True), ({}, False), ("a", False), ({"a": None}, False)],
)
def test_a_security_event_has_events(events: object, fits: bool) -> None:
    """RFC 8417, 2.2: an object of objects; what they mean is the service's."""
    if fits:
        told("event", events=events)
    else:
        with pytest.raises(VerifyError, match="V8, events"):
            told("event", events=events)


# Rules that are looked at once the signature is known to be good. (F1 to F3 are looked at before and after.)
AFTER_SIGNATURE = {f"V{number}" for number in range(3, 14)}

# For a few checks, the flow must serve more than the one of the tests, so that nothing before them refuses.
OTHER_FLOWS: dict[str, dict[str, Any]] = {"V4 tenant": {"tenants": frozenset({"*"})}, "V4 audience": {"audiences": frozenset({"api://files"})}}


@pytest.mark.parametrize(("rule", "check", "made", "shown"), CASES.values(), ids=CASES)
def test_a_token_that_breaks_one_rule_is_refused_by_it(
    rule: str, check: str, made: Callable[[], Any], shown: Presentation
) -> None:
    """The refusal names the rule and the check; the same token without the fault is accepted (below)."""
    judge = verifier(**OTHER_FLOWS.get(f"{rule} {check}", {}))
    at = MAY_2026 - 60 if check == "end" else NOW
    at = 1_767_225_599 if check == "start" else at
    given = made()
    with pytest.raises(VerifyError) as caught:
        judge.verify(given, at=at, shown=shown)
    error = caught.value
    assert (error.rule, error.check) == (rule, check)
    assert error.code == next(known.code for known in RULES if known.id == rule)
    assert error.expected
    assert error.got
    assert error.hint
    assert error.source
    if rule not in {"F1", "F2", "F3"}:
        assert error.signature_verified == (rule in AFTER_SIGNATURE or (rule, check) == ("V2", "state"))



GENUINE: dict[str, Callable[[], str | bytes]] = {
    "RSA": token,
    "EC": ec_token,
    "Ed25519": lambda: token("ed", {"alg": "EdDSA"}),
    "as octets": lambda: token().encode(),
    "the key that is entitled to this cell only": narrow,
    "the issuer of the service itself, where nothing is renewed": lambda: token("rsa-self", iss=SELF),
    "spaces and escapes in claims": lambda: _raw(json.dumps(claims(), indent=1).replace("alice", "\\u0061lice")),
    "type in full, in capitals": lambda: token(head={"typ": "application/AT+JWT"}),
    "one audience in a list": lambda: token(aud=[AUDIENCE]),
    "a listed actor": lambda: token(act={"sub": "calendar"}),
    "a listed actor of the same issuer": lambda: token(act={"sub": "calendar", "iss": ISSUER}),
    "a listed actor of the same tenant": lambda: token(act={"client_id": "calendar", "tid": TENANT}),
    "as many actors as can be": lambda: token(act=_chain(limits.MAX_ACTORS)),
    "a signed actor token of the same tenant": lambda: token(actortoken=actor()),
    "times with fractions": lambda: token(iat=NOW - 0.5, nbf=None, exp=NOW + 60.25),
    "as deep as can be": lambda: token(deep=_nested(limits.MAX_DEPTH - 1)),
    "a clock that is a minute behind": lambda: token(iat=NOW + 60, nbf=NOW + 60, exp=NOW + 600),
    "expired within the leeway": lambda: token(exp=NOW - 59, iat=NOW - 600),
    "exactly an hour": lambda: token(iat=NOW - 1800, exp=NOW + 1800),
    "unknown header parameters": lambda: token(head={"x5t": "abc", "nonce": "n"}),
}


@pytest.mark.parametrize("made", GENUINE.values(), ids=GENUINE)
def test_a_genuine_token_is_accepted(made: Callable[[], str | bytes]) -> None:
    """The claims come back as they were signed; a second look at a known header gives the same."""
    judge = verifier()
    first, second = (judge.verify(made(), at=NOW) for _ in range(2))
    assert first.claims["sub"] == "alice"
    assert (first.tenant, first.audience, first.token_class) == (TENANT, (AUDIENCE,), "access")
    assert first.claims == second.claims
    assert first.header == second.header


def test_a_token_of_the_day_is_accepted_within_the_keys_window() -> None:
    """The window contains its first moment and not its end."""
    judge = verifier()
    for issued in (1_767_225_600, MAY_2026 - 1):
        assert judge.verify(dated(issued), at=issued).key_id == "rsa-dated"


def test_the_authorization_servers_token_may_be_renewed() -> None:
    """The silent case of V13."""
    assert verifier().verify(token(), at=NOW, shown=RENEWAL).issuer == ISSUER


def test_the_consumers_realm_is_never_reached_through_a_template() -> None:
    """An organisations' key does not sign for consumers, nor is `{tenantid}` their tenant, though the text fits."""
    open_policy = TokenPolicy.from_toml(
        f"""schema = "counterfoil.token-policy/1"
        [[keys]]
        file = "common.json"
        classes = ["access"]
        algorithms = ["RS256"]
        issuers = ["{LOGIN}", "{CONSUMER_ISSUER}"]
        [[flow]]
        name = "all"
        class = "access"
        issuers = ["{LOGIN}", "{CONSUMER_ISSUER}"]
        tenants = ["*"]
        audiences = ["{AUDIENCE}"]
        """, documents(),
    )
    judge = Verifier(open_policy)
    consumer: dict[str, Any] = {"iss": CONSUMER_ISSUER, "tid": CONSUMERS}
    assert judge.verify(token("rsa-consumer", **consumer), at=NOW).tenant == CONSUMERS
    with pytest.raises(VerifyError, match=r"V4, issuer"):
        judge.verify(token("rsa", **consumer), at=NOW)
    with pytest.raises(VerifyError, match=r"V5, issuer"):
        judge.verify(token("rsa-consumer", iss=CONSUMER_ISSUER, tid=TENANT), at=NOW)


def test_any_tenant_is_still_a_tenant() -> None:
    """Where any tenant is served, the mark for that is no tenant itself."""
    for tenant in ("*", "contoso"):
        with pytest.raises(VerifyError, match="V5, guid"):
            verifier("dpop").verify(token(tid=tenant, iss=_elsewhere(tenant)), at=NOW)


def test_an_issuer_that_only_the_keys_allow_is_refused() -> None:
    """V6 breaks alone: key and tenant are in order, the flow does not know the issuer."""
    judge = verifier(issuers=policy().flow("mail").issuers[1:])
    with pytest.raises(VerifyError) as caught:
        judge.verify(token(), at=NOW)
    assert (caught.value.rule, caught.value.check, caught.value.signature_verified) == ("V6", "issuer", True)


def test_a_class_that_the_key_is_not_entitled_to_is_refused() -> None:
    """V4, class: the key for access tokens signs an ID token."""
    judge = verifier("actor")
    with pytest.raises(VerifyError) as caught:
        judge.verify(narrow(), at=NOW)
    assert (caught.value.rule, caught.value.check) == ("V4", "class")


def test_claims_that_tell_the_class_must_have_their_values() -> None:
    """V8, claims: version 1 where version 2 is accepted, or none."""
    judge = verifier(claims={"ver": frozenset({"2.0"})})
    assert judge.verify(token(ver="2.0"), at=NOW)
    others: tuple[dict[str, Any], ...] = ({"ver": "1.0"}, {}, {"ver": 2.0})
    for changes in others:
        with pytest.raises(VerifyError, match="V8, ver"):
            judge.verify(token(**changes), at=NOW)


def test_a_flow_may_insist_on_binding() -> None:
    """V12, required: a bearer token where bound ones are asked for, in each way of asking."""
    for binding in (Binding.REQUIRED, Binding.DPOP, Binding.MTLS):
        with pytest.raises(VerifyError, match="V12, required"):
            verifier(binding=binding).verify(token(), at=NOW)


def test_an_actor_token_needs_a_flow_of_its_own() -> None:
    """V11, actortoken: a flow that names no flow for actor tokens takes none."""
    with pytest.raises(VerifyError, match="V11, actortoken"):
        verifier(actor_flow=None).verify(token(actortoken=actor()), at=NOW)


def test_a_key_that_died_is_refused_though_its_header_is_known() -> None:
    """What is remembered of a header is never the answer: a new policy, another time and another payload count."""
    judge = verifier()
    assert judge.verify(dated(MAY_2026 - 10), at=MAY_2026 - 10)
    with pytest.raises(VerifyError, match="V3, end"):
        judge.verify(dated(MAY_2026 + 10), at=MAY_2026 + 10)
    with pytest.raises(VerifyError, match="F5"):
        judge.verify(dated(MAY_2026 - 10)[:-8] + "AAAAAAAA", at=MAY_2026 - 10)


REALMS: dict[str, dict[str, Any]] = {
    "V5, accepted": {"tid": OTHER_TENANT}, "V4, issuer": {"iss": SELF},
    "V5, tid": {"tid": None}, "V5, guid": {"tid": TENANT.upper()},
    "V7, audience": {"aud": [AUDIENCE, "https://another.example"]},
}


@pytest.mark.parametrize("told", REALMS)
def test_what_was_allowed_under_a_header_allows_nothing_else(told: str) -> None:
    """V4 to V7: issuer, tenant and audiences of a verified token are remembered together; another one is judged."""
    judge = verifier()
    for changes in ({}, REALMS[told], {}):
        if changes:
            with pytest.raises(VerifyError, match=told):
                judge.verify(token(**changes), at=NOW)
        else:
            assert judge.verify(token(), at=NOW).tenant == TENANT


def test_remembered_realms_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Audiences that differ do not fill the memory."""
    monkeypatch.setattr("counterfoil.tokens.verifier.MAX_CACHED_REALMS", 2)
    judge = verifier(audiences=frozenset({AUDIENCE, SELF}))
    for audience in ([AUDIENCE], [AUDIENCE, AUDIENCE], [AUDIENCE] * 3, [AUDIENCE] * 4):
        judge.verify(token(aud=audience), at=NOW)
    (known,) = judge._headers.values()
    assert 0 < len(known.passed) <= 2


def test_remembered_headers_are_bounded() -> None:
    """Headers that differ do not fill the memory, and only headers of verified tokens are kept."""
    judge = verifier()
    for number in range(limits.MAX_CACHED_HEADERS + 5):
        judge.verify(token("ec", {"alg": "ES256", "n": number}), at=NOW)
    assert 0 < len(judge._headers) <= limits.MAX_CACHED_HEADERS
    before = len(judge._headers)
    with pytest.raises(VerifyError):
        judge.verify(token(sub=None, head={"n": "refused"}), at=NOW)
    assert len(judge._headers) == before


@pytest.mark.parametrize("at", [float("nan"), float("inf"), float("-inf")])
def test_a_clock_that_tells_no_time_refuses(at: float) -> None:
    """A comparison with what is no number is false, and false refuses."""
    with pytest.raises(VerifyError, match="V9"):
        verifier().verify(token(), at=at)


def test_time_comes_as_seconds_or_with_an_offset() -> None:
    """A datetime without offset is a mistake of the caller's, not of the token."""
    assert verifier().verify(token(), at=datetime.fromtimestamp(NOW, UTC)).subject == "alice"
    with pytest.raises(UsageError, match="offset"):
        verifier().verify(token(), at=datetime(2026, 5, 28))  # noqa: DTZ001  # the mistake


def test_what_was_looked_at_besides_is_told() -> None:
    """For receipts: binding, actors and renewal stand beside the rules for every token."""
    judge = verifier()
    assert judge.verify(token(), at=NOW).also == ()
    assert judge.verify(token(act={"sub": "calendar"}), at=NOW, shown=RENEWAL).also == ("V13", "V11")


def test_verified_values_cannot_be_changed() -> None:
    """Claims, header and what is inside them are frozen."""
    found = verifier().verify(token(act={"sub": "calendar"}, roles=[["a"]]), at=NOW)
    inside: list[Any] = [found.claims, found.claims["act"], found.claims["roles"][0], found.header]
    for held in inside:
        with pytest.raises(TypeError):
            held["sub"] = "bob"
    assert found.claims["roles"] == (("a",),)


def test_no_refusal_or_representation_holds_the_token() -> None:
    """Neither the token, nor its signature, nor a nested token reaches an error, a representation or a text."""
    secrets = [token(sub=None), token(exp=NOW - 999, iat=NOW - 1000), token(actortoken=actor(sub="mallory"))]
    for secret in secrets:
        with pytest.raises(VerifyError) as caught:
            verifier().verify(secret, at=NOW)
        error = caught.value
        told = " ".join([str(error), repr(error), *map(str, vars(error).values())])
        assert not [part for part in secret.split(".") if part in told]
    good = token(actortoken=actor())
    assert not [part for part in good.split(".") if part in repr(verifier().verify(good, at=NOW))]


def _chain_of(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and all that it came from, those that are not shown included."""
    seen: list[BaseException] = []
    todo = [error]
    while todo:
        one = todo.pop()
        if one is not None and one not in seen:
            seen.append(one)
            todo += [one.__cause__, one.__context__]
    yield from seen


@pytest.mark.parametrize(("made", "shown"), [case[2:] for case in CASES.values()], ids=CASES)
def test_no_exception_in_the_chain_holds_the_token(made: Callable[[], Any], shown: Presentation) -> None:
    """Neither as argument nor as attribute: decoders keep what they could not read, in `object` and `doc`."""
    given = made()
    with pytest.raises(VerifyError) as caught:
        verifier().verify(given, at=NOW, shown=shown)
    octets = given if isinstance(given, bytes) else str(given).encode("utf-8", "replace")
    pieces = [octets[place : place + 24] for place in range(0, len(octets) - 24, 12)]
    for one in _chain_of(caught.value):
        assert not hasattr(one, "object")
        assert not hasattr(one, "doc")
        told = repr([one.args, vars(one)]).encode()
        assert not [piece for piece in pieces if piece in told], type(one)


def test_a_token_with_a_foreign_character_is_in_no_exception() -> None:
    """Nor is a proof, nor a counter-signature: they are asked for their alphabet before anything encodes them."""
    for text in (token() + "\u00e9", token().replace(".", ".\u00e9", 1)):
        with pytest.raises(VerifyError, match="F2, compact") as caught:
            verifier().verify(text, at=NOW)
        assert [type(one) for one in _chain_of(caught.value)] == [VerifyError]


@pytest.mark.parametrize("at", [None, "now", True, [], "2026-01-01"])
def test_what_is_no_time_is_our_error(at: Any) -> None:
    """A clock that failed is a mistake of the caller's, told as one."""
    with pytest.raises(UsageError, match="at: "):
        verifier().verify(token(), at=at)


def test_a_refusal_survives_another_process() -> None:
    """Verified in a pool of processes, it comes back as it was."""
    with pytest.raises(VerifyError) as caught:
        verifier().verify(token("rsa-retired"), at=NOW)
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301  # our own
    assert vars(again) == vars(caught.value)
    assert str(again) == str(caught.value)


def test_claims_can_be_had_as_plain_values() -> None:
    """For those who pass them on as JSON."""
    found = verifier().verify(token(act={"sub": "calendar"}, roles=[["a"]]), at=NOW)
    assert json.dumps(found.plain_claims()) == json.dumps(claims(act={"sub": "calendar"}, roles=[["a"]]))


def test_the_rules_are_all_tested() -> None:
    """Every numbered rule has a row above or a test by its name, and a code of its own."""
    elsewhere = {"V6", "S1", "A1", "V15", "B1"}  # V15: in tests/mint; B1: in test_blocklist
    tested = {rule for rule, *_ in CASES.values()} | elsewhere
    assert tested == {rule.id for rule in RULES}
    assert len(BY_CODE) == len(RULES)
    assert [rule.id for rule in RULES if rule.id.startswith("V")] == [f"V{number}" for number in range(1, 16)]
    assert policy().keys.unusable == {}
