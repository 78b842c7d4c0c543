"""Logs of Azure itself."""
