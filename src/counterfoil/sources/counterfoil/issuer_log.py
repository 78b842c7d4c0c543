"""What any issuer writes of itself, a JSON object for each token: its own log, where it keeps no ledger."""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.model.counterfoil import ISSUANCE_SCHEMA, ISSUER_LOG, Grant
from counterfoil.model.ids import IdKind
from counterfoil.model.logs import Issuance, Log
from counterfoil.model.schema import Outcome
from counterfoil.sources import mapping
from counterfoil.sources.counterfoil import grants
from counterfoil.sources.source import TEXT, Explain, Source

_TEXTS = (
    "schema", "log", "id", "time", "iss", "jti", "digest", "kid", "alg", "sub", "tid", "aud", "client_id", "scope",
    "iat", "exp", "sid", "grant", "ip", "user_agent",
)
_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # RFC 8693 section 2.1
_DIGEST = r"^[0-9a-f]{64}$"


def to_evidence(raw: ir.Table) -> ir.Table:
    """Map each object to an issuance; one of a refresh or an exchange to a secondary one."""
    grant = ibis.coalesce(mapping.lower(raw.grant), str(Grant.OTHER))
    grant = ibis.ifelse(grant == _EXCHANGE, str(Grant.EXCHANGE), grant)
    token_id, digest = mapping.text(raw.jti), mapping.lower(raw.digest)
    tenant = mapping.lower(raw.tid)
    return mapping.rows(
        raw,
        source=ISSUER_LOG,
        fidelity=1,
        reject=ibis.cases((mapping.text(raw.log).isnull(), "no name of its log"),
                          (mapping.text(raw.iss).isnull(), "no issuer"),
                          (token_id.isnull() & digest.isnull(), "neither jti nor digest"),
                          (digest.notnull() & ~digest.re_search(_DIGEST), "a digest that is no SHA-256 in hex"),
                          mapping.unreadable(iat=raw.iat, exp=raw.exp)),
        leg=grants.leg(grant),
        kind=mapping.lower(raw.log),
        # a number of a row is one of its database: beside it, the token says whose record it is
        record_id=raw.log + ":" + mapping.text(raw.id) + ":" + ibis.coalesce(token_id, digest),
        event_time=mapping.moment(raw.time),
        issued_at=mapping.moment(raw.iat),
        expires_at=mapping.moment(raw.exp),
        issuer=mapping.text(raw.iss),
        token_class=grants.token_class(grant),
        token_id=token_id,
        token_id_kind=ibis.ifelse(token_id.notnull(), str(IdKind.JTI), ibis.null("string")),
        parent_token_ids=raw.parents,
        session_id=mapping.text(raw.sid),
        signing_input_digest=digest,
        key_id=mapping.text(raw.kid),
        algorithm=mapping.text(raw.alg),
        subject_id=mapping.lower(raw["sub"]),
        client_id=mapping.lower(raw.client_id),
        resource=_audiences(mapping.lower(raw.aud)),
        scopes=mapping.text(raw.scope),
        token_tenant=tenant,
        resource_tenant=tenant,
        ip=mapping.address(raw.ip),
        user_agent=mapping.text(raw.user_agent),
        operation=grant,
        outcome=Outcome.SUCCESS,
    )


def _audiences(text: ir.StringValue) -> ir.StringValue:
    """Return audiences apart by spaces: the claim is one text or an array (RFC 7519 section 4.1.3)."""
    several = text.startswith("[")
    return ibis.ifelse(several, text.re_replace(r'",\s*"', " ").re_replace(r'^\["?|"?\]$', "").nullif(""), text)


SOURCE = Source(
    name="issuer-log",
    log=Log(ISSUER_LOG, events=True, issuance=Issuance(ids=(IdKind.JTI,), whole=True)),
    title="Any issuer's own log, written as JSON, an object for each token",
    fidelity=1,
    required=frozenset({"time", "iss"}),
    markers={"schema": frozenset({ISSUANCE_SCHEMA})},
    raw={**dict.fromkeys(_TEXTS, TEXT), "parents": [TEXT]},
    to_evidence=to_evidence,
    explain=Explain(
        what=(
            "What an issuer writes of itself, by a hook, a query of its database or a pipeline of logs: an object for"
            " each token, with its claims, and the digest of what was signed where it is known. Issuances; kind is the"
            " name of the log."
        ),
        export=("write a line for each token from a hook, or query the issuer's database for them",),
        retention="that of the issuer.",
        caps="none of its own.",
        traps=(
            "every token of the issuer that services can see must be in it: one that is left out is called forged",
            "jti may be left out only of a token that has none; then digest must be there",
            "what a refresh or an exchange gave needs parents: the ids of the tokens that it stands on",
            "without digest a copied id passes, unless the log of custody shows that nobody signed its bytes",
            "iat is the claim, not the time of the record: a token whose issued-at is another is contradicted",
            "sub in clear is not compared with the pseudonyms of receipts",
        ),
        complete=(
            "--complete issuer-log/LOG, for a log into which every token goes. Nothing attests it: it cannot be told"
            " from one that was written anew. Its end is cut back by a day unless --exported-at says when it was read."
        ),
    ),
)
