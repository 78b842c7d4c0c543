"""What all tables of Log Analytics and Microsoft Sentinel share: the portal's export and the limits of a query."""

from __future__ import annotations

PORTAL_EXPORT = (
    "in the portal: Logs > run the query with all columns > Export > CSV (all columns), with UTC as display time zone"
)
# Azure Monitor service limits (learn.microsoft.com/azure/azure-monitor/service-limits): a query by API returns 500,000
# rows and 100 MB at most. The same page gave 10,000 rows for the portal until 2021, then 30,000, and 500,000 today.
ROW_CAPS = frozenset({10_000, 30_000, 500_000})
CAPS = "a query returns at most 500,000 rows or 100 MB; older portals 30,000 or 10,000 rows."
