"""Windows events as Winlogbeat and Elastic Agent ship them (ECS, `winlog.event_data`), also below `_source`.

Spec: Elastic's exported fields of Winlogbeat. Unnamed strings are param1, param2..., in order.
"""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.sources import mapping
from counterfoil.sources.source import TEXT, RawType, Source
from counterfoil.sources.windows import pieces, record
from counterfoil.sources.windows.docs import windows_explain

_DOCUMENT: dict[str, RawType] = {
    "@timestamp": TEXT,
    "message": TEXT,
    "event": {"code": TEXT, "ingested": TEXT, "created": TEXT},
    "winlog": {
        "event_id": TEXT, "computer_name": TEXT, "channel": TEXT, "provider_name": TEXT, "record_id": TEXT,
        "task": TEXT, "event_data": TEXT, "user_data": TEXT,
    },
}


def to_evidence(raw: ir.Table) -> ir.Table:
    """Map documents to evidence."""
    return _mapped(raw, raw)


def hit_to_evidence(raw: ir.Table) -> ir.Table:
    """Map search hits, documents below `_source`, to evidence."""
    return _mapped(raw, raw["_source"])


def _mapped(raw: ir.Table, document: ir.Table | ir.Value) -> ir.Table:
    log = document["winlog"]
    raw = mapping.stage(
        raw,
        trimmed=ibis.coalesce(mapping.text(log["event_data"]), mapping.text(log["user_data"])),
        code=ibis.coalesce(mapping.text(log["event_id"]), document["event"]["code"]),
        host=log["computer_name"],
        stamp=document["@timestamp"],
        collected=ibis.coalesce(document["event"]["ingested"], document["event"]["created"]),
        channel=log["channel"],
        provider=log["provider_name"],
        number=log["record_id"],
        message=document["message"],
        task=log["task"],
    )
    return record.evidence(record.events(
        raw,
        event=raw.code,
        host=raw.host,
        stamp=raw.stamp,
        named=lambda name: pieces.named(raw.trimmed, name),
        collected=raw.collected,
        channel=mapping.text(raw.channel),
        provider=mapping.text(raw.provider),
        number=mapping.number(raw.number),
        texts=pieces.strings(raw.trimmed),
        message=raw.message,
        task=raw.task,
    ))


_MEMBERS = ("winlog.computer_name", "winlog.channel", "@timestamp")

SOURCES = (
    Source(
        name="windows-winlogbeat",
        log=record.LOG,
        title="Windows events of Winlogbeat or Elastic Agent (winlog.event_data)",
        fidelity=record.FIDELITY,
        required=frozenset(_MEMBERS),
        raw=_DOCUMENT,
        to_evidence=to_evidence,
        explain=windows_explain(
            "elasticdump --input=https://HOST:9200/winlogbeat-* --output=adfs.jsonl --sourceOnly --searchBody='"
            '{"query":{"term":{"winlog.channel":"Security"}}}\'',
            caps="10,000 hits for one search; none for a scroll, which elasticdump uses.",
            traps=("ignore_older and processors of the agent drop events before they are shipped",),
        ),
        row_caps=frozenset({10_000}),
    ),
    Source(
        name="windows-winlogbeat-hits",
        log=record.LOG,
        title="Windows events of Winlogbeat or Elastic Agent, as search hits (_source)",
        fidelity=record.FIDELITY,
        required=frozenset(f"_source.{name}" for name in _MEMBERS),
        raw={"_source": _DOCUMENT},
        to_evidence=hit_to_evidence,
        explain=windows_explain(
            "elasticdump --input=https://HOST:9200/winlogbeat-* --output=adfs-hits.jsonl",
            caps="10,000 hits for one search; none for a scroll, which elasticdump uses.",
        ),
        row_caps=frozenset({10_000}),
    ),
)
