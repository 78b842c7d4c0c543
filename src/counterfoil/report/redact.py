"""Pseudonyms for sharing: who, where, which id and which tenant become names that mean nothing outside the case.

A value has the same pseudonym everywhere in a case, whatever is rendered, and none can be computed without the case's
key (HMAC-SHA-256). Kept are times, numbers, verdicts, rules, operations, agents, techniques, hashes of files, and ids
of applications that are published. Every field of text that is not listed in `WHOLE` is searched for what is:
addresses, mail addresses, GUIDs, and every value that a listed field holds.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from ipaddress import IPv6Address, ip_address
from typing import Any, TypeVar, cast
from uuid import UUID

from counterfoil.model.blast import Blast, Of
from counterfoil.model.cover import Cover
from counterfoil.model.first_party import name as client_name

KEY_BYTES = 32
_Value = TypeVar("_Value")

_PERSON, _OBJECT, _TOKEN, _KEY, _APPLICATION, _ADDRESS, _NETWORK, _ISSUER, _FILE, _PLACE, _HOST = (
    "person", "object", "token", "key", "application", "address", "network", "issuer", "file", "place", "host",
)
# Fields that hold a value of the case and nothing else, by their names, and what it is. `Type.field` comes first.
WHOLE: Mapping[str, str] = {
    **dict.fromkeys(("subject", "subjects", "who", "mailbox", "mailbox_id", "mailboxes", "sender", "by"), _PERSON),
    **dict.fromkeys(
        ("objects", "object_name", "folder", "folders", "message_id", "target", "reached", "names"), _OBJECT,
    ),
    **dict.fromkeys(("tokens", "token", "token_key", "token_id", "parents"), _TOKEN),
    **dict.fromkeys(("keys", "key", "key_id"), _KEY),
    **dict.fromkeys(("clients", "client", "client_id", "resource"), _APPLICATION),
    **dict.fromkeys(("ips", "ip", "where"), _ADDRESS),
    "networks": _NETWORK,
    **dict.fromkeys(("issuer", "issuers", "tenant", "unclaimed_farms", "unnamed_domains", "foreign"), _ISSUER),
    **dict.fromkeys(("case", "path"), _FILE),
    **dict.fromkeys(("Finding.evidence", "shown"), _PLACE),
    "Reached.name": _OBJECT, "Party.name": _ISSUER, "Blast.name": _PERSON, "Message.subject": _OBJECT,
    "Line.by": _APPLICATION,
    "addresses.name": _ADDRESS, "applications.name": _APPLICATION, "networks.name": _NETWORK,
}
_GUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_MAIL = r"[^\s@,;:<>()\"']+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
_IP4 = r"(?<![\w./])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\d)"
_IP6 = r"(?<![\w:])(?:[0-9a-fA-F]{1,4}:){2,7}[0-9a-fA-F:]*[0-9a-fA-F]{1,4}(?![\w:])"
_FORMS = f"{_MAIL}|{_GUID}|{_IP4}|{_IP6}"
# What a text is made of: values without blanks are looked up as words, those with blanks as they stand.
_APART = re.compile(r"[\s,;()\[\]\"'<>|=]")
_WORD = r"[^\s,;()\[\]\"'<>|=]+"
_PARTS = re.compile(r"([/:.]+$|[/:])")
_VERSION = re.compile(r"[A-Za-z]\w*/[\d.]+")
# Texts cut long values: their beginning is looked for.
_HEAD = 24
# Options whose values are parts of logs, times and domains; those of others are paths.
_OPTIONS = frozenset({"--complete", "--exported-at", "--since", "--until", "--federated"})


class Redactor:
    """Gives pseudonyms under the key of a case. `hosts`: logs whose parts are servers (`adfs/fs01`)."""

    def __init__(self, key: bytes, hosts: Collection[str] = ()) -> None:
        self._key = key
        self._hosts = frozenset(hosts)

    def redact(self, value: _Value) -> _Value:
        """Return the value with pseudonyms: a frozen value, or a tuple of them."""
        known: dict[str, str] = {}
        for kind, text in self._whole(value, "", ""):
            known.setdefault(text, self._pseudonym(kind, text))
        return cast(_Value, self._walked(value, "", "", _Texts(known, self)))

    def _whole(self, value: Any, owner: str, field: str) -> Iterator[tuple[str, str]]:
        """Yield what the fields of WHOLE hold, and what it is."""
        if is_dataclass(value) and not isinstance(value, type):
            for each in _redacted_fields(value):
                yield from self._whole(getattr(value, each), _owner(value, field), each)
            if getattr(value, "source", None) in self._hosts and (host := getattr(value, "kind", "")):
                yield _HOST, host
        elif isinstance(value, tuple):
            for item in value:
                yield from self._whole(item, owner, field)
        elif isinstance(value, str) and not isinstance(value, Enum) and value and (kind := _kind(owner, field)):
            yield kind, value

    def _walked(self, value: Any, owner: str, field: str, texts: _Texts) -> Any:
        if is_dataclass(value) and not isinstance(value, type):
            if isinstance(value, Cover):  # what the sharer says of himself
                return value
            changed = {each: self._walked(getattr(value, each), _owner(value, field), each, texts)
                       for each in _redacted_fields(value)}
            return replace(value, **changed)
        if field == "asked" and value:
            return tuple((name, texts.redacted(text) if name in _OPTIONS else self._word(_FILE, text))
                         for name, text in value)
        if isinstance(value, tuple):
            return tuple(self._walked(item, owner, field, texts) for item in value)
        if isinstance(value, str) and not isinstance(value, Enum):
            if value and _kind(owner, field):
                return texts.known[value]
            return texts.redacted(value)
        return value

    def _pseudonym(self, kind: str, text: str) -> str:
        """Return the pseudonym of a value that stands alone; what it looks like stays what it looks like."""
        if kind == _PLACE:
            path, colon, position = text.rpartition(":")
            return f"{self._word(_FILE, path)}{colon}{position}"
        if kind in (_APPLICATION, _ISSUER) and client_name(text) is not None:
            return text
        if kind == _ISSUER and ":" in text:
            scheme, _, rest = text.partition(":")
            return f"{scheme}:{self.of(rest) or self._word(_ISSUER, rest)}"
        return self.of(text) or self._word(kind, text)

    def of(self, text: str) -> str:
        """Return the pseudonym of an address, a mail address or a GUID; nothing for anything else."""
        if re.fullmatch(_MAIL, text):
            name, _, domain = text.casefold().rpartition("@")
            return f"{self._word(_PERSON, name + '@' + domain)}@{self._word('org', domain)}.invalid"
        if re.fullmatch(_GUID, text):
            if client_name(text.lower()) is not None:
                return text
            return str(UUID(bytes=self._digest("id", text.casefold())[:16], version=4))
        try:
            ip_address(text)
        except ValueError:
            return ""
        return str(IPv6Address(b"\xfd" + self._digest("address", text.casefold())[:15]))

    def _word(self, kind: str, text: str) -> str:
        return f"{kind}-{self._digest(kind, text.casefold()).hex()[:10]}"

    def _digest(self, kind: str, text: str) -> bytes:
        return hmac.new(self._key, f"{kind}\x1f{text}".encode("utf-8", "replace"), hashlib.sha256).digest()


class _Texts:
    """Texts in which known values, and whatever has the form of one, are replaced."""

    def __init__(self, known: Mapping[str, str], redactor: Redactor) -> None:
        self.known = known
        self._redactor = redactor
        self._folded: dict[str, str] = {}
        for text, name in known.items():
            if text != name:
                self._add(text.casefold(), name)
        phrases = sorted((text for text in self._folded if _APART.search(text)), key=lambda text: (-len(text), text))
        self._phrases = "|".join(map(re.escape, phrases))
        self._pattern = re.compile("|".join(filter(None, (self._phrases, _FORMS, _WORD))), re.IGNORECASE)

    def _add(self, text: str, name: str) -> None:
        """Keep a value, and the shapes in which texts have it: cut, shortened, its domain."""
        self._folded.setdefault(text, name)
        if re.fullmatch(_GUID, text):
            self._folded[f"{text[:8]}\N{HORIZONTAL ELLIPSIS}"] = f"{name[:8]}\N{HORIZONTAL ELLIPSIS}"
        elif "@" in text:
            self._folded.setdefault(text.rpartition("@")[2], name.rpartition("@")[2])
        elif ":" in text and ":" in name:  # issuers: what they are called without their scheme
            self._folded.setdefault(text.partition(":")[2], name.partition(":")[2])
        if len(text) > _HEAD:
            self._folded.setdefault(text[:_HEAD], name)

    def redacted(self, text: str) -> str:
        """Return the text with pseudonyms."""
        return self._pattern.sub(self._replaced, text) if text else text

    def _replaced(self, match: re.Match[str]) -> str:
        found = match.group()
        name = self._known(found) or self._redactor.of(found)
        if name:
            return name
        version = _VERSION.fullmatch(found)  # of a program, and no address
        parts = _PARTS.split(found)
        return "".join(self._known(part) or ("" if version else self._redactor.of(part)) or part for part in parts)

    def _known(self, text: str) -> str:
        """Return the pseudonym of a known value, or of one that the text has the beginning of."""
        folded = text.casefold()
        whole = self._folded.get(folded)
        return whole if whole is not None else self._folded.get(folded[:_HEAD], "") if len(folded) > _HEAD else ""


def _redacted_fields(value: Any) -> list[str]:
    """Return the fields of a frozen value, but the id of an intrusion that stands as the name of what it reached."""
    own = isinstance(value, Blast) and value.of is Of.INTRUSION
    return [each.name for each in fields(value) if not (own and each.name == "name")]


def _owner(value: Any, field: str) -> str:
    """Return by what a field of a value is known: its type, or for things that were used, the list that it is in."""
    name = type(value).__name__
    return field if name == "Used" else name


def _kind(owner: str, field: str) -> str:
    """Return what a field holds, or nothing if it is text of ours."""
    return WHOLE.get(f"{owner}.{field}") or WHOLE.get(field, "")
