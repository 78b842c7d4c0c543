"""One chunk into findings: marks and their readers, and the parts of known keys without any mark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from counterfoil.leaks import symmetric
from counterfoil.leaks._native import NativeKernel
from counterfoil.leaks.chunks import Chunk
from counterfoil.leaks.curves import CURVES, CurveSearch
from counterfoil.leaks.finding import Leak, TokenSeen
from counterfoil.leaks.forms import dkm, registry
from counterfoil.leaks.forms.found import Found
from counterfoil.leaks.hits import ALL_ORDERS, Hit, Order, Part
from counterfoil.leaks.known import KnownKey, KnownKeys, PublicKey
from counterfoil.leaks.moduli import Modulus, ModulusGroup, factors_from_exponent, fits, groups
from counterfoil.leaks.private import Seed, point_of, prove
from counterfoil.leaks.tokens import TokenReader, literals

if TYPE_CHECKING:
    from counterfoil.leaks._portable import PortableKernel

# Windows for a scalar start at multiples of this, unless every offset is asked for: as allocators align.
ALIGNED = 8
# Around its public key a seed of Ed25519 is looked for at every offset: libraries keep them together.
SEED_NEAR = 1 << 10
# Copies of a public key in one chunk, around which that is done: each costs about 0.1 s.
MOST_SEED_PLACES = 32
_SEED_ZEROS = 5
_ORDER_NAMES = {Order.BIG: "big-endian", Order.LITTLE: "little-endian", Order.WORDS: "in Java's word order"}


class Engine:
    """Scans chunks for what is known; safe to use from several threads."""

    def __init__(self, kernel: NativeKernel | PortableKernel, known: KnownKeys, *, every_offset: bool = False) -> None:
        """Prepare for these keys; `every_offset`: scalars are looked for at every offset, not only at aligned ones."""
        self._kernel = kernel
        self._known = known
        self._groups = groups(
            Modulus(key.public.n, key.public.e, number)
            for number, key in enumerate(known.keys)
            if key.public.kind == "RSA"
        )
        self._searches = tuple(_searches(known.keys, 1 if every_offset else ALIGNED))
        self._step = 1 if every_offset else symmetric.ALIGNED
        self._seeds = tuple(key for key in known.keys if key.public.kind == "Ed25519")
        self._literals = (*registry.literals(), *(key.public.raw for key in self._seeds))

    def left_out(self) -> tuple[str, ...]:
        """Return the key ids whose bare parts are not looked for: moduli of unusual sizes, curves not known."""
        return tuple(
            key.kid
            for key in self._known.keys
            if (key.public.kind == "RSA" and not fits(key.public.n))
            or (key.public.kind == "EC" and key.public.curve not in CURVES)
        )

    def scan(self, chunk: Chunk, path: str) -> list[Leak]:
        """Return what starts in the chunk, each place once: what lies inside a written key is not told again."""
        found = [*self._written(chunk, path), *self._bare(chunk, path), *self._secrets(chunk, path)]
        return without_inner(found)

    def tokens(self, chunk: Chunk, path: str, reader: TokenReader) -> list[TokenSeen]:
        """Return the tokens that start in the chunk."""
        marks, found, end = literals(), list[TokenSeen](), 0
        for anchor in self._kernel.anchors(chunk.data, chunk.begin, chunk.end, marks):
            if anchor.offset < end:
                continue  # inside the token before
            for place in reader.read(chunk.data, marks[anchor.literal], anchor.offset, path, chunk.offset):
                found.append(place.seen)
                end = place.end
        return found

    def _written(self, chunk: Chunk, path: str) -> Iterator[Leak]:
        places = 0
        for anchor in self._kernel.anchors(chunk.data, chunk.begin, chunk.end, self._literals):
            number = anchor.literal - len(registry.literals())
            if number >= 0:
                places += 1
                if places <= MOST_SEED_PLACES:
                    yield from self._seed_near(chunk, path, anchor.offset, self._seeds[number])
                continue
            for found in registry.read(chunk.data, anchor.literal, anchor.offset):
                leak = self._leak(found, chunk, path)
                if leak is not None:
                    yield leak

    def _leak(self, found: Found, chunk: Chunk, path: str) -> Leak | None:
        place = chunk.offset + found.start
        size = found.end - found.start
        if found.sealed:
            tried = (dkm.unsealed(found, key) for key in self._known.dkm)
            found = next((opened for opened in tried if opened is not None), found)
        if found.key is None:
            return Leak(found.form, path, place, size, "", "", "", False, found.note)
        proof = prove(found.key, self._known)
        if proof is None:
            return None
        how = f"{proof.how}; {found.note}" if found.note else proof.how
        public = proof.public
        return Leak(found.form, path, place, size, proof.kid, public.thumbprint, public.kind, proof.known, how)

    def _bare(self, chunk: Chunk, path: str) -> Iterator[Leak]:
        for group in self._groups:
            hits = self._kernel.rsa(chunk.data, chunk.begin, chunk.end, group, ALL_ORDERS, ALL_ORDERS)
            for hit in hits:
                if proof := _proven_modulus(chunk.data, hit, group):
                    key = self._known.keys[group.keys[hit.key].key]
                    form, size, how = proof
                    yield _bare_leak(form, path, chunk.offset + hit.offset, size, key, how)
        for search, keys in self._searches:
            # the kernel counts alignment from the start of what it is given
            begin = chunk.begin - (chunk.offset + chunk.begin) % search.step
            for hit in self._kernel.scalars(chunk.data, max(begin, 0), chunk.end, search):
                key, width = keys[hit.key], search.curve.width
                if hit.offset >= chunk.begin and _proven_scalar(chunk.data, hit, search, key.public):
                    how = f"its scalar gives the public point, {_ORDER_NAMES[hit.order]}"
                    yield _bare_leak("ec-scalar", path, chunk.offset + hit.offset, width, key, how)

    def _secrets(self, chunk: Chunk, path: str) -> Iterator[Leak]:
        # offsets are aligned in the file, not in the chunk; those are multiples of a page
        for secret in symmetric.secrets_in(chunk.data, chunk.begin, chunk.end, self._known.macs, self._step):
            mac = secret.mac
            how = f"its HMAC is that of the token, {secret.how}"
            form, place = f"{mac.algorithm.lower()}-secret", chunk.offset + secret.start
            yield Leak(form, path, place, secret.size, mac.kid, f"token:{mac.digest[:16]}", "oct", True, how)

    def _seed_near(self, chunk: Chunk, path: str, at: int, key: KnownKey) -> Iterator[Leak]:
        for start in range(max(0, at - SEED_NEAR), min(len(chunk.data) - 32, at + SEED_NEAR)):
            window = chunk.data[start : start + 32]
            if window.count(0) > _SEED_ZEROS or len(set(window)) < 16:
                continue
            proof = prove(Seed(window), self._known)
            if proof is not None and proof.kid == key.kid:
                how = "its seed gives the public key, which stands near"
                yield _bare_leak("ed25519-seed", path, chunk.offset + start, 32, key, how)


def without_inner(leaks: Sequence[Leak]) -> list[Leak]:
    """Return the findings in order of place, without those inside another of the same key, and without repeats."""
    kept: list[Leak] = []
    for leak in sorted(set(leaks), key=lambda leak: (leak.offset, -leak.size, leak.form)):
        end = leak.offset + leak.size
        if not any(
            outer.offset + outer.size >= end and outer.thumbprint == leak.thumbprint and outer.form != leak.form
            for outer in reversed(kept[-8:])
        ):
            kept.append(leak)
    return kept


def _bare_leak(form: str, path: str, offset: int, size: int, key: KnownKey, how: str) -> Leak:
    return Leak(form, path, offset, size, key.kid, key.public.thumbprint, key.public.kind, True, how)


def _searches(keys: Sequence[KnownKey], step: int) -> Iterator[tuple[CurveSearch, tuple[KnownKey, ...]]]:
    for curve in CURVES.values():
        held = tuple(key for key in keys if key.public.kind == "EC" and key.public.curve == curve.name)
        points = tuple((key.public.x, key.public.y) for key in held)
        for order in Order if held else ():
            if order is Order.WORDS and curve.width % 4:
                continue
            yield CurveSearch(curve, order, max(step, 4) if order is Order.WORDS else step, points), held


def _proven_modulus(data: bytes, hit: Hit, group: ModulusGroup) -> tuple[str, int, str] | None:
    """Return the form, its size and how it is proven; None for a chance hit."""
    modulus = group.keys[hit.key]
    size = group.width if hit.part is Part.FACTOR else 2 * group.width
    value = hit.order.value_of(data[hit.offset : hit.offset + size])
    order = _ORDER_NAMES[hit.order]
    if hit.part is Part.FACTOR:
        if 1 < value < modulus.n and modulus.n % value == 0:
            return "rsa-factor", size, f"it divides the modulus, {order}"
    elif factors_from_exponent(modulus, value) is not None:
        return "rsa-exponent", size, f"it factors the modulus, {order}"
    return None


def _proven_scalar(data: bytes, hit: Hit, search: CurveSearch, public: PublicKey) -> bool:
    value = hit.order.value_of(data[hit.offset : hit.offset + search.curve.width])
    # the kernel compares x only, which -k has as well: whoever has -k has k
    return any(
        0 < scalar < search.curve.order and point_of(search.curve.name, scalar) == public
        for scalar in (value, search.curve.order - value)
    )
