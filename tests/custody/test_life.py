"""The life of a key: its states, its publication, and what a killed process leaves behind."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from counterfoil.custody import life
from counterfoil.custody.algorithm import Algorithm
from counterfoil.custody.audit import Operation
from counterfoil.custody.auditor import audited, entries
from counterfoil.custody.custody import Custody
from counterfoil.custody.keys import KeyState, KeyVersion
from counterfoil.errors import KeyStoreError, KeyUnusableError, UsageError

from .backends import Backend, file_backend

ROOT = Path(__file__).parents[2]
AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
LIFE = '[life]\njwks = "jwks.json"\n'
STATES = list(KeyState)
# The steps of tests.custody.dying that the suite dies at; all of them do behind the `slow` marker.
SOME_STEPS = (2, 5, 8, 11, 14, 17, 20, 23)


def version(number: int, state: KeyState, published: datetime | None = AT) -> KeyVersion:
    """Return a version of a key in some state."""
    return KeyVersion("idp", number, f"kid-{number}", Algorithm.ES256, state, "", b"", AT, False, False, published)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a custody folder whose keys are published."""
    with file_backend(tmp_path) as backend:
        text = backend.text()
        backend.settings(tmp_path / "custody")
    head, table = text.split("[file]")
    (tmp_path / "custody" / "custody.toml").write_text(f"{head}{LIFE}\n[file]{table}")
    return tmp_path / "custody"


def published(folder: Path) -> set[str]:
    """Return the key ids of the published set."""
    return {key["kid"] for key in json.loads((folder / "jwks.json").read_text())["keys"]}


@pytest.mark.parametrize("to", STATES, ids=str)
@pytest.mark.parametrize("state", STATES, ids=str)
def test_a_state_is_followed_by_those_that_may_follow_and_no_other(state: KeyState, to: KeyState) -> None:
    """Each pair of states: the step is made and dated, or refused with the state in the message."""
    if to in life.STEPS[state]:
        [after] = life.moved([version(1, state)], "kid-1", to, AT, "why")
        assert (after.state, after.since, after.reason) == (to, AT, "why")
        assert (after.began == AT, after.ended == AT) == (to is KeyState.CURRENT, state is KeyState.CURRENT)
    else:
        with pytest.raises(KeyUnusableError, match=f"is {state}, and cannot become {to}"):
            life.moved([version(1, state)], "kid-1", to, AT)


def test_a_key_that_is_out_can_be_blocked_from_every_state_in_which_it_exists() -> None:
    """Blocked from any: what is destroyed has no private key left to be out of custody with."""
    may = {state for state, after in life.STEPS.items() if KeyState.BLOCKED in after}
    assert may == set(KeyState) - {KeyState.BLOCKED, KeyState.DESTROYED}


def test_one_version_signs_at_a_time_and_none_that_is_not_published() -> None:
    """Promotion makes the one before previous in the same step; what nobody could know is refused."""
    both = [version(1, KeyState.CURRENT), version(2, KeyState.NEXT)]
    after = life.promoted(both, "kid-2", AT, published_only=True)
    assert [found.state for found in after] == [KeyState.PREVIOUS, KeyState.CURRENT]
    with pytest.raises(KeyUnusableError, match="not published"):
        life.promoted([version(2, KeyState.NEXT, None)], "kid-2", AT, published_only=True)
    with pytest.raises(KeyStoreError, match="2 versions would sign"):
        life.check([version(1, KeyState.CURRENT), version(2, KeyState.CURRENT)])


def test_the_published_set_follows_every_step(folder: Path) -> None:
    """Next, current and previous are in it; retired and blocked are not; each step is in the log with its version."""
    with Custody.open(folder) as held:
        first = held.create("idp", Algorithm.ES256)
        second = held.prepare("idp")
        assert published(folder) == {first.kid, second.kid}
        assert second.published is not None
        held.rotate("idp")
        held.retire("idp", first.kid)
        assert published(folder) == {second.kid}
        held.block("idp", second.kid, "found in a dump")
        assert published(folder) == set()
        with pytest.raises(KeyUnusableError, match="blocked"):
            held.sign("idp", b"a.b")
        third = held.rotate("idp")
        assert published(folder) == {third.kid}
        blocked = life.find(held.keys(), second.kid)
    assert (blocked.state, blocked.reason) == (KeyState.BLOCKED, "found in a dump")
    assert blocked.since is not None
    told = {(begin.record.op, begin.record.kid): begin.record.detail for begin, _ in entries(folder / "log")}
    assert told[Operation.BLOCK, second.kid] == "found in a dump"
    assert (Operation.RETIRE, first.kid) in told
    assert audited(folder / "log", store=folder).problems == ()


@pytest.mark.parametrize(
    ("sentence", "act", "told"),
    [
        ("the key that signs is not retired", lambda held, kid: held.retire("idp", kid), "current, and cannot become"),
        ("nor is one that custody does not hold", lambda held, kid: held.retire("idp", f"{kid}x"), "no key"),
        ("a block needs a key of that name", lambda held, kid: held.block("mail", kid, "out"), "no key 'mail'"),
        ("a reason is a line", lambda held, kid: held.block("idp", kid, "a\nb"), "one line"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(
    folder: Path, sentence: str, act: Callable[[Custody, str], object], told: str
) -> None:
    """One clear error, and keys and publication as before."""
    with Custody.open(folder) as held:
        kid = held.create("idp", Algorithm.ES256).kid
        before = held.keys(), published(folder)
        with pytest.raises((KeyUnusableError, UsageError), match=told):
            act(held, kid)
        assert (held.keys(), published(folder)) == before, sentence


@pytest.fixture(params=["file", "pkcs11"])
def living(request: pytest.FixtureRequest, started: dict[str, Backend], tmp_path: Path) -> Path:
    """Return a custody folder over files, and over a SoftHSM token, whose keys are published."""
    started[request.param].settings(tmp_path / "living", LIFE)
    return tmp_path / "living"


def half_blocked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[KeyVersion, KeyVersion]:
    """Retire a key, and end while the next one is blocked, before the back-end has heard of it."""
    class Killed(BaseException):
        pass

    def dies(*_: object, **__: object) -> None:
        raise Killed

    with Custody.open(folder) as held:
        first = held.create("idp", Algorithm.ES256)
        second = held.rotate("idp")
        held.retire("idp", first.kid)
        with monkeypatch.context() as patched:
            patched.setattr(held._store._driver, "disable", dies)
            patched.setattr(held, "_end", dies)  # a process that is killed writes no end
            with pytest.raises(Killed):
                held.block("idp", second.kid, "found in a dump")
    return first, second


def test_a_block_that_was_cut_off_is_finished_at_every_kind_of_back_end(
    living: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opened again: retired and blocked keys sign no more, nor in the token itself, and the log explains it."""
    first, second = half_blocked(living, monkeypatch)
    with Custody.open(living) as held:
        versions = held.keys()
        states = {version.kid: version.state for version in versions}
        assert states == {first.kid: KeyState.RETIRED, second.kid: KeyState.BLOCKED}
        assert published(living) == set()
        with pytest.raises(KeyUnusableError):
            held.sign("idp", b"a.b")
        # files know no disabled key: there the inventory alone refuses
        for gone in (first, second) if 'backend = "pkcs11"' in (living / "custody.toml").read_text() else ():
            with pytest.raises((KeyUnusableError, KeyStoreError)):
                held._store.sign_with(gone, b"a.b")
        held.rotate("idp")
        held.sign("idp", b"a.b")
    assert audited(living / "log", store=living).problems == ()


def test_a_back_end_that_fails_while_a_block_is_finished_is_one_clear_line(
    living: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what is left to do; nothing is signed, and once the back-end is mended the block is finished."""
    with Custody.open(living) as held:
        driver = type(held._store._driver)
    _, second = half_blocked(living, monkeypatch)

    def gone(*_: object) -> None:
        raise KeyStoreError("the token is gone")

    with monkeypatch.context() as patched:
        patched.setattr(driver, "disable", gone)
        with pytest.raises(KeyStoreError, match=f"half done .*block {second.kid}.*: the token is gone") as caught:
            Custody.open(living)
        assert "\n" not in str(caught.value)
        assert caught.value.hint
    with Custody.open(living) as held:
        assert life.find(held.keys(), second.kid).state is KeyState.BLOCKED
    assert audited(living / "log", store=living).problems == ()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("cache_seconds = 90000.0", "prepublish_seconds: 86400 is less than"),
        ("kind = \"galaxy\"", "no class 'galaxy'"),
        ("drain_seconds = -1.0", "no duration"),
        ("drain = 5", "unknown field"),
    ],
)
def test_settings_of_a_life_that_would_refuse_good_tokens_are_refused(folder: Path, line: str, told: str) -> None:
    """One line that names the field."""
    text = (folder / "custody.toml").read_text()
    (folder / "custody.toml").write_text(text.replace(LIFE, LIFE + line + "\n"))
    with pytest.raises(UsageError, match=told):
        Custody.open(folder)


def test_a_store_whose_set_is_gone_publishes_it_when_it_is_opened(folder: Path) -> None:
    """Also one that kept keys before it was told where to publish; the log says so."""
    with Custody.open(folder) as held:
        kid = held.create("idp", Algorithm.ES256).kid
    (folder / "jwks.json").unlink()
    with Custody.open(folder):
        assert published(folder) == {kid}
    assert "the key set was not published" in [begin.record.detail for begin, _ in entries(folder / "log")]


def _survives(made: Path, folder: Path, step: int) -> bool:
    """Kill a life at a step and open what it left; return whether the life ended before that step."""
    shutil.copytree(made, folder)
    command = [sys.executable, "-m", "tests.custody.dying", str(folder), str(step)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)  # noqa: S603  # our own
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    with Custody.open(folder) as held:
        keys = held.keys()
        signing = Counter(key.name for key in keys if key.state is KeyState.CURRENT)
        assert set(signing.values()) <= {1}
        assert {key.kid for key in keys if key.state in life.PUBLISHED} == published(folder)
        for key in keys:
            assert key.state is not KeyState.CURRENT or key.published is not None
            assert not (key.state is KeyState.BLOCKED and key.reason != "found in a dump")
        # resumed: what was begun to be retired or blocked is; rolled back: what was not made is made anew
        for begin, _ in entries(folder / "log"):
            if begin.record.op in ("retire", "block"):
                wanted = KeyState.RETIRED if begin.record.op == "retire" else KeyState.BLOCKED
                assert life.find(keys, begin.record.kid).state is wanted
        held.rotate("idp")
        held.sign("idp", b"a.b")
    assert audited(folder / "log", store=folder).problems == ()
    return done.returncode == 0


@pytest.mark.parametrize("step", SOME_STEPS)
def test_a_life_that_is_killed_is_resumed_or_rolled_back(folder: Path, tmp_path: Path, step: int) -> None:
    """Never two keys that sign, never one that is not published, nothing that the log does not explain."""
    with Custody.open(folder) as held:
        held.create("idp", Algorithm.ES256)
    _survives(folder, tmp_path / "killed", step)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_life_is_killed_at_every_step(folder: Path, tmp_path: Path) -> None:
    """A hundred times: at each step of a new store, and then of what the earlier deaths left behind."""
    with Custody.open(folder) as held:
        held.create("idp", Algorithm.ES256)
    made, killed, step = folder, 0, 1
    while killed < 100:
        after = tmp_path / f"killed-{killed}"
        if _survives(made, after, step):
            assert step > 20, "a life has more steps than that"
            shutil.rmtree(after)
            made, step = tmp_path / f"killed-{killed - 1}", 1
            (made / "log" / "lock").unlink(missing_ok=True)
        else:
            killed, step = killed + 1, step + 1
