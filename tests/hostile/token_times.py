"""Time rows of tokens, key sets and assertions: `python -m tests.hostile.token_times` shows the slope of each.

A row is a sentence, what makes an input of about so many bytes, and what takes it in. The slope is that of processor
time over size, on logarithmic axes: 1 is linear. What refuses at once has no slope worth the name, and passes.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from counterfoil.errors import CounterfoilError
from counterfoil.model.unique import duplicate_in
from counterfoil.tokens.entitlement import Entitlement, IssuerPattern
from counterfoil.tokens.keyset import Grant, from_document
from counterfoil.tokens.looks import holds_token
from counterfoil.tokens.saml_document import assertion_in

Row = tuple[str, Callable[[int], bytes], Callable[[bytes], object]]

SIZES = (16_384, 32_768, 65_536, 131_072, 262_000)
MOST_SLOPE = 1.1
# Below this the clock measures itself.
LEAST_SECONDS = 0.02
_HEAD = '<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="a" Version="2.0"'
_GRANT = Grant(Entitlement(issuers=((IssuerPattern.of("https://login.example"),),)))


def _inside(piece: Callable[[int], str]) -> Callable[[int], bytes]:
    """Return what fills an assertion with numbered pieces."""

    def make(size: int) -> bytes:
        count = (size - 200) // len(piece(10_000))
        return f"{_HEAD}>{''.join(map(piece, range(count)))}</saml:Assertion>".encode()

    return make


def _attributes(piece: Callable[[int], str]) -> Callable[[int], bytes]:
    """Return what fills one element with numbered attributes."""

    def make(size: int) -> bytes:
        count = (size - 200) // len(piece(10_000))
        return f"{_HEAD} {' '.join(map(piece, range(count)))}></saml:Assertion>".encode()

    return make


def _members(end: str) -> Callable[[int], bytes]:
    def make(size: int) -> bytes:
        return ("{" + ",".join(f' "n{number}":1' for number in range(size // 11)) + end + "}").encode()

    return make


def _keys(size: int) -> bytes:
    keys = [{"kty": "RSA", "kid": f"k{place}", "n": "A" * (size // 256)} for place in range(256)]
    return json.dumps({"keys": keys}).encode()


def _looked(raw: bytes) -> bool:
    return holds_token(raw.decode())


_THIRTY = " ".join(f'a{place}=""' for place in range(30))


ROWS: tuple[Row, ...] = (
    ("an assertion of attributes", _attributes(lambda n: f'a{n}="{n}"'), assertion_in),
    ("an assertion of namespaces", _attributes(lambda n: f'xmlns:n{n}="u{n}"'), assertion_in),
    ("an assertion of empty elements", _inside(lambda _: "<a/>"), assertion_in),
    ("an assertion of elements with ids", _inside(lambda n: f'<a ID="i{n}"/>'), assertion_in),
    ("an assertion of elements with many attributes each", _inside(lambda _: f"<a {_THIRTY}/>"), assertion_in),
    ("an object of distinct members", _members(""), duplicate_in),
    ("an object whose last member is there twice", _members(',"n0":2'), duplicate_in),
    ("a key set of keys that cannot be used", _keys, lambda raw: from_document(raw, _GRANT, "keys")),
    ("a text of what begins like headers", lambda size: b"ew" * (size // 2) + b".", _looked),
    ("a text of many such runs", lambda size: b"eyIiAAAA." * (size // 9), _looked),
    ("a text of objects that end in a control", lambda size: b"eyIi" * (size // 4) + b"AAAA.", _looked),
)


def seconds(make: Callable[[int], bytes], take: Callable[[bytes], object], size: int) -> float:
    """Return the processor time of taking in one input, the least of three."""
    made, best = make(size), math.inf
    for _ in range(3):
        begun = time.process_time()
        with suppress(CounterfoilError, ValueError):
            take(made)
        best = min(best, time.process_time() - begun)
    return best


def slope(make: Callable[[int], bytes], take: Callable[[bytes], object]) -> tuple[float, float]:
    """Return the slope over the sizes that take any time, and the time of the largest; 0 where none takes any."""
    points = [(math.log(size), told) for size in SIZES if (told := seconds(make, take, size)) >= LEAST_SECONDS]
    last = seconds(make, take, SIZES[-1])
    if len(points) < 2:
        return 0.0, last
    (x0, y0), (x1, y1) = points[0], points[-1]
    return (math.log(y1) - math.log(y0)) / (x1 - x0), last


def main() -> int:
    """Print the table."""
    print("| input | slope | seconds at 256 KiB | linear |")
    print("| --- | ---: | ---: | --- |")
    wrong = 0
    for sentence, make, take in ROWS:
        found, last = slope(make, take)
        wrong += found > MOST_SLOPE
        print(f"| {sentence} | {found:.2f} | {last:.3f} | {'yes' if found <= MOST_SLOPE else 'NO'} |", flush=True)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
