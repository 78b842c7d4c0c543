"""Names of members as they are shown: one line, bounded, nothing in it that acts."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from counterfoil.unpack.bounds import MAX_NAME_CHARS

_RESOURCE_FORKS = "__MACOSX"


def on_disk(path: Path) -> str:
    """Return the path as text: bytes in it that are no UTF-8, which Linux allows, are shown as escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def shown(archive: str, name: str) -> str:
    """Return the name of a member of the archive, by which it can be found and which nothing can be opened by."""
    steps = [step for step in name.replace("\\", "/").split("/") if step not in ("", ".")]
    text = "".join(char if char.isprintable() else _escaped(char) for char in "/".join(steps)) or "unnamed"
    if len(text) > MAX_NAME_CHARS:
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        text = f"{text[: MAX_NAME_CHARS - 40]}… ({digest})"
    return f"{archive}/{text}"


def hidden(name: str) -> bool:
    """Tell whether the name means no file of the user's: what begins with a dot, and what macOS adds to a zip."""
    steps = [step for step in name.replace("\\", "/").split("/") if step not in ("", ".", "..")]
    return any(step.startswith(".") or step == _RESOURCE_FORKS for step in steps)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
