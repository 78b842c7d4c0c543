"""The private half of a known key lies in a file: what `counterfoil leaks --case` found."""

from __future__ import annotations

from counterfoil.detect.keys._found import lying, told
from counterfoil.detect.rule import KeyRule, KeyTables
from counterfoil.expressions import ibis, ir

# Of findings, those of keys that were given to the scan; others are somebody's.
KNOWN = ("known-key", "token-secret")


def _find(tables: KeyTables) -> ir.Table:
    found = lying(tables.records, KNOWN)
    return told(found.filter(found.key != ""), ibis.literal("its private half lies in "), "it is in its store alone")


KEY_RULE = KeyRule(
    id="key-in-a-file",
    title="the private half of a signing key lies in a file",
    severity="critical",
    confidence="high",
    audience="issuer",
    attack=("T1552.004", "T1552.001"),
    references=("counterfoil leaks: docs/reference/leaks.md says what is proven",),
    why="A scan of dumps, logs, archives or answers came upon the key itself: a number that divides the modulus,"
    " factors it, or gives the public point. Whoever could read that file has the key, since the time that is told at"
    " the latest.",
    innocent="A backup of the store itself, where that is what was scanned.",
    needs="counterfoil leaks PATH --jwks URL --case DIR, on the same case",
    blind="what was not scanned; findings without any time, such as those of standard input, are not kept",
    next_step="Treat the key as out: counterfoil respond plan. Then find out who could read the file, and what wrote"
    " it.",
    find=_find,
    of_files=True,
)
