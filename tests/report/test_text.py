"""The report on a terminal: everything that a responder needs on one screen, and numbers that add up."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from counterfoil.model.coverage import Needed, Offer
from counterfoil.model.finding import MAX_LISTED, Use
from counterfoil.model.hunt import HuntReport, SilentCalls, VerdictCount
from counterfoil.model.reason import Reason
from counterfoil.model.verdict import FindingVerdict, Verdict
from counterfoil.report import text
from counterfoil.report.screen import Screen

from .sample import REPORT, TENANT, VERDICTS, at, coverage, finding, unread

EMPTY = HuntReport("0.1.0", "case", None, None, (), (), (), None, None, (), (), ())


def shown(report: HuntReport = REPORT, **screen: object) -> str:
    """Return the report as text; the screen has a width of 100 unless told."""
    return text.render(report, Screen(**screen))  # type: ignore[arg-type]  # a screen's own fields


def numbers(line: str) -> list[int]:
    """Return the numbers of a line."""
    return [int(number.replace(",", "")) for number in re.findall(r"(?<![\w.-])\d[\d,]*(?![\w-])", line)]


def section(page: str, title: str) -> list[str]:
    """Return the lines of one section."""
    (found,) = (part for part in page.split("\n\n") if part.startswith(title))
    return found.splitlines()


def test_everything_fits_one_screen() -> None:
    """A report with every kind of trouble takes 52 lines at 100 columns, and only commands are longer than a line."""
    lines = shown().splitlines()
    assert len(lines) <= 52
    assert all(len(line) <= 100 or "counterfoil sql" in line for line in lines)


def test_sections_come_in_the_order_of_a_readers_questions() -> None:
    """First the answer, then what was read, what can be judged, what was found, what to do."""
    page = shown()
    places = [page.index(word) for word in ("12,856 accepted", "\nREAD", "\nCAN BE JUDGED", "\nFOUND", "\nNEXT")]
    assert places == sorted(places)


def test_records_read_are_accounted_for() -> None:
    """In every row of sources, and in their sum, read = kept + duplicates + rejected."""
    rows = [numbers(line) for line in section(shown(), "READ") if re.match(r"  (entra-|m365-|all )", line)]
    assert len(rows) == 4
    assert all(read == kept + duplicates + rejected for _, read, kept, duplicates, rejected in rows)
    assert rows[-1] == [sum(column) for column in zip(*rows[:-1], strict=True)]


def test_verdicts_add_up() -> None:
    """Tokens and acceptances of all verdicts and reasons sum to the totals shown below them."""
    lines = section(shown(), "CAN BE JUDGED")
    start = next(n for n, line in enumerate(lines) if line.startswith("  verdict"))
    end = next(n for n, line in enumerate(lines) if line.startswith("  all "))
    rows = [numbers(line)[:2] for line in lines[start + 1 : end + 1]]
    assert rows[-1] == [sum(column) for column in zip(*rows[:-1], strict=True)]
    assert rows[-1] == [12_856, 65_613]


def test_unread_files_are_named_with_reason_and_nearest_shape() -> None:
    """A file that was not read is named with what is wrong and which shape it comes closest to."""
    page = shown()
    assert "not read: logs/mailbox.pst: no record is a JSON object\n" in page
    assert "logs/signins-old.csv: column Request ID missing (nearest shape: entra-signin-portal-csv)" in page


def test_many_unread_files_are_counted_not_listed() -> None:
    """What does not fit is counted, and the format that names it all is named."""
    page = shown(replace(REPORT, inputs=REPORT.inputs + tuple(unread(f"{n}.bin", "?") for n in range(5_000))))
    assert "4,998 more files (--format json names all)" in page
    assert len(page.splitlines()) < 56


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("interactive", "complete 2026-05-04 07:12 to 2026-06-17 17:48"),
        ("non-interactive", "except 05-20 03:05 to 05-21 09:40"),
        ("service-principal", "declared, but refused: the export stops at its row cap (5,000)"),
        ("managed-identity", "not declared complete: absence proves nothing"),
    ],
)
def test_coverage_is_told_in_words(kind: str, words: str) -> None:
    """Each part of a log says whether absence there convicts, and why not."""
    joined = " ".join(shown().split())
    line = joined[joined.index(f"entra-signin/{kind}") :]
    assert words in line[:200]


def test_what_nobody_declared_between_two_declarations_is_told() -> None:
    """Two declared stretches never look like one: what lies between is named."""
    first = coverage("interactive", "accepted", 9, end=at("2026-05-10"))
    second = coverage("interactive", "accepted", 9, start=at("2026-05-20"))
    page = " ".join(shown(replace(REPORT, coverage=(first, second))).split())
    assert "complete 2026-05-04 07:12 to 2026-06-17 17:48, except 05-10 to 05-20" in page


def test_a_refuted_log_is_never_called_complete_alone() -> None:
    """A declaration that measurement refuted says so, with the reason."""
    refuted = coverage("interactive", "refuted", 9, "ordinary use of 3 people is missing")
    page = shown(replace(REPORT, coverage=(refuted,)))
    assert "declared, but refuted: ordinary use of 3 people is missing" in page
    assert "complete 2026" not in page


def test_without_issuance_the_report_says_that_nothing_can_convict() -> None:
    """No record of issuance at all is said in words, not shown as an empty table."""
    assert "no token can be convicted by absence" in shown(replace(REPORT, coverage=()))


NOTHING = replace(REPORT, findings=(), verdicts=(VERDICTS[0], *VERDICTS[3:]))


def test_nothing_found_says_among_how_many() -> None:
    """Nothing is found among what could be judged: the share is said, how much is open, and why it is no all-clear."""
    page = " ".join(shown(NOTHING).split())
    assert "FOUND nothing among the 86 % of the tokens that could be judged" in page
    assert "1,792 of 12,812 tokens left open (at most 10 % for an all-clear)" in page
    assert "no all-clear: 1,792 of 12,812 tokens left open" in page
    assert "no all-clear" not in shown(replace(NOTHING, verdicts=VERDICTS[:1]))


def test_missing_logs_are_named() -> None:
    """Tokens that wait for a log of which nothing is in evidence name it; the others are not declared."""
    lacking = VerdictCount(Verdict.UNCOVERED, Reason.NOT_DECLARED, 5, 9, ("entra-signin/interactive",))
    page = shown(replace(NOTHING, verdicts=(*NOTHING.verdicts, lacking)))
    assert "sign-in logs missing: interactive\n" in page
    assert "its issuer's log is there, but not declared complete\n" in page


def test_calls_that_leave_no_record_are_shown_with_client_networks_and_counts() -> None:
    """What is silent is counted apart and shown, and so is what may have been issued before the log begins."""
    calls = SilentCalls("00000002-0000-0ff1-ce00-000000000000", "exchange-item", 77, 9, ("40.101.2",), 3)
    page = " ".join(shown(replace(NOTHING, silent=(calls,), no_record=77, before_log=5), width=160).split())
    assert "77 tokens of calls known to leave no record at their issuer, counted apart" in page
    assert "5 tokens that may have been issued before the log begins, counted apart" in page
    assert "(00000002-0000-0ff1-ce00-000000000000), exchange-item: 77 tokens of 9 subjects, from 40.101.2" in page


def test_a_set_of_which_some_are_forged_is_in_the_headline() -> None:
    """The first sentence never says that none is forged above a finding that at least three of ten are."""
    some = finding(rule="count-only", title="at least 3 of 10 federated sign-ins used a forged assertion", at_least=3)
    page = shown(replace(NOTHING, findings=(some,)))
    assert "tokens: at least 3 forged, which ones cannot be told" in page
    assert "none shown to be forged" in shown(NOTHING)
    altered = finding(FindingVerdict.CONTRADICTED, rule="ledger-rewritten", token_count=0)
    assert "none shown" not in shown(replace(NOTHING, findings=(altered,)))


def test_findings_say_verdict_title_when_who_whence_and_how_many() -> None:
    """A finding of three lines answers the first questions of a responder."""
    found = "\n".join(section(shown(), "FOUND"))
    for words in (
        "forged  41 forged tokens read 12 mailboxes through app 5a95c0de… from 9 addresses",
        "2026-05-15 00:11 to 2026-06-16 08:55 UTC · 41 tokens, 380 acceptances · critical",
        "person0@contoso.com (+11)",
        "from 203.0.113.1 (+8)",
        "5a95c0de-1111-4222-8333-444455556666",
    ):
        assert words in found


def test_uses_come_with_their_times_and_what_is_new() -> None:
    """The first uses of a finding stand below it; of more than a screen holds the command that tells them is named."""
    use = Use(at("2026-05-15T00:11"), "ada@contoso.com", "203.0.113.1", None, "t", ("client", "network"))
    found = "\n".join(section(shown(replace(REPORT, findings=(finding(uses=(use,) * 10),))), "FOUND"))
    assert found.count("2026-05-15 00:11 ada@contoso.com from 203.0.113.1 (new: client, network)") == 3
    assert "and 38 more: counterfoil explain f-1" in found
    assert "because: Every sign-in of that time is in evidence" in found


def test_cut_lists_do_not_pretend_to_be_whole() -> None:
    """Where a list was cut before it reached the report, the count beside it is a lower bound."""
    many = finding(subjects=tuple(f"p{n}" for n in range(MAX_LISTED)))
    assert f"(+{MAX_LISTED - 3} or more)" in shown(replace(REPORT, findings=(many,)), width=160)


def test_suspicions_never_push_findings_off_the_screen() -> None:
    """Hundreds of suspicions and findings take a bounded number of lines, and the rest is counted."""
    crowd = tuple(finding() for _ in range(100)) + tuple(finding(FindingVerdict.SUSPICION) for _ in range(100))
    found = section(shown(replace(REPORT, findings=crowd)), "FOUND")
    assert "100 findings and 100 suspicions" in found[0]
    assert "190 more" in found[-1]
    assert len(found) < 30


def test_accused_tokens_come_with_the_command_that_lists_them() -> None:
    """The next steps hold commands that can be copied: one line each, with the case's own name."""
    (command,) = (line for line in shown(width=80).splitlines() if "counterfoil sql" in line)
    assert command.strip() == (
        'counterfoil sql counterfoil-case "SELECT coalesce(subject_name, subject) AS who, ip, client_id, token_id,'
        " reason FROM tokens WHERE verdict IN ('forged', 'tainted')\""
    )


def test_commands_quote_what_a_shell_would_run() -> None:
    """A case whose name holds shell characters is quoted in every command."""
    page = shown(replace(REPORT, case="a b; rm -rf $HOME"))
    assert "counterfoil sql 'a b; rm -rf $HOME' " in page


OFFER = Offer("entra-signin", "managed-identity", (TENANT,))
BARE = TENANT.removeprefix("entra:")


def test_only_what_would_be_accepted_is_offered_for_declaration() -> None:
    """The step that asks for a declaration names what is offered, whose it is, and nothing else."""
    page = shown(replace(REPORT, offers=(OFFER,), options_given=False))
    assert "counterfoil reconcile --case counterfoil-case --complete entra-signin/managed-identity\n" in page
    assert f"if these logs of tenant {BARE}" in " ".join(page.split())
    assert "--complete" not in shown(replace(REPORT, offers=()))


def test_a_declaration_is_added_to_those_that_were_given() -> None:
    """Where something was declared already, the step says to add: a bare command would forget the rest."""
    page = " ".join(shown(replace(REPORT, offers=(OFFER,), options_given=True)).split())
    assert "if so, add to your options" in page
    assert "counterfoil reconcile" not in page


def test_what_needs_a_time_of_export_is_not_proposed_without_it() -> None:
    """A log that is shorter than records may be late is named together with the option without which it is refused."""
    page = " ".join(shown(replace(REPORT, options_given=False, offers=(replace(OFFER, dated=True),))).split())
    assert f"if these logs of tenant {BARE} are complete for their time, and you know when they were exported" in page
    assert "reconcile --case counterfoil-case --exported-at DATE --complete entra-signin/managed-identity " in page


def test_missing_logs_are_asked_for_by_tenant() -> None:
    """The step names the tenant and the kinds that its open tokens wait for."""
    needed = Needed(TENANT, "application", 5, ("entra-signin/service-principal",), ())
    page = " ".join(shown(replace(REPORT, needed=(needed,))).split())
    assert f"Export what is missing of the logs of tenant {BARE} (service-principal): 5 tokens may be of it." in page


def test_nobody_names_an_issuer_for_the_user() -> None:
    """Who issues for a domain is asked; no issuer is filled in, also where the log of one is in evidence."""
    farm = replace(coverage("fs01", "accepted", 9), source="adfs", issuer="adfs:corp.example")
    page = " ".join(shown(replace(REPORT, coverage=(farm,), unnamed_domains=("fabrikam.com",))).split())
    assert "Find out who issues them, and name that issuer with --federated DOMAIN=ISSUER" in page
    assert "=adfs:" not in page


def test_ingest_alone_shows_what_was_read_and_how_to_go_on() -> None:
    """A report without judgement has no empty tables and names the command that judges."""
    page = shown(replace(EMPTY, inputs=REPORT.inputs))
    assert "Read, not judged yet." in page
    assert "counterfoil reconcile --case case" in page
    assert "CAN BE JUDGED" not in page


def test_no_acceptance_is_said() -> None:
    """Logs of issuance alone leave nothing to judge, and the report says so."""
    assert "No acceptance is in evidence." in shown(replace(EMPTY, legs=(("issuance", 9),)))


def test_colour_only_where_asked() -> None:
    """Without a colour terminal the text holds no escape; with one it does, and the words are the same."""
    plain, coloured = shown(), shown(colour=True)
    assert "\x1b" not in plain
    assert "\x1b[" in coloured
    stripped = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in stripped.splitlines()] == plain.splitlines()


@pytest.mark.parametrize("width", [1, 80, 100, 132, 100_000])
def test_any_width_keeps_every_number_whole(width: int) -> None:
    """Numbers are never cut or wrapped, however narrow or wide the terminal."""
    page = shown(width=width)
    assert all(number in page for number in ("182,457", "266,637", "61,200", "12,856", "65,613", "120,250"))
