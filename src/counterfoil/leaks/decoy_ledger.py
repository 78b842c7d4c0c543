"""Decoys that a scan comes upon: where they were left they are at home; anywhere else somebody carried them there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from counterfoil.errors import InputError
from counterfoil.leaks.finding import Leak, LeaksReport
from counterfoil.leaks.known import read
from counterfoil.model.leak_evidence import DECOYS_SCHEMA

# Lines of ledgers: one is enough for each place.
MOST_LEFT = 100_000


class Left(msgspec.Struct, frozen=True):
    """A line of the ledger: the key, the place as its owner calls it, and the file."""

    schema: str
    thumbprint: str
    place: str
    file: str


Ledger = Mapping[str, tuple[Left, ...]]


def ledger(paths: Sequence[Path]) -> Ledger:
    """Return what the ledgers of `leaks plant` say, by thumbprint; raises InputError naming file and line."""
    decode = msgspec.json.Decoder(Left).decode
    found: dict[str, list[Left]] = defaultdict(list)
    count = 0
    for path in paths:
        for number, line in enumerate(read(path).splitlines(), 1):
            if not line.strip():
                continue
            count += 1
            try:
                left = decode(line)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise InputError(f"{path}: line {number} is no entry of a ledger: {error}", hint=_HINT) from error
            if left.schema != DECOYS_SCHEMA:
                raise InputError(f"{path}: line {number} is of {left.schema[:80]!r}, not {DECOYS_SCHEMA}", hint=_HINT)
            if count > MOST_LEFT:
                raise InputError(f"{path}: more than {MOST_LEFT:,} decoys")
            found[left.thumbprint].append(left)
    return {thumbprint: tuple(left) for thumbprint, left in found.items()}


def apart(report: LeaksReport, planted: Ledger) -> LeaksReport:
    """Return the report with the decoys that lie where they were left taken out of its findings.

    A decoy that lies anywhere else stays a finding, which says where it was left.
    """
    leaks: list[Leak] = []
    at_home: list[Leak] = []
    for leak in report.findings:
        left = planted.get(leak.thumbprint, ())
        here = next((one for one in left if _same(one.file, leak.path)), None)
        if here is not None:
            at_home.append(replace(leak, how=f"a decoy, left here: {here.place}"))
        elif left:
            places = "; ".join(dict.fromkeys(one.place for one in left))
            leaks.append(replace(leak, how=f"a decoy that was left elsewhere ({places}): it was carried here"))
        else:
            leaks.append(leak)
    return replace(report, findings=tuple(leaks), decoys=tuple(at_home))


def _same(file: str, path: str) -> bool:
    try:
        return Path(file).resolve() == Path(path).resolve()
    except (OSError, ValueError, RuntimeError):
        return False


_HINT = "counterfoil leaks plant --ledger FILE writes one"
