"""Checks of issuers: their metadata and the history of their key sets."""
