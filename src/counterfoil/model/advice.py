"""What to do about an answer: advice per verdict, reason and rule, as frozen data.

`counterfoil explain CODE` and the reports say these texts. What a verdict or reason *means* stands in
`model/verdict.py`; here stand why it may be believed and what to do next.
"""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil.model.verdict import (
    DIAGNOSIS_MEANING,
    MEANING,
    PROBABLE_MEANING,
    REASON_MEANING,
    Diagnosis,
    FindingVerdict,
    Probable,
    Reason,
    Verdict,
)


@dataclass(frozen=True)
class Advice:
    """Why an answer holds (`why`) and what to do about it, first things first (`act`)."""

    why: str
    act: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    """All that is known of one code. `sort`: verdict, finding verdict, reason, diagnosis, rule."""

    code: str
    sort: str
    meaning: str
    why: str
    act: tuple[str, ...]


@dataclass(frozen=True)
class RuleText:
    """What a rule looks for, and its advice."""

    meaning: str
    advice: Advice


_BLOCK = "Block the signing key at every service that trusts it, or have its issuer do so."
_REACHED = "See what it reached: counterfoil sql CASE \"SELECT * FROM evidence WHERE token_id = 'ID'\""
_KEEP = "Keep the case folder and the original exports: the manifest holds their SHA-256."

VERDICT_ADVICE: dict[Verdict, Advice] = {
    Verdict.CONTRADICTED: Advice(
        "Only the issuer can set subject, tenant, key and signed bytes of a token. Here they differ from the issuer's"
        " own record of the same id, or cannot hold together. No client, proxy or lost record explains that.",
        (
            "Treat the token as forged. " + _BLOCK,
            "Test the service that accepted it: does it bind the key to issuer, tenant and token class?",
            _REACHED,
            _KEEP,
        ),
    ),
    Verdict.TAINTED: Advice(
        "The issuer did issue this token, but in exchange for one that is forged or that nobody signed in for."
        " Whoever holds such a token can renew it for as long as the exchange accepts it.",
        (
            "Revoke the whole lineage: sessions and refresh tokens of the subject, not this token alone.",
            "Close the exchange to tokens that it issued itself.",
            "Look at the forged or missing ancestor first: counterfoil explain forged.",
            _REACHED,
        ),
    ),
    Verdict.MINTED: Advice(
        "The issuer's record of this token is in evidence and no known claim differs. Without digests an exact copy of"
        " id and claims would pass as well, and so does a genuine token that was stolen.",
        (
            "Nothing, if the use is expected.",
            "If the use is not expected, think of theft: compare address, client and agent with the sign-in.",
        ),
    ),
    Verdict.FORGED: Advice(
        "The service accepted a token whose issuance must be in the issuer's log, which was declared complete for its"
        " kind and time and was not refuted by measurement. It is not there: nobody issued it. Or (never-signed) the"
        " log of its key's uses, which another party attests, has no signature of these bytes.",
        (
            _BLOCK,
            "Ask who could sign with that key: look at its custody log. Without one, assume that the key is out.",
            _REACHED,
            "Check the export before you accuse anybody: counterfoil sql CASE \"SELECT * FROM coverage\"",
            _KEEP,
        ),
    ),
    Verdict.UNLINKABLE: Advice(
        "Issuance is covered, but nothing in the record tells which issuance is its own. It is neither cleared nor"
        " accused.",
        (
            "Turn on the fields that carry token ids at that service, and export again.",
            "Read the suspicions: they rank what cannot be judged.",
        ),
    ),
    Verdict.UNCOVERED: Advice(
        "No record of issuance that could be relied on covers this issuer, kind and time. An absent record proves"
        " nothing then: real logs lose records.",
        (
            "Export the sign-in logs of all four kinds, from 28 hours before the first acceptance on.",
            "Declare complete what is complete: --complete entra-signin/interactive, and so on.",
            "Read the suspicions: they rank what cannot be judged.",
        ),
    ),
}

# Meanings of the finding verdicts that are not verdicts of tokens.
FINDING_MEANING: dict[FindingVerdict, str] = {
    FindingVerdict.PROBABLY_FORGED: "very likely forged, but the evidence does not convict",
    FindingVerdict.SUSPICION: "unusual enough to look at; neither cleared nor accused",
}

FINDING_ADVICE: dict[FindingVerdict, Advice] = {
    FindingVerdict.PROBABLY_FORGED: Advice(
        "Either the miss is far beyond what this log normally loses, or it would convict if its coverage held."
        " The tokens keep their verdict (uncovered or unlinkable); the finding says what would settle it.",
        (
            "Treat it as an intrusion until it is explained: the finding names client, addresses and subjects.",
            "Export what is missing (all sign-in kinds, from 28 hours before), declare it, reconcile again.",
            _KEEP,
        ),
    ),
    FindingVerdict.SUSPICION: Advice(
        "Suspicions rank what cannot be judged by what is new or odd about it: client, address, agent, hours.",
        (
            "Ask the person or the owner of the application.",
            "Export more issuance evidence, so that it can be judged: counterfoil explain uncovered.",
        ),
    ),
}

_KEEP_LOG = "Keep the log of key uses and the checkpoints that others hold of it, before anybody can alter them."
_SUCCESSOR = "Sign with a new key, made in custody, and let relying parties forget the old one."

DIAGNOSIS_ADVICE: dict[Diagnosis, Advice] = {
    Diagnosis.THROUGH_CUSTODY: Advice(
        "The digest of the token is in the log of key uses, so the key store made the signature; the issuer's log,"
        " complete for that time, has no such token. The private key itself need not be out.",
        (
            "Cut the access of the caller that the key use names, and stop whatever runs in its name.",
            _KEEP_LOG,
            "If that caller is a service of your own that issues past its ledger, make it write the ledger.",
            _REACHED,
        ),
    ),
    Diagnosis.KEY_OUT: Advice(
        "A service verified the signature with this key, and the key's complete log of uses holds no such signature:"
        " it was made elsewhere, with a copy of the private key.",
        (
            "Block the key everywhere, now: at the issuer, in its published key set, at every service that caches it.",
            _SUCCESSOR,
            "Find out where the key lay outside custody: dumps, backups, images (counterfoil leaks).",
            _REACHED,
        ),
    ),
    Diagnosis.KEY_OUT_OR_UNCHECKED: Advice(
        "The key's complete log of uses holds no such signature, and no receipt says that the signature was verified"
        " with it: an unsigned token, a rogue key in a key set or a replaced certificate would look the same.",
        (
            _BLOCK,
            "Test the service that accepted it with a token that nobody signed.",
            "Compare the key sets that the service trusts with those that the issuer publishes.",
            _REACHED,
        ),
    ),
    Diagnosis.CUSTODY_UNKNOWN: Advice(
        "The token was never issued. How it was signed cannot be told: no log of its key's uses is in evidence that is"
        " complete for that time and carries digests.",
        (
            _BLOCK,
            "Export the log of key uses and hunt again: counterfoil sources explain counterfoil-custody.",
            "Until it tells otherwise, assume that the key is out.",
        ),
    ),
    Diagnosis.LEDGER_ALTERED: Advice(
        "Issuer and service agree about this token, but the complete log of its key's uses has no such signature. An"
        " entry was put into the issuer's log afterwards, or the key was used outside custody.",
        (
            "Audit the issuer: compare its log with the checkpoints that other parties keep.",
            "Treat the key as out until the audit tells otherwise, and block it.",
            _KEEP_LOG,
        ),
    ),
    Diagnosis.KEY_NOT_ENTITLED: Advice(
        "The policy of keys says what each may sign and until when. Here a service accepted what the key may not sign,"
        " issued or not: that it is signed well proves nothing.",
        (
            "Make that service check the entitlement of keys: issuer, class, tenant, audience, window, state.",
            "Block the key: who can sign with it can use every service that makes the same mistake.",
            _REACHED,
        ),
    ),
    Diagnosis.LAUNDERED: Advice(
        "The issuer's own record says with which token this one was obtained, and that one is forged, contradicted or"
        " without the sign-in that must stand behind it.",
        (
            "Revoke the whole lineage: every token and session that descends from it.",
            "Close the exchange to tokens that are not in the issuer's own log.",
            "Look at the ancestor for who signed it.",
        ),
    ),
    Diagnosis.SIGNATURES_UNACCOUNTED: Advice(
        "Every signature of an issuer's key belongs to a token in its log. These belong to none, and no service told of"
        " accepting them: prepared, used where no receipts are kept, or signed for another purpose.",
        (
            "Audit who called sign at those times, and with what right.",
            "Ask every service that trusts the key for its receipts of that time.",
        ),
    ),
    Diagnosis.LEDGER_REWRITTEN: Advice(
        "A log that only grows has every earlier tree in it. This one does not have the tree of a checkpoint that"
        " somebody else keeps, so what it says now is not what it said then.",
        (
            "Trust nothing that this log says, and keep both: this export, and the checkpoint.",
            "Get an older copy (backup, mirror, witness), and compare entry by entry.",
            "Find out who could write where the log lies.",
        ),
    ),
    Diagnosis.LEDGER_GAP: Advice(
        "Entries of a log are numbered without gaps, and it never shrinks. Here numbers are missing, or it ends before"
        " a checkpoint that somebody else keeps: it was cut, rolled back, or not exported as a whole.",
        (
            "Export the log again as a whole: counterfoil ledger export, or counterfoil keys export.",
            "If the entries are gone, treat what is missing as hidden: absence in this log proves nothing.",
            "Compare with a backup, a mirror or a witness.",
        ),
    ),
}

# Each diagnosis in at most MAX_BRIEF characters, for tables; DIAGNOSIS_MEANING says it in full.
DIAGNOSIS_IN_BRIEF: dict[Diagnosis, str] = {
    Diagnosis.THROUGH_CUSTODY: "signed through the key store, past the issuer",
    Diagnosis.KEY_OUT: "the private key is out",
    Diagnosis.KEY_OUT_OR_UNCHECKED: "the key is out, or a service did not check the signature",
    Diagnosis.CUSTODY_UNKNOWN: "how it was signed cannot be told: no log of key uses",
    Diagnosis.LEDGER_ALTERED: "the issuer's log was altered, or the key used elsewhere",
    Diagnosis.KEY_NOT_ENTITLED: "a service does not bind keys to what they may sign",
    Diagnosis.LAUNDERED: "genuine, but obtained with a token that is not",
    Diagnosis.SIGNATURES_UNACCOUNTED: "signatures that belong to no token",
    Diagnosis.LEDGER_REWRITTEN: "the log was rewritten",
    Diagnosis.LEDGER_GAP: "the log lacks entries",
}

_SEE_FORGED = "counterfoil explain forged says what to do."
_SEE_CONTRADICTED = "counterfoil explain contradicted says what to do."
_READ_AGAIN = (
    "Export that log again and hunt with it: counterfoil sql CASE \"SELECT * FROM rejects\" names the broken records."
)
_EXPORT_MORE = "Export the missing time and kinds: counterfoil sources explain NAME gives the vendor's steps."

REASON_ADVICE: dict[Reason, tuple[str, ...]] = {
    Reason.SUBJECT_DIFFERS: (_SEE_CONTRADICTED,),
    Reason.TENANT_DIFFERS: (_SEE_CONTRADICTED, "Rule out a partner or service tenant that you know."),
    Reason.CLASS_DIFFERS: (_SEE_CONTRADICTED,),
    Reason.CLIENT_DIFFERS: (_SEE_CONTRADICTED, "Find out what the application that came may reach."),
    Reason.KEY_DIFFERS: (_SEE_CONTRADICTED, "Find out who else holds the other key."),
    Reason.DIGEST_DIFFERS: (_SEE_CONTRADICTED,),
    Reason.ISSUED_AT_DIFFERS: (_SEE_CONTRADICTED,),
    Reason.CONSUMER_REALM: (_SEE_CONTRADICTED, "This is the shape of 2023: a consumer key signed for an organisation."),
    Reason.KEY_NOT_ENTITLED: DIAGNOSIS_ADVICE[Diagnosis.KEY_NOT_ENTITLED].act,
    Reason.NOT_SIGNED_IN_CUSTODY: (
        "Its diagnosis says what to do: counterfoil explain ledger-altered, key-out or key-out-or-unchecked.",
    ),
    Reason.FORGED_ANCESTOR: ("counterfoil explain tainted says what to do.",),
    Reason.UNROOTED: ("counterfoil explain tainted says what to do.",),
    Reason.BY_DIGEST: ("Nothing, if the use is expected.",),
    Reason.BY_ID: (
        "Nothing, if the use is expected.",
        "See what could not be compared: counterfoil sql CASE \"SELECT uncompared, count(*) FROM tokens GROUP BY ALL\"",
        "Log digests at the service, so that a copied id cannot pass.",
    ),
    Reason.ID_NOT_ISSUED: (_SEE_FORGED,),
    Reason.NEVER_SIGNED: (
        _SEE_FORGED,
        "Rule out that something still signs with a copy of the key outside custody.",
        "Export the issuer's own log, or its ledger, and reconcile again.",
    ),
    Reason.SUBJECT_NOT_SIGNED_IN: (_SEE_FORGED,),
    Reason.ASSERTION_NOT_ISSUED: (
        _SEE_FORGED,
        "Replace the token-signing certificate of the federation server twice.",
        "Look for changed federation settings in the directory.",
    ),
    Reason.NO_ID: ("Export the log in a wrapper that keeps token ids (raw audit records, not a summary).",),
    Reason.INTERRUPT_ONLY: ("Look for the sign-in that followed; if the log ends there, export the next days.",),
    Reason.FAILURE_ONLY: ("Ask the person whether the sign-in worked; look at the other tokens from that address.",),
    Reason.PRESENTATION_UNKNOWN: ("Export the sign-in log with the field incomingTokenType (Graph or Azure Monitor).",),
    Reason.COUNT_ONLY: ("Compare the named sign-ins with the federation server's own log, one by one.",),
    Reason.NO_ISSUER_LOG: ("Export the sign-in logs of that issuer.", _EXPORT_MORE),
    Reason.NOT_DECLARED: (
        "If the export is complete for its time, say so: --complete SOURCE/KIND[:from..to] for every kind in evidence.",
        "Declare only what you know: absence in a declared log accuses.",
    ),
    Reason.OUTSIDE_COVERAGE: (
        _EXPORT_MORE,
        "If the log goes on for longer than it is relied on, say when it was exported: --exported-at DATE.",
        "A token may have been issued up to 28 hours before its use.",
    ),
    Reason.DECLARATION_REFUTED: (
        "Records are missing from that export: export it again, then reconcile again.",
        "counterfoil sql CASE \"SELECT * FROM coverage\" names the log and the time.",
    ),
    Reason.ORDINARY_MISS: ("Nothing. Export that day again if the person matters.",),
    Reason.EXPLAINED_MISS: ("Ask the person about the place and the program. A cluster of such uses is a finding.",),
    Reason.LONE_MISS: (
        "Ask the person about a new device in a new network at that time; the owner, if it is an application.",
        "Export that day again, once more complete: if the record turns up, the token is cleared.",
        "Look for more from the same address or session: a second one convicts.",
    ),
    Reason.SILENT_STRATUM: ("Nothing: client and network are the provider's own, or no token was used.",),
    Reason.AGENT_IDENTITY: ("Look up the agent in the sign-in log (agentType), and ask its sponsor what it does.",),
    Reason.KEY_NOT_SOUND: ("Read the findings: such records are listed as probably forged.",),
    Reason.UNROOTED_UNCOVERED: ("Export and declare the sign-ins before the exchange, then reconcile again.",),
    Reason.MAY_BE_UNREAD: (_READ_AGAIN,),
    Reason.MORE_THAN_UNREAD: (_READ_AGAIN, _SEE_FORGED),
    Reason.NAME_DIFFERS: (
        "Ask whether the person who signed in may act for the other; a delegate's record may bear the mailbox's name.",
        _SEE_CONTRADICTED,
    ),
    Reason.OBJECT_ID_ABROAD: (
        "Find out why that service takes tokens of another tenant, and what they reached.", _SEE_CONTRADICTED,
    ),
    Reason.ISSUER_MISSPELT: (
        "Let the service compare issuers character by character, and find out what signs under this key.",
        _SEE_FORGED,
    ),
    Reason.ANCESTOR_IN_SET: ("Find out which of the set are forged: this one goes with its ancestor.",),
}

# Each reason in at most MAX_BRIEF characters, for tables; REASON_MEANING says it in full.
MAX_BRIEF = 62

IN_BRIEF: dict[Reason, str] = {
    Reason.SUBJECT_DIFFERS: "issued to another subject",
    Reason.TENANT_DIFFERS: "issued for another tenant",
    Reason.CLASS_DIFFERS: "issued to a person, used as an application's, or the reverse",
    Reason.CLIENT_DIFFERS: "issued to another application",
    Reason.KEY_DIFFERS: "signed with another key by its issuer",
    Reason.DIGEST_DIFFERS: "the issuer signed other bytes under this id",
    Reason.ISSUED_AT_DIFFERS: "issued-at is not what this issuer writes",
    Reason.CONSUMER_REALM: "a consumer token at an organisation's mailbox",
    Reason.KEY_NOT_ENTITLED: "its key may not sign this, or is dead",
    Reason.NOT_SIGNED_IN_CUSTODY: "its issuance is there, but no signature of these bytes",
    Reason.FORGED_ANCESTOR: "obtained with a forged or contradicted token",
    Reason.UNROOTED: "obtained from an exchange that no sign-in stands behind",
    Reason.BY_DIGEST: "the issuer signed these very bytes",
    Reason.BY_ID: "the issuer's record of this id agrees",
    Reason.ID_NOT_ISSUED: "all issuance is in evidence, and none has this id",
    Reason.NEVER_SIGNED: "all uses of its key are in evidence, and none signed it",
    Reason.SUBJECT_NOT_SIGNED_IN: "all sign-ins are in evidence, and this user has none",
    Reason.ASSERTION_NOT_ISSUED: "an assertion was presented that nobody issued",
    Reason.NO_ID: "no token id, and several sign-ins could be its own",
    Reason.INTERRUPT_ONLY: "the id is known from an interrupted sign-in only",
    Reason.FAILURE_ONLY: "the id is known from a failed sign-in only",
    Reason.PRESENTATION_UNKNOWN: "not told whether an assertion was presented",
    Reason.COUNT_ONLY: "more assertions than issued; which ones, cannot be told",
    Reason.NO_ISSUER_LOG: "no log of its issuer is in evidence",
    Reason.NOT_DECLARED: "its issuer's log is there, but not declared complete",
    Reason.OUTSIDE_COVERAGE: "may be issued where no complete log reaches",
    Reason.DECLARATION_REFUTED: "declared complete, but ordinary records are missing too",
    Reason.ORDINARY_MISS: "missing, but from where this user often signs in",
    Reason.EXPLAINED_MISS: "missing, and only half of it is the user's own",
    Reason.LONE_MISS: "missing and strange, but one lost record would look the same",
    Reason.SILENT_STRATUM: "a provider's own call, of which no sign-in is ever recorded",
    Reason.AGENT_IDENTITY: "an agent identity's: nobody says what its tokens leave",
    Reason.KEY_NOT_SOUND: "no sign-in, but not shown to be a user's own token",
    Reason.UNROOTED_UNCOVERED: "from an exchange without sign-in, where none are covered",
    Reason.MAY_BE_UNREAD: "missing, but perhaps a record that could not be read",
    Reason.MORE_THAN_UNREAD: "more missing than could not be read; which ones is unknown",
    Reason.NAME_DIFFERS: "issued to another person than the record names",
    Reason.OBJECT_ID_ABROAD: "a member's object id under another tenant's name",
    Reason.ISSUER_MISSPELT: "issued, but its issuer is missing or written otherwise",
    Reason.ANCESTOR_IN_SET: "issued for one of a set of which some are forged",
}

# The first is the one to read first.
_REASONS_OF: dict[Verdict, tuple[Reason, ...]] = {
    Verdict.CONTRADICTED: (
        Reason.DIGEST_DIFFERS, Reason.KEY_DIFFERS, Reason.TENANT_DIFFERS, Reason.CLASS_DIFFERS,
        Reason.SUBJECT_DIFFERS, Reason.CLIENT_DIFFERS, Reason.ISSUED_AT_DIFFERS, Reason.CONSUMER_REALM,
        Reason.KEY_NOT_ENTITLED, Reason.NOT_SIGNED_IN_CUSTODY,
    ),
    Verdict.TAINTED: (Reason.FORGED_ANCESTOR, Reason.UNROOTED),
    Verdict.MINTED: (Reason.BY_DIGEST, Reason.BY_ID),
    Verdict.FORGED: (
        Reason.ID_NOT_ISSUED, Reason.NEVER_SIGNED, Reason.SUBJECT_NOT_SIGNED_IN, Reason.ASSERTION_NOT_ISSUED,
    ),
    Verdict.UNLINKABLE: (
        Reason.NO_ID, Reason.INTERRUPT_ONLY, Reason.FAILURE_ONLY, Reason.PRESENTATION_UNKNOWN, Reason.COUNT_ONLY,
    ),
    Verdict.UNCOVERED: (
        Reason.NO_ISSUER_LOG, Reason.NOT_DECLARED, Reason.OUTSIDE_COVERAGE, Reason.DECLARATION_REFUTED,
        Reason.ORDINARY_MISS, Reason.EXPLAINED_MISS, Reason.LONE_MISS, Reason.SILENT_STRATUM,
        Reason.AGENT_IDENTITY, Reason.KEY_NOT_SOUND,
        Reason.UNROOTED_UNCOVERED, Reason.MAY_BE_UNREAD, Reason.MORE_THAN_UNREAD,
        Reason.NAME_DIFFERS, Reason.OBJECT_ID_ABROAD, Reason.ISSUER_MISSPELT,
        Reason.ANCESTOR_IN_SET,
    ),
}  # fmt: skip


def reasons_of(verdict: Verdict) -> tuple[Reason, ...]:
    """Return the reasons that a token of this verdict can have."""
    return _REASONS_OF[verdict]


# What makes a token probably forged, where that is no reason (above), too.
PROBABLE_ADVICE: dict[Probable, Advice] = {
    Probable.MISSES_FAR_BEYOND_RATE: Advice(
        "Logs lose records, at a rate that can be measured on everybody else. This group lacks so many more that"
        " chance explains it less than once in a million. The finding names both numbers.",
        FINDING_ADVICE[FindingVerdict.PROBABLY_FORGED].act,
    ),
    Probable.EXTRAORDINARY_MISS: Advice(
        "The log was declared complete and ordinary records turned out to be missing, so that absence alone no"
        " longer convicts. Here client, network or agent are also strange to the person.",
        FINDING_ADVICE[FindingVerdict.PROBABLY_FORGED].act,
    ),
    Probable.POSTED_TWICE: Advice(
        "Of so many sign-ins with an assertion fewer were issued. But two of them lie within a minute and come from one"
        " address and agent: a browser that sent one assertion twice looks the same, and so does an intruder there.",
        (
            "Ask the person whether that sign-in was theirs.",
            "Compare the sign-ins with the federation server's own log, one by one.",
        ),
    ),
    Probable.UNKNOWN_IDENTITY_PROVIDER: Advice(
        "Whoever may change a tenant's domains can have one of them trust an identity provider of his own, and sign in"
        " as anybody. These people sign in through another identity provider, or the domain came up of a sudden, from"
        " networks that are not theirs.",
        (
            "Look for \"Set domain authentication\" and \"Set federation settings on domain\" in the directory audit.",
            "Ask who issues for that domain. If it is yours, name the issuer: --federated DOMAIN=ISSUER.",
            "If it is nobody's, revoke the sessions of these people: what they got by it is genuine, and minted here.",
            _KEEP,
        ),
    ),
}

# Rules of findings other than reasons, what makes tokens probably forged, and suspicions (`detect/`, one file each).
RULES: dict[str, RuleText] = {
    "more-accepted-than-signed": RuleText(
        "more different tokens were accepted under a key than its key store made signatures",
        Advice(
            "A log of key uses without digests cannot tell which tokens it signed, but it counts: in that time, or in"
            " some minute of it, more tokens are in evidence than signatures. So many at least were signed elsewhere.",
            DIAGNOSIS_ADVICE[Diagnosis.KEY_OUT_OR_UNCHECKED].act,
        ),
    ),
    "farm-key-taken": RuleText(
        "another than the farm's own service read the signing key of AD FS, or Defender says so",
        Advice(
            "Who holds the token-signing key of AD FS signs assertions for anybody, and the farm's log has nothing of"
            " that. The service reads its key as well; its account is known by its logons on the farm's servers, else"
            " by reading on three days or more. An administrator's tool, or a backup, looks the same: ask who ran it.",
            (
                "Replace the token-signing certificate twice, so that nobody accepts the old one, and the DKM key.",
                "Judge the federated sign-ins since then: --federated, and --complete for every server of the farm.",
                "Find out what else that account did, and from where.",
                _KEEP,
            ),
        ),
    ),
    "suspicious": RuleText(
        "several signs of an intruder on tokens that cannot be judged",
        Advice(
            "Each sign has a weight; the finding lists those that hold and their sum. None of them is proof.",
            FINDING_ADVICE[FindingVerdict.SUSPICION].act,
        ),
    ),
    "one-id-several-tuples": RuleText(
        "one token id was accepted with claims that disagree",
        Advice(
            "An id belongs to one issuance. Services keep it across applications and addresses, but never across"
            " subjects, tenants or keys: one of the records does not tell of the token that was issued.",
            (
                "See which of the tuples disagrees with the issuance: that one is contradicted.",
                _SEE_CONTRADICTED,
            ),
        ),
    ),
}


def explanation(code: str) -> Explanation | None:
    """Return what is known of a verdict, finding verdict, reason, diagnosis or rule; None for any other code."""
    if code in set(Verdict):
        verdict = Verdict(code)
        advice = VERDICT_ADVICE[verdict]
        return Explanation(code, "verdict", MEANING[verdict], advice.why, advice.act)
    if code in set(FindingVerdict):
        claim = FindingVerdict(code)
        advice = FINDING_ADVICE[claim]
        return Explanation(code, "verdict of a finding", FINDING_MEANING[claim], advice.why, advice.act)
    if code in set(Diagnosis):
        diagnosis = Diagnosis(code)
        advice = DIAGNOSIS_ADVICE[diagnosis]
        sort = "reason and diagnosis" if code in set(Reason) else "diagnosis"
        return Explanation(code, sort, DIAGNOSIS_MEANING[diagnosis], advice.why, advice.act)
    if code in set(Reason):
        reason = Reason(code)
        found = f"Probably forged: {PROBABLE_MEANING[Probable(code)]}." if code in set(Probable) else ""
        return Explanation(code, "reason", REASON_MEANING[reason], found, REASON_ADVICE[reason])
    if code in set(Probable):
        probable = Probable(code)
        advice = PROBABLE_ADVICE[probable]
        return Explanation(code, "rule", PROBABLE_MEANING[probable], advice.why, advice.act)
    if code in RULES:
        rule = RULES[code]
        return Explanation(code, "rule", rule.meaning, rule.advice.why, rule.advice.act)
    return None
