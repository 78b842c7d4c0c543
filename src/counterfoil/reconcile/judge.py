"""Rules 4 and 7: the verdict on every token, first match wins."""

from __future__ import annotations

from collections.abc import Sequence

from counterfoil.expressions import ibis, ir
from counterfoil.expressions.values import bound
from counterfoil.model.reason import Reason, reasons_of
from counterfoil.model.verdict import Verdict
from counterfoil.reconcile.declared import Keepers
from counterfoil.reconcile.links import sound_subject

# Reasons for `forged`, and for `minted`.
FORGED = tuple(map(str, reasons_of(Verdict.FORGED)))
CLEARED = tuple(map(str, reasons_of(Verdict.MINTED)))


def sound_id(tokens: ir.Table, kinds: Sequence[str]) -> ir.BooleanValue:
    """Rule 4.1: whether the token carries an id on which every genuine acceptance must have an issuance."""
    return tokens.token_id.notnull() & tokens.token_id_kind.isin(bound("sound ids", kinds)).fill_null(False)


def sound_in_own_log(tokens: ir.Table, keepers: Keepers) -> ir.BooleanValue:
    """Rule 4.1: whether the token's issuer keeps a log of its own, which holds the id of each of its tokens.

    Where there is none, the digest counts, if that log has digests throughout. `keepers`: at least one.
    """
    kinds = bound("sound in own logs", keepers.sound)
    named = tokens.token_id.notnull() & tokens.token_id_kind.isin(kinds).fill_null(False)
    bytes_known = tokens.token_id.isnull() & tokens.signing_input_digest.notnull()
    bytes_known &= ~tokens.issuer.isin(bound("undigested", sorted(keepers.undigested))).fill_null(False)
    return tokens.issuer.isin(keepers.named).fill_null(False) & (named | bytes_known)


def sound_person(tokens: ir.Table) -> ir.BooleanValue:
    """Rule 4.2 a - d: the record shows the own token of a person who signs in."""
    return sound_subject(tokens) & tokens.is_user


def verdict_of(reason: ir.StringValue) -> ir.StringValue:
    """Return the verdict that a reason stands for."""
    known = [(reason.isin(list(map(str, reasons_of(of)))), str(of)) for of in Verdict if of is not Verdict.UNCOVERED]
    return ibis.cases(*known, else_=str(Verdict.UNCOVERED))


def unrooted(tokens: ir.Table) -> ir.BooleanValue:
    """Rule 6.3: whether the token is of an exchange that must have a root in evidence, and has none."""
    foreign = ~tokens.ordinary & ~tokens.explained
    firm = tokens.relied & ~tokens.silent & ~tokens.agentic & ~tokens.refuted & foreign & tokens.roots & tokens.sound
    return tokens.secondary & ~tokens.rooted & firm


def open_reason(tokens: ir.Table) -> ir.StringValue:
    """Return the reason for a token without primary issuance (rules 4.1 - 4.3, 6.3).

    `tokens` has the link flags, `sound` (rule 4.1), coverage counts, `silent`, `agentic`, `ordinary`, `explained`,
    `lone`, `unproven`, `refuted`, `candidate`, `rooted`, `roots` (its stratum normally roots), `served` and `surplus`
    (assertions).
    """
    uncovered = [
        (tokens.declared < tokens.needed, Reason.NOT_DECLARED),
        (tokens.contained < tokens.needed, Reason.OUTSIDE_COVERAGE),
    ]
    unknown = (tokens.needed == 0, Reason.NO_ISSUER_LOG)
    doubted = [
        (tokens.refuted, Reason.DECLARATION_REFUTED),
        (tokens.ordinary, Reason.ORDINARY_MISS),
        (tokens.explained, Reason.EXPLAINED_MISS),
        (tokens.lone, Reason.LONE_MISS),
        (tokens.unproven, Reason.UNPROVEN_LOG),
    ]
    assertion = _first(
        (tokens.unknown_presentation, Reason.PRESENTATION_UNKNOWN),
        unknown,
        (tokens.declared == 0, Reason.NOT_DECLARED),  # of a farm, some host's log is declared or none
        (tokens.contained < tokens.needed, Reason.OUTSIDE_COVERAGE),
        (tokens.surplus, Reason.COUNT_ONLY),
        ((tokens.served > 0) | ~tokens.identified, Reason.NO_ID),
        *doubted,
        default=Reason.ASSERTION_NOT_ISSUED,
    )
    bare = _first(
        unknown,
        (tokens.silent, Reason.SILENT_STRATUM),
        (tokens.agentic, Reason.AGENT_IDENTITY),
        *uncovered,
        (tokens.candidate, Reason.NO_ID),
        (~sound_person(tokens), Reason.KEY_NOT_SOUND),
        *doubted,
        default=Reason.SUBJECT_NOT_SIGNED_IN,
    )
    without_root = _first((unrooted(tokens), Reason.UNROOTED), default=Reason.UNROOTED_UNCOVERED)
    with_id = _first(
        (tokens.interrupted, Reason.INTERRUPT_ONLY),
        (tokens.failed, Reason.FAILURE_ONLY),
        unknown,
        (~tokens.sound, Reason.KEY_NOT_SOUND),
        (tokens.silent, Reason.SILENT_STRATUM),
        (tokens.agentic, Reason.AGENT_IDENTITY),
        *uncovered,
        (tokens.proven >= tokens.needed, Reason.ID_NOT_ISSUED),  # what a verified log lacks was never in it
        *doubted,
        default=Reason.ID_NOT_ISSUED,
    )
    return ibis.cases(
        (tokens.derived == "assertion", assertion),
        (tokens.secondary & tokens.rooted,
         ibis.ifelse(tokens.by_digest, str(Reason.BY_DIGEST), str(Reason.BY_ID))),
        (tokens.secondary, without_root),
        (~tokens.has_id & ~tokens.sound, bare),
        else_=with_id,
    )


def _first(*rules: tuple[ir.BooleanValue, Reason], default: Reason) -> ir.StringValue:
    return ibis.cases(*((holds.fill_null(False), str(code)) for holds, code in rules), else_=str(default))
