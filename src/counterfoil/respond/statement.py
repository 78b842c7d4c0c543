"""The statement on an eviction: what is said, about what, from which evidence, and why; signed where a key is given."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from counterfoil._version import __version__
from counterfoil.report.clean import clean
from counterfoil.respond.evicted import After, Judgement, changed, quiet_until
from counterfoil.respond.journal import Entry, last

SCHEMA = "counterfoil.eviction/1"
TYP = "counterfoil-eviction+jwt"
STEP = "verify"


def statement(
    judged: Judgement, after: After, keys: Iterable[str], manifest: Path, at: datetime, journal: Iterable[Entry]
) -> dict[str, Any]:
    """Return the statement as JSON. `manifest`: the case's, whose hash names the evidence; `at`: when it is made."""
    earlier = last(journal, STEP)
    told = {} if earlier is None else earlier.told
    codes = told.get("reasons", "").split()
    return {
        "schema": SCHEMA, "version": __version__, "verdict": str(judged.verdict), "made_at": _text(at),
        "since": _text(after.since), "until": _text(after.until), "quiet_until": _text(quiet_until(after)),
        "keys": sorted(keys), "manifest_sha256": hashlib.sha256(manifest.read_bytes()).hexdigest(),
        "reasons": [
            {"code": str(reason.why), "says": None if reason.says is None else str(reason.says), "words": reason.words,
             "addresses": list(reason.addresses)}
            for reason in judged.reasons
        ],
        "logs": [
            {"log": log.name, "last": _text(log.last), "records_since": log.records_since,
             "quiet_hours_since": log.quiet_since, "quiet_hours_before": log.quiet_before}
            for log in after.logs
        ],
        "before": None if earlier is None else {"made_at": _text(earlier.time), "verdict": told.get("verdict", "")},
        "changed": [] if earlier is None else list(changed(codes, judged.reasons)),
    }


def entry(told: Mapping[str, Any], at: datetime) -> Entry:
    """Return what the journal keeps of a statement."""
    reasons = " ".join(dict.fromkeys(reason["code"] for reason in told["reasons"]))
    return Entry(time=at, step=STEP, note=told["verdict"], told={"verdict": told["verdict"], "reasons": reasons})


def text(told: Mapping[str, Any]) -> str:
    """Return the statement for people."""
    lines = [f"{str(told['verdict']).upper()}  since {told['since']}, by what is known until {told['until']}"]
    if told["keys"]:
        lines.append(f"  keys: {', '.join(clean(key) for key in told['keys'])}")
    for reason in told["reasons"]:
        mark = reason["says"] or "worth knowing"
        where = f" ({', '.join(clean(ip) for ip in reason['addresses'])})" if reason["addresses"] else ""
        lines.append(f"  {mark}: {clean(reason['words'], 400)}{where}  [{reason['code']}]")
    if not told["reasons"]:
        lines.append("  no sign of him, every log that showed him is whole, and all that he may hold is over")
    if told["before"]:
        lines.append(f"  before ({told['before']['made_at']}): {told['before']['verdict']}")
        lines += [f"  {change}" for change in told["changed"]]
    return "\n".join(lines) + "\n"


def _text(when: datetime | None) -> str | None:
    """Return a time as JSON has it. Naive ones are UTC."""
    if when is None:
        return None
    aware = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    return f"{aware:%Y-%m-%dT%H:%M:%SZ}"
