"""The runbook of a response: ordered steps with their commands, made from what a case says. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from counterfoil.respond.commands import VENDORS, Command, filled
from counterfoil.respond.journal import Entry

# Victims and applications for which commands are written out; the rest is counted.
MAX_WRITTEN = 20


class Phase(StrEnum):
    """What a step is for, in the order of the work."""

    CONTAIN = "contain"
    PRESERVE = "preserve"
    ERADICATE = "eradicate"
    RECOVER = "recover"
    NOTIFY = "notify"


class Who(StrEnum):
    """Who does a step."""

    ISSUER = "issuer"
    TENANT = "tenant"
    VENDOR = "vendor"


@dataclass(frozen=True)
class CaseFacts:
    """What the case says. Times are naive UTC; texts are as logs have them.

    `own`: the issuer's own logs are in it; `vendors`: whose commands belong into it (keys of `VENDORS`).
    """

    case: str
    made: datetime
    first: datetime
    last: datetime
    tokens: int
    findings: tuple[str, ...]
    keys: tuple[str, ...]
    subjects: tuple[str, ...]
    clients: tuple[str, ...]
    subject_count: int
    own: bool
    vendors: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """One step. `breaks`: what genuine users feel; `needs`: steps before it; `done`: the journal's last word on it."""

    id: str
    phase: Phase
    who: Who
    what: str
    commands: tuple[str, ...] = ()
    breaks: str = "nothing"
    needs: tuple[str, ...] = ()
    source: str = ""
    done: Entry | None = None


@dataclass(frozen=True)
class Runbook:
    """All steps, in their order."""

    facts: CaseFacts
    steps: tuple[Step, ...]


def runbook(facts: CaseFacts, journal: Iterable[Entry] = ()) -> Runbook:
    """Return the steps for a case, with what the journal says was done."""
    done = {entry.step: entry for entry in journal if _ends(entry)}
    order = list(Phase)
    steps = sorted((*_always(facts), *(_own(facts) if facts.own else _foreign()), *_vendors(facts)),
                   key=lambda step: order.index(step.phase))
    known = {step.id for step in steps}
    return Runbook(facts, tuple(
        Step(**{**vars(step), "done": done.get(step.id), "needs": tuple(name for name in step.needs if name in known)})
        for step in steps
    ))


def _ends(entry: Entry) -> bool:
    """Tell whether an entry says that its step is done: one probe, or an eviction that is not yet, does not."""
    return "party" not in entry.told and entry.told.get("verdict", "out") == "out"


def _case(facts: CaseFacts) -> str:
    return f"--case {shlex.quote(facts.case)}"


def _own(facts: CaseFacts) -> Iterator[Step]:
    keys = facts.keys or ("KID",)
    block = tuple(
        f"counterfoil respond block STORE --kid {_word(key)} --reason compromised --list blocked.jwt --issuer ISS"
        " --sign-store OTHER-STORE --sign-key lists" for key in keys
    )
    yield Step(
        "block", Phase.CONTAIN, Who.ISSUER, "Block the key: publish the signed list, and push it to relying parties",
        block, "every token under the key is refused at once: those users sign in again",
    )
    yield Step(
        "event", Phase.CONTAIN, Who.ISSUER, "Tell receivers of security events that the key is compromised",
        ("counterfoil respond event OTHER-STORE events --issuer ISS --audience AUD --jwk PUBLIC.jwk --push URL",),
        needs=("block",),
    )
    yield Step(
        "probe", Phase.CONTAIN, Who.ISSUER, "Probe until each party refuses the key: a list is no block, a refusal is",
        (f"counterfoil respond probe NAME=URL {_case(facts)} --since TIME-OF-BLOCK --canary CANARY --twin TWIN",),
        "nothing: canaries grant nothing", ("block",),
    )
    window = f"--since {facts.first:%Y-%m-%dT%H:%M:%SZ}"
    yield Step(
        "revoke", Phase.ERADICATE, Who.ISSUER,
        "Revoke what the key signed in the time of the intrusion, and all that was renewed from it",
        tuple(f"counterfoil respond revoke {_case(facts)} --key {_word(key)} {window} --lineage --output revoked.json"
              for key in keys),
        "users whose token is listed sign in again", ("block",),
    )
    yield Step(
        "rotate", Phase.ERADICATE, Who.ISSUER, "Rotate every other key of the store: nobody knows what else was copied",
        ("counterfoil respond rotate STORE --all",),
        "nothing, once pre-flight passes", ("probe",),
    )


def _foreign() -> Iterator[Step]:
    yield Step(
        "block", Phase.CONTAIN, Who.VENDOR,
        "Ask the vendor in writing to block the key everywhere, and when its last service had dropped it",
        breaks="every token under the key is refused: those users sign in again",
    )


def _always(facts: CaseFacts) -> Iterator[Step]:
    yield Step(
        "preserve", Phase.PRESERVE, Who.TENANT,
        f"Export all logs from before {facts.first:%Y-%m-%d} on, and keep them where the intruder cannot reach",
        (f"counterfoil hunt NEW-EXPORTS... {_case(facts)}",),
    )
    yield Step(
        "persistence", Phase.ERADICATE, Who.TENANT,
        "Undo what he left: consents, secrets, federated credentials, rules, delegates, devices, methods",
        (f"counterfoil respond verify {_case(facts)} --since TIME-OF-BLOCK",),
        "what depended on it stops", ("preserve",),
    )
    yield Step(
        "verify", Phase.RECOVER, Who.TENANT,
        "Read the logs of each day after the block into the case, and ask whether he is out, until the answer is out",
        (f"counterfoil hunt NEW-EXPORTS... {_case(facts)}",
         f"counterfoil respond verify {_case(facts)} --since TIME-OF-BLOCK"),
        needs=("block", "persistence"),
    )
    count = f"{facts.subject_count:,} subject{'' if facts.subject_count == 1 else 's'}"
    yield Step(
        "notify", Phase.NOTIFY, Who.TENANT,
        f"Tell those concerned ({count} in this case), authorities and relying parties, with what is not known",
        (f"counterfoil report {_case(facts)} --format html --output report.html",
         f"counterfoil messages {_case(facts)}"), needs=("preserve",),
    )


def _vendors(facts: CaseFacts) -> Iterator[Step]:
    for vendor in facts.vendors:
        for command in VENDORS[vendor]:
            values = {"subject": facts.subjects, "client": facts.clients, "": ("",)}[command.each]
            if values:
                yield Step(
                    command.id, Phase.ERADICATE, Who.TENANT, f"{command.vendor}: {command.what}",
                    tuple(_lines(command, values, facts)), command.breaks, ("preserve",),
                    command.source + ("" if command.checked else " (the command was not compared with it)"),
                )


def _lines(command: Command, values: tuple[str, ...], facts: CaseFacts) -> Iterator[str]:
    now = f"{facts.made.replace(tzinfo=UTC).timestamp():.0f}"
    fixed = {"now": f"{facts.made:%Y-%m-%dT%H:%M:%SZ}", "now_unix": now}
    for value in values[:MAX_WRITTEN]:
        given: Mapping[str, str] = fixed | ({command.each: value} if command.each else {})
        yield from filled(command, **given)
    if len(values) > MAX_WRITTEN:
        yield f"# and {len(values) - MAX_WRITTEN:,} more: counterfoil sql, table tokens"


def _word(value: str) -> str:
    return shlex.quote(value if value.isprintable() else "KID")
