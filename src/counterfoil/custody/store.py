"""The key store: named keys with versions and states, over one back-end. It records nothing: `Custody` does."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from counterfoil.custody import driver as drivers
from counterfoil.custody import spki
from counterfoil.custody.algorithm import Algorithm
from counterfoil.custody.driver import Driver
from counterfoil.custody.inventory import Inventory
from counterfoil.custody.keys import Attestation, Capabilities, KeyState, KeyVersion, Signed
from counterfoil.custody.settings import StoreSettings
from counterfoil.errors import KeyUnusableError, UsageError

# JWS signing inputs are kilobytes; more is a mistake or an attack.
MAX_SIGNING_INPUT = 256 * 1024


class KeyStore:
    """Keys by name. Threads may share it. A key has one algorithm; its newest version signs.

    Raises UsageError for names and algorithms that cannot be, KeyUnusableError for keys that are unknown, disabled or
    destroyed, KeyStoreError if the back-end fails.
    """

    def __init__(self, driver: Driver, path: Path, clock: Callable[[], datetime]) -> None:
        """Keep the inventory below `path`."""
        self._driver, self._clock = driver, clock
        self._inventory = Inventory(path)
        self._lock = threading.Lock()

    @classmethod
    def open(cls, settings: StoreSettings, clock: Callable[[], datetime]) -> KeyStore:
        """Open the back-end that the settings name."""
        return cls(drivers.opened(settings), settings.path, clock)

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
            return self._inventory.added(name, algorithm, new, self._clock())

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
            return self._inventory.added(name, algorithm or fitting[0], new, self._clock(), attached=True)

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
        """Make the next version without letting it sign: publish it, and rotate when relying parties know it."""
        with self._lock:
            if self._inventory.next(name) is not None:
                raise UsageError(f"key {name} has a next version already", hint="rotate makes it the one that signs")
            return self._made(name, prepared=True)

    def rotate(self, name: str) -> KeyVersion:
        """Let the next version sign from now on, made now unless it was prepared; the one before is still verified."""
        with self._lock:
            prepared = self._inventory.next(name)
            return self._made(name) if prepared is None else self._inventory.promoted(prepared)

    def _made(self, name: str, *, prepared: bool = False) -> KeyVersion:
        last = self._inventory.of(name)[-1]
        new = self._driver.generate(_label(name, last.version + 1), last.algorithm)
        return self._inventory.added(name, last.algorithm, new, self._clock(), prepared=prepared)

    def disable(self, name: str) -> tuple[KeyVersion, ...]:
        """Let no version of a key sign any more; returns the versions that could have. Repeating it is harmless."""
        with self._lock:
            ended = [found for found in self._inventory.of(name) if found.state in _USABLE]
            for found in ended:
                self._driver.disable(found.reference)
                self._inventory.stated(found.kid, KeyState.DISABLED)
            return tuple(ended)

    def destroy(self, name: str) -> tuple[KeyVersion, ...]:
        """Delete the private keys of all versions; only what is disabled can be destroyed."""
        with self._lock:
            mine = [found for found in self._inventory.of(name) if found.state is not KeyState.DESTROYED]
            if any(found.state in _USABLE for found in mine):
                raise KeyUnusableError(f"key {name} is in use", hint=f"counterfoil keys disable {name} first")
            for found in mine:
                self._driver.destroy(found.reference)
                self._inventory.stated(found.kid, KeyState.DESTROYED)
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


_USABLE = frozenset({KeyState.NEXT, KeyState.CURRENT, KeyState.PREVIOUS})


def _label(name: str, version: int) -> str:
    """Return what the back-end shall call a version: readable, and never used before, even after a crash."""
    return f"{name}.v{version}-{secrets.token_hex(4)}"
