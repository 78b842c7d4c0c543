"""How Windows events are told apart and taken to pieces, whatever wrote them down.

The strings of an event (`%1`, `%2`...) come as an array, as `<EventData><Data>` XML, or as a JSON array or object;
the message as rendered text. AD FS puts an XML document of its own into one of the strings.
"""

from __future__ import annotations

from collections.abc import Sequence

from counterfoil.expressions import ibis, ir
from counterfoil.sources import mapping

# Events of the source "AD FS Auditing" that say what became of a request for a token. Basic level: 1200 to 1210;
# verbose level: 299. learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-health-agent-install
ISSUED_BASIC = "1200"
ISSUED_VERBOSE = "299"
REFUSED_BASIC = "1201"
ADFS_EVENTS = (ISSUED_VERBOSE, *(str(number) for number in range(1200, 1211)))
# Failures among them (token, credential, password change, sign-out, lockout; validation 411), and among the others
# (logon 4625).
FAILED_AUDITS = (REFUSED_BASIC, "1203", "1205", "1207", "1210", "411")
FAILED_EVENTS = ("411", "4625")
ADFS_PROVIDER = "ad fs auditing"

SECURITY = "security"
# What Windows writes into a field that has no value.
_EMPTY = ("", "-", "-\\-", "N/A", "S-1-0-0")

_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&#xD;", "\r"), ("&#xA;", "\n"),
             ("&amp;", "&"))
# A backslash is set aside while the others are undone: the text of `\\\\tsql` holds no tab.
_ASIDE = "\x01"  # no JSON text holds it bare
_JSON_ESCAPES = (("\\\\", _ASIDE), ("\\r\\n", "\n"), ("\\n", "\n"), ("\\t", "\t"), ('\\"', '"'), (_ASIDE, "\\"))
# What is left of a piece of EventData up to its text, or of the end that has none.
_DATA_TAG = r"(?s)^(.*<Data[^>]*>|.*</EventData>.*|\s*<EventData[^>]*/>\s*)"
# Unnamed strings as converters of EVTX write them: a member Data that holds them, alone or below #text.
_UNNAMED = r'^\{\s*"Data"\s*:\s*(?:\{\s*"#text"\s*:\s*)?'
_BINARY = r'\s*,\s*"Binary"\s*:\s*(?:null|"[^"]*")\s*\}$'
_GUID = r"^\{?([0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12})\}?$"
# Provider of the events that tell of a log itself (started, cleared, full).
_EVENTLOG = ("microsoft-windows-eventlog", "eventlog")


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


def strings(trimmed: ir.Value) -> ir.ArrayValue:
    """Return the strings of an event's data (XML, or JSON text of an array or object), NULL if it has none."""
    pieces = trimmed.split("</Data>").map(lambda part: unescape(part.re_replace(_DATA_TAG, "")))
    # Within a JSON text `","` stands between two strings and nowhere else: quotes inside are escaped.
    bare = trimmed.re_replace(_BINARY, "}").re_replace(_UNNAMED, "[")
    inner = bare.re_replace(r'^[\[{]+\s*"?', "").re_replace(r'"?\s*[\]}]+$', "")
    members = inner.re_replace(r'",\s+"', '","').split('","').map(
        lambda part: _replaced(part.re_replace(r'^[^"]*"\s*:\s*\[?"', ""), _JSON_ESCAPES)
    )
    return ibis.cases(
        (trimmed.startswith("<"), pieces),
        (trimmed.startswith("[") | trimmed.startswith("{"), members),
        else_=ibis.null("array<string>"),
    )


def body(texts: ir.ArrayValue, *messages: ir.Value) -> ir.StringValue:
    """Return all that the event says as one text: its strings, else the first message that is there."""
    return ibis.coalesce(mapping.text(texts.join("\n")), *(unescape(mapping.text(message)) for message in messages))


def tag(xml: ir.Value, name: str) -> ir.StringValue:
    """Return the text of the first element of that name as it stands, empty if there is none."""
    return xml.re_extract(f"<{name}>([^<]*)</{name}>", 1)


def named(trimmed: ir.Value, name: str) -> ir.StringValue:
    """Return the member of that name of an event's data (`<Data Name="x">` or JSON text), empty if there is none."""
    # each form by its own mark, which no value can hold: `<` and quotes are escaped in values
    said = trimmed.re_extract(rf"""<Data Name=['"]{name}['"]>([^<]*)""", 1)
    # of the entities only the ampersand can stand in a name or path
    return ibis.cases((trimmed.startswith("<"), said.replace("&amp;", "&")), else_=member(trimmed, name))


def member(text: ir.Value, name: str, after: str = "") -> ir.StringValue:
    """Return the value of a member of a JSON text, a string or number, empty if there is none.

    `after` is what stands between name and value beside the colon (EvtxECmd: `"@Name":"x","#text":"value"`).
    """
    key = rf'"@Name"\s*:\s*"{name}"\s*,\s*"#text"\s*:\s*' if after else rf'"{name}"\s*:\s*'
    found = text.re_extract(key + r'("(?:[^"\\]|\\.)*"|-?\d+)', 1)
    return found.re_replace(r'^"|"$', "").replace('\\"', '"').replace("\\\\", "\\")


def guid(value: ir.Value) -> ir.StringValue:
    """Return a GUID in lower case without braces, NULL if the text is none."""
    return mapping.text(value.re_extract(_GUID, 1).lower())


_EPOCH = r"^\d{9,10}(?:\.\d{1,9})?$"


def stamp(value: ir.Value) -> ir.StringValue:
    """Return the text of a time: itself, or the one in an object (`{"SystemTime": ...}`)."""
    inner = value.re_extract(r'"([^"]*\d[^"]*)"\}*$', 1)
    return ibis.cases((value.startswith("{"), inner), else_=value)


def happened(bare: ir.Value, dates: ir.Value) -> ir.TimestampValue:
    """Return the UTC time of a text as exporters of events write it; NULL if it is none. `dates` as RAW_DATES.

    The forms of all exports (`model.times`), and seconds since 1970 (Velociraptor).
    """
    seconds = ibis.cases((bare.re_search(_EPOCH), bare), else_=ibis.null("string")).try_cast("float64")
    millis = (seconds * 1_000).round().cast("int64")
    return ibis.coalesce(millis.as_timestamp("ms").cast("timestamp(6)"), mapping.when(bare, dates))


def zoned(value: ir.Value) -> ir.BooleanValue:
    """Tell whether the time says its zone: exporters that leave it out write local time, which proves nothing."""
    return value.re_search(r"(Z|:\d{2}(\.\d+)? ?[+-]\d{2}(:?\d{2})?|\)/)$|^\{?\d{9,}")


def domain(computer: ir.Value) -> ir.StringValue:
    """Return the DNS domain of a computer name in lower case: what follows the first dot, else the whole name."""
    small = computer.lower()
    return ibis.cases((small.contains("."), small.re_replace(r"^[^.]*\.", "")), else_=small)


def is_adfs(event: ir.Value, provider: ir.Value, channel: ir.Value) -> ir.BooleanValue:
    """Tell the AD FS audits from other events that share their numbers."""
    named_so = provider.lower() == ADFS_PROVIDER
    unnamed = provider.isnull() & (channel.isnull() | (channel.lower() == SECURITY))
    return (named_so | (mapping.among(event, ADFS_EVENTS) & unnamed)).fill_null(False)


def of_the_log(provider: ir.Value, channel: ir.Value) -> ir.BooleanValue:
    """Tell events about the Security log itself (1100 to 1108), which other providers' events share numbers with."""
    secure = channel.isnull() | (channel.lower() == SECURITY)
    return (mapping.among(provider.lower(), _EVENTLOG) | (provider.isnull() & secure)).fill_null(False)
