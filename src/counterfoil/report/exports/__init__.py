"""Formats of intrusions: every module of this folder but the registry is one."""
