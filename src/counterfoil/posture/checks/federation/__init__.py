"""Checks of federation servers (AD FS)."""
