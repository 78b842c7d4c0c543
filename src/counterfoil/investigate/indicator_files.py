"""Reads indicators: STIX 2.1, MISP events as JSON, and plain lists, each with the time for which it is valid.

Of STIX, indicators whose pattern is one observation, or several joined by OR, of comparisons for equality joined by OR:
whatever must hold together (AND, FOLLOWEDBY, WITHIN) or looks like something (LIKE, MATCHES) is not looked for, and is
told. Of traffic, the type of an end and a port are left out: MISP writes them beside the address, and no record has
ports. docs.oasis-open.org/cti/stix/v2.1, 4.7 (indicators) and 9 (patterns); misp-standard.org, core format.
"""

from __future__ import annotations

import csv
import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from counterfoil.errors import InputError
from counterfoil.model import times
from counterfoil.model.addresses import canonical
from counterfoil.model.indicators import ALWAYS, FOREVER, Indicator, IndicatorKind, NotLookedFor

MAX_FILE_BYTES = 64 << 20
MAX_INDICATORS = 1_000_000
# Larger networks than these are a country's, and no indicator: length of the prefix by version.
LARGEST = {4: 16, 6: 32}
_SHOWN = 80

Read = Iterator[Indicator | NotLookedFor]

_COMPARISON = re.compile(
    r"\s*\[?\s*(?:network-traffic:(?:src|dst)_ref\.type\s*=\s*'[a-z0-9-]+'\s+AND\s+)?"
    r"(?P<path>[a-z0-9-]+:[^\s=()]+)\s*(?P<how>=|IN|ISSUBSET)\s*"
    r"(?P<what>'(?:[^'\\]|\\.)*'|\((?:\s*'(?:[^'\\]|\\.)*'\s*,?)*\))"
    r"(?P<port>\s+AND\s+network-traffic:(?:src|dst)_port\s*=\s*'?\d{1,5}'?)?\s*\]?\s*(?:OR|$)"
)
_TEXT = re.compile(r"'((?:[^'\\]|\\.)*)'")
_PATHS: tuple[tuple[re.Pattern[str], IndicatorKind], ...] = (
    (re.compile(r"ipv[46]-addr:value|network-traffic:(?:src|dst)_ref\.value"), IndicatorKind.IP),
    (re.compile(r"(?i).*request_header\.'?user-agent'?"), IndicatorKind.AGENT),
    (re.compile(r"(?i)x509-certificate:hashes\.'?sha-(?:1|256)'?"), IndicatorKind.KEY),
    (re.compile(r"(?i)[a-z0-9-]+:(?:.*\.)?(?:kid|key_id)"), IndicatorKind.KEY),
    (re.compile(r"(?i)[a-z0-9-]+:(?:.*\.)?(?:client_id|app_id|appid)"), IndicatorKind.CLIENT),
)
_MISP: Mapping[str, IndicatorKind] = {
    **dict.fromkeys(("ip-src", "ip-dst", "ip-src|port", "ip-dst|port"), IndicatorKind.IP),
    "user-agent": IndicatorKind.AGENT,
    **dict.fromkeys(("x509-fingerprint-sha1", "x509-fingerprint-sha256"), IndicatorKind.KEY),
}
_IDS = (
    IndicatorKind.CLIENT, IndicatorKind.SESSION, IndicatorKind.DEVICE, IndicatorKind.TOKEN, IndicatorKind.ID,
)
_GUID = re.compile(r"(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_HASH = re.compile(r"(?i)[0-9a-f]{40}|[0-9a-f]{64}")


def read(data: bytes, where: str) -> tuple[list[Indicator], list[NotLookedFor]]:
    """Return the indicators in a file's content, and those that are not looked for; raises InputError."""
    found: list[Indicator] = []
    left: list[NotLookedFor] = []
    try:
        for one in _any(data, where):
            if isinstance(one, NotLookedFor):
                left.append(one)
                continue
            found += _canonical(one, left)
            if len(found) > MAX_INDICATORS:
                hint = "give those of your own case"
                raise InputError(f"{where} holds over {MAX_INDICATORS:,} indicators", hint=hint)
    except csv.Error as error:
        raise InputError(f"{where} is no list: {error}") from error
    if not found and not left:
        raise InputError(f"{where} holds no indicators", hint="STIX 2.1 or MISP JSON, or a list: value,first,last,name")
    return [replace(one, origin=one.origin or where) for one in found], left


def ended(found: Iterable[Indicator], after: timedelta) -> list[Indicator]:
    """Return the indicators; those without an end are over so long after their beginning."""
    return [
        replace(one, last=one.first + after) if one.last == FOREVER and one.first > ALWAYS else one for one in found
    ]


def _any(data: bytes, where: str) -> Read:
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        try:
            document = msgspec.json.decode(data.lstrip(b"\xef\xbb\xbf"))
        except (msgspec.DecodeError, RecursionError) as error:
            raise InputError(f"{where} is no JSON: {error}") from error
        return _json(document, where)
    try:
        return _lines(data.decode("utf-8-sig").splitlines())
    except UnicodeDecodeError as error:
        raise InputError(f"{where} is no text in UTF-8") from error


def _json(document: Any, where: str) -> Read:
    parts = document if isinstance(document, list) else [document]
    for part in parts:
        if not isinstance(part, dict):
            raise InputError(f"{where} is neither STIX nor MISP: expected objects")
        if isinstance(objects := part.get("objects"), list):
            yield from _stix(objects)
        elif part.get("type") == "indicator":
            yield from _stix([part])
        elif isinstance(event := part.get("Event", part.get("event")), dict):
            yield from _misp(event)
        elif isinstance(response := part.get("response"), list):
            yield from _json(response, where)
        else:
            raise InputError(f"{where} is neither STIX nor MISP: no objects, no Event")


def _stix(objects: Iterable[Any]) -> Read:
    for one in objects:
        if not isinstance(one, dict) or one.get("type") != "indicator":
            continue  # reports, relations, sightings: nothing to compare with
        name = str(one.get("name") or one.get("id") or "")[:_SHOWN]
        if one.get("revoked") is True:
            yield NotLookedFor(name, "it was revoked")
        elif one.get("pattern_type", "stix") != "stix":
            yield NotLookedFor(name, f"its pattern is {str(one['pattern_type'])[:_SHOWN]}, not stix")
        else:
            first, last = _time(one.get("valid_from")) or ALWAYS, _time(one.get("valid_until")) or FOREVER
            for found in _pattern(str(one.get("pattern") or ""), name):
                yield replace(found, first=first, last=last) if isinstance(found, Indicator) else found


def _pattern(pattern: str, name: str) -> Read:
    place, found = 0, list[Indicator]()
    while place < len(pattern):
        match = _COMPARISON.match(pattern, place)
        if match is None or (match["port"] and not match["path"].startswith("network-traffic:")):
            yield NotLookedFor(name, f"its pattern is more than equality: {pattern[place : place + _SHOWN].strip()}")
            return
        kind = next((kind for path, kind in _PATHS if path.fullmatch(match["path"])), None)
        if kind is None:
            yield NotLookedFor(name, f"{match['path'][:_SHOWN]} is in no record")
            return
        for text in _TEXT.findall(match["what"]):
            found.append(Indicator(kind, re.sub(r"\\(.)", r"\1", text), name=name))
        place = match.end()
    yield from found


def _misp(event: Mapping[str, Any]) -> Read:
    name = str(event.get("info") or "")[:_SHOWN]
    objects = [one for one in event.get("Object") or () if isinstance(one, dict)]
    held = [one.get("Attribute") for one in (event, *objects)]
    for attribute in (one for listed in held if isinstance(listed, list) for one in listed if isinstance(one, dict)):
        kind, value = str(attribute.get("type")), str(attribute.get("value") or "")
        if kind not in _MISP:
            yield NotLookedFor(f"{kind} {value}"[:_SHOWN], f"{kind[:_SHOWN]} is in no record")
        elif attribute.get("to_ids") is False:
            yield NotLookedFor(value[:_SHOWN], "it is not for detection (to_ids)")
        else:
            text = value.partition("|")[0] if "|" in kind else value
            first, last = _time(attribute.get("first_seen")), _time(attribute.get("last_seen"))
            yield Indicator(_MISP[kind], text, first or ALWAYS, last or FOREVER, str(attribute.get("comment") or name))


def _lines(lines: Iterable[str]) -> Read:
    """Yield what stands in lines `value[,first[,last[,name]]]`; dates are days of UTC, the last one inclusive."""
    for row in csv.reader(line for line in lines if line.strip() and not line.lstrip().startswith("#")):
        value, first, last, name, *_ = (*(cell.strip() for cell in row), "", "", "", "")
        if value.lower() in ("value", "indicator", "ioc"):
            continue  # a header
        kind = _kind(_refanged(value))
        begin, end = _time(first), _time(last)
        if kind is None:
            yield NotLookedFor(value[:_SHOWN], "no address, key or id; user-agent:TEXT names an agent")
        elif (first and begin is None) or (last and end is None):
            yield NotLookedFor(value[:_SHOWN], "its dates cannot be read: expected 2023-06-01")
        else:
            if end is not None and _DAY.fullmatch(last):
                end += timedelta(days=1)
            named, colon, rest = value.partition(":")
            text = rest if colon and named in set(IndicatorKind) else _refanged(value)
            yield Indicator(kind, text, begin or ALWAYS, end or FOREVER, name)


def _kind(value: str) -> IndicatorKind | None:
    named, colon, _ = value.partition(":")
    if colon and named in set(IndicatorKind):
        return IndicatorKind(named)
    if canonical(value) is not None or _network(value) is not None:
        return IndicatorKind.IP
    if _GUID.fullmatch(value):
        return IndicatorKind.ID
    return IndicatorKind.KEY if _HASH.fullmatch(value) else None


def _refanged(value: str) -> str:
    return value.replace("[.]", ".").replace("[:]", ":").strip()


def _network(value: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(value, strict=False) if "/" in value else None
    except ValueError:
        return None


def _canonical(one: Indicator, left: list[NotLookedFor]) -> Iterator[Indicator]:
    """Yield an indicator in the form in which evidence has it; nothing for one that cannot be looked for."""
    if not one.value:
        left.append(NotLookedFor(one.name or one.kind, "it has no value"))
    elif one.kind in _IDS:
        yield replace(one, value=one.value.lower() if _GUID.fullmatch(one.value) else one.value)
    elif one.kind is IndicatorKind.KEY:
        yield replace(one, value=one.value.lower() if _HASH.fullmatch(one.value) else one.value)
    elif one.kind is IndicatorKind.AGENT:
        yield one
    elif (network := _network(one.value)) is not None:
        if network.prefixlen < LARGEST[network.version]:
            left.append(NotLookedFor(one.value, f"a network of more than a /{LARGEST[network.version]}"))
        elif network.num_addresses == 1:
            yield replace(one, kind=IndicatorKind.IP, value=str(network.network_address))
        else:
            yield replace(one, kind=IndicatorKind.NETWORK, value=str(network))
    elif (address := canonical(one.value)) is not None:
        yield replace(one, value=address)
    else:
        left.append(NotLookedFor(one.value[:_SHOWN], "it is no address"))


def _time(value: object) -> datetime | None:
    """Return a time; None for none, or what is none."""
    if not isinstance(value, str) or not value:
        return None
    found = times.read(f"{value} 00:00:00" if _DAY.fullmatch(value) else value)
    return None if found is None else found.replace(tzinfo=UTC)
