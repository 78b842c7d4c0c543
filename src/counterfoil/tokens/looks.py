"""Tells whether a text holds a token, so that no receipt, message or screen repeats one.

A token is known by its header: base64url of a JSON object, up to a dot. Its maker may have written blanks and line
breaks before and after the brace; whoever copied it may have folded or escaped it.
"""

from __future__ import annotations

import base64
import re
from urllib.parse import unquote

from counterfoil.tokens.limits import MAX_HEADER_BYTES

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/"
MIN_HEADER_CHARS, MAX_HEADER_CHARS = 8, MAX_HEADER_BYTES * 4 // 3
# How base64 of a brace or a blank begins, if a quote or another of them follows.
_START = re.compile(r"e[wy]|I[ACH]|C[ginQSX]|D[QSX]")
_OBJECT = re.compile(r'\s*(\{\s*("|\Z)|\Z)')
_BETWEEN = re.compile(r"[\s\x00-\x20\x7f]+")
_TO_BASE64 = str.maketrans("-_", "+/")
_LINES = dict.fromkeys(map(ord, "\t\r\n"))


def holds_token(text: str) -> bool:
    """Tell whether a text holds the header of a token and the dot behind it.

    >>> holds_token("/callback/eyJhbGciOiJSUzI1NiJ9.e30.c2ln"), holds_token("/eyes/keyIdentifier.value")
    (True, False)
    """
    return any(
        _holds_header(part.rstrip("=")[-MAX_HEADER_CHARS:])
        for written in {text, unquote(text)}
        for part in _BETWEEN.sub("", written).split(".")[:-1]
    )


def _holds_header(part: str) -> bool:
    """Tell whether the base64 at the end of a part is that of an object, from some letter of it on."""
    run = part[len(part.rstrip(_ALPHABET)) :]
    return any(
        _begins_object(run[found.start() :])
        for found in _START.finditer(run)
        if len(run) - found.start() >= MIN_HEADER_CHARS
    )


def _begins_object(run: str) -> bool:
    octets = base64.b64decode(run[: len(run) // 4 * 4].translate(_TO_BASE64))
    text = octets.decode("utf-8", "replace").rstrip("\ufffd")  # a letter that was cut in two
    return bool(_OBJECT.match(text)) and text.translate(_LINES).isprintable()
