"""What a back-end must offer, and how a driver is found: one file of `drivers` each, imported when it is used."""

from __future__ import annotations

import importlib
from typing import Any, Protocol

from counterfoil.custody.algorithm import Algorithm
from counterfoil.custody.backends import DRIVERS
from counterfoil.custody.keys import Attestation, Capabilities, NewKey, Signed
from counterfoil.custody.settings import StoreSettings
from counterfoil.errors import KeyStoreError, UsageError


class Driver(Protocol):
    """One back-end. Keys go by its own references; names, versions and states are the store's. Thread-safe.

    Every failure of the back-end is a KeyStoreError; a key that it does not have or refuses is a KeyUnusableError.
    """

    @property
    def capabilities(self) -> Capabilities:
        """What the back-end can do."""

    def generate(self, label: str, algorithm: Algorithm) -> NewKey:
        """Make a key pair, non-exportable where the back-end allows. `label` is new to the store, and unique in it."""

    def attach(self, label: str, reference: str) -> NewKey:
        """Take over a key that exists: `reference` is what the back-end's own tools call it."""

    def sign(self, reference: str, algorithm: Algorithm, signing_input: bytes) -> Signed:
        """Sign, and return the signature in JWS form."""

    def disable(self, reference: str) -> None:
        """Have the back-end refuse this key from now on, where it can."""

    def destroy(self, reference: str) -> None:
        """Delete the private key, beyond recovery where the back-end allows."""

    def attest(self, reference: str) -> Attestation:
        """Return what the back-end states about a key."""

    def audit_digest(self, nonce: bytes) -> Attestation | None:
        """Return the device's signed digest of all signatures since the last call, if it keeps one."""

    def close(self) -> None:
        """Let go of sessions, connections and secrets."""


def opened(settings: StoreSettings) -> Driver:
    """Return the driver that the settings name; UsageError if its library is not installed."""
    driver: Driver = module_of(settings.backend).open_driver(settings)
    return driver


def module_of(backend: str) -> Any:
    """Return the module of a back-end; UsageError if its library is not installed."""
    module, extra = DRIVERS[backend]
    try:
        return importlib.import_module(f"counterfoil.custody.drivers.{module}")
    except ImportError as error:
        if error.name and error.name.startswith("counterfoil"):
            raise
        raise UsageError(
            f"the {backend} back-end needs the library {error.name}", hint=f"pip install 'counterfoil[{extra}]'"
        ) from error


def unsupported(backend: str, algorithm: Algorithm) -> KeyStoreError:
    """Return the error of an algorithm that a back-end does not have."""
    told = f"the {backend} back-end makes no {algorithm} keys"
    return KeyStoreError(told, hint="docs/reference/custody.md says which it makes")
