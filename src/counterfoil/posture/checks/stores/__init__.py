"""Checks of key stores, by their exports."""
