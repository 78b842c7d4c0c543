"""Names that `leaks` and the sources share: of findings kept in a case, and of decoys left somewhere."""

from __future__ import annotations

LEAKS_LOG, LEAKS_SCHEMA = "counterfoil-leaks", "counterfoil.leaks-evidence/1"
KEY_KINDS, TOKEN_KIND = frozenset({"known-key", "token-secret", "private-key"}), "token"

DECOYS_LOG, DECOYS_SCHEMA = "counterfoil-decoys", "counterfoil.decoys/1"
