"""Mail was read by someone who shortly before gave an application new credentials or permissions."""

from __future__ import annotations

from counterfoil.detect.rule import Rule, Tables
from counterfoil.expressions import ir

WITHIN_SECONDS = 24 * 3600
CHANGES = (
    "(?i)^(update application|add service principal credentials|add delegated permission grant"
    "|add app role assignment|consent to application|add oauth2permissiongrant)"
)


def _find(tables: Tables) -> ir.Table:
    records = tables.records
    changes = records.filter(records.operation.re_search(CHANGES))
    changed = changes.select(name=changes.subject_name, changed=changes.event_time.epoch_seconds())
    suspects = tables.suspects.filter(tables.suspects.object_kind == "mailbox")
    return suspects.semi_join(
        changed,
        [
            suspects.subject_name == changed.name,
            changed.changed <= suspects.t_last,
            changed.changed >= suspects.t_first - WITHIN_SECONDS,
        ],
    ).select("token_key")


RULE = Rule(
    id="app-changed-before",
    title="mail was read within a day of the same user changing an application's credentials or permissions",
    weight=2.0,
    severity="medium",
    confidence="low",
    audience="tenant",
    attack=("T1098.001", "T1098.003"),
    references=("CSRB, Review of the Summer 2023 Microsoft Exchange Online Intrusion, 2024-03-20",),
    why="An intruder with a forged session often gives an application a secret and mail permissions, then reads "
    "through it.",
    innocent="Administrators who set up applications look the same.",
    needs="the Entra audit log, or that of Microsoft 365",
    blind="changes by another account than the reader's",
    next_step="Ask the user whether they made the change; look at the application's new credentials and permissions.",
    find=_find,
)
