"""Writes block lists: the next one after the last, signed by a key that it does not name, and read back at once.

The number of a list is the time at which it was made, or one more than the last: it rises even where the last was lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from counterfoil.custody.keys import KeyVersion
from counterfoil.custody.publication import jwks
from counterfoil.errors import UsageError
from counterfoil.mint.ledger import decode
from counterfoil.mint.signing import Signing, current_version
from counterfoil.respond.signing import signed
from counterfoil.tlog import note
from counterfoil.tlog.stored import Stored
from counterfoil.tokens import blocklist
from counterfoil.tokens.blocklist import Blocked, BlockList, claims_of
from counterfoil.tokens.entitlement import Entitlement, IssuerPattern
from counterfoil.tokens.keyset import Grant, KeySet, from_document

PURPOSE = "block list"
# Until when a list holds, unless it is said: long enough to renew it by day, short enough that one held back ends.
LASTS_SECONDS = 86_400.0


@dataclass(frozen=True)
class Written:
    """A list as it was signed and read back, and the digests that belong beside it (None: it names none)."""

    text: str
    found: BlockList
    digests: bytes | None


def signers(versions: Sequence[KeyVersion], issuer: str) -> KeySet:
    """Return the keys of a custody as those that sign block lists of an issuer; raises PolicyError."""
    entitled = Entitlement(issuers=((IssuerPattern.of(issuer),),))
    return from_document(jwks(versions).encode(), Grant(entitled), "the custody of the block lists")


def minted_before(
    ledger: Stored, kid: str, cut_off: datetime, key: note.VerifierKey | None = None
) -> bytes:
    """Return the digests of what a ledger says was minted under a key before a moment, sorted, one a line.

    The whole ledger is verified on the way: raises LogTamperedError.
    """
    found: list[str] = []

    def visit(index: int, raw: bytes) -> None:
        counterfoil = decode(raw, index)
        if counterfoil.kid == kid and counterfoil.time < cut_off:
            found.append(counterfoil.digest)

    ledger.verified(visit, key)
    return "".join(f"{digest}\n" for digest in sorted(found)).encode()


def write(
    custody: Signing, key: str, issuer: str, last: BlockList | None, added: Iterable[Blocked], now: datetime, *,
    lasts: float = LASTS_SECONDS, digests: Mapping[str, bytes] | None = None,
) -> Written:
    """Return the next list: what the last one named and what is added, signed by the key of that name in custody.

    `digests`: the digests of good tokens, by thumbprint, of at most one key. Raises UsageError before anything is
    signed if the signing key is itself among the blocked; VerifyError B1 if what was signed is no good list.
    """
    beside = dict(digests or {})
    named = dict(last.by_thumbprint) if last is not None else {}
    for each in added:
        spared = beside.get(each.thumbprint)
        named[each.thumbprint] = Blocked(
            each.kid, each.thumbprint, each.since, each.reason, each.cut_off,
            sha256(spared).hexdigest() if spared is not None else each.digests,
        )
    if len({each.digests for each in named.values() if each.digests}) > 1:
        raise UsageError("one block list comes with one list of digests", hint="leave the cut-off out for this key")
    version = current_version(custody, key, PURPOSE)
    if version.kid in named:
        told = f"the key {key} would sign a list that blocks it"
        raise UsageError(told, hint="sign block lists with a key in another custody, which signs nothing else")
    moment = int(now.timestamp())
    number = max(moment, last.number + 1 if last is not None else 1)
    claims = claims_of(issuer, number, moment, moment + lasts, named.values())
    text = signed(custody, key, blocklist.TYP, claims, PURPOSE)
    found = blocklist.accepted(
        blocklist.read(text.encode(), signers((version,), issuer)), last, now.timestamp()
    )
    return Written(text, found, next(iter(beside.values()), None))
