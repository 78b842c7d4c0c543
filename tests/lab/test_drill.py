"""The drill: a stolen key, relying parties of every kind, and the whole response to it."""

from __future__ import annotations

from pathlib import Path

from counterfoil import rehearsal
from counterfoil.pipeline.progress import Silent


def test_the_drill_names_who_still_accepts_and_ends_with_out(tmp_path: Path) -> None:
    """Not out until the last party is mended, and out afterwards; the one that caches is measured."""
    done = rehearsal.drill(tmp_path / "drill", Silent(), cached=4.0)
    assert done.still == ("ignores",)
    assert done.before["verdict"] == "not out"
    assert {"party-still-accepts", "accepted-under-key"} <= {reason["code"] for reason in done.before["reasons"]}
    took = {each.party: each.seconds for each in done.measured}
    assert took["strict"] is not None
    assert took["caches"] is not None
    assert took["strict"] < took["caches"] < 30
    assert (done.after["verdict"], done.genuine_refused) == ("out", 0)
    assert [reason["code"] for reason in done.after["reasons"]] == ["refused-under-key"]
    assert done.revoked == 3
    assert "respond block STORE --kid" in done.runbook
