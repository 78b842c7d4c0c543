"""Identifiers of invented records: GUIDs, Entra token ids and their encodings, from a given source of randomness.

An Entra token id (`uti`) is the 16 bytes of the sign-in's request id, as a .NET little-endian GUID, in base64url.
"""

from __future__ import annotations

import random

from counterfoil.jose import base64url

# The version nibble (4) sits in the eighth byte of the little-endian form, the variant bits in the ninth.
# Entra's request ids end in a zero byte, so their token ids end in "AA".
_KEEP = int("ffffffffffffff0f3fffffffffffff00", 16)
_SET = int("00000000000000408000000000000000", 16)


def seeded(*parts: object) -> random.Random:
    """Return a generator of numbers that depends on `parts` alone, the same in every process."""
    return random.Random("/".join(str(part) for part in parts))  # noqa: S311 - invented data, no secrets


def guid(rng: random.Random) -> str:
    """Return a random lower-case GUID in its canonical form of 36 characters."""
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def request_id(rng: random.Random) -> tuple[str, str]:
    """Return a new Entra request id: its GUID (36 characters) and the same as a token id (22 characters)."""
    raw = ((rng.getrandbits(128) & _KEEP) | _SET).to_bytes(16, "big")
    h = raw.hex()
    name = f"{h[6:8]}{h[4:6]}{h[2:4]}{h[:2]}-{h[10:12]}{h[8:10]}-{h[14:16]}{h[12:14]}-{h[16:20]}-{h[20:]}"
    return name, base64url.encode(raw)
