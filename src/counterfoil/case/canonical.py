"""Token ids in their canonical form, as engine expressions: the bulk twin of `model.ids.canonical`.

The form is computed in steps, each a layer of its own, because the engine evaluates an expression that occurs
twice twice: one nested expression cost 17 us a row, the steps cost one. A property test holds both to the
function in `model.ids`.
"""

from __future__ import annotations

from counterfoil.model.ids import MAX_ID_CHARS, NULL_FORMS, IdKind

_NULLS = ", ".join(f"'{form}'" for form in sorted(NULL_FORMS))
_GUID = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_UTI = r"[A-Za-z0-9_\-+/]{21}[AQgw](==)?"
_BASE64 = r"[A-Za-z0-9_\-+/]{48}"

# Hardly any id has spaces around it, and looking is cheaper than trimming.
TRIMMED = "CASE WHEN prefix(token_id, ' ') OR suffix(token_id, ' ') THEN trim(token_id, ' ') ELSE token_id END"


def form_of(text: str, kind: str) -> str:
    """Return the query text that tells which form an id has: N(ull), G(uid), U(ti), A(scii GUID) or T(ext)."""
    return f"""CASE WHEN {text} IS NULL OR {text} IN ({_NULLS}) THEN 'N'
    WHEN {kind} IS DISTINCT FROM '{IdKind.ENTRA_UTI}' THEN 'T'
    WHEN length({text}) IN (22, 24) AND regexp_full_match({text}, '{_UTI}') THEN 'U'
    WHEN length({text}) = 36 AND regexp_full_match({text}, '{_GUID}') THEN 'G'
    WHEN length({text}) = 48 AND regexp_full_match({text}, '{_BASE64}') THEN 'A'
    ELSE 'T' END"""


def _bytes(text: str) -> str:
    # two replacements take half of the time of one translate
    return f"from_base64(replace(replace({text}, '-', '+'), '_', '/'))"


def plain_of(text: str, form: str) -> str:
    """Return the query text for the hexadecimal bytes of a U, and for the text of an A if it is ASCII."""
    return f"""CASE {form} WHEN 'U' THEN lower(hex({_bytes(f"left({text}, 22) || '=='")}))
    WHEN 'A' THEN lower(hex({_bytes(text)})) END"""


def canonical_of(text: str, form: str, plain: str) -> str:
    """Return the query text for the canonical form of an id, by its form and what `plain_of` makes of it."""
    # the bytes of a .NET GUID: its first three groups are little-endian
    groups = ((7, 5, 3, 1), (11, 9), (15, 13))
    order = ", '-', ".join(", ".join(f"substr({plain}, {first}, 2)" for first in group) for group in groups)
    guid = f"concat({order}, '-', substr({plain}, 17, 4), '-', substr({plain}, 21, 12))"
    ascii_ = f"CASE WHEN regexp_full_match({plain}, '([2-6][0-9a-f]){{36}}') THEN decode(unhex({plain})) END"
    return f"""CASE {form} WHEN 'N' THEN NULL
    WHEN 'G' THEN nullif(lower({text}), '00000000-0000-0000-0000-000000000000')
    WHEN 'U' THEN {guid}
    WHEN 'A' THEN CASE WHEN regexp_full_match({ascii_}, '{_GUID}')
      THEN nullif(lower({ascii_}), '00000000-0000-0000-0000-000000000000') ELSE {text} END
    ELSE CASE WHEN length({text}) > {MAX_ID_CHARS} THEN 'sha256:' || sha256({text}) ELSE {text} END END"""


def with_canonical_ids(query: str) -> str:
    """Return a query over `query` whose `token_id` is canonical by its `token_id_kind`."""
    return f"""SELECT * EXCLUDE (cf_text, cf_form, cf_plain)
  REPLACE ({canonical_of("cf_text", "cf_form", "cf_plain")} AS token_id)
FROM (SELECT *, {plain_of("cf_text", "cf_form")} AS cf_plain
FROM (SELECT *, {form_of("cf_text", "token_id_kind")} AS cf_form
FROM (SELECT *, {TRIMMED} AS cf_text FROM ({query}))))"""  # noqa: S608  # our own names


# For lists: the same steps, each over the whole list.
MACROS: tuple[str, ...] = (
    f"CREATE OR REPLACE TEMP MACRO cf_form(t, kind) AS {form_of('t', 'kind')}",
    f"CREATE OR REPLACE TEMP MACRO cf_plain(t, form) AS {plain_of('t', 'form')}",
    f"CREATE OR REPLACE TEMP MACRO cf_canonical(t, form, plain) AS {canonical_of('t', 'form', 'plain')}",
    """CREATE OR REPLACE TEMP MACRO cf_token_ids(kind, raws) AS list_transform(list_transform(list_transform(
    raws, lambda raw: {'t': trim(raw, ' '), 'f': cf_form(trim(raw, ' '), kind)}),
    lambda id: {'t': id.t, 'f': id.f, 'p': cf_plain(id.t, id.f)}),
    lambda id: cf_canonical(id.t, id.f, id.p))""",
)
