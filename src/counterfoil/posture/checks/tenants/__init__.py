"""Checks of tenants: what others found, what exports say, and what records prove."""
