"""One chunk into findings: marks and their readers, and the parts of known keys without any mark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from counterfoil.leaks import symmetric
from counterfoil.leaks._native import NativeKernel
from counterfoil.leaks.chunks import Chunk
from counterfoil.leaks.curves import CURVES, CurveSearch
from counterfoil.leaks.effort import Effort
from counterfoil.leaks.finding import Leak, TokenSeen
from counterfoil.leaks.forms import dkm, registry
from counterfoil.leaks.forms.found import NOT_UNDERSTOOD, Found
from counterfoil.leaks.hits import ALL_ORDERS, Hit, Order, Part
from counterfoil.leaks.known import KnownKey, KnownKeys, PublicKey
from counterfoil.leaks.layers.layer import LOOSE, MOST_DEPTH, Layer
from counterfoil.leaks.layers.registry import layers
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
# Where a seed begins in something of so many bytes: a seed, with its public key, with its length as PuTTY writes it.
SEED_UNITS = {32: 0, 64: 0, 36: 4}
# How much longer than a scalar what holds it is: without a leading zero, as it is, with one, with its length.
SCALAR_UNITS = (-1, 0, 1, 4, 5)
_SEED_ZEROS = 5
_ORDER_NAMES = {Order.BIG: "big-endian", Order.LITTLE: "little-endian", Order.WORDS: "in Java's word order"}

# What is told of a stream whose end is not there.
CUT_OFF = "what is compressed in it goes on behind what is read at once"


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

    def scan(self, chunk: Chunk, path: str, effort: Effort | None = None) -> list[Leak]:
        """Return what starts in the chunk, each place once: what lies inside a written key is not told again.

        Where the effort is spent, or something is not read for another reason, `effort` tells.
        """
        effort = effort or Effort()
        effort.begin(chunk.end - chunk.begin)
        found = [*self._written(chunk, path, effort), *self._factors(chunk, path), *self._scalars(chunk, path)]
        found += self._secrets(chunk, path)
        layered = set(self._layered(chunk, path, effort, 1))
        # what is in layers, the chunk's neighbours see as well: each tells what is its own, and a little more
        own = range(chunk.offset + chunk.begin - LOOSE, chunk.offset + chunk.end + LOOSE)
        return [leak for leak in without_inner([*found, *layered]) if leak.offset in own or leak not in layered]

    def _layered(self, chunk: Chunk, path: str, effort: Effort, depth: int) -> Iterator[Leak]:
        """Yield what is written inside the text of a chunk, at its place in the file."""
        texts = layers(self._kernel, chunk.data, chunk.end, continued=chunk.offset > 0)
        for layer in texts:
            effort.decoded(len(layer.data))
            if layer.cut:
                effort.tell(path, CUT_OFF)
            if layer.packed:
                effort.tell(path, "an archive lies in its text: decode and unpack it first")
            if depth > MOST_DEPTH:
                effort.tell(path, "packed into text too many times over: unpack the outer ones first")
            if effort.is_spent(path) or depth > MOST_DEPTH:
                return
            inner = Chunk(layer.data, 0, 0, len(layer.data))
            found = [*self._written(inner, path, effort, layer), *self._factors(inner, path)]
            found += self._heads(layer, path)
            found += self._layered(inner, path, effort, depth + 1)
            for leak in found:
                start, end = layer.source(leak.offset, leak.offset + leak.size)
                form = layer.form.format(leak.form)
                yield replace(leak, form=form, offset=chunk.offset + start, size=end - start)

    def tokens(self, chunk: Chunk, path: str, reader: TokenReader, effort: Effort | None = None) -> list[TokenSeen]:
        """Return the tokens that start in the chunk; `effort` as in `scan`."""
        effort = effort or Effort()
        marks, found, end = literals(), list[TokenSeen](), 0
        for anchor in self._kernel.anchors(chunk.data, chunk.begin, chunk.end, marks):
            if anchor.offset < end:
                continue  # inside what was read before
            if effort.is_spent(path):
                break
            with effort.taken():
                place = reader.read(chunk.data, marks[anchor.literal], anchor.offset, path, chunk.offset)
            if place.seen is not None:
                found.append(place.seen)
            end = place.end
        return found

    def _written(self, chunk: Chunk, path: str, effort: Effort, layer: Layer | None = None) -> Iterator[Leak]:
        places = 0
        for anchor in self._kernel.anchors(chunk.data, chunk.begin, chunk.end, self._literals):
            if effort.is_spent(path):
                return
            number = anchor.literal - len(registry.literals())
            with effort.taken():
                if number < 0:
                    found = [
                        self._leak(one, chunk, path, layer)
                        for one in registry.read(chunk.data, anchor.literal, anchor.offset)
                    ]
                elif (places := places + 1) <= MOST_SEED_PLACES:
                    found = [*self._seed_near(chunk, path, anchor.offset, self._seeds[number])]
                else:
                    found = []
            yield from (leak for leak in found if leak is not None)

    def _leak(self, found: Found, chunk: Chunk, path: str, layer: Layer | None) -> Leak | None:
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
        whole = not found.cut and (layer is None or layer.is_one(found.start, found.end))
        if not (whole or proof.known or proof.agrees):
            return None  # its structure was put together here
        how = f"{proof.how}; {found.note}" if found.note else proof.how
        public = proof.public
        return Leak(found.form, path, place, size, proof.kid, public.thumbprint, public.kind, proof.known, how)

    def _factors(self, chunk: Chunk, path: str) -> Iterator[Leak]:
        for group in self._groups:
            hits = self._kernel.rsa(chunk.data, chunk.begin, chunk.end, group, ALL_ORDERS, ALL_ORDERS)
            for hit in hits:
                if proof := _proven_modulus(chunk.data, hit, group):
                    key = self._known.keys[group.keys[hit.key].key]
                    form, size, how = proof
                    yield _bare_leak(form, path, chunk.offset + hit.offset, size, key, how)

    def _scalars(self, chunk: Chunk, path: str, width: int = 0) -> Iterator[Leak]:
        """Yield the scalars that stand there bare: of all curves, or of those whose scalars have so many bytes."""
        for search, keys in self._searches:
            if width not in (0, search.curve.width):
                continue
            # the kernel counts alignment from the start of what it is given
            begin = chunk.begin - (chunk.offset + chunk.begin) % search.step
            for hit in self._kernel.scalars(chunk.data, max(begin, 0), chunk.end, search):
                key, size = keys[hit.key], search.curve.width
                if hit.offset >= chunk.begin and _proven_scalar(chunk.data, hit, search, key.public):
                    how = f"its scalar gives the public point, {_ORDER_NAMES[hit.order]}"
                    yield _bare_leak("ec-scalar", path, chunk.offset + hit.offset, size, key, how)

    def _heads(self, layer: Layer, path: str) -> Iterator[Leak]:
        """Yield the scalars and seeds that were coded by themselves: a layer is too much to look at every offset."""
        units = list(layer.units()) if self._searches or self._seeds else []
        for width in sorted({search.curve.width for search, _ in self._searches}):
            packed, places = _packed(layer.data, units, width)
            step = -(-width // ALIGNED) * ALIGNED
            for leak in self._scalars(Chunk(packed, 0, 0, len(packed)), path, width):
                if leak.offset % step == 0 and leak.offset // step < len(places):
                    yield replace(leak, offset=places[leak.offset // step])
        for at, size in units if self._seeds else ():
            start = at + SEED_UNITS.get(size, size)
            seed = layer.data[start : start + 32]
            if len(seed) == 32 and start < at + size and (proof := prove(Seed(seed), self._known)) and proof.known:
                how = "its seed gives the public key"
                key = next(key for key in self._seeds if key.kid == proof.kid)
                yield _bare_leak("ed25519-seed", path, start, 32, key, how)

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


def _packed(data: bytes, units: Sequence[tuple[int, int]], width: int) -> tuple[bytes, list[int]]:
    """Return what may be scalars of so many bytes, each once and at multiples of ALIGNED, and where they stand."""
    held: dict[bytes, int] = {}
    for at, size in units:
        if size - width in SCALAR_UNITS:
            start = at + max(size - width, 0)
            held.setdefault(data[start : at + size].rjust(width, b"\0"), start)
    step = -(-width // ALIGNED) * ALIGNED
    return b"".join(window.ljust(step, b"\0") for window in held), list(held.values())


def without_inner(leaks: Sequence[Leak]) -> list[Leak]:
    """Return the findings in order of place, without those inside another of the same key, and without repeats."""
    kept: list[Leak] = []
    for leak in sorted(set(leaks), key=lambda leak: (leak.offset, -leak.size, leak.form)):
        if not any(_tells(outer, leak) for outer in reversed(kept[-8:])):
            kept.append(leak)
    opened = [leak for leak in kept if leak.thumbprint]
    return [leak for leak in kept if leak.form.find(NOT_UNDERSTOOD) < 0 or not any(_holds(leak, one) for one in opened)]


def _holds(outer: Leak, inner: Leak) -> bool:
    return outer.offset <= inner.offset and inner.offset + inner.size <= outer.offset + outer.size


def _tells(outer: Leak, inner: Leak) -> bool:
    """Tell whether a finding says all that another says that does not start before it."""
    if inner.thumbprint and inner.thumbprint != outer.thumbprint:
        return False
    if _holds(outer, inner):
        return True
    # where something in a layer ends is known to within a line
    return (outer.form == inner.form or not inner.thumbprint) and inner.offset < outer.offset + outer.size


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
