"""The HTML page: whatever logs hold, it stays the page that was meant, complete in itself, and true."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.model.hunt import HuntReport
from counterfoil.model.reason import Reason
from counterfoil.model.verdict import Verdict
from counterfoil.report import registry
from counterfoil.report._answer import State, answer
from counterfoil.report.words import percent

from .corpus import ATTACKS, hostile
from .sample import DOSSIER, REPORT, finding, trail

FULL = replace(REPORT, dossier=DOSSIER)
PLAIN = "value"


class Outline(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the tag."""
        self.tags.append((tag, tuple(attrs)))

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        self.text.append(data)


def outline(page: str) -> Outline:
    """Return the outline of a page."""
    parsed = Outline()
    parsed.feed(page)
    parsed.close()
    return parsed


def shape(page: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return the tags of a page with the names of their attributes; soft breaks in paths do not count."""
    return [(tag, tuple(name for name, _ in attrs)) for tag, attrs in outline(page).tags if tag != "wbr"]


@cache
def attacked(value: str) -> str:
    """Return the page of the hostile report."""
    return registry.render(hostile(value), "html")


@pytest.mark.parametrize("value", ATTACKS.values(), ids=ATTACKS.keys())
def test_the_elements_of_the_page_do_not_depend_on_what_logs_hold(value: str) -> None:
    """A hostile value gives exactly the elements and attributes that a harmless one gives."""
    assert shape(attacked(value)) == shape(attacked(PLAIN))


@given(st.text(max_size=60))
@settings(max_examples=15, deadline=None)
def test_no_text_at_all_changes_the_elements(value: str) -> None:
    """The same for any text that is not blank: a blank one leaves out what it would have said."""
    meant = f"x{value}x"
    assert shape(registry.table("html", [meant], [[meant]])) == shape(registry.table("html", [PLAIN], [[PLAIN]]))


@pytest.mark.parametrize("value", ATTACKS.values(), ids=ATTACKS.keys())
def test_nothing_of_a_log_is_an_address_a_style_or_an_event(value: str) -> None:
    """Links lead within the page; no element loads anything; there is no script, style attribute or event handler."""
    for tag, attrs in outline(attacked(value)).tags:
        assert tag not in {"script", "iframe", "object", "embed", "link", "base", "form", "img", "image", "use"}
        for name, given_ in attrs:
            assert not name.startswith("on")
            assert name not in {"style", "src", "srcset", "action", "formaction", "data", "xlink:href", "background"}
            if name == "href":
                assert re.fullmatch(r"#[a-z-]+", given_ or "")


@pytest.mark.parametrize("value", ATTACKS.values(), ids=ATTACKS.keys())
def test_the_page_is_ascii_bounded_and_visible(value: str) -> None:
    """No control or direction character survives, as itself or as a reference, and a megabyte takes a line."""
    page = attacked(value)
    assert page.isascii()
    assert len(page) < 1_000_000
    assert all(char.isprintable() or char == "\n" for text in outline(page).text for char in text)


def test_rows_of_a_query_are_a_page_of_their_own() -> None:
    """`counterfoil sql --format html` gives the same safe kind of page."""
    page = registry.table("html", ["<b>"], [["<i>", None, ["<u>"]]])
    assert "&lt;b&gt;" in page
    assert not {"b", "i", "u"} & {tag for tag, _ in outline(page).tags}


def test_the_policy_allows_the_style_sheet_and_nothing_else() -> None:
    """The page forbids itself scripts, requests and forms; the hash is that of the style sheet in it."""
    import base64
    import hashlib

    page = registry.render(FULL, "html")
    (policy,) = [
        dict(attrs)["content"] for tag, attrs in outline(page).tags
        if tag == "meta" and dict(attrs).get("http-equiv") == "Content-Security-Policy"
    ]
    style = page.split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def without_findings(**changes: object) -> HuntReport:
    """Return a report in which nothing is found."""
    innocent = tuple(row for row in REPORT.verdicts if row.verdict not in {Verdict.FORGED, Verdict.TAINTED})
    quiet = replace(DOSSIER, trails=(), intruders=(), reach=(), mail=(), hours=())
    fields: dict[str, object] = {"verdicts": innocent, "findings": (), "dossier": quiet}
    return replace(REPORT, **(fields | changes))  # type: ignore[arg-type]


MOSTLY = tuple(row for row in REPORT.verdicts if row.verdict in {Verdict.MINTED, Verdict.UNLINKABLE})
BLIND = without_findings(verdicts=tuple(row for row in REPORT.verdicts if row.verdict is Verdict.UNCOVERED))


@pytest.mark.parametrize(
    ("report", "state", "said"),
    [
        (FULL, State.ACCUSED, "cannot be genuine: 41 forged and 3 tainted"),
        (without_findings(verdicts=MOSTLY), State.CLEAR, "What could not be judged is not cleared"),
        (without_findings(), State.BLIND, "no all-clear: 1,792 of 12,812 tokens left open"),
        (BLIND, State.BLIND, "no all-clear: no acceptance could be judged"),
        (without_findings(findings=REPORT.findings[2:]), State.SUSPICIOUS, "some are suspicious"),
        (replace(REPORT, legs=(), verdicts=(), coverage=(), findings=()), State.UNJUDGED, "nothing is judged yet"),
    ],
    ids=["accused", "nothing found", "too much open", "nothing could be judged", "suspicions only", "read only"],
)
def test_the_first_screen_says_which_answer_it_is(report: HuntReport, state: State, said: str) -> None:
    """Each answer has its own words and its own look; none but a judged one reads like an all-clear."""
    page = registry.render(report, "html")
    assert answer(report).state is state
    assert f'class="headline {state}"' in page
    assert said in " ".join(outline(page).text)


def test_blindness_is_said_wherever_an_all_clear_would_stand() -> None:
    """With nothing judged, the page says so in its headline, under How sure, and among the findings."""
    text = " ".join(" ".join(outline(registry.render(BLIND, "html")).text).split())
    assert text.count("no all-clear") >= 2
    assert "Not at all." in text
    assert "No forged token" not in text


def test_counts_of_the_page_are_those_of_the_report() -> None:
    """Accused tokens, records read, and what the lists leave out are told in whole numbers."""
    text = " ".join(" ".join(outline(registry.render(FULL, "html")).text).split())
    assert "Findings: 44 accused tokens" in text
    read = sum(entry.read for entry in REPORT.inputs)
    assert f"{read:,} records read =" in text
    assert "39 more tokens" in text  # 41 in the finding, two trails in the dossier
    assert "19 more records" in text


def test_what_a_list_leaves_out_is_counted() -> None:
    """A page that cannot hold all logs, files or rejects says how many more there are."""
    kinds = tuple(replace(REPORT.coverage[0], kind=f"host{n}") for n in range(100))
    many = replace(FULL, coverage=kinds, inputs=REPORT.inputs * 50, rejects=REPORT.rejects * 50)
    text = " ".join(" ".join(outline(registry.render(many, "html")).text).split())
    for words in ("76 more rows are not drawn", "40 more parts", "100 more files", "40 more rows"):
        assert words in text


@pytest.mark.parametrize(
    ("reason", "verdict", "broken"),
    [
        (Reason.ID_NOT_ISSUED, Verdict.FORGED, "✕ Issuance"),
        (Reason.SUBJECT_DIFFERS, Verdict.CONTRADICTED, "≠ Issuance"),
        (Reason.CONSUMER_REALM, Verdict.CONTRADICTED, "≠ Acceptance"),
        (Reason.UNROOTED, Verdict.TAINTED, "✕ Issuance"),
    ],
)
def test_a_trail_shows_where_it_breaks(reason: Reason, verdict: Verdict, broken: str) -> None:
    """The link that is missing or disagrees is marked with a sign, not by colour alone."""
    mine = replace(DOSSIER, trails=(trail(reason=str(reason), verdict=verdict),))
    text = " ".join("".join(outline(registry.render(replace(REPORT, dossier=mine), "html")).text).split())
    assert broken.replace(" ", "") in text.replace(" ", "")


def test_commands_hold_no_text_of_a_log() -> None:
    """What an analyst copies into a shell never holds what an intruder wrote, but for ids in the form of a GUID."""
    value = "'; touch /tmp/x; echo '"
    report = replace(FULL, findings=(finding(clients=(value,), rule=value),))
    commands = [part.split("</pre>")[0] for part in registry.render(report, "html").split("<pre")[1:]]
    assert commands
    assert not any("touch" in command for command in commands)


def test_plots_hold_words_and_numbers_of_ours_only() -> None:
    """Nothing that a log wrote gets into an SVG."""
    page = attacked("Zq7")
    drawn: Sequence[str] = [part.split("</svg>")[0] for part in page.split("<svg")[1:]]
    assert drawn
    assert not any("Zq7" in svg for svg in drawn)


@pytest.mark.parametrize(
    ("part", "whole", "said"), [(0, 9, "0 %"), (1, 999, "under 1 %"), (998, 999, "99 %"), (9, 9, "100 %")]
)
def test_shares_are_never_rounded_to_all_or_nothing(part: int, whole: int, said: str) -> None:
    """100 % means all, 0 % means none."""
    assert percent(part, whole) == said
