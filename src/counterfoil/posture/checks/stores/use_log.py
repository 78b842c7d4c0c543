"""Whether uses of keys are recorded, without gaps."""

from __future__ import annotations

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Origin, Verdict, cannot_tell
from counterfoil.posture.history import day
from counterfoil.posture.key_use_log import KeyUseLog
from counterfoil.posture.said import contradicted, said, worst
from counterfoil.report.words import some

_ID = "store-key-use-log"
_EXPECTED = "every use of a key is recorded, and nobody turned the log off"


def _judge(log: KeyUseLog, baseline: Baseline) -> Answer:
    del baseline
    told = (*log.what, *log.why, *said(log.results))
    used = sum(part.records for part in log.parts)
    if log.off:
        lines = tuple(f"{one.key or log.name}: {day(one.proof.time)}, {one.proof.record}" for one in log.off)
        against = contradicted(log.results, Verdict.PASS) or (", against its settings of today" if log.taken else "")
        return Answer(Verdict.FAIL, f"turned off by record{against}", _EXPECTED, Origin.DELIBERATE, (*lines, *told))
    if log.taken is False:
        since = f"; {some(used, 'record')} of uses from before" if used else ""
        seen = f"uses are not recorded{since}{contradicted(log.results, Verdict.PASS)}"
        return Answer(Verdict.FAIL, seen, _EXPECTED, Origin.DEFAULT if not log.what else Origin.UNKNOWN, told)
    if used:
        last = max(part.last for part in log.parts)
        seen = f"{some(used, 'record')} of uses, the last of {day(last)}{contradicted(log.results, Verdict.FAIL)}"
        return Answer(Verdict.PARTIAL if log.why else Verdict.PASS, seen, _EXPECTED, where=told)
    if log.taken:
        return Answer(Verdict.PARTIAL if log.why else Verdict.PASS, "on, by its settings", _EXPECTED, where=told)
    if log.results:
        verdict = worst(log.results)
        return Answer(Verdict.PARTIAL if verdict is Verdict.PASS else verdict, "by other scanners only", _EXPECTED,
                      where=told)
    return cannot_tell("neither settings nor records", _EXPECTED)


CHECK = Check(
    id=_ID,
    question="Is every use of a signing key recorded?",
    why="Who had access to the key of 2023 is not known: nothing of it was recorded, or not for long enough. Cloud KMS "
    "records no use unless told to; a trail of AWS leaves KMS out at one click, because it is loud.",
    sources=("CSRB 2024, recommendation 5", "Google Cloud KMS, audit logging", "AWS CloudTrail, management events"),
    reads=KeyUseLog,
    needs="`aws cloudtrail get-event-selectors`, `gcloud projects get-iam-policy --format=json`, `bao audit list "
    "-detailed -format=json`; --case with the log itself",
    gain=9,
    fix=("AWS: put-event-selectors with ReadWriteType All, management events on, kms.amazonaws.com not excluded.",
         "Google Cloud: DATA_READ of cloudkms.googleapis.com in auditConfigs, without exempted members.",
         "OpenBao, Vault: two audit devices, declared in the configuration; log_raw off.",
         "Keep it for the life of the key and two years, where who administers keys cannot change it."),
    breaks="Nothing; storage. OpenBao refuses every request while none of its audit devices can be written.",
    judge=_judge,
)
