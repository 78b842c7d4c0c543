"""What other scanners say of a question, in words; and whether a record says otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from counterfoil.posture.check import Verdict
from counterfoil.posture.tenant import ImportedResult

_SHOWN = 5


def said(results: Sequence[ImportedResult]) -> Iterator[str]:
    """Yield what each of them says."""
    for result in results[:_SHOWN]:
        of = f" of {result.subject}" if result.subject else ""
        yield f"{result.name} says {result.verdict}{of}"


def worst(results: Sequence[ImportedResult]) -> Verdict:
    """Return the worst of their verdicts."""
    order = list(Verdict)
    return min((result.verdict for result in results), key=order.index)


def contradicted(results: Sequence[ImportedResult], verdict: Verdict) -> str:
    """Return that a record contradicts those that say this verdict, empty if none does."""
    wrong = [result.name for result in results if result.verdict is verdict]
    if not wrong:
        return ""
    more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
    return f", against {wrong[0]}{more}, which {'says' if len(wrong) == 1 else 'say'} {verdict}"
