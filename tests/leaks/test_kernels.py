"""The kernels: parts of keys anywhere, in any order, by the public key alone; compiled and portable give the same."""

from __future__ import annotations

import base64
import os
from math import lcm

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.leaks import kernel
from counterfoil.leaks._native import LIBRARY, NativeKernel
from counterfoil.leaks._portable import PortableKernel
from counterfoil.leaks.curves import CURVES, CurveSearch
from counterfoil.leaks.forms import registry
from counterfoil.leaks.hits import ALL_ORDERS, BETWEEN, Hit, Order, Part, Run
from counterfoil.leaks.moduli import Modulus, factors_from_exponent, groups

from .planting import buffer_with, rsa_keys

Kernel = NativeKernel | PortableKernel
KERNELS = [
    *([pytest.param(lambda: NativeKernel(level=0), id="compiled"), pytest.param(NativeKernel, id="compiled, best")]
      if LIBRARY.exists() else []),
    pytest.param(PortableKernel, id="portable"),
]


def _modulus(key: rsa.RSAPrivateKey, number: int = 0) -> Modulus:
    public = key.public_key().public_numbers()
    return Modulus(public.n, public.e, number)


def test_where_there_is_a_compiler_the_kernel_is_compiled() -> None:
    """Tests run on a machine with a compiler: there the compiled kernel must be the one that works."""
    assert kernel.best().name == "compiled"


@pytest.mark.parametrize("make", KERNELS)
@pytest.mark.parametrize("order", list(Order), ids=lambda order: order.name)
def test_every_part_of_every_key_is_found_at_any_offset(make: type[Kernel], order: Order) -> None:
    """p, q and d of several keys are found at odd offsets, in this byte order, with nothing else in noise."""
    keys = rsa_keys(2)
    planted: set[Hit] = set()
    parts: list[tuple[int, int, int, Order]] = []
    for number, key in enumerate(keys):
        held = key.private_numbers()
        for place, (value, width, part) in enumerate(
            ((held.p, 128, Part.FACTOR), (held.q, 128, Part.FACTOR), (held.d, 256, Part.EXPONENT))
        ):
            offset = 1000 * (3 * number + place) + 7 * place + number
            parts.append((offset, value, width, order))
            planted.add(Hit(offset, number, order, part))
    data = buffer_with(parts, 1 << 13)
    (group,) = groups(_modulus(key, number) for number, key in enumerate(keys))
    found = set(make().rsa(data, 0, len(data), group, ALL_ORDERS, ALL_ORDERS))
    assert planted <= found
    assert all(hit.part is Part.EXPONENT for hit in found - planted), "a chance hit of a factor has odds of 2^-47"


@pytest.mark.parametrize("make", KERNELS)
@pytest.mark.parametrize("bits", [1024, 3072, 4096])
def test_keys_of_other_sizes_are_found(make: type[Kernel], bits: int) -> None:
    """Factors of moduli of 1024, 3072 and 4096 bits are found, at the very end of a buffer too."""
    (key,) = rsa_keys(1, bits)
    held, width = key.private_numbers(), bits // 16
    data = buffer_with([(501, held.p, width, Order.BIG), (4096 - width, held.q, width, Order.LITTLE)], 4096)
    (group,) = groups([_modulus(key)])
    found = set(make().rsa(data, 0, len(data), group, ALL_ORDERS, ALL_ORDERS))
    assert {Hit(501, 0, Order.BIG, Part.FACTOR), Hit(4096 - width, 0, Order.LITTLE, Part.FACTOR)} <= found


def test_seventy_keys_are_told_apart() -> None:
    """More keys than a machine word has bits: the factor of the last one is its own."""
    last = rsa_keys()[0]
    others = [Modulus(_modulus(last).n + 2 * number, 65537, number) for number in range(1, 70)]
    (group,) = groups([*others, _modulus(last, 70)])
    data = buffer_with([(777, last.private_numbers().p, 128, Order.BIG)], 1 << 12)
    for level in (0, 1):
        hits = NativeKernel(level=level).rsa(data, 0, len(data), group, ALL_ORDERS, Order(0))
        assert [(hit.offset, hit.key) for hit in hits] == [(777, 69)]


@pytest.mark.parametrize("make", KERNELS)
def test_text_zeros_and_noise_give_nothing(make: type[Kernel]) -> None:
    """Bytes without a key give no factor, and no exponent that proves to be one."""
    (group,) = groups([_modulus(rsa_keys()[0])])
    for data in (bytes(1 << 14), b"the quick brown fox " * 800, b"\xff" * (1 << 14), os.urandom(1 << 14), b""):
        hits = make().rsa(data, 0, len(data), group, ALL_ORDERS, ALL_ORDERS)
        assert not [hit for hit in hits if hit.part is Part.FACTOR]
        for hit in hits[:50]:
            value = hit.order.value_of(data[hit.offset : hit.offset + 256])
            assert factors_from_exponent(group.keys[0], value) is None


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 5000), st.integers(0, 3000), st.sampled_from(list(Order)), st.booleans(), st.integers(0, 1))
def test_a_kernel_answers_for_its_own_part_of_a_buffer(
    offset: int, begin: int, order: Order, exponent: bool, level: int
) -> None:
    """What starts in [begin, end) is found, what starts elsewhere is not: neighbours share nothing and lose nothing."""
    key = rsa_keys()[0]
    held = key.private_numbers()
    value, width = (held.d, 256) if exponent else (held.p, 128)
    data = buffer_with([(offset, value, width, order)], 5600)
    (group,) = groups([_modulus(key)])
    end = min(begin + 2500, len(data))
    part = Part.EXPONENT if exponent else Part.FACTOR
    found = Hit(offset, 0, order, part) in NativeKernel(level=level).rsa(
        data, begin, end, group, ALL_ORDERS, ALL_ORDERS
    )
    assert found == (begin <= offset < end)


def test_exponents_of_both_kinds_factor_the_modulus() -> None:
    """An exponent from Carmichael's function, from Euler's, and a larger one give p and q; others give nothing."""
    for key in rsa_keys():
        held, public = key.private_numbers(), _modulus(key)
        euler = (held.p - 1) * (held.q - 1)
        for d in (pow(65537, -1, euler), held.d, pow(65537, -1, euler) + euler):
            assert set(factors_from_exponent(public, d) or ()) == {held.p, held.q}
        assert factors_from_exponent(public, held.d + 2) is None
        assert factors_from_exponent(public, 1) is None


# (p, q) of keys made for this test. gcd(p - 1, q - 1) has a prime that comes late among those of n - 1: 61, 179, 151.
LATE = (
    (int("ef8c5184073d4a26fb3e862d82514391ae8ac2c779a3e95ae323dd4b551ec65b"
         "4ef21318150217d3e6a3d8182ded1083e8e3b0b241812b44a548dcfc6e1b6c15", 16),
     int("d04aac666dae5f7f62a477434cae531b6cd29b9bddedfb9bbba41419eb3a7b05"
         "0f0109099f9573b7e07cf3cf0cbc9d0b8c92d72bd104be0e79f879ab20b8809d", 16)),
    (int("fd4167d481ce8889376c4aa0f862f271193d18e91e17f5c52f7732bc9af67402"
         "773912f415275aece7db5982ac19d8a211509f7c0f71c528ab0874d9cc58a48d", 16),
     int("c485c4f96fbef392060253b507dade6f0b79707b7c35f0a24ad5c1c08044a662"
         "66e00d91471775ec7dcc0dbd79067b5778e22f1339cbab955b8d12517c831765", 16)),
    (int("de2fa65397e2f987feec83f1e8e7891e8e3ef8fe8fa26cf315a4f39ad0a4fff4"
         "508a079dbff7f5f3ddd482088ca3d45f2d3377dfb96ddf38e10f6840b826a3b3", 16),
     int("cc0a9a20a7921c5438a0eecf7fbf2c9b6a97ded27f85a6766112f1c6329f86a6"
         "edf84022cccc1565bdb1f5aed3459e769f2f24403ec643200c91a73388ae5f87", 16)),
)


@pytest.mark.parametrize("make", KERNELS)
def test_exponents_of_keys_whose_factors_have_more_in_common(make: type[Kernel]) -> None:
    """One key in a thousand: its exponent is found and proven like any other."""
    for p, q in LATE:
        public = Modulus(p * q, 65537, 0)
        d = pow(65537, -1, lcm(p - 1, q - 1))
        assert set(factors_from_exponent(public, d) or ()) == {p, q}
        (group,) = groups([public])
        data = buffer_with([(100, d, 128, Order.BIG)], 4096)
        assert Hit(100, 0, Order.BIG, Part.EXPONENT) in make().rsa(data, 0, len(data), group, ALL_ORDERS, ALL_ORDERS)


@pytest.mark.parametrize("make", KERNELS)
@pytest.mark.parametrize(
    ("curve", "name"), [(ec.SECP256R1(), "secp256r1"), (ec.SECP256K1(), "secp256k1"), (ec.SECP384R1(), "secp384r1")],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_scalars_are_found_by_their_points(make: type[Kernel], curve: ec.EllipticCurve, name: str) -> None:
    """Scalars of two keys are found in every byte order at every offset looked at, and at no other place."""
    keys = [ec.generate_private_key(curve) for _ in range(2)]
    points = [key.public_key().public_numbers() for key in keys]
    width, size = CURVES[name].width, 1 << 10
    for order in Order:
        step = 4 if order is Order.WORDS else 1
        offsets = (13 * step, 100 * step, size - width - (size - width) % step)
        chosen = [keys[0], keys[1], keys[0]]
        data = buffer_with(
            [(offset, key.private_numbers().private_value, width, order)
             for offset, key in zip(offsets, chosen, strict=True)], size,
        )
        search = CurveSearch(CURVES[name], order, step, tuple((point.x, point.y) for point in points))
        hits = make().scalars(data, 0, len(data), search)
        assert sorted((hit.offset, hit.key) for hit in hits) == sorted(zip(offsets, (0, 1, 0), strict=True))


def test_the_scalar_of_p_521_is_found() -> None:
    """The curve with the widest numbers, whose scalar is no whole number of words."""
    key = ec.generate_private_key(ec.SECP521R1())
    point = key.public_key().public_numbers()
    data = buffer_with([(100, key.private_numbers().private_value, 66, Order.LITTLE)], 512)
    search = CurveSearch(CURVES["secp521r1"], Order.LITTLE, 1, ((point.x, point.y),))
    assert [hit.offset for hit in NativeKernel().scalars(data, 0, len(data), search)] == [100]


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400), st.lists(st.sampled_from(registry.literals()), max_size=6), st.integers(0, 80))
def test_kernels_find_the_same_marks(noise: bytes, planted: list[bytes], begin: int) -> None:
    """The compiled search for marks finds exactly what a plain one does."""
    data = noise.join(planted) + noise
    end = max(begin, len(data) - 20)
    plain = [
        (at, number)
        for at in range(begin, min(end, len(data)))
        for number, literal in enumerate(registry.literals())
        if data.startswith(literal, at)
    ]
    for level in (0, None):
        assert sorted(NativeKernel(level=level).anchors(data, begin, end, registry.literals())) == sorted(plain)
    assert sorted(PortableKernel().anchors(data, begin, end, registry.literals())) == sorted(plain)


_PIECES = (
    b"\\n", b"\\\\n", b"%0A", b"%2B", b"&#xA;", b"&#43;", b"\\u002b", b"\\/", b"\\x0a", b"=", b"==", b" ", b"\n",
    b'" +\n "', b"<br/>", b"&quot;", b"%", b"\\", b"&", b"-----", b"+", b"_", b"\0", b"\xff", b"x", b"{", b"&#", b"<b",
    b"%4", b"%252B", b"%25", b" " * 170, b"MIIEpAIBAAKCAQEA" * 3, b"A" * 65,
    b"QUJD" * 400, b"eyJhbGci" * 5, b"-_" * 20,
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(_PIECES), max_size=14), st.integers(0, 600), st.booleans())
def test_kernels_undo_base64_alike(pieces: list[bytes], end: int, continued: bool) -> None:
    """Runs of Base64 with any escapes and gaps: both kernels give the same bytes and places, however a run is read."""
    data, compiled, portable = b"".join(pieces), NativeKernel(), PortableKernel()
    found = compiled.undo_base64(data, min(end, len(data)), continued=continued)
    assert found == portable.undo_base64(data, min(end, len(data)), continued=continued)
    for place in found[1]:
        for skip, alone in ((0, True), (1, False), (3, False)):
            run = Run(place.start, len(data))
            again = compiled.redo_base64(data, run, skip=skip, alone=alone)
            assert again == portable.redo_base64(data, run, skip=skip, alone=alone)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(b"a1\0\0zZ "), max_size=200).map(bytes), st.integers(2, 9), st.integers(0, 1))
def test_kernels_find_the_same_runs(data: bytes, least: int, first: int) -> None:
    """Runs of a class of bytes, alone and with a zero behind each: both kernels find the same."""
    members = bytes(byte in b"a1 " for byte in range(256))
    for unit in (1, 2):
        found = NativeKernel().runs(data, len(data), members, least, first=first, unit=unit)
        assert found == PortableKernel().runs(data, len(data), members, least, first=first, unit=unit)


def test_what_base64_says_is_decoded_as_the_library_does() -> None:
    """In one line and in lines of 64, 76 and 79 signs: the bytes, behind them what keeps texts apart."""
    data = os.urandom(3_000)
    text = base64.b64encode(data)
    for columns in (len(text), 64, 76, 79):
        lines = b"\r\n".join(text[at : at + columns] for at in range(0, len(text), columns))
        found, places = NativeKernel().undo_base64(b"key = " + lines + b"!", 100, continued=False)
        assert found == data + BETWEEN
        assert (places[0].start, places[-1].end) == (6, 6 + len(lines))
