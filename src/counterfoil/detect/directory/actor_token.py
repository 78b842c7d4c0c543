"""A change in the directory that is said to be of a service of Microsoft, and of a person at once."""

from __future__ import annotations

from counterfoil.detect.directory._changes import told
from counterfoil.detect.rule import ChangeRule
from counterfoil.expressions import ir

# What services are called that act for people with tokens that nobody signs.
_SERVICES = (
    r'"initiator":"(Office 365 Exchange Online|Skype for Business Online|Dataverse|Office 365 SharePoint Online'
    r'|Microsoft Dynamics ERP)"'
)
# What these services do on people's behalf: groups of Microsoft 365, and a setting that they switch themselves.
_LAWFUL = r"(?i)group|^set directory feature on tenant"


def _find(records: ir.Table) -> ir.Table:
    return told(records.filter(
        records.extra.re_search(_SERVICES), records.subject_name.contains("@"),
        ~records.operation.re_search(_LAWFUL),
    ), "people change the directory under their own name")


CHANGE_RULE = ChangeRule(
    id="actor-token",
    title="a change in the directory under the name of a service, for a person",
    severity="high",
    confidence="medium",
    audience="tenant",
    attack=("T1550.001", "T1078.004"),
    references=(
        "CVE-2025-55241; dirkjanm.io, One Token to rule them all, 2025-09-17",
        "elastic/detection-rules: Entra ID actor token user impersonation abuse",
    ),
    why="Actor tokens let services of Microsoft act for anybody, and until September 2025 those of one tenant were "
    "taken in any other: nobody signs the person's half. A change made so bears the service's name and the person's.",
    innocent="A migration, or a new feature of such a service, looks the same.",
    needs="the Entra audit log with the initiator's display name",
    blind="what was read with such tokens: that leaves no record",
    next_step="Ask the person; undo the change, and look for what else was done in that minute.",
    find=_find,
)
