"""What findings claim by their rules, and the explanation of every code.

`counterfoil explain CODE` and the reports say these texts. The words of verdicts, reasons and diagnoses stand in
`model/verdict.py`, `reason.py` and `diagnosis.py`; here stand the rules of findings that are none of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from counterfoil.model.diagnosis import Diagnosis
from counterfoil.model.reason import SETS, Probable, Reason
from counterfoil.model.verdict import Claim, FindingVerdict, Verdict
from counterfoil.model.word import KEEP, SEE_CONTRADICTED


@dataclass(frozen=True)
class Explanation:
    """All that is known of one code. `sort`: verdict, finding verdict, reason, diagnosis, rule."""

    code: str
    sort: str
    meaning: str
    why: str
    act: tuple[str, ...]


@dataclass(frozen=True)
class FindingRule:
    """A rule of findings: what they claim, what it looks for, `why` it may be believed, and what to do (`act`)."""

    code: str
    claim: Claim
    meaning: str
    why: str
    act: tuple[str, ...]

    def __str__(self) -> str:
        """Return its code."""
        return self.code


MORE_THAN_SIGNED = FindingRule(
    "more-accepted-than-signed",
    Claim(FindingVerdict.FORGED, "critical", "high", ("T1606", "T1552.004")),
    "more different tokens were accepted under a key than its key store made signatures",
    "A log of key uses without digests cannot tell which tokens it signed, but it counts: in that time, or in"
    " some minute of it, more tokens are in evidence than signatures. So many at least were signed elsewhere.",
    Diagnosis.KEY_OUT_OR_UNCHECKED.act,
)
KEY_TAKEN = FindingRule(
    "farm-key-taken",
    Claim(FindingVerdict.PROBABLY_FORGED, "critical", "high", ("T1552.004", "T1606.002")),
    "another than the farm's own service read the signing key of AD FS, or Defender says so",
    "Who holds the token-signing key of AD FS signs assertions for anybody, and the farm's log has nothing of"
    " that. The service reads its key as well; its account is known by its logons on the farm's servers, else"
    " by reading on three days or more. An administrator's tool, or a backup, looks the same: ask who ran it.",
    (
        "Replace the token-signing certificate twice, so that nobody accepts the old one, and the DKM key.",
        "Judge the federated sign-ins since then: --federated, and --complete for every server of the farm.",
        "Find out what else that account did, and from where.",
        KEEP,
    ),
)
SUSPICIOUS = FindingRule(
    "suspicious",
    FindingVerdict.SUSPICION.claim,
    "several signs of an intruder on tokens that cannot be judged",
    "Each sign has a weight; the finding lists those that hold and their sum. None of them is proof.",
    FindingVerdict.SUSPICION.act,
)
ONE_ID = FindingRule(
    "one-id-several-tuples",
    Claim(FindingVerdict.SUSPICION, "high", "medium", ("T1550.001",)),
    "one token id was accepted with claims that disagree",
    "An id belongs to one issuance. Services keep it across applications and addresses, but never across"
    " subjects, tenants or keys: one of the records does not tell of the token that was issued.",
    ("See which of the tuples disagrees with the issuance: that one is contradicted.", SEE_CONTRADICTED),
)
# Rules of findings other than reasons, what makes tokens probably forged, diagnoses, and suspicions (`detect/`).
RULES = {str(rule): rule for rule in (MORE_THAN_SIGNED, KEY_TAKEN, SUSPICIOUS, ONE_ID)}

_SORTS: tuple[tuple[str, Iterable[Verdict | FindingVerdict | Diagnosis | Reason | Probable | FindingRule]], ...] = (
    ("verdict", Verdict), ("verdict of a finding", (FindingVerdict.PROBABLY_FORGED, FindingVerdict.SUSPICION)),
    ("reason", Reason), ("diagnosis", Diagnosis), ("reason and diagnosis", (Diagnosis.KEY_NOT_ENTITLED,)),
    ("rule", [rule for rule in Probable if rule not in set(map(str, Reason))]), ("rule", RULES.values()),
)
# What is known of every verdict, finding verdict, reason, diagnosis and rule, by its code, in the order of telling.
EXPLAINED: Mapping[str, Explanation] = {
    str(word): Explanation(str(word), sort, word.meaning, word.why, word.act)
    for sort, words in _SORTS for word in words
}


def claim_of(rule: str) -> Claim:
    """Return what a finding of tokens claims by its rule: a reason, what makes them probably forged, or of RULES."""
    if rule in RULES:
        return RULES[rule].claim
    if rule in set(Probable):
        return FindingVerdict.PROBABLY_FORGED.claim
    return FindingVerdict.FORGED.claim if rule in SETS else FindingVerdict(Reason(rule).verdict).claim
