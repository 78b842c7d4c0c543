"""Posture: is an issuer, a key store or a tenant as hardened as it should be? Checks, each one file."""
