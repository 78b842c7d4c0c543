"""What a file may cost: links, devices, rounds of a password, seconds; what is not read is said, and fails the gate."""

from __future__ import annotations

import base64
import gzip
import io
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import NoEncryption, pkcs12

from counterfoil.leaks.engine import Engine
from counterfoil.leaks.finding import LeaksReport
from counterfoil.leaks.forms import passwords, stores
from counterfoil.leaks.kernel import best
from counterfoil.leaks.known import KnownKeys
from counterfoil.leaks.scan import ScanSettings, scan

from . import corpus_keys
from .corpus_wrapped import WRAPPED
from .planting import known_of, pem_of, rsa_keys, whole
from .silent import SILENT

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _scan(path: Path, known: KnownKeys | None = None, *, follow: bool = False, seconds: float = 60) -> LeaksReport:
    settings = ScanSettings(NOW, follow_links=follow, file_seconds=seconds)
    return scan([str(path)], known or KnownKeys(), settings, SILENT)


def _pem() -> bytes:
    return pem_of(rsa_keys()[0])


def test_links_are_followed_only_if_asked(tmp_path: Path) -> None:
    """Links to a file, a folder, a device and in a circle: counted; followed with `follow_links`, devices never."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "key.pem").write_bytes(_pem())
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "file").symlink_to(tmp_path / "out" / "key.pem")
    (tree / "folder").symlink_to(tmp_path / "out")
    (tree / "circle").symlink_to(tree)
    (tree / "zero").symlink_to("/dev/zero")
    (tree / "none").symlink_to(tmp_path / "none")
    plain = _scan(tree)
    assert (plain.files, plain.findings, plain.unread) == (0, (), ())
    assert any("5 links were not followed" in note for note in plain.notes)
    followed = _scan(tree, follow=True)
    assert [leak.form for leak in followed.findings] == ["pem-pkcs8-rsa"]
    assert not followed.unread
    assert _scan(tree / "file").findings, "what is named is read"


@pytest.mark.parametrize("kind", ["tar.gz", "zip"])
def test_an_archive_whose_only_oddity_is_a_link_passes_the_gate(tmp_path: Path, kind: str) -> None:
    """The link is counted and nothing is unread; members whose names begin with a dot are scanned like others."""
    path = tmp_path / f"a.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(".env", b"nothing")
            link = zipfile.ZipInfo("link")
            link.external_attr = 0o120777 << 16
            archive.writestr(link, "/etc/passwd")
    else:
        with tarfile.open(path, "w:gz") as archive:
            for name, data in (("./.env", b"nothing"), ("./.ssh/notes", b"nothing")):
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
            member = tarfile.TarInfo("link")
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(member)
    report = _scan(path)
    assert report.unread == ()
    assert any("1 link was not followed" in note for note in report.notes)
    assert report.files == (1 if kind == "zip" else 2)
    done = _program(str(path), "--gate")
    assert done.returncode == 0
    assert b"bare numbers of a key were not looked for" in done.stderr
    assert b"not bare numbers" in done.stdout


def _program(*words: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "counterfoil.cli.main", "leaks", *words]
    return subprocess.run(command, capture_output=True, check=False)  # noqa: S603  # our own


def test_a_key_in_a_hidden_member_is_found(tmp_path: Path) -> None:
    """A key in `.ssh/id` of an archive, which readers of logs pass over, is found."""
    with zipfile.ZipFile(tmp_path / "home.zip", "w") as archive:
        archive.writestr(".ssh/id", _pem())
    assert [leak.form for leak in _scan(tmp_path).findings] == ["pem-pkcs8-rsa"]


def _zip(*, comment: bytes = b"", name: str = "a", data: bytes = b"x") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
        archive.comment = comment
    return out.getvalue()


def _tar(**headers: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT, pax_headers=headers) as archive:
        archive.addfile(tarfile.TarInfo("a"))
    return out.getvalue()


BETWEEN: dict[str, Callable[[], bytes]] = {
    "behind a zip": lambda: _zip() + _pem(),
    "in the comment of a zip": lambda: _zip(comment=_pem()),
    "as the name of a member": lambda: _zip(name=base64.b64encode(_pem()).decode()),
    "in a zip behind a program": lambda: b"#!/bin/sh\nexit\n" + _zip(data=_pem()),
    "behind the end of a tar": lambda: _tar() + _pem(),
    "in a header of a tar": lambda: _tar(key=_pem().decode()),
    "in a header of a tar.gz": lambda: gzip.compress(_tar(key=_pem().decode())),
    "in an archive in an archive": lambda: _zip(data=_zip(comment=_pem())),
}


@pytest.mark.parametrize("place", BETWEEN)
def test_a_key_between_the_members_of_an_archive_is_found(tmp_path: Path, place: str) -> None:
    """What belongs to no member is scanned as well."""
    (tmp_path / "archive").write_bytes(BETWEEN[place]())
    report = _scan(tmp_path, known_of(rsa_keys()[0]))
    assert report.findings
    assert all(leak.proven for leak in report.findings)
    assert report.unread == ()


def test_a_file_that_takes_too_long_is_told(tmp_path: Path) -> None:
    """A file of nothing but marks, and no time for it: it is named as not scanned; with time it is scanned."""
    path = tmp_path / "slow"
    path.write_bytes(_pem() + b'{"kty":' * 200_000)
    report = _scan(path, seconds=-1.0)
    assert len(report.unread) == 1
    assert "not scanned to its end" in report.unread[0].reason
    assert _scan(path).unread == ()
    assert [leak.form for leak in _scan(path).findings] == ["pem-pkcs8-rsa"]


def _number(value: int) -> bytes:
    data = value.to_bytes((value.bit_length() + 8) // 8)
    return bytes((2, len(data))) + data


def _tagged(tag: int, content: bytes) -> bytes:
    return passwords._der(tag, content)  # writes DER


def _locked(rounds: int, salt: int = 8) -> bytes:
    """Return an EncryptedPrivateKeyInfo that says how many rounds its password costs."""
    key = bytes.fromhex("06092a864886f70d01050c")
    cipher = _tagged(0x30, bytes.fromhex("060960864801650304012a") + _tagged(4, bytes(16)))
    derivation = _tagged(0x30, key + _tagged(0x30, _tagged(4, bytes(salt)) + _number(rounds)))
    scheme = _tagged(0x30, bytes.fromhex("06092a864886f70d01050d") + _tagged(0x30, derivation + cipher))
    return _tagged(0x30, scheme + _tagged(4, bytes(64)))


def _scrypt(cost: int) -> bytes:
    key = bytes.fromhex("06092b06010401da47040b")
    cipher = _tagged(0x30, bytes.fromhex("060960864801650304012a") + _tagged(4, bytes(16)))
    derivation = _tagged(0x30, key + _tagged(0x30, _tagged(4, bytes(8)) + _number(cost) + _number(8) + _number(1)))
    scheme = _tagged(0x30, bytes.fromhex("06092a864886f70d01050d") + _tagged(0x30, derivation + cipher))
    return _tagged(0x30, scheme + _tagged(4, bytes(64)))


COSTLY: dict[str, bytes] = {
    "two thousand million rounds": _locked((1 << 31) - 1),
    "rounds behind a long salt": _locked((1 << 31) - 1, 65),
    "rounds in more bytes than a number has": _locked(1 << 200),
    "scrypt with much memory": _scrypt(1 << 30),
    "a store with such a key": passwords._store(_locked((1 << 31) - 1, 65), mac=True),
}


@pytest.mark.parametrize("case", COSTLY)
def test_rounds_of_a_password_are_bounded_before_they_begin(case: str) -> None:
    """Whatever a key or store says that a password costs, it is told as closed at once."""
    leaks = Engine(best(), KnownKeys()).scan(whole(b"x" * 99 + COSTLY[case] + b"x" * 99), "data")
    assert leaks
    assert all("too many rounds" in leak.how and not leak.thumbprint for leak in leaks)


def test_a_store_of_many_costly_keys_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each key of a store costs what is allowed, together they cost more: the first is tried, the others are not."""
    tried: list[bytes] = []

    def closed(data: bytes) -> tuple[None, str]:
        tried.append(data)
        return None, passwords.CLOSED

    monkeypatch.setattr(passwords, "opened", closed)
    bag = passwords._SHROUDED + _tagged(0xA0, _locked(400_000))
    safe = passwords._DATA + _tagged(0xA0, _tagged(4, _tagged(0x30, _tagged(0x30, bag) * 9)))
    content = _tagged(0x30, _tagged(0x30, safe))
    store = _tagged(0x30, b"\2\1\3" + _tagged(0x30, passwords._DATA + _tagged(0xA0, _tagged(4, content))))
    (found, *others) = stores.opened(store, 0, len(store))
    assert (found.note, len(tried)) == (passwords.CLOSED, 1)
    assert {other.note for other in others} == {passwords.COSTLY}


@pytest.mark.parametrize("password", [b"", b"changeit"])
def test_stores_of_other_software_are_opened(password: bytes) -> None:
    """PKCS#12 with new and old encryption, with a weak and without a password: found and proven."""
    key = rsa_keys()[0]
    store = pkcs12.serialize_key_and_certificates(b"key", key, None, None, NoEncryption())
    if password:
        store = corpus_keys.store(corpus_keys.Keys(key, None, None), password)  # type: ignore[arg-type]
    (leak,) = Engine(best(), known_of(key)).scan(whole(bytes(50) + store), "data")
    assert (leak.form, leak.proven) == ("pkcs12", True)


BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "text in text, too deep": (lambda: _deep(9), "too many times over"),
    "gzip in Base64 that holds too much": (
        lambda: base64.b64encode(gzip.compress(bytes(20 << 20))), "goes on behind what is read at once"
    ),
}


def _deep(levels: int) -> bytes:
    data = _pem()
    for _ in range(levels):
        data = base64.b64encode(data)
    return data


@pytest.mark.parametrize("case", BOMBS)
def test_what_is_packed_too_deep_or_too_large_is_told(tmp_path: Path, case: str) -> None:
    """It is not scanned, and the report says so: at a gate that is failure."""
    make, why = BOMBS[case]
    (tmp_path / "bomb").write_bytes(make())
    report = _scan(tmp_path)
    assert any(why in unread.reason for unread in report.unread)


def test_four_levels_of_text_are_undone() -> None:
    """Base64 of Base64 of Base64 of a PEM in UTF-16 is found."""
    data = _pem().decode().encode("utf-16-le")
    for _ in range(3):
        data = base64.b64encode(data)
    (leak,) = Engine(best(), known_of(rsa_keys()[0])).scan(whole(data), "data")
    assert leak.proven
    assert leak.form.startswith("base64-base64-base64-")


def test_every_wrapped_form_lies_in_the_corpus() -> None:
    """The forms beyond the twenty are not silently dropped."""
    assert len(WRAPPED) >= 50
    assert os.sep not in "".join(WRAPPED)
