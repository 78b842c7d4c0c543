"""Rule 8.3: the diagnosis, where the trail of an accused token breaks."""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.model.diagnosis import Diagnosis
from counterfoil.model.reason import Reason
from counterfoil.model.receipt import Signature
from counterfoil.model.verdict import Verdict
from counterfoil.reconcile.custody import Custody, with_custody
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.policy import Policy

_UNENTITLED = (Reason.KEY_NOT_ENTITLED, Reason.CONSUMER_REALM)
_ACCUSING = (Verdict.FORGED, Verdict.CONTRADICTED)


def diagnosed(
    engine: Engine, judged: ir.Table, records: ir.Table, custody: Custody | None, policy: Policy
) -> ir.Table:
    """Return judged tokens with `diagnosis` (NULL for those that are not accused). `records`: evidence, each once."""
    if custody is None:
        return judged.mutate(diagnosis=_of(judged, *[ibis.literal(False)] * 3))
    accused = judged.filter(judged.verdict.isin([str(verdict) for verdict in _ACCUSING]), ~judged.by_digest)
    traced = with_custody(engine, engine.keep("diagnosis_accused", accused), custody, policy)
    seen = records.filter(records.signature == str(Signature.VERIFIED))
    checked = seen.select("key_id", "signing_input_digest").semi_join(traced, ["key_id", "signing_input_digest"])
    told = traced.select("token_key", "key_id", "signing_input_digest", "signed", "unsigned", "in_custody").left_join(
        checked.distinct().mutate(checked=ibis.literal(True)), ["key_id", "signing_input_digest"], rname="{name}_c"
    )
    trail = engine.keep("diagnosis_trail", told.select(
        "token_key", "signed", "unsigned", verified=told.checked.fill_null(False) & told.in_custody
    ))
    joined = judged.left_join(trail, "token_key", rname="{name}_t")
    signed, unsigned, verified = (joined[name].fill_null(False) for name in ("signed", "unsigned", "verified"))
    return joined.select(*judged.columns, diagnosis=_of(joined, signed, unsigned, verified))


def _of(
    tokens: ir.Table, signed: ir.BooleanValue, unsigned: ir.BooleanValue, verified: ir.BooleanValue
) -> ir.StringValue:
    """Return the diagnosis; of what the issuer did issue by digest, only reasons that tell it by themselves."""
    accused = tokens.verdict.isin([str(verdict) for verdict in _ACCUSING])
    return ibis.cases(
        (tokens.verdict == str(Verdict.TAINTED), str(Diagnosis.LAUNDERED)),
        (tokens.reason.isin([str(reason) for reason in _UNENTITLED]), str(Diagnosis.KEY_NOT_ENTITLED)),
        (tokens.by_digest & (tokens.reason == str(Reason.NOT_SIGNED_IN_CUSTODY)), str(Diagnosis.LEDGER_ALTERED)),
        (~accused | tokens.by_digest, ibis.null("string")),
        (signed, str(Diagnosis.THROUGH_CUSTODY)),
        (unsigned & verified, str(Diagnosis.KEY_OUT)),
        (unsigned, str(Diagnosis.KEY_OUT_OR_UNCHECKED)),
        else_=str(Diagnosis.CUSTODY_UNKNOWN),
    )
