"""Serves an ASGI application on a socket that the parent bound, until standard input ends."""

from __future__ import annotations

import socket
import sys
import threading
from typing import Any

import uvicorn


def serve(app: Any, handle: int) -> None:
    """Answer on the listening socket of that number."""
    listening = socket.socket(fileno=handle)
    config = uvicorn.Config(app, log_level="error", lifespan="off", access_log=False)
    server = uvicorn.Server(config)

    def until_end() -> None:
        sys.stdin.buffer.read()
        server.should_exit = True

    threading.Thread(target=until_end, daemon=True).start()
    server.run(sockets=[listening])
