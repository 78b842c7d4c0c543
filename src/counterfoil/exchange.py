"""One HTTP exchange that ends: a deadline and a bound hold for all of it, from the connection to the last trailer.

No redirects, no proxies, no answers without end. Nothing of the answer is believed here.
"""

from __future__ import annotations

import http.client
import io
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult

# A whole exchange may take so long: a server that drips bytes cannot hold a caller longer.
DEADLINE_SECONDS = 15.0
# One wait within it.
TIMEOUT_SECONDS = 5.0
# What may come besides the body: status lines, headers, chunk sizes, trailers.
MAX_HEAD_BYTES = 256 * 1024


@dataclass(frozen=True)
class Answer:
    """What came back. `media_type` is in lower case, without parameters; `cache_control` as it was sent."""

    status: int
    media_type: str
    cache_control: str
    body: bytes


def target_of(parts: SplitResult) -> str:
    """Return what a request line asks for."""
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def exchange(
    method: str, parts: SplitResult, body: bytes | None, headers: Mapping[str, str], most: int, *,
    local: bool = True,
) -> Answer:
    """Return the answer of the server of `parts`, its body of at most `most` bytes; raises OSError.

    `local`: a name may stand for an address of this machine or network (else it is refused: a name that others
    control must not lead there). An address that is written out always may.
    """
    end = time.monotonic() + DEADLINE_SECONDS
    host = parts.hostname or ""
    connection = http.client.HTTPConnection(host, parts.port)
    try:
        with _connected(parts, host, end, local) as opened:
            connection.sock = _Sending(opened, end, most + MAX_HEAD_BYTES)
            connection.request(method, target_of(parts), body, dict(headers))
            answer = connection.getresponse()
            found = answer.read(most + 1)
    except (http.client.HTTPException, ValueError) as error:  # ValueError: names and paths that cannot be sent
        raise OSError(f"{type(error).__name__} {error}".strip()) from error
    if len(found) > most:
        raise OSError(f"longer than {most} bytes")
    if answer.length:
        raise OSError("cut short")
    control = answer.headers.get("Cache-Control", "")
    return Answer(answer.status, answer.headers.get_content_type(), control, found)


def _connected(parts: SplitResult, host: str, end: float, local: bool) -> socket.socket:
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    refused: OSError = OSError("no address")
    for family, kind, protocol, _, address in _addresses(host, port, end):
        if not local and not _written_out(host) and not ipaddress.ip_address(address[0]).is_global:
            refused = OSError(f"the name stands for a local address ({address[0]}), which is not allowed here")
            continue
        made = socket.socket(family, kind, protocol)
        try:
            made.settimeout(_left(end))
            made.connect(address)
            return ssl.create_default_context().wrap_socket(made, server_hostname=host) if secure else made
        except OSError as error:
            made.close()
            refused = error
    raise refused


def _addresses(host: str, port: int, end: float) -> list[Any]:
    """Return what a name stands for. A resolver knows no deadline: it is asked in a thread, which may outlast this."""
    found: Future[list[Any]] = Future()

    def ask() -> None:
        try:
            found.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except Exception as error:  # noqa: BLE001  # it is raised where it is waited for
            found.set_exception(error)

    threading.Thread(target=ask, name="resolver", daemon=True).start()
    if not wait([found], max(0.0, end - time.monotonic())).done:
        raise _late()
    return found.result()


def _written_out(host: str) -> bool:
    """Tell whether a host is an address, or the name of this machine, and nobody else decides what it stands for."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return True


def _left(end: float) -> float:
    """Return for how long one wait may last."""
    left = min(TIMEOUT_SECONDS, end - time.monotonic())
    if left <= 0:
        raise _late()
    return left


def _late() -> TimeoutError:
    return TimeoutError(f"no whole answer within {DEADLINE_SECONDS:g} seconds")


class _Sending:
    """As much of a socket as `http.client` uses. Whoever opened the socket closes it."""

    def __init__(self, wrapped: socket.socket, end: float, most: int) -> None:
        self._socket, self._end, self._most = wrapped, end, most

    def sendall(self, data: bytes) -> None:
        self._socket.settimeout(_left(self._end))
        self._socket.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:  # noqa: ARG002  # http.client reads octets
        return io.BufferedReader(_Reading(self._socket, self._end, self._most))

    def close(self) -> None:
        """Do nothing: `http.client` closes before it reads."""


class _Reading(io.RawIOBase):
    """What comes over a socket, bounded in time and bytes."""

    def __init__(self, wrapped: socket.socket, end: float, most: int) -> None:
        self._socket, self._end, self._most = wrapped, end, most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._socket.settimeout(_left(self._end))
        count = self._socket.recv_into(buffer)
        self._most -= count
        if self._most < 0:
            raise OSError("more than any answer")
        return count
