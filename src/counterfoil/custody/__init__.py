"""Custody of signing keys: key stores in which every use of a key is recorded before its signature is released.

`keys` holds the values, `drivers` the back-ends (one file each), `store` the key store over one of them, `audit` what a
record says, `custody` the two together, `signer` and `client` the same over a Unix socket, `auditor` the verification.
"""
