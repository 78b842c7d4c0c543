"""Makes values from logs safe to show: whoever forges a token also writes names, agents and paths.

A terminal obeys control characters, an eye obeys direction marks, and a megabyte hides what stands beside it.
"""

from __future__ import annotations

import re
import unicodedata

# A value in a line for people; longer ones end in an ellipsis.
MAX_SHOWN = 120

# Combining marks in a row that some script needs; more of them paint over other lines.
MAX_MARKS = 2

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_BLANK = frozenset("\t\n\v\f\r\x85\u2028\u2029")

_BEYOND_ASCII = re.compile(r"[^\x20-\x7e\n]")


def clean(text: str, limit: int = MAX_SHOWN) -> str:
    r"""Return the text as one printable line of at most `limit` characters.

    >>> clean("a\x1b[31mb\nc")
    'a�[31mb c'
    """
    if len(text) <= limit and text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    shown: list[str] = []
    marks = 0
    for char in text[: 4 * limit]:
        marks = marks + 1 if unicodedata.combining(char) else 0
        if marks <= MAX_MARKS:
            shown.append(_shown(char))
    line = " ".join("".join(shown).split())
    return line if len(line) <= limit and len(text) <= 4 * limit else line[: limit - 1] + "…"


def escape_json(document: str) -> str:
    r"""Return the JSON text with every character that cannot be seen written as \uXXXX: the same value.

    JSON lets C1 controls, direction marks and separators stand as they are, and terminals obey them.
    """
    return document if document.isascii() and document.isprintable() else _BEYOND_ASCII.sub(_escaped, document)


def _shown(char: str) -> str:
    if char in _BLANK:
        return " "
    return _REPLACEMENT if unicodedata.category(char) in _UNSEEN else char


def _escaped(match: re.Match[str]) -> str:
    if match.group().isprintable():
        return match.group()
    units = match.group().encode("utf-16-be")
    return "".join(f"\\u{units[n]:02x}{units[n + 1]:02x}" for n in range(0, len(units), 2))
