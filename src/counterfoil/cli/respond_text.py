"""What `respond` prints about keys: text for people, JSON documents with their schema for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from counterfoil.cli.keys_text import document
from counterfoil.report.clean import clean
from counterfoil.tokens.rules import when

if TYPE_CHECKING:
    from counterfoil.model.receipt import Receipt
    from counterfoil.respond.preflight import Objection
    from counterfoil.respond.rehearse import Outcome
    from counterfoil.respond.rotate import Step
    from counterfoil.tokens.blocklist import BlockList

MAX_TEXT = 1_000
_DID = {
    "prepare": "prepared and published the next version", "promote": "let it sign from now on",
    "retire": "took it out of the published key set", "nothing": "nothing to do",
    "wait": "published, and not known to everybody yet", "drain": "its last tokens have not expired yet",
    "refuse": "not promoted: good tokens would be refused",
}


def steps(done: Sequence[Step], form: str) -> str:
    """Return the steps of a rotation that were taken, the last of each key being what is waited for."""
    if form == "json":
        rows = [
            {"key": step.key, "act": str(step.act), "kid": step.kid, "until": _time(step.until),
             "against": [{"party": told.party, "why": told.why, "until": _time(told.until)} for told in step.against]}
            for step in done
        ]
        return document("rotation", steps=rows)
    return "".join(line for step in done for line in _lines(step))


def _lines(step: Step) -> Iterator[str]:
    until = f"; run this again after {_time(step.until)}" if step.until is not None else ""
    kid = f" {step.kid}" if step.kid else ""
    yield clean(f"{step.key}: {step.act}{kid}: {_DID[step.act]}{until}", MAX_TEXT) + "\n"
    for told in step.against:
        yield clean(f"  refused by {told}", MAX_TEXT) + "\n"


def objections(found: Sequence[Objection], form: str) -> str:
    """Return who would refuse a next key's tokens."""
    if form == "json":
        rows = [{"party": told.party, "why": told.why, "until": _time(told.until)} for told in found]
        return document("preflight", against=rows)
    return "".join(clean(f"refused by {told}", MAX_TEXT) + "\n" for told in found) or "nobody would refuse its tokens\n"


def outcome(found: Outcome, form: str) -> str:
    """Return what a rehearsal came to."""
    if form == "json":
        latest = {kind: None if late == float("inf") else round(late) for kind, late in found.latest.items()}
        return document(
            "rehearsal", parties=found.parties, good=found.good, refused=dict(found.refused), who=list(found.who),
            still_accepts_seconds=latest,
        )
    lines = [f"{found.parties} relying parties, {found.good} good tokens"]
    lines += [f"refused: {count} good tokens where a party {kind}" for kind, count in found.refused.items()]
    if found.who:
        more = f" and {len(found.who) - 10} more" if len(found.who) > 10 else ""
        lines.append(f"by {', '.join(found.who[:10])}{more}")
    else:
        lines.append("refused: none")
    for kind, late in sorted(found.latest.items()):
        told = "for ever" if late == float("inf") else f"up to {max(0, round(late))} seconds"
        lines.append(f"the retired key is still accepted {told} where a party {kind}")
    return "".join(f"{line}\n" for line in lines)


def blocklist(found: BlockList, form: str) -> str:
    """Return what a block list says."""
    import msgspec

    if form == "json":
        rows = [msgspec.to_builtins(each) for each in found.blocked]
        return document("block-list", number=found.number, until=when(found.until), issuer=found.issuer, blocked=rows)
    lines = [f"block list {found.number} of {found.issuer}, holds until {when(found.until)}"]
    for each in found.blocked:
        spared = f", but for tokens proven older than {when(each.cut_off)}" if each.cut_off is not None else ""
        lines.append(f"  {each.thumbprint}  since {when(each.since)}: {each.reason}{spared}")
    return "".join(clean(line, MAX_TEXT) + "\n" for line in lines)


def receipts(raw: bytes) -> Iterator[Receipt]:
    """Yield the receipts of a file of lines; other lines are passed over."""
    import msgspec

    from counterfoil.model.receipt import Receipt

    decoder = msgspec.json.Decoder(Receipt)
    for line in raw.splitlines():
        try:
            yield decoder.decode(line)
        except (msgspec.MsgspecError, RecursionError):
            continue


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"
