"""Keys whose private half is known: stolen, printed in manuals, made by broken generators."""

from __future__ import annotations

import contextlib
import importlib.util
import io
from collections.abc import Iterator

from counterfoil.model import storm_0558
from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Verdict, cannot_tell
from counterfoil.posture.issuer import Issuer, PublishedKey
from counterfoil.report.words import some

# Checks of badkeys that prove a weakness; the others warn of what is odd.
_LIST = "blocklist"
_PROOFS: tuple[str, ...] = ("fermat", "roca", "rsainvalid", "rsapoly", "sharedprimes", "smalld", "smallfactors", _LIST)


def _judge(issuer: Issuer, baseline: Baseline) -> Answer:
    del baseline
    expected = "no key whose private half others can have"
    if not issuer.keys:
        return cannot_tell("no key set", expected)
    found = [line for key in issuer.keys for line in _known(key)]
    if found:
        return Answer(Verdict.FAIL, some(len(found), "known bad key"), expected, where=tuple(found))
    if importlib.util.find_spec("badkeys") is None:
        return cannot_tell("not compared with known bad keys: pip install 'counterfoil[badkeys]'", expected)
    bad, listed = _by_badkeys(issuer.keys)
    if bad:
        return Answer(Verdict.FAIL, some(len(bad), "known bad key"), expected, where=tuple(bad))
    if not listed:
        seen = "weak forms were looked for; the list of known keys is missing: badkeys --update-bl"
        return Answer(Verdict.PARTIAL, seen, expected)
    return Answer(Verdict.PASS, f"{some(len(issuer.keys), 'key')}, not among the known ones", expected)


def _known(key: PublishedKey) -> Iterator[str]:
    """Yield what is published of the key stolen before 2023: its kid also stands in samples, its thumbprint does not.

    The `kid` alone proves nothing (model/storm_0558.py).
    """
    if key.id in storm_0558.KEY_IDS and key.id != key.kid:
        yield f"key {key.name}: the key of Storm-0558"


def _by_badkeys(keys: tuple[PublishedKey, ...]) -> tuple[list[str], bool]:
    """Return what badkeys proves, and whether its list of known keys could be asked about every key."""
    names, listed = _PROOFS, True
    lines: list[str] = []
    for key in keys:
        try:
            told = _results(key, names)
        except (SystemExit, OSError):  # the library ends the program where its list is missing
            names, listed = tuple(name for name in _PROOFS if name != _LIST), False
            told = _results(key, names)
        listed = listed and key.number is not None
        lines += [f"key {key.name}: {name} (badkeys)" for name in told]
    return lines, listed


def _results(key: PublishedKey, names: tuple[str, ...]) -> list[str]:
    """Return the checks of badkeys that hold for a key; its complaints are not for our stderr."""
    from badkeys import checks

    with contextlib.redirect_stderr(io.StringIO()):
        if key.modulus is not None:
            found = checks.checkrsa(key.modulus, e=key.exponent or 65_537, checks=list(names))
        elif key.number is not None and _LIST in names:  # of a curve's keys only the list knows anything
            found = checks.checkall(key.number, checks=[_LIST])
        else:
            return []
    return [name for name, result in found.items() if result]


CHECK = Check(
    id="issuer-known-bad-keys",
    question="Is no published key one whose private half others have?",
    why="Keys from manuals, sample code and broken generators are collected, with their private halves; so is the key "
    "of Storm-0558. A signature under one proves nothing.",
    sources=("badkeys.info", "AA23-193A"),
    reads=Issuer,
    needs="a key set, and the extra badkeys with its list (badkeys --update-bl)",
    gain=9,
    fix=("Block the key in every verifier: counterfoil respond block.", "Rotate to a new key from a key store.",
         "Hunt for tokens signed elsewhere: counterfoil hunt."),
    breaks="Genuine tokens under the key are refused as well: that is the point.",
    judge=_judge,
)
