"""Reads written logs back with the standard library only, as somebody who never saw the generator would."""

from __future__ import annotations

import base64
import csv
import gzip
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Record = dict[str, Any]

csv.field_size_limit(1_000_000)


def text(path: Path) -> str:
    """Return the content of a file, unpacked where it is packed; line ends are kept."""
    raw = path.read_bytes()
    return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()


def name(path: Path) -> str:
    """Return the file's name without .gz."""
    return path.name.removesuffix(".gz")


def records(path: Path) -> list[Record]:
    """Return the records of one file as its wrapper holds them."""
    content = text(path)
    if name(path).endswith(".csv"):
        return list(csv.DictReader(content.splitlines()))
    if name(path).endswith(".jsonl"):
        return [json.loads(line) for line in content.splitlines()]
    document = json.loads(content)
    return list(document["value"] if isinstance(document, dict) else document)


def files(folder: Path, part: str = "") -> list[Path]:
    """Return all files below `folder` whose name contains `part`, sorted."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and part in path.name)


def all_records(folder: Path, part: str) -> list[Record]:
    """Return the records of all files whose name contains `part`."""
    return [record for path in files(folder, part) for record in records(path)]


def audit(folder: Path) -> list[Record]:
    """Return AuditData of the management API files, with enumerations as numbers again."""
    rows = all_records(folder, "management-api")
    return [{**row, "RecordType": int(row["RecordType"]), "UserType": int(row["UserType"])} for row in rows]


def signins(folder: Path) -> list[Record]:
    """Return the `properties` of Azure Monitor's sign-ins, all four kinds."""
    return [record["properties"] for record in envelopes(folder)]


def envelopes(folder: Path) -> list[Record]:
    """Return Azure Monitor's sign-ins; the tables of Log Analytics have names that look alike."""
    return [record for record in all_records(folder, "SignInLogs") if "properties" in record]


def guid(uti: str) -> str:
    """Return the request id that a token id stands for."""
    raw = uti.rstrip("=")
    return str(uuid.UUID(bytes_le=base64.urlsafe_b64decode(raw + "==")))


def accepted(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield (token id as GUID, time) of every acceptance that carries a token id, in all logs."""
    for record in audit(folder):
        uti = record.get("AppAccessContext", {}).get("UniqueTokenId")
        if uti:
            yield guid(uti), record["CreationTime"]
    for record in all_records(folder, "MicrosoftGraphActivityLogs"):
        yield guid(record["properties"]["signInActivityId"]), record["time"][:19]
    for record in all_records(folder, "AuditLogs"):
        details = record["properties"]["initiatedBy"]["linkableIdentifiers"]["tokenDetails"]
        yield guid(details["uti"]), record["time"][:19]


def truth(path: Path) -> list[Record]:
    """Return the rows of the truth."""
    return [json.loads(line) for line in path.read_text().splitlines()]
