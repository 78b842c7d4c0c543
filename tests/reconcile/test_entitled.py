"""A policy of keys: a token that its key may not sign is contradicted (rule 3.6)."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest

from counterfoil.tokens.entitlement import Entitlement, IssuerPattern, KeyState

from .engine_run import Judge
from .own_rows import BOTH, OWN, attested, minted, own_logs, received, signed
from .reference import Policy, Settings
from .rows import Row, at, numbered

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
    "blocked": may(OWN, state=KeyState.BLOCKED),
}
BARRED = ("contradicted", "key-not-entitled", "key-not-entitled")
FINE = ("minted", "basis-digest", None)


def issued(key: str, **more: Any) -> list[Row]:
    """Return a token that ledger and custody hold, and its receipt."""
    return [*signed(minted(5, f"t-{key}", key_id=key)), received(10, f"t-{key}", key_id=key, **more)]


CASES: dict[str, tuple[list[Row], tuple[str, str, str | None]]] = {
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
    "a key for another audience": (issued("files"), BARRED),
    "signed after the key's window": (issued("old"), BARRED),
    "signed before the key's window": (issued("new"), BARRED),
    "a key that is blocked by now is no proof of what was then": (issued("blocked"), FINE),
}  # fmt: skip


@pytest.fixture(scope="module")
def told(engine_judge: Judge) -> dict[str, tuple[str, str, str | None]]:
    """Return what one run says of the token of each case, by its id."""
    rows: list[Row] = []
    for place, (case, _) in enumerate(CASES.values()):
        for row in case:
            names = [name for name in ("token_id", "signing_input_digest") if row.get(name)]
            rows.append(row | {name: f"{row[name]}.{place}" for name in names})
    settings = Settings(attested=attested(*BOTH).attested, keys=KEYS)
    answer = engine_judge(numbered([*own_logs(), *rows]), settings, Policy())
    found = {row["token_id"].rpartition(".")[2]: row for row in answer.tokens}
    rows_of = [found[str(place)] for place in range(len(CASES))]
    return {
        case: (row["verdict"], row["reason"], row["diagnosis"]) for case, row in zip(CASES, rows_of, strict=True)
    }


@pytest.mark.parametrize("case", CASES)
def test_a_key_signs_what_it_may(told: dict[str, tuple[str, str, str | None]], case: str) -> None:
    """3.6, 8.3: verdict, reason and diagnosis."""
    assert told[case] == CASES[case][1]
