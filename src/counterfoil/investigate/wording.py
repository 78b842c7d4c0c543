"""Puts a group of tokens into words: title, why, and what to do first. Numbers and names as the group has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from counterfoil.detect.registry import all_rules
from counterfoil.investigate.counts import log_parts
from counterfoil.investigate.groups import plain, rule_column
from counterfoil.model.coverage import ATTESTED, RELIED, CoverageRow, named_parts
from counterfoil.model.diagnosis import Diagnosis
from counterfoil.model.first_party import name as client_name
from counterfoil.model.reason import Probable, Reason
from counterfoil.model.verdict import FindingVerdict
from counterfoil.report.words import some

TRAITS = ("client", "network", "agent", "device")
# Diagnoses that a log of custody made: tokens of one rule, issuer and client may have several.
TRACED = frozenset({Diagnosis.THROUGH_CUSTODY, Diagnosis.KEY_OUT, Diagnosis.KEY_OUT_OR_UNCHECKED})
# With these it is known what to do first.
_FIRST_ACT = TRACED | {Diagnosis.LEDGER_ALTERED, Diagnosis.KEY_NOT_ENTITLED}
# Rules that are no matter of more sign-ins.
_FIRST = frozenset({
    Probable.UNKNOWN_IDENTITY_PROVIDER, Probable.NAME_DIFFERS, Probable.OBJECT_ID_ABROAD, Probable.ISSUER_MISSPELT,
})
# Claims of these verdicts may rest on an absence alone; those of other reasons do not.
_ABSENT = frozenset({FindingVerdict.FORGED, FindingVerdict.TAINTED, FindingVerdict.PROBABLY_FORGED})
_PRESENT = frozenset({Reason.NEVER_SIGNED, Reason.FORGED_ANCESTOR})
_ASK = "Ask the users whether this was theirs; what nobody knows of, treat as forged."


def title(row: Mapping[str, Any], verdict: FindingVerdict) -> str:
    """Return the title of a finding. A record that carries no token is an access."""
    tokens, users = row["set_count"], some(row["subject_count"], "user")
    if row["group_rule"] == Reason.COUNT_ONLY:
        return f"at least {row['at_least']} of {some(tokens, 'federated sign-in')} of {users} used a forged assertion"
    if row["group_rule"] == Probable.UNKNOWN_IDENTITY_PROVIDER:
        sign_ins = some(tokens, "federated sign-in")
        return f"{sign_ins} of {users} presented an assertion of an identity provider that nobody named"
    if row["group_rule"] == Reason.MORE_THAN_UNREAD:
        return f"at least {row['at_least']} of {some(tokens, 'token')} of {users} were never issued"
    if row["group_rule"] == Reason.ASSERTION_NOT_ISSUED:
        return f"{some(tokens, 'federated sign-in')} of {users} used an assertion that was never issued"
    token = bool(row["id_count"]) and verdict is not FindingVerdict.SUSPICION
    noun = (f"{verdict.noun} token", "") if token else (f"{verdict.noun} access", f"{verdict.noun} accesses")
    origin = f", from {some(row['ip_count'], 'address', 'addresses')}" if row["ip_count"] else ""
    client = f" through {client_words(row['group_client'])}" if row["group_client"] else ""
    return f"{some(tokens, *noun)} of {users}{_reached(row)}{client}{origin}"


def client_words(client_id: str) -> str:
    """Return the name of a known application with its id, else the id: a claim of whoever made the token."""
    known = client_name(client_id)
    return f"{known} ({client_id})" if known else client_id


def _reached(row: Mapping[str, Any]) -> str:
    if not row["object_count"]:
        return ""
    if set(row["object_kinds"] or ()) <= {"mailbox"}:
        return f", {some(row['object_count'], 'mailbox', 'mailboxes')}"
    return f", {some(row['object_count'], 'object')}"


def detail(
    row: Mapping[str, Any], verdict: FindingVerdict, rules: Sequence[str], coverage: Sequence[CoverageRow]
) -> tuple[str, ...]:
    """Return why, in parts: what each part says holds for all tokens of the finding, or for as many as it says."""
    parts = [*_issued_for(row), *_cluster(row)]
    if verdict is not FindingVerdict.SUSPICION:
        parts += [*_strange(row), *_rests(row, verdict, coverage)]
    titles = {rule.id: rule.title for rule in all_rules()}
    known = [rule for rule in rules if rule in titles]
    known += [rule for rule in titles if row[rule_column(rule)] and rule not in known]
    parts += [titles[rule] + _of(row[rule_column(rule)], row["token_count"]) for rule in known]
    return tuple(parts)


def _of(part: int, whole: int) -> str:
    return "" if part == whole else f" ({part:,} of {whole:,})"


def _issued_for(row: Mapping[str, Any]) -> Iterable[str]:
    if issued := row["token_count"] - row["set_count"]:
        was = "1 token was" if issued == 1 else f"{issued:,} tokens were"
        yield f"{was} issued for them: which of these are an intruder's cannot be told either"


def _cluster(row: Mapping[str, Any]) -> Iterable[str]:
    if row["cluster_misses"] is None:
        return
    usual = f"{float(row['cluster_expected']):.2%} would be usual"
    of = _of(row["cluster_tokens"], row["token_count"])
    yield f"{row['cluster_misses']} of {row['cluster_ids']} tokens here have no issuance, where at most {usual}{of}"


def _strange(row: Mapping[str, Any]) -> Iterable[str]:
    """Yield what is new to the users of these tokens, by what the issuer recorded of them."""
    tokens, compared = row["token_count"], row["compared"]
    if compared:
        new = {trait: row[f"new_{trait}"] for trait in TRAITS}
        told = [f"{trait}{_of(number, tokens)}" for trait, number in new.items() if number]
        yield f"new to the user: {', '.join(told)}" if told else "nothing about it is new to the user"
    if row["nobodys"]:
        yield f"no sign-in of anybody is through this client{_of(row['nobodys'], tokens)}"
    if compared < tokens:
        yield f"no sign-in of the user is in evidence{_of(tokens - compared, tokens)}"


def _rests(row: Mapping[str, Any], verdict: FindingVerdict, coverage: Sequence[CoverageRow]) -> Iterable[str]:
    """Yield on whose word an absence rests: the parts of logs that were declared complete, or are attested."""
    if verdict not in _ABSENT or row["group_rule"] in _PRESENT:
        return
    if row["group_rule"] == Probable.LONE_MISS:
        lost = "one lost record of a new device would look the same"
        yield f"rests on {row['token_count']:,} of {row['peers'] or 0:,} tokens of this kind; {lost}"
    if row["group_rule"] == Probable.UNPROVEN_LOG:
        yield "rests on a log of which nobody has published how complete it is"
    relied = _relied(row, coverage)
    for attested, words in ((False, "rests on what was declared complete: "), (True, "rests on what is attested: ")):
        parts = tuple(part for part, proof in relied.items() if proof is attested)
        if parts:
            yield words + named_parts(parts)


def _relied(row: Mapping[str, Any], coverage: Sequence[CoverageRow]) -> dict[str, bool]:
    """Return the parts of logs that are relied on for these tokens, and whether each is attested."""
    own = [one for one in coverage if one.issuer == row["group_issuer"]]
    either = [parts for needs in row["needs"] or () for parts in log_parts(row["group_issuer"] or "", needs, own)]
    wanted = {part for parts in either for part in parts}
    return {
        f"{one.source}/{one.kind}": one.status == ATTESTED
        for one in own if one.status in RELIED and f"{one.source}/{one.kind}" in wanted
    }


def next_step(
    row: Mapping[str, Any], verdict: FindingVerdict, rules: Sequence[str], coverage: Sequence[CoverageRow]
) -> str:
    """Return what to do first. One absence in a log that somebody declared may be a lost record: ask the person."""
    if row["group_rule"] in _FIRST:
        return Probable(row["group_rule"]).act[0]
    if row["diagnosis"] in _FIRST_ACT:
        return Diagnosis(row["diagnosis"]).act[0]
    alone = row["token_count"] == 1 and verdict in (FindingVerdict.FORGED, FindingVerdict.PROBABLY_FORGED)
    if alone and row["group_rule"] not in _PRESENT and False in _relied(row, coverage).values():
        who = next(iter(plain(row["subjects"])), "the user")
        return f"Ask {who} about a new device first: one lost record can look like this. If it is not theirs, block."
    if verdict is FindingVerdict.PROBABLY_FORGED and _relied(row, coverage):
        return _ASK  # more logs would not decide it
    if verdict is not FindingVerdict.SUSPICION:
        return verdict.next_step
    return next((rule.next_step for rule in all_rules() if rules and rule.id == rules[0]), "")
