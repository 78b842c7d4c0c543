"""Whole tokens, or what renews them, lie in a file: what `counterfoil leaks --case` found."""

from __future__ import annotations

from counterfoil.detect.keys._found import lying, told
from counterfoil.detect.rule import KeyRule, KeyTables
from counterfoil.expressions import ibis, ir
from counterfoil.model.leak_evidence import TOKEN_KIND

# Signed documents that are nobody's token, and tokens that their own key did not sign: samples.
_UNTRUE = r'"form":"jws"|"verified":"no"'
_LIVE = '"state":"live"'
_RENEWS = r'"form":"(?:refresh-token|session-cookie)"'


def _find(tables: KeyTables) -> ir.Table:
    found = lying(tables.records, (TOKEN_KIND,))
    whole = found.filter(~found.extra.re_search(_UNTRUE).fill_null(False))
    # of a file that holds several, the gravest is told: it comes first
    what = ibis.cases(
        (whole.extra.contains(_LIVE).fill_null(False), "live tokens lie in "),
        (whole.extra.re_search(_RENEWS).fill_null(False), "refresh tokens or session cookies lie in "),
        else_="whole tokens lie in ",
    )
    return told(whole, what, "tokens are in nobody's logs, dumps and answers")


KEY_RULE = KeyRule(
    id="token-in-a-file",
    title="whole tokens, or what renews them, lie in a file",
    severity="high",
    confidence="medium",
    audience="issuer",
    attack=("T1528", "T1552.001"),
    references=(
        "counterfoil leaks: docs/reference/leaks.md says which forms are read",
        "OWASP Logging Cheat Sheet: access tokens and session ids are not to be logged",
    ),
    why="A service that writes one token into its log, its dump or a debug answer writes the next as well. Whoever"
    " reads them has what they open, with no forgery, and no record tells the two apart.",
    innocent="Fixtures of tests and pages of documentation hold tokens that open nothing; tokens that are not expired"
    " when found are told apart by the scan.",
    needs="counterfoil leaks PATH --jwks URL --case DIR, on the same case, over the logs and dumps of services",
    blind="what was not scanned; opaque tokens without a name beside them; tokens that the log cuts",
    next_step="Find what writes them: the file and place are told. Revoke what is not expired: counterfoil respond"
    " revoke. Then look for their ids in use: counterfoil pivot --token ID.",
    find=_find,
    of_files=True,
)
