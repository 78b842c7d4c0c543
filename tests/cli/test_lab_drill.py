"""The drill: a stolen key, relying parties of every kind, and the whole response to it."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from counterfoil import rehearsal
from counterfoil.errors import UsageError
from counterfoil.pipeline.progress import Silent
from counterfoil.respond.evicted import Eviction

from .run import run

CACHED = 2.0
USERS = 3


def test_the_drill_names_who_still_accepts_and_ends_with_out(tmp_path: Path) -> None:
    """Not out until the last party is mended, and out afterwards; the one that caches is measured."""
    done = rehearsal.drill(tmp_path / "drill", Silent(), cached=CACHED)
    assert done.still == ("ignores",)
    assert done.before["verdict"] == Eviction.NOT_OUT
    assert {"party-still-accepts", "accepted-under-key"} <= {reason["code"] for reason in done.before["reasons"]}
    took = {each.party: each.seconds for each in done.measured}
    assert set(took) | set(done.missing) == {"strict", "caches", "ignores", "envoy", "haproxy"}
    strict, caches, ignores = took["strict"], took["caches"], took["ignores"]
    assert strict is not None
    assert caches is not None
    assert ignores is not None
    assert max(strict, CACHED - 0.5) <= caches < ignores  # it looked just before the block
    assert (done.after["verdict"], done.again, done.refused) == (Eviction.OUT, USERS, 0)
    assert [reason["code"] for reason in done.after["reasons"]] == ["refused-under-key"]
    assert done.breaks == "every token under the key is refused at once: those users sign in again"
    assert done.revoked > USERS
    assert done.rotated == ("events", "idp")
    assert "respond block STORE --kid" in done.runbook
    assert done.passed


def test_a_drill_is_not_run_over_another(tmp_path: Path) -> None:
    """A folder that is there is left as it is."""
    with pytest.raises(UsageError, match="a drill was run there"):
        rehearsal.drill(tmp_path, Silent())
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_whole_drill_is_one_command_of_less_than_five_minutes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a party that caches for a minute: it is measured as such, and the command says that all ended well."""
    began = time.monotonic()
    done = run(capsys, "lab", "drill", tmp_path / "drill", "--quiet")
    assert time.monotonic() - began < 300
    assert done.code == 0, done.out + done.err
    measured = re.search(r"caches\W+blocked\W+([0-9.]+)", done.out)
    assert measured is not None
    assert 59 <= float(measured[1]) < 80
    assert "before the last party was mended: not out" in done.out
    assert "after: out" in done.out
    assert "the drill: passed" in done.out
