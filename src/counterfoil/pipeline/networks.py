"""The user's own file of networks: MaxMind's format (extra `networks`), or lines.

Lines are `ADDRESS,ASN`, `NETWORK,ASN` or `FIRST,LAST,ASN`, with commas or tabs; a country of two letters, a name and a
use may follow. So the lists of iptoasn.com (public domain) and DB-IP (CC BY 4.0) are read as they are, and GeoLite2's
CSV. Of MMDB: the members that GeoLite2 ASN, DB-IP and IPinfo have, and the flags of MaxMind's Anonymous IP.
"""

from __future__ import annotations

import csv
import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import IO, Any

from counterfoil.errors import InputError, UsageError
from counterfoil.model.hosting import HOSTING, Network, NetworkFile
from counterfoil.model.networks import is_address_of_microsoft_365

MAX_FILE_BYTES = 1 << 30
MAX_NAME = 120
# Records that are looked at before evidence is read, to tell what the file is.
_FIRST = 100
_MMDB_MARK = b"\xab\xcd\xefMaxMind.com"
_MMDB_TAIL = 128 << 10
_EXTRA = "pip install 'counterfoil[networks]'"
_HINT = "ADDRESS,ASN or NETWORK,ASN or FIRST,LAST,ASN, then a name; or an MMDB of ASN data"
_NUMBERS = ("autonomous_system_number", "asn", "as_number")
_NAMES = ("autonomous_system_organization", "as_name", "name", "org")
# Flags of MMDB, and words for a network's use, that mean: for rent, or to be hidden behind.
_FLAGS = (
    "is_hosting_provider", "is_anonymous_vpn", "is_public_proxy", "is_tor_exit_node", "is_residential_proxy",
    "hosting", "vpn", "proxy", "tor",
)
_USES = frozenset({"hosting", "vpn", "proxy", "tor", "datacenter"})
_COUNTRY = 2  # letters

_Range = tuple[int, int, int, Network]  # version, first and last address, whose


def named(path: Path) -> NetworkFile:
    """Return the file, once it is known to hold networks; raises InputError, UsageError without the extra."""
    digest = hashlib.sha256()
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InputError(f"{path}: longer than {MAX_FILE_BYTES:,} bytes", hint="is this the right file?")
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}", hint="name a file that can be read") from error
    if _is_mmdb(path):
        _expect_networks(path)
    elif not _some(_ranges(path)):
        raise InputError(f"{path} holds no networks", hint=_HINT)
    return NetworkFile(str(path), digest.hexdigest())


def networks(file: NetworkFile, addresses: Iterable[str]) -> dict[str, Network]:
    """Return the network of each address that the file knows, the smallest one; raises InputError."""
    path = Path(file.path)
    found = _of_mmdb(path, addresses) if _is_mmdb(path) else _of_lines(path, addresses)
    return {ip: replace(network, hosting=network.hosting and not is_address_of_microsoft_365(ip))
            for ip, network in found.items()}


def _is_mmdb(path: Path) -> bool:
    """Tell whether the file ends as MaxMind's format says: a mark, then what the file is, within 128 KiB."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _MMDB_TAIL))
        return _MMDB_MARK in file.read()


def _opened(path: Path) -> Any:
    try:
        import maxminddb
    except ImportError as error:
        raise UsageError(f"{path} is an MMDB, which maxminddb reads", hint=_EXTRA) from error
    try:
        return maxminddb.open_database(path)
    except (maxminddb.InvalidDatabaseError, OSError, ValueError) as error:
        raise InputError(f"{path} is a broken MMDB: {error}") from error


def _expect_networks(path: Path) -> None:
    with _opened(path) as reader:
        told = (_network(record) for (_, record), _ in zip(reader, range(_FIRST), strict=False))
        if not any(told):
            kind = str(reader.metadata().database_type)[:MAX_NAME]
            raise InputError(f"{path} says of no network whose it is: it is of the kind {kind}", hint=_HINT)


def _of_mmdb(path: Path, addresses: Iterable[str]) -> dict[str, Network]:
    found: dict[str, Network] = {}
    with _opened(path) as reader:
        for address in addresses:
            try:
                record = reader.get(address)
            except ValueError:  # no address, or one of a version that the file has not
                continue
            if network := _network(record):
                found[address] = network
    return found


def _network(record: object) -> Network | None:
    """Return what a record of an MMDB says; None if that is nothing of use."""
    if not isinstance(record, Mapping):
        return None
    asn = next((number for name in _NUMBERS if (number := _asn(str(record.get(name, ""))))), None)
    label = next((str(record[name]) for name in _NAMES if record.get(name)), "")
    flagged = any(str(record.get(flag, "")).lower() == "true" for flag in _FLAGS)
    return _told(asn, label, hosting=flagged or str(record.get("type", "")).lower() in _USES)


def _told(asn: int | None, name: str, *, hosting: bool) -> Network | None:
    if asn is None and not hosting:
        return None
    return Network(asn, name[:MAX_NAME] or HOSTING.get(asn or 0, ""), hosting or asn in HOSTING)


def _asn(text: str) -> int | None:
    digits = text.strip().upper().removeprefix("AS")
    return int(digits) if digits.isascii() and digits.isdigit() and 0 < int(digits) < 1 << 32 else None


def _of_lines(path: Path, addresses: Iterable[str]) -> dict[str, Network]:
    """Return the smallest of the file's ranges for each address: the addresses are few, the ranges many."""
    known: dict[int, dict[int, str]] = {4: {}, 6: {}}
    for text in addresses:
        try:
            address = ip_address(text)
        except ValueError:
            continue
        known[address.version][int(address)] = text
    order = {version: sorted(held) for version, held in known.items()}
    best: dict[str, tuple[int, Network]] = {}
    for version, first, last, network in _ranges(path):
        for number in _between(order[version], first, last):
            text = known[version][number]
            if text not in best or last - first < best[text][0]:
                best[text] = last - first, network
    return {text: network for text, (_, network) in best.items()}


def _between(order: Sequence[int], first: int, last: int) -> Iterator[int]:
    place = bisect_left(order, first)
    while place < len(order) and order[place] <= last:
        yield order[place]
        place += 1


def _some(ranges: Iterator[object]) -> int:
    return sum(1 for _ in zip(ranges, range(_FIRST), strict=False))


def _ranges(path: Path) -> Iterator[tuple[int, int, int, Network]]:
    """Yield the ranges in the file's lines; raises InputError for a line that is none."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(_bare(file), delimiter="\t" if _tabs(path) else ",")
        try:
            for place, row in enumerate(rows, 1):
                cells = [cell.strip() for cell in row]
                if (found := _range(cells)) is not None:
                    yield found
                elif place > 1 and not _unrouted(cells):  # the first may be a header
                    told = f"line {rows.line_num:,} of {path} names no network: {','.join(cells)[:MAX_NAME]!r}"
                    raise InputError(told, hint=_HINT)
        except (UnicodeDecodeError, csv.Error) as error:
            raise InputError(f"{path} is neither an MMDB nor lines: {error}", hint=_HINT) from error


def _bare(file: IO[str]) -> Iterator[str]:
    return (line for line in file if line.strip() and not line.startswith("#"))


def _tabs(path: Path) -> bool:
    with path.open("rb") as file:
        return b"\t" in file.readline(4_096)


def _range(cells: Sequence[str]) -> _Range | None:
    """Return the range of a line, None for what is none."""
    try:
        if "/" in cells[0]:
            net = ip_network(cells[0], strict=False)
            version, first, last, rest = net.version, int(net[0]), int(net[-1]), cells[1:]
        else:
            begin = ip_address(cells[0])
            ends = len(cells) > 2 and _asn(cells[1]) is None
            end, rest = (ip_address(cells[1]), cells[2:]) if ends else (begin, cells[1:])
            version, first, last = begin.version, int(begin), int(end)
    except (ValueError, IndexError):
        return None
    asn = _asn(rest[0]) if rest else None
    words = [*rest[1:]]
    if len(words) > 1 and len(words[0]) == _COUNTRY:
        words = words[1:]
    hosting = len(words) > 1 and words[1].lower() in _USES
    network = _told(asn, words[0] if words else "", hosting=hosting)
    return None if network is None else (version, first, last, network)


def _unrouted(cells: Sequence[str]) -> bool:
    """Tell whether the line is of addresses that nobody has: number 0, or none."""
    return any(cell in ("0", "AS0", "") for cell in cells[1:3])
