"""Files that collecting tools write beside the logs: settings, summaries, their own messages. Data, with reasons.

They are listed as unread, with a reason that says what they are: an analyst who gives a whole output folder must see
that nothing of it was overlooked, and that none of it is an error. What is a log is read, whatever the tool called
it: a source that recognises a file comes first. Which files the tools write is from their public sources:
- Hawk (github.com/T0pCyber/hawk): Out-MultipleFileType, Out-LogFile, Get-SimpleUnifiedAuditLog.
- Microsoft-Extractor-Suite (github.com/invictus-ir/Microsoft-Extractor-Suite): Init-OutputDir and its cmdlets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from counterfoil.model.hunt import BYPRODUCT


@dataclass(frozen=True)
class Shape:
    """A by-product that is known by its columns or members: it has all of these, and none of `without`."""

    members: frozenset[str]
    of: str
    without: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Place:
    """A file that is known by its path, with `/` between the parts; the first that matches counts.

    `beside`: it is a by-product of what `of` names; else `of` says why it is not read.
    """

    path: re.Pattern[str]
    of: str
    beside: bool = True


_HAWK = "Hawk, not a log: "
MAIL = "mail that Microsoft-Extractor-Suite exported: messages are kept by whoever exported them, and not read here"

SHAPES: tuple[Shape, ...] = (
    Shape(
        frozenset({"AuditId", "AuditCreationTime", "FullCommand"}),
        _HAWK + "its summary of audit records (Simple_, _Investigate_); read the file of the same name without that",
    ),
    Shape(
        frozenset({"CreatedDateTime", "AppDisplayName", "UserPrincipalName", "Status", "Location"}),
        "Export-Csv, not a log: it lost the status of the sign-ins; take the JSON (Hawk writes one beside it)",
        frozenset({"TimeGenerated"}),
    ),
    Shape(
        frozenset({"ActivityDateTime", "ActivityDisplayName", "InitiatedBy", "TargetResources"}),
        "Export-Csv, not a log: it lost who made the changes; take the JSON (Hawk writes one beside it)",
        frozenset({"TimeGenerated"}),
    ),
    Shape(
        frozenset({"Request ID", "Authentication method"}),
        "the Entra admin center: authentication details of sign-ins that another file of the download holds",
    ),
)

_IN_HAWK = r"(?:^|/)Hawk_[^/]+_\d{8}_\d{6}/"
_IN_SUITE = r"(?:^|/)Output/(?:[^/]+/){0,2}"
PLACES: tuple[Place, ...] = (
    Place(re.compile(r"(?:^|/)Hawk\.log$"), _HAWK + "messages of its own run"),
    Place(re.compile(_IN_HAWK + r".*_Investigate[^/]*$"), _HAWK + "what it singled out of its other files"),
    Place(re.compile(_IN_HAWK + r"(?:.*/)?XML/[^/]+\.xml$"), _HAWK + "objects that its JSON or CSV holds as well"),
    Place(re.compile(_IN_HAWK + r".*[^/]\.(?:csv|json|txt|xml|html?|xlsx)$"), _HAWK + "settings or a summary"),
    Place(re.compile(_IN_SUITE + r"Email ?Export/"), MAIL, beside=False),
    Place(re.compile(r"(?:interactive)?signins[^/]*authdetails[^/]*$", re.IGNORECASE), SHAPES[-1].of),
)


def by_shape(names: Iterable[str]) -> str:
    """Return why a file of these columns or members is not read, empty if it is no known by-product."""
    found = frozenset(names)
    fits = (shape for shape in SHAPES if shape.members <= found and not shape.without & found)
    return next((_reason(shape.of) for shape in fits), "")


def by_place(path: str) -> str:
    """Return why the file at that path is not read, empty if nothing is known of it."""
    plain = path.replace("\\", "/")
    found = (place for place in PLACES if place.path.search(plain))
    return next((_reason(place.of) if place.beside else place.of for place in found), "")


def _reason(of: str) -> str:
    return f"{BYPRODUCT} of {of}"


def members(record: object) -> Iterable[str]:
    """Return the names of a record's members; none if it is no object."""
    return (str(name) for name in record) if isinstance(record, Mapping) else ()
