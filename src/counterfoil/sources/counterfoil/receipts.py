"""Receipts: what relying parties accepted and refused, as the sinks of `counterfoil.relying` write them."""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.model.ids import IdKind
from counterfoil.model.logs import Log
from counterfoil.model.receipt import ACCEPTED, RECEIPT_SCHEMA, RECEIPTS_LOG, REFUSED, Receipt, Signature
from counterfoil.model.schema import Leg, Outcome
from counterfoil.sources import mapping
from counterfoil.sources.source import TEXT, Explain, Source

_LISTS = ("aud", "checks")
_MEMBERS = ("schema", *Receipt.__struct_fields__)
_KEPT = (
    "code", "rule", "flow", "typ", "x5t", "token_class", "root_jti", "jkt", "counter_key", "renewal", "emitter", "seq",
    "dropped", "sample",
)


def to_evidence(raw: ir.Table) -> ir.Table:
    """Map receipts to acceptances; what was refused has that outcome, and no verdict."""
    known = mapping.among(ibis.coalesce(raw.outcome, ""), (ACCEPTED, REFUSED))
    numbered = raw.emitter.notnull() & raw.seq.notnull()
    token_id = mapping.text(raw.jti)
    checks = mapping.text(ibis.literal(" ").join(raw.checks))
    return mapping.rows(
        raw,
        source=RECEIPTS_LOG,
        fidelity=1,
        reject=ibis.cases((~known, "outcome is neither accepted nor refused"), (raw.rp.isnull(), "no relying party"),
                          mapping.unreadable(iat=raw.iat, exp=raw.exp), mapping.ambiguous(raw, _MEMBERS)),
        leg=Leg.ACCEPTANCE,
        kind=mapping.text(raw.rp),
        event_time=mapping.moment(raw.time),
        issued_at=mapping.moment(raw.iat),
        expires_at=mapping.moment(raw.exp),
        record_id=ibis.ifelse(numbered, raw.emitter + ":" + raw.seq, ibis.null("string")),
        sequence=mapping.number(raw.seq),
        issuer=mapping.text(raw.iss),
        token_id=token_id,
        token_id_kind=ibis.ifelse(token_id.notnull(), str(IdKind.JTI), ibis.null("string")),
        session_id=mapping.text(raw.sid),
        signing_input_digest=mapping.lower(raw.digest),
        signature=ibis.coalesce(raw.signature, str(Signature.UNCHECKED)),
        token_shape=mapping.text(raw["shape"]),
        key_id=mapping.text(raw.kid),
        algorithm=mapping.text(raw.alg),
        subject_id=mapping.lower(raw.subject),
        client_id=mapping.lower(raw.client),
        resource=mapping.lower(ibis.literal(" ").join(raw.aud)),
        token_tenant=mapping.lower(raw.tid),
        ip=mapping.address(raw.ip),
        user_agent=mapping.text(raw.user_agent),
        operation=ibis.coalesce(mapping.text(raw.method), "present"),
        outcome=ibis.ifelse(raw.outcome == ACCEPTED, str(Outcome.SUCCESS), str(Outcome.REFUSED)),
        object_kind="api",
        object_id=mapping.text(raw.endpoint),
        extra=mapping.extra(checks=checks, **{name: raw[name] for name in _KEPT}),
    )


SOURCE = Source(
    name="counterfoil-receipts",
    log=Log(RECEIPTS_LOG, accepts=True, receipts=True),
    title="Receipts: the tokens that services accepted and refused",
    fidelity=1,
    required=frozenset({"time", "rp", "outcome"}),
    markers={"schema": frozenset({RECEIPT_SCHEMA})},
    raw={name: [TEXT] if name in _LISTS else TEXT for name in _MEMBERS},
    to_evidence=to_evidence,
    explain=Explain(
        what=(
            "One record for each token that a service accepted or refused: under which key, whether its signature was"
            " verified, its id, the digest of what was signed, its claims and the request. Acceptances; kind is the"
            " relying party. What a refused token says is a claim of whoever made it."
        ),
        export=("copy the files that FileSink writes; they are read as they are",),
        retention="that of the files.",
        caps="none; each process numbers its receipts from 1, so that lost ones show.",
        traps=(
            "sampled receipts (sample below 1) and dropped ones prove what they show, and nothing by what they lack",
            "a service that does not verify may still write receipts: signature says what it checked",
            "subjects are pseudonyms; they match only those that were made with the same key",
        ),
    ),
)
