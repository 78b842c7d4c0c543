"""The counterfoil: what an issuer keeps of a token that it minted. Never the token, never a name in clear."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

LEDGER_LOG, LEDGER_SCHEMA = "counterfoil-ledger", "counterfoil.ledger-entry/1"
CUSTODY_LOG, CUSTODY_SCHEMA = "counterfoil-custody", "counterfoil.custody-entry/1"
# What any other issuer writes of itself: a line for each token, in a log that nothing verifies.
ISSUER_LOG, ISSUANCE_SCHEMA = "issuer-log", "counterfoil.issuance/1"
# Closes an exported log, whichever it is: the signed note (C2SP tlog-checkpoint) of the tree that was exported.
CHECKPOINT_SCHEMA = "counterfoil.log-checkpoint/1"
VERSION = 1
# The `policy` of a counterfoil whose token was made to probe who still accepts a key: nobody used it.
CANARY = "canary"


class Grant(StrEnum):
    """What the issuer gave the token for. Primary ones stand by themselves; secondary ones need a parent."""

    CODE = "authorization_code"
    CLIENT = "client_credentials"
    OTHER = "other"  # primary: whatever else authenticates somebody
    REFRESH = "refresh_token"
    EXCHANGE = "token_exchange"  # RFC 8693, and renewal endpoints of services


SECONDARY: frozenset[Grant] = frozenset({Grant.REFRESH, Grant.EXCHANGE})


class Counterfoil(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One entry of a ledger. Times are UTC; `iat` and `exp` are those of the claims.

    `jti` is empty for a token without one (an ID token): its digest tells which it is.
    `digest`: SHA-256 of the JWS signing input, lower-case hex. `subject`: a pseudonym (`tokens.pseudonym`).
    `parents`: ids of the tokens that were shown to obtain this one. `shape`: how the token was written
    (`tokens.shape`). `counter_key`: id of the key of the counter-signature. Empty texts are unknown.
    """

    v: int = VERSION
    time: datetime
    jti: str
    digest: str
    kid: str
    alg: str
    typ: str = ""
    iss: str
    aud: tuple[str, ...] = ()
    subject: str = ""
    tid: str = ""
    token_class: str = ""
    client: str = ""
    iat: datetime
    exp: datetime
    sid: str = ""
    grant: Grant = Grant.OTHER
    parents: tuple[str, ...] = ()
    policy: str = ""
    shape: str = ""
    counter_key: str = ""
