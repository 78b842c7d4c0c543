"""Block lists: which keys are out, by the word of whom the policy pins for it. Pure (docs/reference/block-lists.md).

A list is a JWS in compact form. What makes it safe to fetch from anywhere: only pinned keys sign it, none that it names
or that an earlier list named; its number only rises; and it ends, so that whoever holds it back gains a while at most.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import msgspec

from counterfoil.errors import VerifyError
from counterfoil.tokens import jws, rules
from counterfoil.tokens.encoding import from_translated, json_object, numeric_date
from counterfoil.tokens.entitlement import VERIFYING, Entitlement, KeyState
from counterfoil.tokens.keyset import Key, KeySet
from counterfoil.tokens.limits import MAX_BLOCK_LIFE, MAX_BLOCK_LIST_BYTES, MAX_BLOCKED, MAX_DIGESTS_BYTES, MAX_LEEWAY
from counterfoil.tokens.rules import quoted, refused, when

TYP = "key-blocks+jwt"
CLASS = "block-list"
MAX_REASON = 256
# The list of digests of a block list has its name, or its address, and this.
DIGESTS_SUFFIX = ".digests"
_HEX = re.compile(r"[0-9a-f]{64}")
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")


class Blocked(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename={"thumbprint": "jkt"}
):
    """A key that must not be believed. Times are Unix seconds; `thumbprint` (RFC 7638) decides, `kid` is for people.

    `since`: from when nobody knows who signs with it; for people, too, since a forger writes any `iat`. `cut_off`:
    tokens that their counterfoils prove to be minted before it are still good; None: none is. `digests`: SHA-256 (hex)
    of the list of such tokens' digests that comes with the block list; "" for none.
    """

    kid: str
    thumbprint: str
    since: float
    reason: str
    cut_off: float | None = None
    digests: str = ""


class _Claims(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    iss: str
    iat: float
    exp: float
    seq: int
    blocked: tuple[Blocked, ...]


@dataclass(frozen=True)
class BlockList:
    """A list whose signature, signer and form are good. It holds until `until`. `digest`: of what was signed."""

    issuer: str
    number: int
    issued: float
    until: float
    blocked: tuple[Blocked, ...]
    signer: str
    digest: bytes

    @property
    def by_thumbprint(self) -> Mapping[str, Blocked]:
        """The blocked keys."""
        return {each.thumbprint: each for each in self.blocked}


def claims_of(issuer: str, number: int, issued: float, until: float, blocked: Iterable[Blocked]) -> dict[str, Any]:
    """Return the claims of a list."""
    said = _Claims(issuer, issued, until, number, tuple(blocked))
    told: dict[str, Any] = msgspec.to_builtins(said)
    return told


def read(raw: bytes, signers: KeySet) -> BlockList:
    """Return a list that one of these keys signed; raises VerifyError B1 for anything else. Looks at no clock."""
    try:
        parts = jws.compact(raw, MAX_BLOCK_LIST_BYTES)
        known = jws.known_header(parts, signers)
        digest = jws.signed(parts, known.check, known.key.id)
        said = json_object(from_translated(parts.payload, "the claims"), "the claims")
    except VerifyError as error:
        told = f"signed, {error.rule} {error.check}"
        raise refused(rules.BLOCK_LIST, told, error.expected, error.got) from error
    if known.header.get("typ") != TYP:
        raise refused(rules.BLOCK_LIST, "typ", f"typ {TYP}", quoted(known.header.get("typ")))
    try:
        claims = msgspec.convert(said, _Claims)
    except msgspec.ValidationError as error:
        raise refused(rules.BLOCK_LIST, "form", "the claims of a block list", str(error)[:200]) from error
    _check_form(claims)
    if known.key.entitlement.forbids_issuer(claims.iss, None) is not None:
        raise refused(rules.BLOCK_LIST, "issuer", "an issuer that this key may sign lists for", quoted(claims.iss))
    found = BlockList(
        claims.iss, claims.seq, claims.iat, claims.exp, claims.blocked, known.key.jwk.thumbprint, digest
    )
    if known.key.entitlement.state not in VERIFYING or found.signer in found.by_thumbprint:
        raise refused(rules.BLOCK_LIST, "signer", "a list signed by a key that is not blocked", quoted(known.key.id))
    return found


def accepted(found: BlockList, held: BlockList | None, at: float) -> BlockList:
    """Return the list to go by now: the one that was found, if it holds and none that is held is newer.

    Raises VerifyError B1 for a list that has ended, or is not begun; whose number is lower than that of the list held;
    that has its number and says something else; or that is signed by a key which the list held blocks.
    """
    if not found.issued <= at + MAX_LEEWAY:
        raise refused(rules.BLOCK_LIST, "issued", f"a list of {when(at)} or before", when(found.issued))
    if not at < found.until:
        raise refused(rules.BLOCK_LIST, "until", f"a list that holds at {when(at)}", f"one until {when(found.until)}")
    if held is None:
        return found
    if found.number < held.number:
        raise refused(rules.BLOCK_LIST, "number", f"number {held.number} or higher", str(found.number))
    if found.number == held.number and found.digest != held.digest:
        raise refused(rules.BLOCK_LIST, "number", f"one list with the number {held.number}", "another with it")
    if found.signer in held.by_thumbprint:
        raise refused(rules.BLOCK_LIST, "signer", "a list signed by a key that is not blocked", quoted(found.signer))
    return found


def digests_of(raw: bytes, expected: str) -> frozenset[bytes]:
    """Return the token digests of a list that comes with a block list, one in hex a line; raises VerifyError B1.

    `expected`: the SHA-256 that the block list says it has.
    """
    if len(raw) > MAX_DIGESTS_BYTES or sha256(raw).hexdigest() != expected:
        raise refused(rules.BLOCK_LIST, "digests", "the list of digests that the block list names", "another")
    lines = raw.decode("ascii", "replace").splitlines()
    if not all(map(_HEX.fullmatch, lines)):
        raise refused(rules.BLOCK_LIST, "digests", "a SHA-256 in hex in each line", "something else")
    return frozenset(map(bytes.fromhex, lines))


def blocking(keys: KeySet, found: BlockList, minted: Mapping[str, frozenset[bytes]]) -> KeySet:
    """Return the keys, those that the list names as blocked. `minted`: digests of good tokens, by key thumbprint."""
    named = found.by_thumbprint

    def entitled(key: Key) -> Entitlement:
        blocked = named.get(key.jwk.thumbprint)
        if blocked is None:
            return key.entitlement
        # what the policy itself blocks or retires has no good tokens, whatever the list says
        spared = key.entitlement.state in VERIFYING and blocked.cut_off is not None
        return replace(
            key.entitlement, state=KeyState.BLOCKED, why=f"blocked since {when(blocked.since)}: {blocked.reason}",
            cut_off=blocked.cut_off if spared else None,
            minted=minted.get(blocked.thumbprint, frozenset()) if spared else frozenset(),
        )

    return keys.entitled(entitled)


def _check_form(claims: _Claims) -> None:
    times = (claims.iat, claims.exp, *(each.since for each in claims.blocked))
    if any(numeric_date(moment) is None for moment in times):
        raise refused(rules.BLOCK_LIST, "form", "times in Unix seconds", "another number")
    if not 0 < claims.exp - claims.iat <= MAX_BLOCK_LIFE:
        raise refused(rules.BLOCK_LIST, "until", f"a list that holds {MAX_BLOCK_LIFE} seconds at most", "another")
    if claims.seq < 1:
        raise refused(rules.BLOCK_LIST, "number", "a number from 1 on", str(claims.seq))
    if len(claims.blocked) > MAX_BLOCKED or len({each.thumbprint for each in claims.blocked}) < len(claims.blocked):
        raise refused(rules.BLOCK_LIST, "form", f"at most {MAX_BLOCKED} keys, each once", "another list")
    for each in claims.blocked:
        if not _THUMBPRINT.fullmatch(each.thumbprint):
            raise refused(rules.BLOCK_LIST, "jkt", "an RFC 7638 thumbprint (SHA-256)", quoted(each.thumbprint))
        if len(each.reason) > MAX_REASON or not each.reason.isprintable():
            raise refused(rules.BLOCK_LIST, "reason", f"one line of at most {MAX_REASON} characters", "another text")
        if each.digests and not _HEX.fullmatch(each.digests):
            raise refused(rules.BLOCK_LIST, "digests", "a SHA-256 in hex", quoted(each.digests))
