"""Writes docs/reference/evidence.md from the schema."""

from __future__ import annotations

from counterfoil.model import schema

PATH = "docs/reference/evidence.md"

_HEAD = """\
# Evidence

Written by `python -m tests.docs.refresh` from `src/counterfoil/model/schema.py`; a test compares the two.

Every source becomes this one table; `counterfoil sql CASE "SELECT ... FROM evidence"` reads it. On disk it is Parquet,
in one file a batch; where more than 8 GiB were read at once, or a Spark wrote it, in folders by leg and bucket (of
token ids). What a source fills in, and from which field, is on the page of the source.

- Times are UTC. A record without a usable time is a reject, but for an issuance, which still clears by its id.
- NULL means *unknown*: it agrees and disagrees with nothing.
- Ids, names and tenants are in lower case, so that equal things are equal texts. Token ids have one
  [canonical form](token-ids.md).
- `token_class`, `client_id`, `resource`, `issued_at` and all that comes out of a token are claims of whoever made the
  token. For a forged one that is the forger.
- `extra` keeps declared fields that have no column. The whole record stays in the input: `raw_file` names it by its
  SHA-256, `raw_position` counts lines, rows or elements.

"""

_SECTIONS = {
    "leg": "What and when",
    "source": "Identity of the record",
    "issuer": "The token",
    "subject_id": "Whom, by what, for what",
    "ip": "From where",
    "operation": "What was done",
}

_WORDS = (
    ("Legs", "leg", schema.Leg),
    ("Outcomes", "outcome", schema.Outcome),
    ("Classes", "token_class", schema.TokenClass),
)
_TABLE = "| column | type | meaning | NULL means |\n| --- | --- | --- | --- |\n"


def rendered() -> str:
    """Return the whole page."""
    parts = [_HEAD]
    for column in schema.EVIDENCE:
        if column.name in _SECTIONS:
            parts.append(f"## {_SECTIONS[column.name]}\n\n{_TABLE}")
        cells = (f"`{column.name}`", column.dtype, column.meaning, column.null)
        parts.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n")
        if _last_of_section(column.name):
            parts.append("\n")
    parts.append("## Closed sets\n\n")
    for title, name, words in _WORDS:
        parts.append(f"{title} (`{name}`): " + ", ".join(f"`{word}`" for word in words) + ".\n\n")
    parts.append(f"`item_ids` holds at most {schema.MAX_ITEM_IDS:,} items.\n")
    return "".join(parts)


def _last_of_section(name: str) -> bool:
    following = dict(zip(schema.NAMES, schema.NAMES[1:], strict=False)).get(name)
    return following is None or following in _SECTIONS
