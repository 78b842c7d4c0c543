"""What the exports of alerts and incidents share: one mapping to context.

An alert is somebody else's suspicion. It accuses nobody here and clears nobody; it stands in the story, with the
user, the address and the time that it names.
"""

from __future__ import annotations

from collections.abc import Mapping

from counterfoil.expressions import ibis, ir
from counterfoil.model.logs import Log
from counterfoil.model.schema import Leg, Outcome
from counterfoil.sources import mapping
from counterfoil.sources.entra import signin
from counterfoil.sources.source import RAW_DATES, READER_COLUMNS, Explain

LOG = Log("m365-defender", key_alerts=(
    "suspected ad fs dkm key read", "adfs private key extraction attempt",
    "possible attempt to access adfs key material",
))
ALERT, EVIDENCE, INCIDENT = "alert", "alert-evidence", "incident"
MAX_TEXT_CHARS = 1_024

# What each wrapper hands to `alert_rows`, besides the reader's columns: all texts.
_KEPT = ("severity", "category", "status", "provider", "detection", "techniques", "description", "entity")
FLAT: tuple[str, ...] = (
    "id", "kind", "title", "happened", "created", "incident", "userId", "userName", "ip", "application", "device",
    "tenant", *_KEPT,
)


def alert_rows(raw: ir.Table, given: Mapping[str, ir.Value], *, fidelity: int) -> ir.Table:
    """Return the evidence of alerts and incidents, of whose columns `given` names those that the wrapper has."""
    flat = dict.fromkeys(FLAT, ibis.null("string")) | dict(given)
    table = raw.select(**{name: raw[name] for name in READER_COLUMNS}, **flat)
    table = mapping.stage(
        table,
        happened_at=mapping.when(table.happened, table[RAW_DATES]),
        created_at=mapping.when(table.created, table[RAW_DATES]),
    )
    time = mapping.own_or_arrival(table.happened, table.happened_at, table.created_at)
    return mapping.rows(
        table,
        source=LOG.name,
        fidelity=fidelity,
        reject=mapping.two_ways(
            ibis.coalesce(mapping.text(table.happened), table.created), table[RAW_DATES], time
        ),
        leg=Leg.CONTEXT,
        kind=table.kind,
        event_time=time,
        ingested_at=table.created_at.nullif(table.happened_at),
        # evidence of an alert has no id of its own
        record_id=ibis.cases((table.kind != EVIDENCE, table.kind + ":" + mapping.lower(table.id))),
        subject_id=signin.known(table.userId),
        subject_name=mapping.lower(table.userName),
        client_id=signin.known(table.application),
        resource_tenant=mapping.lower(table.tenant),
        ip=mapping.address(table.ip),
        device_id=mapping.lower(table.device),
        operation=mapping.text(table.title.strip()).left(MAX_TEXT_CHARS),
        outcome=Outcome.SUCCESS,
        object_kind=table.kind,
        object_id=mapping.lower(table.id),
        object_parent=mapping.lower(table.incident),
        extra=mapping.extra(**{name: table[name].left(MAX_TEXT_CHARS) for name in _KEPT}),
    )


def first(values: ir.ArrayValue, member: str) -> ir.StringValue:
    """Return the least of a member's values over a list of objects that are not empty, NULL if there is none."""
    return values.map(lambda value: mapping.text(value[member])).filter(lambda value: value.notnull()).mins()


def explain(*export: str, caps: str, retention: str, traps: tuple[str, ...] = ()) -> Explain:
    """Return the explanation of a wrapper: how to export it, and what all of them share."""
    return Explain(
        what=(
            "Alerts and incidents of Microsoft Defender XDR, Entra ID Protection and Sentinel, and the users, addresses"
            " and applications that they name. Context for the story: an alert accuses nobody here and clears nobody."
        ),
        export=export,
        retention=retention,
        caps=caps,
        traps=(
            *traps,
            "an alert's title, description and entities are text that attackers can influence",
            "of several users or addresses that an alert names, one is taken; the input file has all",
        ),
    )
