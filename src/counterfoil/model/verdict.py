"""Verdicts, what findings claim, and the claim tuple: each word with all that is known of it.

A verdict is one of a closed set, and `Verdict` lists it in the order in which they are tried: the first that holds
wins. Why it holds is a `reason`, by what a token was forged a `diagnosis`: their texts stand beside them, so that
the program and the docs cannot disagree.
"""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil.model.word import BLOCK, KEEP, REACHED, Word

# How a subject begins of whom a name alone is known, and no id.
NAME_PREFIX = "name:"

# The unit of judgement: the claims that a record carries about its token. NULL parts are unknown.
CLAIM_TUPLE: tuple[str, ...] = (
    "issuer", "token_id", "subject", "token_tenant", "issued_at", "key_id", "signing_input_digest",
)


class Verdict(Word):
    """What the evidence says of one accepted token, first match wins. `why` it may be believed."""

    meaning: str
    why: str

    CONTRADICTED = (
        "contradicted",
        "the record cannot be true: it disagrees with its issuance, or with itself",
        "Only the issuer can set subject, tenant, key and signed bytes of a token. Here they differ from the issuer's"
        " own record of the same id, or cannot hold together. No client, proxy or lost record explains that.",
        "Treat the token as forged. " + BLOCK,
        "Test the service that accepted it: does it bind the key to issuer, tenant and token class?",
        REACHED,
        KEEP,
    )
    TAINTED = (
        "tainted",
        "genuinely issued, but obtained with a token that is forged or was never issued",
        "The issuer did issue this token, but in exchange for one that is forged or that nobody signed in for."
        " Whoever holds such a token can renew it for as long as the exchange accepts it.",
        "Revoke the whole lineage: sessions and refresh tokens of the subject, not this token alone.",
        "Close the exchange to tokens that it issued itself.",
        "Look at the forged or missing ancestor first: counterfoil explain forged.",
        REACHED,
    )
    MINTED = (
        "minted",
        "its issuance is in evidence and agrees",
        "The issuer's record of this token is in evidence and no known claim differs. Without digests an exact copy of"
        " id and claims would pass as well, and so does a genuine token that was stolen.",
        "Nothing, if the use is expected.",
        "If the use is not expected, think of theft: compare address, client and agent with the sign-in.",
    )
    FORGED = (
        "forged",
        "its issuance, or its signature, must be in evidence and is not",
        "The service accepted a token whose issuance must be in the issuer's log, which was declared complete for its"
        " kind and time and was not refuted by measurement. It is not there: nobody issued it. Or (never-signed) the"
        " log of its key's uses, which another party attests, has no signature of these bytes.",
        BLOCK,
        "Ask who could sign with that key: look at its custody log. Without one, assume that the key is out.",
        REACHED,
        "Check the export before you accuse anybody: counterfoil sql CASE \"SELECT * FROM coverage\"",
        KEEP,
    )
    UNLINKABLE = (
        "unlinkable",
        "the time is covered, but nothing in the record tells which issuance is its own",
        "Issuance is covered, but nothing in the record tells which issuance is its own. It is neither cleared nor"
        " accused.",
        "Turn on the fields that carry token ids at that service, and export again.",
        "Read the suspicions: they rank what cannot be judged.",
    )
    UNCOVERED = (
        "uncovered",
        "no evidence of issuance for this issuer, kind and time that could be relied on: cannot tell",
        "No record of issuance that could be relied on covers this issuer, kind and time. An absent record proves"
        " nothing then: real logs lose records.",
        "Export the sign-in logs of all four kinds, from 28 hours before the first acceptance on.",
        "Declare complete what is complete: --complete entra-signin/interactive, and so on.",
        "Read the suspicions: they rank what cannot be judged.",
    )


ACCUSING: frozenset[Verdict] = frozenset({Verdict.CONTRADICTED, Verdict.TAINTED, Verdict.FORGED})
JUDGED: frozenset[Verdict] = ACCUSING | {Verdict.MINTED}


@dataclass(frozen=True)
class Claim:
    """What a finding says: its verdict, how grave and how sure it is, and the techniques of ATT&CK that it shows."""

    verdict: FindingVerdict
    severity: str
    confidence: str
    attack: tuple[str, ...]


class FindingVerdict(Word):
    """What a finding claims. The order is the order of severity.

    The first three facts, and the `next_step`, are those of findings whose rule does not say otherwise.
    """

    severity: str
    confidence: str
    attack: tuple[str, ...]
    noun: str
    next_step: str
    meaning: str
    why: str

    FORGED = (
        "forged", "critical", "high", ("T1606", "T1550.001"), "forged",
        "Find out which key signed them and block it; then see what they reached.",
        Verdict.FORGED.meaning, Verdict.FORGED.why, *Verdict.FORGED.act,
    )
    CONTRADICTED = (
        "contradicted", "critical", "high", ("T1606", "T1550.001"), "contradicted",
        "Block the signing key, and test the service that accepted them.",
        Verdict.CONTRADICTED.meaning, Verdict.CONTRADICTED.why, *Verdict.CONTRADICTED.act,
    )
    TAINTED = (
        "tainted", "critical", "high", ("T1550.001", "T1528"), "laundered",
        "Revoke every token and session of these users, and stop the token exchange from taking forged ones.",
        Verdict.TAINTED.meaning, Verdict.TAINTED.why, *Verdict.TAINTED.act,
    )
    PROBABLY_FORGED = (
        "probably-forged", "high", "medium", ("T1606", "T1550.001"), "probably forged",
        "Export the sign-ins of this time completely and declare them: that decides it.",
        "very likely forged, but the evidence does not convict",
        "Either the miss is far beyond what this log normally loses, or it would convict if its coverage held."
        " The tokens keep their verdict (uncovered or unlinkable); the finding says what would settle it.",
        "Treat it as an intrusion until it is explained: the finding names client, addresses and subjects.",
        "Export what is missing (all sign-in kinds, from 28 hours before), declare it, reconcile again.",
        KEEP,
    )
    SUSPICION = (
        "suspicion", "medium", "low", (), "suspicious", "",
        "unusual enough to look at; neither cleared nor accused",
        "Suspicions rank what cannot be judged by what is new or odd about it: client, address, agent, hours.",
        "Ask the person or the owner of the application.",
        "Export more issuance evidence, so that it can be judged: counterfoil explain uncovered.",
    )

    @property
    def claim(self) -> Claim:
        """What a finding of this verdict says, unless its rule says otherwise."""
        return Claim(self, self.severity, self.confidence, self.attack)


FAIL_ON_DEFAULT: frozenset[FindingVerdict] = frozenset(FindingVerdict) - {FindingVerdict.SUSPICION}
CONVICTING: frozenset[FindingVerdict] = FAIL_ON_DEFAULT - {FindingVerdict.PROBABLY_FORGED}
