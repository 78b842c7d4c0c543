"""Relying parties of the drill: ours by a block list (at once, from a cache, or not at all), and real gateways."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from counterfoil.errors import CounterfoilError, VerifyError
from counterfoil.relying.guard import Guard
from counterfoil.relying.receipts import Receipts
from counterfoil.relying.sinks import FileSink
from counterfoil.respond import gateway
from counterfoil.respond.probe import Party
from counterfoil.tokens.policy import TokenPolicy
from counterfoil.tokens.presentation import BEARER, Presentation
from counterfoil.tokens.pseudonym import SubjectKey
from counterfoil.tokens.verified import VerifiedToken
from counterfoil.tokens.verifier import Verifier

HOST = "127.0.0.1"
STARTED_SECONDS = 60.0


class Held:
    """A verifier by a policy that its party holds, and replaces when it learns of another."""

    def __init__(self, policy: TokenPolicy, cached: float = 0.0, *, deaf: bool = False) -> None:
        """Hold this policy for `cached` seconds before a newer one is looked at; `deaf`: for good."""
        self._verifier, self._newer, self._cached = Verifier(policy), policy, cached
        self._looked, self.deaf = time.monotonic(), deaf

    @property
    def flow(self) -> Any:
        """What is accepted."""
        return self._verifier.flow

    def tell(self, policy: TokenPolicy) -> None:
        """Publish a newer policy to the party."""
        self._newer = policy

    def look(self) -> None:
        """Go by the newest policy from now on."""
        self._verifier, self._looked = Verifier(self._newer), time.monotonic()

    def verify(self, token: str | bytes, *, at: Any, shown: Presentation = BEARER) -> VerifiedToken:
        """Verify by what the party holds now."""
        if not self.deaf and time.monotonic() - self._looked >= self._cached:
            self.look()
        return self._verifier.verify(token, at=at, shown=shown)


@contextmanager
def ours(
    name: str, held: Held, folder: Path, subjects: SubjectKey, clock: Callable[[], float]
) -> Iterator[Party]:
    """Run a service of ours that leaves receipts in a folder. `clock`: Unix seconds."""
    sink = FileSink(folder / f"{name}.receipts.jsonl")
    guard = Guard(held, Receipts(name, subjects), sink, clock=clock)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                guard.check(self.headers.get("Authorization", "").partition(" ")[2])
                status = 200
            except VerifyError:
                status = 401
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((HOST, 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Party(name, f"http://{HOST}:{server.server_address[1]}/")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        sink.close()


@dataclass
class Gateway:
    """A real gateway that is started anew with each configuration, on one port."""

    name: str
    write: Callable[[TokenPolicy, Path, int], list[str]]
    folder: Path
    port: int
    running: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def party(self) -> Party:
        """Where it answers."""
        return Party(self.name, f"http://{HOST}:{self.port}/")

    def configure(self, policy: TokenPolicy) -> None:
        """Start it, or start it anew, with the keys of a policy; raises CounterfoilError if it does not answer."""
        self.end()
        command = self.write(policy, self.folder, self.port)
        with (self.folder / f"{self.name}.log").open("wb") as log:
            self.running = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603  # found on this machine
        until = time.monotonic() + STARTED_SECONDS
        while not _answers(self.port):
            if self.running.poll() is not None or time.monotonic() > until:
                raise CounterfoilError(f"the drill's {self.name} does not answer", hint=f"{self.folder} has its log")
            time.sleep(0.05)

    def end(self) -> None:
        """End it."""
        if self.running is not None:
            self.running.kill()
            self.running.wait()


@contextmanager
def gateways(folder: Path) -> Iterator[tuple[Gateway, ...]]:
    """Yield the gateways that are installed here; end them."""
    found = []
    if _envoy_program() is not None:
        found.append(Gateway("envoy", _envoy, folder, _free()))
    if _haproxy_program() is not None:
        found.append(Gateway("haproxy", _haproxy, folder, _free()))
    with ExitStack() as stack:
        for each in found:
            stack.callback(each.end)
        yield tuple(found)


def _envoy_program() -> Path | None:
    spec = find_spec("envoy")
    program = None if spec is None or spec.origin is None else Path(spec.origin).parent / "_bin" / "envoy"
    return program if program is not None and program.exists() else None


def _haproxy_program() -> str | None:
    return shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def _envoy(policy: TokenPolicy, folder: Path, port: int) -> list[str]:
    flow = policy.flow(None)
    answer = {"match": {"prefix": "/"}, "direct_response": {"status": 200}}
    kind = "type.googleapis.com/envoy.extensions.filters"
    manager = {
        "@type": f"{kind}.network.http_connection_manager.v3.HttpConnectionManager", "stat_prefix": "s",
        "http_filters": [
            {"name": "jwt", "typed_config": gateway.envoy(gateway.issuers(policy, flow), flow)},
            {"name": "router", "typed_config": {"@type": f"{kind}.http.router.v3.Router"}},
        ],
        "route_config": {"virtual_hosts": [{"name": "v", "domains": ["*"], "routes": [answer]}]},
    }
    listener = {
        "name": "drill", "address": {"socket_address": {"address": HOST, "port_value": port}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    file = folder / "envoy.json"
    file.write_text(json.dumps({"static_resources": {"listeners": [listener]}}))
    command = [str(_envoy_program()), "-c", str(file), "--concurrency", "1", "--log-level", "error"]
    return [*command, "--use-dynamic-base-id"]


def _haproxy(policy: TokenPolicy, folder: Path, port: int) -> list[str]:
    flow = policy.flow(None)
    lines, pems = gateway.haproxy(gateway.issuers(policy, flow), flow, str(folder))
    for name, content in pems.items():
        (folder / name).write_bytes(content)
    head = "global\n  maxconn 100\ndefaults\n  mode http\n  timeout client 10s\n  timeout server 10s\n"
    head += "  timeout connect 10s\n"
    file = folder / "haproxy.cfg"
    last = '  http-request return status 200 content-type text/plain string "mail"\n'
    file.write_text(f"{head}frontend drill\n  bind {HOST}:{port}\n{lines}{last}")
    return [str(_haproxy_program()), "-f", str(file), "-db"]


def _free() -> int:
    with socket.create_server((HOST, 0)) as one:
        return int(one.getsockname()[1])


def _answers(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex((HOST, port)) == 0
