"""JOSE's ground: base64url, JSON Web Keys with their thumbprints, signature algorithms. Each is written here, once.

Strict verification of what is made of them is in `tokens/`; keys that sign are in `custody/`.
"""
