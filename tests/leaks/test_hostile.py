"""Hostile and broken input: bounded, reported, never a crash, never silence."""

from __future__ import annotations

import gzip
import io
import os
import struct
import tarfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.leaks.engine import Engine
from counterfoil.leaks.finding import LeaksReport
from counterfoil.leaks.forms import registry
from counterfoil.leaks.kernel import best
from counterfoil.leaks.known import KnownKeys
from counterfoil.leaks.regions import Regions, regions
from counterfoil.leaks.scan import ScanSettings, scan

from .planting import forms_of_fixed_keys, known_of, pem_of, rsa_keys, whole
from .silent import SILENT

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _scan(path: Path, known: KnownKeys | None = None) -> LeaksReport:
    return scan([str(path)], known or KnownKeys(), ScanSettings(NOW), SILENT)


def _pem() -> bytes:
    return pem_of(rsa_keys()[0])


@pytest.mark.slow
def test_a_zip_bomb_is_refused_and_said(tmp_path: Path) -> None:
    """A member of a gigabyte of zeros in a megabyte is read as far as the bounds go; the rest is named as unread."""
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive, archive.open("x", "w") as file:
        for _ in range(160):
            file.write(bytes(4 << 20))
    report = _scan(path)
    assert any("bomb" in entry.reason for entry in report.unread)
    assert report.scanned <= 520 << 20


def test_deep_nesting_is_refused_and_what_is_reached_is_scanned(tmp_path: Path) -> None:
    """A key beside a member that is packed too many times over is found; the member is named as unread."""
    inner = b"x"
    for _ in range(9):
        inner = gzip.compress(inner)
    path = tmp_path / "deep.tar"
    with tarfile.open(path, "w") as archive:
        for name, data in (("deep.gz", inner), ("key.txt", _pem())):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    report = _scan(path, known_of(rsa_keys()[0]))
    assert [(leak.path, leak.proven) for leak in report.findings] == [(f"{path}/key.txt", True)]
    assert any("packed too many times" in entry.reason for entry in report.unread)


def test_a_gzip_that_is_cut_off_is_scanned_as_far_as_it_goes(tmp_path: Path) -> None:
    """The key before the cut is found, and the rest named as unread."""
    path = tmp_path / "cut.gz"
    packed = gzip.compress(_pem() + os.urandom(6 << 20), compresslevel=1)
    path.write_bytes(packed[: 5 << 20])
    report = _scan(path, known_of(rsa_keys()[0]))
    assert [leak.form for leak in report.findings] == ["pem-pkcs8-rsa"]
    assert report.unread


def test_what_may_not_be_read_is_said(tmp_path: Path) -> None:
    """A path that does not exist is unread, the file beside it is scanned."""
    (tmp_path / "key.pem").write_bytes(_pem())
    report = scan([str(tmp_path / "key.pem"), str(tmp_path / "none")], KnownKeys(), ScanSettings(NOW), SILENT)
    assert len(report.findings) == 1
    assert [entry.path for entry in report.unread] == [str(tmp_path / "none")]


def test_ten_thousand_copies_are_bounded(tmp_path: Path) -> None:
    """A file of nothing but copies of a key gives as many findings as are kept, and says that there are more."""
    path = tmp_path / "copies"
    held = rsa_keys()[0].private_numbers()
    path.write_bytes(held.p.to_bytes(128) * 10_500)
    report = _scan(path, known_of(rsa_keys()[0]))
    assert len(report.findings) == 10_000
    assert any("more than 10,000" in entry.reason for entry in report.unread)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_forms_give_findings_or_nothing_and_no_error(data: st.DataObject) -> None:
    """Any form of the corpus, with bytes changed, cut and doubled, goes through every reader without an exception."""
    forms = forms_of_fixed_keys()
    text = bytearray(data.draw(st.sampled_from(forms)))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, max(0, len(text) - 1)))
        kind = data.draw(st.sampled_from(("change", "cut", "double", "mark")))
        if kind == "change" and text:
            text[at] = data.draw(st.integers(0, 255))
        elif kind == "cut":
            del text[at : at + data.draw(st.integers(1, 200))]
        elif kind == "double":
            text[at:at] = text[at : at + 64]
        else:
            text[at:at] = data.draw(st.sampled_from(registry.literals()))
    Engine(best(), KnownKeys()).scan(whole(bytes(text)), "damaged")


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.sampled_from((b"\x7fELF\x02\x01\x01", b"\x7fELF\x01\x02\x01", b"MDMP\x93\xa7\0\0")))
def test_crafted_dump_headers_give_regions_or_none(noise: bytes, magic: bytes) -> None:
    """Headers with any content are read within bounds and without an exception."""
    data = magic + noise
    found = regions(lambda at, size: data[at : at + size] if at >= 0 else b"")
    assert isinstance(found, Regions)
    found.of(0)


def test_a_core_header_that_promises_too_much_is_no_harm() -> None:
    """65,535 segments in a file of 64 bytes: no regions."""
    head = bytearray(64)
    head[:7] = b"\x7fELF\x02\x01\x01"
    struct.pack_into("<H", head, 16, 4)
    struct.pack_into("<Q", head, 32, 1 << 62)
    struct.pack_into("<HH", head, 54, 56, 65_535)
    assert regions(lambda at, size: bytes(head)[at : at + size]).regions == ()


@pytest.mark.parametrize("name", ["\x1b[2Jkey.pem", "a\nb.pem", "\u202egnp.pem"])
def test_names_of_files_cannot_move_the_terminal(tmp_path: Path, name: str) -> None:
    """Control characters of a file's name are shown as replacement characters in the text report."""
    from counterfoil.leaks import render

    (tmp_path / name).write_bytes(_pem())
    text = render.render(_scan(tmp_path), "text")
    assert name not in text
    assert "\x1b" not in text
