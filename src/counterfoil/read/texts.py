"""Records as columns of text, and why those that cannot be a record are refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

CHUNK_BYTES = 8 << 20
MAX_RECORD_BYTES = 16 << 20  # the largest real record seen is below 1 MB
# A parser needs some 20 bytes for each value: 16 MiB of brackets would cost it 300 MB. Real records of a megabyte are
# long lists of mail items, with some 50,000 values.
LONG_BYTES = 1 << 20
MAX_VALUES = 500_000
NOT_UTF8 = "not UTF-8"
TOO_MANY_VALUES = f"record of more than {MAX_VALUES:,} values"

_VALUE_BEGINS = (b",", b"[", b"{")

# Some records: their texts, NULL for those that are refused, and the reasons, NULL for those that are not.
Texts = tuple[pa.Array, pa.Array]
TextStream = Iterator[Texts]


@dataclass(frozen=True)
class Limits:
    """Bytes of one read, and of the longest record that is taken."""

    chunk: int = CHUNK_BYTES
    record: int = MAX_RECORD_BYTES

    @property
    def too_long(self) -> str:
        """Why a longer record is refused."""
        return f"record longer than {self.record >> 20} MiB"


def shared(data: bytes | memoryview, offsets: np.ndarray, limits: Limits) -> Texts:
    """Return the records between the offsets (int64, from 0 to the end of `data`) as an array that shares its bytes."""
    rows = len(offsets) - 1
    texts = pa.LargeStringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(data))
    longest = min(limits.record, LONG_BYTES)
    if len(data) <= longest or np.diff(offsets).max() <= longest:
        with suppress(pa.ArrowInvalid):
            texts.validate(full=True)
            return texts, pa.nulls(rows, pa.string())
    return one_by_one((bytes(data[offsets[i] : offsets[i + 1]]) for i in range(rows)), limits)


def one_by_one(records: Iterable[bytes | str], limits: Limits) -> Texts:
    """Return the records, refusing those that are too long or not UTF-8; what is a `str` says why it is none."""
    texts: list[str | None] = []
    refusals: list[str | None] = []
    for record in records:
        text, why = (None, record) if isinstance(record, str) else _text(record, limits)
        texts.append(text)
        refusals.append(why)
    return pa.array(texts, pa.large_string()), pa.array(refusals, pa.string())


def refused(why: str) -> Texts:
    """Return one record that is refused."""
    return pa.array([None], pa.large_string()), pa.array([why], pa.string())


def _text(record: bytes, limits: Limits) -> tuple[str | None, str | None]:
    if len(record) > limits.record:
        return None, limits.too_long
    if len(record) > LONG_BYTES and sum(map(record.count, _VALUE_BEGINS)) > MAX_VALUES:
        return None, TOO_MANY_VALUES
    try:
        return record.decode("utf-8"), None
    except UnicodeDecodeError:
        return None, NOT_UTF8
