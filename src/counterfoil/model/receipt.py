"""The receipt: what a relying party keeps of a token that it accepted or refused. Values only; never the token.

The list of fields is the one that the world lacked in 2023: with `kid` and `digest` in it, an issuer can tell a token
that it never signed.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

RECEIPTS_LOG, RECEIPT_SCHEMA = "counterfoil-receipts", "counterfoil.receipt/1"


class Signature(StrEnum):
    """What is known of the token's signature."""

    VERIFIED = "verified"  # by the key of the receipt's kid
    FAILED = "failed"
    UNCHECKED = "unchecked"  # refused before it was tried, or by a validator that does not try


class Receipt(
    msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="schema", tag=RECEIPT_SCHEMA
):
    """One presentation of a token. Times are UTC; `iat` and `exp` are those of the claims. Empty texts are unknown.

    What a refused token says is a claim of whoever made it; of a token that could not be taken apart only the time,
    place and reason are known. `outcome`: accepted or refused; `code` and `rule` say why it was refused. `subject`: a
    pseudonym (`tokens.pseudonym`). `emitter` and `seq`: a running number for each process that emits, from 1, so that
    lost receipts show; `dropped`: how many it had to drop so far; `sample`: the share of accepted tokens that leave
    one. `checks`: the rules that the token passed. `renewal`: presented where tokens are renewed or exchanged.
    `shape`: how it was written (`tokens.shape`).
    """

    time: datetime
    rp: str
    outcome: str
    code: str = ""
    rule: str = ""
    signature: Signature = Signature.UNCHECKED
    flow: str = ""
    method: str = ""
    endpoint: str = ""
    kid: str = ""
    x5t: str = ""
    alg: str = ""
    typ: str = ""
    iss: str = ""
    aud: tuple[str, ...] = ()
    tid: str = ""
    subject: str = ""
    token_class: str = ""
    client: str = ""
    jti: str = ""
    sid: str = ""
    root_jti: str = ""
    iat: datetime | None = None
    exp: datetime | None = None
    jkt: str = ""  # cnf.jkt: thumbprint of the sender's key
    ip: str = ""
    user_agent: str = ""
    checks: tuple[str, ...] = ()
    digest: str = ""
    shape: str = ""
    counter_key: str = ""
    renewal: bool = False
    emitter: str = ""
    seq: int = 0
    dropped: int = 0
    sample: float = 1.0


ACCEPTED, REFUSED = "accepted", "refused"
