"""Ingests and judges a case, step by step: read, map, reconcile."""
