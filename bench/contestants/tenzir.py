"""Tenzir: one pipeline that groups both logs by token id and keeps what no sign-in has."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path

NAME = "Tenzir"
PACKAGE = "tenzir"
HOW = "one pipeline: `from_file`, `read_ndjson`, `summarize` by id (it has no join); default settings, no node"
ANSWERS = True

_PIPELINE = """
from_file "{logs}/*/*.jsonl" {{
  read_ndjson
}}
good = properties?.status?.errorCode? == null or properties?.status?.errorCode? == 0
issued = properties?.uniqueTokenIdentifier? if good
accepted = AppAccessContext?.UniqueTokenId? else properties?.signInActivityId?
id = accepted else issued
where id != null
id = id.replace("=", "")
summarize id, accepted=count(accepted), issued=count(issued)
where issued == 0 and id != "AAAAAAAAAAAAAAAAAAAAAA" and id != ""
select id
write_ndjson
save_stdout
"""


def main(logs: Path, out: Path) -> None:
    """Become the program; its answer is JSON lines, which the benchmark reads too."""
    program = shutil.which("tenzir", path=sysconfig.get_path("scripts"))
    if program is None:
        raise SystemExit("tenzir is not installed")
    with tempfile.NamedTemporaryFile("w", suffix=".tql", delete=False) as pipeline:
        pipeline.write(_PIPELINE.format(logs=logs))
    os.dup2(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), sys.stdout.fileno())
    os.execv(program, [program, "-f", pipeline.name])  # noqa: S606  # the rival itself, no shell


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
