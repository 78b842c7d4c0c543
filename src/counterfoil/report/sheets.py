"""Sheets for those whose mail was read: a page for each mailbox, to hand to its owner; nobody else is named in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from counterfoil.model.blast import Message
from counterfoil.model.cover import Cover
from counterfoil.model.dossier import Mailbox
from counterfoil.model.hunt import HuntReport
from counterfoil.model.picture import MailDay
from counterfoil.model.story import Story
from counterfoil.model.verdict import FindingVerdict
from counterfoil.report import html
from counterfoil.report._incident import why_more
from counterfoil.report.words import number, series, some, span


@dataclass(frozen=True)
class Sheet:
    """What one intruder read in one mailbox. `messages`: those that are listed, of `box.seen`."""

    box: Mailbox
    sentences: tuple[str, ...]
    days: tuple[MailDay, ...]
    messages: tuple[Message, ...]
    cover: Cover
    version: str


def sheets(report: HuntReport) -> Iterator[tuple[str, str]]:
    """Yield, for each mailbox of each intrusion that a detailed report tells, the mailbox's name and its page."""
    for story in report.stories:
        for box in story.whole.mail.mailboxes:
            sheet = Sheet(
                box, tuple(_sentences(story, box)),
                tuple(day for day in story.picture.mail if day.mailbox == box.mailbox),
                tuple(each for each in story.whole.messages if each.mailbox == box.mailbox),
                report.cover, report.version,
            )
            yield box.mailbox, html.rendered("sheet.html", mark=report.cover.tlp, sheet=sheet)


def _sentences(story: Story, box: Mailbox) -> Iterator[str]:
    """Yield what the owner has to know: what, when, how certain, what is unknown."""
    sure = story.intrusion.claim is not FindingVerdict.PROBABLY_FORGED
    what = "forged sign-in tokens" if sure else "sign-in tokens that are probably forged"
    yield f"Somebody read mail in this mailbox with {what}, {span(box.first_seen, box.last_seen)}."
    ways = [words for count, words in (
        (box.binds, f"{some(box.binds, 'record')} of messages opened one by one"),
        (box.syncs, f"{number(box.syncs)} of folders copied as a whole"),
        (box.untold, f"{number(box.untold)} that do not say how"),
    ) if count]
    limit = "" if box.at_most in (None, box.at_least) else f", and {number(box.at_most or 0)} at most"
    yield f"Messages read: {number(box.at_least)} at least{limit} ({series(ways) or 'by attachments'})."
    if box.at_most is None:
        yield f"How many more were read is unknown: {why_more(box.unbounded)}."
    if box.attachments:
        yield f"{some(box.attachments, 'attachment was', 'attachments were')} opened."
    records = some(box.records, "record")
    yield f"How certain: {story.intrusion.confidence} confidence, from {records} of the mail service."
    yield "No password was needed for that: a new password alone does not stop it."
    left = box.seen - sum(each.mailbox == box.mailbox for each in story.whole.messages)
    if left > 0:
        yield f"{number(left)} more messages than the list below holds are named in the records."
