"""`respond plan`, `done`, `verify`, `revoke`, `probe`, `event`: a response to what a case or a ledger shows."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import keys, options, params, respond_tokens, terminal
from counterfoil.cli.exits import ExitCode
from counterfoil.errors import UsageError
from counterfoil.report import registry

if TYPE_CHECKING:
    from counterfoil.respond.probe import Party

RUNBOOK_FORMATS = ("text", "markdown", "html")
STATEMENT_FORMATS = ("text", "json")
MAX_TOKEN_FILE = 64 * 1024
# A canary lives no longer.
MAX_WAIT_SECONDS = 600.0

At = Annotated[str | None, typer.Option("--at", metavar="TIME", help="When it was (UTC); default: now.")]
SinceBlock = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="When the block held (UTC); default: from the journal.")
]


def plan(
    case: params.Case = params.DEFAULT_CASE,
    vendor: Annotated[
        list[str] | None, typer.Option("--vendor", metavar="NAME", help="Also commands for entra, aws or keycloak.")
    ] = None,
    format: Annotated[
        str, typer.Option("--format", "-f", metavar="|".join(RUNBOOK_FORMATS), help="Form of it.")
    ] = "text",
    output: params.Output = None,
) -> None:
    """Write the runbook of a case: who does what in which order, with commands filled in, and what each step breaks."""
    form = options.one_of(format, RUNBOOK_FORMATS, "--format: unknown", "formats")
    from counterfoil.respond import desk, runbook
    from counterfoil.respond.commands import VENDORS

    named = [options.one_of(name, VENDORS, "--vendor: unknown", "vendors") for name in vendor or ()]
    terminal.write(runbook.FORMATS[form](desk.plan(case, _now(), named)), output)


def done(
    step: Annotated[str, typer.Argument(metavar="STEP", help="Name of a step, as the runbook has it.")],
    case: params.Case = params.DEFAULT_CASE,
    at: At = None,
    who: Annotated[str, typer.Option("--who", metavar="NAME", help="Who did it.")] = "",
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="What there is to say.")] = "",
    target: Annotated[
        str, typer.Option("--target", metavar="OBJECT", help="For persistence: what was looked at; default: all.")
    ] = "",
) -> None:
    """Write into the case's journal that a step was done: the runbook ticks it, and verify goes by it."""
    from counterfoil.respond import desk

    desk.done(case, step, _moment(at, "--at") or _now(), who, note, {"target": target} if target else None)


def verify(
    case: params.Case = params.DEFAULT_CASE,
    since: SinceBlock = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="Until when the logs should tell (UTC); default: now.")
    ] = None,
    key: Annotated[
        list[str] | None, typer.Option("--key", metavar="KID", help="Blocked key; default: of forged tokens.")
    ] = None,
    life: Annotated[
        float, typer.Option("--life", metavar="HOURS", help="Longest life of refresh tokens and sessions.", min=0.01)
    ] = 90 * 24.0,
    access_life: Annotated[
        float, typer.Option("--access-life", metavar="HOURS", help="Longest life of access tokens.", min=0.01)
    ] = 28.0,
    store: Annotated[
        Path | None, typer.Option("--store", metavar="STORE", help="Custody of the key that signs the statement.")
    ] = None,
    sign_key: Annotated[str, typer.Option("--sign-key", metavar="NAME", help="Name of that key.")] = "statements",
    format: Annotated[
        str, typer.Option("--format", "-f", metavar="|".join(STATEMENT_FORMATS), help="Form of it.")
    ] = "text",
    output: params.Output = None,
) -> None:
    """Say whether the intruder is out, not out, or cannot be told, with reasons: 0 out, 1 not out, 3 cannot tell.

    With --store the statement is written as a signed JWT.
    """
    form = options.one_of(format, STATEMENT_FORMATS, "--format: unknown", "formats")
    import msgspec

    from counterfoil.respond import desk, statement
    from counterfoil.respond.evicted import Eviction

    now = _now()
    told = desk.verify(
        case, _moment(since, "--since"), _moment(until, "--until") or now, now, keys=tuple(key or ()),
        refresh_life=timedelta(hours=life), access_life=timedelta(hours=access_life),
    )
    if store is not None:
        from counterfoil.respond.signing import signed

        with ExitStack() as stack:
            made = signed(keys.opened(store, stack), sign_key, statement.TYP, told, "statement on an eviction")
        terminal.write(f"{made}\n", output)
    else:
        whole = msgspec.json.encode(told).decode() + "\n" if form == "json" else statement.text(told)
        terminal.write(whole, output)
    codes = {Eviction.OUT: ExitCode.CLEAN, Eviction.NOT_OUT: ExitCode.FOUND}
    terminal.leave(codes.get(Eviction(told["verdict"]), ExitCode.WITHHELD))


def revoke(
    case: Annotated[
        Path | None, typer.Option("--case", metavar="DIR", help="A case with any issuer's log.", show_default=False)
    ] = None,
    ledger: Annotated[
        str, typer.Option("--ledger", metavar="LEDGER", help="Or a ledger: folder or address.", show_default=False)
    ] = "",
    key: Annotated[str, typer.Option("--key", metavar="KID", help="Signed by this key.")] = "",
    issuer: Annotated[str, typer.Option("--issuer", metavar="ISS", help="Of this issuer.")] = "",
    subject: Annotated[str, typer.Option("--subject", metavar="ID", help="Of this subject, as the log has it.")] = "",
    client: Annotated[str, typer.Option("--client", metavar="ID", help="Given to this client.")] = "",
    session: Annotated[str, typer.Option("--session", metavar="ID", help="Of this session.")] = "",
    token: Annotated[
        list[str] | None, typer.Option("--token", metavar="JTI|DIGEST", help="This token. Repeatable.")
    ] = None,
    lineage: Annotated[bool, typer.Option("--lineage", help="And all that was renewed from those.")] = False,
    since: Annotated[str | None, typer.Option("--since", metavar="TIME", help="Issued from then on (UTC).")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Issued before then (UTC).")] = None,
    output: params.Output = None,
) -> None:
    """Write the list of tokens to revoke, each named by issuer and id and by the digest of what was signed."""
    from counterfoil.respond import desk
    from counterfoil.respond.selection import Asked
    from counterfoil.tokens.revoked import written

    if (case is None) == (not ledger):
        raise UsageError("expected --case or --ledger", hint="one of them says which tokens there are")
    asked = Asked(
        key, issuer, subject, client, session, _moment(since, "--since"), _moment(until, "--until"),
        frozenset(token or ()), lineage,
    )
    if case is not None:
        names = desk.of_case(case, asked)
    else:
        from counterfoil.tlog.stored import stored_at

        names = desk.of_ledger(stored_at(ledger), asked)
    terminal.say(f"{len(names):,} token{'' if len(names) == 1 else 's'} to revoke")
    terminal.write(written(names).decode(), output)


def probe(
    party: Annotated[list[str], typer.Argument(metavar="NAME=URL...", help="Who is asked, and where it takes a GET.")],
    case: params.Case = params.DEFAULT_CASE,
    canary: Annotated[Path, typer.Option("--canary", metavar="FILE", help="Token under the blocked key.")] = Path(),
    twin: Annotated[Path, typer.Option("--twin", metavar="FILE", help="The same under the current key.")] = Path(),
    since: SinceBlock = None,
    wait: Annotated[
        float,
        typer.Option(
            "--wait", metavar="SECONDS", min=0.0, max=MAX_WAIT_SECONDS,
            help="Probe again until all refuse; ends with the canary's life at the latest.",
        ),
    ] = 0.0,
    format: params.OutputFormat = "text",
) -> None:
    """Ask each party whether it still accepts a key: blocked is said where it lets the twin in, and not the canary.

    What it says goes into the case's journal, which verify reads. Ends with 1 if one still accepts, 3 if one cannot
    be told.
    """
    form = options.one_of(format, registry.formats(), "--format: unknown", "formats")
    from counterfoil.case.folder import existing
    from counterfoil.config import read_bounded
    from counterfoil.respond import desk
    from counterfoil.respond import probe as probing

    parties, asked = [_party(text) for text in party], _now()
    existing(case)
    began = _moment(since, "--since") or desk.blocked_at(case) or asked
    texts = (read_bounded(file, MAX_TOKEN_FILE).decode("ascii", "replace").strip() for file in (canary, twin))
    pair = probing.Pair(*texts)
    probing.repeated(parties, pair, lambda found: desk.keep_probes(case, found), wait)
    told = [each for each in desk.probed(case, began) if each.party in {one.name for one in parties}]
    rows = [
        (each.party, str(each.said), "" if (took := each.seconds) is None else f"{took:.0f}", f"{each.stale:.0f}",
         each.why)
        for each in told
    ]
    columns = ("party", "says", "seconds to block", "longest stale", "why")
    terminal.write(registry.table(form, columns, rows, terminal.screen()))
    said = {each.said for each in told}
    if probing.Said.ACCEPTS in said:
        terminal.leave(ExitCode.FOUND)
    terminal.leave(ExitCode.CLEAN if said == {probing.Said.BLOCKED} else ExitCode.WITHHELD)


def event(
    store: Annotated[Path, typer.Argument(metavar="STORE", help="Custody of the key that signs events.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of that key; not the compromised one.")],
    issuer: Annotated[str, typer.Option("--issuer", metavar="ISS", help="Who sends it.")],
    audience: Annotated[str, typer.Option("--audience", metavar="AUD", help="Who receives it.")],
    jwk: Annotated[Path, typer.Option("--jwk", metavar="FILE", help="The compromised public key (JWK).")],
    since: Annotated[str | None, typer.Option("--since", metavar="TIME", help="Not to be believed since.")] = None,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for people.")] = "compromised",
    push: respond_tokens.Push = None,
    outbox: respond_tokens.OutboxFolder = None,
) -> None:
    """Send the event that a key is compromised, a signed Security Event Token; without --push or --outbox, print it."""
    from counterfoil.config import read_bounded
    from counterfoil.respond import desk_events

    made = desk_events.key_event(
        read_bounded(jwk, MAX_TOKEN_FILE), store=lambda stack: keys.opened(store, stack), key=name, issuer=issuer,
        audience=audience, since=_moment(since, "--since") or _now(), reason=reason, now=_now(),
    )
    respond_tokens.send([made], push, outbox)


def _party(text: str) -> Party:
    from counterfoil.relying.http import Endpoint
    from counterfoil.respond.probe import Party

    name, _, url = text.partition("=")
    if not name or not url:
        raise UsageError(f"expected NAME=URL, got {text[:80]!r}")
    return Party(name, Endpoint(url, allow_local=True).url)


def _moment(text: str | None, option: str) -> datetime | None:
    """Return a time of an option, aware; None where none was given."""
    return None if text is None else options.moment(text, option).replace(tzinfo=UTC)


def _now() -> datetime:
    return datetime.now(UTC)


COMMANDS: tuple[Callable[..., None], ...] = (plan, done, verify, revoke, probe, event)
