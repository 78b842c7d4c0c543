"""Published addresses and the key of the intrusion of 2023, each within the dates for which it was published."""

from __future__ import annotations

from datetime import datetime

from counterfoil.detect.rule import Rule, Tables
from counterfoil.expressions import ibis, ir
from counterfoil.model.storm_0558 import ADDRESSES, FIRST, KEY_IDS


def _find(tables: Tables) -> ir.Table:
    suspects = tables.suspects
    seen = [
        (suspects.ip == a.ip) & (suspects.t_last >= _seconds(a.first)) & (suspects.t_first < _seconds(a.last) + 86_400)
        for a in ADDRESSES
    ]
    by_address = suspects.filter(ibis.or_(*seen)).select("token_key")
    # The documented sample token bears this key id with an issued-at of 2018: alone it says nothing.
    by_key = suspects.filter(suspects.key_id.isin(sorted(KEY_IDS)), suspects.t_issued >= _seconds(FIRST)).select(
        "token_key"
    )
    return ibis.union(by_address, by_key, distinct=True)


def _seconds(day: datetime) -> int:
    return int(day.timestamp())


RULE = Rule(
    id="storm-0558-indicator",
    title="an address or key published for Storm-0558, within its dates",
    weight=4.0,
    severity="high",
    confidence="medium",
    audience="tenant",
    attack=("T1550.001", "T1606"),
    references=("Microsoft, Analysis of Storm-0558 techniques for unauthorized email access, 2023-07-14",),
    why="Addresses and the key of the 2023 intrusion as Microsoft published them. Addresses changed hands since, so "
    "each counts only within the dates for which it was seen.",
    innocent="Whoever had such an address on those days for another purpose, VPN and hosting customers, looks the "
    "same.",
    needs="logs of 2023",
    blind="other addresses: indicators age in two weeks",
    next_step="Read the published analysis of 2023-07-14 beside this finding, and keep all logs.",
    find=_find,
)
