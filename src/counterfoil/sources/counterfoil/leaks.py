"""What `counterfoil leaks --case` found: private keys and tokens, and the times before which each lay where it was."""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.model.key_store import FOUND
from counterfoil.model.leak_evidence import KEY_KINDS, LEAKS_LOG, LEAKS_SCHEMA, TOKEN_KIND
from counterfoil.model.logs import Log
from counterfoil.model.schema import Leg, Outcome
from counterfoil.sources import mapping
from counterfoil.sources.source import TEXT, Explain, Source

_COLUMNS = (
    "schema", "kind", "time", "kid", "thumbprint", "key_type", "form", "path", "offset", "places", "how", "region",
    "bounds", "digest", "state", "verified", "claims",
)
_KEPT = (
    "thumbprint", "key_type", "form", "offset", "how", "region", "bounds", "digest", "state", "verified", "claims",
)


def to_evidence(raw: ir.Table) -> ir.Table:
    """Map findings to context at the earliest of their bounds; the same thing in the same file is one record."""
    known = mapping.among(ibis.coalesce(raw.kind, ""), (*KEY_KINDS, TOKEN_KIND))
    what = ibis.coalesce(mapping.text(raw.thumbprint), raw.digest, "")
    place = what + "\n" + ibis.coalesce(raw.form, "") + "\n" + ibis.coalesce(raw.path, "")
    return mapping.rows(
        raw,
        source=LEAKS_LOG,
        fidelity=1,
        reject=ibis.cases((~known, "kind of no known finding"), mapping.ambiguous(raw, _COLUMNS)),
        leg=Leg.CONTEXT,
        kind=raw.kind,
        event_time=mapping.when(raw.time),
        record_id=ibis.literal("leak:") + place.hexdigest("md5"),
        key_id=ibis.coalesce(mapping.text(raw.kid), mapping.text(raw.thumbprint)),
        key_operation=FOUND,
        operation=ibis.cases((raw.kind == "known-key", "the private half of a known key was found"),
                             (raw.kind == "token-secret", "the secret of a token was found"),
                             (raw.kind == TOKEN_KIND, "a token was found"),
                             else_="a private key was found"),
        outcome=Outcome.SUCCESS,
        object_kind="file",
        object_id=mapping.text(raw.path),
        item_count=mapping.number(raw.places),
        extra=mapping.extra(**{name: raw[name] for name in _KEPT}),
    )


SOURCE = Source(
    name="counterfoil-leaks",
    log=Log(LEAKS_LOG),
    title="Private keys and tokens that counterfoil leaks found, as it keeps them in a case",
    fidelity=1,
    required=frozenset({"kid", "form", "path"}),
    markers={"schema": frozenset({LEAKS_SCHEMA})},
    raw=dict.fromkeys(_COLUMNS, TEXT),
    to_evidence=to_evidence,
    explain=Explain(
        what=(
            "Private keys and tokens that `counterfoil leaks` found in dumps, logs and archives: key id, form, file,"
            " times; of a token its SHA-256 and whose it is. Context: it accuses no token. The time of a record is a"
            " bound: the key lay in that file then, or before."
        ),
        export=("counterfoil leaks PATH... --jwks URL --case DIR",),
        retention="that of the case.",
        caps="none; one record for each key, form and file, or token and file, however often it lies there.",
        traps=(
            "the times of files and archives are those of whoever wrote them: copying a dump may make them later, and"
            " anybody may set them",
            "no bound says when the key was taken, only when it was there at the latest: it may be out for longer",
        ),
    ),
)
