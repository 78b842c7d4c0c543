"""Stores of keys: AD FS under its DKM key, Java keystores, encrypted PEM."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.errors import InputError
from counterfoil.leaks.engine import Engine
from counterfoil.leaks.finding import Leak
from counterfoil.leaks.kernel import best
from counterfoil.leaks.known import KnownKeys, dkm_keys

from .planting import known_of, rsa_keys, whole

DKM_KEY = bytes(range(7, 39))
# The head of a sealed key that was published with its DKM key in write-ups of a training machine, and that key.
PUBLISHED_HEAD = bytes.fromhex(
    "0000000100000000041001721e5357876543b246bc28c4f15dba06096086480165030402010609608648016503040201"
    "06096086480165030401020420ddfc2e98854e960ba31d95dd22f7927641835eaeb5b7aaab021eb2d6de506e1e"
    "041049bc7dd5ce3fd296f7b6328e009a3cad208210a0"
)


def _found(data: bytes, known: KnownKeys | None = None) -> list[Leak]:
    return Engine(best(), known or KnownKeys()).scan(whole(data), "data")


def sealed(store: bytes, key: bytes) -> bytes:
    """Return a store as AD FS seals it, under the published head; the reverse of the documented way to open it."""
    cipher, mac = PUBLISHED_HEAD[48:59], PUBLISHED_HEAD[37:48]
    fixed = cipher + mac + b"\0" + PUBLISHED_HEAD[61:93] + b"\0\0\0\x30"
    stream = hmac.digest(key, b"\0\0\0\1" + fixed, "sha256") + hmac.digest(key, b"\0\0\0\2" + fixed, "sha256")
    pad = 16 - len(store) % 16
    iv = PUBLISHED_HEAD[95:111]
    encryptor = Cipher(algorithms.AES(stream[:16]), modes.CBC(iv)).encryptor()
    body = encryptor.update(store + bytes([pad]) * pad) + encryptor.finalize()
    check = hmac.digest(stream[16:48], iv + body, "sha256")
    return PUBLISHED_HEAD[:-2] + len(body).to_bytes(2) + body + check


@pytest.fixture(scope="module")
def blob() -> bytes:
    """Return a sealed key of AD FS."""
    store = pkcs12.serialize_key_and_certificates(None, rsa_keys()[0], None, None, NoEncryption())
    return sealed(store, DKM_KEY)


WRITTEN: dict[str, Callable[[bytes], bytes]] = {
    "bytes": lambda blob: blob,
    "base64 in XML": lambda blob: b"<EncryptedPfx>" + base64.b64encode(blob) + b"</EncryptedPfx>",
    "base64 in UTF-16": lambda blob: base64.b64encode(blob).decode().encode("utf-16-le"),
    "base64 in lines": lambda blob: base64.encodebytes(blob),
    "hex": lambda blob: blob.hex().upper().encode(),
    "hex in lines": lambda blob: b"\n".join(re.findall(rb".{1,64}", blob.hex().encode())),
}


@pytest.mark.parametrize("written", WRITTEN)
def test_a_sealed_key_of_ad_fs_is_opened_with_the_dkm_key(blob: bytes, written: str) -> None:
    """In the forms in which databases and XML hold it: proven with the key, called sealed with another or none."""
    data = os.urandom(500) + b"\n" + WRITTEN[written](blob) + b"\n" + os.urandom(500)
    known = known_of(rsa_keys()[0])
    (opened,) = _found(data, KnownKeys(known.keys, dkm=(os.urandom(32), DKM_KEY)))
    assert "adfs-dkm" in opened.form
    assert (opened.kid, opened.proven) == ("k0", True)
    assert opened.how.endswith("opened with the DKM key")
    for dkm in ((), (os.urandom(32),)):
        (closed,) = _found(data, KnownKeys(known.keys, dkm=dkm))
        assert (closed.kid, closed.proven) == ("", False)
        assert "sealed under the DKM key" in closed.how
        assert closed.offset == opened.offset == 501 + (14 if "XML" in written else 0)


def test_the_published_head_is_known_by_its_identifiers() -> None:
    """A head as AD FS wrote it is recognised without the rest; with another identifier it is none."""
    assert [leak.form for leak in _found(PUBLISHED_HEAD)] == ["adfs-dkm"]
    assert not _found(PUBLISHED_HEAD.replace(bytes.fromhex("0609608648016503040102"), bytes(11)))


@pytest.mark.parametrize("cut", [115, 200, -1])
def test_a_sealed_key_that_is_cut_off_is_told_and_stays_closed(blob: bytes, cut: int) -> None:
    """As far as it is there it is recognised; only the whole ciphertext is opened."""
    (leak,) = _found(blob[:cut], KnownKeys(dkm=(DKM_KEY,)))
    assert leak.form == "adfs-dkm"
    assert (leak.thumbprint != "") == (cut == -1)  # only the last byte of the MAC is missing


def test_a_dkm_key_is_read_as_tools_write_it(tmp_path: Path) -> None:
    """Bytes, hex, hex with dashes (BitConverter), base64 and lists of bytes are one key; anything else is refused."""
    path = tmp_path / "dkm"
    dashed = "-".join(f"{byte:02X}" for byte in DKM_KEY).encode()
    listed = ", ".join(map(str, DKM_KEY)).encode()
    array = b"{" + b", ".join(b"0x%02x" % byte for byte in DKM_KEY) + b"}"
    lines = b"\r\n".join(b"%d" % byte for byte in DKM_KEY)  # as PowerShell prints bytes
    texts = (dashed + b"\r\n", base64.b64encode(DKM_KEY), listed, array, lines)
    for data in (DKM_KEY, DKM_KEY.hex().encode() + b"\n", *texts):
        path.write_bytes(data)
        assert dkm_keys([path]) == (DKM_KEY,)
    assert DKM_KEY.hex() not in repr(KnownKeys(dkm=(DKM_KEY,)))
    path.write_bytes(b"not a key")
    with pytest.raises(InputError, match="no DKM key"):
        dkm_keys([path])


def _jks(password: str) -> bytes:
    """Return a Java keystore with one key, as sun.security.provider.JavaKeyStore and KeyProtector write it."""
    key = rsa_keys()[0].private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    secret, salt, stream = password.encode("utf-16-be"), os.urandom(20), b""
    block = salt
    while len(stream) < len(key):
        block = hashlib.sha1(secret + block, usedforsecurity=False).digest()
        stream += block
    body = salt + bytes(a ^ b for a, b in zip(key, stream, strict=False))
    body += hashlib.sha1(secret + key, usedforsecurity=False).digest()
    name = bytes.fromhex("300e060a2b060104012a0211010105 00".replace(" ", ""))
    octets = b"\x04\x82" + len(body).to_bytes(2) + body
    inner = name + octets
    blob = b"\x30\x82" + len(inner).to_bytes(2) + inner
    entry = struct.pack(">I", 1) + b"\0\5mykey" + bytes(8) + struct.pack(">I", len(blob)) + blob
    entry += struct.pack(">I", 1) + b"\0\5X.509" + struct.pack(">I", 100) + bytes(100)
    store = b"\xfe\xed\xfe\xed" + struct.pack(">2I", 2, 1) + entry
    return store + hashlib.sha1(secret + b"Mighty Aphrodite" + store, usedforsecurity=False).digest()


def test_a_java_keystore_opens_with_a_weak_password_only() -> None:
    """`changeit`: the key, proven. A strong one: the store is told as closed."""
    known = known_of(rsa_keys()[0])
    (opened,) = _found(bytes(100) + _jks("changeit"), known)
    assert (opened.form, opened.kid, opened.proven, opened.offset) == ("java-keystore", "k0", True, 100)
    assert opened.how.endswith("opened with a weak password")
    (closed,) = _found(bytes(100) + _jks("uQ3!rv98zz.Lq"), known)
    assert (closed.form, closed.kid, closed.proven) == ("java-keystore", "", False)
    assert "changeit" not in opened.how


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_damaged_stores_give_findings_or_nothing_and_no_error(blob: bytes, data: st.DataObject) -> None:
    """A sealed key, also in base64, and a Java keystore, with bytes changed or cut: no exception, no false key."""
    text = bytearray(data.draw(st.sampled_from((blob, base64.b64encode(blob), _JKS))))
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, 1 << 12) | st.integers(0, 130)) % len(text)
        if data.draw(st.booleans()):
            text[at] = data.draw(st.integers(0, 255))
        elif at > 4:
            del text[at:]
    known = known_of(rsa_keys()[0])
    for leak in _found(bytes(text), KnownKeys(known.keys, dkm=(DKM_KEY,))):
        assert leak.kid in ("", "k0")


_JKS = _jks("changeit")
ENCRYPTED = {
    "PKCS#8": (PrivateFormat.PKCS8, "no weak password opens it"),
    "traditional": (PrivateFormat.TraditionalOpenSSL, "encrypted with a password"),
}


@pytest.mark.parametrize("form", ENCRYPTED)
def test_encrypted_pem_is_told_and_not_called_a_key(form: str) -> None:
    """A PEM under a password: its form, no key, and why its content was not seen."""
    written, why = ENCRYPTED[form]
    pem = rsa_keys()[0].private_bytes(Encoding.PEM, written, BestAvailableEncryption(b"a strong one, this"))
    (leak,) = _found(b"x" * 99 + pem, known_of(rsa_keys()[0]))
    assert (leak.form, leak.proven, leak.kid, leak.offset) == ("pem-encrypted", False, "", 99)
    assert why in leak.how


def test_an_encrypted_openssh_key_is_told_and_not_called_a_key() -> None:
    """OpenSSH's format with a cipher (PROTOCOL.key): told as encrypted."""

    def string(data: bytes) -> bytes:
        return len(data).to_bytes(4) + data

    head = b"openssh-key-v1\0" + string(b"aes256-ctr") + string(b"bcrypt")
    options = string(string(os.urandom(16)) + (16).to_bytes(4))
    body = head + options + (1).to_bytes(4) + string(b"\0\0\0\7ssh-rsa" + os.urandom(99)) + string(os.urandom(512))
    pem = b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + base64.encodebytes(body) + b"-----END OPENSSH PRIVATE KEY-----\n"
    (leak,) = _found(b"x" * 99 + pem)
    assert (leak.form, leak.proven, leak.offset) == ("openssh-encrypted", False, 99)
