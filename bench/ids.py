"""Token ids to their canonical form, in one nested expression and in steps: the numbers of docs/adr/0005.

    python -m bench ids --rows 200000

Half of the ids are in base64url, a quarter GUIDs, a quarter other texts (seeded). Prints microseconds a row and thread.
"""

from __future__ import annotations

import argparse
import platform
import random
import time
import uuid
from collections.abc import Sequence

import duckdb
import pyarrow as pa

import counterfoil
from counterfoil.case.canonical import MACROS, with_canonical_ids
from counterfoil.model.ids import IdKind, canonical, uti

SEED = 558
QUERY = "SELECT token_id, token_id_kind FROM ids"
# The same steps, in one expression: the engine expands the macros.
NESTED_MACRO = """CREATE OR REPLACE TEMP MACRO nested(kind, raw) AS cf_canonical(
    trim(raw, ' '), cf_form(trim(raw, ' '), kind), cf_plain(trim(raw, ' '), cf_form(trim(raw, ' '), kind)))"""
NESTED = "SELECT nested(token_id_kind, token_id) AS token_id, token_id_kind FROM ids"


def ids(rows: int) -> list[str]:
    """Return invented ids."""
    rng = random.Random(SEED)  # noqa: S311  # invented data
    guids = [str(uuid.UUID(int=rng.getrandbits(128), version=4)) for _ in range(rows)]
    return [(uti(guid), guid, uti(guid), f"_{guid}")[place % 4] for place, guid in enumerate(guids)]


def main(arguments: Sequence[str]) -> None:
    """Measure both, in turn, on the same rows; the answers must be equal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    told = parser.parse_args(arguments)
    texts = ids(told.rows)
    with duckdb.connect(config={"threads": 1}) as con:
        for macro in (*MACROS, NESTED_MACRO):
            con.execute(macro)
        con.register("given", pa.table({"token_id": texts}))
        con.execute(f"CREATE TABLE ids AS SELECT token_id, '{IdKind.ENTRA_UTI}' AS token_id_kind FROM given")  # noqa: S608
        ways = {"one nested expression": NESTED, "in steps": with_canonical_ids(QUERY)}
        best = dict.fromkeys(ways, float("inf"))
        for _ in range(told.rounds):
            for name, query in ways.items():
                begin = time.perf_counter()
                con.execute(f"CREATE OR REPLACE TABLE done AS {query}")
                best[name] = min(best[name], time.perf_counter() - begin)
                found = con.execute("SELECT count(DISTINCT token_id), min(token_id) FROM done").fetchall()[0]
                wanted = {canonical(IdKind.ENTRA_UTI, text) for text in texts}
                if found != (len(wanted), min(str(text) for text in wanted)):
                    raise SystemExit(f"{name}: wrong ids {found}")
    print(f"{told.rows} ids, seed {SEED}, 1 thread, best of {told.rounds}", end="; ")
    print(f"counterfoil {counterfoil.__version__}, duckdb {duckdb.__version__}, Python {platform.python_version()}\n")
    print("| way | us a row |\n| --- | ---: |")
    for name, seconds in best.items():
        print(f"| {name} | {seconds / told.rows * 1e6:.2f} |")
