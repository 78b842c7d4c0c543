"""A small estate of real processes on loopback: issuer, services, users, and attackers."""
