"""Keys, and buffers that hold their parts, for the tests of this folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from counterfoil.leaks.chunks import Chunk
from counterfoil.leaks.hits import Order
from counterfoil.leaks.known import KnownKey, KnownKeys, from_public

from . import corpus_keys
from .corpus import FORMS


def tool(name: str) -> str:
    """Return the path of a program; without it the test is skipped, in CI (.ci/debian.txt has it) it fails."""
    found = shutil.which(name)
    if found is None and os.environ.get("CI"):
        pytest.fail(f"{name} is not installed")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@cache
def rsa_keys(count: int = 3, bits: int = 2048) -> tuple[rsa.RSAPrivateKey, ...]:
    """Return keys, made once."""
    return tuple(rsa.generate_private_key(65537, bits) for _ in range(count))


def pem_of(key: rsa.RSAPrivateKey) -> bytes:
    """Return a key in PEM, not encrypted."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@cache
def forms_of_fixed_keys() -> tuple[bytes, ...]:
    """Return every form of one set of keys, made once a process: what tests change bytes of."""
    keys = corpus_keys.made()
    return tuple(make(keys) for make in FORMS.values())


def known_of(*keys: object) -> KnownKeys:
    """Return the public halves of private keys as known keys: kid k0, k1 and so on."""
    held = [from_public(key.public_key()) for key in keys]  # type: ignore[attr-defined]
    return KnownKeys(tuple(KnownKey(f"k{number}", public) for number, public in enumerate(held) if public is not None))


def buffer_with(parts: Sequence[tuple[int, int, int, Order]], size: int = 1 << 16) -> bytes:
    """Return noise that holds numbers: (offset, number, width in bytes, order)."""
    noise = bytearray(os.urandom(size))
    for offset, number, width, order in parts:
        noise[offset : offset + width] = corpus_keys.in_order(order, number, width)
    return bytes(noise)


def whole(data: bytes) -> Chunk:
    """Return all of some bytes as one chunk."""
    return Chunk(data, 0, 0, len(data))
