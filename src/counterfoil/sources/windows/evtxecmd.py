"""Windows events as EvtxECmd (Eric Zimmerman's tools) writes them: JSON lines or CSV with a column Payload.

Payload is a JSON text: `{"EventData":{"Data":[{"@Name":"x","#text":"value"}...]}}`, unnamed strings as an array or one
text. Times are UTC whether they say so or not. Read as public outputs show it; AD FS audits in it not seen.
"""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.sources import mapping
from counterfoil.sources.source import TEXT, Csv, Explain, Source
from counterfoil.sources.windows import pieces, record
from counterfoil.sources.windows.docs import windows_explain

_HEADER = frozenset({"EventRecordId", "TimeCreated", "EventId", "Provider", "Channel", "Computer", "Payload"})
_RAW = dict.fromkeys((*sorted(_HEADER), "UserName", "MapDescription"), TEXT)


def to_evidence(raw: ir.Table) -> ir.Table:
    """Map rows to evidence."""
    data = raw.Payload.re_replace(r'^\s*\{\s*"EventData":\s*', "").re_replace(r"\}\s*$", "")
    raw = mapping.stage(raw, data=data, named_pairs=raw.Payload.contains('"@Name":'))
    unnamed = ibis.cases((raw.named_pairs, ibis.null("string")), else_=raw.data)

    def named(name: str) -> ir.StringValue:
        pair = pieces.member(raw.Payload, name, after="@Name")
        # elements of UserData (1102) are members of their own
        return ibis.coalesce(mapping.text(pair), pieces.member(raw.Payload, name))

    return record.evidence(record.events(
        raw,
        event=raw.EventId,
        host=raw.Computer,
        stamp=raw.TimeCreated,
        named=named,
        channel=mapping.text(raw.Channel),
        provider=mapping.text(raw.Provider),
        number=mapping.number(raw.EventRecordId),
        texts=pieces.strings(unnamed),
        message=raw.Payload,
        title=raw.MapDescription,
        rest=ibis.cases((raw.named_pairs, raw.Payload), else_=ibis.null("string")),
    ))


def _explain(export: str) -> Explain:
    return windows_explain(
        export,
        caps="none: the whole log as it was when it was saved.",
        traps=("EvtxECmd maps may shorten events to PayloadData1...: the column Payload must be there",),
    )


SOURCES = (
    Source(
        name="windows-evtxecmd",
        log=record.LOG,
        title="Windows events as EvtxECmd writes them to JSON",
        fidelity=record.FIDELITY,
        required=_HEADER,
        raw=_RAW,
        to_evidence=to_evidence,
        explain=_explain("EvtxECmd.exe -f adfs01.evtx --json C:\\export --jsonf adfs01.json"),
    ),
    Source(
        name="windows-evtxecmd-csv",
        log=record.LOG,
        title="Windows events as EvtxECmd writes them to CSV",
        fidelity=record.FIDELITY,
        csv=Csv(header=_HEADER),
        raw=_RAW,
        to_evidence=to_evidence,
        explain=_explain("EvtxECmd.exe -f adfs01.evtx --csv C:\\export --csvf adfs01.csv"),
    ),
)
