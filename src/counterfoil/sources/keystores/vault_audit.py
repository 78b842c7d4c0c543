"""The audit device of OpenBao or HashiCorp Vault: every request to its transit engine, with secrets as HMACs.

Requests and responses are lines of their own, joined by the id of the request. Shape seen in a real server's log
(OpenBao 2.7.2); openbao.org/docs/audit, developer.hashicorp.com/vault/docs/audit/schema.
"""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.model import key_store
from counterfoil.model.logs import Issuance, Log
from counterfoil.model.schema import Leg, Outcome
from counterfoil.sources import mapping
from counterfoil.sources.source import TEXT, Explain, Source

VAULT_LOG = "vault-audit"
KIND = "audit"  # several devices hold the same requests: one part
_TRANSIT = "transit"
_READS = ("read", "list")
# Last word of `keys/NAME/...`, written to.
_ACTS = {"rotate": "rotate", "import": key_store.ATTACH, "import_version": key_store.ATTACH, "trim": "destroy"}
_KEY = r"^(?:sign|backup|restore|keys|(?:byok-)?export/[^/]+|byok-export)/([^/]+)"
_AUDIT_DEVICE = r"^sys/audit/[^/]+/?$"
_POLICIES = r"^sys/polic(?:y|ies)/"


def to_evidence(raw: ir.Table) -> ir.Table:
    """Map signatures to key uses, everything else to context; a response is a version of its request."""
    request, auth = raw.request, raw.auth
    path = request["path"]
    mount = ibis.coalesce(mapping.text(request["mount_point"]), path.re_extract(r"^([^/]+/)", 1))
    transit = ibis.coalesce(mapping.text(request["mount_type"]) == _TRANSIT, mount == f"{_TRANSIT}/")
    inside = ibis.ifelse(transit & path.startswith(mount), path.substr(mount.length()), ibis.null("string"))
    raw = mapping.stage(raw, path=path, inside=inside, verb=request["operation"])
    told = mapping.stage(raw, did=_operation(raw))
    responded = raw.type == "response"
    failure = mapping.text(raw.error)
    key = mapping.text(raw.inside.re_extract(_KEY, 1))
    signed = (told.did == key_store.SIGN).fill_null(False)
    return mapping.rows(
        told,
        source=VAULT_LOG,
        fidelity=ibis.ifelse(responded, 1, 2),  # only the response knows how it ended
        reject=ibis.cases((request["id"].nullif("").isnull() | request["operation"].nullif("").isnull(),
                           "no request of a client")),
        leg=ibis.ifelse(signed, str(Leg.KEY_USE), str(Leg.CONTEXT)),
        kind=KIND,
        event_time=mapping.when(told.time),
        record_id=mapping.lower(told.request["id"]),
        key_id=ibis.ifelse(signed, key, ibis.null("string")),
        key_operation=told.did,
        subject_id=mapping.lower(told.auth["entity_id"]),
        subject_name=ibis.coalesce(mapping.lower(auth["display_name"]), mapping.lower(auth["entity_id"])),
        ip=mapping.address(told.request["remote_address"]),
        operation=told.verb + " " + told.path,
        outcome=ibis.cases(
            (failure.contains("permission denied"), str(Outcome.REFUSED)), (failure.notnull(), str(Outcome.FAILED)),
            else_=str(Outcome.SUCCESS),
        ),
        object_kind=ibis.cases((key.notnull(), "signing_key"), (told.path.re_search(_AUDIT_DEVICE), "audit_device")),
        object_id=ibis.coalesce(key, ibis.ifelse(told.did.notnull(), told.path, ibis.null("string"))),
        extra=mapping.extra(
            # a header has several values
            process=told.request["headers"]["user-agent"].re_replace(r'^\["?|"?\]$', ""),
            role=auth["metadata"]["role_name"],
            tokenType=auth["token_type"], mount=request["mount_point"], error=failure.left(256),
        ),
    )


def _operation(raw: ir.Table) -> ir.StringValue:
    """Return what was done at the key store, NULL for what concerns it not."""
    inside, reads = raw.inside, mapping.among(raw.verb, _READS)
    act = inside.re_extract(r"^keys/[^/]+/([^/]+)$", 1)
    opened = ibis.or_(*(
        raw.request["data"][name].lower() == "true" for name in ("exportable", "allow_plaintext_backup")
    )).fill_null(False)
    return ibis.cases(
        (inside.startswith("sign/"), key_store.SIGN),
        (inside.re_search("^(?:byok-)?export/"), key_store.EXPORT),
        (inside.startswith("backup/"), key_store.BACKUP),
        (inside.startswith("restore"), key_store.ATTACH),
        (inside.startswith("keys") & reads, "list"),
        *((act == word, what) for word, what in _ACTS.items()),
        (inside.startswith("keys/") & (raw.verb == "delete"), "destroy"),
        (inside.startswith("keys/") & opened, key_store.ALLOW_EXPORT),
        (act == "config", key_store.POLICY),
        (inside.startswith("keys/"), "create"),
        (raw.path.re_search(_AUDIT_DEVICE) & (raw.verb == "delete"), key_store.AUDIT_OFF),
        (raw.path.re_search(_POLICIES) & ~reads, key_store.POLICY),
    )


SOURCE = Source(
    name="openbao-audit",
    log=Log(VAULT_LOG, issuance=Issuance(key_uses=True)),
    title="Audit log of OpenBao or HashiCorp Vault (JSON lines of an audit device)",
    fidelity=1,
    required=frozenset({"time", "request.id", "request.operation", "request.path"}),
    markers={"type": frozenset({"request", "response"})},
    raw={
        **dict.fromkeys(("time", "type", "error"), TEXT),
        "auth": {
            **dict.fromkeys(("display_name", "entity_id", "token_type"), TEXT), "metadata": {"role_name": TEXT},
        },
        "request": {
            **dict.fromkeys(("id", "operation", "path", "mount_point", "mount_type", "remote_address"), TEXT),
            "headers": {"user-agent": TEXT},
            "data": dict.fromkeys(("exportable", "allow_plaintext_backup"), TEXT),
        },
    },
    to_evidence=to_evidence,
    explain=Explain(
        what=(
            "Every request to the server: who signed with which transit key, who exported, backed up, imported or"
            " rotated one, made it exportable, changed policies or removed an audit device. Signatures are key uses,"
            " without digests: what was signed stands there as an HMAC. The rest is context; kind is audit."
        ),
        export=("copy the file of the audit device: bao audit list -detailed names it",),
        retention="until the file is rotated away.",
        caps="none.",
        traps=(
            "a server without an audit device logs nothing; one with a failing device refuses every request",
            "user agents are only there where sys/config/auditing/request-headers/user-agent was set",
            "a token that was made by hand has the name token, or token- and a name that whoever made it chose",
            "log_raw writes secrets in clear: such a log is a copy of the keys it tells of",
        ),
        complete="--complete vault-audit/audit, for logs of all devices and servers of the cluster.",
    ),
)
