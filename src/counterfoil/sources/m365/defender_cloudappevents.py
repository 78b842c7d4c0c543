"""The Unified Audit Log inside Defender XDR's table CloudAppEvents: the whole record in RawEventData.

Two shapes: rows of the table (advanced hunting, the Sentinel table), and the envelope of the streaming API,
which holds the same columns in `properties`. The table also holds other vendors' applications: their
RawEventData is no audit record, and the row becomes context from the table's own columns. So does a row whose
RawEventData is broken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from counterfoil.expressions import ibis, ir
from counterfoil.sources import mapping
from counterfoil.sources.defender import hunting
from counterfoil.sources.m365 import ual, ual_record
from counterfoil.sources.m365.ual_docs import ual_explain
from counterfoil.sources.source import TEXT, Csv, RawType, Source

_FIDELITY = 4  # the whole record, after a detour through another product

_COLUMNS: Mapping[str, RawType] = {
    **dict.fromkeys(("Timestamp", "TimeGenerated", "ActionType", "ReportId", "AccountId", "IPAddress"), TEXT),
    "RawEventData": ual_record.SCHEMA,
}


def _flat(raw: ir.Table, row: ir.Table | ir.StructValue, received: ir.StringValue) -> ir.Table:
    event = row["RawEventData"]
    # of another vendor, or broken on its way: the row's own columns are what is left
    foreign = mapping.text(event["Id"]).isnull()

    def own(name: str, column: str) -> ir.StringValue:
        return ibis.cases((foreign, ibis.coalesce(event[name], row[column])), else_=event[name])

    date = ibis.coalesce(mapping.text(row["Timestamp"]), row["TimeGenerated"])
    return ual_record.flat(
        raw,
        event,
        Id=own("Id", "ReportId"),
        Operation=own("Operation", "ActionType"),
        UserId=own("UserId", "AccountId"),
        ClientIP=own("ClientIP", "IPAddress"),
        **{ual_record.WRAPPER_DATE: date, ual_record.RECEIVED: received},
    )


def from_table(raw: ir.Table) -> ir.Table:
    """Map rows of the table to evidence."""
    return ual.to_evidence(_flat(raw, raw, ibis.null("string")), fidelity=_FIDELITY)


def from_stream(raw: ir.Table) -> ir.Table:
    """Map envelopes of the streaming API to evidence; `time` is when Defender received the event."""
    return ual.to_evidence(_flat(raw, raw.properties, raw.time), fidelity=_FIDELITY)


_TABLE = Source(
    name="defender-cloudappevents",
    log=ual_record.LOG,
    title="Microsoft 365 audit log in Defender XDR CloudAppEvents (table rows)",
    fidelity=_FIDELITY,
    required=frozenset({"ActionType", "RawEventData"}),
    tables=frozenset({"CloudAppEvents"}),
    raw=_COLUMNS,
    embedded=frozenset({"RawEventData"}),
    breakable=frozenset({"RawEventData"}),
    csv=Csv(header=frozenset({"ActionType", "RawEventData"}), dates=hunting.DATES),
    row_caps=hunting.ROW_CAPS,
    to_evidence=from_table,
    explain=ual_explain(
        hunting.by_api("CloudAppEvents"),
        hunting.PORTAL,
        caps=hunting.CAPS,
        retention=hunting.RETENTION,
        traps=("keeps every id: prefer it to OfficeActivity",),
    ),
)

_STREAM = replace(
    _TABLE,
    name="defender-cloudappevents-stream",
    title="Microsoft 365 audit log in Defender XDR CloudAppEvents (streaming API)",
    required=frozenset({"category", "properties.RawEventData"}),
    tables=frozenset(),
    markers={"category": frozenset({"AdvancedHunting-CloudAppEvents"})},
    raw={"time": TEXT, "properties": _COLUMNS},
    embedded=frozenset(),
    breakable=frozenset(),
    csv=None,
    row_caps=frozenset(),
    to_evidence=from_stream,
    explain=replace(
        _TABLE.explain,
        export=(
            "security.microsoft.com > Settings > Microsoft Defender XDR > Streaming API > Add: forward events to a"
            " storage account, tick CloudAppEvents",
            "azcopy copy 'https://ACCOUNT.blob.core.windows.net/insights-logs-advancedhunting-cloudappevents/*' DIR"
            " --recursive",
        ),
        caps="none: one blob for each hour; nothing from before the stream was set up.",
        retention="as long as the storage account keeps it.",
    ),
)

SOURCES = (_TABLE, _STREAM)
