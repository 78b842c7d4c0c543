"""Which records and acceptances belong together: a family shares a token id, a bucket holds whole families.

Everything that is joined or grouped by a token (rules 2 and 3) lies within one family, so that buckets of families
can be worked on one after the other, in memory that does not grow with the evidence.
"""

from __future__ import annotations

from counterfoil.expressions import ibis, ir

APART = "\x1f"  # between the parts of a key; no log holds it
BUCKETS = "0123456789abcdef"
ANY_BUCKET = "any"  # of what was written without looking at it


def family(records: ir.Table) -> ir.StringValue:
    """Return the token id of a record, without one the digest, without both what names the record itself."""
    digest = ibis.literal("digest" + APART) + records.signing_input_digest
    return ibis.coalesce(records.token_id, digest, records.source + APART + records.record_id)


def bucket(name: ir.StringValue, digits: int = 1) -> ir.StringValue:
    """Return the bucket of a family: one of BUCKETS, the same on every engine. `case.ingest` writes evidence by it.

    More `digits` divide each bucket in sixteen, and so on: a part of a bucket begins with its name.
    """
    return name.hexdigest("md5").left(digits)
