"""Puts groups of tokens into words: findings with title, numbers and next step."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from counterfoil.detect.decoy_key import RULE as DECOY
from counterfoil.detect.groups import SETS
from counterfoil.detect.registry import all_rules
from counterfoil.model.advice import DIAGNOSIS_ADVICE
from counterfoil.model.finding import MAX_LISTED, Finding
from counterfoil.model.verdict import Diagnosis, FindingVerdict, Probable, Reason
from counterfoil.reconcile.judge import OF

# Diagnoses that a log of custody made: tokens of one rule, issuer and client may have several.
_TRACED = frozenset(map(str, (Diagnosis.THROUGH_CUSTODY, Diagnosis.KEY_OUT, Diagnosis.KEY_OUT_OR_UNCHECKED)))
# With these it is known what to do first.
_FIRST_ACT = _TRACED | {str(Diagnosis.LEDGER_ALTERED), str(Diagnosis.KEY_NOT_ENTITLED)}
_FORGED = frozenset(SETS)
_SEVERITY = {
    FindingVerdict.FORGED: "critical",
    FindingVerdict.CONTRADICTED: "critical",
    FindingVerdict.TAINTED: "critical",
    FindingVerdict.PROBABLY_FORGED: "high",
    FindingVerdict.SUSPICION: "medium",
}
_CONFIDENCE = {
    FindingVerdict.FORGED: "high",
    FindingVerdict.CONTRADICTED: "high",
    FindingVerdict.TAINTED: "high",
    FindingVerdict.PROBABLY_FORGED: "medium",
    FindingVerdict.SUSPICION: "low",
}
_ATTACK: dict[FindingVerdict, tuple[str, ...]] = {
    FindingVerdict.FORGED: ("T1606", "T1550.001"),
    FindingVerdict.CONTRADICTED: ("T1606", "T1550.001"),
    FindingVerdict.TAINTED: ("T1550.001", "T1528"),
    FindingVerdict.PROBABLY_FORGED: ("T1606", "T1550.001"),
}
_NEXT = {
    FindingVerdict.FORGED: "Find out which key signed them and block it; then see what they reached.",
    FindingVerdict.CONTRADICTED: "Block the signing key, and test the service that accepted them.",
    FindingVerdict.TAINTED: "Revoke the whole lineage of these users, and close the exchange to forged tokens.",
    FindingVerdict.PROBABLY_FORGED: (
        "Export the sign-ins of this time completely and declare them: that decides it."
    ),
}


@dataclass(frozen=True)
class Decoys:
    """The decoy keys in evidence: `places` where each was left, by key id; `refused` as `detect.decoy_key` has it."""

    places: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    refused: tuple[Mapping[str, Any], ...] = ()

    def told(self, key: str) -> str:
        """Return where a decoy was left, in words."""
        places = self.places[key]
        return f"decoy {key} was left in {' and '.join(places[:MAX_LISTED]) or 'a place that its ledger does not name'}"


def findings(
    groups: Iterable[Mapping[str, Any]], disagreeing: Iterable[Mapping[str, Any]], paths: Mapping[str, str],
    decoys: Decoys | None = None, logs: Iterable[Finding] = (),
) -> tuple[Finding, ...]:  # fmt: skip
    """Return findings, worst first. `paths`: SHA-256 -> path of the inputs, for the evidence references.

    `logs`: findings of no token, which are told among the others.
    """
    decoys = decoys or Decoys()
    found = [_finding(row, paths, decoys) for row in groups]
    found += [*_one_id(list(disagreeing)), *logs]
    found += [_refused(row, decoys) for row in decoys.refused]
    order = list(FindingVerdict)
    return tuple(sorted(found, key=lambda f: (order.index(f.verdict), -f.score, -f.token_count, f.id)))


def finding_verdict(rule: str) -> FindingVerdict:
    """Return what a finding of that rule claims."""
    if rule in _FORGED:
        return FindingVerdict.FORGED
    if rule in set(Probable):
        return FindingVerdict.PROBABLY_FORGED
    if rule == "suspicious":
        return FindingVerdict.SUSPICION
    return FindingVerdict(OF[Reason(rule)])


def _finding(row: Mapping[str, Any], paths: Mapping[str, str], decoys: Decoys) -> Finding:
    verdict = finding_verdict(row["group_rule"])
    rules = tuple(str(row["rules"] or "").split())
    return Finding(
        id=group_id(row),
        rule=rules[0] if verdict is FindingVerdict.SUSPICION and rules else row["group_rule"],
        verdict=verdict,
        severity=_SEVERITY[verdict],
        confidence=_CONFIDENCE[verdict],
        title=_title(row, verdict),
        detail=_detail(row, rules, decoys),
        first_seen=row["first_seen"],
        last_seen=row["last_seen"],
        token_count=row["token_count"],
        acceptance_count=row["acceptance_count"],
        subjects=_some(row["subjects"]),
        tokens=_some(row["tokens"]),
        keys=_some(row["keys"]),
        clients=_some(row["clients"]),
        ips=_some(row["ips"]),
        objects=_some(row["objects"]),
        evidence=tuple(_reference(ref, paths) for ref in _some(row["evidence"])),
        attack=_attack(verdict, rules),
        next_step=_next(verdict, rules, row["diagnosis"]),
        score=float(row["score"] or 0),
        diagnosis=row["diagnosis"] or "",
    )


def group_id(row: Mapping[str, Any]) -> str:
    """Return the id of the finding of a group: of its diagnosis too, where custody told one."""
    traced = (row["diagnosis"],) if row["diagnosis"] in _TRACED else ()
    return finding_id(row["group_rule"], row["issuer"], row["group_client"], *traced)


def finding_id(*parts: str | None) -> str:
    """Return a short id that stays the same for the same rule, issuer and client."""
    return hashlib.sha256("\x1f".join(part or "" for part in parts).encode()).hexdigest()[:12]


def _some(values: Iterable[str] | None) -> tuple[str, ...]:
    return tuple(values or ())[:MAX_LISTED]


def _reference(ref: str, paths: Mapping[str, str]) -> str:
    sha, _, position = ref.rpartition(":")
    return f"{paths.get(sha, sha)}:{position}"


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _title(row: Mapping[str, Any], verdict: FindingVerdict) -> str:
    tokens = row["token_count"]
    users = _count(row["subject_count"], "user")
    if row["group_rule"] == Reason.COUNT_ONLY:
        return f"at least {row['at_least']} of {_count(tokens, 'federated sign-in')} of {users} used a forged assertion"
    if row["group_rule"] == Reason.MORE_THAN_UNREAD:
        return f"at least {row['at_least']} of {_count(tokens, 'token')} of {users} were never issued"
    if row["group_rule"] == Reason.ASSERTION_NOT_ISSUED:
        return f"{_count(tokens, 'federated sign-in')} of {users} used an assertion that was never issued"
    what = {
        FindingVerdict.FORGED: "forged token",
        FindingVerdict.CONTRADICTED: "contradicted token",
        FindingVerdict.TAINTED: "laundered token",
        FindingVerdict.PROBABLY_FORGED: "probably forged token",
        FindingVerdict.SUSPICION: "suspicious access",
    }[verdict]
    plural = "suspicious accesses" if verdict is FindingVerdict.SUSPICION else None
    reached = (
        _reached(row)
    )
    origin = f", from {_count(row['ip_count'], 'address', 'addresses')}" if row["ip_count"] else ""
    client = f" through {row['group_client']}" if row["group_client"] else ""
    return f"{_count(tokens, what, plural)} of {users}{reached}{client}{origin}"


def _reached(row: Mapping[str, Any]) -> str:
    if not row["object_count"]:
        return ""
    if set(row["object_kinds"] or ()) <= {"mailbox"}:
        return f", {_count(row['object_count'], 'mailbox', 'mailboxes')}"
    return f", {_count(row['object_count'], 'object')}"


def _detail(row: Mapping[str, Any], rules: tuple[str, ...], decoys: Decoys) -> str:
    parts: list[str] = []
    if row["group_rule"] == Probable.MISSES_FAR_BEYOND_RATE and row["cluster_misses"] is not None:
        parts.append(
            f"{row['cluster_misses']} of {row['cluster_ids']} tokens here have no issuance, where at most "
            f"{float(row['cluster_expected']):.2%} would be usual"
        )
    titles = {rule.id: rule.title for rule in all_rules()}
    parts += [titles[rule] for rule in rules if rule in titles]
    parts += [decoys.told(key) for key in _some(row["keys"]) if key in decoys.places]
    return "; ".join(parts)


def _attack(verdict: FindingVerdict, rules: tuple[str, ...]) -> tuple[str, ...]:
    own = {technique for rule in all_rules() if rule.id in rules for technique in rule.attack}
    return tuple(sorted({*_ATTACK.get(verdict, ()), *own}))


def _next(verdict: FindingVerdict, rules: tuple[str, ...], diagnosis: str | None) -> str:
    if diagnosis in _FIRST_ACT:
        return DIAGNOSIS_ADVICE[Diagnosis(diagnosis)].act[0]
    if verdict is not FindingVerdict.SUSPICION:
        return _NEXT[verdict]
    return next((rule.next_step for rule in all_rules() if rules and rule.id == rules[0]), "")


def _refused(row: Mapping[str, Any], decoys: Decoys) -> Finding:
    """Return the finding for what was presented under a decoy and refused."""
    key = row["key_id"]
    return Finding(
        id=finding_id(f"{DECOY.id}-refused", key),
        rule=DECOY.id,
        verdict=FindingVerdict.SUSPICION,
        severity="high",
        confidence="high",
        title=f"{_count(row['records'], 'token')} under a decoy key presented, and refused",
        detail=decoys.told(key),
        first_seen=row["first_seen"],
        last_seen=row["last_seen"],
        token_count=row["records"],
        acceptance_count=0,
        subjects=(), tokens=(), keys=(key,), clients=(), ips=(), objects=(), evidence=(),
        attack=DECOY.attack,
        next_step="Close the place that the finding names to the intruder, and find out what else lay there.",
        score=DECOY.weight,
    )  # fmt: skip


def _one_id(rows: list[Mapping[str, Any]]) -> list[Finding]:
    """Rule 3.4: one finding for all ids that were accepted under claims that disagree."""
    if not rows:
        return []
    tokens = tuple(sorted(row["token_id"] for row in rows))
    return [
        Finding(
            id=finding_id("one-id-several-tuples"),
            rule="one-id-several-tuples",
            verdict=FindingVerdict.SUSPICION,
            severity="high",
            confidence="medium",
            title=f"{_count(len(rows), 'token id was', 'token ids were')} accepted with claims that disagree",
            detail="one id belongs to one token: who copies an id and changes a claim leaves this",
            first_seen=min(row["first_seen"] for row in rows),
            last_seen=max(row["last_seen"] for row in rows),
            token_count=sum(row["tuples"] for row in rows),
            acceptance_count=0,
            subjects=(), tokens=tokens[:MAX_LISTED], keys=(), clients=(), ips=(), objects=(), evidence=(),
            attack=("T1550.001",),
            next_step="Look at the records of these ids side by side: SELECT * FROM tokens WHERE token_id = '...'.",
            score=10.0,
        )
    ]  # fmt: skip
