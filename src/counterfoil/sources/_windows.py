"""How Windows events are told apart and taken to pieces, whatever wrote them to JSON.

The strings of an event (`%1`, `%2`...) come as an array, as `<EventData><Data>` XML, or as a JSON array or object;
the message as rendered text. AD FS puts an XML document of its own into one of the strings.
"""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from counterfoil.sources import mapping

# Events of the source "AD FS Auditing" that say what became of a request for a token. Basic level: 1200 to 1210;
# verbose level: 299. learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-health-agent-install
ISSUED_BASIC = "1200"
ISSUED_VERBOSE = "299"
REFUSED_BASIC = "1201"
ADFS_EVENTS = (ISSUED_VERBOSE, *(str(number) for number in range(1200, 1211)))
# Failures among them (token, credential, password change, sign-out, lockout), and among the other events
# (AD FS validation 411, logon 4625).
FAILED_AUDITS = (REFUSED_BASIC, "1203", "1205", "1207", "1210")
FAILED_EVENTS = ("411", "4625")
ADFS_PROVIDER = "ad fs auditing"

SECURITY = "security"
# What Windows writes into a field that has no value.
_EMPTY = ("", "-", "-\\-", "N/A", "S-1-0-0")

_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&#xD;", "\r"), ("&#xA;", "\n"),
             ("&amp;", "&"))  # fmt: skip
# A backslash is set aside while the others are undone: the text of `\\\\tsql` holds no tab.
_ASIDE = "\x01"  # no JSON text holds it bare
_JSON_ESCAPES = (("\\\\", _ASIDE), ("\\r\\n", "\n"), ("\\n", "\n"), ("\\t", "\t"), ('\\"', '"'), (_ASIDE, "\\"))
# What is left of a piece of EventData up to its text, or of the end that has none.
_DATA_TAG = r"(?s)^(.*<Data[^>]*>|.*</EventData>.*|\s*<EventData[^>]*/>\s*)"
_GUID = r"^\{?([0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12})\}?$"


def present(value: ir.Value) -> ir.StringValue:
    """Return the text, NULL where Windows wrote that there is none."""
    return ibis.cases((mapping.among(value, _EMPTY), ibis.null("string")), else_=value)


def first(*values: ir.Value) -> ir.StringValue:
    """Return the first value that is present."""
    return ibis.coalesce(*(present(value) for value in values))


def unescape(value: ir.Value) -> ir.StringValue:
    """Return XML text without its entities."""
    return _replaced(value, _ENTITIES)


def _replaced(value: ir.Value, pairs: Sequence[tuple[str, str]]) -> ir.StringValue:
    for old, new in pairs:
        value = value.replace(old, new)
    return value


def strings(listed: ir.ArrayValue, data: ir.Value) -> ir.ArrayValue:
    """Return the event's strings: `listed`, else those of `data` (XML, or JSON text of an array or object)."""
    trimmed = data.strip()
    pieces = trimmed.split("</Data>").map(lambda part: unescape(part.re_replace(_DATA_TAG, "")))
    # Within a JSON text `","` stands between two strings and nowhere else: quotes inside are escaped.
    inner = trimmed.re_replace(r'^[\[{]\s*"?', "").re_replace(r'"?\s*[\]}]+$', "")
    members = inner.split('","').map(
        lambda part: _replaced(part.re_replace(r'^[^"]*":\[?"', ""), _JSON_ESCAPES)
    )
    return ibis.coalesce(
        listed,
        ibis.cases(
            (trimmed.startswith("<"), pieces),
            (trimmed.startswith("[") | trimmed.startswith("{"), members),
            else_=ibis.null("array<string>"),
        ),
    )


def body(texts: ir.ArrayValue, *messages: ir.Value) -> ir.StringValue:
    """Return all that the event says as one text: its strings, else the first message that is there."""
    return ibis.coalesce(mapping.text(texts.join("\n")), *(unescape(mapping.text(message)) for message in messages))


def tag(xml: ir.Value, name: str) -> ir.StringValue:
    """Return the text of the first element of that name, empty if there is none."""
    return unescape(xml.re_extract(f"<{name}>([^<]*)</{name}>", 1))


def named(data: ir.Value, name: str) -> ir.StringValue:
    """Return the member of that name of an event's data (`<Data Name="x">` or JSON text), empty if there is none."""
    found = data.re_extract(rf"""(?:Name=['"]{name}['"]>|"{name}":")([^<"]*)""", 1)
    return found.replace("\\\\", "\\")


def named_number(data: ir.Value, name: str) -> ir.StringValue:
    """Return a member that may stand as a number, empty if there is none."""
    return data.re_extract(rf"""(?:Name=['"]{name}['"]>|"{name}":"?)(\d+)""", 1)


def guid(value: ir.Value) -> ir.StringValue:
    """Return a GUID in lower case without braces, NULL if the text is none."""
    return mapping.text(value.re_extract(_GUID, 1).lower())


def stamp(value: ir.Value) -> ir.StringValue:
    """Return the text of a time: itself, or the ISO text in an object (`{"SystemTime": ...}`)."""
    inner = value.re_extract(r'"(\d{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z?)', 1)
    return ibis.cases((value.startswith("{"), inner), else_=value)


def domain(computer: ir.Value) -> ir.StringValue:
    """Return the DNS domain of a computer name in lower case: what follows the first dot, else the whole name."""
    small = computer.lower()
    return ibis.cases((small.contains("."), small.re_replace(r"^[^.]*\.", "")), else_=small)


def is_adfs(event: ir.Value, provider: ir.Value, channel: ir.Value) -> ir.BooleanValue:
    """Tell the AD FS audits that this log is about from other events that share their numbers."""
    named_so = provider.lower() == ADFS_PROVIDER
    unnamed = provider.isnull() & (channel.isnull() | (channel.lower() == SECURITY))
    return (mapping.among(event, ADFS_EVENTS) & (named_so | unnamed)).fill_null(False)
