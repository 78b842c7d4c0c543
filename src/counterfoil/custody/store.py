"""The key store: named keys with versions and states, over one back-end. It records nothing: `Custody` does."""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from counterfoil.custody import apart, life, spki
from counterfoil.custody import driver as drivers
from counterfoil.custody.algorithm import Algorithm
from counterfoil.custody.audit import Operation, Record
from counterfoil.custody.driver import Driver
from counterfoil.custody.inventory import Inventory
from counterfoil.custody.keys import Attestation, Capabilities, KeyState, KeyVersion, Signed
from counterfoil.custody.publication import Publication
from counterfoil.custody.settings import StoreSettings
from counterfoil.errors import KeyUnusableError, UsageError

# JWS signing inputs are kilobytes; more is a mistake or an attack.
MAX_SIGNING_INPUT = 256 * 1024


class KeyStore:
    """Keys by name. Threads may share it. A key has one algorithm; its newest version signs.

    Raises UsageError for names and algorithms that cannot be, KeyUnusableError for keys that are unknown, disabled or
    destroyed, KeyStoreError if the back-end fails.
    """

    def __init__(
        self, driver: Driver, path: Path, clock: Callable[[], datetime], publication: Publication | None = None
    ) -> None:
        """Keep the inventory below `path`; publish the key set at every change, if it is known where."""
        self._driver, self._clock = driver, clock
        self._inventory, self._publication = Inventory(path), publication
        self._lock = threading.Lock()

    @classmethod
    def open(cls, settings: StoreSettings, clock: Callable[[], datetime]) -> KeyStore:
        """Open the back-end that the settings name."""
        told = settings.life
        publication = None if told is None else Publication(settings.path / told.jwks)
        return cls(apart.opened(settings), settings.path, clock, publication)

    @property
    def capabilities(self) -> Capabilities:
        """What the back-end can do, and what it keeps to."""
        return self._driver.capabilities

    @property
    def inventory_digest(self) -> str:
        """SHA-256 of the inventory's file, in hex."""
        return self._inventory.digest

    def create(self, name: str, algorithm: Algorithm) -> KeyVersion:
        """Make a key, non-exportable where the back-end allows."""
        with self._lock:
            self._inventory.check_new(name)
            self._check(algorithm)
            new = self._driver.generate(_label(name, 1), algorithm)
            return self._begun(self._inventory.added(name, algorithm, new, self._clock()))

    def attach(self, name: str, reference: str, algorithm: Algorithm | None = None) -> KeyVersion:
        """Take a key that exists into custody; RSA keys need to be told their algorithm.

        What `reference` is depends on the back-end: a PEM file, a label, a key id, a handle.
        """
        with self._lock:
            self._inventory.check_new(name)
            new = self._driver.attach(_label(name, 1), reference)
            fitting = spki.algorithms_of(new.public)
            if algorithm is None and Algorithm.RS256 in fitting:
                raise UsageError(f"{reference} is an RSA key: for RS256 or PS256?", hint="--algorithm RS256")
            taken = self._inventory.added(name, algorithm or fitting[0], new, self._clock(), attached=True)
            return self._begun(taken)

    def keys(self) -> tuple[KeyVersion, ...]:
        """Return every version of every key, by name and version."""
        return self._inventory.versions()

    def current(self, name: str) -> KeyVersion:
        """Return the version that signs, with its public key."""
        return self._inventory.current(name)

    def sign(self, name: str, signing_input: bytes) -> Signed:
        """Sign a JWS signing input (header.payload) with the current version; the signature is in JWS form."""
        return self.sign_with(self._inventory.current(name), signing_input)

    def sign_with(self, version: KeyVersion, signing_input: bytes) -> Signed:
        """Sign with a version that `current` returned."""
        if not 0 < len(signing_input) <= MAX_SIGNING_INPUT:
            raise UsageError(f"expected a signing input of 1 to {MAX_SIGNING_INPUT} bytes, got {len(signing_input)}")
        return self._driver.sign(version.reference, version.algorithm, signing_input)

    def prepare(self, name: str) -> KeyVersion:
        """Make the next version without letting it sign, and publish it: rotate when relying parties know it."""
        with self._lock:
            if self._inventory.next(name) is not None:
                raise UsageError(f"key {name} has a next version already", hint="rotate makes it the one that signs")
            return self._made(name)

    def rotate(self, name: str) -> KeyVersion:
        """Let the next version sign from now on, made now unless it was prepared; the one before is still verified."""
        with self._lock:
            return self._begun(self._inventory.next(name) or self._made(name))

    def retire(self, name: str, kid: str) -> KeyVersion:
        """Take a version that signs no more (or not yet) out of the published key set. Repeating it is harmless."""
        return self._ended(name, kid, KeyState.RETIRED)

    def block(self, name: str, kid: str, reason: str) -> KeyVersion:
        """Let a version that is out sign no more, and take it out of the published key set. Repeating is harmless."""
        return self._ended(name, kid, KeyState.BLOCKED, reason)

    def settle(self, resumed: Sequence[Record]) -> tuple[KeyVersion, ...]:
        """Finish what a crash left half done: these retirements and blocks, and the publication."""
        done = []
        for begun in resumed:
            state = KeyState.BLOCKED if begun.op is Operation.BLOCK else KeyState.RETIRED
            with contextlib.suppress(KeyUnusableError):  # it was refused then, and is refused now
                done.append(self._ended(begun.key, begun.kid, state, begun.detail))
        with self._lock:
            self._publish()
        return tuple(done)

    @property
    def settled(self) -> bool:
        """Whether the key set is published as the inventory has it."""
        versions = self._inventory.versions()
        return self._publication is None or (
            self._publication.holds(versions) and life.marked_published(versions, self._clock()) == list(versions)
        )

    def _made(self, name: str) -> KeyVersion:
        last = self._inventory.of(name)[-1]
        new = self._driver.generate(_label(name, last.version + 1), last.algorithm)
        made = self._inventory.added(name, last.algorithm, new, self._clock())
        self._publish()
        return life.find(self._inventory.versions(), made.kid)

    def _begun(self, version: KeyVersion) -> KeyVersion:
        """Let a next version sign: everybody can know it before it does."""
        self._publish()
        return self._inventory.promoted(version.kid, self._clock(), published_only=self._publication is not None)

    def _ended(self, name: str, kid: str, to: KeyState, reason: str = "") -> KeyVersion:
        with self._lock:
            version = life.find(self._inventory.of(name), kid)
            if version.state is not to:
                # the inventory first: from here on nothing is signed with it, whatever the back-end does
                version = self._inventory.moved(kid, to, self._clock(), reason)
            self._publish()
            self._driver.disable(version.reference)
            return version

    def _publish(self) -> None:
        if self._publication is None:
            return
        versions = self._inventory.versions()
        if not self._publication.holds(versions):
            self._publication.put(versions)
        self._inventory.published(self._clock())

    def disable(self, name: str) -> tuple[KeyVersion, ...]:
        """Let no version of a key sign any more; returns the versions that could have. Repeating it is harmless."""
        with self._lock:
            ended = [found for found in self._inventory.of(name) if found.state in life.USABLE]
            for found in ended:
                self._driver.disable(found.reference)
                self._inventory.moved(found.kid, KeyState.DISABLED, self._clock())
            self._publish()
            return tuple(ended)

    def destroy(self, name: str) -> tuple[KeyVersion, ...]:
        """Delete the private keys of all versions; only what is disabled can be destroyed."""
        with self._lock:
            mine = [found for found in self._inventory.of(name) if found.state is not KeyState.DESTROYED]
            if any(found.state in life.USABLE for found in mine):
                raise KeyUnusableError(f"key {name} is in use", hint=f"counterfoil keys disable {name} first")
            for found in mine:
                self._driver.destroy(found.reference)
                self._inventory.moved(found.kid, KeyState.DESTROYED, self._clock())
            return tuple(mine)

    def attest(self, name: str) -> Attestation:
        """Return what the back-end states about the newest version of a key."""
        return self._driver.attest(self._inventory.of(name)[-1].reference)

    def audit_digest(self, nonce: bytes) -> Attestation | None:
        """Return the device's signed digest of all signatures since the last one, if it keeps one."""
        return self._driver.audit_digest(nonce)

    def close(self) -> None:
        """Let go of the back-end."""
        self._driver.close()

    def _check(self, algorithm: Algorithm) -> None:
        if algorithm not in self.capabilities.algorithms:
            raise drivers.unsupported(self.capabilities.backend, algorithm)


def _label(name: str, version: int) -> str:
    """Return what the back-end shall call a version: readable, and never used before, even after a crash."""
    return f"{name}.v{version}-{secrets.token_hex(4)}"
