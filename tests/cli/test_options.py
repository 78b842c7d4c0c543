"""What people type: every good form is understood, every bad one gets a clear line and a hint."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.cli import options
from counterfoil.errors import UsageError
from counterfoil.model.coverage import Declaration
from counterfoil.model.verdict import FAIL_ON_DEFAULT, FindingVerdict
from counterfoil.sources.registry import logs

at = datetime.fromisoformat

MOMENTS = [
    ("2026-05-12", "2026-05-12T00:00"),
    (" 2026-05-12 ", "2026-05-12T00:00"),
    ("2026-05-12T14:30", "2026-05-12T14:30"),
    ("2026-05-12 14:30:05", "2026-05-12T14:30:05"),
    ("2026-05-12T14:30:05.123456Z", "2026-05-12T14:30:05.123456"),
    ("2026-05-12T14:30+02:00", "2026-05-12T12:30"),
    ("2026-05-12T23:30-05:00", "2026-05-13T04:30"),
]


@pytest.mark.parametrize(("text", "meant"), MOMENTS)
def test_times_are_utc(text: str, meant: str) -> None:
    """Dates, times, Z and offsets become naive UTC."""
    assert options.moment(text, "--since") == at(meant)


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "12.05.2026", "05/12/2026", "2026-13-01", "2026-02-30", "20260512", "2026-W20-1", "2026-5-1",
     "2026-05-12T25:00", "2026-05-12x", "1778544000", "0001-01-01T00:00+23:00", "9999-12-31T23:59-23:00", "\x1b[2J"],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    """Anything else names the option and the forms that are understood."""
    with pytest.raises(UsageError, match="--since") as caught:
        options.moment(text, "--since")
    assert "2026-05-12" in caught.value.hint


def test_a_window_must_have_a_length() -> None:
    """--since must lie before --until; each may be absent."""
    assert options.window(None, "2026-05-12") == (None, at("2026-05-12"))
    for since in ("2026-05-12", "2026-05-13"):
        with pytest.raises(UsageError, match="is not before --until"):
            options.window(since, "2026-05-12")


DECLARATIONS = [
    ("entra-signin/interactive", Declaration("entra-signin", "interactive")),
    ("Entra-SignIn/Non-Interactive", Declaration("entra-signin", "non-interactive")),
    ("adfs/FS01.contoso.com", Declaration("adfs", "fs01.contoso.com")),
    ("counterfoil-ledger/login.example/IdP", Declaration("counterfoil-ledger", "login.example/idp")),
    ("issuer-log/glewlwyd", Declaration("issuer-log", "glewlwyd")),
    ("entra-signin/interactive:2026-05-01..2026-06-01",
     Declaration("entra-signin", "interactive", at("2026-05-01"), at("2026-06-01"))),
    ("entra-signin/interactive:2026-05-01T10:00..", Declaration("entra-signin", "interactive", at("2026-05-01T10:00"))),
    ("adfs/fs01:..2026-05-01T10:00Z", Declaration("adfs", "fs01", None, at("2026-05-01T10:00"))),
]


@pytest.mark.parametrize(("text", "meant"), DECLARATIONS)
def test_declarations_are_understood(text: str, meant: Declaration) -> None:
    """SOURCE/KIND with or without bounds; either bound may be left out."""
    assert options.declaration(text) == meant


BAD_DECLARATIONS = {
    "entra-signin/interactve": ("unknown kind of entra-signin: 'interactve'", "did you mean interactive?"),
    "entra-signin/": ("expected SOURCE/KIND", "entra-signin/interactive"),
    "entra-signin": ("expected SOURCE/KIND", "entra-signin/interactive"),
    "": ("expected SOURCE/KIND", "entra-signin/interactive"),
    "entra/interactive": ("unknown log 'entra'", "did you mean entra-signin?"),
    "entra-signins/interactive": ("unknown log", "did you mean entra-signin?"),
    "m365-ual/sign-in": ("unknown log", "logs that can be declared: adfs, aws-cloudtrail, counterfoil-custody,"),
    "entra-signin/x/y": ("unknown kind", "kinds: interactive"),
    "adfs/a b": ("not the name of a host", "adfs/fs01"),
    "issuer-log/a b": ("not the name of a log", "issuer-log/idp"),
    "adfs/-": ("not the name of a host", "adfs/fs01"),
    "adfs/..": ("not the name of a host", "adfs/fs01"),
    "entra-signin/interactive:": ("expected from..to", "leave one out"),
    "entra-signin/interactive:..": ("expected from..to", "leave one out"),
    "entra-signin/interactive:2026-05-01": ("expected from..to", "leave one out"),
    "entra-signin/interactive:2026-06-01..2026-05-01": ("ends before it begins", "exchange"),
    "entra-signin/interactive:2026-05-01..2026-05-01": ("ends before it begins", "exchange"),
    "entra-signin/interactive:may..june": ("'may' is not a date", "2026-05-12"),
}


@pytest.mark.parametrize(("text", "answer"), BAD_DECLARATIONS.items())
def test_bad_declarations_say_what_was_meant(text: str, answer: tuple[str, str]) -> None:
    """Each mistake gets one line that quotes it and a hint that mends it."""
    with pytest.raises(UsageError) as caught:
        options.declaration(text)
    assert answer[0] in str(caught.value)
    assert answer[1] in caught.value.hint
    assert "\n" not in str(caught.value)


moments = st.none() | st.datetimes(at("1970-01-01"), at("9999-12-30")).map(lambda when: when.replace(microsecond=0))


@given(st.sampled_from(logs().declarable["entra-signin"]), moments, moments)
def test_a_declaration_is_read_as_it_is_written(kind: str, start: datetime | None, end: datetime | None) -> None:
    """The text of a declaration, as reports and the lab write it, means that declaration."""
    if start is not None and end is not None and start >= end:
        start, end = end, start + timedelta(seconds=1)
    declared = Declaration("entra-signin", kind, start, end)
    assert options.declaration(str(declared)) == declared


@given(st.text())
def test_nothing_typed_escapes_as_a_foreign_error(text: str) -> None:
    """Whatever is typed, the parsers return a value or raise UsageError with a hint."""
    parsers = (
        lambda: options.moment(text, "--since"),
        lambda: options.declaration(text),
        lambda: options.declaration(f"entra-signin/interactive:{text}"),
        lambda: options.declaration(f"adfs/{text}"),
        lambda: options.federation([text]),
        lambda: options.memory(text),
        lambda: options.fail_on(text),
    )
    for parse in parsers:
        try:
            parse()
        except UsageError as error:
            assert error.hint


def test_federations_are_understood() -> None:
    """DOMAIN=ISSUER in lower case, each domain once; saying the same twice is no mistake."""
    typed = ["Contoso.com=ADFS:fs.contoso.com", " fabrikam.com = adfs:fabrikam.com ", "contoso.com=adfs:fs.contoso.com"]
    assert options.federation(typed) == (("contoso.com", "adfs:fs.contoso.com"), ("fabrikam.com", "adfs:fabrikam.com"))
    assert options.federation([]) == ()


@pytest.mark.parametrize(
    "text", ["", "contoso.com", "=adfs:x", "contoso.com=", "contoso=adfs:x", "contoso.com=adfs", "a b.com=adfs:x",
             "contoso.com=adfs:x=y", "contoso.com=adfs:", f"{'a' * 300}.com=adfs:x"],
)
def test_bad_federations_are_refused(text: str) -> None:
    """A domain without a dot, an issuer without its kind, or half a pair is refused with an example."""
    with pytest.raises(UsageError, match="expected DOMAIN=ISSUER") as caught:
        options.federation([text])
    assert "adfs:contoso.com" in caught.value.hint


def test_a_domain_has_one_issuer() -> None:
    """Two issuers for one domain are a contradiction, not a choice."""
    with pytest.raises(UsageError, match="two issuers"):
        options.federation(["a.com=adfs:x", "A.com=adfs:y"])


@pytest.mark.parametrize(
    ("text", "meant"),
    [("2GB", "2GB"), ("2g", "2GB"), ("800 MiB", "800MB"), ("1.5tb", "1.5TB"), ("512k", "512KB"), (None, None)],
)
def test_sizes_are_understood(text: str | None, meant: str | None) -> None:
    """Usual ways to write a size become the engine's."""
    assert options.memory(text) == meant


@pytest.mark.parametrize("text", ["", "0", "0GB", "0.0GB", "-1GB", "2", "GB", "two GB", "1e9", "2GB;", "50%", "1PB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    """No unit, no number, nothing, or a share is refused with an example."""
    with pytest.raises(UsageError, match="is not a size"):
        options.memory(text)


def test_fail_on_means_these_and_graver_ones() -> None:
    """The verdicts of --fail-on include every graver one; the default is all but suspicions."""
    assert options.fail_on(None) == FAIL_ON_DEFAULT
    assert options.fail_on("forged") == {FindingVerdict.FORGED}
    assert options.fail_on("Tainted, forged") == set(list(FindingVerdict)[:3])
    assert options.fail_on("suspicion") == set(FindingVerdict)
    assert options.fail_on("none") == frozenset()


@pytest.mark.parametrize("text", ["", "forge", "forged,", "minted", "none,forged", "all"])
def test_unknown_verdicts_are_refused(text: str) -> None:
    """A verdict that no finding has is refused, with the nearest or all of them."""
    with pytest.raises(UsageError, match="--fail-on: unknown verdict") as caught:
        options.fail_on(text)
    assert "did you mean" in caught.value.hint or "probably-forged" in caught.value.hint


def test_hints_stay_short() -> None:
    """A hint lists at most a dozen choices and counts the rest."""
    with pytest.raises(UsageError) as caught:
        options.one_of("?", [f"choice-{n}" for n in range(100)], "unknown", "choices")
    assert caught.value.hint.endswith("choice-11 and 88 more")


def test_an_export_of_the_future_is_refused() -> None:
    """A wrong year would let a declared end reach beyond what had arrived; today's date passes in every zone."""
    now = datetime.now(UTC).replace(tzinfo=None)
    today = now.date().isoformat()
    assert options.past(today, "--exported-at") == at(today)
    with pytest.raises(UsageError, match="is in the future"):
        options.past((now + timedelta(days=3)).date().isoformat(), "--exported-at")
