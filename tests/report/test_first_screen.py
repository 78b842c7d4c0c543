"""The first screen and the sheets: what who decides, and who was hit, has to know, from a real case."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from cli.run import run
from counterfoil import app
from counterfoil.config import HuntSettings
from counterfoil.model.cover import Tlp
from counterfoil.model.dossier import JudgedDay, LogDay
from counterfoil.model.hunt import Done, HuntReport
from counterfoil.report import registry
from counterfoil.report._answer import answer
from counterfoil.report._axis import MAX_COLUMNS, axis
from counterfoil.report._incident import people

from .conftest import Case
from .sample import BEGIN, DOSSIER, END, REPORT


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        self.parts.append(data)


def text(page: str) -> str:
    """Return the text of a page with single blanks."""
    parsed = _Text()
    parsed.feed(page)
    return " ".join(" ".join(parsed.parts).split())


@pytest.fixture(scope="module")
def told(storm: Case) -> HuntReport:
    """Return the detailed report of the storm."""
    return app.detailed(app.report(HuntSettings(case=storm.case)), storm.case)


def test_it_says_who_what_since_when_how_sure_and_what_next(told: HuntReport) -> None:
    """Each victim is named, with the service, first and last use, the confidence, the unknown and a first step."""
    given = answer(told)
    entry = told.stories[0].intrusion
    cards = {card.title: " ".join(card.sentences) for card in given.cards}
    assert f"mail of {len(people(told.stories))} people with forged sign-in tokens" in given.headline
    assert all(name in cards["Who was hit"] for name in entry.subjects)
    assert f"{told.stories[0].whole.mail.at_least:,} messages at least" in cards["What was reached"]
    assert f"First seen {entry.first_seen:%Y-%m-%d %H:%M} UTC" in cards["Since when"]
    assert "It may still go on" in cards["Since when"]
    assert cards["How sure"].startswith("High confidence")
    assert "no log of a key store" in cards["What is unknown"]
    assert given.first


def test_turning_points_are_numbered_in_time(told: HuntReport) -> None:
    """First token, renewal, mail and last act are told in their order; those of one record are one line."""
    incident = answer(told).incident
    assert incident is not None
    assert [each.number for each in incident.moments] == list(range(1, len(incident.moments) + 1))
    assert [each.time for each in incident.moments] == sorted(each.time for each in incident.moments)
    words = "; ".join(each.words for each in incident.moments)
    for point in ("first token that nobody issued", "first renewal", "first mail is read", "last of his acts"):
        assert words.count(point) == 1
    assert incident.moments[-1].time == told.stories[0].intrusion.last_seen


def test_a_block_that_did_not_hold_is_told(told: HuntReport) -> None:
    """The journal's block ends the timeline; uses after it are said, and none are."""
    last = told.stories[0].intrusion.last_seen
    for hours, words in ((1, "nothing later is in evidence"), (-1, "used after that")):
        blocked = replace(told, response=(Done(last + timedelta(hours=hours), "block"),))
        (when,) = [card for card in answer(blocked).cards if card.title == "Since when"]
        assert words in " ".join(when.sentences)
        incident = answer(blocked).incident
        assert incident is not None
        assert "the key is blocked" in {each.words for each in incident.moments}


def test_mail_by_day_adds_up(told: HuntReport) -> None:
    """The map of mailboxes and days holds every record of mail access that the numbers count."""
    for story in told.stories:
        for box in story.whole.mail.mailboxes:
            days = [day for day in story.picture.mail if day.mailbox == box.mailbox]
            assert sum(day.records for day in days) == box.records
            assert any(day.synced for day in days) == (box.syncs > 0)


def test_every_token_has_its_place_in_the_lineage(told: HuntReport) -> None:
    """Each token of the intrusion is drawn once; the forged ones have no parent, what was obtained is told as such."""
    for story in told.stories:
        keys = [each.token_key for each in story.picture.kin]
        assert len(keys) == len(set(keys)) == story.intrusion.tokens
        for each in story.picture.kin:
            assert (each.verdict == "forged") == (not each.parents and not each.unrooted)


def test_a_cover_says_whose_it_is(capsys: pytest.CaptureFixture[str], storm: Case) -> None:
    """Title, organisation, author, date and label stand on the page, in text and JSON; csv has no place for them."""
    options = ("--title", "On <b>tokens</b>", "--organisation", "Contoso CERT", "--author", "R. Noll",
               "--date", "2026-05-12", "--tlp", "amber+strict", "--fail-on", "none")
    page = run(capsys, "report", "--case", storm.case, *options, "--format", "html").out
    for words in ("TLP:AMBER+STRICT", "On <b>tokens</b>", "Contoso CERT · R. Noll · 2026-05-12"):
        assert words in text(page)
    assert '@top-right{content:"TLP:AMBER+STRICT"' in page
    assert run(capsys, "report", "--case", storm.case, *options).out.startswith("TLP:AMBER+STRICT · On <b>tokens</b>")
    assert '"tlp": "TLP:AMBER+STRICT"' in run(capsys, "report", "--case", storm.case, *options, "--format", "json").out
    refused = run(capsys, "report", "--case", storm.case, *options, "--format", "csv")
    assert (refused.code, "has no cover" in refused.err) == (2, True)


def test_a_label_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str], storm: Case) -> None:
    """A TLP label is one of five; the nearest is named."""
    ran = run(capsys, "report", "--case", storm.case, "--tlp", "ambr")
    assert ran.code == 2
    assert "did you mean amber?" in ran.err
    assert {str(label) for label in Tlp} == {
        "TLP:RED", "TLP:AMBER+STRICT", "TLP:AMBER", "TLP:GREEN", "TLP:CLEAR"}


def test_a_sheet_names_its_owner_and_nobody_else(
    capsys: pytest.CaptureFixture[str], storm: Case, told: HuntReport, tmp_path: Path
) -> None:
    """Each mailbox has a page with what, when and how certain; other victims are not on it."""
    ran = run(capsys, "report", "--case", storm.case, "--sheets", tmp_path / "sheets", "--fail-on", "none")
    boxes = told.stories[0].whole.mail.mailboxes
    assert ran.code == 0, ran.err
    pages = {path.name: path.read_text() for path in sorted((tmp_path / "sheets").iterdir())}
    assert len(pages) == len(boxes) > 1
    for page, box in zip(pages.values(), boxes, strict=True):
        said = text(page)
        assert f"What was read in the mailbox {box.mailbox}" in said
        assert f"Messages read: {box.at_least:,} at least" in said
        assert "high confidence" in said
        assert [other.mailbox for other in boxes if other is not box and other.mailbox in page] == []
    assert "holds files already" in run(capsys, "report", "--case", storm.case, "--sheets", tmp_path / "sheets").err


def test_time_fits_what_was_found_and_names_what_is_years_away() -> None:
    """One old record does not stretch the axis: it is told in words, with its year."""
    old = date(2019, 3, 2)
    logs = (*DOSSIER.logs, LogDay("entra-signin", "interactive", True, old, 4))
    judged = (*DOSSIER.judged, JudgedDay("m365-ual", END.date(), "forged", 900))
    report = replace(REPORT, first_event=BEGIN.replace(year=2019, month=3, day=2),
                     dossier=replace(DOSSIER, logs=logs, judged=judged))
    over = axis(report)
    assert len(over.days) <= MAX_COLUMNS
    assert over.days[0] >= BEGIN.date() - timedelta(days=7)
    assert over.left == "Not drawn: 4 records before, from 2019-03-02 on."
    assert over.left in text(registry.render(report, "html"))


def test_axes_name_years(told: HuntReport) -> None:
    """Every time that a drawing names has its year."""
    page = registry.render(told, "html")
    named = re.findall(r'<text class="d-words"[^>]*>([^<]*-[^<]*)</text>', page)
    assert named
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d( \d\d:\d\d)?", name) for name in named)
