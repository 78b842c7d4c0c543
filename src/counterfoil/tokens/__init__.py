"""Strict verification of JWS, JWT and SAML tokens: keys, policy and the time come in, verified claims come out.

Not here: network, disk, clock. What fetches key sets and status lists is in `relying/`; files are read by `config`.
docs/reference/verification.md has the plan in numbered steps.
"""
