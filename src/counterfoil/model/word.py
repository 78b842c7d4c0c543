"""Words with all that is known of them, and the sentences that several of them share."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

BLOCK = "Block the signing key at every service that trusts it, or have its issuer do so."
EXPORT_MORE = "Export the missing time and kinds: counterfoil sources explain NAME gives the vendor's steps."
KEEP = "Keep the case folder and the original exports: the manifest holds their SHA-256."
KEEP_LOG = "Keep the log of key uses and the checkpoints that others hold of it, before anybody can alter them."
REACHED = "See what it reached: counterfoil sql CASE \"SELECT * FROM evidence WHERE token_id = 'ID'\""
READ_AGAIN = (
    "Export that log again and hunt with it: counterfoil sql CASE \"SELECT * FROM rejects\" names the broken records."
)
SEE_CONTRADICTED = "counterfoil explain contradicted says what to do."
SEE_FORGED = "counterfoil explain forged says what to do."


class Word(StrEnum):
    """A word of an answer; as text it is its code in tables and JSON.

    It is written as its code, the facts that its class annotates, in their order, and then what to do about it,
    first things first (`act`).
    """

    act: tuple[str, ...]

    def __new__(cls, code: str, *facts: object) -> Self:
        """Return the word with its facts; ValueError if one is missing."""
        word = str.__new__(cls, code)
        word._value_ = code
        names = tuple(cls.__annotations__)
        for name, fact in zip(names, facts[: len(names)], strict=True):
            setattr(word, name, fact)
        word.act = tuple(map(str, facts[len(names) :]))
        return word
