"""Inputs made to slow the scanner for keys down: each mark, each code and each pattern, over and over."""

from __future__ import annotations

import base64
import gzip
import random
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache

from counterfoil.leaks import tokens
from counterfoil.leaks.chunks import Chunk
from counterfoil.leaks.effort import Effort
from counterfoil.leaks.engine import CUT_OFF, Engine
from counterfoil.leaks.forms import registry
from counterfoil.leaks.kernel import best
from counterfoil.leaks.known import KnownKeys
from leaks import corpus_keys
from leaks.corpus import FORMS

from .slopes import Slope

_ENGINE = Engine(best(), KnownKeys())
_READER = tokens.TokenReader(KnownKeys(), datetime(2026, 1, 1, tzinfo=UTC))
_SAML = b'<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">'


def scanned(data: bytes) -> str:
    """Scan one chunk for keys and tokens; return why it was not read to its end, but for streams that have none."""
    effort = Effort()
    chunk = Chunk(data, 0, 0, len(data))
    _ENGINE.scan(chunk, "x", effort)
    _ENGINE.tokens(chunk, "x", _READER, effort)
    return "; ".join(unread.reason for unread in effort.told() if unread.reason != CUT_OFF)


def _again(text: bytes) -> Callable[[int], bytes]:
    return lambda size: text * (size // len(text))


def _filled(head: bytes, fill: bytes) -> Callable[[int], bytes]:
    return lambda size: head + fill * ((size - len(head)) // len(fill))


def _noise(size: int) -> bytes:
    return random.Random(14).randbytes(size)  # noqa: S311  # noise to scan


@cache
def _forms() -> bytes:
    keys = corpus_keys.made()
    return b"\n".join(make(keys) for make in FORMS.values())


def _keys(size: int) -> bytes:
    whole = _forms()
    return whole * (size // len(whole))


_MADE: dict[str, Callable[[int], bytes]] = {
    "RSAKeyValue with a prime of blanks": _filled(b"<RSAKeyValue><Modulus>AQAB</Modulus><P>", b" "),
    "primes of blanks, again and again": _again(b"<RSAKeyValue><P>" + b" " * 500),
    "a modulus in tags that do not close": _again(b"<Modulus>AQAB<P>"),
    "an assertion with an issuer of blanks": _filled(_SAML + b"<Issuer>", b" "),
    "assertions with issuers of blanks": _again(_SAML + b"<Issuer>" + b" " * 300),
    "an assertion that is opened again and again": _again(b"<saml:Assertion "),
    "an assertion and namespaces without an end": _filled(b"<saml:Assertion a", b" xmlns:xmlns"),
    "heads of PEM": _again(b"-----BEGIN RSA PRIVATE KEY-----"),
    "heads of PEM in lines": _again(b"-----BEGIN RSA PRIVATE KEY-----\n"),
    "a head of PEM and blanks": _filled(b"-----BEGIN RSA PRIVATE KEY-----", b" "),
    "heads of PEM, each with a line": _again(b"-----BEGIN PRIVATE KEY-----\n" + b"MIIE" * 16 + b"\n"),
    "a head of PEM and quotes": _filled(b"-----BEGIN PRIVATE KEY-----", b'"'),
    "a head of PEM and escapes": _filled(b"-----BEGIN PRIVATE KEY-----", b"\\\\\\n"),
    "a head of PEM and names of headers": _filled(b"-----BEGIN PRIVATE KEY-----\n", b"Aa: b\n"),
    "the beginning of a head of PEM": _again(b"-----BEGIN "),
    "a name of JWK and no object": _again(b'"kty"'),
    "a name of JWK in open objects": _again(b'{"kty":'),
    "a name of JWK behind open objects": _filled(b'{"kty":"RSA"', b"{"),
    "JWKs with members that do not end": _again(b'{"kty":"RSA","n":"AQAB'),
    "moduli by name": _again(b"Modulus: AQAB\n"),
    "heads of PuTTY": _again(b"PuTTY-User-Key-File-2: ssh-rsa\nPublic-Lines: 9\nAAAA\n"),
    "heads of PKCS#1 in Base64": _again(b"MIIEpAIBAAKCAQEA"),
    "heads of PKCS#8 in Base64": _again(b"MIIEvQIBADANBgkqhkiG9w0BAQEF"),
    "heads of PKCS#1 in hex": _again(b"308204a40201000282"),
    "one letter of Base64": _again(b"A"),
    "Base64 in short lines": _again(b"MIIEpAIBAAKCAQEAMIIEpAIBAAKCAQEA\n\n"),
    "Base64 behind something else": _again(b"\x01MIIEpAIBAAKCAQEAMIIEpAIBAAKCAQEA"),
    "Base64 in lines of no whole groups": _again(b"MIIEpAIBAAKCAQEAMIIEpAIBAAKCAQEAM\n"),
    "Base64 with gaps": _again(b"MIIEpAIBAAKCAQEAMIIEpAIBAAKCAQEA" + b" " * 158),
    "Base64 of Base64": lambda size: base64.b64encode(base64.b64encode(base64.b64encode(_noise(size * 27 // 64)))),
    "percent signs and letters": _again(b"%2BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA%2B"),
    "escaped plus signs": _again(b"\\u002b"),
    "ampersands": _again(b"&#x2B;&"),
    "gzip in Base64, again and again": lambda size: base64.b64encode(gzip.compress(b"x")) * (size // 32),
    "heads of gzip in Base64": lambda size: base64.b64encode(b"\x1f\x8b\x08\0\0\0\0\0\0\3" * (size * 3 // 40)),
    "named heads of gzip in Base64": lambda size: base64.b64encode(b"\x1f\x8b\x08\x08" * (size * 3 // 16)),
    "digits": _again(b"1"),
    "decimal bytes": _again(b"45, "),
    "decimal bytes and other numbers": _again(b"45, " * 22 + b"1234, "),
    "hex with colons": _again(b"30:82:"),
    "hex in tokens of odd length": _again(b"308 " * 9 + b"30820 "),
    "backslashes and x": _again(b"\\x30"),
    "0x and nothing": _again(b"0x"),
    "lines of hex dumps": _again(b"00000000: 3082 04a4 0201 0002 8201 0100 3082 04a4  0000\n"),
    "blanks": _again(b" "),
    "newlines": _again(b"\n"),
    "quotes": _again(b'"'),
    "UTF-16 of one letter": _again(b"A\0"),
    "UTF-16 of Base64": lambda size: (b"MIIE" * (size // 8)).decode().encode("utf-16-le"),
    "heads of JWT": _again(b"eyJh"),
    "heads of JWT with blanks": _again(b" eyJhbGciOiJub25lIn0."),
    "a JWT without an end": _filled(b" eyJhbGciOiJub25lIn0.", b"A"),
    "names of cookies": _again(b"FedAuth="),
    "names of cookies with a value": _again(b"FedAuth=" + b"A" * 60),
    "DER of PKCS#1 in itself": _again(bytes.fromhex("308204a402010002820101")),
    "DER of small integers": _again(bytes.fromhex("30820fff0201000282000702010002820007")),
    "DER of SEC 1": _again(bytes.fromhex("30770201010420") + bytes(range(1, 115))),
    "Java keystores of one entry": _again(bytes.fromhex("feedfeed0000000200000001000000010000") + bytes(9)),
    "stores of PKCS#12 without content": _again(bytes.fromhex("308209820201033082097c06092a864886f70d010701a082")),
    "blobs of CNG": _again(b"RSA2\x00\x08\0\0\3\0\0\0\0\1\0\0\x80\0\0\0\x80\0\0\0"),
    "heads of AD FS": _again(bytes.fromhex("0000000100000000041001721e53")),
    "heads of OpenSSH": _again(b"openssh-key-v1\0\0\0\0\4none"),
    "noise": _noise,
    "keys of every form": _keys,
    "all marks of keys": _again(b"".join(registry.literals())),
    "all marks of keys in lines": _again(b"\n".join(registry.literals())),
    "all marks of tokens": _again(b" ".join(tokens.literals())),
}
SLOPES = tuple(Slope(f"leaks: {sentence}", make, scanned) for sentence, make in _MADE.items())
