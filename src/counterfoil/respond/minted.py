"""Proof that a token was minted before a cut-off, as `Presentation.minted` wants it: inclusion proofs of the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from counterfoil.mint import proofs
from counterfoil.tlog import note


def by_proofs(
    documents: Iterable[bytes], key: note.VerifierKey, kept: bytes | None = None
) -> Callable[[str], float | None]:
    """Return what tells when the counterfoil of a digest (hex) was recorded, of those that these proofs prove.

    `key`: the ledger's, pinned; `kept`: a checkpoint that another party keeps, which the proofs must lead to. Raises
    InputError, LogTamperedError for a proof that does not hold: whoever brings one is told.
    """
    found = [proofs.check(document, key, kept)[0] for document in documents]
    recorded = {counterfoil.digest: counterfoil.time.timestamp() for counterfoil in found}
    return recorded.get
