"""A report of a scan as text, JSON, JSON lines or SARIF (2.1.0)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from counterfoil._version import __version__
from counterfoil.leaks.finding import Leak, LeaksReport, TokenSeen

SCHEMA = "counterfoil.leaks/1"
# Places of one key and form in one file that the text names; JSON has all.
_MOST_PLACES = 3
_MOST_LINES = 200


def render(report: LeaksReport, form: str) -> str:
    """Return the report in a form of FORMATS."""
    return FORMATS[form](report)


def document(report: LeaksReport) -> dict[str, Any]:
    """Return the report as plain values: the JSON document."""
    return {
        "schema": SCHEMA,
        "tool": {"name": "counterfoil", "version": __version__},
        "kernel": report.kernel,
        "keys": report.keys,
        "secrets": report.secrets,
        "findings": [asdict(leak) for leak in report.findings],
        "decoys": [asdict(leak) for leak in report.decoys],
        "tokens": [{**asdict(token), "claims": dict(token.claims)} for token in report.tokens],
        "unread": [asdict(unread) for unread in report.unread],
        "notes": list(report.notes),
        "files": report.files,
        "scanned_bytes": report.scanned,
        "skipped_bytes": report.skipped,
    }


def _json(report: LeaksReport) -> str:
    return json.dumps(document(report), indent=2, ensure_ascii=False) + "\n"


def _json_lines(report: LeaksReport) -> str:
    whole = document(report)
    rows = [{"kind": kind, **row} for kind in ("findings", "decoys", "tokens", "unread") for row in whole[kind]]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _text(report: LeaksReport) -> str:
    lines = list(_lines(report))
    if len(lines) > _MOST_LINES:
        lines = [*lines[:_MOST_LINES], f"... and {len(lines) - _MOST_LINES:,} more lines; --format json has all"]
    return "\n".join(_clean(line) for line in lines) + "\n"


def _lines(report: LeaksReport) -> Iterator[str]:
    rate = f", {report.scanned / report.seconds / 1e6:,.0f} MB/s" if report.seconds > 1 else ""
    holes = f", {_size(report.skipped)} of holes skipped" if report.skipped else ""
    known = f"{report.keys:,} known {'key' if report.keys == 1 else 'keys'}"
    if report.secrets:
        known += f" and the secrets of {report.secrets:,} {'token' if report.secrets == 1 else 'tokens'}"
    files = f"{report.files:,} {'file' if report.files == 1 else 'files'}"
    yield f"{_size(report.scanned)} in {files} scanned for {known} (kernel: {report.kernel}{rate}{holes})."
    yield from report.notes
    proven, others = report.proven, tuple(leak for leak in report.findings if not leak.proven)
    if proven:
        yield ""
        yield f"LEAKED  {len({leak.thumbprint for leak in proven}):,} of the known keys, proven"
        yield from _grouped(proven)
    if others:
        yield ""
        yield f"PRIVATE KEYS of no known public key: {len(others):,}"
        yield from _grouped(others)
    if report.decoys:
        yield ""
        yield f"DECOYS where they were left: {len({leak.thumbprint for leak in report.decoys}):,}"
        yield from _grouped(report.decoys)
    if report.tokens:
        yield ""
        states = Counter(token.state for token in report.tokens)
        yield "TOKENS  " + ", ".join(f"{count:,} {state}" for state, count in sorted(states.items()))
        for token in report.tokens:
            yield from _token(token)
    if report.unread:
        yield ""
        yield f"NOT READ  {len(report.unread):,}"
        yield from (f"  {unread.path}: {unread.reason}" for unread in report.unread)
    if not report.findings and not report.tokens:
        other = "other " if report.decoys else ""
        yield f"No {other}private key and no token was found" + (" in what was read." if report.unread else ".")


def _grouped(leaks: tuple[Leak, ...]) -> Iterator[str]:
    groups: dict[tuple[str, str, str, str], list[Leak]] = {}
    for leak in leaks:
        groups.setdefault((leak.kid or leak.thumbprint, leak.path, leak.form, leak.how), []).append(leak)
    for (name, path, form, how), held in groups.items():
        places = ", ".join(f"{leak.offset:,}" for leak in held[:_MOST_PLACES])
        more = f" and {len(held) - _MOST_PLACES:,} more" if len(held) > _MOST_PLACES else ""
        region = f" ({held[0].region})" if held[0].region else ""
        yield f"  {name or 'key'}  {form}"
        yield f"    {path} at {places}{more}{region}"
        yield f"    {how}"
        for bound in held[0].bounds[:1]:
            yield f"    there no later than {bound.time}, by the {bound.by}"


def _token(token: TokenSeen) -> Iterator[str]:
    claims = ", ".join(f"{name} {value}" for name, value in token.claims if name in ("iss", "aud", "jti", "uti"))
    verified = {"yes": "signature verified", "no": "signature wrong", "unknown": ""}[token.verified]
    words = [f"{token.form} {token.state}", verified, f"kid {token.kid}" if token.kid else "", claims]
    told = ", ".join(word for word in words if word)
    yield f"  {told}"
    yield f"    {token.path} at {token.offset:,}, SHA-256 {token.digest[:16]}"


def _sarif(report: LeaksReport) -> str:
    rules = {
        "known-key": ("The private half of a known key", "error"),
        "private-key": ("A private key of no known public key", "warning"),
        "token": ("A token or session secret", "warning"),
        "unread": ("Something that was not read", "note"),
    }
    results = [
        _result("known-key" if leak.proven else "private-key", leak.path, leak.offset, leak.size,
                f"{leak.form}: key {leak.kid or leak.thumbprint or 'unknown'}; {leak.how}", rules)
        for leak in report.findings
    ]
    results += [
        _result("token", token.path, token.offset, 0, f"{token.form}, {token.state}", rules) for token in report.tokens
    ]
    results += [_result("unread", entry.path, 0, 0, f"not read: {entry.reason}", rules) for entry in report.unread]
    driver = {
        "name": "counterfoil",
        "version": __version__,
        "rules": [{"id": name, "shortDescription": {"text": text}} for name, (text, _) in rules.items()],
    }
    run = {"tool": {"driver": driver}, "results": results}
    whole = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _result(
    rule: str, path: str, offset: int, size: int, text: str, rules: Mapping[str, tuple[str, str]]
) -> dict[str, Any]:
    region: dict[str, int] = {"byteOffset": offset, **({"byteLength": size} if size else {})}
    place = {"artifactLocation": {"uri": quote(path)}, "region": region}
    return {
        "ruleId": rule,
        "level": rules[rule][1],
        "message": {"text": text},
        "locations": [{"physicalLocation": place}],
    }


def _size(count: float) -> str:
    for unit in ("bytes", "KB", "MB"):
        if count < 1000:
            return f"{count:,.0f} {unit}" if unit == "bytes" else f"{count:,.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} GB"


def _clean(line: str) -> str:
    """Return a line without what could move a terminal's cursor: names of files are untrusted."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in line)


FORMATS: dict[str, Callable[[LeaksReport], str]] = {
    "text": _text,
    "json": _json,
    "jsonl": _json_lines,
    "sarif": _sarif,
}
