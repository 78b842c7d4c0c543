"""Signed notes and checkpoints: the vectors of Go's sumdb and of C2SP, and everything malformed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import CounterfoilError, InputError, LogTamperedError
from counterfoil.tlog import checkpoint, note, tiles
from counterfoil.tlog.merkle import EMPTY_ROOT

# The documentation's example of golang.org/x/mod/sumdb/note: a published key, no secret.
SECRET = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"  # noqa: S105
PUBLIC = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
LINE = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
ENOCH_LINE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
)
# The example of c2sp.org/signed-note's own tests.
C2SP_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
C2SP_NOTE = (
    "This is an example message.\n\n— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)


def test_signing_gives_the_published_note() -> None:
    """Ed25519 is deterministic: the same key and text give Go's note, byte for byte."""
    key = note.SignerKey.parse(SECRET)
    assert key.verifier().render() == PUBLIC
    assert key.render() == SECRET
    assert note.signed(TEXT, [key.sign(TEXT)]).render() == TEXT + "\n" + LINE
    assert "AYEKFALV" not in repr(key)


@pytest.mark.parametrize(
    ("key", "raw"),
    [(PUBLIC, TEXT + "\n" + LINE), (ENOCH, TEXT + "\n" + LINE + ENOCH_LINE), (C2SP_KEY, C2SP_NOTE)],
    ids=["one signature", "the second of two", "C2SP"],
)
def test_published_notes_verify(key: str, raw: str) -> None:
    """The notes that Go and C2SP publish verify, and a changed letter does not."""
    note.VerifierKey.parse(key).check(note.parse(raw.encode()))
    with pytest.raises(LogTamperedError):
        note.VerifierKey.parse(key).check(note.parse(raw.replace("i", "j", 1).encode()))


@pytest.mark.parametrize("text", [PUBLIC, SECRET])
def test_mangled_keys_are_refused(text: str) -> None:
    """No part of a key, and no key with one letter changed, is a key (the sumdb tests)."""
    read = note.SignerKey.parse if text is SECRET else note.VerifierKey.parse
    parts = [text[begin:end] for begin in range(len(text)) for end in range(begin + 1, len(text) + 1)]
    changed = [text[:place] + chr(ord(text[place]) + 1) + text[place + 1 :] for place in range(len(text))]
    for mangled in [*parts, *changed]:
        if mangled != text:
            with pytest.raises(InputError):
                read(mangled)


@pytest.mark.parametrize(
    "raw",
    ["", "text\n", "text\n\n", f"\n\n{LINE}", f"text\n\n{LINE[:-1]}", "text\n\n— a\n", "text\n\n— a !!!\n",
     "text\n\n— a b AAAA\n", f"te\x07xt\n\n{LINE}", f"text\n\n- {LINE[2:]}", "text\n\n— a AAAA\n"],
)
def test_malformed_notes_are_refused(raw: str) -> None:
    """A note needs text, an empty line, and well-formed signatures."""
    with pytest.raises(InputError):
        note.parse(raw.encode())


def test_an_unknown_signature_is_no_signature() -> None:
    """A note that only others signed is refused."""
    with pytest.raises(LogTamperedError, match="found none"):
        note.VerifierKey.parse(ENOCH).check(note.parse((TEXT + "\n" + LINE).encode()))


def test_a_cosignature_holds_for_its_time() -> None:
    """A witness signs the time with the checkpoint: changing the time breaks it."""
    key = note.SignerKey.generate("witness.example/w1")
    text = checkpoint.Checkpoint("example.com/log", 0, EMPTY_ROOT).text()
    made = key.cosign(text, 1_679_315_147)
    assert key.verifier(note.COSIGNATURE).check(note.signed(text, [made])) == 1_679_315_147
    moved = note.Signature(made.name, made.key_id, bytes([1]) + made.value[1:])
    with pytest.raises(LogTamperedError):
        key.verifier(note.COSIGNATURE).check(note.signed(text, [moved]))


C2SP_CHECKPOINT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"


def test_the_checkpoint_of_the_specification_is_read() -> None:
    """The example of c2sp.org/tlog-checkpoint comes back as it was."""
    found = checkpoint.parse(C2SP_CHECKPOINT)
    assert (found.origin, found.size, found.text()) == ("example.com/behind-the-sofa", 20_852_163, C2SP_CHECKPOINT)


@pytest.mark.parametrize(
    "text",
    ["", "\n0\nAAAA\n", "o\n00\nAAAA\n", C2SP_CHECKPOINT[:-1], C2SP_CHECKPOINT + "extension\n",
     C2SP_CHECKPOINT.replace("20852163", "+20852163"), C2SP_CHECKPOINT.replace("2I=", "2J="),
     C2SP_CHECKPOINT.replace("20852163", "9" * 19)],
)
def test_malformed_checkpoints_are_refused(text: str) -> None:
    """One spelling only: no leading zeros, no other base64, no extension lines."""
    with pytest.raises(InputError):
        checkpoint.parse(text)


@given(st.binary(max_size=300))
def test_nothing_but_our_own_error_comes_out(raw: bytes) -> None:
    """Whatever the bytes, reading them gives a value or our own error."""
    for read in (note.parse, lambda raw: checkpoint.parse(raw.decode("latin-1")), tiles.unbundle):
        try:
            read(raw)
        except CounterfoilError:
            continue


@given(st.lists(st.binary(max_size=40), max_size=30))
def test_bundles_come_back_as_they_were(entries: list[bytes]) -> None:
    """Entries of any bytes survive a bundle; one that is cut off is refused."""
    raw = tiles.bundle(entries)
    assert tiles.unbundle(raw) == entries
    if raw and entries[-1]:
        with pytest.raises(InputError):
            tiles.unbundle(raw[:-1])


def test_tiles_are_named_as_the_specification_says() -> None:
    """Index 1234067 is x001/x234/067, and a partial tile carries its width."""
    assert tiles.tile_path(0, 1_234_067) == "tile/0/x001/x234/067"
    assert tiles.tile_path(1, 0, 17) == "tile/1/000.p/17"
    assert tiles.bundle_path(273, 112) == "tile/entries/273.p/112"
