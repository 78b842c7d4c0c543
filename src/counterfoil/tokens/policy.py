"""A policy: which keys there are, what each may sign, and what each flow accepts. Immutable, and never empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from counterfoil.errors import PolicyError, UsageError
from counterfoil.jose.algorithms import ALGORITHMS
from counterfoil.tokens import policy_file
from counterfoil.tokens.blocklist import BlockList, blocking
from counterfoil.tokens.entitlement import FOREVER, GUID, Entitlement, IssuerPattern
from counterfoil.tokens.flow import ANY_TENANT, CLASSES, CounterfoilCheck, Flow, StatusCheck
from counterfoil.tokens.keyset import Grant, KeySet, from_document
from counterfoil.tokens.policy_file import (
    BlockListTable,
    CountersignTable,
    FlowTable,
    KeysTable,
    KeyTable,
    Missing,
    Place,
    seconds,
)

NO_KEYS = KeySet(MappingProxyType({}))
NO_DIGESTS: Mapping[str, frozenset[bytes]] = MappingProxyType({})


@dataclass(frozen=True)
class BlockRule:
    """Who may sign block lists, and what happens to tokens while there is none that holds."""

    signers: KeySet
    missing: Missing = Missing.REFUSE


@dataclass(frozen=True)
class TokenPolicy:
    """The keys that are trusted, each with what it may sign; the flows by name; and the keys that counter-sign."""

    keys: KeySet
    flows: Mapping[str, Flow]
    countersign: KeySet = NO_KEYS
    blocklist: BlockRule | None = None
    blocks_until: float = -FOREVER  # until when the block list holds that this policy goes by

    @classmethod
    def from_toml(
        cls, text: str | bytes, documents: Mapping[str, str | bytes], file: str = "policy"
    ) -> TokenPolicy:
        """Return the policy that a text describes (docs/reference/token-policy.md).

        `documents`: the content of each key document that the text names under `file`. `file` (the argument) is what
        errors call the text. Raises PolicyError with line and field.
        """
        tables = policy_file.read(text, file)
        _check_once(tables.keys + tables.countersign)
        sets = [_key_set(place, table, inner, documents) for place, table, inner in tables.keys]
        flows: dict[str, Flow] = {}
        for place, flow_table in tables.flows:
            if flow_table.name in flows:
                raise place.error("name", f"{flow_table.name!r} is the name of an earlier flow")
            flows[flow_table.name] = _flow(place, flow_table)
        countersign = KeySet.joined([_key_set(place, table, inner, documents) for place, table, inner in
                                     tables.countersign])
        # whoever steals a key that signs and counter-signs would need no other
        keys = KeySet.joined(held.without(countersign, "it counter-signs: take two keys") for held in sets)
        rule = None if tables.blocklist is None else _block_rule(*tables.blocklist, documents)
        if rule is not None:
            keys = keys.without(rule.signers, "it signs block lists: take two keys")
            countersign = countersign.without(rule.signers, "it signs block lists: take two keys")
        for place, flow_table in tables.flows:
            _check_references(place, flow_table, flows)
            if flow_table.counterfoil is CounterfoilCheck.REQUIRED and not countersign.keys:
                raise place.error("counterfoil", "no key counter-signs", "add a [[countersign]]")
        return cls(keys, MappingProxyType(flows), countersign, rule)

    @property
    def must_hold(self) -> bool:
        """Whether no token is good without a block list that holds."""
        return self.blocklist is not None and self.blocklist.missing is Missing.REFUSE

    def blocking(self, found: BlockList, minted: Mapping[str, frozenset[bytes]] = NO_DIGESTS) -> TokenPolicy:
        """Return this policy by a block list: no token under a key that it names is good.

        But for a key with a cut-off those that `minted` has the digests of (by the key's thumbprint), or that are
        proven when they are shown (`Presentation.minted`).
        """
        return replace(
            self, keys=blocking(self.keys, found, minted), countersign=blocking(self.countersign, found, minted),
            blocks_until=found.until,
        )

    def flow(self, name: str | None = None) -> Flow:
        """Return the flow of this name, or the only one; raises UsageError."""
        if name is None and len(self.flows) == 1:
            return next(iter(self.flows.values()))
        if name is None or name not in self.flows:
            problem = "the policy has several flows" if name is None else f"the policy has no flow {name[:80]!r}"
            raise UsageError(problem, hint=f"name one of {', '.join(self.flows)}")
        return self.flows[name]


def documents_of(text: str | bytes, file: str = "policy") -> tuple[str, ...]:
    """Return the names of the key documents that a policy's text needs; raises PolicyError."""
    return tuple(issuers_of(text, file))


def issuers_of(text: str | bytes, file: str = "policy") -> Mapping[str, tuple[IssuerPattern, ...] | None]:
    """Return for each key document that a policy's text needs the issuers that its keys may be for at most.

    None: the document alone says. Raises PolicyError.
    """
    tables = policy_file.read(text, file)
    said = [(place, table.file, table.issuers) for place, table, _ in tables.keys]
    said += [(place, table.file, table.issuers) for place, table, _ in tables.countersign]
    found = {name: None if texts is None else _patterns(place, "issuers", texts) for place, name, texts in said}
    # who signs block lists signs no token: no token asks for that document
    return found if tables.blocklist is None else {tables.blocklist[1].file: (), **found}


def _block_rule(place: Place, table: BlockListTable, documents: Mapping[str, str | bytes]) -> BlockRule:
    if table.file not in documents:
        raise place.error("file", f"{table.file!r} was not given")
    for name in ("pinned", "issuers"):
        if not getattr(table, name):
            raise place.error(name, "an empty list allows nothing", "name the keys (thumbprints) that sign block lists")
    entitled = Entitlement(issuers=(_patterns(place, "issuers", table.issuers),), algorithms=frozenset(ALGORITHMS))
    document = documents[table.file]
    content = document.encode("utf-8", "replace") if isinstance(document, str) else document
    where = f"{place.file}:{place.line('file')}: {table.file}"
    signers = from_document(content, Grant(entitled, pinned=frozenset(table.pinned)), where)
    if not signers.keys:
        raise place.error("pinned", f"{table.file} holds none of the keys that are pinned")
    return BlockRule(signers, table.missing)


def _check_once(tables: Sequence[tuple[Place, KeysTable | CountersignTable, Sequence[tuple[Place, KeyTable]]]]) -> None:
    """Refuse two tables for one document: a key that one of them blocks would be good by the other."""
    seen: set[str] = set()
    for place, table, _ in tables:
        if table.file in seen:
            raise place.error("file", f"{table.file!r} has a table already", "one table says all of a document")
        seen.add(table.file)


def _key_set(
    place: Place, table: KeysTable | CountersignTable, inner: Sequence[tuple[Place, KeyTable]],
    documents: Mapping[str, str | bytes],
) -> KeySet:
    if table.file not in documents:
        raise place.error("file", f"{table.file!r} was not given")
    if table.pinned == []:
        raise place.error("pinned", "an empty list allows nothing; leave it out, or block the keys")
    pinned = None if table.pinned is None else frozenset(table.pinned)
    grant = Grant(_entitled(place, table), {one.kid: _entitled(at, one) for at, one in inner}, pinned)
    if len(grant.to_key) != len(inner):
        raise place.error("key", "two entries are for one kid")
    document = documents[table.file]
    content = document.encode("utf-8", "replace") if isinstance(document, str) else document
    return from_document(content, grant, f"{place.file}:{place.line('file')}: {table.file}")


def _entitled(place: Place, table: KeysTable | CountersignTable | KeyTable) -> Entitlement:
    for name, known in (("classes", CLASSES), ("algorithms", ALGORITHMS)):
        for value in getattr(table, name) or ():
            if value not in known:
                raise place.error(name, f"{value[:40]!r} is unknown", f"known: {', '.join(known)}")
    for name in ("issuers", "tenants", "audiences", "classes", "algorithms"):
        if getattr(table, name) == []:
            raise place.error(name, "an empty list allows nothing; leave it out, or block the key")
    for tenant in table.tenants or ():
        if not GUID.fullmatch(tenant):
            hint = "leave tenants out to allow any" if tenant == ANY_TENANT else ""
            raise place.error("tenants", f"{tenant[:80]!r} is not a GUID in lower case", hint)
    begin, end = _moment(place, "sign_from", table.sign_from), _moment(place, "sign_until", table.sign_until)
    if begin is not None and end is not None and begin >= end:
        raise place.error("sign_until", "the window ends before it begins")
    return Entitlement(
        issuers=(_patterns(place, "issuers", table.issuers),) if table.issuers is not None else (),
        tenants=_set(table.tenants),
        audiences=_set(table.audiences),
        classes=_set(table.classes),
        algorithms=_set(table.algorithms),
        sign_from=Entitlement.sign_from if begin is None else begin,
        sign_until=Entitlement.sign_until if end is None else end,
        state=table.state if isinstance(table, KeyTable) else Entitlement.state,
        why="by the policy" if isinstance(table, KeyTable) else "",
    )


def _set(values: Sequence[str] | None) -> frozenset[str] | None:
    return None if values is None else frozenset(values)


def _moment(place: Place, name: str, when: datetime | None) -> float | None:
    if when is None:
        return None
    if when.tzinfo is None:
        raise place.error(name, "a time without offset", "write UTC, such as 2026-01-31T00:00:00Z")
    return when.timestamp()


def _patterns(place: Place, name: str, texts: Sequence[str]) -> tuple[IssuerPattern, ...]:
    try:
        return tuple(IssuerPattern.of(text) for text in texts)
    except ValueError as error:
        raise place.error(name, f"expected {error}") from error


def _flow(place: Place, table: FlowTable) -> Flow:
    if table.token_class not in CLASSES:
        raise place.error("class", f"{table.token_class[:40]!r} is unknown", f"known: {', '.join(CLASSES)}")
    token_class = CLASSES[table.token_class]
    typ = token_class.typ
    if table.typ is not None:
        typ = frozenset(text.lower().removeprefix("application/") for text in table.typ)
    field = "max_lifetime"
    try:
        lifetime = seconds(table.max_lifetime)
        field = "leeway"
        leeway = seconds(table.leeway)
        field = "proof_age"
        proof_age = seconds(table.proof_age)
        field = ""
        return Flow(
            name=table.name,
            token_class=token_class,
            issuers=_patterns(place, "issuers", table.issuers),
            audiences=frozenset(table.audiences),
            typ=typ,
            tenants=_set(table.tenants),
            claims=MappingProxyType({name: frozenset(values) for name, values in table.claims.items()}),
            required=tuple(tuple(text.split("|")) for text in table.required),
            max_lifetime=lifetime,
            leeway=leeway,
            actors=frozenset(table.actors),
            actor_flow=table.actor_flow,
            binding=table.binding,
            proof_age=proof_age,
            renewal_issuers=_patterns(place, "renewal_issuers", table.renewal_issuers),
            status=table.status,
            status_flow=table.status_flow,
            recipients=frozenset(table.recipients),
            counterfoil=table.counterfoil,
        )
    except ValueError as error:
        name, colon, problem = str(error).partition(": ")
        raise (place.error(field, str(error)) if field or not colon else place.error(name, problem)) from error


def _check_references(place: Place, table: FlowTable, flows: Mapping[str, Flow]) -> None:
    """Hold flows that name others to flows that exist and are of the right class."""
    for name, wanted in (("actor_flow", "actor"), ("status_flow", "status-list")):
        named = getattr(table, name)
        if named is None:
            continue
        if named not in flows or flows[named].token_class.name != wanted:
            raise place.error(name, f"{named[:80]!r} is not a flow of class {wanted}")
        if flows[named].actor_flow is not None or flows[named].status is not StatusCheck.OFF:
            raise place.error(name, f"{named[:80]!r} must not need another flow itself")
    unknown = sorted(set(table.renewal_issuers) - {pattern.text for pattern in flows[table.name].issuers})
    if unknown:
        raise place.error("renewal_issuers", f"{unknown[0][:80]!r} is not among the flow's issuers")


__all__ = ["PolicyError", "TokenPolicy", "documents_of", "issuers_of"]
