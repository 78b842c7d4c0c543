"""Every committed version of one file, by git itself: by commands that run no hook, filter or program of the user's."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from counterfoil.errors import InputError

_SECONDS = 60
_QUIET = {
    "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C",
}


def versions(path: Path, most: int, most_bytes: int) -> Iterator[tuple[str, datetime, bytes]]:
    """Yield commit, its committer's time and the content, oldest first, of each commit that changed the file.

    Raises InputError for a file that no repository has, more than `most` versions, or one over `most_bytes`.
    """
    form = ("--reverse", "--no-commit-header", "--format=%H %ct")
    listed = _git(path, "rev-list", *form, "HEAD", "--", f"./{path.name}")
    commits = [line.split() for line in listed.decode("ascii", "replace").splitlines()]
    if not commits:
        raise InputError(f"{path}: git has no version of it", hint="git:FILE names a file that is committed")
    if len(commits) > most:
        raise InputError(f"{path}: more than {most:,} versions")
    for commit, when in commits:
        name = f"{commit}:./{path.name}"
        try:
            size = int(_git(path, "cat-file", "-s", name))
        except InputError:
            continue  # the commit took it away
        if size > most_bytes:
            raise InputError(f"{path} at {commit[:12]}: longer than {most_bytes:,} bytes")
        yield commit, datetime.fromtimestamp(int(when), UTC), _git(path, "cat-file", "blob", name)


def _git(path: Path, *arguments: str) -> bytes:
    program = shutil.which("git")
    if program is None:
        raise InputError("git is not installed", hint="name a folder of fetches instead")
    command = [program, "-C", str(path.parent), "-c", "core.fsmonitor=false", *arguments]
    try:
        done = subprocess.run(  # noqa: S603  # no shell; reads objects, runs no hook and no filter
            command, env={**os.environ, **_QUIET}, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"{path}: git failed: {type(error).__name__}") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise InputError(f"{path}: git: {said[0][:200] if said else 'failed'}", hint="git:FILE names a committed file")
    return done.stdout
