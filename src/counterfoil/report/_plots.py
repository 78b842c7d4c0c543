"""Plots as SVG, drawn by Vega-Lite when the report is made: the page needs no script.

Only counts, days, hours and our own words are drawn, nothing that a log wrote. The plots need the extra `plots`
(vl-convert); without it the page says so, and its tables hold the same numbers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

import msgspec
from markupsafe import Markup

from counterfoil.model.dossier import HourCount, JudgedDay
from counterfoil.model.verdict import FindingVerdict, Verdict
from counterfoil.report._strips import Axis

WIDE, WIDE_HOURS, NARROW = 700, 400, 300
PANEL_HEIGHT = 58

# What is drawn from top to bottom: an answer, its name, its colour. Each has a panel of its own, so that no colour
# has to be told from another, and three forged among thousands can be seen.
PANELS: tuple[tuple[str, str, str], ...] = (
    (FindingVerdict.FORGED, "forged", "#8f1d1d"),
    (FindingVerdict.CONTRADICTED, "contradicted", "#8f1d1d"),
    (FindingVerdict.TAINTED, "tainted", "#8f1d1d"),
    (FindingVerdict.PROBABLY_FORGED, "probably forged", "#8a5a00"),
    (FindingVerdict.SUSPICION, "suspicious", "#8a5a00"),
    ("open", "cannot be judged", "#6b7280"),
    (Verdict.MINTED, "minted", "#1f5f8b"),
)
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_FONT = "sans-serif"
_AXIS = {"labelColor": "#333", "titleColor": "#333", "gridColor": "#e2e2e2", "domainColor": "#777", "tickColor": "#777"}
_CONFIG: Mapping[str, Any] = {
    "font": _FONT,
    "background": "white",
    "view": {"stroke": None},
    "axis": {"labelFontSize": 11, "titleFontSize": 11, "titleFontWeight": "normal", **_AXIS},
    "title": {"anchor": "start", "fontSize": 12, "fontWeight": "bold", "color": "#222", "offset": 4},
}


@dataclass(frozen=True)
class Plot:
    """One plot for two widths of screen. `words` say what it shows, for who does not see it."""

    wide: Markup
    narrow: Markup
    words: str


def days(rows: Sequence[JudgedDay], over: Axis) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Return (name of an answer, acceptances per column) of the answers that occur."""
    counted: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        place = over.place(row.day)
        if place is not None:
            counted[row.answer][place] += row.acceptances
    return tuple(
        (name, tuple(counted[answer][n] for n in range(len(over.days))))
        for answer, name, _ in PANELS
        if counted[answer]
    )


def timeline(shown: Sequence[tuple[str, tuple[int, ...]]], over: Axis) -> Plot | None:
    """Return acceptances over time, a panel per answer; None without a plotting library or anything to plot."""
    if not shown or not over.days:
        return None
    names = ", ".join(name for name, _ in shown)
    span = f"from {over.days[0]} to {over.days[-1]}"
    words = f"Acceptances {span}, one panel each: {names}. The table below has the numbers."
    return _plot(lambda width: _panels(shown, over, width), words, WIDE)


def hours(rows: Sequence[HourCount]) -> Plot | None:
    """Return the hours at which tokens of findings were used; None as for `timeline`."""
    if not rows:
        return None
    words = "Uses of tokens of findings by weekday and hour, UTC."
    return _plot(lambda width: _hours(rows, width), words, WIDE_HOURS)


def _plot(spec: Callable[[int], Mapping[str, Any]], words: str, wanted: int) -> Plot | None:
    wide, narrow = (_drawn(spec(width)) for width in (wanted, NARROW))
    return None if wide is None or narrow is None else Plot(wide, narrow, words)


def _drawn(spec: Mapping[str, Any]) -> Markup | None:
    """Return the SVG, None without the library."""
    try:
        import vl_convert
    except ImportError:
        return None
    return _svg(vl_convert.vegalite_to_svg, msgspec.json.encode({**spec, "config": _CONFIG}).decode())


@lru_cache(maxsize=8)
def _svg(draw: Callable[[str], str], spec: str) -> Markup:
    """Return the SVG of a specification: our own words and numbers, drawn and escaped by the library."""
    return Markup(draw(spec))  # noqa: S704


def _panels(shown: Sequence[tuple[str, tuple[int, ...]]], over: Axis, width: int) -> Mapping[str, Any]:
    colours = {name: colour for _, name, colour in PANELS}
    panels = [
        {
            "title": name,
            "width": width - 60,
            "height": PANEL_HEIGHT,
            "data": {"values": [{"day": _day(day), "n": n} for day, n in zip(over.days, counts, strict=True)]},
            "mark": {"type": "bar", "color": colours[name], "width": max(2, (width - 90) // len(over.days) - 2)},
            "encoding": {
                "x": {
                    "field": "day", "type": "temporal", "scale": {"type": "utc", "domain": _domain(over)},
                    "axis": {
                        "title": None, "labels": place == len(shown) - 1, "format": "%m-%d", "grid": False,
                        "values": _ticks(over, 4 if width == NARROW else 10), "labelOverlap": True,
                    },
                },
                "y": {
                    "field": "n", "type": "quantitative",
                    "axis": {"title": None, "tickCount": 3, "minExtent": 40, "format": "~s"},
                },
            },
        }
        for place, (name, counts) in enumerate(shown)
    ]
    return {"vconcat": panels, "spacing": 12}


def _hours(rows: Sequence[HourCount], width: int) -> Mapping[str, Any]:
    values = [{"weekday": _WEEKDAYS[row.weekday - 1], "hour": row.hour, "n": row.acceptances} for row in rows]
    return {
        "width": width - 60,
        "height": 150,
        "data": {"values": values},
        "mark": {"type": "circle", "color": "#222", "opacity": 0.85},
        "encoding": {
            "x": {
                "field": "hour", "type": "quantitative", "scale": {"domain": [-0.5, 23.5], "nice": False},
                "axis": {"title": "hour of the day, UTC", "values": list(range(0, 24, 3)), "format": "02d"},
            },
            "y": {
                "field": "weekday", "type": "nominal", "sort": _WEEKDAYS, "scale": {"domain": _WEEKDAYS},
                "axis": {"title": None, "grid": True, "minExtent": 40},
            },
            "size": {
                "field": "n", "type": "quantitative", "legend": None,
                "scale": {"range": [8, 90]},
            },
        },
    }


def _ticks(over: Axis, most: int) -> list[str]:
    """Return the days that are named: bars stand on them, and no day is named twice."""
    return [_day(day) for day in over.days[:: -(-len(over.days) // most)]]


def _domain(over: Axis) -> list[str]:
    return [_day(over.days[0], -0.5), _day(over.days[-1], over.step - 0.5)]


def _day(day: date, days: float = 0) -> str:
    return (datetime.combine(day, time()) + timedelta(days=days)).isoformat() + "Z"
