"""What is missing before forged tokens can be judged, why, and what to turn on or to export, ordered by gain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from shlex import quote

from duckdb import DuckDBPyConnection

from counterfoil.case.results import rows
from counterfoil.model.clearance import parts_of
from counterfoil.model.coverage import ASSERTIONS, named_parts
from counterfoil.model.hunt import HuntReport
from counterfoil.model.readiness import Gap, ServiceReadiness, Shape, Why
from counterfoil.model.reason import Reason
from counterfoil.model.schema import Leg
from counterfoil.model.verdict import JUDGED
from counterfoil.sources.registry import all_sources
from counterfoil.sources.windows.docs import AUDITING

# Since then all audited services write linkable ids (Microsoft, "Linkable token identifiers", generally available).
IDS_WRITTEN = datetime.fromisoformat("2025-07-21")
# A log that begins less than this after its tokens do is not worth a word: a token lives that long.
LIFE = timedelta(hours=28)
MAX_PARTS = 8
MAX_NAMED = 3
# learn.microsoft.com, "Manage mailbox auditing" and "Use MailItemsAccessed to investigate compromised accounts"
AUDIT_MAIL = (
    "Get-EXOMailbox -ResultSize Unlimited | ForEach-Object { Set-Mailbox -Identity $_.Guid.ToString()"
    ' -AuditEnabled $true -AuditOwner @{Add="MailItemsAccessed"} -AuditDelegate @{Add="MailItemsAccessed"}'
    ' -AuditAdmin @{Add="MailItemsAccessed"} }',
    "Get-MailboxAuditBypassAssociation -ResultSize Unlimited | Where-Object AuditBypassEnabled |"
    " Set-MailboxAuditBypassAssociation -AuditBypassEnabled $false",
)
_LIGHT = "sentinel-officeactivity"  # drops token ids
_DEFAULTS = {"entra-signin": "entra-signin-graph", "m365-ual": "m365-ual-search",
             "graph-activity": "graph-activity-azure-monitor"}
_OF_MICROSOFT = "entra-signin/microsoft-service-principal"  # Graph has none of these


def gaps(
    con: DuckDBPyConnection, report: HuntReport, services: Sequence[ServiceReadiness], shape: Shape,
    exports: Sequence[str] = (),
) -> tuple[Gap, ...]:
    """Return what to close, first what nothing can be seen without, then by how many tokens it would let judge.

    `exports`: what a command that judges reads; nothing: the case.
    """
    judge = " ".join(["hunt", *map(quote, exports)]) if exports else f"reconcile --case {quote(report.case)}"
    every = [
        *_services(shape), *_sign_ins(report, shape), *_undeclared(report, judge), *_begins_late(con, report),
        *_without_ids(services, shape), *_assertions(con), *_unaudited(con),
    ]
    return tuple(sorted(every, key=lambda gap: (not gap.first, -gap.tokens, gap.what)))


def export(log: str, used: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the steps by which the log is exported: in the form that is used already, if any is."""
    known = {source.name: source for source in all_sources() if source.log.name == log}
    name = next((name for name in used if name in known), _DEFAULTS[log])
    return known[name].explain.export


def _services(shape: Shape) -> Iterator[Gap]:
    """Yield logs of services that are not there at all."""
    if not (shape.audit or shape.sign_ins or shape.graph):
        return  # nothing of Microsoft is in evidence
    if not shape.audit:
        yield Gap(
            "the audit log of Microsoft 365: mail, files and chats", Why.NOT_EXPORTED, 0, export("m365-ual"),
            "the intrusion of 2023 read mail, and only this log shows it", first=True,
        )
    elif not shape.mail:
        yield Gap(
            "mail access (MailItemsAccessed): not one record of it", Why.NOT_AUDITED, 0, AUDIT_MAIL,
            "it is in every licence with Audit since September 2023, and has to be in each mailbox's audit set",
            first=True,
        )
    if not shape.graph:
        note = "kept from the day on which it is switched on; mail read through Graph shows here, too"
        yield Gap("requests to Microsoft Graph", Why.NOT_EXPORTED, 0, export("graph-activity"), note)


def _sign_ins(report: HuntReport, shape: Shape) -> Iterator[Gap]:
    """Yield parts of issuers' logs that open tokens wait for."""
    for issuer in dict.fromkeys(need.issuer for need in report.needed if need.missing):
        mine = [need for need in report.needed if need.issuer == issuer and need.missing]
        parts, tokens = parts_of(mine, "missing"), sum(need.tokens for need in mine)
        log = parts[0].partition("/")[0]
        used = ("entra-signin-azure-monitor",) if _OF_MICROSOFT in parts else shape.sign_ins
        how = export(log, used) if log in _DEFAULTS else (f"counterfoil sources explain {log}",)
        why = Why.NOT_LICENSED if log in report.refused_logs else Why.NOT_EXPORTED
        note = "the service refused the export (403)" if log in report.refused_logs else ""
        yield Gap(f"logs of {issuer}: {named_parts(parts)}", why, tokens, how, note)


def _undeclared(report: HuntReport, judge: str) -> Iterator[Gap]:
    # what waits for other logs, too, is not told by a declaration
    tokens = sum(row.tokens for row in report.verdicts if row.reason == Reason.NOT_DECLARED and not row.missing)
    parts = [f"{offer.source}/{offer.kind}" for offer in report.offers][:MAX_PARTS]
    if parts:
        dated = " --exported-at DATE" if any(offer.dated for offer in report.offers) else ""
        options = " ".join(f"--complete {quote(part)}" for part in parts)
        yield Gap(
            f"a declaration for {named_parts(tuple(parts))}", Why.NOT_DECLARED, tokens,
            (f"counterfoil {judge}{dated} {options}",),
            "absence convicts only in logs that are complete, and only you know that; it is checked",
        )


def _begins_late(con: DuckDBPyConnection, report: HuntReport) -> Iterator[Gap]:
    """Yield issuers whose logs begin later than their tokens."""
    begins: dict[str, datetime] = {}
    for row in report.coverage:
        if row.issuer and row.start and row.records and row.source != ASSERTIONS:
            begins[row.issuer] = min(begins.get(row.issuer, row.start), row.start)
    judged = ", ".join(f"'{verdict}'" for verdict in sorted(JUDGED))
    for issuer, begin in sorted(begins.items()):
        (found,) = rows(con, f"""SELECT count(*) AS tokens, min(first_seen) AS first FROM tokens
            WHERE issuer = $1 AND first_seen < $2 AND verdict NOT IN ({judged})""", [issuer, begin])  # noqa: S608
        if found["tokens"] and begin - found["first"] > LIFE:
            yield Gap(
                f"older records of {issuer}: its log begins on {begin:%Y-%m-%d}, its tokens on"
                f" {found['first']:%Y-%m-%d}", Why.RETENTION, found["tokens"],
                export("entra-signin", ("entra-signin-azure-monitor",)) if issuer.startswith("entra:") else (),
                "Entra ID keeps sign-ins for 30 days (7 without P1): only what is sent elsewhere is kept longer",
            )


def _without_ids(services: Sequence[ServiceReadiness], shape: Shape) -> Iterator[Gap]:
    """Yield services of whose tokens many carry no id."""
    for each in services:
        if each.nameless * 10 <= each.tokens:
            continue
        what = f"token ids of {each.service}"
        if shape.audit == (_LIGHT,) and each.service.startswith("m365-ual/"):
            yield Gap(what, Why.IDS_DROPPED, each.nameless, export("m365-ual"), "the table OfficeActivity has none")
        elif each.last < IDS_WRITTEN:
            note = "records since 21 July 2025 have them: export those of today, and nothing more is to be done"
            yield Gap(what, Why.IDS_NOT_WRITTEN, each.nameless, (), note)


def _assertions(con: DuckDBPyConnection) -> Iterator[Gap]:
    """Yield federation servers of which no issuance is in evidence, though their assertions were taken."""
    (taken,) = rows(con, "SELECT count(*) AS tokens FROM tokens WHERE derived = 'assertion'")
    (issued,) = rows(con, f"""SELECT count(*) AS records FROM evidence
        WHERE source = 'adfs' AND leg = '{Leg.ISSUANCE}'""")  # noqa: S608  # a constant
    if not taken["tokens"] or issued["records"]:
        return
    (heard,) = rows(con, "SELECT count(*) AS records FROM evidence WHERE starts_with(source, 'adfs')"
                         " OR starts_with(source, 'windows')")
    if heard["records"]:
        yield Gap("assertions that AD FS issues (1200, 299)", Why.NOT_AUDITED, taken["tokens"], AUDITING,
                  "events of the servers are in evidence, and none of them is an issuance")
    else:
        how = (*AUDITING, "wevtutil epl Security security.evtx")
        yield Gap("the Security log of each AD FS server", Why.NOT_EXPORTED, taken["tokens"], how,
                  "sign-ins presented assertions, and nothing of their issuer is in evidence")


def _unaudited(con: DuckDBPyConnection) -> Iterator[Gap]:
    """Yield mailboxes whose settings leave mail access out, and of which no record proves the opposite."""
    found = rows(con, _SETTINGS)
    if found:
        names = ", ".join(row["mailbox"] for row in found[:MAX_NAMED])
        more = f" and {len(found) - MAX_NAMED:,} more" if found[MAX_NAMED:] else ""
        yield Gap(f"mail access of {names}{more}, by the settings of their audit", Why.NOT_AUDITED, 0, AUDIT_MAIL,
                  "no record of theirs proves the opposite")


# A record of mail access proves that its mailbox is audited; a setting proves nothing.
_SETTINGS = f"""WITH told AS (SELECT subject_name AS mailbox, extra->>'AuditEnabled' AS audited,
    extra->>'AuditBypassEnabled' AS bypassed, extra->>'OwnerAuditActions' AS actions, extra->>'DefaultAuditSet' AS usual
    FROM evidence WHERE leg = '{Leg.CONTEXT}' AND kind = 'mailbox-audit'),
proven AS (SELECT DISTINCT object_parent AS mailbox FROM evidence
    WHERE leg = '{Leg.ACCEPTANCE}' AND operation = 'MailItemsAccessed' AND object_parent IS NOT NULL)
SELECT DISTINCT mailbox FROM told ANTI JOIN proven USING (mailbox) WHERE mailbox IS NOT NULL AND (
    lower(audited) = 'false' OR lower(bypassed) = 'true'
    OR (coalesce(usual, '') NOT ILIKE '%owner%' AND actions IS NOT NULL AND NOT contains(actions, 'MailItemsAccessed')))
ORDER BY 1"""  # noqa: S608  # constants
