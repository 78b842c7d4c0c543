"""Rule 1 of docs/reference/reconciliation.md in plain Python: records, duplicates, aliases, derived acceptances."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from counterfoil.model.counterfoil import LEDGER_LOG, Grant
from counterfoil.model.receipt import RECEIPTS_LOG
from counterfoil.model.schema import TokenClass

from .reference_policy import ENTRA_LOGS, FEDERATION, OWN_LOGS

Row = Mapping[str, Any]
IdKey = tuple[str | None, str]  # (token_id_kind, token_id)

SIGN_IN_KINDS = ("interactive", "non-interactive")
PROVING_LEGS = ("issuance", "secondary_issuance", "context")  # rule 1.2


@dataclass(frozen=True)
class Record:
    """The evidence columns that the rules read. None is NULL: unknown.

    The last six are not columns. `subject`: rule 1.2. `derived`: "" for a record of its own leg, else
    `assertion` or `exchange` (rule 1.3). `presentation_unknown`: rule 1.3 b. `children`: the ids that were
    issued with a derived acceptance (rule 6.1). `grant`: the operation by which (rule 1.3 d).
    """

    leg: str
    event_time: datetime
    source: str
    kind: str
    record_id: str
    operation: str
    outcome: str
    fidelity: int = 0
    raw_file: str = ""
    raw_position: int = 1
    sequence: int | None = None
    issued_at: datetime | None = None
    issuer: str | None = None
    token_class: str | None = None
    token_id: str | None = None
    token_id_kind: str | None = None
    parent_token_ids: tuple[str, ...] | None = None
    signing_input_digest: str | None = None
    key_id: str | None = None
    subject_id: str | None = None
    subject_name: str | None = None
    client_id: str | None = None
    resource: str | None = None
    token_tenant: str | None = None
    resource_tenant: str | None = None
    home_tenant: str | None = None
    cross_tenant: str | None = None
    incoming_token: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    device_id: str | None = None
    session_id: str | None = None
    logon_type: str | None = None
    object_kind: str | None = None
    object_parent: str | None = None
    signature: str | None = None
    extra: str | None = None
    subject: str | None = None
    derived: str = ""
    presentation_unknown: bool = False
    children: tuple[IdKey, ...] = ()
    grant: str = ""

    @property
    def second(self) -> datetime:
        """Its time, as comparisons are made: whole seconds."""
        return self.event_time.replace(microsecond=0)

    @property
    def id_key(self) -> IdKey | None:
        """The key of rule 2.2."""
        return None if self.token_id is None else (self.token_id_kind, self.token_id)

    @property
    def order(self) -> tuple[datetime, str, str]:
        """The order in which "first" is meant everywhere (rule 2.1)."""
        return (self.event_time, self.source, self.record_id)

    @property
    def is_guest(self) -> bool:
        """Whether the account lives in another tenant than the resource: by the kind of access, if no home is told."""
        if self.home_tenant is None:
            return self.is_crossing
        return self.resource_tenant is not None and self.home_tenant != self.resource_tenant

    @property
    def is_crossing(self) -> bool:
        """Whether the record says that somebody came from another tenant."""
        return (self.cross_tenant or "").lower() not in ("", "none")

    @property
    def network(self) -> str | None:
        """Rule 5.4: the /24 of an IPv4 address, the /48 of an IPv6 address. What is no address is unknown."""
        if self.ip is None:
            return None
        try:
            address = ipaddress.ip_address(self.ip)
        except ValueError:
            return None
        return str(ipaddress.ip_network((address, 24 if address.version == 4 else 48), strict=False))


COLUMNS = tuple(f.name for f in fields(Record))[: -len(("subject", "derived", "presentation_unknown", "children"))]


def deduplicated(rows: Iterable[Row]) -> list[Record]:
    """Rule 1.1: one record per (source, record_id), the best wrapper's, its NULLs filled from the others."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["source"], row["record_id"]), []).append(row)
    return [_merged(group) for group in groups.values()]


def _merged(group: Sequence[Row]) -> Record:
    best_first = sorted(group, key=lambda r: (r.get("fidelity", 0), r.get("raw_file", ""), r.get("raw_position", 1)))
    values: dict[str, Any] = {}
    for column in COLUMNS:
        for row in best_first:
            if column not in values and row.get(column) is not None:
                values[column] = row[column]
    if "parent_token_ids" in values:
        values["parent_token_ids"] = tuple(values["parent_token_ids"])
    return Record(**values)


def proven_names(records: Iterable[Record], identities: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Rule 1.2: the names that stand for exactly one id, by the evidence; `identities` overrule it.

    Acceptances prove nothing: their claims are the forger's to choose.
    """
    by_evidence: dict[str, set[str]] = {}
    for record in records:
        if record.leg not in PROVING_LEGS or record.is_guest:
            continue
        if record.subject_id is not None and record.subject_name is not None:
            by_evidence.setdefault(record.subject_name, set()).add(record.subject_id)
    by_user: dict[str, set[str]] = {}
    for identity, name in identities:
        by_user.setdefault(name, set()).add(identity)
    names = {**by_evidence, **by_user}
    return {name: next(iter(ids)) for name, ids in names.items() if len(ids) == 1}


def with_subject(record: Record, names: Mapping[str, str]) -> Record:
    """Rule 1.2: the record with its `subject`."""
    if record.subject_id is not None:
        return replace(record, subject=record.subject_id)
    if record.subject_name is None:
        return record
    return replace(record, subject=names.get(record.subject_name, f"name:{record.subject_name}"))


def identified(subject: str | None) -> bool:
    """Rule 1.2: a subject is identified when it is known and is no mere name."""
    return subject is not None and not subject.startswith("name:")


def derived_acceptances(records: Sequence[Record], federated: Mapping[str, str]) -> list[Record]:
    """Rule 1.3: the acceptances that sign-ins and exchanges hold besides their issuance."""
    return [*_assertions(records, federated), *(_as_received(each, records) for each in _exchanges(records))]


def _as_received(exchange: Record, records: Sequence[Record]) -> Record:
    """Rule 1.3 d: of what was shown to an issuer with an own log, receipts tell what it was, if they tell one thing.

    Of an id that was issued under other bytes, or unknown ones, its genuine bearer may have shown it.
    """
    if exchange.source not in OWN_LOGS:
        return exchange
    seen = [
        r for r in records
        if r.leg == "acceptance" and r.outcome in ("success", "denied") and r.source == RECEIPTS_LOG
        and r.token_id == exchange.token_id
    ]
    digests = {r.signing_input_digest for r in seen} - {None}
    issued = {
        r.signing_input_digest for r in records
        if r.leg in ("issuance", "secondary_issuance") and r.outcome == "success" and r.source in OWN_LOGS
        and r.token_id == exchange.token_id
    }
    if not seen and not issued and not (exchange.source == LEDGER_LOG and exchange.grant == Grant.REFRESH):
        return replace(exchange, subject_id=None, subject=None, issuer=None)
    if len(digests) != 1 or (issued and not digests & issued):
        return replace(exchange, subject_id=None, subject=None)

    def most(name: str) -> Any:
        return max((value for r in seen if (value := getattr(r, name)) is not None), default=None)

    told = {name: most(name) for name in (
        "issued_at", "subject_id", "subject", "token_tenant", "key_id", "signing_input_digest", "token_class",
    )}
    return replace(exchange, issuer=most("issuer") or exchange.issuer, **told)


def _assertions(records: Sequence[Record], federated: Mapping[str, str]) -> list[Record]:
    """Rules 1.3 a and b: one per sign-in, whatever its versions; one that shows an assertion outranks the rest."""
    sign_ins: dict[tuple[str, ...], list[Record]] = {}
    for record in records:
        if record.leg == "issuance" and record.outcome == "success" and record.source in ENTRA_LOGS:
            key = (record.token_id_kind or "", record.token_id) if record.token_id else ("", "", record.record_id)
            sign_ins.setdefault(key, []).append(record)
    derived = []
    for versions in sign_ins.values():
        versions.sort(key=lambda r: r.order)
        shown = [v for v in versions if v.incoming_token in ("saml11", "saml20")]  # 1.3 a
        shown = [v for v in shown if _named(v, federated) or not _of_another_tenant(v)]
        untold = [v for v in versions if v.incoming_token is None and _named(v, federated)]  # 1.3 b
        if shown:
            derived.append(_assertion(shown[0], federated, unknown=False))
        elif untold:
            derived.append(_assertion(untold[0], federated, unknown=True))
    return derived


def domain_of(record: Record) -> str | None:
    """Return what follows the last `@` of the subject's name."""
    if record.subject_name is None or "@" not in record.subject_name:
        return None
    return record.subject_name.rsplit("@", 1)[1]


def _named(record: Record, federated: Mapping[str, str]) -> str | None:
    """Who was named for the domain, or for the next one above it."""
    domain = domain_of(record)
    while domain:
        if domain in federated:
            return federated[domain]
        domain = domain.partition(".")[2]
    return None


def _of_another_tenant(record: Record) -> bool:
    return record.is_guest or record.is_crossing


def _assertion(sign_in: Record, federated: Mapping[str, str], *, unknown: bool) -> Record:
    """Rule 1.3 a: nothing is known of the assertion's own id, time, tenant, key and bytes (those are the token's)."""
    domain = domain_of(sign_in)
    issuer = None if domain is None else _named(sign_in, federated) or f"federated:{domain}"
    return replace(
        sign_in,
        leg="acceptance",
        derived="assertion",
        token_class=TokenClass.ASSERTION,
        operation="assertion",
        resource=FEDERATION,
        issuer=issuer,
        presentation_unknown=unknown,
        children=() if sign_in.id_key is None else (sign_in.id_key,),
        token_id=None,
        token_id_kind=None,
        parent_token_ids=None,
        issued_at=None,
        key_id=None,
        signing_input_digest=None,
        token_tenant=None,
    )


def _exchanges(records: Sequence[Record]) -> list[Record]:
    """Rule 1.3 c. Of the parent only issuer and subject are known; class, tenant, key and bytes are the child's.

    Whose token a parent is, is known only if there is one: with two, one may be a service's.
    """
    return [
        replace(
            record if len(set(record.parent_token_ids or ())) == 1 else _of_nobody(record),
            leg="acceptance",
            derived="exchange",
            operation="exchange",
            grant=record.operation,
            token_id=parent,
            children=() if record.id_key is None else (record.id_key,),
            parent_token_ids=None,
            token_class=None,
            issued_at=None,
            key_id=None,
            signing_input_digest=None,
            token_tenant=None,
        )
        for record in records
        if record.leg == "secondary_issuance" and record.outcome == "success"
        for parent in sorted(set(record.parent_token_ids or ()))
    ]


def _of_nobody(record: Record) -> Record:
    return replace(record, subject=None, subject_id=None, subject_name=None)


def acceptances(records: Sequence[Record], derived: Sequence[Record]) -> list[Record]:
    """Rule 1.4: what was let in, whether or not it was allowed to do what it asked."""
    return [r for r in records if r.leg == "acceptance" and r.outcome in ("success", "denied")] + list(derived)
