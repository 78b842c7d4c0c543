"""What a hostile case is, and the logs that stand beside the hostile file: they must be judged whatever it does."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

GOOD = "good.jsonl"
GOOD_RECORDS = 3

_RECORD = {
    "CreationTime": "2025-09-01T08:00:00", "Operation": "MailItemsAccessed", "RecordType": 50, "Workload": "Exchange",
    "OrganizationId": "11111111-0000-0000-0000-000000000001", "UserId": "a@example.com", "UserType": 0, "Version": 1,
}


class Impossible(Exception):  # noqa: N818  # no error: the case cannot be made on this machine
    """The case cannot be made on this machine; says why."""


@dataclass(frozen=True)
class Setting:
    """What a case was made into: the logs to read, the case folder, and how the program is run.

    `before` runs the program; `meddle` is (stage, action, path): what happens to the file when that stage begins.
    """

    logs: Path
    case: Path
    before: tuple[str, ...] = ()
    meddle: tuple[str, str, str] | None = None
    undo: tuple[Callable[[], object], ...] = ()


@dataclass(frozen=True)
class Case:
    """One hostile input: a sentence, what makes it, and what the program must say about it.

    `told`: a pattern that the outcome must hold: the error, or what is told of every file but the good one. `code`:
    the exit code; 3 is that of the good log alone, whose acceptances cannot be judged. `heavy`: takes long. `set_up`
    takes the folder of the case and that of its files; None where the program is run as usual, on several at once too.
    """

    sentence: str
    make: Callable[[Path], None]
    told: str
    code: int = 3
    heavy: bool = False
    set_up: Callable[[Path, Path], Setting] | None = None


def record(number: int = 1, **changes: object) -> dict[str, object]:
    """Return a genuine record with some members changed."""
    return _RECORD | {"Id": f"00000000-0000-0000-0000-{number:012}"} | changes


def line(number: int = 1, **changes: object) -> bytes:
    """Return it as a line."""
    return json.dumps(record(number, **changes)).encode() + b"\n"


def good() -> bytes:
    """Return the log that stands beside every hostile one."""
    return b"".join(line(900 + number) for number in range(GOOD_RECORDS))
