"""What the sheets of Microsoft-Extractor-Suite share: each row is a state of the tenant, mapped to context.

A state says how something is on the day of the export: a mailbox rule, a consent, who holds a role. It is no event,
accuses nobody and clears nobody. Its time is that of the last change that the row tells of; most tell of none.
Columns are those that the cmdlets of version 4.1 write (github.com/invictus-ir/Microsoft-Extractor-Suite, Scripts),
with the names of earlier versions where those differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from counterfoil.expressions import ibis, ir
from counterfoil.model.logs import Log
from counterfoil.model.schema import Leg, Outcome
from counterfoil.sources import mapping
from counterfoil.sources.source import RAW_DATES, TEXT, Csv, Explain, Source

LOG = Log("tenant-state", states=True)
MAX_TEXT_CHARS = 1_024
SUITE = "(Microsoft-Extractor-Suite)"
NAMELESS = "names nothing that it is the state of"
_FIDELITY = 4  # flattened by a tool

# Columns of which the first one that is filled counts.
Names = tuple[str, ...]


@dataclass(frozen=True)
class Sheet:
    """One file of states: where its columns go in evidence. All of them are texts.

    `kind`: what it is the state of; `thing`: its name; `within`: what it lies in. `person`, `account`: the name and the
    object id of the account whose state it is. `changed`: when it last changed. `kept`: columns for `extra`.
    `command` writes `file`. `serves`: what an analyst has from it. `header` shows the shape; `named`: see `Csv`.
    `json`: the cmdlet can write JSON as well.
    """

    name: str
    title: str
    command: str
    file: str
    serves: str
    kind: str
    header: frozenset[str]
    kept: Names
    thing: Names = ()
    within: Names = ()
    person: Names = ()
    account: Names = ()
    client: Names = ()
    device: Names = ()
    permission: Names = ()
    changed: Names = ()
    count: Names = ()
    named: str = ""
    json: bool = False

    @property
    def columns(self) -> Names:
        """Every column that is read, in order."""
        used = chain(
            sorted(self.header), self.thing, self.within, self.person, self.account, self.client, self.device,
            self.permission, self.changed, self.count, self.kept,
        )
        return tuple(dict.fromkeys(used))


def source_of(sheet: Sheet) -> Source:
    """Return the source that reads such a sheet."""
    return Source(
        name=f"mes-{sheet.name}",
        log=LOG,
        title=f"{sheet.title}, CSV of Microsoft-Extractor-Suite",
        fidelity=_FIDELITY,
        required=sheet.header if sheet.json else frozenset(),
        raw=dict.fromkeys(sheet.columns, TEXT),
        csv=Csv(header=sheet.header, dates=frozenset(sheet.changed), named=sheet.named),
        to_evidence=lambda raw: _to_evidence(raw, sheet),
        explain=Explain(
            what=f"{sheet.title}, as they were on the day of the export. Context: {sheet.serves}",
            export=(f"{sheet.command} {SUITE} writes {sheet.file}",),
            retention="none: the tenant's state on that day; no history of it is kept.",
            caps="none known.",
            traps=(
                "a state is no event: who made it so is in the audit log of the directory, or in the unified audit log",
                "names and texts of it are chosen by whoever set it up",
            ),
        ),
    )


def _to_evidence(raw: ir.Table, sheet: Sheet) -> ir.Table:
    person, account, thing, device = (
        _first(raw, names) for names in (sheet.person, sheet.account, sheet.thing, sheet.device)
    )
    account = account.lower()
    named = ibis.coalesce(thing, device.lower(), account, person)
    if not (sheet.thing or sheet.device or sheet.account or sheet.person):  # the tenant has one
        named = ibis.literal(sheet.kind)
    return mapping.states(
        raw,
        source=LOG.name,
        fidelity=_FIDELITY,
        reject=ibis.cases((named.isnull(), NAMELESS), else_=ibis.null("string")),
        leg=Leg.CONTEXT,
        kind=sheet.kind,
        event_time=_changed(raw, sheet.changed),
        subject_id=account,
        subject_name=person.lower(),
        client_id=_first(raw, sheet.client).lower(),
        device_id=device.lower(),
        scopes=_first(raw, sheet.permission),
        operation=sheet.command,
        outcome=Outcome.SUCCESS,
        object_kind=sheet.kind,
        object_id=named.left(MAX_TEXT_CHARS),
        object_parent=_first(raw, sheet.within).left(MAX_TEXT_CHARS),
        item_count=_first(raw, sheet.count).try_cast("int64"),
        extra=mapping.extra(**{name: raw[name].left(MAX_TEXT_CHARS) for name in sheet.kept}),
    )


def _first(raw: ir.Table, names: Names) -> ir.StringValue:
    """Return the first of the columns that holds something."""
    return ibis.coalesce(*(mapping.text(raw[name].strip()) for name in names), ibis.null("string"))


def _changed(raw: ir.Table, names: Names) -> ir.TimestampValue:
    """Return the first of the times that can be read and is possible; what cannot be told is left out."""
    times = [mapping.when(raw[name], raw[RAW_DATES]) for name in names]
    possible = [
        ibis.cases(((time >= ibis.timestamp(mapping.EARLIEST)) & (time < ibis.timestamp(mapping.LATEST)), time))
        for time in times
    ]
    return ibis.coalesce(*possible, ibis.null("timestamp(6)"))
