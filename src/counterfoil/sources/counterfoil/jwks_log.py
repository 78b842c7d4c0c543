"""What an issuer's published key set held at a time, and who fetched it: lines that anybody can write of it."""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.model.key_store import FETCHED, PUBLISHED
from counterfoil.model.logs import Log
from counterfoil.model.schema import Leg, Outcome
from counterfoil.sources import mapping
from counterfoil.sources.source import TEXT, Explain, Source

JWKS_LOG, SNAPSHOT, FETCH = "jwks-log", "counterfoil.jwks-snapshot/1", "counterfoil.jwks-fetch/1"
_MEMBERS = ("schema", "time", "url", "kids", "ip", "user_agent")


def to_evidence(raw: ir.Table) -> ir.Table:
    """Map snapshots and fetches to context; the ids of the keys that a snapshot holds are its items."""
    snapshot = ibis.coalesce(raw["schema"], "") == SNAPSHOT
    url = mapping.text(raw.url)
    return mapping.rows(
        raw,
        source=JWKS_LOG,
        fidelity=1,
        reject=ibis.cases((url.isnull(), "no address of a key set"),
                          (snapshot & raw.kids.isnull(), "a snapshot without key ids"),
                          mapping.ambiguous(raw, _MEMBERS)),
        leg=Leg.CONTEXT,
        kind=url.lower(),
        event_time=mapping.moment(raw.time),
        key_operation=ibis.ifelse(snapshot, PUBLISHED, FETCHED),
        operation=ibis.ifelse(snapshot, "key set as it was served", "key set fetched"),
        outcome=Outcome.SUCCESS,
        object_kind="jwks",
        object_id=url,
        item_ids=raw.kids,
        ip=mapping.address(raw.ip),
        user_agent=mapping.text(raw.user_agent),
    )


SOURCE = Source(
    name="jwks-log",
    log=Log(JWKS_LOG),
    title="Snapshots of a published key set (JWKS), and who fetched it, as JSON lines",
    fidelity=1,
    required=frozenset({"time", "url"}),
    markers={"schema": frozenset({SNAPSHOT, FETCH})},
    raw={**dict.fromkeys(("schema", "time", "url", "ip", "user_agent"), TEXT), "kids": [TEXT]},
    to_evidence=to_evidence,
    explain=Explain(
        what=(
            "What a key set held at a time, and who fetched it. Context; kind is the address. A key that the key store"
            " does not know, and clients that are new just before a forgery, are clues of `counterfoil keys watch`."
        ),
        export=(
            "each hour: curl -s URL | jq -c '{schema: \"counterfoil.jwks-snapshot/1\", time: (now | todate),"
            " url: \"URL\", kids: [.keys[].kid]}' >> jwks.jsonl",
            "of the web server that serves it, a line for each request: {\"schema\": \"counterfoil.jwks-fetch/1\","
            " \"time\": …, \"url\": …, \"ip\": …, \"user_agent\": …}",
        ),
        retention="that of the file.",
        caps="none.",
        traps=(
            "replicas differ for days: a week of snapshots at least is held against the key store, as one",
            "a key that bears the id of another is not told apart",
        ),
    ),
)
