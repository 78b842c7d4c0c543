"""What a custody log says the inventory of keys must be. Reads only."""

from __future__ import annotations

from counterfoil.custody import audit, inventory
from counterfoil.custody.audit import Operation, Record, Result
from counterfoil.errors import LogTamperedError

# What changes the inventory: the end of each holds its new digest.
CHANGES = frozenset({
    Operation.CREATE, Operation.ATTACH, Operation.PREPARE, Operation.ROTATE, Operation.RETIRE, Operation.BLOCK,
    Operation.SETTLE, Operation.DISABLE, Operation.DESTROY,
})
# What is finished when custody is opened again: half of it would be worse than all of it.
RESUMED = frozenset({Operation.RETIRE, Operation.BLOCK})


class LastState:
    """What the log says the inventory must be; filled in while the log is verified."""

    def __init__(self) -> None:
        """Begin with an empty log."""
        self._digest = inventory.EMPTY_DIGEST
        self._unfinished: dict[int, Record] = {}

    def visit(self, index: int, raw: bytes) -> None:
        """Take in one record."""
        record = audit.decode(raw, index)
        if record.result is Result.BEGUN:
            if record.op in CHANGES:
                self._unfinished[index] = record
            return
        self._unfinished.pop(record.of, None)
        if record.inventory:
            self._digest = record.inventory
            if record.op is Operation.OPEN:
                self._unfinished.clear()

    @property
    def resumed(self) -> tuple[Record, ...]:
        """The beginnings without an end that are to be finished."""
        return tuple(record for record in self._unfinished.values() if record.op in RESUMED)

    def judge(self, digest: str) -> str:
        """Compare with the inventory as it is; return what to record about a difference that a crash explains."""
        if digest == self._digest:
            return ""
        if self._unfinished:
            begun = sorted({record.op for record in self._unfinished.values()})
            return f"the inventory changed in an unfinished {' or '.join(begun)}"
        raise LogTamperedError(
            "the inventory of keys is not the one that was recorded last",
            hint="somebody changed inventory.json behind custody's back, or took the log away",
        )
