"""What an import is: it recognises a document of its tool, and turns it into results as they stand there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from counterfoil.posture.check import Verdict
from counterfoil.posture.tenant import ImportedRun
from counterfoil.report.clean import clean

# Results of one run that are taken in: the largest accounts have some hundred thousand.
MAX_RESULTS = 500_000
MAX_TOLD = 400

MAIL_AUDIT, UNIFIED_AUDIT, RETENTION = "tenant-mailbox-audit", "tenant-unified-audit", "tenant-log-retention"
# With the log that it is about: of AWS, of Google Cloud.
USE_LOG = "store-key-use-log"
AWS_USE_LOG, GOOGLE_USE_LOG = f"{USE_LOG} aws-cloudtrail", f"{USE_LOG} google-audit"
_TAG = re.compile(r"<[^<>]{0,200}>")


@dataclass(frozen=True)
class Import:
    """An importer. `fits`: tells its documents by their shape. `read`: (document, file) to a run; raises InputError."""

    tool: str
    fits: Callable[[Any], bool]
    read: Callable[[Any, str], ImportedRun]


def verdict(word: object, words: Mapping[str, Verdict]) -> Verdict:
    """Return what a tool's word means; a word that nobody knows proves nothing."""
    return words.get(str(word).strip().lower(), Verdict.CANNOT_TELL)


def told(text: object) -> str:
    """Return a text of the tool without markup, in one line."""
    return clean(_TAG.sub(" ", str(text or ""))[: 4 * MAX_TOLD], MAX_TOLD)


def moment(text: object) -> datetime | None:
    """Return a time as tools write it, None for what is none."""
    try:
        found = datetime.fromisoformat(str(text).strip())
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
