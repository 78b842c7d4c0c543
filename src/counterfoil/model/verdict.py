"""Verdicts, reasons and the claim tuple: the words of every answer.

A verdict is one of a closed set, and `Verdict` lists it in the order in which they are tried: the first
that holds wins. A reason is a machine-readable code that says why; `counterfoil explain CODE` tells it in
words (the texts are here, so that the program and the docs cannot disagree).
"""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """What the evidence says of one accepted token, first match wins."""

    CONTRADICTED = "contradicted"
    TAINTED = "tainted"
    MINTED = "minted"
    FORGED = "forged"
    UNLINKABLE = "unlinkable"
    UNCOVERED = "uncovered"


ACCUSING: frozenset[Verdict] = frozenset({Verdict.CONTRADICTED, Verdict.TAINTED, Verdict.FORGED})
JUDGED: frozenset[Verdict] = ACCUSING | {Verdict.MINTED}

# How a subject begins of whom a name alone is known, and no id.
NAME_PREFIX = "name:"

# The unit of judgement: the claims that a record carries about its token. NULL parts are unknown.
CLAIM_TUPLE: tuple[str, ...] = (
    "issuer",
    "token_id",
    "subject",
    "token_tenant",
    "issued_at",
    "key_id",
    "signing_input_digest",
)

MEANING: dict[Verdict, str] = {
    Verdict.CONTRADICTED: "the record cannot be true: it disagrees with its issuance, or with itself",
    Verdict.TAINTED: "genuinely issued, but obtained with a token that is forged or was never issued",
    Verdict.MINTED: "its issuance is in evidence and agrees",
    Verdict.FORGED: "its issuance, or its signature, must be in evidence and is not",
    Verdict.UNLINKABLE: "the time is covered, but nothing in the record tells which issuance is its own",
    Verdict.UNCOVERED: "no evidence of issuance for this issuer, kind and time that could be relied on: cannot tell",
}


class Reason(StrEnum):
    """Why a token has its verdict. The value is the code in tables and JSON."""

    # contradicted
    SUBJECT_DIFFERS = "subject-differs"
    TENANT_DIFFERS = "tenant-differs"
    CLASS_DIFFERS = "class-differs"
    CLIENT_DIFFERS = "client-differs"
    KEY_DIFFERS = "key-differs"
    DIGEST_DIFFERS = "digest-differs"
    ISSUED_AT_DIFFERS = "issued-at-differs"
    CONSUMER_REALM = "consumer-realm-at-organisation"
    KEY_NOT_ENTITLED = "key-not-entitled"
    NOT_SIGNED_IN_CUSTODY = "not-signed-in-custody"
    # tainted
    FORGED_ANCESTOR = "forged-ancestor"
    UNROOTED = "unrooted"
    # minted
    BY_DIGEST = "basis-digest"
    BY_ID = "basis-id"
    # forged
    ID_NOT_ISSUED = "id-not-issued"
    NEVER_SIGNED = "never-signed"
    SUBJECT_NOT_SIGNED_IN = "subject-not-signed-in"
    ASSERTION_NOT_ISSUED = "assertion-not-issued"
    # unlinkable
    NO_ID = "no-id"
    INTERRUPT_ONLY = "interrupted-sign-in-only"
    FAILURE_ONLY = "failed-sign-in-only"
    PRESENTATION_UNKNOWN = "presentation-unknown"
    COUNT_ONLY = "count-only"
    # uncovered
    NO_ISSUER_LOG = "no-issuer-log"
    NOT_DECLARED = "not-declared"
    OUTSIDE_COVERAGE = "outside-coverage"
    DECLARATION_REFUTED = "declaration-refuted"
    ORDINARY_MISS = "ordinary-miss"
    EXPLAINED_MISS = "explained-miss"
    LONE_MISS = "lone-miss"
    SILENT_STRATUM = "silent-stratum"
    AGENT_IDENTITY = "agent-identity"
    KEY_NOT_SOUND = "key-not-sound"
    UNROOTED_UNCOVERED = "unrooted-uncovered"
    MAY_BE_UNREAD = "may-be-unread"
    MORE_THAN_UNREAD = "more-missing-than-unread"
    NAME_DIFFERS = "name-differs"
    OBJECT_ID_ABROAD = "object-id-abroad"
    ISSUER_MISSPELT = "issuer-misspelt"
    ANCESTOR_IN_SET = "ancestor-in-set"


# Reasons that say of a set of tokens that some of it are forged.
SETS = (Reason.COUNT_ONLY, Reason.MORE_THAN_UNREAD)

REASON_MEANING: dict[Reason, str] = {
    Reason.SUBJECT_DIFFERS: "the issuer issued this id to another subject",
    Reason.TENANT_DIFFERS: "the issuer issued this id for another tenant",
    Reason.CLASS_DIFFERS: "the issuer issued this id to a person, and the token is an application's; or the reverse",
    Reason.CLIENT_DIFFERS: "the issuer issued this id to another application: client and principal differ",
    Reason.KEY_DIFFERS: "the issuer signed this id with another key",
    Reason.DIGEST_DIFFERS: "the issuer signed other bytes under this id",
    Reason.ISSUED_AT_DIFFERS: "issued-at is not what its issuer recorded, or breaks a law that held on 200 pairs",
    Reason.CONSUMER_REALM: "a token of the consumer realm was accepted at an organisation's mailbox",
    Reason.KEY_NOT_ENTITLED: "its key may not sign this: another issuer's, class's, tenant's or time's, or a dead key",
    Reason.NOT_SIGNED_IN_CUSTODY: "its issuance is there, but its key's log of uses, complete, has no such signature",
    Reason.FORGED_ANCESTOR: "the chain of tokens that led to it starts at a forged or contradicted one",
    Reason.UNROOTED: "it was obtained from an exchange, and no sign-in stands behind the exchange although it must",
    Reason.BY_DIGEST: "the issuer's record has the same digest of the signed bytes",
    Reason.BY_ID: "the issuer's record has the same id and no known claim differs (an exact copy would pass too)",
    Reason.ID_NOT_ISSUED: "every issuance of this kind and time is in evidence, and none has this id",
    Reason.NEVER_SIGNED: "every use of its key is in evidence, attested by another party, and none signed these bytes",
    Reason.SUBJECT_NOT_SIGNED_IN: "every sign-in of this time is in evidence, and this user has none",
    Reason.ASSERTION_NOT_ISSUED: "an assertion was presented, and the upstream issuer issued none for this user then",
    Reason.NO_ID: "the record carries no token id, and the user has sign-ins that it could belong to",
    Reason.INTERRUPT_ONLY: "the id is known only from an interrupted sign-in",
    Reason.FAILURE_ONLY: "the id is known only from a failed sign-in: suspicious, but failures are recorded oddly",
    Reason.PRESENTATION_UNKNOWN: "the sign-in does not say whether an assertion was presented",
    Reason.COUNT_ONLY: "more assertions were accepted than issued: some of this set are forged",
    Reason.NO_ISSUER_LOG: "no issuance record of this issuer is in evidence",
    Reason.NOT_DECLARED: "a log that could hold its issuance is missing, or nobody declared it complete (--complete)",
    Reason.OUTSIDE_COVERAGE: "it may have been issued at a time, or by a kind, that no declaration covers",
    Reason.DECLARATION_REFUTED: "the log was declared complete, but people's own use, or most use, is missing from it",
    Reason.ORDINARY_MISS: "it is missing, but came from where the user often signs in: perhaps a lost record",
    Reason.EXPLAINED_MISS: "it is missing; a new program at home, or the user's programs on the move, look like this",
    Reason.LONE_MISS: "it is missing and strange, but one lost record of a new device would look the same",
    Reason.SILENT_STRATUM: "a call of the provider's own services, of which no sign-in is ever recorded",
    Reason.AGENT_IDENTITY: "a token of an agent identity: what such tokens leave in which log is not documented",
    Reason.KEY_NOT_SOUND: "no id and no sign-in, but the record does not prove that the user's own token was used",
    Reason.UNROOTED_UNCOVERED: "obtained from an exchange with no sign-in behind it, where sign-ins are not covered",
    Reason.MAY_BE_UNREAD: "its issuance is missing, and may be a record that could not be read",
    Reason.MORE_THAN_UNREAD: "more issuances are missing than records could not be read: some of this set are forged",
    Reason.NAME_DIFFERS: "the issuer issued this id to another person than the record names, who may be the mailbox's",
    Reason.OBJECT_ID_ABROAD: "its issuance is there, but it bears a member's object id under another tenant's name",
    Reason.ISSUER_MISSPELT: "its issuance is there, but it does not name its issuer as that is written",
    Reason.ANCESTOR_IN_SET: "issued for one of a set of which some are forged: nobody can tell for which",
}


class Probable(StrEnum):
    """Why a token that no verdict accuses is *probably forged*: the rule of its finding.

    Some are reasons too: the reason says why there is no verdict, this why there is a finding.
    """

    MISSES_FAR_BEYOND_RATE = "misses-far-beyond-rate"
    EXTRAORDINARY_MISS = "extraordinary-miss"
    KEY_NOT_SOUND = "key-not-sound"
    UNROOTED_UNCOVERED = "unrooted-uncovered"
    LONE_MISS = "lone-miss"
    UNKNOWN_IDENTITY_PROVIDER = "unknown-identity-provider"
    NAME_DIFFERS = "name-differs"
    OBJECT_ID_ABROAD = "object-id-abroad"
    ISSUER_MISSPELT = "issuer-misspelt"
    POSTED_TWICE = "assertion-posted-twice"


PROBABLE_MEANING: dict[Probable, str] = {
    Probable.MISSES_FAR_BEYOND_RATE: (
        "far more tokens of one client, network or person lack an issuance than this log normally loses"
    ),
    Probable.EXTRAORDINARY_MISS: (
        "an issuance is missing from a log that loses records, but nothing about this use is the person's own"
    ),
    Probable.KEY_NOT_SOUND: "no sign-in of this person could be this one, and the use is not the person's own",
    Probable.UNROOTED_UNCOVERED: "no sign-in stands behind the exchange, and the use is not the person's own",
    Probable.LONE_MISS: "an issuance is missing from a log declared complete, and the use is not the person's own",
    Probable.UNKNOWN_IDENTITY_PROVIDER: (
        "an assertion of an identity provider that nobody named, for people of another one or out of nowhere"
    ),
    Probable.NAME_DIFFERS: "the id was issued to one person, and the record names another",
    Probable.OBJECT_ID_ABROAD: "a member's object id came in a token of another tenant: an object id is one tenant's",
    Probable.ISSUER_MISSPELT: "verified under the key of an issuer that it does not name, or writes otherwise",
    Probable.POSTED_TWICE: "more assertions than issued, unless one was posted twice within a minute",
}


# Reasons of tokens of which no log that an organisation can have tells: nothing to export would judge them.
LEAVES_NO_RECORD: frozenset[Reason] = frozenset({Reason.SILENT_STRATUM})


class Diagnosis(StrEnum):
    """Where the trail of an accused token breaks, or what a log that speaks of no token shows of its keeper."""

    THROUGH_CUSTODY = "through-custody"
    KEY_OUT = "key-out"
    KEY_OUT_OR_UNCHECKED = "key-out-or-unchecked"
    CUSTODY_UNKNOWN = "custody-unknown"
    LEDGER_ALTERED = "ledger-altered"
    KEY_NOT_ENTITLED = "key-not-entitled"
    LAUNDERED = "laundered"
    # of no single token
    SIGNATURES_UNACCOUNTED = "signatures-unaccounted"
    LEDGER_REWRITTEN = "ledger-rewritten"
    LEDGER_GAP = "ledger-gap"


DIAGNOSIS_MEANING: dict[Diagnosis, str] = {
    Diagnosis.THROUGH_CUSTODY: "the key store signed it, and the issuer never issued it: someone signs through it",
    Diagnosis.KEY_OUT: "its signature was verified, and the key store never made it: the private key is out",
    Diagnosis.KEY_OUT_OR_UNCHECKED: "the key store never signed it: the key is out, or a service did not check",
    Diagnosis.CUSTODY_UNKNOWN: "forged; no complete log of its key's uses, with digests, tells who could sign it",
    Diagnosis.LEDGER_ALTERED: "issued by its ledger, never signed in custody: ledger altered, or key used elsewhere",
    Diagnosis.KEY_NOT_ENTITLED: "a service does not bind keys to issuer, class, tenant or time",
    Diagnosis.LAUNDERED: "the issuer made it in exchange for a token that it never issued",
    Diagnosis.SIGNATURES_UNACCOUNTED: "the key store signed what the issuer did not issue, and nothing accepted it yet",
    Diagnosis.LEDGER_REWRITTEN: "the log is not the one of which another party keeps a checkpoint",
    Diagnosis.LEDGER_GAP: "entries of the log are missing, or it ends before a checkpoint that another party keeps",
}


class FindingVerdict(StrEnum):
    """What a finding claims. The order is the order of severity."""

    FORGED = "forged"
    CONTRADICTED = "contradicted"
    TAINTED = "tainted"
    PROBABLY_FORGED = "probably-forged"
    SUSPICION = "suspicion"


FAIL_ON_DEFAULT: frozenset[FindingVerdict] = frozenset(FindingVerdict) - {FindingVerdict.SUSPICION}
