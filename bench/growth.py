"""Draws how reconciling grows with the number of tokens, beside the plain join, from the rows of `bench reconcile`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import vl_convert

SERIES = {"cpu s": "counterfoil, all rules and tables", "limit cpu s": "DuckDB, the anti-join alone"}


def spec(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the plot in Vega-Lite: seconds of processor time over tokens, both on logarithmic scales."""
    values = [
        {"tokens": row["tokens"], "seconds": row[name], "what": what} for row in rows for name, what in SERIES.items()
    ]
    scale = {"type": "log"}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": 460,
        "height": 260,
        "data": {"values": values},
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": {"field": "tokens", "type": "quantitative", "scale": scale, "title": "tokens",
                  "axis": {"format": "~s", "values": sorted({row["tokens"] for row in rows})}},
            "y": {"field": "seconds", "type": "quantitative", "scale": scale, "title": "seconds of processor time"},
            "shape": {"field": "what", "type": "nominal", "legend": None},
            "strokeDash": {"field": "what", "type": "nominal", "title": None,
                           "legend": {"orient": "top", "labelLimit": 300}},
        },
    }


def draw(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write the plot as SVG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(vl_convert.vegalite_to_svg(spec(rows)) + "\n", encoding="utf-8")
