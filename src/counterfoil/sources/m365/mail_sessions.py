"""Sessions and messages that Microsoft-Extractor-Suite took from the audit log's MailItemsAccessed records. Context.

The audit log itself holds the same with the token's id, and convicts; these serve where only they were kept.
"""

from __future__ import annotations

from dataclasses import replace

from counterfoil.expressions import ibis, ir
from counterfoil.model.logs import Log
from counterfoil.model.schema import Leg, Outcome
from counterfoil.sources import mapping
from counterfoil.sources.source import RAW_DATES, TEXT, Csv, Explain, Source

LOG = Log("m365-mail-sessions")
OPERATION = "MailItemsAccessed"
_FIDELITY = 4  # a tool's summary


def _rows(raw: ir.Table, time: ir.StringValue, ip: ir.StringValue, **columns: ir.Value | str) -> ir.Table:
    when = mapping.when(time, raw[RAW_DATES])
    user = mapping.lower(raw.User)
    return mapping.rows(
        raw,
        source=LOG.name,
        fidelity=_FIDELITY,
        reject=mapping.two_ways(time, raw[RAW_DATES], when),
        leg=Leg.CONTEXT,
        event_time=when,
        subject_name=user,
        ip=mapping.address(ip),
        operation=OPERATION,
        outcome=Outcome.SUCCESS,
        object_kind="mailbox",
        object_parent=user,
        **columns,
    )


def from_sessions(raw: ir.Table) -> ir.Table:
    """Map rows of Sessions: one record of the audit log each."""
    return _rows(
        raw, raw.TimeStamp, raw.ClientIP, kind="session", session_id=mapping.lower(raw.SessionId),
        item_count=mapping.number(raw.OperationCount), extra=mapping.extra(action=raw.Action),
    )


def from_messages(raw: ir.Table) -> ir.Table:
    """Map rows of MessageIDs: one message that was opened each."""
    message = mapping.text(raw.InternetMessageId)
    return _rows(
        raw, raw.Timestamp, raw.IPaddress, kind="message", session_id=mapping.lower(raw.SessionID),
        item_ids=ibis.cases((message.notnull(), ibis.array([message]))), item_count=ibis.literal(1),
        byte_count=mapping.number(raw.SizeInBytes), access_mode="bind",
    )


_SESSIONS = Source(
    name="mes-mail-sessions",
    log=LOG,
    title="Sessions of MailItemsAccessed, CSV of Microsoft-Extractor-Suite",
    fidelity=_FIDELITY,
    csv=Csv(
        header=frozenset({"TimeStamp", "User", "Action", "SessionId", "ClientIP"}), dates=frozenset({"TimeStamp"})
    ),
    raw=dict.fromkeys(("TimeStamp", "User", "Action", "SessionId", "ClientIP", "OperationCount"), TEXT),
    to_evidence=from_sessions,
    explain=Explain(
        what=(
            "Which session opened mail, and which messages, taken from the audit log by the suite. Context: where the"
            " audit log itself was not kept, it tells what was opened; without the token's id, it convicts nobody."
        ),
        export=("Get-Sessions (Microsoft-Extractor-Suite) writes Output/MailItemsAccessed/*Sessions.csv",),
        retention="as the unified audit log.",
        caps="as the unified audit log.",
        traps=("take the audit log itself as well: it holds the ids of tokens",),
    ),
)
_MESSAGES = replace(
    _SESSIONS,
    name="mes-mail-messages",
    title="Messages of MailItemsAccessed, CSV of Microsoft-Extractor-Suite",
    csv=Csv(
        header=frozenset({"Timestamp", "User", "SessionID", "InternetMessageId"}), dates=frozenset({"Timestamp"})
    ),
    raw=dict.fromkeys(("Timestamp", "User", "IPaddress", "SessionID", "InternetMessageId", "SizeInBytes"), TEXT),
    to_evidence=from_messages,
    explain=replace(
        _SESSIONS.explain,
        export=("Get-MessageIDs (Microsoft-Extractor-Suite) writes Output/MailItemsAccessed/*MessageIDs.csv",),
    ),
)
SOURCES = (_SESSIONS, _MESSAGES)
