"""Whether those who use keys and those who administer them are others."""

from __future__ import annotations

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Origin, Verdict, cannot_tell
from counterfoil.posture.history import day
from counterfoil.posture.key_access import KeyAccess
from counterfoil.report.words import some

_EXPECTED = "nobody who uses keys administers them"


def _judge(access: KeyAccess, baseline: Baseline) -> Answer:
    del baseline
    did = tuple(
        f"{acts.principal}: used one on {day(acts.used.time)}, {acts.used.record}; administered one on "
        f"{day(acts.administered.time)}, {acts.administered.record}"
        for acts in access.acts if acts.used and acts.administered
    )
    if did:
        return Answer(Verdict.FAIL, f"{some(len(did), 'principal')} did both, by record", _EXPECTED, where=did)
    uses = {grant.principal for grant in access.grants if grant.uses}
    administers = {grant.principal for grant in access.grants if grant.administers}
    both = tuple(sorted(uses & administers))
    if both:
        return Answer(Verdict.FAIL, f"{some(len(both), 'principal')} may do both", _EXPECTED, Origin.DELIBERATE, both)
    if not access.whole:
        return Answer(Verdict.PARTIAL, "nobody by name; who else may, IAM policies say", _EXPECTED, Origin.DEFAULT)
    if not uses and not administers:
        return cannot_tell("the export names nobody", _EXPECTED)
    return Answer(Verdict.PASS, f"{len(uses)} use keys, {len(administers)} administer them", _EXPECTED)


CHECK = Check(
    id="store-separation-of-duties",
    question="Are those who use keys and those who administer them others?",
    why="Whoever can do both makes a key exportable, takes it, and sets it back; or signs, and shortens the log. With "
    "two roles it takes two people, and each leaves a record that the other can read.",
    sources=("SP 800-53 AC-5", "SP 800-57 part 2, 2.3", "CSRB 2024, recommendation 5"),
    reads=KeyAccess,
    needs="custody.toml, `aws kms get-key-policy`, `gcloud projects get-iam-policy --format=json`, `bao read "
    "-format=json sys/policy/NAME`; --case with the store's log",
    gain=6,
    fix=("Make two roles: the issuer's service, which signs; people, who create, rotate and destroy.",
         "In custody: [signer] allow for the issuer; admins for people, who then sign nothing.",
         "Let the log of both be kept where neither can change it."),
    breaks="An issuer that rotates its own keys needs a job of its own for that.",
    judge=_judge,
)
