"""The Entra directory audit as the Entra admin center downloads it in CSV: columns for actor, targets and changes.

The header is that of real downloads (`Date (UTC),CorrelationId,Service,Category,Activity,...`). The record's id is
not in it, so that the same change from another wrapper is another record. The portal's JSON is that of Graph.
"""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.sources import mapping
from counterfoil.sources.entra import audit
from counterfoil.sources.source import TEXT, Csv, Source

_TARGETS, _PROPERTIES, _DETAILS = 3, 5, 4  # of each, the portal writes at most so many that are read here
_FLAT = {
    "activity": "Activity", "category": "Category", "correlationId": "CorrelationId", "result": "Result",
    "resultReason": "ResultReason", "loggedByService": "Service", "happened": "Date (UTC)", "ipAddress": "IPAddress",
}
_ACTOR = ("ActorType", "ActorDisplayName", "ActorObjectId", "ActorUserPrincipalName", "ActorServicePrincipalId",
          "ActorServicePrincipalName", "User Agent", "UserAgent")


def _target(number: int) -> dict[str, str]:
    return {name: f"Target{number}{name}" for name in ("Type", "DisplayName", "ObjectId", "UserPrincipalName")}


def _change(target: int, number: int) -> dict[str, str]:
    return {name: f"Target{target}ModifiedProperty{number}{name}" for name in ("Name", "OldValue", "NewValue")}


def _detail(number: int) -> tuple[str, str]:
    return f"AdditionalDetail{number}Key", f"AdditionalDetail{number}Value"


def _columns() -> list[str]:
    found = [*_FLAT.values(), *_ACTOR]
    for target in range(1, _TARGETS + 1):
        found += _target(target).values()
        for number in range(1, _PROPERTIES + 1):
            found += _change(target, number).values()
    return [*found, *(name for number in range(1, _DETAILS + 1) for name in _detail(number))]


def to_evidence(raw: ir.Table) -> ir.Table:
    """Map rows to context."""
    flat: dict[str, ir.Value] = dict.fromkeys(audit.FLAT, ibis.null("string"))
    flat |= {name: raw[column] for name, column in _FLAT.items()}
    application = raw["ActorType"].lower().startswith("app")
    flat["initiatedBy"] = _initiated_by(raw, application)
    flat["targetResources"] = ibis.array([_target_struct(raw, number) for number in range(1, _TARGETS + 1)])
    flat["additionalDetails"] = ibis.array([
        ibis.struct({"key": raw[key], "value": raw[value]}) for key, value in map(_detail, range(1, _DETAILS + 1))
    ] + [ibis.struct({"key": ibis.literal("User-Agent"),
                      "value": ibis.coalesce(mapping.text(raw["User Agent"]), raw["UserAgent"])})])
    return audit.audit_rows(raw, flat, fidelity=5)


def _initiated_by(raw: ir.Table, application: ir.BooleanValue) -> ir.StructValue:
    nothing = ibis.null("string")
    person = {
        "id": ibis.cases((~application, raw["ActorObjectId"])),
        "userPrincipalName": raw["ActorUserPrincipalName"],
        "displayName": ibis.cases((~application, raw["ActorDisplayName"])),
        "ipAddress": raw["IPAddress"],
    }
    app = {
        "appId": nothing,
        "displayName": raw["ActorDisplayName"],
        "servicePrincipalId": ibis.cases(
            (application, ibis.coalesce(mapping.text(raw["ActorServicePrincipalId"]), raw["ActorObjectId"]))
        ),
        "servicePrincipalName": raw["ActorServicePrincipalName"],
    }
    token = ibis.struct(dict.fromkeys(("uti", "uniqueTokenIdentifier", "issuedAt", "issuedAtDateTime"), nothing))
    return ibis.struct({
        "user": ibis.struct(person),
        "app": ibis.struct(app),
        "linkableIdentifiers": ibis.struct({"sessionId": nothing, "deviceId": nothing, "tokenDetails": token}),
    })


def _target_struct(raw: ir.Table, number: int) -> ir.StructValue:
    names = {column: raw[name] for column, name in _target(number).items()}
    changes = [
        mapping.text(raw[change["Name"]]) + ": " + raw[change["OldValue"]] + " -> " + raw[change["NewValue"]]
        for change in (_change(number, place) for place in range(1, _PROPERTIES + 1))
    ]
    return ibis.struct({
        "id": names["ObjectId"],
        "displayName": names["DisplayName"],
        "type": names["Type"],
        "userPrincipalName": names["UserPrincipalName"],
        "modifiedProperties": ibis.array(changes).filter(lambda change: change.notnull()).join("; "),
    })


SOURCE = Source(
    name="entra-audit-portal",
    log=audit.LOG,
    title="Entra audit logs, Entra admin center CSV",
    fidelity=5,
    csv=Csv(
        header=frozenset({"Date (UTC)", "CorrelationId", "Service", "Category", "Activity", "Result", "ActorType"}),
        dates=frozenset({"Date (UTC)"}),
    ),
    raw=dict.fromkeys(_columns(), TEXT),
    to_evidence=to_evidence,
    explain=audit.explain(
        "entra.microsoft.com > Monitoring & health > Audit logs: date range, no filter > Download > Download CSV, with"
        " English as the portal's language: it translates the column names. JSON keeps more, and the record's id",
        caps="the portal stops at a fixed number of rows (250,000 in 2019; a file of exactly 100,000 is taken as cut"
        " off too).",
    ),
    row_caps=frozenset({100_000, 250_000}),
)
