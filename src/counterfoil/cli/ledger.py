"""`ledger`: the counterfoils of a mint: verified, exported, counted, proven."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import exporting, options, params, terminal
from counterfoil.cli.exits import ExitCode
from counterfoil.config import read_bounded
from counterfoil.errors import InputError, LogTamperedError, UsageError
from counterfoil.report import registry
from counterfoil.report.clean import clean

if TYPE_CHECKING:
    from counterfoil.mint.ledger import Ledger
    from counterfoil.model.counterfoil import Counterfoil
    from counterfoil.tlog.witness import Witness

FORMATS = ("text", "json")

Place = Annotated[
    str,
    typer.Argument(
        metavar="LEDGER", help="Folder of the ledger, or a copy; or postgresql://USER@HOST/DB.", show_default=False
    ),
]
Key = Annotated[
    Path | None, typer.Option("--key", metavar="FILE", help="For a database: the file of the log's private key.")
]
Form = Annotated[str, typer.Option("--format", "-f", metavar="|".join(FORMATS), help="Form of the output.")]
Checkpoint = Annotated[
    Path | None,
    typer.Option("--checkpoint", metavar="FILE", help="Checkpoint that another party keeps."),
]
LogKey = Annotated[str, typer.Option("--log-key", metavar="KEY|FILE", help="The ledger's public key (log.vkey).")]
Issuer = Annotated[str, typer.Option("--issuer", metavar="ISS", help="Of this issuer only.", show_default=False)]
Kid = Annotated[str, typer.Option("--kid", metavar="KID", help="Under this key only.", show_default=False)]
Drops = Annotated[
    list[str] | None,
    typer.Option("--witness", metavar="FOLDER|URL=KEY", help="Who is to keep the checkpoint. Repeatable."),
]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    group = typer.Typer(help="The ledger of what was minted: verify, export, prove, count.", rich_markup_mode=None)
    for command in (init, record, verify, witness, export, prove, check, count):
        group.command()(command)
    app.add_typer(group, name="ledger")


def init(
    place: Annotated[
        str, typer.Argument(metavar="LEDGER", help="Folder to make, or postgresql://USER@HOST/DB.", show_default=False)
    ],
    origin: Annotated[
        str, typer.Option("--origin", metavar="NAME", help="Name of the log, such as ledger.example.com/idp.")
    ],
    key: Key = None,
) -> None:
    """Make an empty ledger, and print its public key."""
    from counterfoil.mint.ledger import FileLedger

    if _in_database(place, key):
        from counterfoil.mint.sqlledger import create

        made, what = create(place, origin, key or Path()), "the ledger"
    else:
        with FileLedger.open(Path(place), origin) as ledger:
            made, what = ledger.key, place
    kept = key or Path("log.key")
    terminal.say(f"made {what}", f"give this key to whoever verifies; keep {kept} where only the mint can read it")
    terminal.write(f"{made.render()}\n")


def _in_database(place: str, key: Path | None, option: str = "--key") -> bool:
    """Tell whether a ledger that is written is in a database, for which a key and the extra must be there."""
    from counterfoil.tlog.stored import SCHEMES, stored_at

    if not place.startswith(SCHEMES):
        if key is not None:
            raise UsageError(f"{option} is for a ledger in a database", hint="a folder holds its own: log.key")
        return False
    stored_at(place)  # the extra is installed, the address has no password
    if key is None:
        raise UsageError(f"{option} is needed", hint="the file of the log's private key; each mint needs a copy")
    return True


def opened(place: str, key: Path | None, option: str = "--key") -> Ledger:
    """Return the ledger in a folder, or at the address of a database, for writing; `option` gave the key's file."""
    from counterfoil.mint.ledger import FileLedger

    if not _in_database(place, key, option):
        return FileLedger.open(Path(place))
    from counterfoil.mint.sqlledger import SqlLedger

    return SqlLedger.open(place, key or Path())


def record(
    place: Place,
    key: Key = None,
    subject_keys: Annotated[
        Path | None,
        typer.Option("--subject-keys", metavar="FILE", help="Keys of the pseudonyms; without, no subject is kept."),
    ] = None,
) -> None:
    """Record a counterfoil for each line of standard input, which an issuer writes before it hands out the token.

    A line: {"input": "header.payload", "grant": "client_credentials", "parents": []}. Answers, one line each, in any
    order: {"line": 1, "index": 0, "jti": ..., "digest": ...} once it is durable, or {"line": 1, "error": ...}.
    """
    import sys

    import msgspec

    from counterfoil.config import read_subject_keys
    from counterfoil.custody.custody import utc_now
    from counterfoil.mint.observed import MAX_LINE, Kept, record_lines

    keys = read_subject_keys(subject_keys) if subject_keys is not None else None

    def answer(kept: Kept) -> None:
        sys.stdout.buffer.write(msgspec.json.encode(kept) + b"\n")
        sys.stdout.buffer.flush()

    with opened(place, key) as ledger, terminal.while_read():
        lines = iter(lambda: sys.stdin.buffer.readline(MAX_LINE + 1), b"")
        refused = record_lines(lines, ledger, answer, clock=utc_now, subject_key=keys)
    if refused:
        raise InputError(f"{refused:,} lines were refused", hint="their answers say why")


def verify(
    place: Place,
    log_key: LogKey = "",
    checkpoint: Checkpoint = None,
    format: Form = "text",
) -> None:
    """Verify the whole ledger, and hold it to a checkpoint; ends with 1 if it is not what was recorded."""
    from counterfoil.mint import proofs
    from counterfoil.mint.ledger import checked
    from counterfoil.tlog.checkpoint import opened
    from counterfoil.tlog.replay import hold_to
    from counterfoil.tlog.stored import stored_at

    form = options.one_of(format, FORMATS, "--format: unknown", "formats")
    key = options.log_key(log_key) if log_key else None
    try:
        found = stored_at(place).verified(checked, key)
        kept = 0
        if checkpoint is not None:
            told, _ = opened(read_bounded(checkpoint, proofs.MAX_PROOF_BYTES), found.key)
            hold_to(found.view, told, f"checkpoint {checkpoint}")
            kept = told.size
    except LogTamperedError as error:
        _tell(form, {"ok": False, "problem": str(error), "hint": error.hint}, f"NOT AS RECORDED  {error}\n")
        terminal.leave(ExitCode.FOUND)
    size = found.size
    values = {"ok": True, "log": found.key.name, "key": found.key.render(), "entries": size, "kept": kept}
    extends = f"; it extends the checkpoint of {kept:,}" if checkpoint is not None else ""
    _tell(form, values, f"{found.key.name}: {size:,} counterfoils, as they were recorded{extends}\n")


def witness(place: Place, witnesses: Drops = None) -> None:
    """Publish the ledger's head, and have others keep it. A mint on a folder must not be running meanwhile."""
    from counterfoil.cli.keys import witnesses_for
    from counterfoil.mint.ledger import FileLedger
    from counterfoil.tlog.stored import InFolder, stored_at
    from counterfoil.tlog.submit import submit

    log = stored_at(place)
    found: tuple[Witness, ...] = witnesses_for(log.key(), witnesses or [])
    if isinstance(log, InFolder):
        with FileLedger.open(log.path, witnesses=found) as ledger:
            made = ledger.checkpoint()
    else:
        made = submit(log, found)
    for line in made.unreachable:
        terminal.say(line)
    terminal.write(made.checkpoint.render())


def export(place: Place, output: params.Output = None) -> None:
    """Write the ledger as JSON lines, verified on the way: what hunt reads as counterfoil-ledger."""
    from counterfoil.model.counterfoil import LEDGER_SCHEMA
    from counterfoil.tlog.stored import stored_at

    exporting.write(stored_at(place), LEDGER_SCHEMA, output)


def prove(
    place: Place,
    token_id: Annotated[str, typer.Argument(metavar="JTI|DIGEST", help="Id of the token, or its digest.")],
    checkpoint: Checkpoint = None,
) -> None:
    """Write a proof that a token was minted, for somebody who need not believe you; ends with 1 if it was not."""
    from counterfoil.mint import proofs
    from counterfoil.tlog.stored import stored_at

    kept = None if checkpoint is None else read_bounded(checkpoint, proofs.MAX_PROOF_BYTES)
    made = proofs.prove(stored_at(place), token_id, kept)
    if not made:
        terminal.say("the ledger holds no counterfoil of that token", "give its jti, or the SHA-256 of header.payload")
        terminal.leave(ExitCode.FOUND)
    for proof in made:
        terminal.write(proof.decode())


def check(
    proof: Annotated[Path, typer.Argument(metavar="PROOF", help="The proof (JSON).")],
    log_key: LogKey,
    checkpoint: Checkpoint = None,
    format: Form = "text",
) -> None:
    """Check a proof that a token was minted: nothing else of the issuer's is needed, or believed."""
    from counterfoil.mint import proofs

    form = options.one_of(format, FORMATS, "--format: unknown", "formats")
    key = options.log_key(log_key)
    kept = None if checkpoint is None else read_bounded(checkpoint, proofs.MAX_PROOF_BYTES)
    try:
        counterfoil, head = proofs.check(read_bounded(proof, proofs.MAX_PROOF_BYTES), key, kept)
    except LogTamperedError as error:
        _tell(form, {"ok": False, "problem": str(error), "hint": error.hint}, f"NOT PROVEN  {error}\n")
        terminal.leave(ExitCode.FOUND)
    values = {"ok": True, "log": head.origin, "entries": head.size, "counterfoil": _plain(counterfoil)}
    as_kept = ", as the checkpoint that is kept says" if kept else ""
    lines = (
        f"MINTED  {clean(counterfoil.jti)}",
        f"  by {clean(counterfoil.iss)} at {counterfoil.time:%Y-%m-%d %H:%M:%S} UTC, key {clean(counterfoil.kid)}",
        f"  for {clean(', '.join(counterfoil.aud)) or 'no audience'}; digest {clean(counterfoil.digest)}",
        f"  in {clean(head.origin)}, a log of {head.size:,} entries{as_kept}",
    )
    _tell(form, values, "".join(f"{line}\n" for line in lines))


def count(
    place: Place,
    since: params.Since = None,
    until: params.Until = None,
    issuer: Issuer = "",
    kid: Kid = "",
    format: params.OutputFormat = "text",
) -> None:
    """Count what was minted in a window, by issuer, key and grant; the whole ledger is verified on the way."""
    from counterfoil.mint import proofs
    from counterfoil.tlog.stored import stored_at

    form = options.one_of(format, registry.formats(), "--format: unknown", "formats")
    begin, end = options.window(since, until)
    told = proofs.count(stored_at(place), proofs.within(begin, end, issuer, kid))
    rows = [*((*group, number) for group, number in sorted(told.items())), ("", "", "all", told.total())]
    terminal.write(registry.table(form, ("issuer", "key", "grant", "minted"), rows, terminal.screen()))


def _plain(counterfoil: Counterfoil) -> object:
    import msgspec

    return msgspec.to_builtins(counterfoil)


def _tell(form: str, values: dict[str, object], text: str) -> None:
    whole = {"schema": "counterfoil.ledger/1", **values}
    terminal.write(json.dumps(whole, ensure_ascii=False) + "\n" if form == "json" else text)
