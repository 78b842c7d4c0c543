"""A policy of keys: a token that its key may not sign is contradicted (rule 3.6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from typing import Any

from counterfoil.model.reason import Reason
from counterfoil.tokens.entitlement import Entitlement, IssuerPattern, KeyState

from .cases import Case, Table, last
from .own_rows import BOTH, OWN, attested, minted, own_logs, received, signed
from .rows import Row, at

TENANT, OTHER = "11111111-2222-4333-8444-555555555555", "99999999-2222-4333-8444-555555555555"


def may(*issuers: str, **more: Any) -> Entitlement:
    """Return what a key may sign: anything for these issuers, unless more is said."""
    return Entitlement(issuers=(tuple(map(IssuerPattern.of, issuers)),), **more)


def seconds(minutes: float) -> float:
    """Return Unix seconds of a time of these tests."""
    return at(minutes).replace(tzinfo=UTC).timestamp()


KEYS = {
    "own": may(OWN),
    "consumer": may("https://login.consumer.example"),
    "template": may("https://login.example/{tenantid}"),
    "tenant": may(OWN, tenants=frozenset({TENANT})),
    "mail": may(OWN, audiences=frozenset({"api://Mail"})),
    "files": may(OWN, audiences=frozenset({"api://files"})),
    "old": may(OWN, sign_until=seconds(0)),
    "new": may(OWN, sign_from=seconds(100)),
    "now": may(OWN, sign_from=seconds(5), sign_until=seconds(5) + 1),
    "past": may(OWN, sign_until=seconds(5)),
    "blocked": may(OWN, state=KeyState.BLOCKED),
}
BARRED = ("contradicted", "key-not-entitled", "key-not-entitled")
UNKNOWN = ("uncovered", "no-issuer-log", None)
FINE = ("minted", "basis-digest", None)


def issued(key: str, **more: Any) -> list[Row]:
    """Return a token that ledger and custody hold, and its receipt."""
    return [*signed(minted(5, f"t-{key}", key_id=key)), received(10, f"t-{key}", key_id=key, **more)]


TOKENS: dict[str, tuple[list[Row], tuple[str, str, str | None]]] = {
    "a key that may sign it": (issued("own"), FINE),
    "a key of which the policy says nothing": (issued("unknown"), FINE),
    "a consumer key signed for the enterprise issuer": (issued("consumer"), BARRED),
    "never issued, and under a key of the wrong realm": ([received(10, "x", key_id="consumer")], BARRED),
    "a key for one tenant, and a token of another": (issued("tenant", token_tenant=OTHER), BARRED),
    "a key for one tenant, and a token of it": (issued("tenant", token_tenant=TENANT), FINE),
    "a key for one tenant, and a token that names none": (issued("tenant"), FINE),
    "a template of issuers, and a token that names no tenant": (issued("template"), FINE),
    "a template of issuers, and another tenant's issuer": (issued("template", token_tenant=TENANT), BARRED),
    "a key for one audience, in whatever case": (issued("mail"), FINE),
    "a key for one audience, and a token that names none": (issued("mail", resource=None), FINE),
    "a key for another audience": (issued("files"), BARRED),
    "signed in the very second of the key's window": (issued("now"), FINE),
    "signed at the end of the key's window": (issued("past"), BARRED),
    **{
        f"what its key may not sign bars no other token: {words}": (
            [received(9, "other", key_id=key) | wrong, *issued(key, **right)], FINE)
        for words, key, wrong, right in (
            ("another key's", "own", {"key_id": "consumer"}, Row()),
            ("another issuer's", "own", {"issuer": "https://other.example"}, Row()),
            ("another tenant's", "tenant", {"token_tenant": OTHER}, Row(token_tenant=TENANT)),
            ("another audience's", "mail", {"resource": "api://other"}, Row()))
    },
    "the token names no issuer": ([received(10, "x", issuer=None, key_id="own")], UNKNOWN),
    "the log tells a tenant, and no issuer": ([received(10, "x", issuer=f"entra:{TENANT}", key_id="own")], UNKNOWN),
    "signed after the key's window": (issued("old"), BARRED),
    "signed before the key's window": (issued("new"), BARRED),
    "a key that is blocked by now is no proof of what was then": (issued("blocked"), FINE),
}

CASES: Table = {
    f"a key signs what it may: {sentence}": Case(
        "3.6, 8.3", rows, last(Reason(reason), diagnosis=diagnosis), replace(attested(*BOTH), keys=KEYS),
        around=own_logs(), compared=False)
    for sentence, (rows, (_, reason, diagnosis)) in TOKENS.items()
}
