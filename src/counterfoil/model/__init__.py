"""Frozen values that every other floor speaks in: schema, token ids, verdicts, findings, coverage."""
