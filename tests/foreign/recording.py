"""A proxy in front of an issuer's token endpoint: no token goes out before its counterfoil is durable.

For issuers that let nobody in: their signing cannot be plugged, and their own log has no digests.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import requests

from counterfoil.errors import CounterfoilError
from counterfoil.mint.ledger import Ledger
from counterfoil.mint.observed import counterfoil_of
from counterfoil.model.counterfoil import Grant

MAX_BODY = 64 * 1024
PASSED = ("Authorization", "Content-Type", "User-Agent", "DPoP")


class Recorder:
    """What a proxy knows: the ledger, and of each refresh token (by digest) the first access token beside it."""

    def __init__(self, ledger: Ledger, **more: Any) -> None:
        """Record in a ledger; `more` is for `counterfoil_of`."""
        self._ledger, self._more = ledger, more
        self._first: dict[str, str] = {}

    def record(self, asked: dict[str, list[str]], answer: dict[str, Any]) -> None:
        """Record every JWT of an answer to this form; raises CounterfoilError: then nothing may go out."""
        (grant,) = asked.get("grant_type", ["other"])
        shown = [_digest(text) for text in asked.get("refresh_token", [])]
        parents = [self._first[one] for one in shown if one in self._first]
        told = Grant(grant) if grant in set(Grant) else Grant.OTHER
        for name in ("access_token", "id_token"):
            signing_input = str(answer.get(name, "")).rpartition(".")[0]
            if signing_input:
                stub = counterfoil_of(signing_input, time=datetime.now(UTC), grant=told, parents=parents, **self._more)
                self._ledger.record(stub)
                if stub.jti and "refresh_token" in answer:
                    self._first.setdefault(_digest(answer["refresh_token"]), (*parents, stub.jti)[0])


def proxy(upstream: str, recorder: Recorder) -> ThreadingHTTPServer:
    """Return a proxy of a token endpoint, on a free port; call `serve_forever`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if length > MAX_BODY:
                self._answer(413, b"{}")
                return
            form = self.rfile.read(length)
            kept = {name: self.headers[name] for name in PASSED if name in self.headers}
            answer = requests.post(upstream, data=form, headers=kept, timeout=30)
            try:
                if answer.ok:
                    recorder.record(parse_qs(form.decode()), answer.json())
                self._answer(answer.status_code, answer.content)
            except (CounterfoilError, ValueError):
                self._answer(503, b'{"error":"temporarily_unavailable"}')

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            for name, value in (("Content-Type", "application/json"), ("Cache-Control", "no-store")):
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
