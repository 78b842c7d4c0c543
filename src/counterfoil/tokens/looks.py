"""Tells whether a text holds a token, so that no receipt, message or screen repeats one.

A token is known by its header: base64url of a JSON object, up to a dot. Its maker may have written blanks and line
breaks before and after the brace; whoever copied it may have folded or escaped it.
"""

from __future__ import annotations

import base64
import re
from urllib.parse import unquote

# How base64 of a brace or a blank begins, followed by a quote or another of them. Bounded: a header has 4 KiB.
_HEADER = re.compile(r"(?=((?:e[wy]|I[ACH]|C[ginQSX]|D[QSX])[A-Za-z0-9_+/-]{6,5500})=*\.)")
_OBJECT = re.compile(r'\s*(\{\s*("|\Z)|\Z)')
_BETWEEN = re.compile(r"[\s\x00-\x20\x7f]+")
_TO_BASE64 = str.maketrans("-_", "+/")


def holds_token(text: str) -> bool:
    """Tell whether a text holds the header of a token and what follows it.

    >>> holds_token("/callback/eyJhbGciOiJSUzI1NiJ9.e30.c2ln"), holds_token("/eyes/keyIdentifier.value")
    (True, False)
    """
    return any(
        _begins_object(found.group(1))
        for written in {text, unquote(text)}
        for found in _HEADER.finditer(_BETWEEN.sub("", written))
    )


def _begins_object(run: str) -> bool:
    octets = base64.b64decode(run[: len(run) // 4 * 4].translate(_TO_BASE64))
    text = octets.decode("utf-8", "replace").rstrip("\ufffd")  # a letter that was cut in two
    return all(sign.isprintable() or sign in "\t\r\n" for sign in text) and bool(_OBJECT.match(text))
