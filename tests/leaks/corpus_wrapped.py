"""Forms of the corpus beyond the twenty: as programs, dumps, configuration and tools write keys, and wrap them."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Iterator

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from counterfoil.jose import base64url
from counterfoil.leaks.curves import CURVES

from . import corpus_keys as forms
from .corpus_keys import Keys

Make = Callable[[Keys], bytes]
_LINE = 64


def _joined(keys: Keys) -> bytes:
    lines = (json.dumps(f"{line}\n") for line in forms.pem(keys).decode().splitlines())
    return ("String KEY = " + " +\n        ".join(lines) + ";").encode()


def _secret(keys: Keys) -> bytes:
    """Return a Secret of Kubernetes."""
    return b"apiVersion: v1\nkind: Secret\ndata:\n  tls.key: " + base64.b64encode(forms.pem(keys)) + b"\ntype: Opaque\n"


def _release(keys: Keys) -> bytes:
    """Return a release of Helm, as a Secret holds it."""
    chart = json.dumps({"name": "signer", "manifest": _secret(keys).decode()}).encode()
    return b"data:\n  release: " + base64.b64encode(base64.b64encode(gzip.compress(chart))) + b"\n"


def _wrapped(data: bytes, columns: int = 76) -> bytes:
    text = base64.b64encode(data)
    return b"\r\n".join(text[at : at + columns] for at in range(0, len(text), columns))


def _pkcs1_pem(keys: Keys) -> bytes:
    return forms.written(keys.rsa, Encoding.PEM, PrivateFormat.TraditionalOpenSSL)


def _cut_after_d(keys: Keys) -> bytes:
    """Return the lines of a PEM that hold the modulus and the exponent, and no factor."""
    return b"\n".join(_pkcs1_pem(keys).splitlines()[:13]) + b"\n"


def _urlencoded(keys: Keys) -> bytes:
    from urllib.parse import urlencode

    return urlencode({"client": "a", "key": forms.pem(keys).decode()}).encode()


def der_of_explicit_curve(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return SEC 1 whose curve is written out (RFC 3279, 2.3.5), as OpenSSL's `-param_enc explicit` has it."""
    curve, width = CURVES["secp256r1"], 32
    b = (curve.g[1] ** 2 - curve.g[0] ** 3 + 3 * curve.g[0]) % curve.p
    field = _der(0x30, bytes.fromhex("06072a8648ce3d0101") + _number(curve.p))
    shape = _der(0x30, _der(4, (curve.p - 3).to_bytes(width)) + _der(4, b.to_bytes(width)))
    base = _der(4, b"\4" + curve.g[0].to_bytes(width) + curve.g[1].to_bytes(width))
    domain = _der(0x30, b"\2\1\1" + field + shape + base + _number(curve.order) + b"\2\1\1")
    scalar = key.private_numbers().private_value.to_bytes(width)
    public = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    parts = b"\2\1\1" + _der(4, scalar) + _der(0xA0, domain) + _der(0xA1, _der(3, b"\0" + public))
    return _der(0x30, parts)


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    head = bytes([size]) if size < 128 else b"\x81" + bytes([size]) if size < 256 else b"\x82" + size.to_bytes(2)
    return bytes([tag]) + head + content


def _number(value: int) -> bytes:
    return _der(2, value.to_bytes(value.bit_length() // 8 + 1))


def pem_of_der(label: str, der: bytes) -> bytes:
    """Return DER in PEM."""
    text = base64.b64encode(der).decode()
    lines = [text[at : at + _LINE] for at in range(0, len(text), _LINE)]
    return "\n".join((f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", "")).encode()


def _tempkey(keys: Keys) -> bytes:
    """Return the file in which IdentityServer keeps a developer's key."""
    held = forms.numbers(keys)
    parts = {"D": held.d, "DP": held.dmp1, "DQ": held.dmq1, "Exponent": held.public_numbers.e, "InverseQ": held.iqmp}
    parts |= {"Modulus": held.public_numbers.n, "P": held.p, "Q": held.q}
    return json.dumps({"KeyId": "x", "Parameters": {name: _base64(value) for name, value in parts.items()}}).encode()


def _base64(value: int) -> str:
    return base64.b64encode(value.to_bytes((value.bit_length() + 7) // 8)).decode()


def _nested_jwk(keys: Keys) -> bytes:
    whole = forms.rsa_jwk(keys)
    d = whole.pop("d")
    return json.dumps({**whole, "ext": {"made": {"by": "us", "d": "AQAB"}}, "d": d}).encode()


def _colons(data: bytes) -> str:
    """Return bytes as OpenSSL prints them."""
    rows = [data[at : at + 15].hex(":") for at in range(0, len(data), 15)]
    return ":\n".join("    " + row for row in rows) + "\n"


def _signed(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1)


def _text_of_rsa(keys: Keys) -> bytes:
    held = forms.numbers(keys)
    text = "Private-Key: (2048 bit, 2 primes)\nmodulus:\n" + _colons(_signed(held.public_numbers.n))
    text += f"publicExponent: {held.public_numbers.e} (0x10001)\nprivateExponent:\n" + _colons(_signed(held.d))
    return (text + "prime1:\n" + _colons(_signed(held.p)) + "prime2:\n" + _colons(_signed(held.q))).encode()


def _text_of_curve(keys: Keys) -> bytes:
    public = keys.ec.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return f"Private-Key: (256 bit)\npriv:\n{_colons(_scalar(keys))}pub:\n{_colons(public)}ASN1 OID: P".encode()


def _text_of_seed(keys: Keys) -> bytes:
    public = keys.ed25519.public_key().public_bytes_raw()
    return f"ED25519 Private-Key:\npriv:\n{_colons(_seed(keys))}pub:\n{_colons(public)}".encode()


def _scalar(keys: Keys) -> bytes:
    return forms.scalar(keys, "big")


def _seed(keys: Keys) -> bytes:
    return keys.ed25519.private_bytes_raw()


def _lines(data: bytes, size: int = 16) -> Iterator[tuple[int, bytes, str]]:
    for at in range(0, len(data), size):
        row = data[at : at + size]
        yield at, row, "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)


def _xxd(data: bytes) -> bytes:
    rows = (f"{at:08x}: {row.hex(' ', -2):<39}  {text}\n" for at, row, text in _lines(data))
    return "".join(rows).encode()


def _hexdump(data: bytes) -> bytes:
    rows = (f"{at:08x}  {row[:8].hex(' '):<23}  {row[8:].hex(' '):<23}  |{text}|\n" for at, row, text in _lines(data))
    return "".join(rows).encode()


def _od(data: bytes) -> bytes:
    return "".join(f"{at:07o} {row.hex(' ')}\n" for at, row, _ in _lines(data)).encode()


def _words(data: bytes) -> bytes:
    """Return a dump of hexdump without options, on a little-endian machine."""
    swapped = ((at, b"".join(row[k : k + 2][::-1] for k in range(0, len(row), 2))) for at, row, _ in _lines(data))
    return "".join(f"{at:07x} {row.hex(' ', -2)}\n" for at, row in swapped).encode()


def _tcpdump(data: bytes) -> bytes:
    rows = (f"\t0x{at:04x}:  {row.hex(' ', -2):<39}  {text}\n" for at, row, text in _lines(data))
    return "".join(rows).encode()


def _windbg(data: bytes) -> bytes:
    """Return what `db` of WinDbg shows."""
    rows = (f"00007ffe`{at:08x}  {row[:8].hex(' ')}-{row[8:].hex(' ')}  {text}\n" for at, row, text in _lines(data))
    return "".join(rows).encode()


def _logged(keys: Keys) -> bytes:
    return b"".join(b"Nov 29 12:00:01 host app[123]: " + line + b"\n" for line in forms.pem(keys).splitlines())


def _logged_as_json(keys: Keys) -> bytes:
    """Return a key as a container that prints it leaves it in its log."""
    lines = forms.pem(keys).decode().splitlines(keepends=True)
    return "\n".join(json.dumps({"log": line, "stream": "stdout", "time": "2026-11-29"}) for line in lines).encode()


def _joined_in_basic(keys: Keys) -> bytes:
    return b'k = "' + forms.pem(keys).replace(b"\n", b'" & vbCrLf & _\n  "') + b'"'


def _array(data: bytes, head: str, written: Callable[[int], str], between: str = ", ", tail: str = "}") -> bytes:
    rows = (between.join(written(byte) for byte in data[at : at + 12]) for at in range(0, len(data), 12))
    return (head + f"{between.rstrip()}\n    ".join(rows) + tail).encode()


def _strings(data: bytes) -> bytes:
    rows = ("".join(f"\\x{byte:02x}" for byte in data[at : at + 16]) for at in range(0, len(data), 16))
    return ("char key[] =\n" + "\n".join(f'    "{row}"' for row in rows) + ";").encode()


def _ssh(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4) + part for part in parts)


def _putty(kind: str, public: bytes, private: bytes) -> bytes:
    text = f"PuTTY-User-Key-File-3: {kind}\r\nEncryption: none\r\nComment: a key\r\n"
    for name, data in (("Public", public), ("Private", private)):
        body = _wrapped(data, _LINE)
        text += f"{name}-Lines: {len(body.split())}\r\n{body.decode()}\r\n"
    return (text + "Private-MAC: " + "0" * 64 + "\r\n").encode()


def _putty_rsa(keys: Keys) -> bytes:
    held = forms.numbers(keys)
    e, n = _signed(held.public_numbers.e), _signed(held.public_numbers.n)
    private = _ssh(_signed(held.d), _signed(held.p), _signed(held.q), _signed(held.iqmp))
    return _putty("ssh-rsa", _ssh(b"ssh-rsa", e, n), private)


def _putty_curve(keys: Keys) -> bytes:
    point = keys.ec.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    kind = b"ecdsa-sha2-nistp256"
    scalar = _signed(keys.ec.private_numbers().private_value)
    return _putty(kind.decode(), _ssh(kind, b"nistp256", point), _ssh(scalar))


def _putty_seed(keys: Keys) -> bytes:
    public = keys.ed25519.public_key().public_bytes_raw()
    return _putty("ssh-ed25519", _ssh(b"ssh-ed25519", public), _ssh(_seed(keys)))


def _dnssec_rsa(keys: Keys) -> bytes:
    held = forms.numbers(keys)
    parts = {"Modulus": held.public_numbers.n, "PublicExponent": held.public_numbers.e, "PrivateExponent": held.d}
    parts |= {"Prime1": held.p, "Prime2": held.q, "Exponent1": held.dmp1, "Exponent2": held.dmq1}
    rows = "".join(f"{name}: {_base64(value)}\n" for name, value in parts.items())
    return f"Private-key-format: v1.3\nAlgorithm: 8 (RSASHA256)\n{rows}Created: 20260101000000\n".encode()


def _dnssec(number: str, data: bytes) -> bytes:
    return f"Private-key-format: v1.3\nAlgorithm: {number}\nPrivateKey: ".encode() + base64.b64encode(data) + b"\n"


def _xml(keys: Keys, root: str, prefix: str = "") -> bytes:
    text = forms.xml(keys).decode().replace("RSAKeyValue", root)
    return text.replace("</", "</\0").replace("<", f"<{prefix}").replace(f"<{prefix}/\0", f"</{prefix}").encode()


def _yaml(jwk: dict[str, str]) -> bytes:
    return b"keys:\n- use: sig\n" + "".join(f"  {name}: {value}\n" for name, value in jwk.items()).encode()


def _encrypted(keys: Keys) -> bytes:
    return keys.rsa.private_bytes(Encoding.DER, PrivateFormat.PKCS8, BestAvailableEncryption(b"changeit"))


WRAPPED: dict[str, Make] = {
    "pem-in-joined-strings": _joined,
    "pem-in-a-kubernetes-secret": _secret,
    "pem-in-a-helm-release": _release,
    "pem-in-xml": lambda keys: b'<key v="' + forms.pem(keys).replace(b"\n", b"&#xA;") + b'"/>',
    "pem-in-html": lambda keys: forms.pem(keys).replace(b"\n", b"<br/>"),
    "pem-in-a-form": _urlencoded,
    "pem-in-an-address": lambda keys: _urlencoded(keys).replace(b"+", b"%20"),
    "pem-escaped-twice": lambda keys: json.dumps(json.dumps(forms.pem(keys).decode())).encode(),
    "pem-with-escaped-dashes": lambda keys: forms.pem(keys).replace(b"-", b"\\u002d").replace(b"\n", b"\\n"),
    "pem-quoted-in-mail": lambda keys: b"> " + forms.pem(keys).replace(b"\n", b"\n> "),
    "pem-in-a-log": _logged,
    "pem-in-a-log-of-json": _logged_as_json,
    "pem-in-a-difference": lambda keys: b"+" + forms.pem(keys).replace(b"\n", b"\n+"),
    "pem-in-an-address-twice": lambda keys: _urlencoded(keys).replace(b"%", b"%25"),
    "pem-in-joined-strings-of-basic": _joined_in_basic,
    "base64-der-behind-a-path": lambda keys: b"/v1/keys/" + base64.b64encode(forms.der(keys)),
    "pem-utf16-big-endian": lambda keys: forms.pem(keys).decode().encode("utf-16-be"),
    "pem-without-its-last-lines": lambda keys: b"\n".join(forms.pem(keys).splitlines()[:-3]) + b"\n",
    "pem-cut-after-the-exponent": _cut_after_d,
    "pem-of-an-explicit-curve-ec": lambda keys: pem_of_der("EC PRIVATE KEY", der_of_explicit_curve(keys.ec)),
    "base64-pem-wrapped": lambda keys: _wrapped(forms.pem(keys)),
    "base64-pfx": lambda keys: base64.b64encode(forms.store(keys, b"changeit")),
    "base64-pfx-wrapped": lambda keys: _wrapped(forms.store(keys, b"changeit"), 79),
    "base64-capi": lambda keys: base64.b64encode(forms.capi(keys)),
    "base64-cng": lambda keys: base64.b64encode(forms.cng(keys, b"RSA3")),
    "base64-cng-ec": lambda keys: base64.b64encode(forms.cng_curve(keys)),
    "hex-pem": lambda keys: forms.pem(keys).hex().encode(),
    "pkcs8-encrypted-weak": _encrypted,
    "rsaparameters": lambda keys: _xml(keys, "RSAParameters"),
    "rsakeyvalue-with-a-prefix": lambda keys: _xml(keys, "RSAKeyValue", "ds:"),
    "rsakeyvalue-escaped": lambda keys: forms.xml(keys).replace(b"<", b"&lt;").replace(b">", b"&gt;"),
    "identityserver-tempkey": _tempkey,
    "jwk-rsa-with-an-object": _nested_jwk,
    "jwk-rsa-escaped-twice": lambda keys: json.dumps(json.dumps(json.dumps(forms.rsa_jwk(keys)))).encode(),
    "jwk-rsa-yaml": lambda keys: _yaml(forms.rsa_jwk(keys)),
    "jwk-yaml-ec": lambda keys: _yaml(forms.ec_jwk(keys)),
    "openssl-text-rsa": _text_of_rsa,
    "openssl-text-ec": _text_of_curve,
    "openssl-text-ed25519": _text_of_seed,
    "xxd": lambda keys: _xxd(forms.der(keys)),
    "hexdump": lambda keys: _hexdump(forms.pem(keys)),
    "hexdump-words": lambda keys: _words(forms.der(keys)),
    "tcpdump": lambda keys: _tcpdump(forms.der(keys)),
    "windbg": lambda keys: _windbg(forms.der(keys)),
    "od": lambda keys: _od(forms.der(keys)),
    "c-string": lambda keys: _strings(forms.der(keys)),
    "c-array": lambda keys: _array(forms.der(keys), "unsigned char key[] = {\n    ", "0x{:02x}".format),
    "go-array": lambda keys: _array(forms.der(keys), "[]byte{", "0x{:x}".format),
    "go-printed": lambda keys: _array(forms.der(keys), "[", str, " ", "]"),
    "powershell-array": lambda keys: _array(forms.der(keys), "[Byte[]] $key = ", "0x{:02X}".format, ",", ""),
    "java-array-ec": lambda keys: _array(
        forms.written(keys.ec, Encoding.DER, PrivateFormat.PKCS8), "{", lambda byte: str((byte ^ 128) - 128)
    ),
    "decimal-numbers": lambda keys: f"RSAPrivateKey({forms.numbers(keys).d}, {forms.numbers(keys).p})".encode(),
    "base64-scalar-ec": lambda keys: base64.b64encode(_scalar(keys)),
    "base64url-scalar-ec": lambda keys: base64url.encode(_scalar(keys)).encode(),
    "hex-scalar-ec": lambda keys: _scalar(keys).hex().encode(),
    "base64-seed-ed25519": lambda keys: base64.b64encode(_seed(keys)),
    "hex-seed-ed25519": lambda keys: _seed(keys).hex().upper().encode(),
    "putty-rsa": _putty_rsa,
    "putty-ec": _putty_curve,
    "putty-ed25519": _putty_seed,
    "dnssec-rsa": _dnssec_rsa,
    "dnssec-ec": lambda keys: _dnssec("13 (ECDSAP256SHA256)", _scalar(keys)),
    "dnssec-ed25519": lambda keys: _dnssec("15 (ED25519)", _seed(keys)),
    "pkcs8-ed25519-pem": lambda keys: keys.ed25519.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
}
# Those without a structure to be known by: a public key alone tells what they are.
BARE = frozenset((
    "seed-ed25519", "openssl-text-rsa", "openssl-text-ec", "openssl-text-ed25519", "decimal-numbers",
    "base64-scalar-ec", "base64url-scalar-ec", "hex-scalar-ec", "base64-seed-ed25519", "hex-seed-ed25519",
    "dnssec-ec", "dnssec-ed25519",
))
