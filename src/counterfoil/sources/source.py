"""What a source is: the contract that every module of this folder fulfils.

A record is one JSON text: a line, an element of an array, or a CSV row turned into an object of its
columns (columns that hold JSON are embedded as such). The reader parses it into the declared raw columns,
all leaves as text, and the source maps those to evidence columns with a portable Ibis expression.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from counterfoil.expressions import ir
from counterfoil.model.logs import Log

# A raw type is "string", a mapping of field names to raw types, or a list of one raw type.
RawType = str | Mapping[str, Any] | Sequence[Any]

TEXT = "string"

# Columns that the reader adds to the raw ones.
RAW_FILE = "_file"  # string: SHA-256 of the input file
RAW_POSITION = "_position"  # int64: 1-based line, row or element
RAW_TEXT = "_text"  # string: the record as it stands in the file
RAW_REFUSED = "_refused"  # string: why the reader refuses the record (not JSON, too long), or NULL
# string: how the CSV file writes dates (`month` first, `day` first, or `two ways`), NULL for other files
RAW_DATES = "_dates"
READER_COLUMNS: Mapping[str, str] = {
    RAW_FILE: "string", RAW_POSITION: "int64", RAW_TEXT: "string", RAW_REFUSED: "string", RAW_DATES: "string"
}

# The column in which Log Analytics names the table of a row, and how the names of tables end that users name.
TYPE = "Type"
_OWN_NAMES = ("_SRCH", "_RST", "_CL")

# Column that a source adds to its evidence: why a record is refused, or NULL.
REJECT = "reject"


@dataclass(frozen=True)
class Explain:
    """What `sources explain` says: plain text, one paragraph or list of lines each."""

    what: str  # what the log holds and which leg it is
    export: tuple[str, ...]  # exact vendor commands or portal steps
    retention: str
    caps: str  # row caps and paging
    traps: tuple[str, ...]
    complete: str = ""  # how `--complete` names it and when that is honest; empty: it cannot be declared


@dataclass(frozen=True)
class Csv:
    """A CSV container. Column names are as in the file, without spaces around them and the portals' ` [UTC]`.

    `header`: the columns that name the shape. `json_columns`: a cell of them that is no JSON is a reject.
    `dates`: columns that may have the exporter's locale; the reader finds out which (RAW_DATES).
    `named`: pattern of the file's name in lower case, where nothing in the file tells two sources apart.
    """

    header: frozenset[str]
    json_columns: frozenset[str] = frozenset()
    dates: frozenset[str] = frozenset()
    named: str = ""


@dataclass(frozen=True)
class Source:
    """One log in one wrapper.

    `log`: which log its records are of, and what they mean there.
    `required`: dotted paths that every record of the shape has (a record is recognised when all are there).
    `markers`: dotted path -> values, one of which the record must hold there; "" never matches.
    `absent`: dotted paths under which no record of the shape holds a value.
    `tables`: the tables of Log Analytics whose rows these are, as the column Type names them.
    `raw`: raw columns; those named in `embedded` hold objects or JSON texts of objects. Of those, `breakable` ones may
    be lost, and the rest is a record still; of the others, a record that lost one of the `vital` ones lost its token.
    `to_evidence`: raw table (raw columns + READER_COLUMNS) -> evidence columns + REJECT, see `mapping.rows`.
    `csv`: set when the container may be CSV. Without `required` and `markers`, it is never JSON.
    `shortfall`: pairs of raw text columns (index, count) that show a cut-off result set.
    `row_caps`: row counts at which the vendor's export stops.
    `unmixed`: a file of it is one exported log, checked as a whole, and holds nothing of others.
    `summarised`: why one record of the export may stand for several of the log, which refuses declarations; or empty.
    """

    name: str
    log: Log
    title: str
    fidelity: int
    raw: Mapping[str, RawType]
    to_evidence: Callable[[ir.Table], ir.Table]
    explain: Explain
    required: frozenset[str] = frozenset()
    markers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    tables: frozenset[str] = frozenset()
    embedded: frozenset[str] = frozenset()
    breakable: frozenset[str] = frozenset()
    vital: frozenset[str] = frozenset()
    csv: Csv | None = None
    shortfall: tuple[str, str] | None = None
    row_caps: frozenset[int] = frozenset()
    unmixed: bool = False
    summarised: str = ""

    def asks(self, *, csv: bool) -> frozenset[str]:
        """Return the paths that every record has, or the columns of a CSV."""
        return self.csv.header if csv and self.csv else self.required | self.markers.keys()

    def takes_table(self, name: object) -> bool:
        """Tell whether a row of the table of that name may be a record of the source."""
        if not self.tables or not isinstance(name, str) or name.endswith(_OWN_NAMES):
            return True
        return not name or name in self.tables

    @property
    def reads_json(self) -> bool:
        """Tell whether records of the source may be JSON."""
        return bool(self.required or self.markers)
