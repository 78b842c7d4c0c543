"""Mailboxes whose log stopped because too much was read."""

from __future__ import annotations

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Verdict, cannot_tell
from counterfoil.posture.history import day
from counterfoil.posture.tenant import Tenant
from counterfoil.report.words import some

_SHOWN = 10


def _judge(tenant: Tenant, baseline: Baseline) -> Answer:
    del baseline
    expected = "no mailbox whose log stopped (IsThrottled)"
    records = tenant.records
    if records is None or not records.mail:
        return cannot_tell("no record of mail being read", expected)
    if records.throttled:
        lines = [f"{name}: since {day(proof.time)}, {proof.record}" for name, proof in records.throttled.items()]
        seen = f"{some(len(lines), 'mailbox', 'mailboxes')} throttled"
        return Answer(Verdict.FAIL, seen, expected, where=tuple(lines[:_SHOWN]))
    return Answer(Verdict.PASS, f"none of {len(records.mail)} mailboxes", expected)


CHECK = Check(
    id="tenant-throttled-mailboxes",
    question="Did no mailbox read so much that its log stopped?",
    why="After a thousand bind records in a day Exchange writes none for 24 hours. What happens then is unseen, and a "
    "patient intruder can bring it about: take all mail of the mailbox as read.",
    sources=("Microsoft Purview, MailItemsAccessed", "AA23-193A"),
    reads=Tenant,
    needs="--case with records of MailItemsAccessed",
    gain=5,
    fix=("Find the program that reads so much: counterfoil sql CASE \"SELECT client_id, count(*) FROM evidence WHERE "
         "operation = 'MailItemsAccessed' GROUP BY ALL\".",
         "Let it sync less often, or by subscription to changes.",
         "Count the throttled days as days without a log."),
    breaks="The program reads later.",
    judge=_judge,
)
