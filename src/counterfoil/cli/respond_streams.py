"""`respond receive`, `transmit`, `verification`: the two ends of a stream of security events, as processes."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import keys, options, respond_tokens, terminal
from counterfoil.config import read_token_policy
from counterfoil.errors import CounterfoilError, UsageError

if TYPE_CHECKING:
    from counterfoil.respond.endpoints import PollEndpoint, PushEndpoint

# How often a receiver polls and fetches, in seconds.
LEAST_EVERY, MOST_EVERY = 1.0, 3_600.0
STARTED_SECONDS = 10.0

Listen = Annotated[
    str, typer.Option("--listen", metavar="HOST:PORT", help="Where to answer, on loopback: put TLS in front of it.")
]
Secret = Annotated[
    str,
    typer.Option(
        "--authorization", metavar="SOURCE",
        help="The whole Authorization header that must come: file:PATH, credential:NAME or keyring:SERVICE/USER.",
    ),
]


def receive(
    policy: Annotated[
        Path, typer.Option("--policy", metavar="FILE", help="Token policy: a flow of class event, a [blocklist].")
    ],
    list_file: Annotated[
        Path, typer.Option("--list", metavar="FILE", help="Where the newest block list is kept, for services to go by.")
    ],
    flow: Annotated[str | None, typer.Option("--flow", metavar="NAME", help="Flow of events; needed if several.")]
    = None,
    url: Annotated[str, typer.Option("--url", metavar="URL", help="Where the list is fetched, too.")] = "",
    listen: Listen = "",
    poll: Annotated[str, typer.Option("--poll", metavar="URL", help="Where events are polled for (RFC 8936).")] = "",
    authorization: Secret = "",
    every: Annotated[
        float,
        typer.Option("--every", metavar="SECONDS", min=LEAST_EVERY, max=MOST_EVERY, help="How often to poll, fetch."),
    ] = 60.0,
    once: Annotated[bool, typer.Option("--once", help="Poll and fetch once, and end: for cron.")] = False,
) -> None:
    """Receive security events, and keep the block list by them, until it is told to end.

    Pushed events come to --listen (RFC 8935), others are polled for. A list that an event carries is believed for its
    signature; an event that a key is out has the list fetched from --url before it is acknowledged.
    """
    from counterfoil.relying.blocklist import BlockLists
    from counterfoil.respond.endpoints import PushEndpoint
    from counterfoil.respond.keeping import ListKeeper

    if not (poll or url or (listen and not once)):
        raise UsageError("nothing to receive from", hint="--listen for pushes, --poll, or --url of the list")
    known, header = read_token_policy(policy), _secret(authorization)
    lists = BlockLists(known.blocklist, list_file, url, allow_local=True)
    keeper = ListKeeper(known, flow, lists, terminal.say)
    if once:
        keeper.look(poll, header)
        return
    serving = _served(PushEndpoint(keeper.receiver, header), listen) if listen else nullcontext()
    with _until_told() as ended, serving:
        while not ended.is_set():
            try:
                keeper.look(poll, header)
            except CounterfoilError as error:
                terminal.say(str(error), error.hint or "it is tried again")
            ended.wait(every)


def transmit(
    outbox: Annotated[Path, typer.Argument(metavar="DIR", help="Where events wait (--outbox).", show_default=False)],
    authorization: Secret,
    listen: Listen = "127.0.0.1:8455",
) -> None:
    """Hand out the events that wait to the one receiver that polls for them (RFC 8936), until it is told to end."""
    from counterfoil.respond.endpoints import PollEndpoint
    from counterfoil.respond.transmit import Outbox

    with _until_told() as ended, _served(PollEndpoint(Outbox(outbox), _secret(authorization)), listen):
        ended.wait()


def verification(
    store: respond_tokens.Store,
    name: respond_tokens.Name,
    issuer: Annotated[str, typer.Option("--issuer", metavar="ISS", help="Who sends it.")],
    audience: Annotated[str, typer.Option("--audience", metavar="AUD", help="Who receives it.")],
    stream: Annotated[str, typer.Option("--stream", metavar="ID", help="The stream's id.")],
    state: Annotated[str, typer.Option("--state", metavar="TEXT", help="What the receiver asked to hear.")] = "",
    push: respond_tokens.Push = None,
    outbox: respond_tokens.OutboxFolder = None,
) -> None:
    """Send the event by which a receiver sees that a stream works (SSF 1.0, 8.1.4); without --push, print it."""
    from counterfoil.respond import desk_events

    with ExitStack() as stack:
        made = desk_events.verification_event(
            keys.opened(store, stack), name, issuer, audience, stream=stream, state=state, now=datetime.now(UTC)
        )
    respond_tokens.send([made], push, outbox)


def _secret(source: str) -> str:
    from counterfoil.custody.secrets import read_secret

    return read_secret(source, Path()).text() if source else ""


@contextmanager
def _until_told() -> Iterator[threading.Event]:
    """Yield what is set when the process is told to end."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    yield ended


@contextmanager
def _served(app: PushEndpoint | PollEndpoint, listen: str) -> Iterator[None]:
    """Answer in a thread meanwhile; raises UsageError for an address that is not on loopback, or taken."""
    host, port = options.loopback(listen, "--listen")
    try:
        import uvicorn
    except ImportError as error:
        raise UsageError("--listen needs more packages", hint="pip install 'counterfoil[events]'") from error
    server = uvicorn.Server(uvicorn.Config(app, host=host, port=port, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + STARTED_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > until:
            raise UsageError(f"cannot listen on {listen}", hint="is another process there?")
        time.sleep(0.01)
    terminal.say(f"answers at http://{host}:{server.servers[0].sockets[0].getsockname()[1]}/")
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


COMMANDS: tuple[Callable[..., None], ...] = (receive, transmit, verification)
