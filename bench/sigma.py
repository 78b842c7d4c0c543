"""Rules of Sigma over CloudTrail: events a second of counterfoil and Tenzir, and whether their answers agree.

    pip install -e '.[bench,sigma]'
    python -m bench sigma --records 200000 --rules ../shared/data/sigma/rules/cloud/aws

Both read the same file of JSON lines and the same rules, each in a process of its own, in turns; the table shows each
one's median. counterfoil's case is made before, and how long that took is told: `counterfoil sigma` reads it again.
The events are made here (seed 21): ordinary calls of forty kinds, and one in a thousand that a rule names.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bench import results

SEED, RARE = 21, 1_000
_SERVICES = ("s3", "ec2", "sts", "kms", "iam", "lambda", "logs", "dynamodb", "sqs", "sns")
_ACTS = ("Describe", "List", "Get", "Put")
# Calls that public rules name.
_NAMED = (
    ("cloudtrail", "StopLogging"), ("iam", "UpdateLoginProfile"), ("guardduty", "CreateIPSet"), ("config",
    "StopConfigurationRecorder"), ("ec2", "DisableEbsEncryptionByDefault"), ("s3", "PutBucketReplication"),
    ("rds", "ModifyDBInstance"), ("route53", "DisableDomainTransferLock"), ("securityhub", "UpdateFindings"),
)
_PIPELINE = """
from_file "{log}" {{
  read_ndjson
}}
sigma path="{rules}"
summarize policy.uid, records=count()
write_ndjson
save_stdout
"""


@dataclass
class Figures:
    """What was measured: seconds, processor seconds and MiB of each round, and records by rule that holds."""

    name: str
    command: Sequence[str]
    package: str
    seconds: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    held: Mapping[str, int] = field(default_factory=dict)


def events(count: int) -> list[str]:
    """Return so many events of CloudTrail, as JSON lines."""
    chance, begin = random.Random(SEED), datetime.fromisoformat("2026-05-01T00:00:00")  # noqa: S311  # seeded
    lines = []
    for n in range(count):
        service, act = chance.choice(_NAMED) if n % RARE == 0 else (
            chance.choice(_SERVICES), f"{chance.choice(_ACTS)}Things")
        person = f"user{chance.randrange(500)}"
        lines.append(json.dumps({
            "eventVersion": "1.09", "eventTime": f"{begin + timedelta(seconds=n):%Y-%m-%dT%H:%M:%SZ}",
            "eventSource": f"{service}.amazonaws.com", "eventName": act, "awsRegion": "eu-central-1",
            "sourceIPAddress": f"198.51.100.{chance.randrange(256)}", "userAgent": "aws-cli/2.17 Python/3.11",
            "userIdentity": {"type": "IAMUser", "principalId": person, "userName": person, "accountId": "111122223333",
                             "arn": f"arn:aws:iam::111122223333:user/{person}"},
            "requestParameters": {"bucketName": f"b{chance.randrange(90)}", "key": f"k{n}"}, "responseElements": None,
            "eventID": f"{n:08x}-0000-4000-8000-000000000000", "eventType": "AwsApiCall",
            "recipientAccountId": "111122223333",
        }))
    return lines


def ran(command: Sequence[str], out: Path) -> tuple[float, float, float]:
    """Run a command into a file; return its seconds, processor seconds, and the MiB of its largest process."""
    began = time.perf_counter()
    with out.open("wb") as file:
        actions = [(os.POSIX_SPAWN_DUP2, file.fileno(), 1)]
        child = os.posix_spawn(command[0], list(command), os.environ, file_actions=actions)
        _, status, usage = os.wait4(child, 0)
    took = time.perf_counter() - began
    if os.waitstatus_to_exitcode(status) not in (0, 1):  # 1: something holds
        raise SystemExit(f"{command[0]} failed with status {os.waitstatus_to_exitcode(status)}")
    return took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def _held(figures: Figures, out: Path) -> Mapping[str, int]:
    if figures.package == "tenzir":
        rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
        return {row["uid"] if "uid" in row else row["policy"]["uid"]: int(row["records"]) for row in rows}
    document = json.loads(out.read_text(encoding="utf-8"))
    found = [dict(zip(document["columns"], row, strict=True)) for row in document["rows"]]
    return {row["rule"]: row["records"] for row in found if row["records"]}


def _contestants(log: Path, rules: Path, work: Path, tenzir: str | None) -> list[Figures]:
    ours = [sys.executable, "-m", "counterfoil.cli.main"]
    case = str(work / "case")
    began = time.perf_counter()
    subprocess.run([*ours, "ingest", str(log), "--case", case, "--quiet", "--format", "json"], check=True,
                   stdout=subprocess.DEVNULL)
    print(f"the case was made in {time.perf_counter() - began:.1f} s")
    found = [Figures("counterfoil", [*ours, "sigma", str(rules), "--case", case, "--format", "json", "--quiet"],
                     "counterfoil")]
    if tenzir is None:
        print("Tenzir is not installed, and left out")
        return found
    pipeline = work / "sigma.tql"
    pipeline.write_text(_PIPELINE.format(log=log, rules=rules), encoding="utf-8")
    return [*found, Figures("Tenzir", [tenzir, "-f", str(pipeline)], "tenzir")]


def main(arguments: Sequence[str]) -> None:
    """Write the events, run both in turns, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rules", type=Path, required=True, help="rules for aws/cloudtrail, which both are given")
    parser.add_argument("--tenzir", default=shutil.which("tenzir", path=sysconfig.get_path("scripts")),
                        help="the program of Tenzir; default: the one beside this Python")
    parser.add_argument("--out", type=Path, help="keep the figures in this file")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        log = work / "cloudtrail.jsonl"
        log.write_text("\n".join(events(asked.records)) + "\n", encoding="utf-8")
        known = _contestants(log, asked.rules.resolve(), work, asked.tenzir)
        for number in range(asked.rounds):
            for figures in known:
                print(f"round {number + 1} of {asked.rounds}: {figures.name}", file=sys.stderr)
                took, processor, memory = ran(figures.command, work / "out")
                figures.seconds.append(took)
                figures.processor.append(processor)
                figures.memory.append(memory)
                figures.held = _held(figures, work / "out")
        settings = {"records": asked.records, "bytes": log.stat().st_size, "rounds": asked.rounds, "seed": SEED}
    results.keep(asked.out, "sigma", arguments, settings, [_row(each, known[0], asked.records) for each in known],
                 ["duckdb", "pysigma", "tenzir"])


def _row(figures: Figures, ours: Figures, records: int) -> dict[str, Any]:
    took, processor = statistics.median(figures.seconds), statistics.median(figures.processor)
    rules = {*ours.held, *figures.held}
    same = sum(ours.held.get(rule) == figures.held.get(rule) for rule in rules)
    return {
        "who": figures.name, "seconds": took, "processor s": processor, "k events/s": records / took / 1000,
        "k events/processor s": records / processor / 1000, "MiB": round(max(figures.memory)),
        "rules that hold": len(figures.held), "records": sum(figures.held.values()),
        "same as ours": f"{same} of {len(rules)}",
    }
