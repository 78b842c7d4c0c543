"""The ledger of `counterfoil leaks plant`: which decoy key was left where."""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.model.leak_evidence import DECOYS_LOG, DECOYS_SCHEMA
from counterfoil.model.logs import Log
from counterfoil.model.schema import Leg, Outcome
from counterfoil.sources import mapping
from counterfoil.sources.source import TEXT, Explain, Source

_COLUMNS = ("schema", "time", "kid", "thumbprint", "key_type", "place", "form", "file")


def to_evidence(raw: ir.Table) -> ir.Table:
    """Map the ledger to context: a decoy under its key id, at the place that its owner named."""
    where = raw.kid + "\n" + ibis.coalesce(raw.form, "") + "\n" + ibis.coalesce(raw.file, "")
    return mapping.rows(
        raw,
        source=DECOYS_LOG,
        fidelity=1,
        reject=ibis.cases((mapping.text(raw.kid).isnull(), "no key id"), mapping.ambiguous(raw, _COLUMNS)),
        leg=Leg.CONTEXT,
        kind="decoy",
        event_time=mapping.when(raw.time),
        record_id=ibis.literal("decoy:") + where.hexdigest("md5"),
        key_id=mapping.text(raw.kid),
        key_operation="planted",
        operation="a decoy key was left",
        outcome=Outcome.SUCCESS,
        object_kind="place",
        object_id=mapping.text(raw.place),
        extra=mapping.extra(**{name: raw[name] for name in ("thumbprint", "key_type", "form", "file")}),
    )


SOURCE = Source(
    name="counterfoil-decoys",
    log=Log(DECOYS_LOG, decoys=True),
    title="Decoy keys that counterfoil leaks plant left somewhere, as its ledger has them",
    fidelity=1,
    required=frozenset({"kid", "place"}),
    markers={"schema": frozenset({DECOYS_SCHEMA})},
    raw=dict.fromkeys(_COLUMNS, TEXT),
    to_evidence=to_evidence,
    explain=Explain(
        what=(
            "Decoy signing keys: key id, and the place where each was left. Nothing is signed under them, so a token"
            " under one was signed by whoever took the key from that place (rule decoy-key)."
        ),
        export=("counterfoil leaks plant --place 'WHERE' --ledger decoys.jsonl --pem FILE",),
        retention="keep the ledger for as long as the decoys are published.",
        caps="none.",
        traps=("whoever reads the ledger knows the decoys: keep it where the places are not",),
    ),
)
