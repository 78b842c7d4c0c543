"""The wrappers in which audit records are exported: same AuditData, different outsides.

A wrapper is called with the tenant's seed and the folder that it is written below. A row is (time, AuditData as JSON).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from counterfoil.lab.history.clock import american
from counterfoil.lab.history.files import Output, Sink
from counterfoil.lab.history.ids import seeded

AuditRow = tuple[int, str]
AuditWrapper = Callable[[int, Path], Sink[AuditRow]]
_CAP = 5000  # rows of one Search-UnifiedAuditLog query
RECORD_TYPES = {
    1: "ExchangeAdmin",
    6: "SharePointFileOperation",
    15: "AzureActiveDirectoryStsLogon",
    25: "MicrosoftTeams",
    50: "ExchangeItemAggregated",
    275: "275",
}
_SEARCH_COLUMNS = (
    '"RecordType","CreationDate","UserIds","Operations","AuditData","ResultIndex","ResultCount","Identity",'
    '"IsValid","ObjectState"\r\n'
)


class _Outer(msgspec.Struct, frozen=True, gc=False):
    Id: str
    Operation: str
    RecordType: int
    UserId: str


_outer = msgspec.json.Decoder(_Outer)


def management_api(seed: int, folder: Path, *, enum_text_share: float = 0.05) -> Sink[AuditRow]:
    """Write content of the management API, a document a day; a share of its numeric enums are strings."""
    rng = seeded(seed, "enum text")

    def render(rows: list[AuditRow]) -> list[str]:
        return [_enums_as_text(body) if rng.random() < enum_text_share else body for _, body in rows]

    return Output(
        folder, "management-api", "json", render, per_day=True, opening="[", between=",", closing="]"
    )


def _enums_as_text(body: str) -> str:
    for key in ("RecordType", "UserType"):
        head, found, tail = body.partition(f'"{key}":')
        if found:
            number, comma, rest = tail.partition(",")
            body = f'{head}{found}"{number}"{comma}{rest}'
    return body


def search_csv(_: int, folder: Path) -> Sink[AuditRow]:
    """Write results of Search-UnifiedAuditLog."""
    return Output(folder, "Search-UnifiedAuditLog", "csv", _search_rows, opening=_SEARCH_COLUMNS)


def _search_rows(rows: list[AuditRow]) -> list[str]:
    cells = []
    for index, (t, body) in enumerate(rows):
        outer = _outer.decode(body)
        # Each slice is one query: its rows are numbered and say how many there are, up to the cap of a query.
        total = min(_CAP, len(rows) - index // _CAP * _CAP)
        cells.append(
            f'"{RECORD_TYPES[outer.RecordType]}","{american(t)}",{cell(outer.UserId)},"{outer.Operation}",'
            f'{cell(body)},"{index % _CAP + 1}","{total}","{outer.Id}","True","Unchanged"\r\n'
        )
    return cells


def cell(text: str) -> str:
    """Return a cell of CSV."""
    return '"' + text.replace('"', '""') + '"'
