"""Names of Microsoft's own applications, for people who read reports. Never an allow-list.

The application id in a record is a claim that whoever made the token wrote: a forged token bears a well-known
one on purpose (the intruder of 2023 did). A name tells what the record says, not that Microsoft did it. Rules ask it
one thing alone: in which log the issuance of an app-only token of that id would stand (rule 4.1).

The names are data, in `first_party.tsv`: id, name, and where the name is from (a key of SOURCES).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

# Where the names are from, as of which date, and under which licence. Where both name one, the first one counts.
SOURCES: Mapping[str, str] = {
    "learn": (
        "Microsoft Learn, Verify first-party Microsoft applications in sign-in reports"
        " (learn.microsoft.com/troubleshoot/azure/active-directory/verify-first-party-apps-sign-in), 2022, CC BY 4.0"
    ),
    "roadtools": "ROADtools (github.com/dirkjanm/ROADtools), roadtx 1.22.1, firstpartyscopes.json, 2026-08-05, MIT",
    "tenants": (
        "service principals of applicationOwnerOrganizationId Microsoft in tenants' own lists, as several people"
        " published them (among them github.com/merill/microsoft-info, customdata, 2026, MIT)"
    ),
}


@cache
def names() -> Mapping[str, str]:
    """Return the name of each known application by its id (a GUID in lower case)."""
    text = files("counterfoil.model").joinpath("first_party.tsv").read_text(encoding="utf-8")
    return {client: name for client, name, _ in (line.split("\t") for line in text.splitlines())}


def name(client_id: str | None) -> str | None:
    """Return the name of the application of that id in any case, None if it is not among the known ones.

    >>> name("00000003-0000-0000-C000-000000000000")
    'Microsoft Graph'
    """
    return names().get(client_id.lower()) if client_id else None
