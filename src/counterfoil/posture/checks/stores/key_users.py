"""Who may use signing keys."""

from __future__ import annotations

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Origin, Verdict, cannot_tell
from counterfoil.posture.key_access import EVERYBODY, KeyAccess
from counterfoil.report.words import some


def _judge(access: KeyAccess, baseline: Baseline) -> Answer:
    most = int(baseline.number("key-users"))
    expected = f"{most} principals at most that may use keys, each by name"
    users = [grant for grant in access.grants if grant.uses]
    named = {grant.principal for grant in users}
    recorded = [acts for acts in access.acts if acts.used is not None and acts.principal not in named]
    told = tuple(f"{grant.principal} ({grant.via})" for grant in users)
    anybody = tuple(f"{grant.principal} ({grant.via})" for grant in users if grant.principal in EVERYBODY)
    if anybody:
        return Answer(Verdict.FAIL, "everybody may use keys", expected, Origin.DELIBERATE, anybody)
    if recorded and access.whole:
        lines = tuple(f"{acts.principal}: {acts.used.record}" for acts in recorded if acts.used)
        seen = f"{some(len(lines), 'principal')} used keys by record, and may not by this export"
        return Answer(Verdict.PARTIAL, seen, expected, where=lines)
    if len(named) > most:
        return Answer(Verdict.FAIL, f"{len(named)} principals", expected, Origin.DELIBERATE, told)
    if not access.whole:
        seen = f"{len(named)} by name, and whoever else the account's own policies (IAM) allow"
        return Answer(Verdict.PARTIAL, seen, expected, Origin.DEFAULT, told)
    if not users:
        return cannot_tell("the export names nobody who may use keys", expected)
    return Answer(Verdict.PASS, some(len(named), "principal"), expected, Origin.DELIBERATE, told)


CHECK = Check(
    id="store-key-users",
    question="May only a few named principals use the signing keys?",
    why="A key that cannot leave its store can still be misused through it: whoever may sign mints tokens. Insiders "
    "and hijacked signing services sign so, and the record of it looks like any other.",
    sources=("CSRB 2024, recommendation 5", "SP 800-53 AC-6", "AWS KMS, key policies"),
    reads=KeyAccess,
    needs="custody.toml, `aws kms get-key-policy`, `gcloud projects get-iam-policy --format=json`, `bao read "
    "-format=json sys/policy/NAME`",
    gain=7,
    fix=("Name the issuer's own service and nobody else: one principal for each key.",
         "In KMS take the statement for the account's root away, or narrow it: it lets IAM policies allow anybody.",
         "Watch for newcomers: counterfoil keys watch."),
    breaks="Whoever else signed by it, such as a job or a test, is refused: look into the log of uses first.",
    judge=_judge,
)
