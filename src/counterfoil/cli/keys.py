"""`keys`: custody of signing keys. No private key, passphrase or token is an argument, and none is printed."""

from __future__ import annotations

import hashlib
import re
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import exporting, keys_text, options, params, terminal
from counterfoil.cli.exits import ExitCode
from counterfoil.cli.keys_watch import watch
from counterfoil.config import read_bounded
from counterfoil.errors import CounterfoilError, LogTamperedError, UsageError

if TYPE_CHECKING:
    from counterfoil.custody.algorithm import Algorithm
    from counterfoil.custody.client import SignerClient
    from counterfoil.custody.custody import Custody
    from counterfoil.tlog.note import VerifierKey
    from counterfoil.tlog.witness import Witness

FORMATS = ("text", "json")
STDIN = Path("-")

Store = Annotated[
    Path, typer.Argument(metavar="STORE", help="Custody folder, or the socket of its signer.", show_default=False)
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the key.", show_default=False)]
Purpose = Annotated[str, typer.Option("--purpose", metavar="TEXT", help="Why; is recorded.", show_default=False)]
Form = Annotated[str, typer.Option("--format", "-f", metavar="|".join(FORMATS), help="Form of the output.")]
AlgorithmOption = Annotated[
    str,
    typer.Option(
        "--algorithm", metavar="NAME", help="RS256, PS256, ES256, Ed25519 or (its old name) EdDSA.", show_default=False
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    group = typer.Typer(help="Custody of signing keys: every use is recorded, and verified.", rich_markup_mode=None)
    commands = (
        init, create, attach, list_keys, sign, rotate, disable, destroy, audit, export, attest, serve, witness, watch,
    )
    for command in commands:
        group.command("list" if command is list_keys else None)(command)
    app.add_typer(group, name="keys")


def init(
    store: Annotated[Path, typer.Argument(metavar="STORE", help="Folder to make.", show_default=False)],
    origin: Annotated[
        str, typer.Option("--origin", metavar="NAME", help="Name of the log, such as custody.example.com/idp.")
    ],
    backend: Annotated[
        str, typer.Option("--backend", metavar="NAME", help="file, pkcs11, openbao, aws-kms or tpm.")
    ] = "file",
    values: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Setting of the back-end, such as token=file:bao-token."),
    ] = None,
) -> None:
    """Make a custody folder with its settings, custody.toml."""
    from counterfoil.custody import apart
    from counterfoil.custody.backends import DRIVERS
    from counterfoil.custody.founding import found
    from counterfoil.custody.settings import read_settings

    kind = options.one_of(backend, DRIVERS, "--backend: unknown", "back-ends")
    pairs = dict(_pair(text) for text in values or ())
    for made in found(store, kind, origin, pairs):
        terminal.say(f"made {store / made}")
    if kind != "file":
        try:
            apart.opened(read_settings(store)).close()
        except CounterfoilError as error:  # said now, not when a key is needed
            terminal.say(f"the back-end cannot be used yet: {error}", error.hint or "the settings are kept")


def create(
    store: Store, name: Name, algorithm: AlgorithmOption = "ES256", purpose: Purpose = "", format: Form = "text"
) -> None:
    """Make a key; non-exportable where the back-end allows."""
    form, wanted = _form(format), _algorithm(algorithm)
    with ExitStack() as stack:
        version = opened(store, stack).create(name, wanted, purpose=purpose)
    terminal.write(keys_text.versions([version], form))


def attach(
    store: Store,
    name: Name,
    reference: Annotated[
        str,
        typer.Argument(
            metavar="KEY", help="What the back-end calls it: PEM file, label or id:HEX, name, key id, handle.",
            show_default=False,
        ),
    ],
    algorithm: AlgorithmOption = "",
    purpose: Purpose = "",
    format: Form = "text",
) -> None:
    """Take a key that exists into custody; RSA keys need --algorithm."""
    form = _form(format)
    wanted = _algorithm(algorithm) if algorithm else None
    with ExitStack() as stack:
        version = opened(store, stack).attach(name, reference, wanted, purpose=purpose)
    terminal.write(keys_text.versions([version], form))


def list_keys(
    store: Store,
    jwks: Annotated[
        bool, typer.Option("--jwks", help="Print the JWK set of all keys whose tokens are still verified.")
    ] = False,
    purpose: Purpose = "",
    format: Form = "text",
) -> None:
    """List every version of every key."""
    from counterfoil.custody.publication import jwks as published

    form = _form(format)
    with ExitStack() as stack:
        found = opened(store, stack).keys(purpose=purpose)
    terminal.write(published(found) if jwks else keys_text.versions(found, form))


def sign(
    store: Store,
    name: Name,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The JWS signing input, header.payload; - or none: standard input.")
    ] = STDIN,
    purpose: Purpose = "",
    format: Form = "text",
) -> None:
    """Sign a JWS signing input; prints the signature as the third part of a JWS (base64url)."""
    from counterfoil.custody.store import MAX_SIGNING_INPUT
    from counterfoil.jose import base64url

    form = _form(format)
    raw = sys.stdin.buffer.read(MAX_SIGNING_INPUT + 1) if file == STDIN else read_bounded(file, MAX_SIGNING_INPUT)
    signing_input = raw.removesuffix(b"\n")
    with ExitStack() as stack:
        signature = opened(store, stack).sign(name, signing_input, purpose=purpose).signature
    told = base64url.encode(signature)
    digest = hashlib.sha256(signing_input).hexdigest()
    shown = keys_text.document("key-signature", signature=told, digest=digest) if form == "json" else f"{told}\n"
    terminal.write(shown)


def rotate(
    store: Store,
    name: Name,
    prepare: Annotated[
        bool, typer.Option("--prepare", help="Make and publish the next version; a later rotate lets it sign.")
    ] = False,
    purpose: Purpose = "",
    format: Form = "text",
) -> None:
    """Let the next version of a key sign from now on; it is made now, unless it was prepared."""
    form = _form(format)
    with ExitStack() as stack:
        held = opened(store, stack)
        version = held.prepare(name, purpose=purpose) if prepare else held.rotate(name, purpose=purpose)
    terminal.write(keys_text.versions([version], form))


def disable(store: Store, name: Name, purpose: Purpose = "", format: Form = "text") -> None:
    """Let no version of a key sign any more."""
    form = _form(format)
    with ExitStack() as stack:
        found = opened(store, stack).disable(name, purpose=purpose)
    if not found:
        terminal.say(f"no version of {name} could sign: nothing to disable")
    terminal.write(keys_text.versions(found, form, ended="disabled"))


def destroy(
    store: Store,
    name: Name,
    sure: Annotated[bool, typer.Option("--yes", help="Needed: private keys are deleted.")] = False,
    purpose: Purpose = "",
    format: Form = "text",
) -> None:
    """Delete the private keys of all versions of a key that is disabled."""
    form = _form(format)
    if not sure:
        raise UsageError(f"this deletes the private keys of {name}", hint="add --yes")
    with ExitStack() as stack:
        found = opened(store, stack).destroy(name, purpose=purpose)
    terminal.write(keys_text.versions(found, form, ended="destroyed"))


def audit(
    store: Annotated[
        Path, typer.Argument(metavar="STORE", help="Folder of the custody, or a copy of its log.", show_default=False)
    ],
    key: Annotated[
        str, typer.Option("--key", metavar="KEY|FILE", help="The log's public key (log.vkey), from elsewhere.")
    ] = "",
    witnesses: Annotated[
        list[str] | None,
        typer.Option("--witness", metavar="FOLDER|URL=KEY", help="Who keeps checkpoints. Default: as in the settings."),
    ] = None,
    records: Annotated[bool, typer.Option("--records", help="List every operation, not sums.")] = False,
    digest: Annotated[
        str, typer.Option("--digest", metavar="HEX", help="Find the records of this signing input (its SHA-256).")
    ] = "",
    format: Form = "text",
) -> None:
    """Verify the whole log and tell who did what; ends with 1 if anything is not as it must be."""
    from counterfoil.custody import auditor

    form, wanted = _form(format), _digest(digest) if digest else ""
    log = store / "log" if (store / "log").is_dir() else store
    pinned = options.log_key(key) if key else None
    try:
        told = auditor.audited(log, pinned, _witnesses(store, log, witnesses), store if log != store else None)
        listed = list(auditor.entries(log, wanted)) if records or digest else None
        proofs = {entry.index: auditor.check_inclusion(log, entry.index) for entry, _ in listed or () if digest}
    except LogTamperedError as error:
        terminal.write(keys_text.tampered(error, form))
        terminal.leave(ExitCode.FOUND)
    terminal.write(keys_text.audit(told, listed, proofs, form, terminal.screen()))
    if digest and not listed:
        terminal.say("no record of this signing input", "take the SHA-256 of header.payload, without the signature")
    if told.problems or (digest and not listed):
        terminal.leave(ExitCode.FOUND)


def export(
    store: Annotated[
        Path, typer.Argument(metavar="STORE", help="Folder of the custody, or a copy of its log.", show_default=False)
    ],
    output: params.Output = None,
) -> None:
    """Write the log as JSON lines, verified on the way: what hunt reads as counterfoil-custody. Needs no secret."""
    from counterfoil.model.counterfoil import CUSTODY_SCHEMA
    from counterfoil.tlog.stored import InFolder

    exporting.write(InFolder(store / "log" if (store / "log").is_dir() else store), CUSTODY_SCHEMA, output)


def attest(
    store: Store,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of a key.", show_default=False)] = "",
    purpose: Purpose = "",
    format: Form = "text",
) -> None:
    """Tell what the back-end states about a key; have the log's head witnessed, and the device's audit signed."""
    form = _form(format)
    with ExitStack() as stack:
        held = opened(store, stack)
        attestation = held.attest(name, purpose=purpose) if name else None
        made = held.checkpoint(purpose=purpose)
    for line in made.unreachable:
        terminal.say(line)
    terminal.write(keys_text.attested(attestation, made.checkpoint.render(), made.unreachable, form))


def serve(
    store: Annotated[Path, typer.Argument(metavar="STORE", help="Folder of the custody.", show_default=False)],
    allow: Annotated[
        list[str] | None,
        typer.Option("--allow", metavar="USER|@GROUP", help="May sign, besides those in the settings."),
    ] = None,
) -> None:
    """Run the signer: hold the keys, answer on a Unix socket, until it is told to end."""
    import msgspec

    from counterfoil.custody.custody import Custody
    from counterfoil.custody.hardening import harden
    from counterfoil.custody.settings import read_settings
    from counterfoil.custody.signer import Signer

    told = harden().told()
    settings = read_settings(store)
    part = msgspec.structs.replace(settings.signer, allow=(*settings.signer.allow, *(allow or ())))
    with Custody.open(store, note_on_open=told) as custody:
        signer = Signer(custody, part, store / part.socket)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: signer.stop())
        terminal.say(f"signer: {told}; log key {custody.log_key.render()}")
        terminal.say(f"signer: listening at {store / part.socket}")
        signer.serve(terminal.say)


def witness(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where checkpoints are kept.", show_default=False)],
    logs: Annotated[
        list[str], typer.Option("--log", metavar="KEY|FILE", help="Public key of a log (log.vkey). Repeat for more.")
    ],
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="Name of this witness, such as witness.example.com/w1.")
    ],
    listen: Annotated[str, typer.Option("--listen", metavar="HOST:PORT", help="Where to answer.")] = "127.0.0.1:8453",
) -> None:
    """Be a witness of others' logs over HTTP (tlog-witness); put TLS in front of it."""
    from counterfoil.tlog.server import Keeper, serve

    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit():
        raise UsageError(f"--listen: expected HOST:PORT, got {listen[:80]!r}")
    keeper = Keeper(folder, name, [options.log_key(text) for text in logs], time.time)
    with serve(keeper, host, int(port)) as server:
        terminal.say(f"witness: key {keeper.key.render()}")
        terminal.say(f"witness: answers at http://{host}:{server.server_address[1]}")
        server.serve_forever()


def opened(store: Path, stack: ExitStack) -> Custody | SignerClient:
    """Return the custody in a folder, or its signer if one answers there or the path is its socket."""
    from counterfoil.custody.client import SignerClient
    from counterfoil.custody.custody import Custody
    from counterfoil.custody.hardening import harden
    from counterfoil.custody.settings import read_settings

    socket = store if store.is_socket() else store / read_settings(store).signer.socket
    if socket.is_socket():
        return stack.enter_context(SignerClient(socket))
    harden()
    return stack.enter_context(Custody.open(store))


def _form(format: str) -> str:
    return options.one_of(format, FORMATS, "--format: unknown", "formats")


def _algorithm(text: str) -> Algorithm:
    from counterfoil.custody.algorithm import Algorithm

    known = {str(found).lower(): str(found) for found in Algorithm}
    named = known.get(text.lower(), text)
    return Algorithm(options.one_of(named, known.values(), "--algorithm: unknown", "algorithms"))


def _digest(text: str) -> str:
    """Return a SHA-256 in lower case. A record that is sought under anything else would seem to be missing."""
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        told = f"--digest: expected the 64 hex digits of a SHA-256, got {len(text)} characters"
        raise UsageError(told, hint="that of header.payload, without the signature")
    return text.lower()


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise UsageError("--set: expected KEY=VALUE", hint="such as token=file:bao-token")
    return name, value


def _witnesses(store: Path, log: Path, given: list[str] | None) -> tuple[Witness, ...]:
    """Return the witnesses that were typed, else those of the settings, if there are any."""
    from counterfoil.custody.custody import witnesses_of
    from counterfoil.custody.settings import FILE, read_settings
    from counterfoil.tlog.folder import Folder
    from counterfoil.tlog.replay import verifier_key

    if given is None:
        own = verifier_key(Folder(log))
        return witnesses_of(read_settings(store), own) if (store / FILE).exists() else ()
    return witnesses_for(verifier_key(Folder(log)), given)


def witnesses_for(log: VerifierKey, given: Sequence[str]) -> tuple[Witness, ...]:
    """Return the witnesses that were typed, of the log of that key: folders, and URL=KEY."""
    from counterfoil.custody.custody import witness_of
    from counterfoil.custody.settings import WitnessSettings

    found = []
    for text in given:
        url, _, key = text.partition("=")
        web = url.startswith(("http://", "https://"))
        told = WitnessSettings(url=url, key=options.log_key(key).render()) if web else WitnessSettings(drop=text)
        found.append(witness_of(told, Path(), log))
    return tuple(found)
