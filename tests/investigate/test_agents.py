"""Whose program an agent is: of what Exchange writes, the client's own, and else what the record calls so."""

from __future__ import annotations

import json

import duckdb
import pytest

from counterfoil.investigate.intrusions.traits import ACTOR, agent_sql

_BROWSER = "Mozilla/5.0 (Windows NT 10.0) \"quoted\" ü"
_ROWS = (
    ("the client's own, before its application", "acceptance",
     {"ActorInfoString": f"Client=REST;Client=RESTSystem;UserAgent={_BROWSER}[AppId=27922004];"}, "Exchange", _BROWSER),
    ("the client's own, to the end", "acceptance", {"ActorInfoString": f"Client=OWA;UserAgent={_BROWSER};"}, None,
     _BROWSER),
    ("no agent in what Exchange says", "acceptance", {"ActorInfoString": "Client=OWA;Action=ViaProxy"}, "Exchange",
     "Exchange"),
    ("one that speaks of another", "acceptance", {"ActorInfoString": "Client=OWA;UserAgent=a UserAgent=b;;"}, None,
     "a UserAgent=b;"),
    ("an empty one", "acceptance", {"ActorInfoString": "Client=OWA;UserAgent=[AppId=1];"}, "Exchange", "Exchange"),
    ("another member that is called so", "acceptance", {"Parameters": f"UserAgent={_BROWSER};"}, "curl/8", "curl/8"),
    ("a text that only speaks of the member", "context", {"Subject": 'the "ActorInfoString" UserAgent=x;'}, "curl/8",
     "curl/8"),
    ("a sign-in, which has one text", "issuance", {"ActorInfoString": "UserAgent=x;"}, _BROWSER, _BROWSER),
    ("nothing else known", "acceptance", None, "curl/8", "curl/8"),
    ("nothing known", "acceptance", {"ResultStatus": "Succeeded"}, None, None),
)


@pytest.mark.parametrize(
    ("leg", "extra", "user_agent", "agent"), [row[1:] for row in _ROWS], ids=[row[0] for row in _ROWS]
)
def test_agents(leg: str, extra: dict[str, str] | None, user_agent: str | None, agent: str | None) -> None:
    """The columns that records have give the agent."""
    text = None if extra is None else json.dumps(extra, ensure_ascii=False)
    record = "SELECT ? AS leg, ?::VARCHAR AS extra, ?::VARCHAR AS user_agent"
    asked = f"SELECT {agent_sql('actor', 'user_agent')} FROM (SELECT {ACTOR} AS actor, user_agent FROM ({record}) e)"  # noqa: S608  # our own names
    assert duckdb.execute(asked, [leg, text, user_agent]).fetchone() == (agent,)
