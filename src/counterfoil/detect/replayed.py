"""One genuine token, used at home and, by another program, from a network that is not its owner's: theft."""

from __future__ import annotations

from counterfoil.detect.rule import UseRule, UseTables
from counterfoil.expressions import ibis, ir

# A network of so many people's tokens, or one that was there for somebody else a week before, is a service's.
CROWD = 5
BASELINE_SECONDS = 7 * 86_400


def _find(tables: UseTables) -> ir.Table:
    moved = tables.moved.filter(tables.moved.network.notnull())
    home = moved.semi_join(tables.homes, ["subject", "network"]).select("token_key").distinct()
    people = tables.homes.select("subject").distinct()
    away = moved.filter(moved.user_agent.notnull()).semi_join(people, "subject").semi_join(home, "token_key")
    away = away.anti_join(tables.homes, ["subject", "network"])
    seen = tables.seen
    own = seen.semi_join(tables.homes, ["subject", "network"]).select("subject", "user_agent").distinct()
    strange = away.anti_join(own, ["subject", "user_agent"])
    known = seen.group_by("network").agg(people=seen.subject.nunique(), since=seen.seconds.min())
    begun = tables.begin.mutate(one=ibis.literal(1))
    at = strange.join(known, "network").mutate(one=ibis.literal(1)).join(begun, "one")
    odd = at.filter(at.people < CROWD, at.seconds - at.since < BASELINE_SECONDS,
                    at.since - at.begin >= BASELINE_SECONDS)
    return odd.select("token_key", "network", "user_agent", "seconds")


USE_RULE = UseRule(
    id="token-replayed",
    title="a genuine token, used by another program from a network that is not its owner's: theft, not forgery",
    severity="high",
    confidence="medium",
    audience="tenant",
    attack=("T1550.001", "T1528"),
    references=(
        "counterfoil, docs/verdicts.md: a stolen token is minted",
        "RFC 9449 and RFC 8705: tokens bound to a key of their holder cannot be replayed",
    ),
    why="The token was issued, so nobody forged it; and it is in two hands. Its owner uses it where they sign in. "
    "Somebody else uses it elsewhere, with a program that the owner has nowhere.",
    innocent="A service that works on with the user's token from a cloud of its own looks the same on its first days; "
    "one that is known for a week, or has many users, is not told. So does a second device behind a VPN.",
    needs="sign-ins with addresses, and services' logs with token ids and agents, for a week before",
    blind="a thief with the owner's program or network, or from a network of five people's tokens; one who redeemed a "
    "stolen refresh token: then there is a sign-in of his own; tokens without ids",
    next_step="Revoke the user's sessions, reset what the device held, and look up the network: counterfoil pivot "
    "--token ID. Keys need no rotation for this.",
    find=_find,
)
