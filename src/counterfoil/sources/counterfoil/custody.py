"""The log of custody, as `counterfoil keys export` writes it: what keys were used for, and what was done to them."""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.model.counterfoil import CHECKPOINT_SCHEMA, CUSTODY_LOG, CUSTODY_SCHEMA
from counterfoil.model.logs import Issuance, Log
from counterfoil.model.schema import Leg, Outcome
from counterfoil.sources import mapping
from counterfoil.sources.counterfoil import exported_log
from counterfoil.sources.source import TEXT, Explain, Source

_TEXTS = (
    "time", "op", "result", "of", "principal", "process", "host", "purpose", "key", "kid", "algorithm", "digest",
    "detail",
)
_KEPT = ("process", "host", "purpose", "detail")
_SIGN = "sign"
_OUTCOMES = {
    "begun": Outcome.SUCCESS,  # durable before the key is touched: it was used, unless an end says otherwise
    "done": Outcome.SUCCESS,
    "refused": Outcome.REFUSED,
    "failed": Outcome.FAILED,
}


def to_evidence(raw: ir.Table) -> ir.Table:
    """Map signatures to key uses and the rest to context; the end of an operation is a version of its beginning."""
    entry = raw.entry
    is_entry = exported_log.is_entry(raw, CUSTODY_SCHEMA)
    ended = mapping.number(entry["of"]).fill_null(-1) >= 0
    lacking = entry["op"].isnull() | ~mapping.among(ibis.coalesce(entry["result"], ""), _OUTCOMES)
    outcome = ibis.cases(*((entry["result"] == word, str(what)) for word, what in _OUTCOMES.items()))
    number = ibis.ifelse(ended, entry["of"], raw["index"])
    return mapping.rows(
        raw,
        source=CUSTODY_LOG,
        fidelity=ibis.ifelse(ended, 1, 2),  # what an end says overrules the beginning
        reject=ibis.cases((is_entry & lacking, "no operation of custody, or no result"),
                          (exported_log.is_other(raw, CUSTODY_SCHEMA), "no entry of custody"),
                          exported_log.ambiguous(raw, _TEXTS)),
        leg=ibis.ifelse(is_entry & (entry["op"] == _SIGN), str(Leg.KEY_USE), str(Leg.CONTEXT)),
        signing_input_digest=mapping.lower(entry["digest"]),
        key_id=mapping.text(entry["kid"]),
        algorithm=mapping.text(entry["algorithm"]),
        key_operation=mapping.text(entry["op"]),
        subject_name=mapping.lower(entry["principal"]),
        operation=ibis.ifelse(is_entry, mapping.text(entry["op"]), exported_log.CHECKPOINT),
        outcome=ibis.ifelse(is_entry, outcome, str(Outcome.SUCCESS)),
        object_kind=ibis.ifelse(mapping.text(entry["key"]).notnull(), "signing_key", ibis.null("string")),
        object_id=mapping.text(entry["key"]),
        extra=mapping.extra(**{name: entry[name] for name in _KEPT}),
        **exported_log.of_line(raw, CUSTODY_SCHEMA, number),
    )


SOURCE = Source(
    name="counterfoil-custody",
    log=Log(CUSTODY_LOG, issuance=Issuance(numbered=True, key_uses=True, lag=0)),
    title="The log of custody: every use of a signing key, as it is exported",
    fidelity=2,
    required=frozenset({"log", "entry.op", "entry.result"}),
    markers={"schema": frozenset({CUSTODY_SCHEMA, CHECKPOINT_SCHEMA})},
    raw={**exported_log.LINE, "entry": dict.fromkeys(_TEXTS, TEXT)},
    to_evidence=to_evidence,
    unmixed=True,
    explain=Explain(
        what=(
            "Every operation of a key store: who asked, from which process, for what, with which key, and the digest of"
            " what was signed. Signatures are key uses; the rest (keys made, rotated, listed, refused exports) is"
            " context. Kind is the name of the log. Beginning and end of an operation are one record."
        ),
        export=("counterfoil keys export STORE > custody.jsonl",),
        retention="for as long as custody keeps it: entries are never removed.",
        caps="none; entries are numbered from 0, and the export ends with a signed checkpoint.",
        traps=(
            "a beginning without an end (a crash) counts as a use: the key may have signed",
            "of a key that was attached, whatever was signed with it before is in no log",
            "a back-end whose own administrators can use the key does not tell custody of it",
        ),
        complete=(
            "--checkpoint FILE --log-key FILE attest it. Without one, --complete counterfoil-custody/LOG declares it."
        ),
    ),
)
