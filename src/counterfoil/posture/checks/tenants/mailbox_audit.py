"""Whether reading of mail is audited, in every mailbox: by export, by other scanners, and by records."""

from __future__ import annotations

from collections.abc import Iterator

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Origin, Verdict, cannot_tell
from counterfoil.posture.history import day
from counterfoil.posture.said import contradicted, said, worst
from counterfoil.posture.tenant import MailboxAudit, Tenant
from counterfoil.report.words import some

_ID = "tenant-mailbox-audit"
_READING = "MailItemsAccessed"
_EXPECTED = f"auditing on and not bypassed, and {_READING} among the actions of owner and delegate, in every mailbox"
# Mailboxes that are named.
_SHOWN = 5


def _judge(tenant: Tenant, baseline: Baseline) -> Answer:
    del baseline
    results, records = tenant.about(_ID), tenant.records
    off = [change for change in records.changes if change.off and _of_mailboxes(change.operation)] if records else []
    later = {(on.operation, on.of): on.proof.time for on in records.changes if not on.off} if records else {}
    off = [change for change in off if later.get((change.operation, change.of), change.proof.time) <= change.proof.time]
    if off:
        lines = [
            f"{change.of or 'the whole tenant'}: {change.operation}, {day(change.proof.time)}, {change.proof.record}"
            for change in off
        ]
        seen = f"turned off by record{contradicted(results, Verdict.PASS)}"
        return Answer(Verdict.FAIL, seen, _EXPECTED, Origin.DELIBERATE, tuple(lines))
    proven = tuple(_proven(tenant))
    lacking = {found.mailbox: why for found in tenant.mailboxes if (why := _lacks(found))}
    if tenant.mailboxes:
        return _exported(tenant, lacking, proven)
    if not results and not proven:
        return cannot_tell("no export of audit settings, no scan, and no record of mail being read", _EXPECTED)
    if proven:
        count = len(records.mail) if records else 0
        seen = f"{some(count, 'mailbox', 'mailboxes')} by record{contradicted(results, Verdict.FAIL)}; others unknown"
        return Answer(Verdict.PARTIAL, seen, _EXPECTED, where=(*proven, *said(results)))
    verdict = worst(results)
    # a scanner reads the tenant's switch, which bypass and each mailbox's own set of actions outdo
    return Answer(Verdict.PARTIAL if verdict is Verdict.PASS else verdict, "by other scanners only", _EXPECTED,
                  where=tuple(said(results)))


def _exported(tenant: Tenant, lacking: dict[str, str], proven: tuple[str, ...]) -> Answer:
    recorded = set(tenant.records.mail) if tenant.records else set()
    whole = len(tenant.mailboxes)
    unproven = {name: why for name, why in lacking.items() if name not in recorded}
    told = [f"{name}: {why}" for name, why in list(unproven.items())[:_SHOWN]]
    told += [
        f"{name}: {why} by the export, and yet: {tenant.records.mail[name].record}"
        for name, why in lacking.items() if tenant.records and name in recorded
    ][:_SHOWN]
    chosen = any(found.enabled is False or found.bypassed for found in tenant.mailboxes if found.mailbox in lacking)
    origin = Origin.DELIBERATE if chosen else Origin.DEFAULT
    if unproven:
        verdict = Verdict.FAIL if len(unproven) == whole else Verdict.PARTIAL
        if any(why == _UNKNOWN for why in unproven.values()):
            verdict = Verdict.CANNOT_TELL if len(set(unproven.values())) == 1 else verdict
        seen = f"{len(unproven)} of {whole} mailboxes without it{contradicted(tenant.about(_ID), Verdict.PASS)}"
        return Answer(verdict, seen, _EXPECTED, origin, (*told, *proven))
    return Answer(Verdict.PASS, f"{whole} of {whole} mailboxes", _EXPECTED, origin, (*told, *proven))


_UNKNOWN = "the export does not say"


def _lacks(found: MailboxAudit) -> str:
    """Return what a mailbox lacks, empty for nothing."""
    if found.enabled is None:
        return _UNKNOWN
    if not found.enabled:
        return "auditing is off"
    if found.bypassed:
        return "auditing is bypassed"
    missing = [
        role for role, actions in (("owner", found.owner), ("delegate", found.delegate))
        if _READING not in actions
    ]
    return f"{_READING} is not audited for {' and '.join(missing)}" if missing else ""


def _proven(tenant: Tenant) -> Iterator[str]:
    if tenant.records is None:
        return
    for mailbox, proof in list(tenant.records.mail.items())[:_SHOWN]:
        yield f"{mailbox}: audited on {day(proof.time)}, by record: {proof.record}"


def _of_mailboxes(operation: str) -> bool:
    return operation.lower() != "set-adminauditlogconfig"


CHECK = Check(
    id=_ID,
    question="Is every reading of mail recorded, in every mailbox?",
    why="The intrusion of 2023 was seen in one kind of record, MailItemsAccessed, by those who had it. Bypassed "
    "mailboxes and changed sets of actions leave none, and the tenant's switch does not show that.",
    sources=("AA23-193A", "CISA Microsoft Expanded Cloud Logs Implementation Playbook (2025)", "SCuBA MS.EXO.13.1"),
    reads=Tenant,
    needs="Get-MailboxAuditStatus of the Microsoft-Extractor-Suite (CSV), a scan, --case with mail records",
    gain=9,
    fix=(
        "Set-OrganizationConfig -AuditDisabled $false",
        "Set-MailboxAuditBypassAssociation -Identity USER -AuditBypassEnabled $false, for each that is bypassed; ask "
        "who set it.",
        "Set-Mailbox -Identity USER -AuditEnabled $true -DefaultAuditSet Admin,Delegate,Owner: the sets that Microsoft "
        "keeps up to date hold MailItemsAccessed.",
        "Read a message, wait a day, and look for its record: a record proves it, a setting does not.",
    ),
    breaks="Nothing; more records. Above 1,000 reads in 24 hours a mailbox is throttled and goes unrecorded.",
    judge=_judge,
)
