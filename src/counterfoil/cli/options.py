"""Reads what people type into values: pure functions that return the value or raise UsageError with a hint."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from counterfoil.errors import InputError, UsageError
from counterfoil.model.cover import MAX_TEXT, Cover, Tlp
from counterfoil.model.coverage import Declaration
from counterfoil.model.verdict import FAIL_ON_DEFAULT, FindingVerdict

if TYPE_CHECKING:
    from counterfoil.tlog.note import VerifierKey

NEVER = "none"

# Typed text is quoted in messages up to this length.
MAX_QUOTED = 80
# Choices that a hint names.
MAX_NAMED = 12

_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252}[A-Za-z0-9_])?")
_DOMAIN = re.compile(r"(?=.{3,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})+")
_ISSUER = re.compile(r"[a-z0-9-]{1,32}:[^\s=]{1,256}")
_MEMORY = re.compile(r"(\d{1,9}(?:\.\d{1,3})?) ?(K|M|G|T)(?:i?B)?", re.IGNORECASE)
_TIME_HINT = "write UTC, as 2026-05-12 (its first instant) or 2026-05-12T14:30"


def moment(text: str, option: str) -> datetime:
    """Return a date or time as naive UTC; a date is its first instant, an offset is applied.

    >>> moment("2026-05-12T14:30+02:00", "--since")
    datetime.datetime(2026, 5, 12, 12, 30)
    """
    trimmed = text.strip()
    try:
        if not re.match(r"\d{4}-\d{2}-\d{2}(?![\d-])", trimmed):
            raise ValueError(trimmed)
        when = datetime.fromisoformat(trimmed)
        return when if when.tzinfo is None else when.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{option}: {_quoted(text)} is not a date or time", hint=_TIME_HINT) from error


_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def loopback(text: str, option: str) -> tuple[str, int]:
    """Return HOST:PORT of this machine as host and port; raises UsageError.

    >>> loopback("127.0.0.1:8455", "--listen")
    ('127.0.0.1', 8455)
    """
    host, _, port = text.rpartition(":")
    host = host.strip("[]")
    if host not in _LOOPBACK or not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65_535:
        told = f"{option}: expected HOST:PORT on loopback, got {_quoted(text)}"
        raise UsageError(told, hint="such as 127.0.0.1:8455, with a server that has TLS in front of it")
    return host, int(port)


# A public note key is a line.
MAX_KEY_BYTES = 4_096


def log_key(text: str) -> VerifierKey:
    """Return a note key that was typed, or that a file holds; raises UsageError, InputError."""
    from counterfoil.config import read_bounded
    from counterfoil.tlog.note import VerifierKey

    if Path(text).is_file():
        return VerifierKey.parse(read_bounded(Path(text), MAX_KEY_BYTES).decode(errors="replace"))
    try:
        return VerifierKey.parse(text)
    except InputError as error:
        raise UsageError(f"no note key, and no file that holds one: {text[:80]!r}", hint="as in log.vkey") from error


def past(text: str, option: str) -> datetime:
    """Return a moment that has passed, as `moment` does; a day of grace, since a date is told without its zone."""
    when, now = moment(text, option), datetime.now(UTC).replace(tzinfo=None)
    if when > now + timedelta(days=1):
        raise UsageError(f"{option}: {_quoted(text)} is in the future", hint="say when the logs were exported")
    return when


def window(since: str | None, until: str | None) -> tuple[datetime | None, datetime | None]:
    """Return the bounds of `--since` and `--until`; the first must lie before the second."""
    begin = None if since is None else moment(since, "--since")
    end = None if until is None else moment(until, "--until")
    if begin is not None and end is not None and begin >= end:
        raise UsageError(
            f"--since {_quoted(since or '')} is not before --until {_quoted(until or '')}", hint="exchange the two"
        )
    return begin, end


def declaration(text: str) -> Declaration:
    """Return one `--complete SOURCE/KIND[:from..to]`.

    >>> declaration("entra-signin/interactive:2026-05-01..").start
    datetime.datetime(2026, 5, 1, 0, 0)
    """
    from counterfoil.sources.registry import logs  # all sources, which few commands need

    named, colon, bounds = text.strip().partition(":")
    source, slash, kind = named.partition("/")
    if not slash or not source or not kind:
        raise UsageError(
            f"--complete: expected SOURCE/KIND[:from..to], got {_quoted(text)}",
            hint="such as entra-signin/interactive, or entra-signin/interactive:2026-05-01..2026-06-01",
        )
    known = logs().declarable
    source = one_of(source.lower(), known, "--complete: unknown log", "logs that can be declared")
    if known[source]:
        kind = one_of(kind.lower(), known[source], f"--complete: unknown kind of {source}:", "kinds")
    elif source not in logs().hosts:
        if any(sign.isspace() for sign in kind):
            raise UsageError(f"--complete: {_quoted(kind)} is not the name of a log", hint=f"such as {source}/idp")
    elif not _HOST.fullmatch(kind):
        raise UsageError(f"--complete: {_quoted(kind)} is not the name of a host", hint=f"such as {source}/fs01")
    kind = kind.lower()  # as evidence has it
    start, end = _bounds(bounds, text) if colon else (None, None)
    return Declaration(source, kind, start, end)


def _bounds(text: str, whole: str) -> tuple[datetime | None, datetime | None]:
    begin, dots, end = text.partition("..")
    if not dots or not (begin.strip() or end.strip()):
        raise UsageError(
            f"--complete: expected from..to after the colon, got {_quoted(text)}",
            hint="such as 2026-05-01..2026-06-01; leave one out to mean the first or last record",
        )
    start = moment(begin, "--complete") if begin.strip() else None
    stop = moment(end, "--complete") if end.strip() else None
    if start is not None and stop is not None and start >= stop:
        raise UsageError(f"--complete: {_quoted(whole)} ends before it begins", hint="exchange the two times")
    return start, stop


def federation(texts: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Return the pairs of `--federated DOMAIN=ISSUER`, in lower case; no domain may have two issuers.

    >>> federation(["Contoso.com=adfs:fs.contoso.com"])
    (('contoso.com', 'adfs:fs.contoso.com'),)
    """
    pairs: dict[str, str] = {}
    for text in texts:
        domain, _, issuer = (part.strip().lower() for part in text.partition("="))
        if not _DOMAIN.fullmatch(domain) or not _ISSUER.fullmatch(issuer):
            raise UsageError(
                f"--federated: expected DOMAIN=ISSUER, got {_quoted(text)}",
                hint="such as contoso.com=adfs:contoso.com",
            )
        if pairs.setdefault(domain, issuer) != issuer:
            raise UsageError(f"--federated: {domain} has two issuers, {pairs[domain]} and {issuer}", hint="keep one")
    return tuple(pairs.items())


def memory(text: str | None) -> str | None:
    """Return a size as the engine takes it.

    >>> memory("2g")
    '2GB'
    """
    if text is None:
        return None
    found = _MEMORY.fullmatch(text.strip())
    if found is None or not float(found.group(1)):
        raise UsageError(f"--memory: {_quoted(text)} is not a size", hint="such as 2GB or 800MB")
    return f"{found.group(1)}{found.group(2).upper()}B"


def claims(text: str | None) -> frozenset[FindingVerdict]:
    """Return the verdicts of `--of`: those listed and every graver one.

    >>> sorted(str(verdict) for verdict in claims("contradicted"))
    ['contradicted', 'forged']
    """
    return _or_graver(text, "--of", "some of") if text is not None else FAIL_ON_DEFAULT


TLP = tuple(str(label).removeprefix("TLP:").lower() for label in Tlp)


def cover(title: str, organisation: str, author: str, date: str | None, tlp: str | None) -> Cover:
    """Return what stands on a report; raises UsageError.

    >>> cover("", "", "", None, "TLP:amber").tlp
    <Tlp.AMBER: 'TLP:AMBER'>
    """
    for option, text in (("--title", title), ("--organisation", organisation), ("--author", author)):
        if len(text) > MAX_TEXT:
            raise UsageError(f"{option}: longer than {MAX_TEXT} characters", hint="shorten it")
    label = None
    if tlp is not None:
        label = Tlp(f"TLP:{one_of(tlp.lower().removeprefix('tlp:'), TLP, '--tlp: unknown', 'labels').upper()}")
    return Cover(title, organisation, author, None if date is None else moment(date, "--date").date(), label)


def fail_on(text: str | None) -> frozenset[FindingVerdict]:
    """Return the verdicts of findings that make the exit code 1: those listed and every graver one.

    >>> sorted(str(verdict) for verdict in fail_on("tainted"))
    ['contradicted', 'forged', 'tainted']
    """
    if text is None:
        return FAIL_ON_DEFAULT
    if text.strip().lower() == NEVER:
        return frozenset()
    return _or_graver(text, "--fail-on", f"{NEVER}, or some of")


def _or_graver(text: str, option: str, several: str) -> frozenset[FindingVerdict]:
    """Return the verdicts that a list names, and every graver one; raises UsageError."""
    order = list(FindingVerdict)
    choices = [str(verdict) for verdict in order]
    words = [word.strip().lower() for word in text.split(",")]
    known = [one_of(word, choices, f"{option}: unknown verdict", several) for word in words]
    return frozenset(order[: max(map(choices.index, known)) + 1])


def one_of(text: str, choices: Iterable[str], problem: str, several: str) -> str:
    """Return `text` if it is one of the choices; else raise UsageError that names the nearest, or all.

    >>> one_of("interactve", ["interactive"], "unknown kind", "kinds")
    Traceback (most recent call last):
    ...
    counterfoil.errors.UsageError: unknown kind 'interactve'
    """
    known = list(choices)
    if text in known:
        return text
    near = [name for name in known if text and name.startswith(text)]
    near = near or difflib.get_close_matches(text[:MAX_QUOTED], known, n=1)
    rest = f" and {len(known) - MAX_NAMED} more" if len(known) > MAX_NAMED else ""
    hint = f"did you mean {near[0]}?" if near else f"{several}: {', '.join(known[:MAX_NAMED])}{rest}"
    raise UsageError(f"{problem} {_quoted(text)}", hint=hint)


def _quoted(text: str) -> str:
    return repr(text if len(text) <= MAX_QUOTED else text[: MAX_QUOTED - 1] + "…")
