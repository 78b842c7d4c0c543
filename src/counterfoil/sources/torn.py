"""What a record that cannot be parsed still shows in its text: ids, person, time.

It becomes no evidence. It lets the verdicts tell whose record was lost: a record that could not be read is not one
that never was.
"""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.expressions.values import builtin
from counterfoil.model.ids import IdKind

MAX_CHARS = 65_536  # of the text that are looked at; a sign-in has some 5,000
# To count how often so wide a class comes again ("{1,1000}") takes the engine 70 ms to compile, in every statement.
_TEXT = r"[^\"\\]+"
_GUID = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
# Every record of a log has one of these once: lines glued together have it as often as there are records.
_TIMES = '(?i)(?:"(?:created_?date_?time|creationtime|timecreated)"|<timecreated )'


# All that matches.
regexp_extract_all = builtin("regexp_extract_all", ("string", "string"), "array<string>")


def shown(text: ir.StringValue) -> dict[str, ir.Value]:
    """Return the evidence columns that the text of a broken record still shows, NULL what it does not.

    `item_ids`: every GUID in it; `item_count`: how many records it may hold.
    """
    head = text.left(MAX_CHARS)
    return {
        "event_time": _said(head, "createdDateTime", _TEXT, 10, 40).try_cast("timestamp(6)"),
        "token_id": _said(head, "uniqueTokenIdentifier", _TEXT, 22, 48),
        "token_id_kind": ibis.ifelse(text.isnull(), ibis.null("string"), str(IdKind.ENTRA_UTI)),
        "subject_id": _said(head, "userId", _GUID, 36, 36).lower(),
        "subject_name": _said(head, "userPrincipalName", _TEXT, 1, 1_000).lower(),
        "item_ids": regexp_extract_all(head, _GUID).map(lambda guid: guid.lower()),
        "item_count": ibis.greatest(regexp_extract_all(head, _TIMES).length(), 1).cast("int64"),
    }


def _said(text: ir.StringValue, member: str, form: str, least: int, most: int) -> ir.StringValue:
    """Return the first whole value of that member, of so many characters; what the record broke off in is none."""
    value = text.re_extract(rf'(?i)"{member}"\s*:\s*"({form})"', 1)
    return ibis.ifelse((value.length() >= least) & (value.length() <= most), value, ibis.null("string"))
