"""The ledger of a mint, as `counterfoil ledger export` writes it: what the issuer issued."""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.model.counterfoil import CHECKPOINT_SCHEMA, LEDGER_LOG, LEDGER_SCHEMA, Grant
from counterfoil.model.ids import IdKind
from counterfoil.model.logs import Issuance, Log
from counterfoil.model.schema import Leg, Outcome
from counterfoil.sources import mapping
from counterfoil.sources.counterfoil import exported_log, grants
from counterfoil.sources.source import TEXT, Explain, Source

_TEXTS = (
    "time", "jti", "digest", "kid", "alg", "typ", "iss", "subject", "tid", "token_class", "client", "iat", "exp", "sid",
    "grant", "policy", "shape", "counter_key",
)
_ENTRY = {**dict.fromkeys(_TEXTS, TEXT), "aud": [TEXT], "parents": [TEXT]}
_KEPT = ("typ", "token_class", "policy", "counter_key")


def to_evidence(raw: ir.Table) -> ir.Table:
    """Map counterfoils to issuances, those of refresh and exchange to secondary ones; the checkpoint to context."""
    entry = raw.entry
    is_entry = exported_log.is_entry(raw, LEDGER_SCHEMA)
    grant = ibis.coalesce(entry["grant"], str(Grant.OTHER))
    lacking = entry["digest"].isnull() | entry["iss"].isnull() | entry["kid"].isnull()
    token_id = mapping.text(entry["jti"])
    return mapping.rows(
        raw,
        source=LEDGER_LOG,
        fidelity=1,
        reject=ibis.cases((is_entry & lacking, "a counterfoil without digest, iss or kid"),
                          (exported_log.is_other(raw, LEDGER_SCHEMA), "no entry of a ledger"),
                          exported_log.ambiguous(raw, _ENTRY)),
        leg=ibis.ifelse(is_entry, grants.leg(grant), str(Leg.CONTEXT)),
        issued_at=mapping.when(entry["iat"]),
        expires_at=mapping.when(entry["exp"]),
        issuer=mapping.text(entry["iss"]),
        token_class=grants.token_class(grant),
        token_id=token_id,
        token_id_kind=ibis.ifelse(token_id.notnull(), str(IdKind.JTI), ibis.null("string")),
        parent_token_ids=entry["parents"],
        session_id=mapping.text(entry["sid"]),
        signing_input_digest=mapping.lower(entry["digest"]),
        token_shape=mapping.text(entry["shape"]),
        key_id=mapping.text(entry["kid"]),
        algorithm=mapping.text(entry["alg"]),
        subject_id=mapping.lower(entry["subject"]),
        client_id=mapping.lower(entry["client"]),
        resource=mapping.lower(ibis.literal(" ").join(entry["aud"])),
        token_tenant=mapping.lower(entry["tid"]),
        resource_tenant=mapping.lower(entry["tid"]),
        operation=ibis.ifelse(is_entry, grant, exported_log.CHECKPOINT),
        outcome=Outcome.SUCCESS,
        extra=mapping.extra(**{name: entry[name] for name in _KEPT}),
        **exported_log.of_line(raw, LEDGER_SCHEMA),
    )


SOURCE = Source(
    name="counterfoil-ledger",
    log=Log(LEDGER_LOG, issuance=Issuance(
        ids=(IdKind.JTI,), whole=True, dated=True, numbered=True, accounts=True,
        own_parents=(Grant.REFRESH,),  # a refresh token is its issuer's
        lag=0,
    )),
    # written before the token is given away: nothing comes late
    title="Counterfoils: what an issuer minted, as its ledger is exported",
    fidelity=1,
    required=frozenset({"log", "entry.jti", "entry.digest"}),
    markers={"schema": frozenset({LEDGER_SCHEMA, CHECKPOINT_SCHEMA})},
    raw={**exported_log.LINE, "entry": _ENTRY},
    to_evidence=to_evidence,
    unmixed=True,
    explain=Explain(
        what=(
            "Counterfoils of a mint: one for each token, with its id, the digest of what was signed, key, issuer,"
            " audience, times and, for refresh and exchange, the ids of the tokens that were shown. Issuances; kind is"
            " the name of the log. Subjects are pseudonyms."
        ),
        export=("counterfoil ledger export LEDGER > ledger.jsonl",),
        retention="for as long as the issuer keeps it: entries are never removed.",
        caps="none; entries are numbered from 0, and the export ends with a signed checkpoint.",
        traps=(
            "a counterfoil is made before its token is signed: after a crash there may be one more than tokens",
            "without --checkpoint the export is only what its issuer says of himself: he may have written it anew",
        ),
        complete=(
            "--checkpoint FILE --log-key FILE attest it: absence convicts if the export verifies and extends a"
            " checkpoint that another party keeps. Without one, --complete counterfoil-ledger/LOG declares it."
        ),
    ),
)
