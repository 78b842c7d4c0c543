"""The options that several commands share: names, help and defaults, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from counterfoil import files
from counterfoil.report.registry import formats

DEFAULT_CASE = Path("counterfoil-case")
FORMATS = "|".join(formats())

Paths = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[PATH]", help="Files, folders or quoted globs; archives in archives are opened.", show_default=False
    ),
]
Case = Annotated[
    Path,
    typer.Option(
        "--case", metavar="DIR", envvar="COUNTERFOIL_CASE", help="Folder of the case: evidence and results.",
        show_default=False,
    ),
]
Since = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="Judge acceptances from this time on (UTC).")
]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Judge acceptances before this time (UTC).")]
Complete = Annotated[
    list[str] | None,
    typer.Option(
        "--complete",
        metavar="SOURCE/KIND[:FROM..TO]",
        help="This part of a log is complete, so that absence there convicts. Repeat for each part.",
    ),
]
ExportedAt = Annotated[
    str | None,
    typer.Option("--exported-at", metavar="TIME", help="When the logs were exported (UTC): late records have arrived."),
]
Federated = Annotated[
    list[str] | None,
    typer.Option(
        "--federated", metavar="DOMAIN=ISSUER", help="Sign-ins of this domain are asserted by that issuer. Repeatable."
    ),
]
Identities = Annotated[
    Path | None,
    typer.Option(
        "--identities", metavar="FILE", help="CSV with header id,name: which names belong to which object id.",
        exists=True, dir_okay=False, readable=True,
    ),
]
Networks = Annotated[
    Path | None,
    typer.Option(
        "--networks", metavar="FILE",
        help="Whose network an address is in: an MMDB, or lines NETWORK,ASN,NAME. Hosts and VPNs are suspicious.",
        exists=True, dir_okay=False, readable=True,
    ),
]
LogKeys = Annotated[
    list[str] | None,
    typer.Option(
        "--log-key", metavar="KEY|FILE",
        help="Public key of a ledger or custody log, which its exports are verified with. Repeatable.",
    ),
]
Checkpoints = Annotated[
    list[Path] | None,
    typer.Option(
        "--checkpoint", metavar="FILE",
        help="Checkpoint of such a log that another party keeps: an export that extends it is attested. Repeatable.",
    ),
]
TokenPolicy = Annotated[
    Path | None,
    typer.Option(
        "--token-policy", metavar="FILE",
        help="What each signing key may sign: a token that its key may not sign is contradicted.",
    ),
]
Memory = Annotated[
    str | None,
    typer.Option("--memory", metavar="SIZE", help="Memory of the process, such as 2GB; the rest is spilled."),
]
Engine = Annotated[
    str | None,
    typer.Option(
        "--engine", metavar="sc://HOST:PORT", envvar="COUNTERFOIL_ENGINE", show_default=False,
        help="Read JSON lines and judge on this Spark, which sees logs and case under the same paths; what is secret "
        "of the address goes into the variable.",
    ),
]
Tables = Annotated[
    list[str] | None,
    typer.Option(
        "--table", metavar="TABLE",
        help="With --engine: read this table of the lake (what stands after FROM in Spark's SQL), or one SELECT. "
        "Repeatable.",
    ),
]
AskedEngine = Annotated[
    str | None,
    typer.Option(
        "--engine", metavar="sc://HOST:PORT", envvar="COUNTERFOIL_ENGINE", show_default=False,
        help="Let this Spark answer, which sees the case under the same path: plain tokens and evidence stay there.",
    ),
]
Rehash = Annotated[
    bool, typer.Option("--rehash", help="Read every file again, also those that look as they did when they were read.")
]
Threads = Annotated[int | None, typer.Option("--threads", metavar="N", min=1, help="Threads of the engine.")]
FailOn = Annotated[
    str | None,
    typer.Option(
        "--fail-on",
        metavar="VERDICTS",
        help="Exit with 1 on findings of these verdicts, or graver ones; none: never. Default: all but suspicion.",
    ),
]
OutputFormat = Annotated[
    str, typer.Option("--format", "-f", metavar=FORMATS, help="Form of the output.", show_default=False)
]


def _output(named: Path | None) -> Path | None:
    """Return the file, checked before any work is done; None for stdout by any of its names."""
    if named is None or str(named) in ("-", "/dev/stdout"):
        return None
    files.expect(named)
    return named


Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="FILE", callback=_output,
        help="Write there instead of to stdout (-); only you can read the file.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Tell nothing on stderr but errors.")]
Redact = Annotated[
    bool,
    typer.Option("--redact", help="Pseudonyms for people, mailboxes, addresses, ids, tenants, files: for sharing."),
]
