"""Progress bars on stderr, for a terminal: done of total, rate, time left. Imported only when there is one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from counterfoil.report.clean import clean


class Bars:
    """Draws one bar for the current stage, and notes above it."""

    def __init__(self, drawn: Progress) -> None:
        """Draw with `drawn`, which the caller starts and stops."""
        self._drawn = drawn
        self._task: TaskID | None = None

    def stage(self, name: str, total: int | None = None) -> None:
        """Begin a stage: its bar replaces the last one."""
        if self._task is not None:
            self._drawn.remove_task(self._task)
        self._task = self._drawn.add_task(clean(name, 40), total=total)

    def advance(self, amount: int) -> None:
        """Move the bar."""
        if self._task is not None:
            self._drawn.advance(self._task, amount)

    def note(self, text: str) -> None:
        """Tell one line above the bar."""
        self._drawn.console.print(Text(f"counterfoil: {clean(text, 1_000)}"))


class _Done(ProgressColumn):
    """Done of total, and the rate, in thousands, millions or thousand millions of whatever is counted."""

    def render(self, task: Task) -> Text:
        """Return the column."""
        of = f" of {short(task.total)}" if task.total else ""
        rate = f" · {short(task.speed)}/s" if task.speed else ""
        return Text(f"{short(task.completed)}{of}{rate}")


def short(amount: float) -> str:
    """Return a number in at most five characters.

    >>> short(1234567)
    '1.2M'
    """
    for unit in ("", "k", "M", "G", "T"):
        if amount < 1000 or unit == "T":
            break
        amount /= 1000
    return f"{amount:.1f}{unit}" if unit and amount < 100 else f"{amount:.0f}{unit}"


@contextmanager
def bars() -> Iterator[Bars]:
    """Yield bars that vanish when the run ends."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), _Done(), TimeRemainingColumn(compact=True))
    drawn = Progress(*columns, console=Console(stderr=True, markup=False, highlight=False), transient=True)
    with drawn:
        yield Bars(drawn)
