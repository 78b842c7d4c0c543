"""Tokens minted a second, with custody log and counterfoil, beside the bare signature of the same back-end, in one run.

    python -m bench mint
    python -m bench mint --backends pkcs11 openbao --callers 64 --seconds 2 --rounds 8 --out bench/figures/mint.json

Minted means: claims checked by the policy, the counterfoil durable in the ledger, the beginning of the key use durable
in custody's log before the key is touched, its end before the token is handed out: three durable writes, one after
another, in two logs. Bare is the back-end's signature of a signing input of the same length, nothing else. Both take
turns in rounds, so that what else the machine does meets both. Afterwards both logs must verify.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.custody.backends import BACKENDS, Backend
from tests.mint.making import AUDIENCE, CLIENT, ISSUER, MINT_POLICY, ORIGIN, SUBJECTS

from bench import results
from bench.sign import PACKAGES, asked, compared
from counterfoil.custody.algorithm import Algorithm
from counterfoil.custody.auditor import audited
from counterfoil.custody.custody import Custody
from counterfoil.custody.keys import Signed
from counterfoil.mint.ledger import FileLedger, checked
from counterfoil.mint.mint import Mint, Minted
from counterfoil.mint.policy import MintPolicy
from counterfoil.model.counterfoil import Grant
from counterfoil.tlog import replay
from counterfoil.tlog.folder import Folder


class Minting:
    """What callers call: a token for the next of a thousand users, or the signature of what one looks like."""

    def __init__(self, custody: Custody, ledger: FileLedger, key: str) -> None:
        """Mint with that key."""
        policy = MintPolicy.from_toml(MINT_POLICY.replace('key = "idp"', f'key = "{key}"'))
        self._mint, self._custody = Mint(custody, ledger, policy, SUBJECTS), custody
        self._version = next(found for found in custody.keys(purpose="bench") if found.name == key)
        self._input = self.mint(b"").token.rpartition(".")[0].encode()

    @property
    def input_bytes(self) -> int:
        """How long the signing input of a token is."""
        return len(self._input)

    def mint(self, told: bytes) -> Minted:
        """Mint a token; `told` differs from call to call."""
        claims = {"sub": f"user-{hash(told) % 1000}", "aud": AUDIENCE, "scope": "mail.read mail.send offline_access"}
        return self._mint.issue(claims, grant=Grant.CODE, client=CLIENT, session=f"session-{hash(told) % 5000}")

    def sign(self, told: bytes) -> Signed:
        """Sign as many bytes, with nothing recorded."""
        return self._custody._store.sign_with(self._version, told[: len(self._input)].ljust(len(self._input), b"."))


def measured(backend: Backend, folder: Path, told: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield a row for each algorithm and number of callers; both logs must verify afterwards."""
    backend.settings(folder / "custody")
    with Custody.open(folder / "custody") as custody, FileLedger.open(folder / "ledger", ORIGIN) as ledger:
        for algorithm in told.algorithms:
            if algorithm not in custody.capabilities.algorithms:
                continue
            name = f"key-{algorithm.lower()}"
            custody.create(name, Algorithm(algorithm))
            minting = Minting(custody, ledger, name)
            for callers in told.callers:
                row = compared(minting.sign, minting.mint, callers, told, "minted")
                yield {"back-end": backend.name, "algorithm": algorithm, "callers": callers, **row}
    found = audited(folder / "custody" / "log")
    if found.problems and backend.name != "tpm":  # there, the bare signatures are the gap, and are found
        raise SystemExit(f"{backend.name}: {found.problems[0]}")
    replay.replay(Folder(folder / "ledger"), checked)


@contextmanager
def started(name: str, folder: Path) -> Iterator[Backend | None]:
    """Yield the back-end, or None where its software is missing."""
    with ExitStack() as stack:
        try:
            backend = stack.enter_context(BACKENDS[name](folder))
        except pytest.skip.Exception as missing:
            print(missing)
            yield None
        else:
            yield backend


def main(arguments: list[str]) -> None:
    """Measure, print and keep."""
    told = asked("mint", __doc__, ["file", "pkcs11", "openbao"], arguments)
    rows: list[dict[str, Any]] = []
    for name in told.backends:
        with tempfile.TemporaryDirectory(dir=told.folder) as made:
            folder = Path(made).absolute()
            with started(name, folder) as backend:
                if backend is not None:
                    rows += measured(backend, folder, told)
    settings = {"seconds": told.seconds, "rounds": told.rounds, "issuer": ISSUER}
    results.keep(told.out, "mint", arguments, settings, rows, PACKAGES)
