"""Asks the evidence of a case who reaches mailboxes through what, and ranks it (`detect.baseline`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from counterfoil.case.tables import Tables
from counterfoil.detect.baseline import DAY, ITSELF, ROW, SIGNED, USES, rare
from counterfoil.errors import UsageError
from counterfoil.expressions import ibis, ir
from counterfoil.model.first_party import name as client_name
from counterfoil.model.schema import Leg, Outcome, TokenClass
from counterfoil.reconcile.acceptances import network

# How long a mailbox is in evidence before an application can be new to it. Public rules take 10 to 14 days.
DEFAULT_DAYS, MAX_DAYS = 7, 365
MAX_ROWS = 1_000
MAX_GROUPS, MAX_GROUP_BYTES, MAX_NAME = 200_000, 32_000_000, 500
COLUMNS = (
    "application", "client_id", "acting", "operation", "bits", "rarity", "told", "mailboxes", "of", "foreign",
    "unsigned", "strange", "fresh", "early", "networks", "records", "first_seen", "last_seen", "names",
)
_AS_IT_SAYS = (*ITSELF, str(TokenClass.SERVICE))


@dataclass(frozen=True)
class Asked:
    """What is asked. `days`: as `detect.baseline.rare` has it. `groups`: of persons, by the name of a mailbox's owner.

    Without a group, a mailbox is held against those of its owner's domain. `since`, `until`: which rows are told; all
    that is in evidence tells what is usual.
    """

    days: int = DEFAULT_DAYS
    groups: Mapping[str, str] | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse a length that cannot be."""
        if not 1 <= self.days <= MAX_DAYS:
            raise UsageError(f"--days: {self.days}", hint=f"between 1 and {MAX_DAYS}")


@dataclass(frozen=True)
class Baseline:
    """The rows, rarest first (values of COLUMNS), and why the answer is no all-clear, if it is none."""

    rows: tuple[tuple[object, ...], ...]
    short: tuple[str, ...] = ()
    columns: tuple[str, ...] = COLUMNS

    @property
    def told(self) -> int:
        """How many of the rows are suspicions."""
        return sum(bool(row[COLUMNS.index("told")]) for row in self.rows)


def baseline(con: duckdb.DuckDBPyConnection, tmp: Path, asked: Asked) -> Baseline:
    """Rank what the view or table `evidence` of the connection holds."""
    tables = Tables(con, tmp)
    evidence = tables.table("evidence")
    uses = USES.kept(tables, _uses(evidence, _groups(tables, asked.groups or {})))
    signed = SIGNED.kept(tables, _signed(evidence))
    found = rare(tables, uses, signed, asked.days)
    order = [found.bits.desc(), found.mailboxes, *(found[name] for name in ROW)]
    rows = [row for row in tables.rows(found.order_by(order)) if _within(row, asked)]
    return Baseline(tuple(map(_row, rows[:MAX_ROWS])), tuple(_short(tables, uses, signed, asked.days)))


def groups(text: str, where: str) -> dict[str, str]:
    """Return the group of each owner, of lines `owner,group`; raises UsageError with the line's number."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        owner, comma, group = (part.strip() for part in line.partition(","))
        if not line.strip():
            continue
        if not (owner and comma and group) or len(line) > MAX_NAME:
            raise UsageError(f"{where}:{number}: not owner,group", hint="such as ada@contoso.com,board")
        found[owner.lower()] = group
        if len(found) > MAX_GROUPS:
            raise UsageError(f"{where}: more than {MAX_GROUPS:,} owners", hint="name fewer")
    return found


def _groups(tables: Tables, named: Mapping[str, str]) -> ir.Table:
    return tables.given("baseline_groups", {"owner": "string", "peers": "string"}, [list(one) for one in named.items()])


def _uses(evidence: ir.Table, named: ir.Table) -> ir.Table:
    mail = evidence.filter(
        evidence.leg == str(Leg.ACCEPTANCE), evidence.object_kind == "mailbox", evidence.client_id.notnull(),
        evidence.event_time.notnull(),
    )
    mailbox = ibis.coalesce(mail.object_id, mail.object_parent)
    acting = ibis.cases(
        (mail.logon_type.isin(["admin", "delegate"]), mail.logon_type),
        (mail.token_class.isin(_AS_IT_SAYS), mail.token_class), else_="owner",
    )
    seconds = mail.event_time.truncate("s").epoch_seconds().cast("int64")
    mail = mail.select(
        "operation", tenant=mail.resource_tenant.fill_null(""), client=mail.client_id, acting=acting, mailbox=mailbox,
        name=ibis.coalesce(mail.object_parent, mail.object_id), person=mail.subject_name.fill_null(""),
        resource=mail.resource.fill_null(""), network=network(mail.ip), seconds=seconds,
    ).filter(lambda t: t.mailbox.notnull())
    uses = mail.group_by(*ROW, "mailbox", "name", "person", "resource", "network").agg(
        first=mail.seconds.min(), last=mail.seconds.max(), records=mail.count(),
    )
    joined = uses.left_join(named, uses.name == named.owner, rname="{name}_g")
    domain = joined.name.re_extract("@([^@]+)$", 1)
    return joined.mutate(peers=ibis.coalesce(joined.peers, domain)).select(*USES.columns)


def _signed(evidence: ir.Table) -> ir.Table:
    good = evidence.filter(
        evidence.leg == str(Leg.ISSUANCE), evidence.outcome == str(Outcome.SUCCESS), evidence.client_id.notnull()
    )
    person = good.subject_name.fill_null("")
    resource = good.resource.fill_null("")
    return good.select(client=good.client_id, person=person, resource=resource, network=network(good.ip)).distinct()


def _short(tables: Tables, uses: ir.Table, signed: ir.Table, days: int) -> list[str]:
    """Return why nothing found is no all-clear."""
    span = tables.rows(uses.agg(begin=uses["first"].min(), end=uses["last"].max()))[0]
    if span["begin"] is None:
        return ["no mail access with an application in it is in evidence"]
    told = []
    if (whole := (span["end"] - span["begin"]) / DAY) < days:
        told.append(f"not enough history: {whole:.1f} days of mail access, {days} are needed to call anything new")
    if not tables.rows(signed.limit(1)):
        told.append("no sign-ins are in evidence: nothing tells where people are, and through what they sign in")
    return told


def _row(row: Mapping[str, Any]) -> tuple[object, ...]:
    first, last = _span(row)
    values = dict(row) | {
        "application": client_name(row["client"]) or "", "client_id": row["client"], "first_seen": first,
        "last_seen": last, "records": int(row["records"]), "names": ", ".join(row["names"] or ()),
    }
    return tuple(values[name] for name in COLUMNS)


def _span(row: Mapping[str, Any]) -> tuple[datetime, datetime]:
    first, last = (datetime.fromtimestamp(row[name], UTC).replace(tzinfo=None) for name in ("first", "last"))
    return first, last


def _within(row: Mapping[str, Any], asked: Asked) -> bool:
    first, last = _span(row)
    return (asked.since is None or last >= asked.since) and (asked.until is None or first < asked.until)
