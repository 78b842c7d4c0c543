"""`token mint`: one token by a policy, signed in custody, its counterfoil in a ledger. Prints nothing but the token."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.cli import keys, options, terminal
from counterfoil.cli import ledger as ledgers
from counterfoil.config import read_bounded, read_subject_keys
from counterfoil.errors import InputError

if TYPE_CHECKING:
    from counterfoil.mint.countersign import Countersigner
    from counterfoil.mint.signing import Signing

STDIN = Path("-")
# Claims of one token: a verifier takes no larger one.
MAX_CLAIMS_BYTES = 64 * 1024

Counter = Annotated[
    Path | None, typer.Option("--counter-store", metavar="STORE", help="Custody of the key that counter-signs.")
]


def mint(
    claims: Annotated[
        Path, typer.Argument(metavar="FILE", help="Claims (a JSON object); - or none: standard input.")
    ] = STDIN,
    *,
    policy: Annotated[Path, typer.Option("--policy", metavar="FILE", help="Mint policy: what may be issued (TOML).")],
    store: Annotated[
        Path, typer.Option("--store", metavar="STORE", help="Custody of the signing key, or its signer's socket.")
    ],
    ledger: Annotated[
        str, typer.Option("--ledger", metavar="LEDGER", help="Ledger of the counterfoil: folder or address.")
    ],
    subject_keys: Annotated[
        Path, typer.Option("--subject-keys", metavar="FILE", help="Keys of the pseudonyms in it (token subject-key).")
    ],
    ledger_key: Annotated[
        Path | None, typer.Option("--ledger-key", metavar="FILE", help="For a database: the log's private key.")
    ] = None,
    rule: Annotated[
        str | None, typer.Option("--rule", metavar="NAME", help="Rule of the policy; needed if it has several.")
    ] = None,
    grant: Annotated[str, typer.Option("--grant", metavar="GRANT", help="What it is issued for.")] = "other",
    parents: Annotated[
        list[str] | None, typer.Option("--parent", metavar="ID", help="Id of a token that was shown. Repeatable.")
    ] = None,
    client: Annotated[str, typer.Option("--client", metavar="ID", help="Client that gets it.")] = "",
    session: Annotated[str, typer.Option("--session", metavar="ID", help="Session that it belongs to.")] = "",
    lifetime: Annotated[
        float | None, typer.Option("--lifetime", metavar="SECONDS", help="Its life, if less than the rule's.")
    ] = None,
    counter_store: Counter = None,
    counter_key: Annotated[
        str, typer.Option("--counter-key", metavar="NAME", help="Name of the key that counter-signs.")
    ] = "counter",
) -> None:
    """Mint one token, and print it: whoever reads the output holds it. Its counterfoil is in the ledger before."""
    from counterfoil.mint.mint import Mint
    from counterfoil.mint.policy import MintPolicy
    from counterfoil.model.counterfoil import Grant
    from counterfoil.tokens.limits import MAX_POLICY_BYTES

    kind = Grant(options.one_of(grant, tuple(Grant), "--grant: unknown", "grants"))
    text = read_bounded(policy, MAX_POLICY_BYTES).decode("utf-8", "replace")
    known, subjects, given = MintPolicy.from_toml(text, str(policy)), read_subject_keys(subject_keys), _claims(claims)
    with ExitStack() as stack:
        signing = keys.opened(store, stack)
        counter = None if counter_store is None else _counter(counter_store, counter_key, signing, stack)
        kept = stack.enter_context(ledgers.opened(ledger, ledger_key, "--ledger-key"))
        issuer = Mint(signing, kept, known, subjects, countersigner=counter)
        minted = issuer.issue(
            given, rule, grant=kind, parents=parents or (), client=client, session=session, lifetime=lifetime
        )
    terminal.write(f"{minted.token}\n")


def _counter(store: Path, key: str, signing: Signing, stack: ExitStack) -> Countersigner:
    from counterfoil.mint.countersign import Countersigner

    return Countersigner(keys.opened(store, stack), key, signing)


def _claims(file: Path) -> dict[str, Any]:
    """Return the claims that a file or standard input holds; raises InputError for anything but one JSON object."""
    import msgspec

    raw = sys.stdin.buffer.read(MAX_CLAIMS_BYTES + 1) if file == STDIN else read_bounded(file, MAX_CLAIMS_BYTES)
    name = "standard input" if file == STDIN else str(file)
    if len(raw) > MAX_CLAIMS_BYTES:
        raise InputError(f"{name}: longer than {MAX_CLAIMS_BYTES} bytes", hint="give the claims of one token")
    try:
        return msgspec.json.decode(raw, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(
            f"{name}: no JSON object", hint='claims are such as {"sub": "alice", "aud": "api://mail"}'
        ) from error
