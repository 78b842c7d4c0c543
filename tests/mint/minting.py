"""Mints as fast as it can on four threads until it is killed; prints the digest of each token that it hands out.

Run as `python -m mint.minting FOLDER [ADDRESS]` from the folder of the tests; the folder holds custody and ledger, or
custody and the private key (log.key) of the ledger in the database at ADDRESS.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from counterfoil.custody.custody import Custody
from counterfoil.mint.ledger import FileLedger
from counterfoil.mint.mint import Mint
from counterfoil.mint.policy import MintPolicy
from counterfoil.mint.sqlledger import SqlLedger
from counterfoil.model.counterfoil import Grant
from mint.making import CLAIMS, MINT_POLICY, SUBJECTS

THREADS = 4


def main(path: Path, address: str = "") -> None:
    """Mint for ever."""
    custody = Custody.open(path / "custody")
    ledger = SqlLedger.open(address, path / "log.key") if address else FileLedger.open(path / "ledger")
    mint = Mint(custody, ledger, MintPolicy.from_toml(MINT_POLICY), SUBJECTS)

    def forever() -> None:
        while True:
            minted = mint.issue(CLAIMS, grant=Grant.CLIENT)
            os.write(1, f"{minted.counterfoil.digest}\n".encode())  # one write: whole, or not there

    for _ in range(THREADS - 1):
        threading.Thread(target=forever, daemon=True).start()
    forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
