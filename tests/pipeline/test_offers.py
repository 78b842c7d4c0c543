"""What the report proposes to declare: only what the same rules would accept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from counterfoil.model.coverage import Offer
from counterfoil.pipeline.offers import offered
from counterfoil.reconcile.asked import Asked
from counterfoil.reconcile.declared import Extent, LogFacts, Part, coverage
from counterfoil.reconcile.policy import Policy
from counterfoil.sources.registry import logs

OURS, THEIRS, OTHERS = "entra:ours", "entra:theirs", "entra:others"
INTERACTIVE, PRINCIPAL = "interactive", "service-principal"
BEGIN = datetime.fromisoformat("2026-03-01")


def facts(days: int, *parts: tuple[str, str], truncated: Mapping[str, str] | None = None) -> LogFacts:
    """Return facts of logs of so many days; ours and theirs are own issuers, others are not."""
    end = BEGIN + timedelta(days=days)
    daily = {(BEGIN + timedelta(days=day)).date(): 5 for day in range(days)}
    extents = {Part(issuer, "entra-signin", kind): Extent(BEGIN, end, daily) for issuer, kind in parts}
    return LogFacts(extents, frozenset({OURS, THEIRS}), truncated=truncated or {}, logs=logs())


@pytest.mark.parametrize(
    ("known", "offers"),
    [
        pytest.param(facts(9, (OURS, INTERACTIVE)), [Offer("entra-signin", INTERACTIVE, (OURS,))], id="whole"),
        pytest.param(facts(2, (OURS, INTERACTIVE)), [Offer("entra-signin", INTERACTIVE, (OURS,), dated=True)],
                     id="shorter than records may be late"),
        pytest.param(facts(9, (OURS, INTERACTIVE), truncated={"entra-signin": "row cap"}), [], id="cut off"),
        pytest.param(facts(9, (OTHERS, INTERACTIVE)), [], id="another tenant's"),
        pytest.param(facts(9, (OURS, INTERACTIVE), (THEIRS, PRINCIPAL)), [], id="one tenant lacks the other's kind"),
        pytest.param(facts(9, (OURS, INTERACTIVE), (THEIRS, INTERACTIVE)),
                     [Offer("entra-signin", INTERACTIVE, (OURS, THEIRS))], id="of two tenants"),
    ],
)
def test_only_what_would_be_accepted_is_proposed(known: LogFacts, offers: list[Offer]) -> None:
    """A part is offered with its tenants; one that would be refused, for whatever reason, is not."""
    rows = coverage((), None, known, Policy())
    assert list(offered(rows, Asked(), known, Policy())) == offers
