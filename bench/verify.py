"""Time to verify a token with the full policy: counterfoil, joserfc, PyJWT, authlib, and the bare signature as limit.

    python -m bench verify --output bench/results/verify.json

One process, one thread, one token of 12 claims per algorithm. All contestants take turns in short rounds, so that a
slow moment of the machine is everybody's; times are of the processor, not of the clock on the wall. The figure of a
contestant is the median of its rounds, and its ratio is the median of the ratios within rounds. The limit is
`public_key.verify` of `cryptography` alone: no parsing, no claims.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils
from tests.tokens.making import AUDIENCE, ISSUER, LOGIN, TENANT, jwk, key, token, unb64

from bench.results import keep
from counterfoil.tokens.policy import TokenPolicy
from counterfoil.tokens.verifier import Verifier

PACKAGES = ("cryptography", "msgspec", "pyjwt", "joserfc", "authlib")
KEYS = {"RS256": "rsa", "ES256": "ec"}
POLICY = f"""
schema = "counterfoil.token-policy/1"
[[keys]]
file = "keys"
issuers = ["{LOGIN}"]
classes = ["access"]
algorithms = ["RS256", "ES256"]
tenants = ["{TENANT}"]
audiences = ["{AUDIENCE}"]
sign_from = 2020-01-01T00:00:00Z
sign_until = 2040-01-01T00:00:00Z
[[flow]]
name = "mail"
class = "access"
issuers = ["{LOGIN}"]
tenants = ["{TENANT}"]
audiences = ["{AUDIENCE}"]
required = ["sid"]
claims = {{ ver = ["2.0"] }}
"""

Call = Callable[[], Any]


def made(algorithm: str) -> str:
    """Return the token: ten claims of access tokens, and two more."""
    now = int(time.time())
    times = {"iat": now - 60, "nbf": now - 60, "exp": now + 3000}
    return token(KEYS[algorithm], {"alg": algorithm}, ver="2.0", scp="Mail.Read Calendars.Read", **times)


def key_set() -> str:
    """Return the key set of both keys."""
    return json.dumps({"keys": [jwk(name, issuer=LOGIN) for name in KEYS.values()]})


def limit(algorithm: str, given: str) -> Call:
    """Return the bare verification of the signature."""
    signing_input, _, encoded = given.rpartition(".")
    data, signature, public = signing_input.encode(), unb64(encoded), key(KEYS[algorithm]).public_key()
    verify: Any = public.verify  # type: ignore[union-attr]
    if algorithm == "RS256":
        pad, rsa_hash = padding.PKCS1v15(), hashes.SHA256()
        return lambda: verify(signature, data, pad, rsa_hash)
    r, s = (int.from_bytes(signature[start : start + 32], "big") for start in (0, 32))
    der, ec_hash = utils.encode_dss_signature(r, s), ec.ECDSA(hashes.SHA256())
    return lambda: verify(der, data, ec_hash)


def rivals(algorithm: str, given: str) -> dict[str, Call]:
    """Return the calls of those that are installed: signature, issuer, audience, times, required claims."""
    found: dict[str, Call] = {}
    verifier = Verifier(TokenPolicy.from_toml(POLICY, {"keys": key_set().encode()}))
    found["counterfoil"] = lambda: verifier.verify(given, at=time.time())
    names = ("exp", "iat", "sub", "jti", "sid")
    options: dict[str, Any] = {"iss": {"essential": True, "value": ISSUER}}
    options |= {"aud": {"essential": True, "value": AUDIENCE}} | {name: {"essential": True} for name in names}
    with suppress(ImportError):
        found["joserfc"] = _joserfc(algorithm, given, options)
    with suppress(ImportError):
        found["PyJWT"] = _pyjwt(algorithm, given, ["iss", "aud", *names])
    with suppress(ImportError):
        found["authlib"] = _authlib(algorithm, given, options)
    return found


def _joserfc(algorithm: str, given: str, options: dict[str, Any]) -> Call:
    from joserfc import jwt
    from joserfc.jwk import KeySet

    keys, registry = KeySet.import_key_set(json.loads(key_set())), jwt.JWTClaimsRegistry(**options)
    return lambda: registry.validate(jwt.decode(given, keys, algorithms=[algorithm]).claims)


def _pyjwt(algorithm: str, given: str, required: list[str]) -> Call:
    import jwt

    keys = jwt.PyJWKSet.from_json(key_set())
    options = {"require": required, "strict_aud": True}
    return lambda: jwt.decode(
        given, keys[jwt.get_unverified_header(given)["kid"]].key, algorithms=[algorithm], audience=AUDIENCE,
        issuer=ISSUER, options=options,
    )


def _authlib(algorithm: str, given: str, options: dict[str, Any]) -> Call:
    with warnings.catch_warnings(record=True):  # authlib.jose is deprecated in favour of joserfc, and still in wide use
        from authlib.jose import JsonWebKey, JsonWebToken

    keys, decoder = JsonWebKey.import_key_set(json.loads(key_set())), JsonWebToken([algorithm])
    return lambda: decoder.decode(given, keys, claims_options=options).validate()


def seconds(call: Call, calls: int) -> float:
    """Return the time of one call, as the mean of several."""
    begin = time.process_time()
    for _ in range(calls):
        call()
    return (time.process_time() - begin) / calls


def measure(algorithm: str, rounds: int, calls: int) -> list[dict[str, Any]]:
    """Return a row per contestant; all take turns in every round."""
    given = made(algorithm)
    all_calls = {"limit (signature alone)": limit(algorithm, given), **rivals(algorithm, given)}
    taken: dict[str, list[float]] = {name: [] for name in all_calls}
    for call in all_calls.values():
        seconds(call, calls)  # warm up
    for _ in range(rounds):
        for name, call in all_calls.items():
            taken[name].append(seconds(call, calls))
    first, second = list(taken.values())[:2]
    return [
        {
            "algorithm": algorithm,
            "contestant": name,
            "µs": statistics.median(times) * 1e6,
            "of the limit": statistics.median(a / b for a, b in zip(first, times, strict=True)),
            "times counterfoil": statistics.median(a / b for a, b in zip(times, second, strict=True)),
        }
        for name, times in taken.items()
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure both algorithms and show ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--calls", type=int, default=250, help="calls in a round")
    parser.add_argument("--output", type=Path)
    told = parser.parse_args(arguments)
    rows = [row for algorithm in KEYS for row in measure(algorithm, told.rounds, told.calls)]
    settings = {"rounds": told.rounds, "calls": told.calls, "token bytes": len(made("RS256"))}
    keep(told.output, "verify", list(arguments or ()), settings, rows, PACKAGES)


if __name__ == "__main__":
    main()
