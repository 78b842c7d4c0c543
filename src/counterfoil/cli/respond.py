"""`respond`: what to do about a key that must change, or is out."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil import files
from counterfoil.cli import options, params, respond_case, respond_streams, respond_text, respond_tokens, terminal
from counterfoil.cli.exits import ExitCode
from counterfoil.cli.keys import opened
from counterfoil.config import blocking_policy, read_bounded, read_token_policy
from counterfoil.errors import CounterfoilError, UsageError

if TYPE_CHECKING:
    from counterfoil.custody.client import SignerClient
    from counterfoil.custody.custody import Custody
    from counterfoil.custody.keys import KeyVersion
    from counterfoil.custody.settings import LifeSettings
    from counterfoil.respond.block import Written
    from counterfoil.respond.preflight import Flight
    from counterfoil.respond.rotate import Step
    from counterfoil.tokens.blocklist import Blocked, BlockList

FORMATS = ("text", "json")
GATEWAYS = ("envoy", "haproxy", "nginx")
MAX_RECEIPTS_BYTES = 1024 * 1024 * 1024
# Steps that one run takes for a key: prepare, promote, and retire what has drained.
MAX_STEPS = 8
LIST_MODE = 0o644  # block lists are public

Store = Annotated[Path, typer.Argument(metavar="STORE", help="Custody folder, with a [life].", show_default=False)]
Form = Annotated[str, typer.Option("--format", "-f", metavar="|".join(FORMATS), help="Form of the output.")]
Parties = Annotated[
    Path | None,
    typer.Option("--parties", metavar="FILE", help="Relying parties: what they fetch, for how long, who pins (TOML)."),
]
Receipts = Annotated[
    list[Path] | None,
    typer.Option("--receipts", metavar="FILE", help="Receipts of relying parties: how long each lagged. Repeatable."),
]
Policy = Annotated[
    Path, typer.Option("--policy", metavar="FILE", help="Token policy: keys, and what they may sign (TOML).")
]
SignStore = Annotated[
    Path, typer.Option("--sign-store", metavar="STORE", help="Custody of the key that signs; another than STORE.")
]
SignKey = Annotated[str, typer.Option("--sign-key", metavar="NAME", help="Name of that key.")]
Issuer = Annotated[str, typer.Option("--issuer", metavar="ISS", help="The issuer, as in its tokens.")]

OutSince = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="Since when it may be out (UTC); default: now.")
]
Lasts = Annotated[str, typer.Option("--lasts", metavar="SPAN", help="For how long the list holds; at most 7d.")]
CutOff = Annotated[
    str | None, typer.Option("--cut-off", metavar="TIME", help="Spare what the ledger proves older (UTC).")
]
CutOffLedger = Annotated[
    str, typer.Option("--ledger", metavar="LEDGER", help="Ledger that the cut-off goes by.", show_default=False)
]
Audience = Annotated[
    str, typer.Option("--audience", metavar="AUD", help="Who receives the list as a security event.")
]
EventKey = Annotated[
    str, typer.Option("--event-key", metavar="NAME", help="Key of SIGN-STORE that signs the event.")
]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    group = typer.Typer(help="A key must change, or is out: what to do.", rich_markup_mode=None)
    for told in (*respond_case.COMMANDS, *respond_tokens.COMMANDS, *respond_streams.COMMANDS):
        group.command()(told)
    for command in (rotate, preflight, rehearse, block, historical, gateway, runbook):
        group.command()(command)
    app.add_typer(group, name="respond")


def rotate(
    store: Store,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the key; or --all.", show_default=False)] = "",
    every: Annotated[bool, typer.Option("--all", help="Every key of the store.")] = False,
    due: Annotated[bool, typer.Option("--due", help="Begin only with keys near their largest age: for cron.")] = False,
    emergency: Annotated[
        str, typer.Option("--emergency", metavar="REASON", help="The key is out: wait for nobody; is recorded.")
    ] = "",
    parties: Parties = None,
    receipts: Receipts = None,
    format: Form = "text",
) -> None:
    """Do the next step of a rotation: prepare, promote, retire. Run it again when it says; 1: somebody objects."""
    from counterfoil.respond import rotate as rotation

    form = options.one_of(format, FORMATS, "--format: unknown", "formats")
    if bool(name) == every:
        raise UsageError("name a key, or --all", hint="counterfoil keys list shows what there is")
    life = rotation.living(_life(store))
    with ExitStack() as stack:
        held = opened(store, stack)
        versions = held.keys(purpose="rotation")
        wanted = rotation.names(versions) if every else (name,)
        rotation.check(versions, wanted)
        flight = _flight(parties, receipts, versions)
        done = [step for each in wanted for step in _rotated(held, each, life, flight, due=due, reason=emergency)]
    terminal.write(respond_text.steps(done, form))
    if any(step.act is rotation.Act.REFUSE for step in done):
        terminal.leave(ExitCode.FOUND)


def _rotated(
    held: Custody | SignerClient, name: str, life: LifeSettings, flight: Flight, *, due: bool, reason: str
) -> list[Step]:
    """Take the steps that may be taken now; the last one is what is waited for."""
    from counterfoil.respond.rotate import Act, step
    from counterfoil.respond.rotate import due as is_due

    done: list[Step] = []
    purpose = f"emergency: {reason}" if reason else "rotation"
    for _ in range(MAX_STEPS):
        now, versions = datetime.now(UTC), held.keys(purpose=purpose)
        begun = any(each.act is Act.RETIRE for each in done)  # that was a rotation's end, not the beginning of another
        begin = not begun and (not due or is_due(versions, name, life, now))
        urgent = bool(reason) and not any(each.act is Act.PROMOTE for each in done)
        upcoming = step(versions, name, life, flight, now, begin=begin, emergency=urgent)
        done.append(upcoming)
        if upcoming.act is Act.PREPARE:
            held.prepare(name, purpose=purpose)
        elif upcoming.act is Act.PROMOTE:
            held.rotate(name, purpose=purpose)
        elif upcoming.act is Act.RETIRE:
            held.retire(name, upcoming.kid, purpose=purpose)
        else:
            break
    return done


def preflight(
    parties: Annotated[Path, typer.Option("--parties", metavar="FILE", help="Relying parties (TOML).")],
    thumbprint: Annotated[
        str, typer.Option("--thumbprint", metavar="RFC7638", help="The next key, of any issuer.")
    ],
    published: Annotated[
        str | None, typer.Option("--published", metavar="TIME", help="Since when it is published (UTC); default: now.")
    ] = None,
    format: Form = "text",
) -> None:
    """Tell who would refuse a next key's tokens if it signed now. Exit code 1: somebody would."""
    from counterfoil.respond.preflight import objections

    form = options.one_of(format, FORMATS, "--format: unknown", "formats")
    since = None if published is None else options.moment(published, "--published").replace(tzinfo=UTC)
    found = objections(thumbprint, since, _flight(parties, None, ()), datetime.now(UTC))
    terminal.write(respond_text.objections(found, form))
    if found:
        terminal.leave(ExitCode.FOUND)


def rehearse(
    store: Store,
    lifetime: Annotated[float, typer.Option("--lifetime", metavar="SECONDS", help="Longest life of a token.")] = 3600.0,
    count: Annotated[int, typer.Option("--count", metavar="N", min=1, max=100_000, help="Relying parties.")] = 1000,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="The same seed gives the same parties.")] = 1,
    format: Form = "text",
) -> None:
    """Rehearse a rotation among simulated relying parties. Exit code 1: good tokens would be refused."""
    from counterfoil.respond import rehearse as rehearsal
    from counterfoil.respond.rotate import living

    form = options.one_of(format, FORMATS, "--format: unknown", "formats")
    found = rehearsal.rehearse(living(_life(store)), lifetime, seed, count)
    terminal.write(respond_text.outcome(found, form))
    if found.refused:
        terminal.leave(ExitCode.FOUND)


def block(
    file: Annotated[Path, typer.Option("--list", metavar="FILE", help="The block list; replaced by the next one.")],
    issuer: Issuer,
    sign_store: SignStore,
    sign_key: SignKey,
    store: Annotated[
        Path | None, typer.Argument(metavar="STORE", help="Custody of the key that is out.", show_default=False)
    ] = None,
    kid: Annotated[str, typer.Option("--kid", metavar="KID", help="The key; without, the list is renewed only.")] = "",
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; everybody reads it.")] = "",
    since: OutSince = None,
    cut_off: CutOff = None,
    ledger: CutOffLedger = "",
    lasts: Lasts = "1d",
    audience: Audience = "",
    event_key: EventKey = "events",
    push: respond_tokens.Push = None,
    outbox: respond_tokens.OutboxFolder = None,
    format: Form = "text",
) -> None:
    """Block a key: in custody, and by a signed block list. Without --kid, renew the list before it ends.

    With --push or --outbox the list is sent as a security event, too (RFC 8417): `respond receive` goes by it.
    """
    from counterfoil.respond import block as blocks
    from counterfoil.respond import desk_events

    form = options.one_of(format, FORMATS, "--format: unknown", "formats")
    now = datetime.now(UTC)
    span = _span(lasts)
    if bool(kid) != bool(store) or bool(kid) != bool(reason):
        raise UsageError("a block needs STORE, --kid and --reason", hint="none of them renews the list")
    if (cut_off is None) == bool(ledger):
        raise UsageError("--cut-off and --ledger belong together", hint="the ledger proves what is older")
    if store is not None and store.resolve() == sign_store.resolve():
        raise UsageError("the custody of the key that is out would sign the block list", hint="take another custody")
    sends = respond_tokens.sends(audience, push, outbox)
    files.expect(file)
    with ExitStack() as stack:
        signing = opened(sign_store, stack)
        last = _last(file, signing.keys(purpose="block list"), issuer)
        added, digests = [], {}
        if store is not None:
            held = opened(store, stack)
            version = _of(held.keys(purpose="block"), kid)
            added = [_entry(version, reason, since, cut_off, now)]
            if ledger:
                digests[version.kid] = _digests(ledger, version.kid, added[0].cut_off)
        # signed first: whatever is wrong with the list shows before anything is done
        made = blocks.write(signing, sign_key, issuer, last, added, now, lasts=span, digests=digests)
        events = [desk_events.list_event(signing, event_key, issuer, audience, made.text, now)] if sends else []
        if store is not None and version.state not in ("blocked", "destroyed"):
            held.block(version.name, version.kid, reason, purpose="respond block")
    _publish(file, made)
    terminal.say(f"wrote {file}", "a key is blocked where a probe has seen it refused, not before")
    terminal.write(respond_text.blocklist(made.found, form))
    if events:
        respond_tokens.send(events, push, outbox)


def historical(
    store: Store, issuer: Issuer, sign_store: SignStore, sign_key: SignKey, output: params.Output = None,
) -> None:
    """Write the signed document of the keys that the issuer once had (OpenID Federation 1.0, 8.7)."""
    from counterfoil.respond import published
    from counterfoil.respond.signing import signed

    with ExitStack() as stack:
        versions = opened(store, stack).keys(purpose="historical keys")
        signing = opened(sign_store, stack)
        claims = published.historical(versions, issuer, datetime.now(UTC))
        text = signed(signing, sign_key, published.HISTORICAL_TYP, claims, "historical keys")
    terminal.write(f"{text}\n", output)


def gateway(
    kind: Annotated[str, typer.Argument(metavar="|".join(GATEWAYS), help="The gateway.", show_default=False)],
    policy: Policy,
    flow: Annotated[str | None, typer.Option("--flow", metavar="NAME", help="Flow; needed if several.")] = None,
    list_file: Annotated[
        Path | None, typer.Option("--list", metavar="FILE", help="Block list to go by.", show_default=False)
    ] = None,
    tenant: Annotated[str, typer.Option("--tenant", metavar="GUID", help="The tenant in the issuers.")] = "",
    address: Annotated[
        str, typer.Option("--address", metavar="URL", help="nginx: where our middleware answers.")
    ] = "http://127.0.0.1:8454/",
    keys: Annotated[
        Path, typer.Option("--keys", metavar="FOLDER", help="HAProxy: where its key files are written.")
    ] = Path(),
    output: params.Output = None,
) -> None:
    """Write configuration for a gateway that knows no block list: only the keys that are left, by issuer."""
    from counterfoil.respond import gateway as gateways

    name = options.one_of(kind, GATEWAYS, "no gateway", "gateways")
    known = read_token_policy(policy)
    if list_file is not None:
        known = blocking_policy(known, list_file, time.time())
    if name == "nginx":
        terminal.write(gateways.nginx(address), output)
        return
    wanted = known.flow(flow)
    left = gateways.issuers(known, wanted, tenant)
    if name == "envoy":
        terminal.write(json.dumps(gateways.envoy(left, wanted), indent=2) + "\n", output)
        return
    text, pems = gateways.haproxy(left, wanted, str(keys.resolve()))
    for pem, content in pems.items():
        _put(keys / pem, content)
    terminal.write(text, output)


def runbook(
    issuer: Annotated[
        str, typer.Argument(metavar="PRODUCT", help="Of the issuer; none: list them.", show_default=False)
    ] = "",
) -> None:
    """Tell how to rotate at an issuer that is not ours, in the order that breaks nothing."""
    from counterfoil.respond.runbooks import RUNBOOKS, text

    if not issuer:
        terminal.write("".join(f"{book.name:<12}{book.title}\n" for book in RUNBOOKS.values()))
        return
    terminal.write(text(RUNBOOKS[options.one_of(issuer, RUNBOOKS, "no runbook for", "products")]))


def _life(store: Path) -> LifeSettings | None:
    from counterfoil.custody.settings import read_settings

    return read_settings(store).life


def _flight(parties: Path | None, receipts: Sequence[Path] | None, versions: Sequence[KeyVersion]) -> Flight:
    """Read who the relying parties are, ask what they are shown, and see in receipts how long they lagged."""
    from counterfoil.respond.asked import seen
    from counterfoil.respond.preflight import MAX_PARTIES_BYTES, Flight, lags, read_parties

    if parties is None:
        if receipts:
            raise UsageError("--receipts needs --parties", hint="they say how long each of those parties lagged")
        return Flight()
    known = read_parties(read_bounded(parties, MAX_PARTIES_BYTES), str(parties))
    flight = Flight(known, seen(known))
    for path in receipts or ():
        told = respond_text.receipts(read_bounded(path, MAX_RECEIPTS_BYTES))
        found = lags(told, versions)
        flight = replace(flight, lags={
            name: max(found.get(name, 0.0), flight.lags.get(name, 0.0)) for name in {*found, *flight.lags}
        })
    return flight


def _of(versions: Sequence[KeyVersion], kid: str) -> KeyVersion:
    from counterfoil.custody.life import find

    return find(versions, kid)


def _entry(version: KeyVersion, reason: str, since: str | None, cut_off: str | None, now: datetime) -> Blocked:
    from counterfoil.tokens.blocklist import Blocked

    begin = now if since is None else options.moment(since, "--since").replace(tzinfo=UTC)
    end = None if cut_off is None else options.moment(cut_off, "--cut-off").replace(tzinfo=UTC).timestamp()
    return Blocked(version.kid, version.kid, int(begin.timestamp()), reason, end)


def _digests(ledger: str, kid: str, cut_off: float | None) -> bytes:
    from counterfoil.respond.block import minted_before
    from counterfoil.tlog.stored import stored_at

    return minted_before(stored_at(ledger), kid, datetime.fromtimestamp(cut_off or 0.0, UTC))


def _last(file: Path, versions: Sequence[KeyVersion], issuer: str) -> BlockList | None:
    """Return the list that is there, verified by the keys that sign lists; None if there is none yet."""
    from counterfoil.respond.block import signers
    from counterfoil.tokens import blocklist
    from counterfoil.tokens.limits import MAX_BLOCK_LIST_BYTES

    if not file.exists():
        return None
    raw = read_bounded(file, MAX_BLOCK_LIST_BYTES)
    try:
        return blocklist.read(raw.strip(), signers(versions, issuer))
    except CounterfoilError as error:
        told = f"{file} is no block list of this key: {error}"
        raise UsageError(told, hint="name the list that was written last, or a new file") from error


def _span(text: str) -> float:
    from counterfoil.tokens.policy_file import seconds

    try:
        return seconds(text)
    except ValueError as error:
        raise UsageError(f"--lasts: {error}") from error


def _publish(file: Path, made: Written) -> None:
    """Put a list in its place, the digests that belong to it first."""
    from counterfoil.tokens.blocklist import DIGESTS_SUFFIX

    if made.digests is not None:
        _put(file.with_name(f"{file.name}{DIGESTS_SUFFIX}"), made.digests)
    _put(file, made.text.encode())


def _put(path: Path, content: bytes) -> None:
    try:
        with files.writing(path, LIST_MODE, durable=True) as file:
            file.write(content)
    except OSError as error:
        raise files.unwritable(path, error) from error
