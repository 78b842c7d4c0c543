"""Bounds on what is untrusted. Reached bounds refuse the token (`token-too-large`); nothing is cut short."""

from __future__ import annotations

# A compact token. Web servers take 8 to 16 KiB of headers (nginx large_client_header_buffers, Apache
# LimitRequestFieldSize, IIS MaxFieldLength), so that no longer one arrives in a request.
MAX_TOKEN_BYTES = 16 * 1024
# A status list token: a million statuses of one bit, incompressible, in base64url twice (RFC-to-be
# draft-ietf-oauth-status-list, section 12.5 on size).
MAX_STATUS_LIST_BYTES = 512 * 1024
# The same after decompression: eight million statuses of one bit. A bound against decompression bombs.
MAX_STATUS_LIST_INFLATED = 1024 * 1024
# A decoded JOSE header. The largest genuine one is a DPoP proof with an RSA-4096 key: about 900 bytes.
MAX_HEADER_BYTES = 4 * 1024
# Objects and arrays inside each other, the outermost included. RFC 8693 actor chains are the deepest in use.
MAX_DEPTH = 8
# Members and elements in a whole header or claims set. Entra ID writes at most 200 groups into a JWT.
MAX_MEMBERS = 1_024
# A JWKS document and the keys in it. Large providers publish under 20 keys, x5c included.
MAX_JWKS_BYTES = 1024 * 1024
MAX_KEYS = 256
# A policy file.
MAX_POLICY_BYTES = 1024 * 1024
# 9999-12-31T23:59:59Z, the last moment that most systems can represent. RFC 7519 gives no bound.
MAX_NUMERIC_DATE = 253_402_300_799
# Clock skew. RFC 7519, 4.1.4: "usually no more than a few minutes".
MAX_LEEWAY = 300
# The longest lifetime a policy may allow: 28 hours, Entra's tokens under continuous access evaluation. NIST IR 8587
# asks for an hour.
MAX_LIFETIME = 28 * 3600
# How old a DPoP proof may be at most (RFC 9449, 11.1: "relatively brief period", seconds or minutes).
MAX_PROOF_AGE = 300
# Actors behind each other in an `act` claim (RFC 8693, 4.1).
MAX_ACTORS = 4
# A SAML response or assertion.
MAX_ASSERTION_BYTES = 256 * 1024
# Attributes and namespaces of one element of it, and levels: issuers write under ten of each.
MAX_XML_ATTRIBUTES = 32
MAX_XML_DEPTH = 32
# Keys of one issuer that a SAML signature is tried with: a current, a next and previous ones.
MAX_CANDIDATE_KEYS = 16
# A block list, and the keys that it names: an issuer has few, and whoever lost so many takes new ones throughout.
MAX_BLOCK_LIST_BYTES = 128 * 1024
MAX_BLOCKED = 256
# For how long one may hold, in seconds. The shorter, the sooner one that is held back ends.
MAX_BLOCK_LIFE = 7 * 86_400
# The digests of good tokens that come with it: a million of them, in hex.
MAX_DIGESTS_BYTES = 65 * 1_000_000
# Headers of tokens that verified, which are not parsed again.
MAX_CACHED_HEADERS = 256
# Issuer, tenant and audiences that were allowed under one of them, which are not held against the policy again.
MAX_CACHED_REALMS = 1_024
# Status lists that verified, which are not verified again: up to a MiB and a half each.
MAX_CACHED_LISTS = 16
# What an error quotes of a token's value.
MAX_QUOTED = 80
