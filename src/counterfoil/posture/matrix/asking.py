"""Shows a token to a relying party: one request to its address and no other, or one call of its function."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from counterfoil.errors import UsageError
from counterfoil.exchange import exchange
from counterfoil.posture.matrix.plan import Party
from counterfoil.respond.probe import MAX_ANSWER_BYTES

LET_IN, REFUSED = 200, 401

# Shows a token, and returns the HTTP status, or what it would be; raises OSError where nobody answers.
Asks = Callable[[str], int]


def asks(party: Party, pause: float, sleep: Callable[[float], object] = time.sleep) -> Asks:
    """Return what shows tokens to a party. `pause`: seconds after each request to an address.

    Raises UsageError for a function that is not there.
    """
    if party.file is not None:
        return of_function(_loaded(party.file, party.function))
    parts = urlsplit(party.url)

    def over_http(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}", "Accept": "*/*"}
        try:
            return exchange(party.method, parts, None, headers, MAX_ANSWER_BYTES).status  # follows no redirection
        finally:
            sleep(pause)

    return over_http


def of_function(verify: Callable[[str], Any]) -> Asks:
    """Return what shows tokens to a verifier: it refuses one by raising, or by returning False or None."""

    def call(token: str) -> int:
        try:
            return REFUSED if verify(token) in (None, False) else LET_IN
        except Exception:  # noqa: BLE001  # whatever a verifier of others raises is how it refuses
            return REFUSED

    return call


def _loaded(file: Path, name: str) -> Callable[[str], Any]:
    """Return a function of a file, which is run: its operator named it."""
    spec = importlib.util.spec_from_file_location(f"counterfoil_matrix_{file.stem}", file)
    if spec is None or spec.loader is None or not file.is_file():
        raise UsageError(f"{file}: no file of Python", hint='function = "FILE.py:NAME"')
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # it may be anything
        raise UsageError(f"{file}: cannot be run: {type(error).__name__}: {error}"[:400]) from error
    found = getattr(module, name, None)
    if not callable(found):
        raise UsageError(f"{file}: no function {name[:80]!r}", hint='function = "FILE.py:NAME"')
    return found  # type: ignore[no-any-return]  # of somebody's own
