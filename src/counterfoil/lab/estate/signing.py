"""The signer: `python -m counterfoil.lab.estate.signing CUSTODY SOCKET`; ends when its standard input does."""

from __future__ import annotations

import getpass
import sys
import threading
from pathlib import Path

from counterfoil.custody.custody import Custody
from counterfoil.custody.settings import SignerSettings
from counterfoil.custody.signer import Signer
from counterfoil.lab.estate.clock import FILE, Clock


def main(store: Path, socket: Path) -> None:
    """Hold the keys and answer."""
    with Custody.open(store, clock=Clock(store.parent / FILE).now) as custody:
        signer = Signer(custody, SignerSettings(allow=(getpass.getuser(),)), socket)

        def until_end() -> None:
            sys.stdin.buffer.read()
            signer.stop()

        threading.Thread(target=until_end, daemon=True).start()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        signer.serve(lambda _: None)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
