"""A process that takes a key through its life in a custody folder, and is killed (SIGKILL) at its n-th step.

    python -m tests.custody.dying FOLDER N

A step is whatever changes a file of the folder: a file is opened to be written, or takes another's place. The process
dies before it happens, so that each n leaves behind another half of some operation.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from counterfoil.custody.algorithm import Algorithm
from counterfoil.custody.custody import Custody
from counterfoil.custody.keys import KeyState, KeyVersion

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def newest(held: Custody, state: KeyState) -> KeyVersion:
    """Return the newest version of the key in that state."""
    versions = held.keys()
    return [version for version in versions if version.state is state][-1]


def live(held: Custody) -> None:
    """Take the key through every step of its life."""
    held.prepare("idp")
    held.rotate("idp")
    held.retire("idp", newest(held, KeyState.PREVIOUS).kid)
    held.rotate("idp")
    held.block("idp", newest(held, KeyState.CURRENT).kid, "found in a dump")
    held.rotate("idp")
    held.create(f"other-{os.getpid()}", Algorithm.ES256)  # the folder may have seen another life


def main(folder: Path, dies_at: int) -> None:
    """Open custody, count the steps and die at one of them; 0: never."""
    steps = 0

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal steps
        writes = event == "os.rename" or (event == "open" and int(str(arguments[2])) & WRITING)
        if writes and str(folder) in str(arguments[0]):
            steps += 1
            if steps == dies_at:
                os.kill(os.getpid(), signal.SIGKILL)

    with Custody.open(folder) as held:
        sys.addaudithook(watch)
        live(held)
    sys.stdout.write(f"{steps}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
