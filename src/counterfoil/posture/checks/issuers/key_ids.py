"""Whether a key id names one key, always."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Verdict, cannot_tell
from counterfoil.posture.history import day
from counterfoil.posture.issuer import Issuer
from counterfoil.report.words import some


def _judge(issuer: Issuer, baseline: Baseline) -> Answer:
    del baseline
    expected = "each key has an id, no two keys share one, and an id never names another key"
    if not issuer.keys:
        return cannot_tell("no key set", expected)
    reused = list(dict.fromkeys([*_in_one(issuer), *_over_time(issuer)]))
    if reused:
        return Answer(Verdict.FAIL, f"{some(len(reused), 'id')} of several keys", expected, where=tuple(reused))
    nameless = sum(key.kid is None for key in issuer.keys)
    if nameless:
        return Answer(Verdict.PARTIAL, f"{nameless} of {len(issuer.keys)} keys have no id", expected)
    return Answer(Verdict.PASS, f"{some(len(issuer.keys), 'key')}, each with an id of its own", expected)


def _in_one(issuer: Issuer) -> Iterator[str]:
    for sample in issuer.samples:
        ids = Counter(key.kid for key in sample.keys if key.kid)
        yield from (f"{kid[:80]}: {count} keys in one document" for kid, count in ids.items() if count > 1)


def _over_time(issuer: Issuer) -> Iterator[str]:
    meant: dict[str, str] = {}
    for sample in issuer.samples:
        for key in sample.keys:
            if key.kid and meant.setdefault(key.kid, key.id) != key.id:
                meant[key.kid] = key.id
                yield f"{key.kid[:80]}: another key since {day(sample.time)}"


CHECK = Check(
    id="issuer-key-ids",
    question="Does each key id name one key, always?",
    why="An id that names another key than yesterday cannot be blocked, nor looked for in logs; and to add a key "
    "under a known id is how one is slipped in.",
    sources=("RFC 7517, 4.5", "RFC 7638"),
    reads=Issuer,
    needs="a key set; a history to see that ids stay",
    gain=6,
    fix=("Take each key's RFC 7638 thumbprint for its id.", "If an id changed its key and nobody did it: "
         "counterfoil respond plan."),
    breaks="Nothing that fetches the key set; what pins an id must learn the new one.",
    judge=_judge,
)
