"""Exchange Online's message trace: mail that passed by, not who read it. Context."""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.model.logs import Log
from counterfoil.model.schema import Leg, Outcome
from counterfoil.sources import mapping
from counterfoil.sources.source import RAW_DATES, TEXT, Csv, Explain, Source

LOG = Log("m365-message-trace")
MAX_TEXT_CHARS = 1_024
_FIDELITY = 1
_COLUMNS = (
    "Received", "SenderAddress", "RecipientAddress", "Status", "ToIP", "FromIP", "Size", "MessageId", "MessageTraceId",
)


def to_evidence(raw: ir.Table) -> ir.Table:
    """Map rows; a message to several people has a row for each."""
    time = mapping.when(raw.Received, raw[RAW_DATES])
    status = mapping.text(raw.Status).left(MAX_TEXT_CHARS)
    message = mapping.text(raw.MessageId).left(MAX_TEXT_CHARS)
    return mapping.rows(
        raw,
        source=LOG.name,
        fidelity=_FIDELITY,
        reject=mapping.two_ways(raw.Received, raw[RAW_DATES], time),
        leg=Leg.CONTEXT,
        kind="mail",
        event_time=time,
        subject_name=mapping.lower(raw.SenderAddress),
        ip=mapping.address(raw.FromIP),
        operation=status,
        outcome=ibis.cases((status.lower() == "failed", str(Outcome.FAILED)), else_=str(Outcome.SUCCESS)),
        object_kind="message",
        object_id=message,
        object_parent=mapping.lower(raw.RecipientAddress),
        item_ids=ibis.cases((message.notnull(), ibis.array([message]))),
        item_count=ibis.literal(1),
        byte_count=mapping.number(raw.Size),
        extra=mapping.extra(trace=raw.MessageTraceId, to=raw.ToIP),
    )


SOURCE = Source(
    name="m365-message-trace",
    log=LOG,
    title="Message trace of Exchange Online, CSV",
    fidelity=_FIDELITY,
    csv=Csv(
        header=frozenset({"Received", "SenderAddress", "RecipientAddress", "Status", "MessageId"}),
        dates=frozenset({"Received"}),
    ),
    raw=dict.fromkeys(_COLUMNS, TEXT),
    to_evidence=to_evidence,
    explain=Explain(
        what=(
            "Mail that was sent and received, with sender, recipient, address and message id. Context: what an intruder"
            " sent from a mailbox, and to whom; it does not tell who read anything."
        ),
        export=(
            "Get-MessageTraceLog (Microsoft-Extractor-Suite) writes Output/MessageTrace/*-MessageTrace.csv",
            "Get-MessageTraceV2 -StartDate 2025-09-01 -EndDate 2025-09-02 -ResultSize 5000 |"
            " Export-Csv trace.csv -NoTypeInformation -Encoding UTF8",
        ),
        retention="90 days; ten days with one query.",
        caps="5,000 rows a query: ask for shorter times.",
        traps=(
            "senders can be forged: the row is the mail's own claim",
            "subjects are not kept; they are in the input file",
        ),
    ),
)
