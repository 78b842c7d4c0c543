"""Cases of the reference: a small history, what the user says of it, and what must come of it.

Every case runs through the engine, many in one run (`groups`), and the naive double (`reference`) judges it beside.

How to add a case
-----------------
Add a row to the table of the fitting `cases_*.py`. Its key is a sentence, of which no other table has the same:

    "presence of the id clears": Case(
        "3.1", [sign_in(0, "a"), access(5, "a")], last(Reason.BY_ID)),

- the number of the rule, as in docs/reference/reconciliation.md;
- the records, made with `rows` (one tenant, few people, minutes); sign-ins of others lie around them (`background`);
- what is wanted, one or more of `last`, `of`, `reasons`, `innocent`, `coverage` and so on, below;
- `settings`, what the user says: `complete()` unless told otherwise; `policy`: REAL or SMALL constants.

Cases are made apart by adding a word to every name in them (tenants, people, clients, ids, hosts), so that nothing of
one case is known in another. What is data of the vendors (`model.known`, client ids that are GUIDs) stays as it is.
A case whose records name nobody is moved to weeks of its own, since whoever is unknown may be anybody.
Cases share a run where their settings agree in all but hosts, own logs, domains and identities. A new combination of
kinds of sign-in, `exported_at`, `since`, `truncated` or constants costs a run of about five seconds: use one that
is there.

Double and engine must agree on each case, whatever else is wanted: verdict, reason, flags, coverage. A rule that the
double lacks (custody, keys) says `compared=False`. `pytest tests/reconcile/test_cases.py -k "presence and clears"`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from counterfoil.model.coverage import CoverageRow
from counterfoil.model.reason import Probable, Reason
from counterfoil.model.schema import TokenClass
from counterfoil.model.verdict import ACCUSING, Verdict

from .reference import Policy, Settings
from .rows import Row, complete

REAL = Policy()
TINY = Policy(
    life={TokenClass.ASSERTION: 20 * 60}, default_life=4 * 3600, default_lag=10 * 60,
    law_pairs=2, law_share=0.75, rooted_pairs=1, rooted_share=0.75, silent_days=99, silent_subjects=2,
    raise_nats=2.0, raise_misses=2, thin=5, gap_hours=4, gap_records=6,
)
SMALL = Policy(law_pairs=9, law_share=0.9, rooted_pairs=2, rooted_share=0.6, gap_records=5)

VERDICT: Mapping[Reason, Verdict] = {
    **dict.fromkeys((Reason.BY_ID, Reason.BY_DIGEST), Verdict.MINTED),
    **dict.fromkeys(
        (Reason.ID_NOT_ISSUED, Reason.SUBJECT_NOT_SIGNED_IN, Reason.ASSERTION_NOT_ISSUED, Reason.NEVER_SIGNED),
        Verdict.FORGED),
    **dict.fromkeys(
        (Reason.DIGEST_DIFFERS, Reason.KEY_DIFFERS, Reason.TENANT_DIFFERS, Reason.SUBJECT_DIFFERS,
         Reason.CLASS_DIFFERS, Reason.CLIENT_DIFFERS, Reason.ISSUED_AT_DIFFERS, Reason.CONSUMER_REALM,
         Reason.KEY_NOT_ENTITLED, Reason.NOT_SIGNED_IN_CUSTODY),
        Verdict.CONTRADICTED),
    **dict.fromkeys((Reason.FORGED_ANCESTOR, Reason.UNROOTED), Verdict.TAINTED),
    **dict.fromkeys(
        (Reason.INTERRUPT_ONLY, Reason.FAILURE_ONLY, Reason.NO_ID, Reason.PRESENTATION_UNKNOWN, Reason.COUNT_ONLY),
        Verdict.UNLINKABLE),
    **dict.fromkeys(
        (Reason.NO_ISSUER_LOG, Reason.NOT_DECLARED, Reason.OUTSIDE_COVERAGE, Reason.SILENT_STRATUM,
         Reason.DECLARATION_REFUTED, Reason.ORDINARY_MISS, Reason.EXPLAINED_MISS, Reason.LONE_MISS,
         Reason.UNPROVEN_LOG, Reason.AGENT_IDENTITY, Reason.KEY_NOT_SOUND, Reason.UNROOTED_UNCOVERED,
         Reason.NAME_DIFFERS, Reason.OBJECT_ID_ABROAD,
         Reason.ISSUER_MISSPELT, Reason.MAY_BE_UNREAD, Reason.MORE_THAN_UNREAD, Reason.ANCESTOR_IN_SET),
        Verdict.UNCOVERED),
}


@dataclass(frozen=True)
class Told:
    """What the engine says of one case, in the case's own names. `tokens` are in the order in which they were seen."""

    tokens: list[Row]
    coverage: list[CoverageRow]
    twins: list[Row] = field(default_factory=list)
    unaccounted: list[Row] = field(default_factory=list)
    overdrawn: list[Row] = field(default_factory=list)


Wanted = Callable[[Told], Sequence[str]]  # what is wrong, in words


@dataclass(frozen=True)
class Case:
    """One case.

    `around`: records of others, by default sign-ins of every kind; `compared`: with the double; `drawn`: anybody may
    be nameless in it; `alone`: what it holds concerns every other case, so that it has a run of its own.
    """

    rule: str
    rows: Sequence[Row]
    wanted: Wanted | Sequence[Wanted] = ()
    settings: Settings = field(default_factory=complete)
    policy: Policy = REAL
    around: Sequence[Row] | None = None
    compared: bool = True
    drawn: bool = False
    alone: bool = False


Table = Mapping[str, Case]


def probable(token: Row) -> str | None:
    """Return the rule by which a token that is not accused is probably forged."""
    rule = token["group_rule"]
    return rule if rule in set(map(str, Probable)) and token["verdict"] not in set(map(str, ACCUSING)) else None


def _wrong(token: Row, reason: Reason | None, columns: Mapping[str, Any]) -> list[str]:
    wanted = dict(columns)
    if reason is not None:
        wanted = {"reason": str(reason), "verdict": str(VERDICT[reason])} | wanted
    got = token | {"probable": probable(token)}
    return [f"{name} is {got[name]}, not {value}" for name, value in wanted.items() if got[name] != value]


def last(reason: Reason | None = None, **columns: Any) -> Wanted:
    """Want this of the token that was first seen last. `probable`: see there; other columns are the engine's."""
    return lambda told: _wrong(told.tokens[-1], reason, columns) if told.tokens else ["no token"]


def of(token_id: str | None, reason: Reason | None = None, derived: str = "", **columns: Any) -> Wanted:
    """Want this of the one token with this id: of a record's own, or `derived` from an exchange or assertion."""

    def wanted(told: Told) -> list[str]:
        found = [token for token in told.tokens if (token["token_id"], token["derived"]) == (token_id, derived)]
        return _wrong(found[0], reason, columns) if len(found) == 1 else [f"{len(found)} tokens {token_id}"]

    return wanted


def reasons(*wanted: Reason) -> Wanted:
    """Want tokens with these reasons, in the order in which they were seen."""

    def wrong(told: Told) -> list[str]:
        got = [(token["reason"], token["verdict"]) for token in told.tokens]
        right = [(str(reason), str(VERDICT[reason])) for reason in wanted]
        return [] if got == right else [f"reasons are {[reason for reason, _ in got]}, not {list(map(str, wanted))}"]

    return wrong


def each(reason: Reason | None = None, *, where: Callable[[Row], bool] = lambda _: True, count: int | None = None,
         **columns: Any) -> Wanted:
    """Want this of each token for which `where` holds; there is one at least, or so many."""

    def wrong(told: Told) -> list[str]:
        chosen = [token for token in told.tokens if where(token)]
        if not chosen or count not in (None, len(chosen)):
            return [f"{len(chosen)} tokens, not {count or 'one or more'}"]
        return [words for token in chosen for words in _wrong(token, reason, columns)]

    return wrong


def innocent(told: Told) -> list[str]:
    """Want that nothing accuses any token."""
    accused = set(map(str, ACCUSING))
    return [
        f"{token['token_id']} is {token['verdict']}, {token['reason']}, {token['group_rule']}"
        for token in told.tokens if token["verdict"] in accused or probable(token)
    ]


def last_innocent(told: Told) -> list[str]:
    """Want that nothing accuses the token that was first seen last."""
    return innocent(Told(told.tokens[-1:], [])) if told.tokens else ["no token"]


def none(told: Told) -> list[str]:
    """Want no token at all."""
    return [f"there is {token['reason']}" for token in told.tokens]


def coverage(source: str, kind: str | None = None, **columns: Any) -> Wanted:
    """Want a list of each of these columns from the rows of this part of the coverage, in their order.

    `status=["accepted"]`, `start=[at(0)]`.
    """

    def wrong(told: Told) -> list[str]:
        rows = [row for row in told.coverage if row.source == source and kind in (None, row.kind)]
        got = {name: [getattr(row, name) for row in rows] for name in columns}
        return [f"{name} of {source}/{kind} is {got[name]}, not {list(value)}"
                for name, value in columns.items() if got[name] != list(value)]

    return wrong
