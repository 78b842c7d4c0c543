"""`token`: mint, verify against a policy, look into, check a policy. No token is printed but the one that is minted."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.cli import options, terminal, token_mint
from counterfoil.cli.exits import ExitCode
from counterfoil.config import add_subject_key, blocking_policy, read_bounded, read_token_policy
from counterfoil.errors import InputError, UsageError, VerifyError
from counterfoil.report.clean import clean

if TYPE_CHECKING:
    from counterfoil.tokens.decoded import DecodedToken
    from counterfoil.tokens.policy import TokenPolicy
    from counterfoil.tokens.presentation import Presentation
    from counterfoil.tokens.verified import VerifiedToken

FORMATS = ("text", "json")
SCHEMA = "counterfoil.token/1"
STDIN = Path("-")
MAX_TEXT = 2_000
# For the next subject key to reach the relying parties before tokens need it.
NOTICE = timedelta(days=7)
_TIMES = frozenset({"iat", "nbf", "exp", "auth_time"})
_LABEL = 11

TokenFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="File that holds the token; - or none: standard input.")
]
PolicyFile = Annotated[
    Path, typer.Option("--policy", metavar="FILE", help="Policy: keys, what they may sign, what is accepted (TOML).")
]
Minted = Annotated[
    Path | None,
    typer.Option("--minted", metavar="PROOF", help="Proof that it was minted before a cut-off (ledger prove)."),
]
LedgerKey = Annotated[
    str, typer.Option("--ledger-key", metavar="KEY|FILE", help="Public key of the ledger that the proof is of.")
]
Checkpoint = Annotated[
    Path | None,
    typer.Option("--checkpoint", metavar="FILE", help="Checkpoint of it that another party keeps, for the proof."),
]
Form = Annotated[str, typer.Option("--format", "-f", metavar="|".join(FORMATS), help="Form of the output.")]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    group = typer.Typer(help="Mint and verify tokens, look into them, check policies.", rich_markup_mode=None)
    group.command()(token_mint.mint)
    group.command()(verify)
    group.command()(inspect)
    group.command()(policy)
    group.command()(subject_key)
    app.add_typer(group, name="token")


def verify(
    policy: PolicyFile,
    file: TokenFile = STDIN,
    flow: Annotated[
        str | None, typer.Option("--flow", metavar="NAME", help="Flow of the policy to verify for; needed if several.")
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="Verify as of this time (UTC) instead of now.")
    ] = None,
    renewal: Annotated[
        bool, typer.Option("--renewal", help="The token is presented to be renewed or exchanged.")
    ] = False,
    certificate: Annotated[
        Path | None, typer.Option("--certificate", metavar="FILE", help="Client certificate of mutual TLS (PEM, DER).")
    ] = None,
    dpop: Annotated[
        Path | None, typer.Option("--dpop", metavar="FILE", help="DPoP proof shown with the token.")
    ] = None,
    method: Annotated[
        str, typer.Option("--method", metavar="METHOD", help="HTTP method of the request with the DPoP proof.")
    ] = "GET",
    url: Annotated[
        str | None, typer.Option("--url", metavar="URL", help="URL of the request with the DPoP proof.")
    ] = None,
    status_list: Annotated[
        Path | None, typer.Option("--status-list", metavar="FILE", help="Status list token that the token points to.")
    ] = None,
    introspection: Annotated[
        Path | None, typer.Option("--introspection", metavar="FILE", help="Introspection response for the token.")
    ] = None,
    block_list: Annotated[
        Path | None, typer.Option("--block-list", metavar="FILE", help="Block list, for a policy with a [blocklist].")
    ] = None,
    minted: Minted = None,
    ledger_key: LedgerKey = "",
    checkpoint: Checkpoint = None,
    format: Form = "text",
) -> None:
    """Verify a token against a policy. Exit code 0: accepted; 1: refused, with the reason."""
    form = options.one_of(format, FORMATS, "--format: unknown", "formats")
    moment = time.time() if at is None else options.moment(at, "--at").replace(tzinfo=UTC).timestamp()
    known = read_token_policy(policy)
    if block_list is not None:
        known = blocking_policy(known, block_list, moment)
    shown = replace(
        _presentation(renewal, certificate, dpop, method, url, status_list, introspection),
        minted=_minted(minted, ledger_key, checkpoint),
    )
    given = _token(file)
    try:
        found = _verified(known, flow, given, moment, shown)
    except VerifyError as error:
        terminal.write(_json(_refusal(error)) if form == "json" else _refusal_text(error))
        terminal.leave(ExitCode.FOUND)
    terminal.write(_json(_accepted(found)) if form == "json" else _accepted_text(found))


def inspect(file: TokenFile = STDIN, format: Form = "text") -> None:
    """Show what a token says, NOT VERIFIED. Header and claims, without the signature."""
    form = options.one_of(format, FORMATS, "--format: unknown", "formats")
    from counterfoil.tokens.decoded import decoded

    try:
        found = decoded(_token(file))
    except VerifyError as error:
        terminal.write(_json(_refusal(error)) if form == "json" else _refusal_text(error))
        terminal.leave(ExitCode.FOUND)
    terminal.write(_json(_inspected(found)) if form == "json" else _inspected_text(found))


def policy(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The policy (TOML).")], format: Form = "text"
) -> None:
    """Check a policy and show its keys and flows. Exit code 2 with file, line and field where it cannot be used."""
    form = options.one_of(format, FORMATS, "--format: unknown", "formats")
    known = read_token_policy(file)
    terminal.write(_json(_policy(known)) if form == "json" else _policy_text(known))


def subject_key(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File of subject keys; made if there is none.")],
    begin: Annotated[
        str | None,
        typer.Option("--from", metavar="TIME", help="Tokens from when (UTC). A first key: now; a next: in 7 days."),
    ] = None,
    id: Annotated[str, typer.Option("--id", metavar="ID", help="Its id; by default of its date.")] = "",
) -> None:
    """Make a key of subjects' pseudonyms, or the next one. Prints its id, never the key."""
    now = datetime.now(UTC).replace(microsecond=0)
    start = now + NOTICE if file.exists() else now
    start = start if begin is None else options.moment(begin, "--from").replace(tzinfo=UTC)
    terminal.write(f"{add_subject_key(file, start, id).id} from {start:%Y-%m-%dT%H:%M:%SZ}\n")


def _verified(
    known: TokenPolicy, flow: str | None, given: bytes, moment: float, shown: Presentation
) -> VerifiedToken:
    if known.flow(flow).token_class.name != "saml":
        from counterfoil.tokens.verifier import Verifier

        return Verifier(known, flow).verify(given, at=moment, shown=shown)
    try:
        from counterfoil.tokens.saml import SamlVerifier
    except ImportError as error:
        raise UsageError("SAML needs more packages", hint="pip install 'counterfoil[saml]'") from error
    return SamlVerifier(known, flow).verify(given, at=moment)


def _presentation(
    renewal: bool,
    certificate: Path | None,
    dpop: Path | None,
    method: str,
    url: str | None,
    status_list: Path | None,
    introspection: Path | None,
) -> Presentation:
    from counterfoil.tokens.presentation import DpopRequest, Presentation

    if (dpop is None) != (url is None):
        raise UsageError("--dpop and --url belong together", hint="the proof is for one request; give both, or neither")
    proof = None
    if dpop is not None and url is not None:
        proof = DpopRequest(_token(dpop).decode("utf-8", "replace"), method, url)
    return Presentation(
        dpop=proof,
        certificate=None if certificate is None else _der(certificate),
        renewal=renewal,
        status_list=None if status_list is None else _token(status_list),
        introspection=None if introspection is None else _token(introspection),
    )


def _minted(proof: Path | None, key: str, checkpoint: Path | None) -> Callable[[str], float | None] | None:
    """Return what tells when a token was minted, by a proof that is checked here; None without one."""
    if (proof is None) == bool(key) or (proof is None and checkpoint is not None):
        raise UsageError("--minted and --ledger-key belong together", hint="that key is what is believed")
    if proof is None:
        return None
    from counterfoil.mint.proofs import MAX_PROOF_BYTES
    from counterfoil.respond.minted import by_proofs

    kept = None if checkpoint is None else read_bounded(checkpoint, MAX_PROOF_BYTES)
    return by_proofs(read_bounded(proof, MAX_PROOF_BYTES).splitlines(), options.log_key(key), kept)


def _token(file: Path) -> bytes:
    """Return what a file or standard input holds, without the line break that editors and shells add."""
    from counterfoil.tokens.limits import MAX_STATUS_LIST_BYTES

    if file != STDIN:
        return read_bounded(file, MAX_STATUS_LIST_BYTES).strip()
    if sys.stdin.isatty():
        terminal.say("reading the token from standard input; end with Ctrl-D")
    content = sys.stdin.buffer.read(MAX_STATUS_LIST_BYTES + 1)
    if len(content) > MAX_STATUS_LIST_BYTES:
        raise InputError(f"standard input: longer than {MAX_STATUS_LIST_BYTES} bytes", hint="give one token")
    if not content.strip():
        raise InputError("standard input: no token", hint="give a token on standard input, or name a file")
    return content.strip()


def _der(file: Path) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    from counterfoil.tokens.limits import MAX_JWKS_BYTES

    content = read_bounded(file, MAX_JWKS_BYTES)
    try:
        load = x509.load_pem_x509_certificate if b"-----BEGIN" in content else x509.load_der_x509_certificate
        return load(content).public_bytes(Encoding.DER)
    except ValueError as error:
        raise InputError(f"{file}: no certificate", hint="give a certificate in PEM or DER form") from error


def _json(value: dict[str, Any]) -> str:
    return json.dumps({"schema": SCHEMA, **value}, indent=2) + "\n"


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _rows(rows: list[tuple[str, object]]) -> str:
    return "".join(f"  {label:<{_LABEL}}{clean(str(value), MAX_TEXT)}\n" for label, value in rows if value is not None)


def _accepted(found: VerifiedToken) -> dict[str, Any]:
    from counterfoil.tokens.decoded import showable

    return {
        "outcome": "accepted", "token_class": found.token_class, "key_id": found.key_id, "algorithm": found.algorithm,
        "tenant": found.tenant, "token_id": found.token_id, "digest": found.digest.hex(),
        "header": showable(found.header), "claims": showable(found.claims),
    }


def _accepted_text(found: VerifiedToken) -> str:
    rows = [
        ("class", found.token_class), ("key", f"{found.key_id} ({found.algorithm})"), ("issuer", found.issuer),
        ("tenant", found.tenant), ("subject", found.subject), ("audience", ", ".join(found.audience)),
        ("token id", found.token_id), ("issued", _time(found.claims["iat"])), ("expires", _time(found.expires_at)),
        ("digest", found.digest.hex()),
    ]
    return "ACCEPTED\n" + _rows([*rows])


def _refusal(error: VerifyError) -> dict[str, Any]:
    names = ("code", "rule", "check", "expected", "got", "hint", "source", "key_id", "signature_verified")
    return {"outcome": "refused", **{name: getattr(error, name) for name in names}}


def _refusal_text(error: VerifyError) -> str:
    good = "good: this key did sign it" if error.signature_verified else None
    rows = [
        ("expected", error.expected), ("got", error.got), ("key", error.key_id), ("signature", good),
        ("hint", error.hint), ("source", error.source), ("more", f"counterfoil explain {error.code}"),
    ]
    return f"REFUSED  {error.code} (rule {error.rule}, {error.check})\n" + _rows([*rows])


def _inspected(found: DecodedToken) -> dict[str, Any]:
    from counterfoil.tokens.decoded import showable

    return {
        "outcome": "not verified", "header": showable(found.header), "claims": showable(found.claims),
        "digest": found.digest.hex(), "signature_bytes": found.signature_bytes,
    }


def _inspected_text(found: DecodedToken) -> str:
    from counterfoil.tokens.decoded import showable

    def members(told: dict[str, Any]) -> str:
        return _rows([(name, _member(name, value)) for name, value in told.items()])

    parts = ["NOT VERIFIED: anybody can write this.\n", "header\n", members(showable(found.header))]
    parts += ["claims\n", members(showable(found.claims))]
    parts += ["signature\n", _rows([("bytes", found.signature_bytes), ("digest", found.digest.hex())])]
    return "".join(parts)


def _member(name: str, value: object) -> str:
    told = value if isinstance(value, str) else json.dumps(value)
    if name in _TIMES and isinstance(value, int | float) and 0 <= value < 253_402_300_800:
        return f"{told} ({_time(value)})"
    return f" {told}" if len(name) >= _LABEL else told


def _policy(known: TokenPolicy) -> dict[str, Any]:
    return {
        "keys": [
            {"key_id": key.id, "state": str(key.entitlement.state), "algorithms": sorted(key.checks),
             "issuers": [[one.text for one in patterns] for patterns in key.entitlement.issuers],
             "thumbprint": key.jwk.thumbprint}
            for key in known.keys
        ],
        "unusable": dict(known.keys.unusable),
        "flows": [
            {"name": flow.name, "class": flow.token_class.name, "issuers": [one.text for one in flow.issuers],
             "audiences": sorted(flow.audiences)}
            for flow in known.flows.values()
        ],
    }


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _policy_text(known: TokenPolicy) -> str:
    told = _policy(known)
    lines = [_count(len(told["keys"]), "key")]
    for key in told["keys"]:
        issuers = " or ".join(sorted(key["issuers"], key=len)[0])  # all sets count: the shortest says most
        lines.append(f"{key['key_id']}: {key['state']}, {', '.join(key['algorithms'])}, signs for {issuers}")
    if told["unusable"]:
        lines.append(f"{_count(len(told['unusable']), 'key')} left out")
        lines += [f"{key_id}: {why}" for key_id, why in told["unusable"].items()]
    lines.append(_count(len(told["flows"]), "flow"))
    for flow in told["flows"]:
        audiences = ", ".join(flow["audiences"]) or "anybody"
        lines.append(f"{flow['name']}: class {flow['class']} for {audiences}, from {' or '.join(flow['issuers'])}")
    return "".join(f"{'  ' if ':' in line else ''}{clean(line, MAX_TEXT)}\n" for line in lines)
