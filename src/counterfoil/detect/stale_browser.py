"""A browser that is a year older than those of everybody else."""

from __future__ import annotations

from counterfoil.detect.rule import Rule, Tables
from counterfoil.expressions import ir
from counterfoil.model.schema import Leg

# Chrome and Edge have a new version every month. So many people, at least, must have one that is so much newer, and
# few may have one as old.
BEHIND, NEWER_PEOPLE, OLD_SHARE = 12, 10, 0.05
_VERSION = r"Chrome/(\d{2,4})\."


def _find(tables: Tables) -> ir.Table:
    records = tables.records.filter(
        tables.records.user_agent.contains("Chrome/"), tables.records.subject_name.notnull(),
        tables.records.leg.isin([str(Leg.ACCEPTANCE), str(Leg.ISSUANCE)]),
    )
    agents = records.select("user_agent", "subject_name").distinct()
    told = agents.mutate(version=agents.user_agent.re_extract(_VERSION, 1).try_cast("int64"))
    told = told.filter(told.version.notnull()).select("subject_name", "version").distinct()
    suspects = tables.suspects.filter(tables.suspects.user_agent.contains("Chrome/"))
    mine = suspects.select("token_key", own=suspects.user_agent.re_extract(_VERSION, 1).try_cast("int64"))
    versions = mine.filter(mine.own.notnull()).select("own").distinct()
    met = versions.left_join(told, [told.version >= versions.own + BEHIND])
    newer = met.group_by("own").agg(newer=met.subject_name.nunique())
    as_old = versions.left_join(told, [told.version <= versions.own])
    older = as_old.group_by("own").agg(older=as_old.subject_name.nunique())
    odd = newer.join(older, "own").filter(
        lambda t: (t.newer >= NEWER_PEOPLE) & (t.older <= OLD_SHARE * (t.newer + t.older))
    )
    return mine.semi_join(odd, "own").select("token_key")


RULE = Rule(
    id="stale-browser",
    title="a browser a year older than nearly everybody's",
    weight=0.5,
    severity="low",
    confidence="low",
    audience="tenant",
    attack=("T1114.002", "T1036"),
    references=("Microsoft, Analysis of Storm-0558 techniques for unauthorized email access, 2023-07-14: Chrome 92",),
    why="Browsers renew themselves every month. Scripts say for years what they were once told to say: in 2023 the "
    "intruder's said Chrome 92, two years old.",
    innocent="A machine that was switched off for a year, a kiosk, or a test robot looks the same.",
    needs="user agents of a dozen people",
    blind="scripts that keep up; houses whose own browsers are old",
    next_step="Ask which device of the user has that browser; look at the address and the application.",
    find=_find,
)
