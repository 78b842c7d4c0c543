"""The rules of docs/reference/reconciliation.md in plain Python, for tests to hold the engine against.

Written from the text alone, for clarity: nested loops, no engine, no cleverness. Rule numbers stand beside the
code. Where the text leaves a choice, this file takes the reading that never accuses an innocent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from counterfoil.model.reason import Reason
from counterfoil.model.schema import TokenClass
from counterfoil.model.verdict import ACCUSING, Verdict

from . import (
    reference_assertions,
    reference_coverage,
    reference_doubts,
    reference_lineage,
    reference_links,
    reference_misses,
    reference_unread,
)
from .reference_case import Case, Grade, Settings, Token
from .reference_policy import Known, Policy
from .reference_records import (
    Row,
    acceptances,
    deduplicated,
    derived_acceptances,
    identified,
    proven_names,
    with_subject,
)

__all__ = ["CoverageLine", "Judged", "Judgement", "Known", "Policy", "Settings", "judge"]

Answer = tuple[Verdict, Reason]


@dataclass(frozen=True)
class Judged:
    """One accepted token and what is said of it.

    `source`, `record_id` and `derived` identify a token without id and digest, and are empty for the others.
    `silent` and `refuted` speak of the token's stratum and issuer, whatever its verdict; `ordinary` and `route` of
    how it was used, if no primary issuance settles it (`settled`: one does, or it is contradicted). `miss`: rule 5.4.
    `issued_at_outside_life` is told of tokens that link to nothing.
    `probably_forged`: numbers of the rules that make it so, whatever the verdict: 3, 4.2e, 4.3g, 4.5, 4.6, 4.8,
    5.7, 5.8, 6.3.
    """

    issuer: str | None
    token_id: str | None
    subject: str | None
    token_tenant: str | None
    issued_at: datetime | None
    key_id: str | None
    signing_input_digest: str | None
    source: str
    record_id: str
    derived: str
    verdict: Verdict
    reason: Reason
    acceptances: int
    first_seen: datetime
    last_seen: datetime
    settled: bool
    miss: bool
    ordinary: bool
    explained: bool
    route: bool
    silent: bool
    refuted: bool
    probably_forged: frozenset[str]
    issued_at_outside_life: bool
    issued_at_law: bool
    id_failed_only: bool


@dataclass(frozen=True)
class CoverageLine:
    """One stretch of an issuer's log: status accepted, refused, refuted, hole or seen."""

    issuer: str
    source: str
    kind: str
    status: str
    start: datetime | None
    end: datetime | None


@dataclass(frozen=True)
class Judgement:
    """The whole answer."""

    tokens: list[Judged]
    coverage: list[CoverageLine]


def judge(
    rows: Iterable[Row], settings: Settings | None = None, policy: Policy | None = None, known: Known | None = None
) -> Judgement:
    """Judge every accepted token of the evidence."""
    settings, policy, known = settings or Settings(), policy or Policy(), known or Known()
    rows = list(rows)
    records = deduplicated(row for row in rows if row["leg"] != "rejected")  # 1.1
    names = proven_names(records, settings.identities)  # 1.2
    records = [with_subject(record, names) for record in records]
    derived = derived_acceptances(records, settings.federated)  # 1.3
    tokens = reference_links.tokens_of(acceptances(records, derived))  # 1.4, 2.1
    broken = reference_unread.broken(rows, records, names, policy)
    case = Case(records, tokens, settings, policy, known, names, broken=broken)
    for token in tokens:
        reference_links.link(case, token)  # 2.2, 3.1
    reference_links.contradict(case)  # 3.2, 3.3
    reference_links.doubt(case)  # 3.2, 3.7, 3.8
    reference_coverage.declare(case)  # 5.2, 5.3
    reference_misses.weigh(case)  # 5.4 to 5.7
    answers = _answers(case)
    return Judgement([_judged(case, token, answers[token]) for token in tokens], _coverage(case))


def _answers(case: Case) -> dict[Token, Answer]:
    """Rule 7: contradicted, tainted, minted, then section 4."""
    rooted = reference_lineage.rooted_ids(case)
    without_lineage = {token: _without_lineage(case, token) for token in case.tokens}
    without_lineage = reference_unread.doubted(case, without_lineage)  # 5.10
    tainted = reference_lineage.tainted_ids(case, without_lineage)
    of_sets = reference_lineage.ids_of_sets(case, without_lineage)
    answers = {}
    for token, answer in without_lineage.items():
        if answer[0] is Verdict.CONTRADICTED or not token.linked:
            answers[token] = answer
        elif token.linked_ids & tainted:  # 6.4
            answers[token] = (Verdict.TAINTED, Reason.FORGED_ANCESTOR)
        elif reference_lineage.is_rooted(token, rooted):
            answers[token] = answer if token.doubt is None else (Verdict.UNCOVERED, token.doubt)
        elif reference_lineage.is_unrooted(case, token, rooted) and not reference_unread.may_hide(case, token):  # 6.3
            answers[token] = (Verdict.TAINTED, Reason.UNROOTED)
        else:
            answers[token] = (Verdict.UNCOVERED, Reason.UNROOTED_UNCOVERED)
        if token.linked_ids & of_sets and answers[token][0] not in ACCUSING:  # 6.5
            answers[token] = (Verdict.UNCOVERED, Reason.ANCESTOR_IN_SET)
    return answers


def _without_lineage(case: Case, token: Token) -> Answer:
    if token.contradiction is not None:
        return Verdict.CONTRADICTED, token.contradiction
    if token.linked:
        return Verdict.MINTED, Reason.BY_DIGEST if token.by_digest else Reason.BY_ID
    if token.token_id is not None or reference_misses.sound_in_own_log(case, token):
        return _with_id(case, token)
    return _assertion(case, token) if token.is_assertion else _without_id(case, token)


def _with_id(case: Case, token: Token) -> Answer:
    """Rule 4.1."""
    if token.known_as == "interrupted":  # a
        return Verdict.UNLINKABLE, Reason.INTERRUPT_ONLY
    if token.known_as == "failed":  # a
        return Verdict.UNLINKABLE, Reason.FAILURE_ONLY
    if not case.has_log_of(token.issuer):  # b
        return Verdict.UNCOVERED, Reason.NO_ISSUER_LOG
    if not reference_misses.sound_id(case, token):  # "the id is sound for kind entra_uti"
        return Verdict.UNCOVERED, Reason.KEY_NOT_SOUND
    if token.silent:  # c
        return Verdict.UNCOVERED, Reason.SILENT_STRATUM
    if token.agentic:  # c
        return Verdict.UNCOVERED, Reason.AGENT_IDENTITY
    if not reference_misses.declared(case, token):  # d
        return Verdict.UNCOVERED, Reason.NOT_DECLARED
    if not reference_misses.inside(case, token):  # e
        return Verdict.UNCOVERED, Reason.OUTSIDE_COVERAGE
    if token.proven:
        return Verdict.FORGED, Reason.ID_NOT_ISSUED
    return _excused(token) or (Verdict.FORGED, Reason.ID_NOT_ISSUED)  # f to i


def _excused(token: Token) -> Answer | None:
    """Rules 4.1 f to h, 4.2 and 4.3 likewise: what stands against an accusation for a miss."""
    if token.refuted:
        return Verdict.UNCOVERED, Reason.DECLARATION_REFUTED
    if token.ordinary:
        return Verdict.UNCOVERED, Reason.ORDINARY_MISS
    if token.grade is Grade.EXPLAINED:
        return Verdict.UNCOVERED, Reason.EXPLAINED_MISS
    if token.lone:
        return Verdict.UNCOVERED, Reason.LONE_MISS
    return (Verdict.UNCOVERED, Reason.UNPROVEN_LOG) if token.unproven else None


def _without_id(case: Case, token: Token) -> Answer:
    """Rule 4.2."""
    if not case.has_log_of(token.issuer):  # a
        return Verdict.UNCOVERED, Reason.NO_ISSUER_LOG
    if token.silent:  # b
        return Verdict.UNCOVERED, Reason.SILENT_STRATUM
    if token.agentic:  # b
        return Verdict.UNCOVERED, Reason.AGENT_IDENTITY
    if not reference_misses.declared(case, token):  # c
        return Verdict.UNCOVERED, Reason.NOT_DECLARED
    if not reference_misses.inside(case, token):  # c
        return Verdict.UNCOVERED, Reason.OUTSIDE_COVERAGE
    if token.candidate:  # d
        return Verdict.UNLINKABLE, Reason.NO_ID
    if not reference_doubts.shows_own_token(case, token):  # e
        return Verdict.UNCOVERED, Reason.KEY_NOT_SOUND
    return _excused(token) or (Verdict.FORGED, Reason.SUBJECT_NOT_SIGNED_IN)  # f to i


def _assertion(case: Case, token: Token) -> Answer:
    """Rule 4.3."""
    if token.first.presentation_unknown:
        return Verdict.UNLINKABLE, Reason.PRESENTATION_UNKNOWN
    if not case.has_log_of(token.issuer):  # a
        return Verdict.UNCOVERED, Reason.NO_ISSUER_LOG
    if not reference_assertions.declared(case, token):  # b
        return Verdict.UNCOVERED, Reason.NOT_DECLARED
    if not token.covered:  # c
        return Verdict.UNCOVERED, Reason.OUTSIDE_COVERAGE
    if token.served or not identified(token.subject):  # d, e, f
        return Verdict.UNLINKABLE, Reason.COUNT_ONLY if token.short else Reason.NO_ID
    return _excused(token) or (Verdict.FORGED, Reason.ASSERTION_NOT_ISSUED)  # d


def _probably_forged(case: Case, token: Token, answer: Answer) -> frozenset[str]:
    """Which rules call the token probably forged."""
    reason, strange = answer[1], token.grade is Grade.FOREIGN and not token.route and not token.silent
    personal = token.first.token_class in (None, TokenClass.USER, TokenClass.DELEGATED, TokenClass.ACT_AS)
    person = personal and reference_doubts.is_user(case, token.subject)  # 4.2 c
    rules = {
        "3": token.doubt is not None,
        "4.2e": reason is Reason.KEY_NOT_SOUND and token.token_id is None and person and strange,
        "4.5": reference_assertions.of_unknown_provider(case, token),
        "4.6": reason is Reason.LONE_MISS or token.in_quiet_hole,
        "4.8": reason is Reason.UNPROVEN_LOG or token.undeclared,
        "4.3g": token.twice,
        "5.7": token.raised and reason is not Reason.MAY_BE_UNREAD,
        "5.8": reason is Reason.DECLARATION_REFUTED and strange,
        "6.3": reason is Reason.UNROOTED_UNCOVERED and strange and not reference_lineage.is_rootless(case, token),
    }
    return frozenset(rule for rule, holds in rules.items() if holds)


def _judged(case: Case, token: Token, answer: Answer) -> Judged:
    first = token.first
    nameless = first.token_id is None and first.signing_input_digest is None
    return Judged(
        issuer=first.issuer,
        token_id=first.token_id,
        subject=first.subject,
        token_tenant=first.token_tenant,
        issued_at=first.issued_at,
        key_id=first.key_id,
        signing_input_digest=first.signing_input_digest,
        source=first.source if nameless else "",
        record_id=first.record_id if nameless else "",
        derived=first.derived if nameless else "",
        verdict=answer[0],
        reason=answer[1],
        acceptances=len(token.acceptances),
        first_seen=token.first_seen,
        last_seen=token.last_seen,
        settled=token.primary or token.contradiction is not None,
        miss=reference_misses.is_miss(case, token),
        ordinary=token.ordinary,
        explained=token.grade is Grade.EXPLAINED,
        route=token.route,
        silent=token.silent,
        refuted=token.refuted,
        probably_forged=_probably_forged(case, token, answer),
        issued_at_outside_life=not token.linked and reference_misses.issued_within_life(case, token) is False,
        issued_at_law=token.breaks_law and answer[1] is not Reason.ISSUED_AT_DIFFERS,
        id_failed_only=answer[1] is Reason.FAILURE_ONLY,
    )


def _coverage(case: Case) -> list[CoverageLine]:
    """Return every declaration for every issuer it speaks for, its holes, and what nobody declared."""
    refuted = reference_misses.refuted_parts(case)
    lines = []
    for d in case.declared:
        broken = (d.issuer, d.source, d.kind) in refuted
        status = "attested" if d.attested else "refuted" if broken else "accepted"
        lines += [CoverageLine(d.issuer, d.source, d.kind, status, begin, end) for begin, end in d.pieces]
        if d.refused:
            lines.append(CoverageLine(d.issuer, d.source, d.kind, "refused", d.start, d.end))
        lines += [CoverageLine(d.issuer, d.source, d.kind, "hole", begin, end) for begin, end in d.holes]
    spoken = {(d.issuer, d.source, d.kind) for d in case.declared}
    for part in sorted({(r.issuer, r.source, r.kind) for r in case.issuances if r.issuer is not None} - spoken):
        times = [r.event_time for r in case.issuances if (r.issuer, r.source, r.kind) == part]
        lines.append(CoverageLine(*part, "seen", min(times), max(times)))
    return lines
