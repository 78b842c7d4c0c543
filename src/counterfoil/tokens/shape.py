"""The shape of a token: how its maker writes, without what it says. A forger's serialiser is rarely the issuer's.

`header members|claims|spacing|form of the id`, such as `alg,kid,typ|iss,sub,aud,exp,iat,jti|compact|uuid4`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

MAX_NAMES, MAX_SHAPE = 32, 512
_PLAIN = re.compile(r"[A-Za-z0-9_.:/-]{1,24}\Z")
_FORMS = (
    ("uuid4", re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\Z")),
    ("guid", re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\Z")),
    ("digits", re.compile(r"[0-9]+\Z")),
    ("hex", re.compile(r"[0-9a-f]+\Z")),
    ("base64url", re.compile(r"[A-Za-z0-9_-]+\Z")),
)


def shape_of(header: Mapping[str, Any], claims: Mapping[str, Any], payload: bytes) -> str:
    """Return the shape of a token: `header` and `claims` in the order of the token, `payload` the decoded bytes."""
    spacing = "spaced" if b'": ' in payload or b'", ' in payload or b"\n" in payload else "compact"
    return f"{_names(header)}|{_names(claims)}|{spacing}|{_form(claims.get('jti'))}"[:MAX_SHAPE]


def _names(names: Iterable[str]) -> str:
    """Join names in order; odd ones become `?`, so that a shape holds no text of a stranger's choice at length."""
    told = [name if _PLAIN.match(name) else "?" for name in names]
    return ",".join(told[:MAX_NAMES]) + (",..." if len(told) > MAX_NAMES else "")


def _form(token_id: object) -> str:
    if not isinstance(token_id, str) or not token_id:
        return "none"
    for form, pattern in _FORMS:
        if pattern.match(token_id):
            return form if form in ("uuid4", "guid") else f"{form}{len(token_id)}"
    return "other"
