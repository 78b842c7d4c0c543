"""Get-MailboxAuditStatus of the Microsoft-Extractor-Suite (CSV): what is audited, mailbox by mailbox."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping

from counterfoil.errors import InputError
from counterfoil.posture.tenant import MailboxAudit

MAX_MAILBOXES = 1_000_000
REQUIRED = frozenset({"UserPrincipalName", "AuditEnabled", "OwnerAuditActions", "DelegateAuditActions"})
_TRUTH: Mapping[str, bool] = {"true": True, "false": False}


def fits(head: Iterable[str]) -> bool:
    """Tell the file by its columns."""
    return set(head) >= REQUIRED


def read(text: str, where: str) -> tuple[MailboxAudit, ...]:
    """Return the rows; raises InputError for text that is no CSV, or too long."""
    try:
        found = tuple(_row(row) for row in csv.DictReader(io.StringIO(text), delimiter=_delimiter(text)))
    except csv.Error as error:
        raise InputError(f"{where}: no CSV: {error}") from error
    if len(found) > MAX_MAILBOXES:
        raise InputError(f"{where}: more than {MAX_MAILBOXES:,} rows")
    return found


def columns(text: str) -> tuple[str, ...]:
    """Return the columns that the first line names."""
    line = text.partition("\n")[0].strip()
    return tuple(name.strip().strip('"') for name in line.split(_delimiter(text)))


def _delimiter(text: str) -> str:
    line = text.partition("\n")[0]
    return ";" if line.count(";") > line.count(",") else ","


def _row(row: Mapping[str, str | None]) -> MailboxAudit:
    def listed(name: str) -> frozenset[str]:
        return frozenset(word for word in re.split(r"[,;|\s{}]+", row.get(name) or "") if word)

    def truth(name: str) -> bool | None:
        return _TRUTH.get((row.get(name) or "").strip().lower())

    return MailboxAudit(
        (row.get("UserPrincipalName") or "").strip().lower(), truth("AuditEnabled"), truth("AuditBypassEnabled"),
        listed("DefaultAuditSet"), listed("OwnerAuditActions"), listed("DelegateAuditActions"),
        listed("AdminAuditActions"),
    )
