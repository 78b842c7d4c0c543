"""Diagnoses: by what a token was forged, and what a log shows of its keeper, each with all that is known of it."""

from __future__ import annotations

from counterfoil.model.verdict import Claim, FindingVerdict
from counterfoil.model.word import BLOCK, KEEP_LOG, REACHED, Word


class Diagnosis(Word):
    """Where the trail of an accused token breaks, or what a log that speaks of no token shows of its keeper.

    `brief`: for tables. `claim`: what a finding of a log says, where one is of it.
    """

    brief: str
    claim: Claim | None
    meaning: str
    why: str

    THROUGH_CUSTODY = (
        "through-custody", "signed through the key store, past the issuer", None,
        "the key store signed it, and the issuer never issued it: someone signs through it",
        "The digest of the token is in the log of key uses, so the key store made the signature; the issuer's log,"
        " complete for that time, has no such token. The private key itself need not be out.",
        "Cut the access of the caller that the key use names, and stop whatever runs in its name.",
        KEEP_LOG,
        "If that caller is a service of your own that issues past its ledger, make it write the ledger.",
        REACHED,
    )
    KEY_OUT = (
        "key-out", "the private key is out", None,
        "its signature was verified, and the key store never made it: the private key is out",
        "A service verified the signature with this key, and the key's complete log of uses holds no such signature:"
        " it was made elsewhere, with a copy of the private key.",
        "Block the key everywhere, now: at the issuer, in its published key set, at every service that caches it.",
        "Sign with a new key, made in custody, and let relying parties forget the old one.",
        "Find out where the key lay outside custody: dumps, backups, images (counterfoil leaks).",
        REACHED,
    )
    KEY_OUT_OR_UNCHECKED = (
        "key-out-or-unchecked", "the key is out, or a service did not check the signature", None,
        "the key store never signed it: the key is out, or a service did not check",
        "The key's complete log of uses holds no such signature, and no receipt says that the signature was verified"
        " with it: an unsigned token, a rogue key in a key set or a replaced certificate would look the same.",
        BLOCK,
        "Test the service that accepted it with a token that nobody signed.",
        "Compare the key sets that the service trusts with those that the issuer publishes.",
        REACHED,
    )
    CUSTODY_UNKNOWN = (
        "custody-unknown", "how it was signed cannot be told: no log of key uses", None,
        "forged; no complete log of its key's uses, with digests, tells who could sign it",
        "The token was never issued. How it was signed cannot be told: no log of its key's uses is in evidence that is"
        " complete for that time and carries digests.",
        BLOCK,
        "Export the log of key uses and hunt again: counterfoil sources explain counterfoil-custody.",
        "Until it tells otherwise, assume that the key is out.",
    )
    LEDGER_ALTERED = (
        "ledger-altered", "the issuer's log was altered, or the key used elsewhere", None,
        "issued by its ledger, never signed in custody: ledger altered, or key used elsewhere",
        "Issuer and service agree about this token, but the complete log of its key's uses has no such signature. An"
        " entry was put into the issuer's log afterwards, or the key was used outside custody.",
        "Audit the issuer: compare its log with the checkpoints that other parties keep.",
        "Treat the key as out until the audit tells otherwise, and block it.",
        KEEP_LOG,
    )
    KEY_NOT_ENTITLED = (
        "key-not-entitled", "a service does not bind keys to what they may sign", None,
        "a service does not bind keys to issuer, class, tenant or time",
        "The policy of keys says what each may sign and until when. Here a service accepted what the key may not sign,"
        " issued or not: that it is signed well proves nothing.",
        "Make that service check the entitlement of keys: issuer, class, tenant, audience, window, state.",
        "Block the key: who can sign with it can use every service that makes the same mistake.",
        REACHED,
    )
    LAUNDERED = (
        "laundered", "genuine, but obtained with a token that is not", None,
        "the issuer made it in exchange for a token that it never issued",
        "The issuer's own record says with which token this one was obtained, and that one is forged, contradicted or"
        " without the sign-in that must stand behind it.",
        "Revoke the whole lineage: every token and session that descends from it.",
        "Close the exchange to tokens that are not in the issuer's own log.",
        "Look at the ancestor for who signed it.",
    )
    # of no single token
    SIGNATURES_UNACCOUNTED = (
        "signatures-unaccounted", "signatures that belong to no token",
        Claim(FindingVerdict.PROBABLY_FORGED, "high", "high", ("T1606",)),
        "the key store signed what the issuer did not issue, and nothing accepted it yet",
        "Every signature of an issuer's key belongs to a token in its log. These belong to none, and no service told of"
        " accepting them: prepared, used where no receipts are kept, or signed for another purpose.",
        "Audit who called sign at those times, and with what right.",
        "Ask every service that trusts the key for its receipts of that time.",
    )
    LEDGER_REWRITTEN = (
        # proof; an export that lacks entries may have been cut by an accident
        "ledger-rewritten", "the log was rewritten",
        Claim(FindingVerdict.CONTRADICTED, "critical", "high", ("T1070", "T1565.001")),
        "the log is not the one of which another party keeps a checkpoint",
        "A log that only grows has every earlier tree in it. This one does not have the tree of a checkpoint that"
        " somebody else keeps, so what it says now is not what it said then.",
        "Trust nothing that this log says, and keep both: this export, and the checkpoint.",
        "Get an older copy (backup, mirror, witness), and compare entry by entry.",
        "Find out who could write where the log lies.",
    )
    LEDGER_GAP = (
        "ledger-gap", "the log lacks entries",
        Claim(FindingVerdict.SUSPICION, "high", "medium", ("T1070",)),
        "entries of the log are missing, or it ends before a checkpoint that another party keeps",
        "Entries of a log are numbered without gaps, and it never shrinks. Here numbers are missing, or it ends before"
        " a checkpoint that somebody else keeps: it was cut, rolled back, or not exported as a whole.",
        "Export the log again as a whole: counterfoil ledger export, or counterfoil keys export.",
        "If the entries are gone, treat what is missing as hidden: absence in this log proves nothing.",
        "Compare with a backup, a mirror or a witness.",
    )
