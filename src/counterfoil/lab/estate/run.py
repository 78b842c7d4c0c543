"""Runs a scenario: founds an estate, starts its processes, lives and attacks in it, exports what its keepers have."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import msgspec

from counterfoil.errors import UsageError
from counterfoil.lab.estate import forging, notes, policies, tampering
from counterfoil.lab.estate.attackers import ALTERED
from counterfoil.lab.estate.clock import FILE, Clock
from counterfoil.lab.estate.founding import Founded, StolenKey, found, subject_key
from counterfoil.lab.estate.notes import Notes
from counterfoil.lab.estate.processes import Processes, listening
from counterfoil.lab.estate.scenarios import Scenario
from counterfoil.lab.estate.settings import FILES, MAIL, Estate, Realm
from counterfoil.lab.estate.world import TIMEOUT_SECONDS, World
from counterfoil.mint.ledger import decode
from counterfoil.model.counterfoil import CUSTODY_SCHEMA, LEDGER_SCHEMA
from counterfoil.model.receipt import ACCEPTED, Receipt
from counterfoil.tlog import exported, replay
from counterfoil.tlog.filelog import open_log
from counterfoil.tlog.folder import Folder
from counterfoil.tlog.stored import InFolder
from counterfoil.tlog.submit import submit
from counterfoil.tlog.witness import DropWitness
from counterfoil.tokens.policy import documents_of

SECRET_BYTES = 32
# A run begins so long ago by its clock, and ends about now; between its stages time passes.
AGO_SECONDS, STAGE_SECONDS = 3 * 3_600.0, 1_200.0
_LOGS = (("ledger", "ledger", LEDGER_SCHEMA), ("custody", "custody/log", CUSTODY_SCHEMA))


@dataclass(frozen=True)
class Ran:
    """What a run left. `logs`: a folder of evidence; `log_keys`, `checkpoints`, `token_policy`: as `hunt` wants them.

    `accepted`, `refused`: presentations of the attackers' tokens; `codes`: why they were refused.
    """

    logs: Path
    truth: Path
    log_keys: tuple[str, ...]
    checkpoints: tuple[Path, ...]
    accepted: int
    refused: int
    codes: tuple[str, ...]
    token_policy: Path | None = None


def run(scenario: Scenario, folder: Path, stage: Callable[[str], object]) -> Ran:
    """Run a scenario in a folder that must not be there yet. Raises UsageError, CounterfoilError if a process fails."""
    if folder.exists():
        raise UsageError(f"{folder}: a lab was run there", hint="give another --case, or remove the folder")
    path = folder / "estate"
    path.mkdir(parents=True)
    clock = Clock.started(path, -AGO_SECONDS)
    stage("founding the estate")
    founded = found(path, secrets.token_bytes(SECRET_BYTES), clock)
    told = Notes()
    with ExitStack() as stack:
        short = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cf-")))  # a socket's path is short
        sockets = [stack.enter_context(listening()) for _ in range(3)]
        ports = [each.getsockname()[1] for each in sockets]
        estate = Estate(
            path=path.resolve(), issuer_port=ports[0], mail_port=ports[1], files_port=ports[2],
            socket=short / "signer", counter_socket=short / "counter", flaws=tuple(sorted(scenario.flaws)),
            countersigned=scenario.countersigned, dead_kid=founded.dead_kid, kids=founded.kids,
        )
        estate.write()
        rogue = _slipped(estate)
        running = stack.enter_context(Processes(path / "processes.log"))
        stage("starting its processes")
        running.start("signing", (path / "custody", estate.socket), ready=True)
        running.start("signing", (path / "counter", estate.counter_socket), ready=True)
        running.start("issuer", (path, sockets[0].fileno()), handle=sockets[0].fileno())
        for audience, given in ((MAIL, sockets[1]), (FILES, sockets[2])):
            running.start("services", (path, audience, given.fileno()), handle=given.fileno())
        client = stack.enter_context(httpx.Client(trust_env=False, timeout=TIMEOUT_SECONDS))
        _lived(scenario, World(estate, founded.stolen, told, client, rogue), stage)
        policy = _policy(estate, folder / "policy", client) if scenario.policy else None
        running.check()
    stage("exporting logs")
    return replace(_left(scenario, folder, path, founded, told), token_policy=policy)


def _lived(scenario: Scenario, world: World, stage: Callable[[str], object]) -> None:
    """Live an ordinary while before and after the attack, so that evidence begins before it and ends after it."""
    stage("living in it")
    world.ordinary()
    world.estate.clock.pass_by(STAGE_SECONDS)
    stage("attacking it")
    for attack in scenario.attacks:
        attack(world)
    world.estate.clock.pass_by(STAGE_SECONDS)
    stage("living on")
    world.ordinary()


def _policy(estate: Estate, folder: Path, client: httpx.Client) -> Path:
    """Write what services without flaws accept, with the key documents that the issuer publishes; return its file."""
    text = policies.token_policy(replace(estate, flaws=()), MAIL)
    folder.mkdir()
    for name in documents_of(text):
        answer = client.get(f"{estate.issuer_url}/{name}/jwks").raise_for_status()
        (folder / name).write_bytes(answer.content)
    file = folder / "policy.toml"
    file.write_text(text)
    return file


def _slipped(estate: Estate) -> StolenKey:
    """Slip a key of the attacker's into the documents of keys; services that pin keys never look at it."""
    key, public = forging.rogue()
    for document in (str(Realm.ORG), "common"):
        (estate.path / f"{document}.slipped.json").write_bytes(msgspec.json.encode(public))
    return StolenKey(Realm.ORG, public["kid"], key)


def _left(scenario: Scenario, folder: Path, path: Path, founded: Founded, told: Notes) -> Ran:
    forged = [held for held in told.presented.values() if held.kind == ALTERED]
    if scenario.tamper == "append":
        tampering.append(path, forged, founded.stolen[Realm.ORG])
    keys = tuple(_witnessed(path, path / below) for _, below, _ in _LOGS)
    if scenario.tamper == "rewrite":
        tampering.rewrite(path, forged, founded.stolen[Realm.ORG])
    logs, clock = folder / "logs", Clock(path / FILE)
    logs.mkdir()
    for name, below, schema in _LOGS:
        with (logs / f"{name}.jsonl").open("wb") as file:
            exported.write(InFolder(path / below), schema, file.write, clock.now())
    accepted, refusals = frozenset[str](), []
    decoder = msgspec.json.Decoder(Receipt)
    for kept in sorted(path.glob("*.receipts.jsonl")):
        shutil.copyfile(kept, logs / kept.name)
        receipts = [decoder.decode(line) for line in kept.read_bytes().splitlines()]
        accepted |= {receipt.digest for receipt in receipts if receipt.outcome == ACCEPTED}
        refusals += [receipt.code for receipt in receipts if receipt.outcome != ACCEPTED]
    notes.write(folder / "truth.jsonl", notes.truth(told, accepted, _parents(path), subject_key(path)))
    planted = [held for held in told.presented.values() if held.kind != notes.GENUINE]
    return Ran(
        logs, folder / "truth.jsonl", keys, tuple(sorted((path / "witness").glob("*/*"))),
        sum(held.accepted for held in planted), sum(held.refused for held in planted), tuple(sorted(set(refusals))),
    )


def _witnessed(path: Path, folder: Path) -> str:
    """Have the witness keep a log's head; return the log's public key."""
    with closing(open_log(folder)) as log:
        submit(log, [DropWitness(path / "witness", log.key)])
        key: str = log.key.render()
    return key


def _parents(path: Path) -> frozenset[str]:
    """Return the ids of all tokens that the ledger says were shown for another."""
    found: set[str] = set()
    replay.replay(Folder(path / "ledger"), lambda index, raw: found.update(decode(raw, index).parents))
    return frozenset(found)
