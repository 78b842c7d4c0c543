"""A report of the size and kind that the demo gives; all names are invented."""

from __future__ import annotations

from datetime import datetime

from counterfoil.model.coverage import CoverageRow
from counterfoil.model.dossier import (
    Dossier,
    HourCount,
    Intruder,
    JudgedDay,
    LogDay,
    Mailbox,
    MailSum,
    Reach,
    Reached,
    Record,
    Trail,
)
from counterfoil.model.finding import Finding
from counterfoil.model.hunt import HuntReport, InputFile, RejectCount, VerdictCount
from counterfoil.model.reason import Reason
from counterfoil.model.verdict import FindingVerdict, Verdict

at = datetime.fromisoformat  # UTC without a zone, as in every report

TENANT = "entra:2f1b7c3e-5a0d-4a9e-9a52-6f3d0c1b7a11"
BEGIN, END = at("2026-05-04T07:12"), at("2026-06-17T17:48")

HOLE = at("2026-05-20T03:05"), at("2026-05-21T09:40")


def file(path: str, source: str, kept: int, duplicates: int = 0, rejected: int = 0) -> InputFile:
    """Return a file that was read."""
    return InputFile(
        path, "ab" * 32, 1000, source, kept + duplicates + rejected, kept, duplicates, rejected, "", "", ""
    )


def unread(path: str, why: str, nearest: str = "") -> InputFile:
    """Return a file that was not read."""
    return InputFile(path, "cd" * 32, 1000, "", 0, 0, 0, 0, "", why, nearest)


def coverage(
    kind: str, status: str, records: int, reason: str = "", *, start: datetime = BEGIN, end: datetime = END
) -> CoverageRow:
    """Return one row of coverage of the tenant's sign-ins."""
    return CoverageRow(TENANT, "entra-signin", kind, status, start, end, records, reason)


def finding(verdict: FindingVerdict = FindingVerdict.FORGED, **changes: object) -> Finding:
    """Return a finding."""
    fields: dict[str, object] = {
        "id": "f-1",
        "rule": "forged-tokens",
        "verdict": verdict,
        "severity": "critical",
        "confidence": "high",
        "title": "41 forged tokens read 12 mailboxes through app 5a95c0de… from 9 addresses",
        "detail": "Every sign-in of that time is in evidence and none has these ids.",
        "first_seen": at("2026-05-15T00:11:03.123456"),
        "last_seen": at("2026-06-16T08:55:09"),
        "token_count": 41,
        "acceptance_count": 380,
        "subjects": tuple(f"person{n}@contoso.com" for n in range(12)),
        "tokens": tuple(f"{n:08x}-0000-4000-8000-000000000000" for n in range(41)),
        "keys": (),
        "clients": ("5a95c0de-1111-4222-8333-444455556666",),
        "ips": tuple(f"203.0.113.{n}" for n in range(1, 10)),
        "objects": (),
        "evidence": ("audit.json:17",),
        "attack": ("T1606",),
        "next_step": "Block the app 5a95c0de… and ask the issuer to block the signing key.",
        "score": 0.0,
    }
    return Finding(**(fields | changes))  # type: ignore[arg-type]  # changes are the fields' own types


INPUTS = (
    file("logs/interactive.json", "entra-signin-azure-monitor", 41_000, 0, 3),
    file("logs/noninteractive.json", "entra-signin-azure-monitor", 140_250, 1_204),
    file("logs/audit-1.json", "m365-ual-management-api", 70_123, 210),
    file("logs/audit-2.csv", "m365-ual-search-csv", 9_611, 4_235, 1),
    unread("logs/mailbox.pst", "no record is a JSON object"),
    unread("logs/signins-old.csv", "column Request ID missing", "entra-signin-portal-csv"),
)
REJECTS = (
    RejectCount("logs/interactive.json", "no date", 3, 17),
    RejectCount("logs/audit-2.csv", "not JSON", 1, 4_001),
)
COVERAGE = (
    coverage("interactive", "accepted", 41_000),
    coverage("non-interactive", "hole", 0, "no record for so long", start=HOLE[0], end=HOLE[1]),
    coverage("non-interactive", "accepted", 60_000, end=HOLE[0]),
    coverage("non-interactive", "accepted", 60_250, start=HOLE[1]),
    coverage("service-principal", "refused", 12, "the export stops at its row cap (5,000)"),
    coverage("managed-identity", "seen", 19_988),
)
VERDICTS = (
    VerdictCount(Verdict.MINTED, Reason.BY_ID, 11_020, 61_200),
    VerdictCount(Verdict.FORGED, Reason.ID_NOT_ISSUED, 41, 380),
    VerdictCount(Verdict.TAINTED, Reason.FORGED_ANCESTOR, 3, 12),
    VerdictCount(Verdict.UNLINKABLE, Reason.NO_ID, 511, 511),
    VerdictCount(Verdict.UNCOVERED, Reason.NOT_DECLARED, 1_204, 3_310),
    VerdictCount(Verdict.UNCOVERED, Reason.SILENT_STRATUM, 77, 200),
)
FINDINGS = (
    finding(),
    finding(
        FindingVerdict.TAINTED,
        id="f-2",
        rule="tainted-tokens",
        title="3 tokens were obtained with forged ones, for 2 people",
        token_count=3,
        acceptance_count=12,
    ),
    finding(FindingVerdict.SUSPICION, id="f-3", title="a client never seen before read one mailbox", score=3.5),
)

REPORT = HuntReport(
    version="0.1.0",
    case="counterfoil-case",
    since=None,
    until=None,
    inputs=INPUTS,
    rejects=REJECTS,
    legs=(("issuance", 181_250), ("secondary_issuance", 640), ("acceptance", 65_613), ("context", 13_481)),
    first_event=BEGIN,
    last_event=END,
    coverage=COVERAGE,
    verdicts=VERDICTS,
    findings=FINDINGS,
)


def record(**changes: object) -> Record:
    """Return a record of a trail."""
    fields: dict[str, object] = {
        "leg": "acceptance", "event_time": at("2026-05-15T00:11:03"), "source": "m365-ual", "kind": "exchange-item",
        "operation": "MailItemsAccessed", "outcome": "success", "issuer": TENANT, "subject": "person0@contoso.com",
        "client_id": "5a95c0de-1111-4222-8333-444455556666", "ip": "203.0.113.1", "user_agent": "Client=REST;;",
        "object_name": "person0@contoso.com", "access_mode": "bind", "item_count": 3, "path": "logs/audit-1.json",
        "position": 17,
    }
    return Record(**(fields | changes))  # type: ignore[arg-type]  # changes are the fields' own types


def trail(number: int = 0, **changes: object) -> Trail:
    """Return the trail of a forged token of the first finding."""
    fields: dict[str, object] = {
        "token_key": f"{number:032x}", "finding": "f-1", "claim": FindingVerdict.FORGED, "verdict": Verdict.FORGED,
        "reason": str(Reason.ID_NOT_ISSUED), "diagnosis": "custody-unknown", "derived": "",
        "token_id": f"{number:08x}-0000-4000-8000-000000000000",
        "subject": "person0@contoso.com", "issuer": TENANT, "issued_at": at("2026-05-15T00:05"), "key_id": None,
        "client_id": "5a95c0de-1111-4222-8333-444455556666", "resource": "00000002-0000-0ff1-ce00-000000000000",
        "ip": "203.0.113.1", "first_seen": at("2026-05-15T00:11:03"), "last_seen": at("2026-05-15T00:40"),
        "accepted_records": 20, "key_uses": (), "issued": (), "exchanged": (), "accepted": (record(),),
        "reached": (Reached("mailbox", "person0@contoso.com", 20, 31),), "parents": (), "children": (),
    }
    return Trail(**(fields | changes))  # type: ignore[arg-type]  # changes are the fields' own types


def mailbox(**changes: object) -> Mailbox:
    """Return a mailbox whose upper limit is unknown."""
    fields: dict[str, object] = {
        "mailbox": "person0@contoso.com", "mailbox_id": "9fb69bd1-5865-4ab6-ab62-1773df70e8df", "tokens": 3,
        "records": 20, "binds": 18, "syncs": 2, "untold": 0, "aggregated": 4, "throttled": 1, "unnamed": 2,
        "attachments": 3, "bytes": 70_000, "seen": 31,
        "at_least": 31, "at_most": None, "unbounded": ("whole folder", "not logged for a time"),
        "folders": ("\\Inbox",), "first_seen": at("2026-05-15T00:11:03"), "last_seen": at("2026-06-16T08:55:09"),
    }
    return Mailbox(**(fields | changes))  # type: ignore[arg-type]  # changes are the fields' own types


GRAVE = (FindingVerdict.FORGED, FindingVerdict.TAINTED)
DOSSIER = Dossier(
    trails=(trail(0), trail(1)),
    intruders=(Intruder(FindingVerdict.FORGED, False, 41, 380, 12, 9, 1, BEGIN, END),),
    reach=(Reach("mailbox", 12, 380), Reach("file", 3, 4)),
    logs=(LogDay("entra-signin", "interactive", True, BEGIN.date(), 900),),
    judged=(
        JudgedDay("m365-ual", BEGIN.date(), "minted", 900),
        JudgedDay("m365-ual", BEGIN.date(), "forged", 3),
        JudgedDay("m365-ual", END.date(), "open", 40),
    ),
    hours=(HourCount(1, 3, 12),),
    mail=(MailSum(GRAVE, (mailbox(),), 1, 31, 31, None, 1, 3),),
    asked=(("--complete", "entra-signin/interactive"),),
    inputs_sha256="ef" * 32,
    manifest_sha256="01" * 32,
)
