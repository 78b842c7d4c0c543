"""`respond canary`, `status-list`, `session-revoked`: signed papers about tokens, by keys in custody."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from counterfoil.cli import keys, params, terminal
from counterfoil.cli import ledger as ledgers
from counterfoil.config import read_bounded
from counterfoil.errors import InputError, UsageError

MAX_TOKEN_FILE = 64 * 1024
# Events that one run sends.
MAX_EVENTS = 10_000

Store = Annotated[Path, typer.Argument(metavar="STORE", help="Custody of the key that signs.", show_default=False)]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of that key.", show_default=False)]
Push = Annotated[
    list[str] | None, typer.Option("--push", metavar="URL", help="Push it there (RFC 8935). Repeatable.")
]
OutboxFolder = Annotated[
    Path | None, typer.Option("--outbox", metavar="DIR", help="Or keep it there until it is polled for (RFC 8936).")
]


def canary(
    store: Store,
    name: Name,
    ledger: Annotated[
        str, typer.Option("--ledger", metavar="LEDGER", help="Ledger that takes it as a canary: folder or address.")
    ],
    ledger_key: Annotated[
        Path | None, typer.Option("--ledger-key", metavar="FILE", help="For a database: the log's private key.")
    ] = None,
    issuer: Annotated[str, typer.Option("--issuer", metavar="ISS", help="As in the services' tokens.")] = "",
    audience: Annotated[str, typer.Option("--audience", metavar="AUD", help="The services that are asked.")] = "",
    typ: Annotated[str, typer.Option("--typ", metavar="TYP", help="Type in the header.")] = "at+jwt",
    life: Annotated[int, typer.Option("--life", metavar="SECONDS", help="Its life; at most 600.")] = 600,
    claim: Annotated[
        list[str] | None,
        typer.Option("--claim", metavar="NAME=VALUE", help="What the services want besides, as JSON. Repeatable."),
    ] = None,
    twin_of: Annotated[
        Path | None,
        typer.Option("--twin-of", metavar="FILE", help="Make the twin of this canary, once another key signs."),
    ] = None,
    output: params.Output = None,
) -> None:
    """Make a canary under the key that signs now: before it is blocked. Then, under the next key, its twin.

    Neither grants anything. Both are in the ledger before they are written, so that no hunt takes them for the
    intruder, and in the custody log.
    """
    from counterfoil.respond import probe
    from counterfoil.respond.signing import InCustody

    if (twin_of is None) != bool(issuer and audience):
        raise UsageError("a canary needs --issuer and --audience", hint="its twin has them from --twin-of")
    if twin_of is not None and claim:
        raise UsageError("a twin has the claims of its canary", hint="leave --claim out")
    asked = None if twin_of is not None else probe.Canary(issuer, audience, typ, claims=_claims(claim or ()), life=life)
    with ExitStack() as stack:
        key = InCustody.current(keys.opened(store, stack), name, "respond canary")
        kept = stack.enter_context(ledgers.opened(ledger, ledger_key, "--ledger-key"))
        if asked is not None:
            made = probe.canary(asked, key, kept, time.time())
        elif twin_of is not None:
            of = read_bounded(twin_of, MAX_TOKEN_FILE).decode("ascii", "replace").strip()
            made = probe.twin(of, key, kept, time.time())
    terminal.write(f"{made}\n", output)


def _claims(given: Sequence[str]) -> dict[str, Any]:
    """Return claims that were typed: JSON, or else a text."""
    import msgspec

    found: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not name or not equals or name in found:
            raise UsageError(f"--claim: expected NAME=VALUE, each name once, got {text[:80]!r}")
        try:
            found[name] = msgspec.json.decode(value)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            found[name] = value
    return found


def status_list(
    revoked: Annotated[Path, typer.Argument(metavar="FILE", help="Revoked tokens, as respond revoke writes them.")],
    places: Annotated[
        Path, typer.Option("--places", metavar="FILE", help="JSON object: token id or digest, and its place (idx).")
    ],
    size: Annotated[int, typer.Option("--size", metavar="N", help="Places of the list.")],
    uri: Annotated[str, typer.Option("--uri", metavar="URI", help="Its address, as tokens point to it.")],
    issuer: Annotated[str, typer.Option("--issuer", metavar="ISS", help="The issuer, as in its tokens.")],
    store: Annotated[Path, typer.Option("--store", metavar="STORE", help="Custody of the key that signs.")],
    sign_key: Annotated[str, typer.Option("--sign-key", metavar="NAME", help="Name of that key.")],
    output: params.Output = None,
) -> None:
    """Write a Token Status List on which revoked tokens are invalid. It holds for an hour: make it anew before."""
    from counterfoil.respond import status_list as lists
    from counterfoil.respond.signing import signed
    from counterfoil.tokens.revoked import MAX_REVOKED_BYTES, names_in

    names = names_in(read_bounded(revoked, MAX_REVOKED_BYTES))
    statuses, left = lists.placed(names, issuer, lists.read_places(read_bounded(places, lists.MAX_PLACES_BYTES)))
    claims = lists.claims(issuer, uri, lists.packed(statuses, size), int(time.time()))
    with ExitStack() as stack:
        made = signed(keys.opened(store, stack), sign_key, lists.TYP, claims, "status list")
    told = f"{len(statuses):,} of {size:,} places are invalid"
    terminal.say(f"{told}; {len(left):,} revoked have no place on it" if left else told)
    terminal.write(f"{made}\n", output)


def session_revoked(
    store: Store,
    name: Name,
    issuer: Annotated[str, typer.Option("--issuer", metavar="ISS", help="Who sends it.")],
    audience: Annotated[str, typer.Option("--audience", metavar="AUD", help="Who receives it.")],
    session: Annotated[
        list[str] | None, typer.Option("--session", metavar="ID", help="This session. Repeatable.")
    ] = None,
    revoked: Annotated[
        Path | None, typer.Option("--revoked", metavar="FILE", help="And these tokens, as respond revoke writes them.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for people.")] = "revoked",
    push: Push = None,
    outbox: OutboxFolder = None,
) -> None:
    """Send CAEP's session-revoked, an event for each session or token; without --push or --outbox, print them."""
    from counterfoil.respond import desk_events
    from counterfoil.tokens.revoked import MAX_REVOKED_BYTES, names_in

    names = () if revoked is None else names_in(read_bounded(revoked, MAX_REVOKED_BYTES))
    count = len(session or ()) + sum(1 for each in names if each.jti)
    if not count:
        raise UsageError("no session and no token with an id to tell of", hint="give --session ID, or --revoked FILE")
    if count > MAX_EVENTS:
        raise UsageError(f"more than {MAX_EVENTS:,} events", hint="block the key, and tell of it: respond event")
    with ExitStack() as stack:
        made = desk_events.revoked_events(
            keys.opened(store, stack), name, issuer, audience, sessions=session or (), tokens=names, reason=reason,
            now=datetime.now(UTC),
        )
    send(made, push, outbox)


def sends(audience: str, push: list[str] | None, outbox: Path | None) -> bool:
    """Tell whether an event is wanted of a command that need not make one; raises UsageError for half of it."""
    if bool(push or outbox) != bool(audience):
        raise UsageError("an event needs an --audience, and --push or --outbox", hint="without them none is made")
    return bool(audience)


def send(made: list[str], push: list[str] | None, outbox: Path | None) -> None:
    """Push events to everybody named, keep them until they are polled for, or print them.

    Who does not take one is told, and keeps nobody else from it; raises InputError at the end.
    """
    from counterfoil.respond import transmit

    failed = list[str]()
    for url in push or ():
        try:
            for each in made:
                transmit.push(url, each, allow_local=True)
            terminal.say(f"{url} has taken {len(made):,}")
        except InputError as error:
            failed.append(str(error))
    if outbox is not None:
        for each in made:
            transmit.Outbox(outbox).put(each)
        terminal.say(f"{len(made):,} wait{'s' if len(made) == 1 else ''} in {outbox}")
    if failed:
        raise InputError("; ".join(failed), hint="push it again, or have it polled for")
    if not push and outbox is None:
        terminal.write("".join(f"{each}\n" for each in made))


COMMANDS: tuple[Callable[..., None], ...] = (canary, status_list, session_revoked)
