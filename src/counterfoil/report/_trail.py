"""The trail of one token, link by link: what is in evidence, and where it breaks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from counterfoil.model.diagnosis import Diagnosis
from counterfoil.model.dossier import Record, Relative, Trail
from counterfoil.model.first_party import name as client_name
from counterfoil.model.reason import Reason
from counterfoil.model.verdict import ACCUSING, Verdict
from counterfoil.report.clean import clean
from counterfoil.report.words import brief, minute, number, some, span

MAX_NAME = 96


class State(StrEnum):
    """What is known of one link. Each state has a shape, so that it can be told in grey."""

    FOUND = "found"
    MISSING = "missing"
    DISAGREES = "disagrees"
    TAINTED = "tainted"
    UNKNOWN = "unknown"
    NONE = "none"


@dataclass(frozen=True)
class Link:
    """One link of a trail: its name, in one word for the short drawing, and what is known of it."""

    name: str
    short: str
    state: State
    words: str


# Reasons by which it is the issuance that disagrees.
_DIFFERS = {
    Reason.SUBJECT_DIFFERS, Reason.TENANT_DIFFERS, Reason.KEY_DIFFERS, Reason.DIGEST_DIFFERS, Reason.ISSUED_AT_DIFFERS,
}
# Diagnoses by which no key store signed it.
_UNSIGNED = {Diagnosis.KEY_OUT, Diagnosis.KEY_OUT_OR_UNCHECKED, Diagnosis.LEDGER_ALTERED}
_MISSING = {Reason.ID_NOT_ISSUED, Reason.SUBJECT_NOT_SIGNED_IN, Reason.ASSERTION_NOT_ISSUED, Reason.UNROOTED}


def links(trail: Trail, *, custody: bool) -> tuple[Link, ...]:
    """Return the links from the key to what was reached. `custody`: a log of a key store is in evidence."""
    return (
        Link("Key use", "key", *_key_use(trail, custody=custody)),
        Link("Issuance", "issued", *_issuance(trail)),
        Link("Secondary issuance", "exchanged", *_exchange(trail)),
        Link("Acceptance", "accepted", *_acceptance(trail)),
        Link("Reached", "reached", *_reached(trail)),
    )


def _key_use(trail: Trail, *, custody: bool) -> tuple[State, str]:
    if trail.key_uses:
        use = trail.key_uses[0]
        return State.FOUND, f"Signed in the key store, {_at(use)}, by {clean(use.subject or 'an unnamed caller', 64)}."
    if trail.diagnosis in _UNSIGNED:
        return State.MISSING, "Missing: the key store's log of uses is complete for it, and has no such signature."
    if custody:
        return State.UNKNOWN, "No signature of these bytes is in the key store's log, as far as it carries digests."
    return State.UNKNOWN, "No log of a key store is in evidence: who signed it cannot be told."


def _issuance(trail: Trail) -> tuple[State, str]:
    reason = _reason(trail)
    what = "assertion" if trail.derived == "assertion" else "token"
    issuer = brief(clean(trail.issuer or "an unknown issuer", MAX_NAME))
    if reason in _DIFFERS:
        where = f" Its issuance: {_at(trail.issued[0])}." if trail.issued else ""
        return State.DISAGREES, f"{_sentence(reason.meaning)}{where}"
    if reason in _MISSING:
        if trail.exchanged and not trail.issued:
            return State.MISSING, f"Missing: {Reason.UNROOTED.brief}, and there must be one."
        return State.MISSING, f"Missing: {issuer} issued no such {what}. {_sentence(reason.meaning)}"
    if reason is Reason.NEVER_SIGNED:
        return State.UNKNOWN, f"Not decided by the logs of {issuer}: the log of its key's uses decides."
    if trail.issued:
        first = trail.issued[0]
        words = f"{_sentence(clean(first.operation, 64))} {_at(first)}, for {_client(first.client_id)}"
        presented = _accused(trail, assertion=True)
        if presented:
            return State.TAINTED, f"{words}, on {_relative(presented[0])}{_more(len(presented))}."
        return State.FOUND, f"{words}."
    if reason is Reason.FORGED_ANCESTOR:
        return State.UNKNOWN, "No sign-in of its own: it was exchanged for another token."
    return State.UNKNOWN, f"Cannot be told: {reason.brief if reason else 'no reason recorded'}."


def _exchange(trail: Trail) -> tuple[State, str]:
    bad = _accused(trail, assertion=False)
    if bad:
        return State.TAINTED, f"Obtained with {_relative(bad[0])}{_more(len(bad))}."
    if trail.exchanged:
        first = trail.exchanged[0]
        with_what = f", with {_relative(trail.parents[0])}" if trail.parents else ", with a token that is not named"
        return State.FOUND, f"Exchanged ({clean(first.operation, 64)}), {_at(first)}{with_what}."
    return State.NONE, "No exchange is in evidence: used as it was."


def _accused(trail: Trail, *, assertion: bool) -> list[Relative]:
    """Return the accused tokens, or assertions, that it was obtained with."""
    parents = [parent for parent in trail.parents if (parent.derived == "assertion") is assertion]
    return [parent for parent in parents if parent.verdict in ACCUSING]


def _acceptance(trail: Trail) -> tuple[State, str]:
    times = some(trail.accepted_records, "time")
    when = span(trail.first_seen, trail.last_seen)
    origin = f" from {clean(trail.ip, 64)}" if trail.ip else ""
    words = f"Accepted {times}, {when}, first{origin} through {_client(trail.client_id)}."
    if _reason(trail) is Reason.CONSUMER_REALM:
        return State.DISAGREES, f"{words} {_sentence(Reason.CONSUMER_REALM.meaning)}"
    return State.FOUND, words


def _reached(trail: Trail) -> tuple[State, str]:
    if trail.derived == "assertion":
        used = [child for child in trail.children if child.verdict is not None]
        if used:
            return State.FOUND, f"Got {_relative(used[0])}{_more(len(used))}, which was used."
        return State.UNKNOWN, "A sign-in; no use of what it issued is in evidence."
    if not trail.reached:
        return State.UNKNOWN, "The records do not name what it reached."
    parts = []
    for reach in trail.reached[:3]:
        items = f"{some(reach.items, 'item')} in " if reach.items else ""
        parts.append(f"{items}{clean(reach.kind, 24) or 'object'} {clean(reach.name or '(unnamed)', MAX_NAME)}")
    left = len(trail.reached) - len(parts)
    return State.FOUND, "; ".join(parts) + (f"; and {number(left)} more or above" if left else "")


def _reason(trail: Trail) -> Reason | None:
    return Reason(trail.reason) if trail.reason in set(Reason) else None


def _at(record: Record) -> str:
    return f"{minute(record.event_time)} UTC" if record.event_time else "a time that the record does not tell"


def _client(client_id: str | None) -> str:
    if not client_id:
        return "an unnamed application"
    known = client_name(client_id)
    return brief(f"{known} ({clean(client_id, 48)})" if known else f"application {clean(client_id, 48)}")


def _relative(relative: Relative) -> str:
    what = brief(f"token {clean(relative.token_id, 48)}") if relative.token_id else "an assertion"
    said = "" if relative.verdict in (None, Verdict.MINTED) else f" ({relative.verdict})"
    return f"{what}{said}"


def _more(count: int) -> str:
    return f" and {number(count - 1)} more" if count > 1 else ""


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + ("" if words.endswith(".") else ".")
