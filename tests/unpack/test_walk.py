"""Whatever a file is packed in, its members come out as they went in, or say why they do not."""

from __future__ import annotations

import gzip
import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from counterfoil.errors import InputError
from counterfoil.unpack.bounds import MAX_DEPTH, Bounds
from counterfoil.unpack.walk import TOO_DEEP, Unpacker

from .packing import ARCHIVE, COMPRESS, Named, seven_zipped, tarred, unpacked, zipped, zstd

TEXT = b'{"a": 1}\n' * 3000
TWO: Named = [("a.json", TEXT), ("june/b.json", b'{"b": 2}')]


def _put(folder: Path, data: bytes) -> Path:
    path = folder / "it.dat"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("compress", COMPRESS.values(), ids=COMPRESS.keys())
def test_compressed_files_are_one_member(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    """Compression is told by content; streams one after another, and in one another, are one file."""
    assert unpacked(_put(tmp_path, compress(TEXT)), tmp_path / "spool") == {"": TEXT}
    assert unpacked(_put(tmp_path, compress(TEXT) + compress(b"more")), tmp_path / "spool") == {"": TEXT + b"more"}
    assert unpacked(_put(tmp_path, compress(gzip.compress(TEXT))), tmp_path / "spool") == {"": TEXT}
    assert unpacked(_put(tmp_path, compress(b"")), tmp_path / "spool") == {"": b""}


@pytest.mark.parametrize("pack", ARCHIVE.values(), ids=ARCHIVE.keys())
def test_archives_give_their_members(tmp_path: Path, pack: Callable[[Named], bytes]) -> None:
    """Each file is a member under its path; an archive without any gives none."""
    assert unpacked(_put(tmp_path, pack(TWO)), tmp_path / "spool") == dict(TWO)
    assert unpacked(_put(tmp_path, pack([("empty", b"")])), tmp_path / "spool") == {"empty": b""}


@pytest.mark.parametrize("outer", ARCHIVE.values(), ids=ARCHIVE.keys())
@pytest.mark.parametrize("inner", ARCHIVE.values(), ids=ARCHIVE.keys())
def test_archives_in_archives_are_opened(
    tmp_path: Path, outer: Callable[[Named], bytes], inner: Callable[[Named], bytes]
) -> None:
    """What is in an archive in a compressed archive is found under all their names."""
    data = zstd(outer([("in.bin", gzip.compress(inner(TWO))), ("c.gz", gzip.compress(TEXT))]))
    found = unpacked(_put(tmp_path, data), tmp_path / "spool")
    assert found == {"in.bin/a.json": TEXT, "in.bin/june/b.json": b'{"b": 2}', "c.gz": TEXT}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_method_of_zip(tmp_path: Path, method: int) -> None:
    """The methods that zip programs write are read."""
    assert unpacked(_put(tmp_path, zipped(TWO, method=method)), tmp_path / "spool") == dict(TWO)


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_form_of_tar(tmp_path: Path, form: int) -> None:
    """The three forms of tar are read, with names longer than a header holds."""
    long = "/".join(["folder"] * 20) + "/a.json"
    assert unpacked(_put(tmp_path, tarred([(long, TEXT)], form=form)), tmp_path / "spool") == {long: TEXT}


def test_names_are_inert(tmp_path: Path) -> None:
    """Names are shown on one line, apart from each other, bounded, and mean nothing on this machine."""
    names = ["../../etc/passwd", "/etc/passwd", "a\x1b[31m\nb", "a\u202eb", "c\\d.json", "x" * 5000, "same", "same"]
    names.append("./")
    found = unpacked(_put(tmp_path, tarred([(name, b"1") for name in names])), tmp_path / "spool")
    *others, long = sorted(found, key=len)
    assert sorted(others) == sorted([
        "../../etc/passwd", "etc/passwd", "a\\x1b[31m\\nb", "a\\u202eb", "c/d.json", "same", "same#2", "unnamed",
    ])
    assert len(long) <= 500
    assert list(found.values()) == [b"1"] * len(names)


def test_hidden_members_are_left_out(tmp_path: Path) -> None:
    """What begins with a dot, and what macOS adds, is no input, as in a folder."""
    data = zipped([(".DS_Store", b""), ("__MACOSX/._a.json", b""), (".git/x", b""), ("d/", b""), ("..a", b""), *TWO])
    assert unpacked(_put(tmp_path, data), tmp_path / "spool") == dict(TWO)


def _links() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, kind in (("soft", tarfile.SYMTYPE), ("hard", tarfile.LNKTYPE), ("pipe", tarfile.FIFOTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    return out.getvalue()


def _zip_link() -> bytes:
    info = zipfile.ZipInfo("soft")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    return out.getvalue()


def _flagged(data: bytes, *, encrypted: bool = False, method: int | None = None) -> bytes:
    """Return the zip with its one member's flag or method changed, in both headers."""
    changed = bytearray(data)
    for at in (data.index(b"PK\x03\x04") + 6, data.index(b"PK\x01\x02") + 8):
        if encrypted:
            changed[at] |= 1
        if method is not None:
            changed[at + 2] = method
    return bytes(changed)


def _nameless(data: bytes) -> bytes:
    """Return the zip with its member's name cut off in the directory, as one flipped length does it."""
    changed = bytearray(data)
    directory, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    changed[directory + 28] = 0
    del changed[directory + 46]
    changed[end - 1 + 12] -= 1
    return bytes(changed)


def _placed(data: bytes, header: bytes, at: int, more: int) -> bytes:
    """Return the zip with an offset of four bytes in a header made larger."""
    place, changed = data.index(header) + at, bytearray(data)
    changed[place : place + 4] = (int.from_bytes(data[place : place + 4], "little") + more).to_bytes(4, "little")
    return bytes(changed)


WORD = "swordfish"  # of the encrypted samples
ONE = zipped([("a", TEXT)])
TAR = tarred(TWO)
REFUSED = {
    "links and pipes in a tar": (
        _links(),
        {"soft": "a link, which is not followed", "hard": "a link", "pipe": "neither a file nor a folder"},
    ),
    "a link in a zip": (_zip_link(), {"soft": "a link, which is not followed"}),
    "an encrypted zip": (_flagged(ONE, encrypted=True), {"a": "encrypted: unpack it with its password first"}),
    "a method of Windows": (_flagged(ONE, method=9), {"a": "a method that is not read (Deflate64)"}),
    "a method that nobody knows": (_flagged(ONE, method=77), {"a": "a method that is not read (of number 77)"}),
    "a member before the archive's beginning": (
        _placed(ONE, b"PK\x05\x06", 16, 10), {"a": "it lies outside the archive"},
    ),
    "a member behind the archive's end": (
        _placed(ONE, b"PK\x01\x02", 42, 1 << 30), {"a": "it lies outside the archive"},
    ),
    "a member without a name": (_nameless(ONE), {"unnamed": "it has no name"}),
    "an encrypted 7z": (seven_zipped(TWO, password=WORD), {"": "encrypted"}),
    "a 7z whose names are encrypted": (seven_zipped(TWO, password=WORD, hide_names=True), {"": "encrypted"}),
    "a zip that ends early": (zipped(TWO)[:-30], {"": "ends early"}),
    "a 7z that ends early": (seven_zipped(TWO)[:-30], {"": "cannot read"}),
    "a gzip that ends early": (gzip.compress(TAR)[:-30], {"": "ended before"}),
    "a workbook": (zipped([("[Content_Types].xml", b""), ("xl/sheet1.xml", b"")]), {"": "an Office document"}),
    "a RAR": (b"Rar!\x1a\x07\x01\x00", {"": "a RAR archive: unpack it first"}),
    "a CAB": (b"MSCF\0\0\0\0....", {"": "a CAB archive: unpack it first"}),
}


@pytest.mark.parametrize(("data", "expected"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_unpacked_says_why(tmp_path: Path, data: bytes, expected: dict[str, str]) -> None:
    """Each member, or the archive where it has none to show, gives one line with the reason and what to do."""
    found = unpacked(_put(tmp_path, data), tmp_path / "spool")
    assert found.keys() == expected.keys()
    for name, why in expected.items():
        told = found[name]
        assert isinstance(told, str)
        assert why in told
        assert "\n" not in told


def test_a_tar_that_breaks_off_gives_what_came_before(tmp_path: Path) -> None:
    """Whole members are read; that there should be more is told, where the library is silent."""
    blocks = 1 + (len(TEXT) + 511) // 512
    first = TAR[: blocks * 512]
    for data, why in (
        (first, "ends without the mark of its end"),
        (first + b"x" * 512, f"from byte {blocks * 512} on"),
        (first + b"x" * 100, "is damaged there"),
    ):
        found = unpacked(_put(tmp_path, data), tmp_path / "spool")
        assert found.keys() == {"a.json", ""}
        assert found["a.json"] == TEXT
        assert why in str(found[""])


def test_a_damaged_member_is_an_error_of_its_own(tmp_path: Path) -> None:
    """A member whose bytes do not agree with their checksum raises InputError at its end; the others are read."""
    long = bytes(3 << 20)  # a short one is read when it is looked at
    data = bytearray(zipped([("a", long), ("b", b"good")], method=zipfile.ZIP_STORED))
    data[data.index(long) + 7] ^= 1
    (tmp_path / "spool").mkdir()
    with Unpacker(tmp_path / "spool") as unpacker:
        bad, good = unpacker.members(_put(tmp_path, bytes(data)))
        with bad.open() as stream, pytest.raises(InputError, match="CRC"):
            stream.read()
        with good.open() as stream:
            assert stream.read() == b"good"


@pytest.mark.parametrize("pack", ARCHIVE.values(), ids=ARCHIVE.keys())
def test_depth_is_bounded(tmp_path: Path, pack: Callable[[Named], bytes]) -> None:
    """Archives in archives are opened down to a depth; what is packed deeper says so."""
    data = TEXT
    for depth in range(1, MAX_DEPTH + 2):
        data = pack([("n", data)])
        found = unpacked(_put(tmp_path, data), tmp_path / "spool")
        if depth <= MAX_DEPTH:
            assert found == {"/".join("n" * depth): TEXT}
        else:
            ((name, why),) = found.items()
            assert (name, TOO_DEEP in str(why)) == ("/".join("n" * MAX_DEPTH), True)


@pytest.mark.parametrize("compress", COMPRESS.values(), ids=COMPRESS.keys())
def test_layers_of_compression_are_bounded(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    """So are compressions of compressions."""
    data = TEXT
    for _ in range(MAX_DEPTH + 1):
        data = compress(data)
    assert TOO_DEEP in str(unpacked(_put(tmp_path, data), tmp_path / "spool")[""])


SMALL = Bounds(depth=3, members=5, unpacked=1 << 40, ratio=10, free=100_000)


@pytest.mark.parametrize("pack", ARCHIVE.values(), ids=ARCHIVE.keys())
def test_members_are_counted(tmp_path: Path, pack: Callable[[Named], bytes]) -> None:
    """Members beyond the limit, nested ones included, are one line; those before are read."""
    data = pack([("in", pack([(str(n), b"1") for n in range(3)])), *((str(n), b"2") for n in range(9))])
    found = unpacked(_put(tmp_path, data), tmp_path / "spool", SMALL)
    assert [name for name, value in found.items() if isinstance(value, bytes)] == ["in/0", "in/1", "in/2", "0"]
    assert "more than 5 members" in str(found[""])


def _all(path: Path, spool: Path, bounds: Bounds) -> tuple[list[int], list[str]]:
    """Return the sizes that were read and the reasons why others were not."""
    spool.mkdir(exist_ok=True)
    sizes, whys = [], []
    with Unpacker(spool, bounds) as unpacker:
        for member in unpacker.members(path):
            try:
                for _ in range(2):  # to read again costs nothing
                    with member.open() as stream:
                        size = len(stream.read())
                sizes.append(size)
            except InputError as error:
                whys.append(str(error))
    return sizes, whys


ZEROS = bytes(60_000)
BOMBS = {
    **{f"of {name}": (compress(bytes(9_000_000)), 0) for name, compress in COMPRESS.items()},
    "in a zip": (zipped([(str(n), ZEROS) for n in range(9)]), 1),
    "in a tar": (tarred([(str(n), ZEROS) for n in range(9)]), 1),
    "in a 7z, unpacked as a whole": (seven_zipped([(str(n), ZEROS) for n in range(9)]), 0),
    "compressed in a zip": (zipped([(str(n), gzip.compress(ZEROS)) for n in range(9)]), 1),
    "a zip in a zip": (zipped([("a", zipped([(str(n), ZEROS) for n in range(9)])), ("b", b"")]), 1),
    "a tar in a gzip": (gzip.compress(tarred([("a", ZEROS), ("b", ZEROS)])), 0),
}


@pytest.mark.parametrize(("data", "read"), BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_is_one_line(tmp_path: Path, data: bytes, read: int) -> None:
    """What came before the limit is read; the member that crosses it says so, and nothing after it is looked at."""
    total = 100_000 if b"ustar" in data[:512] else 1 << 40  # a tar is as large as what is in it
    bounds = Bounds(depth=3, members=5, unpacked=total, ratio=10, free=100_000)
    sizes, whys = _all(_put(tmp_path, data), tmp_path / "spool", bounds)
    assert sizes == [len(ZEROS)] * read
    assert len(whys) == 1
    assert "unpacks to more than" in whys[0]
    assert "neither this nor what follows is read" in whys[0]


def test_a_total_is_a_limit_of_its_own(tmp_path: Path) -> None:
    """However large the file, what it unpacks to is bounded."""
    bounds = Bounds(unpacked=5_000)
    _, (why,) = _all(_put(tmp_path, zipped([("a", TEXT)], method=zipfile.ZIP_STORED)), tmp_path / "spool", bounds)
    assert "more than 0 GiB" in why


def test_a_zip_with_too_large_a_directory_is_not_opened(tmp_path: Path) -> None:
    """A directory costs many times its size in memory: it is bounded before it is read."""
    data = bytearray(ONE)
    at = data.rindex(b"PK\x05\x06") + 12
    data[at : at + 4] = (1 << 30).to_bytes(4, "little")
    found = unpacked(_put(tmp_path, bytes(data)), tmp_path / "spool")
    assert "its directory takes over 16 MiB" in str(found[""])


def test_a_tar_header_that_claims_gigabytes_is_not_read(tmp_path: Path) -> None:
    """An attribute header is bounded before it is in memory."""
    info = tarfile.TarInfo("PaxHeader")
    info.type, info.size = tarfile.XHDTYPE, 8 << 30
    found = unpacked(_put(tmp_path, info.tobuf(tarfile.GNU_FORMAT) + b"x" * 5000), tmp_path / "spool")
    assert "header takes over" in str(found[""])


def test_a_file_that_changes_is_noticed(tmp_path: Path) -> None:
    """What is not as it was when it was looked at is an error; nobody knows what of it was read."""
    path = _put(tmp_path, TEXT)
    (tmp_path / "spool").mkdir()
    with Unpacker(tmp_path / "spool") as unpacker:
        (member,) = unpacker.members(path)
        with member.open() as stream:
            assert stream.read() == TEXT
        with member.open() as stream:
            stream.read(10)
            with path.open("ab") as file:
                file.write(b"more")
            with pytest.raises(InputError, match="it changed while it was read"):
                stream.read()
        with pytest.raises(InputError, match="it changed while it was read"):
            member.open()
        path.unlink()
        with pytest.raises(InputError, match="No such file"):
            member.open()


@pytest.mark.parametrize("pack", ARCHIVE.values(), ids=ARCHIVE.keys())
def test_what_is_spooled_is_private(tmp_path: Path, pack: Callable[[Named], bytes]) -> None:
    """Files that archives in archives are kept in are the user's own, under names that come from nowhere else."""
    spool = tmp_path / "spool"
    spool.mkdir()
    with Unpacker(spool) as unpacker:
        list(unpacker.members(_put(tmp_path, gzip.compress(pack([("d/x", b"1"), ("y", b"2")])))))
        spooled = list(spool.iterdir())
        assert spooled
        assert {oct(path.stat().st_mode & 0o777) for path in spooled} == {"0o600"}
        assert all(path.name.startswith("tmp") for path in spooled)


def test_without_the_extra_a_7z_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the library is missing, the line names the extra, and the member may be readable another time."""
    monkeypatch.setitem(__import__("sys").modules, "py7zr", None)
    (tmp_path / "spool").mkdir()
    with Unpacker(tmp_path / "spool") as unpacker:
        (member,) = unpacker.members(_put(tmp_path, seven_zipped(TWO)))
    assert "pip install 'counterfoil[7z]'" in member.trouble
    assert member.again


def test_many_archives_are_open_at_a_time(tmp_path: Path) -> None:
    """Members of more zips than are kept open can still be read, in any order."""
    (tmp_path / "spool").mkdir()
    with Unpacker(tmp_path / "spool") as unpacker:
        members = []
        for number in range(40):
            path = tmp_path / f"{number}.zip"
            path.write_bytes(zipped([("a", str(number).encode())]))
            members += list(unpacker.members(path))
        streams = [member.open() for member in members]
        assert [stream.read() for stream in streams] == [str(number).encode() for number in range(40)]
        for stream in streams:
            stream.close()
