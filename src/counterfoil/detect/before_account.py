"""The token says that it was issued before its user's account was made."""

from __future__ import annotations

from counterfoil.detect.rule import Rule, Tables
from counterfoil.expressions import ir

# As Entra and Microsoft 365 write it, with and without the full stop.
_MADE = ("Add user", "Add user.")
# Entra writes the issued-at 300 s before the sign-in; clocks differ.
SLACK_SECONDS = 600


def _find(tables: Tables) -> ir.Table:
    records = tables.records
    added = records.filter(
        records.operation.isin(_MADE), records.object_kind == "directory", records.object_id.notnull(),
        records.event_time.notnull(),
    )
    made = added.group_by(subject=added.object_id).agg(
        made=added.event_time.max().truncate("s").epoch_seconds().cast("int64")
    )
    suspects = tables.suspects.filter(tables.suspects.t_issued.notnull(), tables.suspects.subject.notnull())
    met = suspects.join(made, "subject")
    return met.filter(met.t_issued < met.made - SLACK_SECONDS).select("token_key")


RULE = Rule(
    id="issued-before-account",
    title="a token that says that it was issued before its user's account was made",
    weight=3.0,
    severity="high",
    confidence="medium",
    audience="tenant",
    attack=("T1606",),
    references=("learn.microsoft.com, linkable token identifiers in Microsoft Entra: IssuedAtTime",),
    why="Nobody signs in to an account that does not exist yet. Who forges chooses the issued-at, and rarely looks up "
    "when the account was made.",
    innocent="An account that was deleted and restored by a tool that writes a new one down looks the same.",
    needs="the Entra audit log, or that of Microsoft 365, with the making of the account, and records with the "
    "token's issued-at",
    blind="accounts that are older than the log",
    next_step="Look at the account's making in the audit log, and at all tokens of this client.",
    find=_find,
)
