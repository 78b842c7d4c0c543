"""Compares the truth with verdicts: what was found, what was missed, who was falsely accused. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

CONVICTING = frozenset({"contradicted", "tainted", "forged"})
# Where the issuance record is lost, nothing convicts and nothing clears.
_WITHOUT_EVIDENCE = frozenset({"uncovered", "unlinkable"})
_EXAMPLES = 20
_SAME, _OTHER = 2, -3
_ONLY_A_NAME = "name:"  # how the table writes a subject of which no object id is known


class TruthRow(msgspec.Struct, frozen=True):
    """One row of the truth file."""

    token_id: str | None
    source: str
    record_id: str | None
    subject_id: str
    subject_name: str
    issued_at: str | None
    first_seen: str
    last_seen: str
    acceptances: int
    label: str
    intrusion: str | None
    expect: tuple[str, ...]
    lost: bool
    note: str
    token_tenant: str | None = None  # only where it is not the tenant's own
    digest: str | None = None  # of the signing input, where records carry it
    diagnosis: str | None = None  # where the trail of what was planted breaks

    @property
    def planted(self) -> bool:
        """Whether the row is an intruder's and full evidence convicts it."""
        return self.intrusion is not None and not CONVICTING.isdisjoint(self.expect)


class _VerdictRow(msgspec.Struct, frozen=True):
    """One row of the `tokens` table, as far as the comparison needs it."""

    verdict: str
    token_id: str | None = None
    source: str | None = None
    record_id: str | None = None
    subject_id: str | None = None
    issued_at: str | None = None
    token_tenant: str | None = None
    digest: str | None = None
    diagnosis: str | None = None


@dataclass(frozen=True, slots=True)
class Mistake:
    """A verdict that the truth does not allow, or a diagnosis that is another."""

    truth: TruthRow
    verdict: str
    diagnosis: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result; counts are rows (accepted tokens, or records without a token id)."""

    truth_rows: int
    verdict_rows: int
    planted: int  # forged, laundered, copied or descended rows whose evidence is not lost
    caught: int  # of these, convicted
    planted_without_evidence: int
    false_accusations: int  # genuine and service rows that are convicted
    missing_verdicts: int  # truth without a verdict
    unknown_verdicts: int  # verdicts without truth
    mistakes: int  # verdicts outside `expect`
    misdiagnosed: int  # planted rows with another diagnosis than the truth's, where it has one
    confusion: Mapping[tuple[str, str], int]  # (label, verdict) -> rows
    examples: tuple[Mistake, ...]  # the first mistakes

    @property
    def recall(self) -> float:
        """Share of the planted rows that are convicted; 1 where nothing was planted."""
        return self.caught / self.planted if self.planted else 1.0

    @property
    def ok(self) -> bool:
        """Whether every row has its verdict and every verdict is allowed."""
        wrong = self.mistakes or self.misdiagnosed or self.false_accusations
        return not (wrong or self.missing_verdicts or self.unknown_verdicts)


def read_truth(path: Path) -> list[TruthRow]:
    """Return the rows of a truth file."""
    decoder = msgspec.json.Decoder(TruthRow)
    with path.open("rb") as lines:
        return [decoder.decode(line) for line in lines]


def compare(
    truth: Iterable[TruthRow], verdicts: Iterable[Mapping[str, object]], *, declared: bool = True
) -> Comparison:
    """Match `verdicts`, rows of the table `tokens`, to `truth` and count.

    Rows match by token id (by subject, issue time and tenant where one id has several tuples), else by source and
    record id. `declared` False says that nothing was declared complete: then no absence can convict, and `uncovered`
    and `unlinkable` are right answers to everything.
    """
    rows = list(truth)
    groups: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        groups[_key(row.token_id, row.source, row.record_id)].append(index)
    tally = _Tally(rows, declared=declared)
    for item in verdicts:
        verdict = _verdict_row(item)
        tally.add(verdict, groups.get(_key(verdict.token_id, verdict.source, verdict.record_id), []))
    return tally.result()


def _verdict_row(item: Mapping[str, object]) -> _VerdictRow:
    # Tables hold more columns than these, and times as values.
    known = {name: item.get(name) for name in _VerdictRow.__struct_fields__}
    subject = item.get("subject_id", item.get("subject"))
    known["subject_id"] = None if subject is None or str(subject).startswith(_ONLY_A_NAME) else subject
    return _VerdictRow(**{name: None if value is None else str(value) for name, value in known.items()})  # type: ignore[arg-type]


def _key(token_id: str | None, source: str | None, record_id: str | None) -> tuple[str, str]:
    if token_id:
        return "", token_id.lower()
    record = (record_id or "").lower()
    # Versions of one sign-in (interrupted, then successful) are told apart by what follows the request id.
    return source or "", record.split("/")[0] if source == "entra-signin" else record


def _moment(text: str | None) -> str | None:
    return None if text is None else text[:19].replace(" ", "T")


def _score(row: TruthRow, verdict: _VerdictRow) -> int:
    pairs = (
        (row.subject_id.lower(), verdict.subject_id and verdict.subject_id.lower()),
        (_moment(row.issued_at), _moment(verdict.issued_at)),
        (row.token_tenant, verdict.token_tenant),
        (row.digest, verdict.digest),
    )
    return sum(0 if a is None or not b else _SAME if a == b else _OTHER for a, b in pairs)


class _Tally:
    def __init__(self, rows: list[TruthRow], *, declared: bool) -> None:
        self._rows, self._declared = rows, declared
        self._seen: list[set[str]] = [set() for _ in rows]
        self._diagnoses: list[set[str]] = [set() for _ in rows]
        self._unknown = self._verdicts = 0

    def add(self, verdict: _VerdictRow, candidates: list[int]) -> None:
        self._verdicts += 1
        if not candidates:
            self._unknown += 1
            return

        def fit(index: int) -> tuple[int, bool, bool]:
            row = self._rows[index]
            return _score(row, verdict), not self._seen[index], verdict.verdict in row.expect

        best = max(candidates, key=fit) if len(candidates) > 1 else candidates[0]
        self._seen[best].add(verdict.verdict)
        if verdict.verdict in CONVICTING:
            self._diagnoses[best].add(verdict.diagnosis or "")

    def _allowed(self, row: TruthRow) -> frozenset[str]:
        lenient = row.lost or not self._declared
        return frozenset(row.expect) | (_WITHOUT_EVIDENCE if lenient else frozenset())

    def result(self) -> Comparison:
        confusion: Counter[tuple[str, str]] = Counter()
        mistakes: list[Mistake] = []
        wrong = [
            Mistake(row, "", ", ".join(sorted(found)))
            for row, found in zip(self._rows, self._diagnoses, strict=True)
            if row.diagnosis is not None and found - {row.diagnosis}
        ]
        accused = missing = planted = caught = blind = 0
        for row, seen in zip(self._rows, self._seen, strict=True):
            convicted = not CONVICTING.isdisjoint(seen)
            confusion.update((row.label, verdict) for verdict in seen)
            allowed = self._allowed(row)
            mistakes += [Mistake(row, verdict) for verdict in sorted(seen) if verdict not in allowed]
            # A lost sign-in takes with it the only record that an assertion was accepted.
            missing += not seen and not (row.lost and row.source == "entra-signin")
            accused += row.intrusion is None and convicted
            planted += row.planted and not row.lost
            caught += row.planted and not row.lost and convicted
            blind += row.planted and row.lost
        return Comparison(
            truth_rows=len(self._rows),
            verdict_rows=self._verdicts,
            planted=planted,
            caught=caught,
            planted_without_evidence=blind,
            false_accusations=accused,
            missing_verdicts=missing,
            unknown_verdicts=self._unknown,
            mistakes=len(mistakes),
            misdiagnosed=len(wrong),
            confusion=dict(confusion),
            examples=tuple((mistakes + wrong)[:_EXAMPLES]),
        )
