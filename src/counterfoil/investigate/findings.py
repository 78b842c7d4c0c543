"""Puts groups of tokens into words: findings with title, numbers and next step."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from counterfoil.detect.decoy_key import REFUSED
from counterfoil.detect.decoy_key import RULE as DECOY
from counterfoil.detect.registry import all_rules
from counterfoil.investigate.groups import plain
from counterfoil.investigate.wording import TRACED, TRAITS, detail, next_step, title
from counterfoil.model.advice import ONE_ID, claim_of
from counterfoil.model.coverage import CoverageRow
from counterfoil.model.finding import MAX_LISTED, Finding, Use
from counterfoil.model.reason import SETS
from counterfoil.model.verdict import FindingVerdict
from counterfoil.report.words import some


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
    coverage: Sequence[CoverageRow] = (), uses: Iterable[Mapping[str, Any]] = (), decoys: Decoys | None = None,
    logs: Iterable[Finding] = (),
) -> tuple[Finding, ...]:
    """Return findings, worst first. `paths`: SHA-256 -> path of the inputs, for the evidence references.

    `uses`: of `investigate.groups`, in the order in which they are told. `logs`: findings of no token, which are told
    among the others.
    """
    decoys = decoys or Decoys()
    told: dict[str, list[Use]] = {}
    for use in uses:
        told.setdefault(group_id(use), []).append(_use(use))
    found = [_finding(row, paths, coverage, told.get(group_id(row), ()), decoys) for row in groups]
    found += [*_one_id(list(disagreeing)), *logs]
    found += [_refused(row, decoys) for row in decoys.refused]
    order = list(FindingVerdict)
    return tuple(sorted(found, key=lambda f: (order.index(f.verdict), -f.score, -f.token_count, f.id)))


def _finding(
    row: Mapping[str, Any], paths: Mapping[str, str], coverage: Sequence[CoverageRow], uses: Iterable[Use],
    decoys: Decoys,
) -> Finding:
    claim = claim_of(row["group_rule"])
    verdict = claim.verdict
    rules = tuple(str(row["rules"] or "").split())
    own = {technique for rule in all_rules() if rule.id in rules for technique in rule.attack}
    traps = (decoys.told(key) for key in _listed(row["keys"]) if key in decoys.places)
    return Finding(
        id=group_id(row),
        rule=rules[0] if verdict is FindingVerdict.SUSPICION and rules else row["group_rule"],
        verdict=verdict,
        severity=claim.severity,
        confidence=claim.confidence,
        title=title(row, verdict),
        detail="; ".join([*detail(row, verdict, rules, coverage), *traps]),
        first_seen=row["first_seen"],
        last_seen=row["last_seen"],
        token_count=row["token_count"],
        acceptance_count=row["acceptance_count"],
        subjects=plain(row["subjects"]),
        tokens=_listed(row["tokens"]),
        keys=_listed(row["keys"]),
        clients=_listed(row["clients"]),
        ips=plain(row["ips"]),
        objects=plain(row["objects"]),
        evidence=tuple(reference(ref, paths) for ref in _listed(row["evidence"])),
        attack=tuple(sorted({*claim.attack, *own})),
        next_step=next_step(row, verdict, rules, coverage),
        score=float(row["score"] or 0),
        diagnosis=row["diagnosis"] or "",
        at_least=int(row["at_least"] or 0) if row["group_rule"] in SETS else 0,
        uses=tuple(uses),
    )


def group_id(row: Mapping[str, Any]) -> str:
    """Return the id of the finding of a group: of its diagnosis too, where custody told one."""
    traced = (row["diagnosis"],) if row["diagnosis"] in TRACED else ()
    return finding_id(row["group_rule"], row["group_issuer"], row["group_client"], *traced)


def finding_id(*parts: str | None) -> str:
    """Return a short id that stays the same for the same rule, issuer and client."""
    return hashlib.sha256("\x1f".join(part or "" for part in parts).encode()).hexdigest()[:12]


def _listed(values: Iterable[str] | None) -> tuple[str, ...]:
    return tuple(values or ())[:MAX_LISTED]


def reference(ref: str, paths: Mapping[str, str]) -> str:
    """Return `file:position` for the hash of the file."""
    sha, _, position = ref.rpartition(":")
    return f"{paths.get(sha, sha)}:{position}"


def _use(row: Mapping[str, Any]) -> Use:
    strange = tuple(trait for trait in TRAITS if row[f"new_{trait}"])
    return Use(row["first_seen"], row["shown"], row["ip"], row["client_id"], row["token_id"], strange)


def _refused(row: Mapping[str, Any], decoys: Decoys) -> Finding:
    """Return the finding for what was presented under a decoy and refused."""
    key = row["key_id"]
    return Finding(
        id=finding_id(f"{DECOY.id}-refused", key),
        rule=DECOY.id,
        **vars(REFUSED),
        title=f"{some(row['records'], 'token')} under a decoy key presented, and refused",
        detail=decoys.told(key),
        first_seen=row["first_seen"],
        last_seen=row["last_seen"],
        token_count=row["records"],
        keys=(key,),
        next_step="Close the place that the finding names to the intruder, and find out what else lay there.",
        score=DECOY.weight,
    )


def _one_id(rows: list[Mapping[str, Any]]) -> list[Finding]:
    """Rule 3.4: one finding for all ids that were accepted under claims that disagree."""
    if not rows:
        return []
    tokens = tuple(sorted(row["token_id"] for row in rows))
    return [
        Finding(
            id=finding_id(str(ONE_ID)),
            rule=str(ONE_ID),
            **vars(ONE_ID.claim),
            title=f"{some(len(rows), 'token id was', 'token ids were')} accepted with claims that disagree",
            detail="one id belongs to one token: who copies an id and changes a claim leaves this",
            first_seen=min(row["first_seen"] for row in rows),
            last_seen=max(row["last_seen"] for row in rows),
            token_count=sum(row["tuples"] for row in rows),
            tokens=tokens[:MAX_LISTED],
            next_step="Look at the records of these ids side by side: SELECT * FROM tokens WHERE token_id = '...'.",
            score=10.0,
        )
    ]
