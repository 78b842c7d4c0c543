"""Every rule over key stores fires where it should, and stays silent on what an innocent does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from counterfoil.case.tables import Tables as Kept
from counterfoil.detect.keys.activity import activity
from counterfoil.detect.registry import key_rules
from counterfoil.detect.rule import KeyTables
from counterfoil.reconcile.engine import Engine
from counterfoil.sources.registry import logs

from .tables import opened

Row = dict[str, Any]
MONDAY = datetime.fromisoformat("2026-03-02T00:00:00")
TIME, TEXT, NUMBER = "timestamp(6)", "string", "int64"
USUAL: dict[str, tuple[str, Any]] = {
    "leg": (TEXT, "key_use"), "event_time": (TIME, MONDAY), "source": (TEXT, "counterfoil-custody"),
    "kind": (TEXT, "custody.example"), "key_operation": (TEXT, "sign"), "key_id": (TEXT, None),
    "object_kind": (TEXT, "signing_key"), "object_id": (TEXT, "idp"), "subject_name": (TEXT, "user:tokens"),
    "subject_id": (TEXT, None), "outcome": (TEXT, "success"), "user_agent": (TEXT, None),
    "extra": (TEXT, '{"process":"77 /usr/bin/signer"}'), "raw_file": (TEXT, "f"), "raw_position": (NUMBER, 1),
    "item_ids": ("array<string>", None), "ip": (TEXT, "192.0.2.1"),
}
ENTRY = {"source": (TEXT, "counterfoil-custody"), "part": (TEXT, "custody.example"), "sequence": (NUMBER, 0),
         "seconds": (NUMBER, 0), "place": (TEXT, "f:1")}
ACCUSED = {"issuer": (TEXT, "i"), "key_id": (TEXT, "k"), "seconds": (NUMBER, 0)}


@dataclass(frozen=True)
class Scene:
    """Records of key stores, entries by number, and tokens that are not believed."""

    records: tuple[Row, ...] = ()
    entries: tuple[Row, ...] = ()
    accused: tuple[Row, ...] = ()


def on(day: float, hour: float = 10, **more: Any) -> Row:
    """Return a signature at that hour of so many days after a Monday; `program` is short for its process."""
    if "program" in more:
        more["extra"] = json.dumps({"process": f"78 {more.pop('program')}"}, separators=(",", ":"))
    return {"event_time": MONDAY + timedelta(days=day, hours=hour), **more}


def work(days: int, **more: Any) -> tuple[Row, ...]:
    """Return one act on each working day, between nine and five."""
    return tuple(on(day, 9 + day % 8, **more) for day in range(days) if day % 7 < 5)


def signing(days: int, each: int = 6, **more: Any) -> tuple[Row, ...]:
    """Return so many signatures in each hour."""
    return tuple(on(day, hour + n / 60, **more) for day in range(days) for hour in range(24) for n in range(each))


def seconds(day: float, hour: float = 10) -> int:
    """Return that time as rules see it."""
    return int((MONDAY + timedelta(days=day, hours=hour)).replace(tzinfo=UTC).timestamp())


def entries(*numbers: int) -> tuple[Row, ...]:
    """Return entries with these numbers, a second apart."""
    return tuple({"sequence": number, "seconds": seconds(0) + number} for number in numbers)


def dumps(day: float, count: int, **more: Any) -> tuple[Row, ...]:
    """Return so many reads of different crash dumps."""
    told = {"leg": "context", "key_operation": None, "object_kind": "file", "subject_name": "eve@example.com", **more}
    return tuple(on(day, 10, object_id=f"https://files.example/crash/{n}.dmp.gz") | told for n in range(count))


def published(day: float, *kids: str) -> Row:
    """Return what the key set held on a day."""
    return on(day, leg="context", source="jwks-log", kind="https://idp.example/jwks", key_operation="published",
              object_kind="jwks", item_ids=list(kids))


def fetched(day: float, agent: str) -> Row:
    """Return that somebody fetched the key set on a day."""
    return on(day, leg="context", source="jwks-log", kind="https://idp.example/jwks", key_operation="fetched",
              object_kind="jwks", user_agent=agent, extra=None)


FILE: dict[str, Any] = {
    "leg": "context", "source": "counterfoil-leaks", "kind": "known-key", "key_operation": "found", "key_id": "idp-1",
    "object_kind": "file", "object_id": "/var/crash/signer.core",
}
TOKEN = FILE | {"kind": "token", "key_id": None, "object_id": "/var/log/service.log",
                "extra": '{"form":"jwt","state":"live","verified":"unknown"}'}
SIGNED: Row = {"key_id": "k1"}
SERVICES = tuple(fetched(day, "mail-service/2.1") for day in range(30))
CAROL: dict[str, Any] = {"subject_name": "user:carol"}
OFF: dict[str, Any] = {"leg": "context", "key_operation": "audit-off", "object_kind": "audit_log", "object_id": "main"}
ROTATE: dict[str, Any] = {"leg": "context", "key_operation": "rotate", **CAROL}

FIRES: dict[str, dict[str, Scene]] = {
    "key-new-principal": {"on the twentieth day": Scene((*work(21), on(20, **CAROL)))},
    "key-new-process": {
        "under the known account": Scene((*work(21), on(20, program="/home/eve/x"))),
        "an agent, where no process is known": Scene((
            *work(21, extra=None, user_agent="Boto3/1.2 md/x"), on(20, extra=None, user_agent="aws-cli/2.1 ua"),
        )),
    },
    "key-off-hours": {
        "in the night": Scene((*work(40), on(36, 3))),
        "on a Sunday": Scene((*work(40), on(34, 11))),
    },
    "key-rate-drift": {
        "a burst": Scene((*signing(20), *(on(19, 4 + n / 100) for n in range(40)))),
        "half as much again, week after week": Scene((*signing(36), *(
            on(day, hour, program="/usr/bin/signer") for day in range(29, 36) for hour in range(24) for _ in range(3)
        ))),
    },
    "key-taking": {
        "an export that was refused": Scene((
            on(1, key_operation="export", outcome="refused", leg="context", **CAROL),
        )),
        "one backup": Scene((on(1, key_operation="backup", leg="context"),)),
        "a key is made exportable": Scene((on(1, key_operation="allow-export", leg="context"),)),
        "a key from elsewhere": Scene((on(-20), on(1, key_operation="attach", leg="context"))),
        "the memory of its process": Scene((on(1, key_operation="dump", leg="context"),)),
        "the memory of its process, three days on end": Scene(tuple(
            on(day, key_operation="dump", leg="context") for day in range(3))),
    },
    "key-audit-off": {
        "the trail of an account with keys": Scene((on(0), on(1, **OFF))),
        "the log of a server that reads the farm's key": Scene((
            on(0, source="windows-security", kind="adfs1", key_operation="read", leg="context"),
            on(1, source="windows-security", kind="adfs1", **OFF),
        )),
        "the log of a server of a farm": Scene((
            on(0, source="adfs", kind="adfs1", key_operation=None, leg="issuance"),
            on(1, source="windows-security", kind="adfs1", **OFF),
        )),
    },
    "key-log-hole": {
        "numbers are missing": Scene(entries=entries(1, 2, 3, 7, 8)),
        "busy hours are empty": Scene(tuple(row for row in signing(28) if not (
            MONDAY + timedelta(days=24, hours=9) <= row["event_time"] < MONDAY + timedelta(days=24, hours=14)
        ))),
    },
    "key-administered-before-forgery": {
        "the day before": Scene((on(-5), on(1, **ROTATE)), accused=({"seconds": seconds(2)},)),
    },
    "key-in-a-file": {
        "in a core dump": Scene((on(1, **FILE),)),
        "the secret of a token": Scene((on(1, **FILE | {"kind": "token-secret"}),)),
    },
    "token-in-a-file": {
        "a live token in a service's log": Scene((on(1, **TOKEN),)),
        "a refresh token in a dump": Scene((on(1, **TOKEN | {"extra": '{"form":"refresh-token"}'}),)),
    },
    "jwks-unknown-key": {
        "a key that nobody made": Scene((
            on(0, **SIGNED), published(0, "k1"), published(4, "k1", "rogue"), published(8, "k1"),
        )),
        "there all the time": Scene((on(0, **SIGNED), *(published(day, "k1", "rogue") for day in range(9)))),
    },
    "jwks-odd-client": {
        "two days before": Scene((*SERVICES, fetched(20, "python-requests/2.32")), accused=({"seconds": seconds(22)},)),
    },
    "debug-store-bulk-read": {
        "on the first day": Scene(dumps(1, 25)),
        "many more than ever": Scene((*dumps(0, 5), *dumps(3, 25))),
    },
}

SILENCE: dict[str, dict[str, Scene]] = {
    "key-new-principal": {
        "who was there in the first days": Scene((*work(21), on(3, **CAROL), on(20, **CAROL))),
        "a log of a week": Scene((*work(7), on(6, **CAROL))),
        "a look at the list": Scene((*work(21), on(20, key_operation="list", leg="context", **CAROL))),
        "another key that is new itself": Scene((*work(21), on(20, object_id="new", **CAROL))),
        "the farm's service reads its own key": Scene((
            *work(21), on(20, key_operation="read", leg="context", subject_name="contoso\\adfs$"),
        )),
    },
    "key-new-process": {
        "a new version of the program": Scene((
            *work(21, program="/opt/jdk-17.0.1/bin/java"), on(20, program="/opt/jdk-21.0.2/bin/java"),
        )),
        "a new version of the agent": Scene((
            *work(21, extra=None, user_agent="Boto3/1.2 md/x"), on(20, extra=None, user_agent="Boto3/1.43.6 ua"),
        )),
        "the same program again": Scene((*work(21), on(20))),
    },
    "key-off-hours": {
        "an hour before its usual ones": Scene((*work(40), on(36, 8))),
        "a service that signs at all hours": Scene(signing(30, 1)),
        "somebody of whom little is known": Scene((*work(10), on(9, 3))),
        "a night shift that was there from the first week": Scene((
            *work(40), *(on(day, 2) for day in (1, 2, 3)), on(37, 2),
        )),
    },
    "key-rate-drift": {
        "every day the same": Scene(signing(36)),
        "a few more": Scene((*signing(36), *(on(day, 10) for day in range(29, 36)))),
        "weekends are quiet": Scene(tuple(
            row for row in signing(36) if (row["event_time"] - MONDAY).days % 7 < 5 or row["event_time"].minute < 1
        )),
    },
    "key-taking": {
        "backups on plan": Scene(tuple(on(day, 3, key_operation="backup", leg="context") for day in range(0, 28, 7))),
        "a scanner for viruses": Scene(tuple(on(day, key_operation="dump", leg="context") for day in range(0, 28, 7))),
        "signatures": Scene(work(5)),
        "a store is set up with the key that there is": Scene((on(0, key_operation="attach", leg="context"),)),
    },
    "key-audit-off": {
        "the log of a machine without keys": Scene((on(0), on(1, source="windows-security", kind="desk7", **OFF))),
    },
    "key-log-hole": {
        "all numbers are there": Scene(entries=entries(1, 2, 3, 4)),
        "two logs that are numbered alike": Scene(entries=(*entries(1, 2), *(
            row | {"part": "other"} for row in entries(8, 9)))),
        "a quiet night": Scene(tuple(row for row in signing(28) if row["event_time"].hour >= 6)),
        "one empty hour of few records": Scene(tuple(
            row for row in signing(28) if row["event_time"].replace(minute=0) != MONDAY + timedelta(days=24, hours=9)
        )),
        "the log ends": Scene(signing(23)),
    },
    "key-administered-before-forgery": {
        "the store was set up then": Scene((on(0), on(1, **ROTATE)), accused=({"seconds": seconds(2)},)),
        "a week before": Scene((on(-5), on(1, **ROTATE)), accused=({"seconds": seconds(8)},)),
        "after it": Scene((on(-5), on(3, **ROTATE)), accused=({"seconds": seconds(2)},)),
        "nothing is forged": Scene((on(-5), on(1, **ROTATE))),
        "signatures": Scene(work(12), accused=({"seconds": seconds(4)},)),
    },
    "key-in-a-file": {
        "a key of somebody else": Scene((on(1, **FILE | {"kind": "private-key"}),)),
        "a decoy that was left there": Scene((on(1, **FILE | {"key_operation": "planted"}),)),
    },
    "token-in-a-file": {
        "a sample that its key did not sign": Scene((on(1, **TOKEN | {"extra": '{"form":"jwt","verified":"no"}'}),)),
        "a signed document that is no token": Scene((on(1, **TOKEN | {"extra": '{"form":"jws","verified":"yes"}'}),)),
        "a key": Scene((on(1, **FILE),)),
    },
    "jwks-unknown-key": {
        "all are known, of different ages": Scene((
            on(0, **SIGNED), on(5, key_id="k2", key_operation="create", leg="context"),
            published(0, "k1"), published(8, "k1", "k2"),
        )),
        "replicas that differ for some days": Scene((on(0, **SIGNED), published(0, "k1"), published(6, "k1", "rogue"))),
        "an old one that soon is gone": Scene((
            on(0, **SIGNED), published(0, "k0", "k1"), published(3, "k0", "k1"), published(9, "k1"),
        )),
        "a store that names no key ids": Scene((on(0), published(0, "k1"), published(8, "k1"))),
    },
    "jwks-odd-client": {
        "a new version of a known client": Scene((*SERVICES, fetched(20, "mail-service/3.0")),
                                                 accused=({"seconds": seconds(22)},)),
        "a month before": Scene((*SERVICES, fetched(20, "curl/8")), accused=({"seconds": seconds(50)},)),
        "nothing is forged": Scene((*SERVICES, fetched(20, "curl/8"))),
    },
    "debug-store-bulk-read": {
        "three dumps": Scene(dumps(1, 3)),
        "as many as every day": Scene(tuple(row for day in range(5) for row in dumps(day, 19 + day))),
        "other files": Scene(tuple(row | {"object_id": f"https://files.example/plans/{n}.docx"}
                                   for n, row in enumerate(dumps(1, 30)))),
        "one dump many times": Scene(tuple(row | {"object_id": "https://files.example/crash/1.dmp"}
                                           for row in dumps(1, 30))),
    },
}
RULES = {rule.id: rule for rule in key_rules()}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """Yield an engine for all scenes."""
    with opened(tmp_path_factory.mktemp("key-rules")) as tables:
        yield tables


def _table(engine: Engine, name: str, columns: Mapping[str, tuple[str, Any]], rows: Sequence[Row]) -> Any:
    unknown = {column for row in rows for column in row} - columns.keys()
    assert not unknown, f"{name} has no {unknown}"
    values = [[row.get(column, usual) for column, (_, usual) in columns.items()] for row in rows]
    return engine.given(name, {column: kind for column, (kind, _) in columns.items()}, values)


def clues(engine: Engine, rule: str, scene: Scene) -> list[dict[str, Any]]:
    """Return what the rule finds in the scene."""
    records = _table(engine, "key_records", USUAL, scene.records)
    tables = KeyTables(
        activity=engine.keep("key_done", activity(records)), records=records,
        entries=_table(engine, "key_numbers", ENTRY, scene.entries),
        accused=_table(engine, "key_accused", ACCUSED, scene.accused), logs=logs(),
    )
    return engine.rows(RULES[rule].find(tables))


def _cases(table: dict[str, dict[str, Scene]]) -> list[object]:
    return [pytest.param(rule, scene, id=f"{rule}: {name}") for rule, scenes in table.items()
            for name, scene in scenes.items()]


@pytest.mark.parametrize(("rule", "scene"), _cases(FIRES))
def test_fires(kept: Kept, rule: str, scene: Scene) -> None:
    """The rule tells one clue, with a place in the evidence and what is usual there."""
    (clue,) = clues(kept, rule, scene)
    assert clue["what"] and clue["usual"] and clue["place"] == "f:1"
    assert clue["first_seen"] <= clue["last_seen"]
    assert clue["records"] > 0


@pytest.mark.parametrize(("rule", "scene"), _cases(SILENCE))
def test_stays_silent(kept: Kept, rule: str, scene: Scene) -> None:
    """The rule tells nothing."""
    assert clues(kept, rule, scene) == []


def test_who_and_what_is_usual_are_told(kept: Kept) -> None:
    """The account, the program without its version and process id, and who touched the key until then."""
    (clue,) = clues(kept, "key-new-principal", Scene((*work(21), on(20, program="/usr/bin/python3.11", **CAROL))))
    assert (clue["principal"], clue["process"], clue["key"]) == ("user:carol", "/usr/bin/python", "idp")
    assert clue["usual"] == "until then: user:tokens"
    (clue,) = clues(kept, "key-off-hours", Scene((*work(40), on(36, 3))))
    assert clue["usual"] == "hours of working days (UTC): 03, 09, 10, 11, 12, 13, 14, 15, 16"


@pytest.mark.parametrize("rule", sorted(RULES))
def test_every_rule_has_both(rule: str) -> None:
    """No rule without a scene in which it fires and one in which it stays silent, and no scene without a rule."""
    assert FIRES[rule] and SILENCE[rule]
    assert FIRES.keys() == SILENCE.keys() == RULES.keys()


@pytest.mark.xdist_group("spark")
def test_rules_say_the_same_on_another_engine(spark: Callable[[int], Sequence[Engine]]) -> None:
    """Every rule fires and stays silent on Spark as it does on DuckDB."""
    (other,) = spark(1)
    fired = [f"{rule}: {name}" for table in (FIRES, SILENCE) for rule, scenes in table.items()
             for name, scene in scenes.items() if clues(other, rule, scene)]
    assert fired == [f"{rule}: {name}" for rule, scenes in FIRES.items() for name in scenes]
