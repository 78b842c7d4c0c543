"""What all tables of Log Analytics and Microsoft Sentinel share: the portal's export and the limits of a query."""

from __future__ import annotations

PORTAL_EXPORT = (
    "in the portal: Logs > run the query with all columns > Export > CSV (all columns), with UTC as display time zone"
)
# Azure Monitor service limits (learn.microsoft.com/azure/azure-monitor/service-limits): 500,000 rows and 100 MB for a
# query by API; the portal shows 30,000.
ROW_CAPS = frozenset({30_000, 500_000})
CAPS = "a query returns at most 500,000 rows or 100 MB (30,000 rows in the portal)."
