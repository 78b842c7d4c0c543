"""Reasons: why a token has its verdict, and why one that no verdict accuses is probably forged.

A reason is a code that machines read; `counterfoil explain CODE` tells it in words (the texts are here, so that the
program and the docs cannot disagree).
"""

from __future__ import annotations

from counterfoil.model.diagnosis import Diagnosis
from counterfoil.model.verdict import FindingVerdict, Verdict
from counterfoil.model.word import EXPORT_MORE, KEEP, READ_AGAIN, SEE_CONTRADICTED, SEE_FORGED, Word


class Reason(Word):
    """Why a token has its verdict. `brief`: for tables."""

    verdict: Verdict
    brief: str
    meaning: str

    SUBJECT_DIFFERS = (
        "subject-differs", Verdict.CONTRADICTED, "issued to another subject",
        "the issuer issued this id to another subject",
        SEE_CONTRADICTED,
    )
    TENANT_DIFFERS = (
        "tenant-differs", Verdict.CONTRADICTED, "issued for another tenant",
        "the issuer issued this id for another tenant",
        SEE_CONTRADICTED, "Rule out a partner or service tenant that you know.",
    )
    CLASS_DIFFERS = (
        "class-differs", Verdict.CONTRADICTED, "issued to a person, used as an application's, or the reverse",
        "the issuer issued this id to a person, and the token is an application's; or the reverse",
        SEE_CONTRADICTED,
    )
    CLIENT_DIFFERS = (
        "client-differs", Verdict.CONTRADICTED, "issued to another application",
        "the issuer issued this id to another application: client and principal differ",
        SEE_CONTRADICTED, "Find out what the application that came may reach.",
    )
    KEY_DIFFERS = (
        "key-differs", Verdict.CONTRADICTED, "signed with another key by its issuer",
        "the issuer signed this id with another key",
        SEE_CONTRADICTED, "Find out who else holds the other key.",
    )
    DIGEST_DIFFERS = (
        "digest-differs", Verdict.CONTRADICTED, "the issuer signed other bytes under this id",
        "the issuer signed other bytes under this id",
        SEE_CONTRADICTED,
    )
    ISSUED_AT_DIFFERS = (
        "issued-at-differs", Verdict.CONTRADICTED, "issued-at is not what this issuer writes",
        "issued-at is not what its issuer recorded, or breaks a law that held on 200 pairs",
        SEE_CONTRADICTED,
    )
    CONSUMER_REALM = (
        "consumer-realm-at-organisation", Verdict.CONTRADICTED, "a consumer token at an organisation's mailbox",
        "a token of the consumer realm was accepted at an organisation's mailbox",
        SEE_CONTRADICTED, "This is the shape of 2023: a consumer key signed for an organisation.",
    )
    KEY_NOT_ENTITLED = (
        "key-not-entitled", Verdict.CONTRADICTED, "its key may not sign this, or is dead",
        "its key may not sign this: another issuer's, class's, tenant's or time's, or a dead key",
        *Diagnosis.KEY_NOT_ENTITLED.act,
    )
    NOT_SIGNED_IN_CUSTODY = (
        "not-signed-in-custody", Verdict.CONTRADICTED, "its issuance is there, but no signature of these bytes",
        "its issuance is there, but its key's log of uses, complete, has no such signature",
        "Its diagnosis says what to do: counterfoil explain ledger-altered, key-out or key-out-or-unchecked.",
    )
    FORGED_ANCESTOR = (
        "forged-ancestor", Verdict.TAINTED, "obtained with a forged or contradicted token",
        "the chain of tokens that led to it starts at a forged or contradicted one",
        "counterfoil explain tainted says what to do.",
    )
    UNROOTED = (
        "unrooted", Verdict.TAINTED, "obtained from an exchange that no sign-in stands behind",
        "it was obtained from an exchange, and no sign-in stands behind the exchange although it must",
        "counterfoil explain tainted says what to do.",
    )
    BY_DIGEST = (
        "basis-digest", Verdict.MINTED, "the issuer signed these very bytes",
        "the issuer's record has the same digest of the signed bytes",
        "Nothing, if the use is expected.",
    )
    BY_ID = (
        "basis-id", Verdict.MINTED, "the issuer's record of this id agrees",
        "the issuer's record has the same id and no known claim differs (an exact copy would pass too)",
        "Nothing, if the use is expected.",
        "See what could not be compared: counterfoil sql CASE \"SELECT uncompared, count(*) FROM tokens GROUP BY ALL\"",
        "Log digests at the service, so that a copied id cannot pass.",
    )
    ID_NOT_ISSUED = (
        "id-not-issued", Verdict.FORGED, "all issuance is in evidence, and none has this id",
        "every issuance of this kind and time is in evidence, and none has this id",
        SEE_FORGED,
    )
    NEVER_SIGNED = (
        "never-signed", Verdict.FORGED, "all uses of its key are in evidence, and none signed it",
        "every use of its key is in evidence, attested by another party, and none signed these bytes",
        SEE_FORGED, "Rule out that something still signs with a copy of the key outside custody.",
        "Export the issuer's own log, or its ledger, and reconcile again.",
    )
    SUBJECT_NOT_SIGNED_IN = (
        "subject-not-signed-in", Verdict.FORGED, "all sign-ins are in evidence, and this user has none",
        "every sign-in of this time is in evidence, and this user has none",
        SEE_FORGED,
    )
    ASSERTION_NOT_ISSUED = (
        "assertion-not-issued", Verdict.FORGED, "an assertion was presented that nobody issued",
        "an assertion was presented, and the upstream issuer issued none for this user then",
        SEE_FORGED, "Replace the token-signing certificate of the federation server twice.",
        "Look for changed federation settings in the directory.",
    )
    NO_ID = (
        "no-id", Verdict.UNLINKABLE, "no token id, and several sign-ins could be its own",
        "the record carries no token id, and the user has sign-ins that it could belong to",
        "Export the log in a wrapper that keeps token ids (raw audit records, not a summary).",
    )
    INTERRUPT_ONLY = (
        "interrupted-sign-in-only", Verdict.UNLINKABLE, "the id is known from an interrupted sign-in only",
        "the id is known only from an interrupted sign-in",
        "Look for the sign-in that followed; if the log ends there, export the next days.",
    )
    FAILURE_ONLY = (
        "failed-sign-in-only", Verdict.UNLINKABLE, "the id is known from a failed sign-in only",
        "the id is known only from a failed sign-in: suspicious, but failures are recorded oddly",
        "Ask the person whether the sign-in worked; look at the other tokens from that address.",
    )
    PRESENTATION_UNKNOWN = (
        "presentation-unknown", Verdict.UNLINKABLE, "not told whether an assertion was presented",
        "the sign-in does not say whether an assertion was presented",
        "Export the sign-in log with the field incomingTokenType (Graph or Azure Monitor).",
    )
    COUNT_ONLY = (
        "count-only", Verdict.UNLINKABLE, "more assertions than issued; which ones, cannot be told",
        "more assertions were accepted than issued: some of this set are forged",
        "Compare the named sign-ins with the federation server's own log, one by one.",
    )
    NO_ISSUER_LOG = (
        "no-issuer-log", Verdict.UNCOVERED, "no log of its issuer is in evidence",
        "no issuance record of this issuer is in evidence",
        "Export the sign-in logs of that issuer.", EXPORT_MORE,
    )
    NOT_DECLARED = (
        "not-declared", Verdict.UNCOVERED, "its issuer's log is there, but not declared complete",
        "a log that could hold its issuance is missing, or nobody declared it complete (--complete)",
        "If the export is complete for its time, say so: --complete SOURCE/KIND[:from..to] for every kind in evidence.",
        "Declare only what you know: absence in a declared log accuses.",
    )
    OUTSIDE_COVERAGE = (
        "outside-coverage", Verdict.UNCOVERED, "may be issued where no complete log reaches",
        "it may have been issued at a time, or by a kind, that no declaration covers",
        "Their logs are relied on from the first record to the last, less the time that records may come late. Export a"
        " longer time; or, if nothing is missing, say until when: --complete SOURCE/KIND:FROM..TO, with --exported-at.",
        "A token may have been issued up to 28 hours before its use.",
    )
    DECLARATION_REFUTED = (
        "declaration-refuted", Verdict.UNCOVERED, "declared complete, but ordinary records are missing too",
        "the log was declared complete, but people's own use, or most use, is missing from it",
        "Records are missing from that export: export it again, then reconcile again.",
        "counterfoil sql CASE \"SELECT * FROM coverage\" names the log and the time.",
    )
    ORDINARY_MISS = (
        "ordinary-miss", Verdict.UNCOVERED, "missing, but from where this user often signs in",
        "it is missing, but came from where the user often signs in: perhaps a lost record",
        "Nothing. Export that day again if the person matters.",
    )
    EXPLAINED_MISS = (
        "explained-miss", Verdict.UNCOVERED, "missing, and only half of it is the user's own",
        "it is missing; a new program at home, or the user's programs on the move, look like this",
        "Ask the person about the place and the program. A cluster of such uses is a finding.",
    )
    LONE_MISS = (
        "lone-miss", Verdict.UNCOVERED, "missing and strange, but one lost record would look the same",
        "it is missing and strange, but one lost record of a new device would look the same",
        "Ask the person about a new device in a new network at that time; the owner, if it is an application.",
        "Export that day again, once more complete: if the record turns up, the token is cleared.",
        "Look for more from the same address or session: a second one convicts.",
    )
    UNPROVEN_LOG = (
        "unproven-log", Verdict.UNCOVERED, "missing and strange; how complete that log is, nobody says",
        "it is missing and strange, but nobody has published how complete that log is, and this case does not show it",
        "Export the sign-ins from Entra ID itself for that time and declare them complete: that decides it.",
        "Take a longer time of the table: 200 tokens of this kind that link, and none of anybody's own missing, will"
        " do.",
    )
    SILENT_STRATUM = (
        "silent-stratum", Verdict.UNCOVERED, "a provider's own call, of which no sign-in is ever recorded",
        "a call of the provider's own services, of which no sign-in is ever recorded",
        "Nothing: client and network are the provider's own, or no token was used.",
    )
    AGENT_IDENTITY = (
        "agent-identity", Verdict.UNCOVERED, "an agent identity's: nobody says what its tokens leave",
        "a token of an agent identity: what such tokens leave in which log is not documented",
        "Look up the agent in the sign-in log (agentType), and ask its sponsor what it does.",
    )
    KEY_NOT_SOUND = (
        "key-not-sound", Verdict.UNCOVERED, "no sign-in, but not shown to be a user's own token",
        "no id and no sign-in, but the record does not prove that the user's own token was used",
        "Read the findings: such records are listed as probably forged.",
    )
    UNROOTED_UNCOVERED = (
        "unrooted-uncovered", Verdict.UNCOVERED, "from an exchange without sign-in, where none are covered",
        "obtained from an exchange with no sign-in behind it, where sign-ins are not covered",
        "Export and declare the sign-ins before the exchange, then reconcile again.",
    )
    MAY_BE_UNREAD = (
        "may-be-unread", Verdict.UNCOVERED, "missing, but perhaps a record that could not be read",
        "its issuance is missing, and may be a record that could not be read",
        READ_AGAIN,
    )
    MORE_THAN_UNREAD = (
        "more-missing-than-unread", Verdict.UNCOVERED, "more missing than could not be read; which ones is unknown",
        "more issuances are missing than records could not be read: some of this set are forged",
        READ_AGAIN, SEE_FORGED,
    )
    NAME_DIFFERS = (
        "name-differs", Verdict.UNCOVERED, "issued to another person than the record names",
        "the issuer issued this id to another person than the record names, who may be the mailbox's",
        "Ask whether the person who signed in may act for the other; a delegate's record may bear the mailbox's name.",
        SEE_CONTRADICTED,
    )
    OBJECT_ID_ABROAD = (
        "object-id-abroad", Verdict.UNCOVERED, "a member's object id under another tenant's name",
        "its issuance is there, but it bears a member's object id under another tenant's name",
        "Find out why that service takes tokens of another tenant, and what they reached.", SEE_CONTRADICTED,
    )
    ISSUER_MISSPELT = (
        "issuer-misspelt", Verdict.UNCOVERED, "issued, but its issuer is missing or written otherwise",
        "its issuance is there, but it does not name its issuer as that is written",
        "Let the service compare issuers character by character, and find out what signs under this key.", SEE_FORGED,
    )
    ANCESTOR_IN_SET = (
        "ancestor-in-set", Verdict.UNCOVERED, "issued for one of a set of which some are forged",
        "issued for one of a set of which some are forged: nobody can tell for which",
        "Find out which of the set are forged: this one goes with its ancestor.",
    )

    @property
    def why(self) -> str:
        """Why tokens of this reason may be in a finding, where they are not accused."""
        return f"Probably forged: {Probable(self).meaning}." if self in set(map(str, Probable)) else ""


# Reasons that say of a set of tokens that some of it are forged.
SETS = (Reason.COUNT_ONLY, Reason.MORE_THAN_UNREAD)
# Reasons of tokens of which no log that an organisation can have tells: nothing to export would judge them.
LEAVES_NO_RECORD: frozenset[Reason] = frozenset({Reason.SILENT_STRATUM})
# Of the reasons of one verdict, those to read first.
_READ_FIRST = (Reason.DIGEST_DIFFERS, Reason.KEY_DIFFERS, Reason.TENANT_DIFFERS, Reason.CLASS_DIFFERS)


def reasons_of(verdict: Verdict) -> tuple[Reason, ...]:
    """Return the reasons that a token of this verdict can have. The first is the one to read first."""
    return tuple(reason for reason in dict.fromkeys((*_READ_FIRST, *Reason)) if reason.verdict is verdict)


class Probable(Word):
    """Why a token that no verdict accuses is *probably forged*: the rule of its finding.

    Some are reasons too: the reason says why there is no verdict, this why there is a finding.
    """

    meaning: str
    why: str

    MISSES_FAR_BEYOND_RATE = (
        "misses-far-beyond-rate",
        "far more tokens of one client, network or person lack an issuance than this log normally loses",
        "Logs lose records, at a rate that can be measured on everybody else. This group lacks so many more that"
        " chance explains it less than once in a million. The finding names both numbers.",
        *FindingVerdict.PROBABLY_FORGED.act,
    )
    EXTRAORDINARY_MISS = (
        "extraordinary-miss",
        "an issuance is missing from a log that loses records, but nothing about this use is the person's own",
        "The log was declared complete and ordinary records turned out to be missing, so that absence alone no"
        " longer convicts. Here client, network or agent are also strange to the person.",
        *FindingVerdict.PROBABLY_FORGED.act,
    )
    KEY_NOT_SOUND = (
        str(Reason.KEY_NOT_SOUND),
        "no sign-in of this person could be this one, and the use is not the person's own",
        "", *Reason.KEY_NOT_SOUND.act,
    )
    UNROOTED_UNCOVERED = (
        str(Reason.UNROOTED_UNCOVERED),
        "no sign-in stands behind the exchange, and the use is not the person's own",
        "", *Reason.UNROOTED_UNCOVERED.act,
    )
    LONE_MISS = (
        str(Reason.LONE_MISS),
        "an issuance is missing from a log declared complete, and the use is not the person's own",
        "", *Reason.LONE_MISS.act,
    )
    UNPROVEN_LOG = (
        str(Reason.UNPROVEN_LOG),
        "missing from a log of which nobody has published how complete it is, and the use is not the person's own",
        "Two things stand in for what is not published: somebody declares the log complete; or 200 tokens of this kind"
        " link there, and none of anybody's own is missing. With both, the token would be forged; here is one of them.",
        *Reason.UNPROVEN_LOG.act,
    )
    UNKNOWN_IDENTITY_PROVIDER = (
        "unknown-identity-provider",
        "an assertion of an identity provider that nobody named, for people of another one or out of nowhere",
        "Whoever may change a tenant's domains can have one of them trust an identity provider of his own, and sign in"
        " as anybody. These people sign in through another identity provider, or the domain came up of a sudden, from"
        " networks that are not theirs.",
        "Look for \"Set domain authentication\" and \"Set federation settings on domain\" in the directory audit.",
        "Ask who issues for that domain. If it is yours, name the issuer: --federated DOMAIN=ISSUER.",
        "If it is nobody's, revoke the sessions of these people: what they got by it is genuine, and minted here.",
        KEEP,
    )
    NAME_DIFFERS = (
        str(Reason.NAME_DIFFERS),
        "the id was issued to one person, and the record names another",
        "", *Reason.NAME_DIFFERS.act,
    )
    OBJECT_ID_ABROAD = (
        str(Reason.OBJECT_ID_ABROAD),
        "a member's object id came in a token of another tenant: an object id is one tenant's",
        "", *Reason.OBJECT_ID_ABROAD.act,
    )
    ISSUER_MISSPELT = (
        str(Reason.ISSUER_MISSPELT),
        "verified under the key of an issuer that it does not name, or writes otherwise",
        "", *Reason.ISSUER_MISSPELT.act,
    )
    POSTED_TWICE = (
        "assertion-posted-twice",
        "more assertions than issued, unless one was posted twice within a minute",
        "Of so many sign-ins with an assertion fewer were issued. But two of them lie within a minute and come from one"
        " address and agent: a browser that sent one assertion twice looks the same, and so does an intruder there.",
        "Ask the person whether that sign-in was theirs.",
        "Compare the sign-ins with the federation server's own log, one by one.",
    )
