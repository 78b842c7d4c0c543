"""What each reason of `respond verify` means, why it counts, and what to do about it: for `counterfoil explain`."""

from __future__ import annotations

from collections.abc import Mapping

from counterfoil.model.advice import Explanation
from counterfoil.respond.evicted import Why

SORT = "reason of respond verify"
_AGAIN = "Ask again: counterfoil respond verify says what changed."
_EXPORT = f"Export the log for the whole time since the block, ingest it into the case. {_AGAIN}"

_TOLD: Mapping[Why, tuple[str, str, str]] = {
    Why.ACCEPTED_UNDER_KEY: (
        "a service let in a token under the blocked key",
        "The block does not hold there: whoever has the key is still anybody.",
        "Find out which services by counterfoil respond probe, and have them go by the block list or restarted.",
    ),
    Why.INTRUSION_GOES_ON: (
        "a token of the findings, or one of its lineage, was let in after the block",
        "What was renewed or exchanged before the block is signed by good keys: the block does not touch it.",
        "Revoke it with its lineage: counterfoil respond revoke --lineage.",
    ),
    Why.LINEAGE_RENEWED: (
        "a token of his lineage was renewed or exchanged after the block",
        "A refresh token or session that he got by a forged token is alive, whether or not what it gave was used yet.",
        "Revoke it with its lineage: counterfoil respond revoke --lineage.",
    ),
    Why.PARTY_ACCEPTS: (
        "the last probe of a party let the canary in",
        "It keeps the key from a cache, a pin or a replica that did not hear of the block.",
        "Have it fetch its keys anew or restart it, and probe it again.",
    ),
    Why.PERSISTENCE_LEFT: (
        "a consent, secret, rule, delegate, device, method or role that he made stands",
        "He comes back by it without the key.",
        "Remove it, and say so: counterfoil respond done persistence --target OBJECT.",
    ),
    Why.PERSISTENCE_OPEN: (
        "such a change was made under a victim's name in his time, and nobody looked at it",
        "It may be the victim's own, or his.",
        "Ask the victim, remove it if need be: counterfoil respond done persistence --target OBJECT.",
    ),
    Why.TRAITS_AGAIN: (
        "an address, an agent or a habit that was his alone was seen with other tokens",
        "He may have another way in; or the mark has another user by now.",
        "Look at what those tokens did, and who was issued them. If it is not he: counterfoil respond done traits"
        " --target ADDRESS|AGENT|APPLICATION.",
    ),
    Why.LIFE_NOT_OVER: (
        "refresh tokens or sessions that he held may still live",
        "Until they have ended, silence may be patience.",
        "Revoke them and say so (counterfoil respond done revoke), or wait until the time that the statement names.",
    ),
    Why.REVOCATION_DENIED: (
        "the journal says that his victims' sessions were revoked, and the directory's log does not",
        "A log of what happened outranks a note of what was done: the command may have failed, or left some out.",
        "Revoke the sessions of those victims, and read the new log into the case; or wait until the life is over.",
    ),
    Why.LOG_ENDS: (
        "a log that showed him ends before the time that is asked about",
        "Silence in a log that was cut is no silence of the intruder.",
        _EXPORT,
    ),
    Why.LOG_HOLE: (
        "a log that showed him is silent for longer than it was before",
        "What happened in the hole is in no evidence.",
        _EXPORT,
    ),
    Why.LOG_THROTTLED: (
        "a log that showed him was throttled",
        "Records are missing just when there were many.",
        "Take the records from another log, or ask for a time after the throttling.",
    ),
    Why.LOG_LOST: (
        "records of acceptances could not be read",
        "His may be among them.",
        "See the rejects of the case, mend the export and ingest it again.",
    ),
    Why.LEFT_OPEN: (
        "more than a tenth of the tokens used since could not be judged",
        "An intruder with genuine tokens of another issuer would be among those.",
        "Add the logs of issuance that are missing: counterfoil report names them.",
    ),
    Why.PARTY_UNKNOWN: (
        "a party does not answer the probe, or refuses the twin as well",
        "It may accept the key: nothing was seen.",
        "Mend the probe (audience, address, the twin's key), and probe it again.",
    ),
    Why.REFUSED_UNDER_KEY: (
        "tokens under the dead key are refused: he still tries",
        "It speaks for nothing. It is a tripwire, and its addresses are his.",
        "Watch those addresses for other tokens.",
    ),
    Why.REVOKED_BY_WORD: (
        "that sessions were revoked is the word of the journal alone",
        "No log of the directory in evidence covers the time: nothing contradicts it, and nothing confirms it.",
        f"Export the directory's audit log into the case. {_AGAIN}",
    ),
}
# By code, in the order of the statement.
EXPLAINED: Mapping[str, Explanation] = {
    str(why): Explanation(str(why), SORT, meaning, because, (act,)) for why, (meaning, because, act) in _TOLD.items()
}
