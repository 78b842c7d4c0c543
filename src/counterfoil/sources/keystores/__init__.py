"""Logs of key stores of others: who used and who administered signing keys."""
