"""Rule 3.8: tokens that were verified under a key of an own issuer and do not name that issuer as it is written."""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.model.logs import Logs
from counterfoil.model.receipt import Signature
from counterfoil.model.schema import Outcome
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.own_logs import in_own_log

_SCHEME = r"^[a-z][a-z0-9+.-]*:/*"
_PUNCTUATION = r"[/.\s\p{Z}\p{C}]+"


def misspelt(engine: Engine, every: ir.Table, records: ir.Table, issued: ir.Table, logs: Logs) -> ir.Table:
    """Return (token_key) of `every` token.

    What links by digest is left out: those very bytes were issued, however a service writes down who did it. A missing
    issuer tells something only where the service that wrote the receipt tells issuers of other tokens.
    """
    own = issued.filter(in_own_log(issued, logs), issued.outcome == Outcome.SUCCESS, issued.issuer.notnull())
    # a log may name no keys: then those of what it issued do
    used = every.filter(every.primary).semi_join(own.select("issuer").distinct(), "issuer")
    keys = engine.keep("misspelt_keys", ibis.union(
        own.select("key_id", owner=own.issuer), used.select("key_id", owner=used.issuer), distinct=True,
    ))
    shown = every.filter(~every.by_digest)
    strange = shown.semi_join(keys, "key_id").anti_join(keys, ["key_id", ("issuer", "owner")])
    shown = engine.keep("misspelt_issuers", strange.select(
        "token_key", "kind", "key_id", "issuer", name=_name(strange), spelt=bare(strange.issuer)
    ))
    told = every.filter(every.issuer.notnull()).select("kind").distinct()
    absent = shown.filter(shown.issuer.isnull()).semi_join(told, "kind")
    variant = shown.semi_join(keys.mutate(spelt=bare(keys.owner)), ["key_id", "spelt"])
    verified = records.filter(records.signature == str(Signature.VERIFIED))
    verified = verified.select("key_id", name=_name(verified))
    found = ibis.union(absent, variant).semi_join(verified, ["key_id", "name"])
    return engine.keep("misspelt_found", found.select("token_key"))


def _name(table: ir.Table) -> ir.StringValue:
    """Return what tells a token from others under its key."""
    return ibis.coalesce(table.signing_input_digest, table.token_id)


def bare(issuer: ir.StringValue) -> ir.StringValue:
    """Return an issuer without what may be written in several ways: scheme, slashes, dots, blanks and case.

    >>> import ibis as engines
    >>> from counterfoil.expressions.built import built
    >>> engines.duckdb.connect().execute(built(bare(ibis.literal("HTTP://Login.Contoso.Example/. "))))
    'logincontosoexample'
    """
    return issuer.lower().strip().re_replace(_SCHEME, "").re_replace(_PUNCTUATION, "")
