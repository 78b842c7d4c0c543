"""A real HTTP server on loopback whose answers a test decides, and that counts what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# Status, headers, body.
Reply = tuple[int, dict[str, str], bytes]


class Server:
    """A server under way. `reply` may be replaced at any time; `requests` are (method, path, headers, body)."""

    def __init__(self, reply: Callable[[], Reply]) -> None:
        """Listen on a free port of loopback."""
        self.reply, self.requests = reply, list[tuple[str, str, dict[str, str], bytes]]()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                outer.requests.append((self.command, self.path, dict(self.headers), body))
                status, headers, told = outer.reply()
                self.send_response(status)
                for name, value in {"Content-Length": str(len(told)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(told)

            do_POST = do_GET  # noqa: N815  # the name that http.server asks for

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def url(self, path: str = "/jwks") -> str:
        """Return an address of the server."""
        return f"http://127.0.0.1:{self._server.server_address[1]}{path}"

    def stop(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def serving(body: bytes = b"", **headers: str) -> Iterator[Server]:
    """Yield a server that answers with this body."""
    server = Server(lambda: (200, headers, body))
    try:
        yield server
    finally:
        server.stop()
