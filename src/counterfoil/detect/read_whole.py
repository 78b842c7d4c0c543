"""Whole folders were read, or so much that the mail service stopped writing it down."""

from __future__ import annotations

from counterfoil.detect.rule import Rule, Tables
from counterfoil.expressions import ir

SYNC = "sync"


def _find(tables: Tables) -> ir.Table:
    records = tables.records
    whole = records.filter(((records.access_mode == SYNC) | records.throttled).fill_null(False))
    suspects = tables.suspects.filter(tables.suspects.object_kind == "mailbox")
    return suspects.semi_join(whole, ["source", "record_id"]).select("token_key")


RULE = Rule(
    id="read-as-a-whole",
    title="whole folders were read, or so much mail that the log stopped",
    weight=0.5,
    severity="low",
    confidence="low",
    audience="tenant",
    attack=("T1114.002",),
    references=("learn.microsoft.com, Use MailItemsAccessed to investigate compromised accounts",),
    why="A synchronised folder counts as read as a whole. After a thousand reads in a day Exchange writes no more for "
    "24 hours: whatever was read then is not known.",
    innocent="Every mail program synchronises, and a new one reads everything once.",
    needs="the audit log of Microsoft 365 with MailItemsAccessed",
    blind="who reads mail one by one, and not too much of it; later uses of a token than its first",
    next_step="Take the whole folder, or all of the mailbox, for read: counterfoil messages says from when to when.",
    find=_find,
)
