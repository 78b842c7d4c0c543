"""Puts into words what own logs show of themselves, of no token: altered ledgers, signatures unaccounted for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from counterfoil.investigate.findings import finding_id, reference
from counterfoil.model.advice import KEY_TAKEN, MORE_THAN_SIGNED
from counterfoil.model.coverage import ATTESTED, AttestedLog
from counterfoil.model.diagnosis import Diagnosis
from counterfoil.model.finding import MAX_LISTED, Finding
from counterfoil.report.words import some

_WAYS = {
    "4662": "the object that the key is derived from, in the directory (4662)",
    "33205": "the configuration that holds the key (SQL audit 33205)",
    "18": "the database of the configuration, not by the service itself (Sysmon 18)",
}
_TITLES = {
    Diagnosis.LEDGER_REWRITTEN: "the log {log} was rewritten",
    Diagnosis.LEDGER_GAP: "the log {log} lacks entries",
}


def of_logs(attested: Iterable[AttestedLog]) -> list[Finding]:
    """Return a finding for every log that was found altered by its check against a kept checkpoint."""
    found: dict[str, Finding] = {}
    for log in attested:
        if log.status != ATTESTED and log.diagnosis:
            diagnosis, name = Diagnosis(log.diagnosis), f"{log.log}/{log.origin}"
            one = _finding(diagnosis, name, _TITLES[diagnosis].format(log=name), log.reason)
            found.setdefault(one.id, one)
    return list(found.values())


def of_signatures(rows: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """Return a finding for every key with signatures that no ledger accounts for (rule 8.4)."""
    found: list[Finding] = []
    for row in rows:
        signatures, key = some(int(row["uses"]), "signature"), row["key_id"]
        callers = ", ".join(str(caller) for caller in row["callers"] or () if caller) or "callers without a name"
        found.append(_finding(
            Diagnosis.SIGNATURES_UNACCOUNTED, key, f"{signatures} of key {key} that no ledger accounts for",
            f"asked for by {callers}; nothing that was signed is accepted in evidence",
            first_seen=row["first_seen"], last_seen=row["last_seen"], keys=(key,),
        ))
    return found


def of_balances(rows: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """Return a finding for every key under which more tokens were accepted than it signed (rule 8.6)."""
    return [
        Finding(
            id=finding_id(str(MORE_THAN_SIGNED), row["key_id"]), rule=str(MORE_THAN_SIGNED),
            **vars(MORE_THAN_SIGNED.claim),
            title=f"at least {int(row['at_least']):,} of {int(row['accepted']):,} tokens under key {row['key_id']} were"
            " not signed in its key store",
            detail=f"its log counts {int(row['signed']):,} signatures in that time, or in some minute",
            first_seen=row["first_seen"], last_seen=row["last_seen"], token_count=int(row["accepted"]),
            keys=(row["key_id"],), next_step=MORE_THAN_SIGNED.act[0],
            diagnosis=str(Diagnosis.KEY_OUT_OR_UNCHECKED), at_least=int(row["at_least"]),
        )
        for row in rows
    ]


def of_thefts(rows: Iterable[Mapping[str, Any]], paths: Mapping[str, str]) -> list[Finding]:
    """Return a finding for everybody who read the signing key of an AD FS farm (`reconcile.farm_key`)."""
    found: list[Finding] = []
    for row in rows:
        who, host = row["account"] or "somebody without a name", row["host"] or "a host that the record does not name"
        when = f"{row['first_seen']:%Y-%m-%d %H:%M:%S}Z"
        title = f"{who} read the signing key of AD FS on {host}, {when}"
        if row["alert"]:
            title = f'alert "{row["alert"]}": {who} on {host}, {when}'
        ips = tuple(ip for ip in row["ips"] or () if ip)
        found.append(Finding(
            id=finding_id(str(KEY_TAKEN), row["alert"], row["account"], row["host"]), rule=str(KEY_TAKEN),
            **vars(KEY_TAKEN.claim), title=title, detail=_how(row), first_seen=row["first_seen"],
            last_seen=row["last_seen"], subjects=(row["account"],) if row["account"] else (), ips=ips[:MAX_LISTED],
            objects=(row["host"],) if row["host"] else (),
            evidence=tuple(reference(each, paths) for each in row["evidence"]), next_step=KEY_TAKEN.act[0],
        ))
    return found


def _how(row: Mapping[str, Any]) -> str:
    """Return what was read, by how many records, and until when."""
    ways = "; ".join(_WAYS.get(what, "an alert of Defender") for what in row["what"])
    records = some(int(row["records"]), "record")
    until = f", the last at {row['last_seen']:%Y-%m-%d %H:%M:%S}Z" if row["records"] > 1 else ""
    return f"{ways} ({records}{until})"


def _finding(diagnosis: Diagnosis, what: str, title: str, detail: str, **more: Any) -> Finding:
    return Finding(
        id=finding_id(str(diagnosis), what), rule=str(diagnosis), **vars(diagnosis.claim), title=title, detail=detail,
        next_step=diagnosis.act[0], diagnosis=str(diagnosis), **more,
    )
