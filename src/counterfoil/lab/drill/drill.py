"""Runs the drill: the thief forges, the issuer plans, blocks, probes, revokes, rotates, and asks whether he is out."""

from __future__ import annotations

import json
import secrets
import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from counterfoil.custody import founding
from counterfoil.custody.algorithm import Algorithm
from counterfoil.custody.custody import Custody
from counterfoil.errors import CounterfoilError, UsageError
from counterfoil.jose import base64url
from counterfoil.jose.algorithms import jws_form
from counterfoil.lab.drill.parties import Held, gateways, ours
from counterfoil.lab.estate.clock import Clock
from counterfoil.mint.ledger import FileLedger
from counterfoil.mint.mint import Mint
from counterfoil.mint.policy import MintPolicy
from counterfoil.mint.signing import current_version
from counterfoil.model.counterfoil import LEDGER_SCHEMA
from counterfoil.respond import block as blocks
from counterfoil.respond import desk, probe, rotate, runbook
from counterfoil.respond.evicted import Eviction
from counterfoil.respond.probe import Canary, Measured, Pair, Party, Probed, Said
from counterfoil.respond.selection import Asked
from counterfoil.tlog import exported
from counterfoil.tlog.stored import InFolder
from counterfoil.tlog.witness import DropWitness
from counterfoil.tokens.blocklist import Blocked, BlockList
from counterfoil.tokens.policy import TokenPolicy
from counterfoil.tokens.pseudonym import SubjectKey
from counterfoil.tokens.revoked import written

ISSUER, AUDIENCE, KEY, OTHER, LISTS = "https://idp.drill.example", "api://drill", "idp", "events", "lists"
DEAF = "ignores"
USERS = ("alice", "bob", "carol")
CACHE_SECONDS = 60.0
PAUSE_SECONDS = 1.0
# Beyond what its party caches for, a wait for probes ends so late, in words.
PATIENCE_SECONDS = 60.0
# By the drill's clock: it begins so long ago, users call the services so often, and the thief came so long ago. Absence
# from a ledger convicts only inside its span; real gateways know the real time alone, so that all the rest is now.
AGO_SECONDS, ROUND_SECONDS, THEFT_AGO_SECONDS = 3 * 3_600.0, 1_200.0, 1_200.0
TOKEN_SECONDS, HTTP_OK = 3_000, 200

# Judges a folder of logs into a case, by the ledger's public key and the checkpoints of a witness: the lab cannot.
Hunts = Callable[[Path, Path, str, tuple[Path, ...]], object]


@dataclass(frozen=True)
class Drilled:
    """What the drill found.

    `measured`: each party's probes since the block; `still`: who accepted the key when the first statement was made;
    `before`, `after`: the statements; `breaks`: what the plan said that the block costs users; `again`: users whose
    tokens the block refused; `refused`: answers of services to tokens under the new keys that were not *let in*;
    `rotated`: keys that were rotated at the end; `missing`: gateways that are not installed here.
    """

    runbook: str
    measured: tuple[Measured, ...]
    still: tuple[str, ...]
    before: dict[str, Any]
    after: dict[str, Any]
    breaks: str
    again: int
    refused: int
    revoked: int
    rotated: tuple[str, ...]
    missing: tuple[str, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether all parties are measured, he was *not out* and is, and users lost no more than the plan said."""
        blocked = all(each.said is Said.BLOCKED for each in self.measured)
        told = self.before["verdict"] == Eviction.NOT_OUT and self.after["verdict"] == Eviction.OUT
        return blocked and told and self.refused == 0


@dataclass(frozen=True)
class _Signer:
    kid: str
    signs: Callable[[bytes], bytes]
    alg: str = "ES256"

    def sign(self, signing_input: bytes) -> bytes:
        """Return the signature."""
        return self.signs(signing_input)


def run(folder: Path, hunts: Hunts, stage: Callable[[str], object], cached: float = CACHE_SECONDS) -> Drilled:
    """Run the drill in a new folder; raises UsageError if it is there. `cached`: seconds of the party that caches."""
    if folder.exists():
        raise UsageError(f"{folder}: a drill was run there", hint="remove the folder, or name another")
    folder.mkdir(parents=True)
    began = time.monotonic()
    with ExitStack() as stack:
        stage("founding the issuer")
        drill = _Drill(folder, hunts, stack, cached)
        stage("living in it, and forging")
        drill.lived()
        drill.judge()
        plan = desk.plan(drill.case, datetime.now(UTC))
        stage("blocking")
        old = drill.users()
        blocked = drill.block()
        drill.forge()
        stage("probing until all but one refuse")
        drill.probe_until(lambda said: all(each is Said.BLOCKED for name, each in said.items() if name != DEAF))
        refused = drill.refused(drill.users())
        drill.judge()
        before = drill.verify(blocked)
        still = tuple(each.party for each in desk.probed(drill.case, blocked) if each.said is Said.ACCEPTS)
        stage("mending the last, and revoking")
        drill.mend()
        times = desk.probed(drill.case, blocked)
        revoked = drill.revoke()
        again = sum(drill.refused([token]) > 0 for token in old)
        stage("rotating all keys")
        rotated = drill.rotate()
        held = datetime.now(UTC)
        time.sleep(PAUSE_SECONDS)
        drill.forge()
        refused += drill.refused(drill.users())
        drill.probe_until(lambda said: all(each is Said.BLOCKED for each in said.values()))
        stage("asking whether he is out")
        drill.judge()
        after = drill.verify(held)
        missing = tuple(sorted({"envoy", "haproxy"} - {party.name for party in drill.parties}))
    breaks = next(step.breaks for step in plan.steps if step.id == "block")
    return Drilled(
        runbook.text(plan), times, still, before, after, breaks, again, refused, revoked, rotated, missing,
        time.monotonic() - began,
    )


class _Drill:
    """The parts of one run."""

    def __init__(self, folder: Path, hunts: Hunts, stack: ExitStack, cached: float) -> None:
        self._folder, self._hunts, self._rounds, self.case = folder, hunts, 0, folder / "case"
        self._clock, self._cached = Clock.started(folder, -AGO_SECONDS), cached
        self._stolen = ec.generate_private_key(ec.SECP256R1())
        self._custody = self._founded(folder / "custody", stack)
        pem = folder / "copied.pem"
        pem.touch(0o600)
        pem.write_bytes(self._stolen.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        self._dead = self._custody.attach(KEY, str(pem), purpose="taken over from a server's disk").kid
        pem.unlink()
        self._custody.prepare(KEY, purpose="published before it signs")
        self._custody.create(OTHER, Algorithm.ES256)
        self._lists = self._founded(folder / "lists", stack)
        self._lists.create(LISTS, Algorithm.ES256)
        self._subjects = SubjectKey("drill", secrets.token_bytes(32))
        with FileLedger.open(folder / "ledger", "ledger.drill/idp") as founded:
            self._log_key = founded.key
        (folder / "witness").mkdir()
        witness = DropWitness(folder / "witness", self._log_key)
        self._ledger = stack.enter_context(FileLedger.open(folder / "ledger", witnesses=(witness,)))
        policy = MintPolicy.from_toml(_MINT)
        self._mint = Mint(self._custody, self._ledger, policy, self._subjects, clock=self._clock.now)
        self._bare = TokenPolicy.from_toml(self._text(), self._documents())
        self._list: BlockList | None = None
        self._policy = self._listed(())  # without a list in force nobody is believed
        self._held = {
            "strict": Held(self._policy), "caches": Held(self._policy, cached),
            DEAF: Held(self._policy, deaf=True),
        }
        self._gateways = stack.enter_context(gateways(folder))
        for gateway in self._gateways:
            gateway.configure(self._policy)
        self._ours = tuple(
            stack.enter_context(ours(name, held, folder, self._subjects, self._clock.seconds))
            for name, held in self._held.items()
        )
        self.parties: tuple[Party, ...] = (*self._ours, *(gateway.party for gateway in self._gateways))

    def lived(self) -> None:
        """Live some hours; in the last of them the thief comes."""
        while self._clock.seconds() + ROUND_SECONDS + THEFT_AGO_SECONDS <= time.time():
            self.refused(self.users(), self._ours)
            self._clock.pass_by(ROUND_SECONDS)
        self.forge()
        self._clock.pass_by(time.time() - self._clock.seconds())
        self.refused(self.users())

    def users(self) -> list[str]:
        """Issue a token to each user."""
        return [self._mint.issue({"sub": user, "aud": AUDIENCE}, client="web", session=user).token for user in USERS]

    def refused(self, tokens: Iterable[str], parties: Iterable[Party] = ()) -> int:
        """Show tokens to services, all of them if none is named; return how often one was not let in."""
        return sum(probe.asks(party.url, token) != HTTP_OK for token in tokens for party in parties or self.parties)

    def forge(self) -> None:
        """Show every service a token that the thief signed."""
        now = int(self._clock.seconds())
        claims = {"iss": ISSUER, "sub": "alice", "aud": AUDIENCE, "client_id": "web", "iat": now}
        for party in self.parties:
            told = {**claims, "exp": now + TOKEN_SECONDS, "jti": secrets.token_hex(16)}
            header = {"typ": "at+jwt", "alg": "ES256", "kid": self._dead}
            given = ".".join(base64url.encode(json.dumps(part).encode()) for part in (header, told)).encode()
            probe.asks(party.url, f"{given.decode()}.{base64url.encode(self._copied(given))}")

    def judge(self) -> None:
        """Export ledger and receipts as they are now, and hunt in them."""
        self._rounds += 1
        logs = self._folder / f"logs-{self._rounds}"
        logs.mkdir()
        self._ledger.checkpoint()
        with (logs / "ledger.jsonl").open("wb") as file:
            exported.write(InFolder(self._folder / "ledger"), LEDGER_SCHEMA, file.write, datetime.now(UTC))
        for receipts in self._folder.glob("*.receipts.jsonl"):
            shutil.copyfile(receipts, logs / receipts.name)
        kept = tuple(sorted((self._folder / "witness").glob("*/*")))
        self._hunts(logs, self.case, self._log_key.render(), kept)

    def block(self) -> datetime:
        """Let the next key sign, block the stolen one in custody and by a signed list, tell all; return when.

        The party that caches has looked just before: the worst case.
        """
        self._custody.rotate(KEY, purpose="emergency")
        self._held["caches"].look()
        now = datetime.now(UTC)
        told = Blocked(self._dead, self._dead, int(now.timestamp()) - 60, "stolen", None)
        blocking = self._listed((told,))
        self._custody.block(KEY, self._dead, "stolen", purpose="drill")
        for held in self._held.values():
            held.tell(blocking)
        for gateway in self._gateways:
            gateway.configure(blocking)
        desk.done(self.case, "block", now, "drill")
        return now

    def _listed(self, added: tuple[Blocked, ...]) -> TokenPolicy:
        """Sign the next block list; return the policy by it."""
        self._list = blocks.write(self._lists, LISTS, ISSUER, self._list, added, self._clock.now()).found
        return self._bare.blocking(self._list)

    def probe_until(self, enough: Callable[[dict[str, Said]], bool]) -> None:
        """Probe all parties, again and again, until it is enough; each probe goes into the journal.

        Raises CounterfoilError if it never is.
        """
        until = time.monotonic() + self._cached + PATIENCE_SECONDS
        current = current_version(self._custody, KEY, "the twin's key")
        twin = _Signer(current.kid, lambda given: self._custody.sign(KEY, given, purpose="canary's twin").signature)
        while True:
            dead = _Signer(self._dead, self._copied)
            pair = probe.made(Canary(ISSUER, AUDIENCE), dead, twin, self._ledger, time.time())
            found = [self._probed(party, pair) for party in self.parties]
            desk.keep_probes(self.case, found)
            if enough({each.party: each.said for each in found}):
                return
            if time.monotonic() > until:
                words = ", ".join(f"{each.party} {each.said}" for each in found if each.said is not Said.BLOCKED)
                raise CounterfoilError(f"the drill's parties do not come to refuse the key: {words}")
            time.sleep(PAUSE_SECONDS)

    def mend(self) -> None:
        """Have the party that ignored blocks go by them."""
        self._held[DEAF].deaf = False
        self.probe_until(lambda said: said[DEAF] is Said.BLOCKED)

    def revoke(self) -> int:
        """Revoke what the stolen key signed, by the ledger; return how many tokens that are."""
        names = desk.of_ledger(InFolder(self._folder / "ledger"), Asked(key=self._dead, lineage=True))
        (self._folder / "revoked.json").write_bytes(written(names))
        desk.done(self.case, "revoke", datetime.now(UTC), "drill")
        return len(names)

    def rotate(self) -> tuple[str, ...]:
        """Rotate every key of the store: published first, then waited for the party that caches, then signed with."""
        names = rotate.names(self._custody.keys(purpose="to rotate all"))
        for name in names:
            self._custody.prepare(name, purpose="nobody knows what else was copied")
        self._bare = TokenPolicy.from_toml(self._text(), self._documents())
        blocking = self._listed(())
        for held in self._held.values():
            held.tell(blocking)
        for gateway in self._gateways:
            gateway.configure(blocking)
        time.sleep(self._cached + PAUSE_SECONDS)
        for name in names:
            self._custody.rotate(name, purpose="all parties have had time to fetch it")
        desk.done(self.case, "rotate", datetime.now(UTC), "drill")
        return names

    def verify(self, since: datetime) -> dict[str, Any]:
        """Ask whether he is out. What he held ends with the block: nothing of his was renewed."""
        now = datetime.now(UTC) + timedelta(seconds=PAUSE_SECONDS)
        short = timedelta(milliseconds=1)
        return desk.verify(self.case, since, now, now, keys=(self._dead,), refresh_life=short, access_life=short)

    def _probed(self, party: Party, pair: Pair) -> Probed:
        return probe.probe(party, pair, probe.asks, time.time)

    def _copied(self, given: bytes) -> bytes:
        return jws_form(self._stolen.sign(given, ec.ECDSA(SHA256())))

    def _founded(self, path: Path, stack: ExitStack) -> Custody:
        founding.found(path, "file", f"custody.drill/{path.name}", {})
        return stack.enter_context(Custody.open(path, clock=self._clock.now))

    def _documents(self) -> dict[str, bytes]:
        return {file: _jwks(each for each in custody.keys(purpose="to publish them") if each.name == key)
                for file, key, custody in (("keys", KEY, self._custody), (LISTS, LISTS, self._lists))}

    def _text(self) -> str:
        pinned = current_version(self._lists, LISTS, "to pin it").kid
        return f"""schema = "counterfoil.token-policy/1"
[[keys]]
file = "keys"
classes = ["access"]
issuers = ["{ISSUER}"]
[[flow]]
name = "api"
class = "access"
issuers = ["{ISSUER}"]
audiences = ["{AUDIENCE}"]
[blocklist]
file = "{LISTS}"
pinned = ["{pinned}"]
issuers = ["{ISSUER}"]
"""


_MINT = f"""schema = "counterfoil.mint-policy/1"
[[mint]]
name = "api"
issuer = "{ISSUER}"
key = "{KEY}"
class = "access"
audiences = ["{AUDIENCE}"]
grants = ["other"]
"""


def _jwks(versions: Iterable[Any]) -> bytes:
    return json.dumps({"keys": [version.jwk() for version in versions]}).encode()
