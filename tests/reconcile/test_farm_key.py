"""Who read the signing key of an AD FS farm: the farm's own service on its servers does, whoever else does took it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from counterfoil.case.engine import engine
from counterfoil.case.tables import Tables
from counterfoil.investigate.log_findings import of_thefts
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.farm_key import MAX_CONTACTS, taken
from counterfoil.sources.registry import logs

from .engine_run import COLUMNS
from .rows import Row, at, numbered

SERVER, CONTROLLER, HOME, AWAY = "adfs01.corp.example", "dc01.corp.example", "10.0.0.5", "10.9.9.9"
DAY = 1440


def event(minutes: float, operation: str, account: str | None, host: str = CONTROLLER, **more: Any) -> Row:
    """Return an event of Windows."""
    return {"leg": "context", "event_time": at(minutes), "source": "windows-security", "kind": host,
            "operation": operation, "outcome": "success", "subject_name": account, **more}


def read(minutes: float, account: str, operation: str = "4662", **more: Any) -> Row:
    """Return an access to the key: of its object in the directory, unless told otherwise."""
    return event(minutes, operation, account, **({"object_kind": "signing_key", "object_id": "dkm"} | more))


def logon(
    minutes: float, account: str | None, host: str, ip: str | None = None, how: int = 3, session: str = "0x1"
) -> Row:
    """Return a logon."""
    return event(minutes, "4624", account, host, ip=ip, extra=f'{{"logonType":"{how}","logonId":"{session}"}}')


AUDIT = event(0, "1202", "corp\\ann", SERVER, source="adfs")  # shows that the server belongs to a farm
SERVICE = logon(0, "corp\\fs$", SERVER, how=5)
MACHINE = logon(0, "corp\\adfs01$", CONTROLLER, HOME)
IN_SESSION = {"extra": '{"logonId":"0xAB"}'}
PROGRAM = {"extra": '{"image":"C:\\\\Windows\\\\ADFS\\\\Microsoft.IdentityServer.ServiceHost.exe"}'}
SETTINGS = {"operation": "33205", "host": SERVER}

CASES: Mapping[str, tuple[Sequence[Row], Sequence[tuple[str, str]]]] = {
    "an administrator read the container": (
        [AUDIT, SERVICE, read(5, "corp\\mallory")], [("corp\\mallory", CONTROLLER)]),
    "the account under which the service runs": ([AUDIT, SERVICE, read(5, "corp.example\\FS$")], []),
    "the account of the server itself": ([AUDIT, read(5, "corp\\adfs01$")], []),
    "the account of another computer": ([AUDIT, SERVICE, read(5, "corp\\ws7$")], [("corp\\ws7$", CONTROLLER)]),
    "the service opened the pipe, and reads": (
        [AUDIT, event(0, "18", "corp\\gm$", SERVER, object_kind="pipe", **PROGRAM), read(5, "corp\\gm$")], []),
    "what shows not under whom the service runs": (
        [AUDIT, SERVICE, event(0, "17", "corp\\a", SERVER, object_kind="pipe", **PROGRAM),
         event(0, "18", "corp\\b", SERVER, object_kind="file", **PROGRAM),
         event(0, "18", "corp\\c", SERVER, object_kind="pipe", extra='{"image":"C:\\\\tools\\\\sqlcmd.exe"}'),
         logon(0, "corp\\d", SERVER, how=5) | {"operation": "4634"}, logon(0, "corp\\e", SERVER),
         *(read(5 + n, f"corp\\{name}") for n, name in enumerate("abcde"))],
        [(f"corp\\{name}", CONTROLLER) for name in "abcde"]),
    "the service's account, from a computer that is none of the farm's": (
        [AUDIT, SERVICE, MACHINE, logon(4, "corp\\fs$", CONTROLLER, AWAY, session="0xab"),
         read(5, "corp\\fs$", **IN_SESSION)], [("corp\\fs$", CONTROLLER)]),
    "the service's account, from a server of the farm": (
        [AUDIT, SERVICE, MACHINE, logon(4, "corp\\fs$", CONTROLLER, HOME, session="0xab"),
         read(5, "corp\\fs$", **IN_SESSION)], []),
    "where no address of a server is known, none is strange": (
        [AUDIT, SERVICE, logon(4, "corp\\fs$", CONTROLLER, AWAY, session="0xab"),
         read(5, "corp\\fs$", **IN_SESSION)], []),
    **{
        f"where {words}, none is strange": (
            [AUDIT, SERVICE, shown, logon(4, "corp\\fs$", CONTROLLER, AWAY, session="0xab"),
             read(5, "corp\\fs$", **IN_SESSION)], [])
        for words, shown in (
            ("a server logged on from no address", logon(0, "corp\\adfs01$", CONTROLLER)),
            ("only something else than a logon tells a server's address", MACHINE | {"operation": "4769"}))
    },
    **{
        f"the service's account, from nowhere that is known: {words}": (
            [AUDIT, SERVICE, MACHINE, other, read(5, "corp\\fs$", **IN_SESSION)], [])
        for words, other in (
            ("nobody's logon", logon(4, None, CONTROLLER, AWAY, session="0xab")),
            ("another session", logon(3, "corp\\ann", CONTROLLER, AWAY, session="0x2")),
            ("another computer's session of that number", logon(4, "corp\\fs$", "dc02", AWAY, session="0xab")))
    },
    "a service of every computer is none of the farm's": (
        [AUDIT, logon(0, "nt authority\\system", SERVER, how=5), read(5, "nt authority\\system", **SETTINGS)],
        [("nt authority\\system", SERVER)]),
    "services elsewhere are none of the farm's": (
        [AUDIT, SERVICE, logon(0, "corp\\backup", CONTROLLER, how=5), read(5, "corp\\backup")],
        [("corp\\backup", CONTROLLER)]),
    "an export of the configuration": (
        [AUDIT, SERVICE, read(5, "corp\\mallory", **SETTINGS), read(6, "corp\\fs$", **SETTINGS)],
        [("corp\\mallory", SERVER)]),
    "the database's pipe, opened by another program in the service's name": (
        [AUDIT, SERVICE, read(5, "corp\\fs$", operation="18", host=SERVER)], [("corp\\fs$", SERVER)]),
    "nothing shows who the service is, and one reads day by day": (
        [AUDIT, *(read(DAY * n, "corp\\fs$") for n in range(3)), read(5, "corp\\mallory")],
        [("corp\\mallory", CONTROLLER)]),
    "a service of nobody's shows not who the service is": (
        [AUDIT, logon(0, None, SERVER, how=5), *(read(DAY * n, "corp\\fs$") for n in range(3)),
         read(5, "corp\\mallory")],
        [("corp\\mallory", CONTROLLER)]),
    "who opens the pipe day by day is not the service": (
        [AUDIT, *(read(DAY * n, "corp\\x$", operation="18", host=SERVER) for n in range(3)), read(5, "corp\\x$")],
        [("corp\\x$", SERVER), ("corp\\x$", CONTROLLER)]),
    "nothing shows who the service is, and one read twice": (
        [AUDIT, read(0, "corp\\fs$"), read(DAY, "corp\\fs$")], [("corp\\fs$", CONTROLLER)]),
    "a directory that audits the photos of its address book": (
        [AUDIT, SERVICE, *(read(n, "corp\\ann", object_id=f"c{n}") for n in range(MAX_CONTACTS + 1))], []),
    "a few contacts, as many as farms may have": (
        [AUDIT, SERVICE, *(read(n, "corp\\ann", object_id=f"c{n}") for n in range(MAX_CONTACTS))],
        [("corp\\ann", CONTROLLER)]),
    "what is no contact is not counted as one": (
        [AUDIT, SERVICE, read(1, "corp\\ann"), *(
            read(2 + n, "corp\\mallory", object_id=f"c{n}", **SETTINGS) for n in range(MAX_CONTACTS + 1))],
        [("corp\\ann", CONTROLLER), ("corp\\mallory", SERVER)]),
    "an alert of Defender": (
        [event(5, "Suspected AD FS DKM key read", "mallory@corp.example", "alert", source="m365-defender",
               device_id="d1")], [("mallory@corp.example", "d1")]),
    "what another log calls by that alert's name": (
        [event(5, "Suspected AD FS DKM key read", "mallory@corp.example", "audit", source="m365-ual")], []),
    "the key of something else, in another log": ([AUDIT, SERVICE, read(5, "mallory", source="vault-audit")], []),
    "another alert": (
        [event(5, "Suspected DCSync attack", "mallory@corp.example", "alert", source="m365-defender")], []),
}


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tables]:
    """Yield the engine's tables."""
    work = tmp_path_factory.mktemp("farm")
    with engine(work, memory=None, threads=1) as con:
        yield Tables(con, Path(work) / "piles")


def _taken(tables: Engine, rows: Sequence[Row], **window: Any) -> list[Row]:
    every = numbered(rows)
    evidence = tables.given("evidence_in", COLUMNS, [[row.get(column) for column in COLUMNS] for row in every])
    return taken(tables, evidence, logs(), **window)


@pytest.mark.parametrize("case", CASES)
def test_whoever_reads_the_key_and_is_not_the_farms_own_service_took_it(case: str, tables: Tables) -> None:
    """A theft names account and host; the service itself, on its servers, and whatever looks like it, is none."""
    rows, wanted = CASES[case]
    assert [(row["account"], row["host"]) for row in _taken(tables, rows)] == list(wanted)


@pytest.mark.xdist_group("spark")
def test_thefts_are_the_same_on_another_engine(spark: Callable[[int], Sequence[Engine]], tables: Tables) -> None:
    """Every theft, with its times, its ways and its evidence."""
    (other,) = spark(1)
    for case, (rows, wanted) in CASES.items():
        found = [{name: value or None for name, value in row.items()} for row in _taken(other, rows)]
        assert found == [{name: value or None for name, value in row.items()} for row in _taken(tables, rows)], case
        assert len(found) == len(wanted)


def test_a_theft_is_a_finding_that_fails_the_run_and_says_who_where_and_when(tables: Tables) -> None:
    """One finding for an account on a host, with the times and how; what lies outside the window is not listed."""
    rows = [AUDIT, SERVICE, *(read(n, "corp\\mallory", ip=AWAY) for n in (5, 8))]
    (found,) = of_thefts(_taken(tables, rows), {"f": "dc01.xml"})
    assert found.title == f"corp\\mallory read the signing key of AD FS on {CONTROLLER}, 2025-03-10 08:05:00Z"
    assert found.detail == (
        "the object that the key is derived from, in the directory (4662) (2 records, the last at 2025-03-10 08:08:00Z)"
    )
    assert (found.verdict, found.severity, found.ips) == ("probably-forged", "critical", (AWAY,))
    assert found.evidence == ("dc01.xml:3", "dc01.xml:4")
    assert _taken(tables, rows, until=at(5)) == [] == _taken(tables, rows, since=at(9))
    assert [row["records"] for row in _taken(tables, rows, since=at(8))] == [1]
