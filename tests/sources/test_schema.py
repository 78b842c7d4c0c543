"""Every registered source, held to the evidence schema and to the reader's rules."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import ibis.expr.datatypes as dt
import pytest

from counterfoil.case.ingest import mapped
from counterfoil.expressions.built import built
from counterfoil.expressions.compiled import sql
from counterfoil.model import schema
from counterfoil.pipeline.routed import shape_of
from counterfoil.sources.registry import all_sources
from counterfoil.sources.source import REJECT, TEXT, RawType, Source

SOURCES = all_sources()
DOCS = Path(__file__).parents[2] / "docs" / "sources"
# A mapping whose text is larger takes the engine seconds to plan: name the parts that are used twice.
MAX_SQL_BYTES = 150_000


def _structs(kind: RawType) -> Iterator[Mapping[str, Any]]:
    if isinstance(kind, Mapping):
        yield kind
        for inner in kind.values():
            yield from _structs(inner)
    elif not isinstance(kind, str):
        yield from _structs(kind[0])


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_evidence_schema(source: Source) -> None:
    """A source gives the evidence columns, in order and typed as declared, and the reason of a reject."""
    found = built(mapped(shape_of(source))).schema()
    assert tuple(found.names) == (*schema.NAMES, REJECT)
    assert dict(found.items()) == {name: dt.dtype(kind) for name, kind in schema.TYPES.items()} | {REJECT: dt.string}


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_raw_schema(source: Source) -> None:
    """Raw leaves are texts, and no two names differ in case alone: engines would take them for one."""
    assert source.embedded <= source.raw.keys()
    for struct in _structs(source.raw):
        assert len({name.lower() for name in struct}) == len(struct)
        assert all(kind == TEXT for kind in struct.values() if isinstance(kind, str))


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_mapping_stays_small(source: Source) -> None:
    """A mapping is planned in a moment."""
    assert len(sql(mapped(shape_of(source)))) < MAX_SQL_BYTES


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_words(source: Source) -> None:
    """A source has a plain name and says how to export it, what it keeps, what is cut off, and what misleads."""
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", source.name)
    said = source.explain
    assert source.title and said.what and said.export and said.retention and said.caps and said.traps
    assert not any(line.strip() != line or not line for line in (*said.export, *said.traps))


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_documented(source: Source) -> None:
    """A page of docs/sources names the source and repeats its exports as the program says them."""
    pages = [page.read_text() for page in DOCS.glob("*.md")]
    missing = [
        [line for line in source.explain.export if line not in page] for page in pages if f"`{source.name}`" in page
    ]
    assert missing, f"no page of docs/sources names {source.name}"
    assert min(missing, key=len) == []
