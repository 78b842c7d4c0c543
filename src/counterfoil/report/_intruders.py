"""Intrusions in a few words, one way for every report."""

from __future__ import annotations

from counterfoil.model.hunt import HuntReport
from counterfoil.model.intrusion import Intrusion, Sort
from counterfoil.report.words import listed, some, span


def intruders(report: HuntReport) -> tuple[Intrusion, ...]:
    """Return those intrusions of a report that are taken for intruders, the gravest first."""
    return tuple(entry for entry in report.intrusions if entry.sort is Sort.INTRUSION)


def intruder_words(entry: Intrusion) -> str:
    """Return who was hit, since when, how many mailboxes, from where, and what is beside the findings."""
    who = f"{listed(entry.subjects, 1, 40)}, " if entry.subjects else ""
    boxes = f"{some(entry.mailbox_count, 'mailbox', 'mailboxes')}, " if entry.mailbox_count else ""
    beside = f", {some(entry.beside, 'record')} in no finding" if entry.beside else ""
    return (f"{who}{boxes}{span(entry.first_seen, entry.last_seen)}, {some(entry.tokens, 'token')}"
            f" from {some(entry.ip_count, 'address', 'addresses')}{beside}")
