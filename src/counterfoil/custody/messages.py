"""Messages between our own processes: a length in 4 bytes, big-endian, and as many bytes."""

from __future__ import annotations

import socket

from counterfoil.errors import KeyStoreError

MAX_MESSAGE_BYTES = 512 * 1024
LENGTH_BYTES = 4


def receive(connection: socket.socket) -> bytes | None:
    """Return the next message; None at the end, KeyStoreError if it is too long or cut off."""
    head = _exactly(connection, LENGTH_BYTES)
    if head is None:
        return None
    length = int.from_bytes(head, "big")
    if length > MAX_MESSAGE_BYTES:
        raise KeyStoreError(f"signer: expected a message of at most {MAX_MESSAGE_BYTES} bytes, got {length}")
    body = _exactly(connection, length)
    if body is None:
        raise KeyStoreError("signer: a message was cut off")
    return body


def send(connection: socket.socket, body: bytes) -> None:
    """Send a message."""
    connection.sendall(len(body).to_bytes(LENGTH_BYTES, "big") + body)


def _exactly(connection: socket.socket, count: int) -> bytes | None:
    parts, left = [], count
    while left:
        part = connection.recv(left)
        if not part:
            if left == count:
                return None
            raise KeyStoreError("signer: a message was cut off")
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
