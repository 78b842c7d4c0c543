"""What all tables of Defender XDR's advanced hunting share: how rows come out, and where a query stops."""

from __future__ import annotations

# Rows at which a query stops. The portal: 10,000 until 2024, 30,000 since (Microsoft's page of advanced hunting's
# limits); the API: 100,000. A file of exactly so many rows is cut off.
ROW_CAPS = frozenset({10_000, 30_000, 100_000})
CAPS = "100,000 rows for a hunting query by API, 30,000 in the portal (10,000 earlier): take short intervals."
RETENTION = "30 days in Defender XDR; as long as the workspace keeps it in Sentinel."
PORTAL = "in the portal: Hunting > Advanced hunting > run the query > Export"
DATES = frozenset({"Timestamp", "TimeGenerated"})


def by_api(table: str) -> str:
    """Return how a day of a table is fetched through Microsoft Graph."""
    return (
        f'POST https://graph.microsoft.com/v1.0/security/runHuntingQuery {{"Query": "{table} | where Timestamp between'
        ' (datetime(2025-09-01) .. datetime(2025-09-02))"}, keep the answer'
    )
