"""What `counterfoil lab run` can run: the flaws of the estate, the attackers, and what they do to logs afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import MappingProxyType

from counterfoil.lab.estate import attackers
from counterfoil.lab.estate.settings import Flaw, Realm
from counterfoil.lab.estate.world import World


@dataclass(frozen=True)
class Scenario:
    """One run. `tamper`: what the insider does to the ledger afterwards: append or rewrite.

    `policy`: the hunt is told which key may sign what.
    """

    name: str
    summary: str
    attacks: tuple[Callable[[World], None], ...]
    flaws: frozenset[Flaw] = frozenset()
    tamper: str = ""
    countersigned: bool = False
    policy: bool = False

    def strict(self) -> Scenario:
        """Return the same attack on services without flaws; the thief tries with the right realm's key as well."""
        return replace(self, flaws=frozenset(), attacks=(*self.attacks, attackers.right_realm))

    def with_countersignature(self) -> Scenario:
        """Return the same attack on services without flaws that want every token counter-signed."""
        return replace(self.strict(), countersigned=True)


_2023 = frozenset({Flaw.MERGED_KEYS, Flaw.DEAD_KEYS, Flaw.SELF_RENEWAL, Flaw.UNPINNED})
_STORM = (attackers.wrong_realm, attackers.launder)


def _launder_own(world: World) -> None:
    """Launder what the organisation's own key signed."""
    attackers.launder(world, Realm.ORG)


SCENARIOS = MappingProxyType({
    scenario.name: scenario
    for scenario in (
        Scenario("storm-0558", "a stolen consumer key opens the organisation's mail, and forged tokens are renewed",
                 _STORM, _2023),
        Scenario("right-realm", "the organisation's own signing key is stolen", (attackers.right_realm,)),
        Scenario("wrong-key", "the consumer key signs for the organisation, and the hunt knows what each key may sign",
                 (attackers.unentitled,), _2023, policy=True),
        Scenario("insider", "somebody signs through custody, past the mint", (attackers.insider,)),
        Scenario("laundering", "a forged token is renewed, and its renewals again", (_launder_own,),
                 frozenset({Flaw.SELF_RENEWAL})),
        Scenario("cloned-id", "ids of genuine tokens on other content, and on the same", (attackers.cloned,)),
        Scenario("rogue-key", "a key slipped into the issuer's JWKS", (attackers.rogue_key,),
                 frozenset({Flaw.UNPINNED})),
        Scenario("unsigned-actor", "a service takes unsigned tokens for a colleague's", (attackers.unsigned,),
                 frozenset({Flaw.UNSIGNED_ACTORS})),
        Scenario("stolen-token", "a genuine token is stolen and used: no log of tokens can tell", (attackers.thief,)),
        Scenario("ledger-altered", "an insider adds counterfoils of forged tokens to the ledger",
                 (attackers.ledger_insider,), tamper="append"),
        Scenario("ledger-rewritten", "an insider with the log's key writes the ledger anew",
                 (attackers.ledger_insider,), tamper="rewrite"),
        Scenario("no-receipts", "storm-0558 where the file service keeps no receipts", _STORM,
                 _2023 | {Flaw.NO_RECEIPTS}),
        Scenario("sampled-receipts", "storm-0558 where services keep receipts of half of what they accept", _STORM,
                 _2023 | {Flaw.SAMPLED}),
    )
})
