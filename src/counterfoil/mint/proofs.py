"""Proofs about a ledger that its reader need not believe: that a token was minted, and what a window counts.

A proof is a JSON document: the counterfoil, its place, the audit path, and the signed checkpoint that it leads to. With
the log's public key anybody can check it; with a checkpoint that another party keeps, also that the issuer has not made
it for him alone.
"""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Callable
from datetime import datetime

import msgspec

from counterfoil.errors import InputError, LogTamperedError, UsageError
from counterfoil.mint.ledger import decode
from counterfoil.model.counterfoil import Counterfoil
from counterfoil.model.unique import duplicate_in
from counterfoil.tlog import note
from counterfoil.tlog.checkpoint import Checkpoint, opened
from counterfoil.tlog.merkle import MAX_PROOF, inclusion_proof, leaf_hash, verify_inclusion
from counterfoil.tlog.replay import hold_to
from counterfoil.tlog.stored import Stored

PROOF_SCHEMA = "counterfoil.mint-proof/1"
MAX_PROOF_BYTES = 256 * 1024
# Counterfoils of one token id that a ledger may hold: a retried mint makes a second one, not more.
MAX_SAME = 100


class Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A proof as it is written. `path`: hashes in base64, the lowest first; `checkpoint`: a signed note."""

    schema: str
    log: str
    index: int
    entry: msgspec.Raw
    path: tuple[str, ...]
    checkpoint: str


def prove(ledger: Stored, token_id: str, kept: bytes | None = None) -> tuple[bytes, ...]:
    """Return a proof for each counterfoil of a token id (or digest), as JSON; none if the ledger holds none.

    `kept`: a signed checkpoint to prove against, as another party keeps it; else the ledger's head. The whole ledger is
    verified on the way. Raises LogTamperedError, UsageError if the counterfoil is younger than that checkpoint.
    """
    found: list[tuple[int, bytes]] = []

    def visit(index: int, raw: bytes) -> None:
        counterfoil = decode(raw, index)
        if token_id in (counterfoil.jti, counterfoil.digest) and len(found) < MAX_SAME:
            found.append((index, raw))

    whole = ledger.verified(visit)
    head, size = whole.head, whole.size
    if kept is not None:
        checkpoint, head = opened(kept, whole.key)
        hold_to(whole.view, checkpoint, "the checkpoint")
        size = checkpoint.size
    made: list[bytes] = []
    for index, raw in found:
        if index >= size:
            raise UsageError(f"entry {index} is younger than a checkpoint of {size}", hint="take a later checkpoint")
        path = tuple(base64.b64encode(step).decode() for step in inclusion_proof(index, size, whole.view.subtree))
        proof = Proof(PROOF_SCHEMA, whole.key.name, index, msgspec.Raw(raw), path, head.render())
        made.append(msgspec.json.encode(proof) + b"\n")
    return tuple(made)


def check(document: bytes, key: note.VerifierKey, kept: bytes | None = None) -> tuple[Counterfoil, Checkpoint]:
    """Return the counterfoil that a proof proves, and the checkpoint that it leads to; needs nothing but the two.

    `kept`: a checkpoint from somebody else, which must be the one that the proof leads to. Raises InputError for what
    is no proof, LogTamperedError for one that does not hold.
    """
    proof = _read(document)
    checkpoint, _ = opened(proof.checkpoint.encode(), key)
    if proof.log != key.name:
        raise LogTamperedError(f"proof: it is of the log {proof.log[:80]!r}, the key of {key.name}")
    if kept is not None:
        other, _ = opened(kept, key)
        if other != checkpoint:
            raise LogTamperedError(
                f"proof: it leads to a checkpoint of {checkpoint.size} entries, not to the one kept, of {other.size}",
                hint="ask for a proof against the checkpoint that is kept; if there is none, the ledger was rewritten",
            )
    raw = bytes(proof.entry)
    try:
        path = [base64.b64decode(step, validate=True) for step in proof.path]
    except (binascii.Error, ValueError) as error:
        raise InputError("proof: its path is not base64") from error
    verify_inclusion(leaf_hash(raw), proof.index, checkpoint.size, path, checkpoint.root)
    return decode(raw, proof.index), checkpoint


def count(ledger: Stored, wanted: Callable[[Counterfoil], bool]) -> Counter[tuple[str, str, str]]:
    """Return how many counterfoils are wanted, by issuer, key and grant; the whole ledger is verified on the way."""
    groups: Counter[tuple[str, str, str]] = Counter()

    def visit(index: int, raw: bytes) -> None:
        counterfoil = decode(raw, index)
        if wanted(counterfoil):
            groups[counterfoil.iss, counterfoil.kid, str(counterfoil.grant)] += 1

    ledger.verified(visit)
    return groups


def within(start: datetime | None, end: datetime | None, issuer: str, kid: str) -> Callable[[Counterfoil], bool]:
    """Return what tells whether a counterfoil was minted from `start` on and before `end` (UTC, without zone)."""

    def wanted(counterfoil: Counterfoil) -> bool:
        when = counterfoil.time.replace(tzinfo=None)
        return (
            (start is None or when >= start)
            and (end is None or when < end)
            and issuer in ("", counterfoil.iss)
            and kid in ("", counterfoil.kid)
        )

    return wanted


def _read(document: bytes) -> Proof:
    if len(document) > MAX_PROOF_BYTES:
        raise InputError(f"proof: longer than {MAX_PROOF_BYTES} bytes")
    try:
        proof = msgspec.json.decode(document, type=Proof)
        twice = duplicate_in(document)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InputError(f"proof: {error}", hint="counterfoil ledger prove writes one") from error
    if twice is not None:
        raise InputError(f"proof: it has {twice[:80]!r} twice", hint="counterfoil ledger prove writes each once")
    if proof.schema != PROOF_SCHEMA or len(proof.path) > MAX_PROOF:
        raise InputError(f"proof: expected {PROOF_SCHEMA}, got {proof.schema[:80]!r}")
    return proof
