"""Exports as tools print them, and what a check says of each: a table whose rows are sentences."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from .making import jwk

NOW = datetime.now(UTC)
F, H, U, P = "fail", "partial", "cannot tell", "pass"
USERS, DUTIES, LOG = "store-key-users", "store-separation-of-duties", "store-key-use-log"
EXPORTABLE, AGE, PURPOSE, HARD = "store-exportable-keys", "store-key-age", "store-key-purpose", "store-hardware"
APPS, DOMAINS, AUDIT, DKM = "tenant-application-credentials", "tenant-federated-domains", "adfs-audit", "adfs-dkm"
ACCOUNT = "arn:aws:iam::111122223333"
CUSTODY = 'backend = "file"\norigin = "custody.example/idp"\n[file]\npassphrase = "prompt"\n'


def statement(who: object, *actions: str) -> dict[str, Any]:
    """Return a statement of a key policy."""
    return {"Sid": "s", "Effect": "Allow", "Principal": who, "Action": list(actions), "Resource": "*"}


def kms(*statements: dict[str, Any]) -> dict[str, Any]:
    """Return what `aws kms get-key-policy` prints: a policy as a text."""
    return {"Policy": json.dumps({"Version": "2012-10-17", "Statement": list(statements)}), "PolicyName": "default"}


IDP = statement({"AWS": f"{ACCOUNT}:role/IDP"}, "kms:Sign", "kms:GetPublicKey")
PEOPLE = statement({"AWS": f"{ACCOUNT}:role/Keys"}, "kms:Put*", "kms:Schedule*", "kms:Create*")
ROOT = statement({"AWS": f"{ACCOUNT}:root"}, "kms:*")


def selectors(*plain: dict[str, Any], advanced: Any = None) -> dict[str, Any]:
    """Return what `aws cloudtrail get-event-selectors` prints."""
    trail = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main"
    return {"TrailARN": trail} | ({"AdvancedEventSelectors": advanced} if advanced else {"EventSelectors": plain})


def selector(read_write: str = "All", without: tuple[str, ...] = (), management: bool = True) -> dict[str, Any]:
    """Return one selector."""
    return {"ReadWriteType": read_write, "IncludeManagementEvents": management, "DataResources": [],
            "ExcludeManagementEventSources": list(without)}


def advanced(**fields: dict[str, list[str]]) -> list[dict[str, Any]]:
    """Return an advanced selector of management events with more fields."""
    told = [{"Field": "eventCategory", "Equals": ["Management"]}]
    return [{"Name": "all", "FieldSelectors": [*told, *({"Field": name, **how} for name, how in fields.items())]}]


def project(*bindings: tuple[str, str], log: Any = None) -> dict[str, Any]:
    """Return what `gcloud projects get-iam-policy` prints: (role, member); `log`: its auditConfigs."""
    held = [{"role": role, "members": [member]} for role, member in bindings]
    return {"bindings": held, "etag": "BwX=", "version": 1} | ({"auditConfigs": log} if log else {})


def data_read(service: str, *exempt: str) -> list[dict[str, Any]]:
    """Return the switch for uses of keys."""
    return [{"service": service, "auditLogConfigs": [{"logType": "DATA_READ", "exemptedMembers": list(exempt)}]}]


SIGNER, ADMIN = "roles/cloudkms.signer", "roles/cloudkms.admin"
IDP_ACCOUNT, KIM = "serviceAccount:idp@p.iam.gserviceaccount.com", "user:kim@contoso.example"


def version(level: str, **more: Any) -> dict[str, Any]:
    """Return a version of a key of Cloud KMS."""
    name = "projects/p/locations/eu/keyRings/r/cryptoKeys/tokens/cryptoKeyVersions/3"
    return {"name": name, "state": "ENABLED", "protectionLevel": level, "algorithm": "EC_SIGN_P256_SHA256",
            "createTime": (NOW - timedelta(days=20)).isoformat(), **more}


def vault(kty: str, *operations: str, exportable: bool | None = None) -> dict[str, Any]:
    """Return what `az keyvault key show` prints."""
    about = {"created": (NOW - timedelta(days=20)).isoformat(), "enabled": True, "exportable": exportable}
    return {"attributes": about, "key": {"kid": "https://v.vault.azure.net/keys/tokens/0", "kty": kty,
                                         "keyOps": list(operations)}}


def bao(name: str, *paths: tuple[str, str]) -> dict[str, Any]:
    """Return what `bao read -format=json sys/policy/NAME` prints."""
    told = "\n".join(f'path "{path}" {{ capabilities = [{allowed}] }} # why' for path, allowed in paths)
    return {"request_id": "x", "data": {"name": name, "policy": told, "rules": told}}


MINT = ("transit/sign/tokens/*", '"update"')
RULE = ("transit/keys/*", '"create", "update", "delete"')
FILE_DEVICE = {"file/": {"type": "file", "path": "file/", "description": "", "options": {"file_path": "/var/a.log"}}}

OURS, THEIRS = "3f7c1f1e-6a55-4b8e-9a0e-2b1d7c9e4f10", "11111111-0000-4000-8000-000000000001"
MICROSOFT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
SECRET = {"keyId": "k", "displayName": "added", "endDateTime": "2030-01-01T00:00:00Z"}


def principal(owner: str | None, *secrets: dict[str, str]) -> dict[str, Any]:
    """Return a service principal as Graph has it."""
    return {"appId": "00000003-0000-0000-c000-000000000000", "displayName": "an application",
            "appOwnerOrganizationId": owner, "passwordCredentials": list(secrets), "keyCredentials": []}


def federation(end: datetime | None, mfa: str = "rejectMfaByFederatedIdp") -> dict[str, Any]:
    """Return a domain's settings, with a certificate that ends then."""
    none = base64.b64encode(b"x").decode()
    held = jwk("federation", cert=(end - timedelta(days=365), end))["x5c"][0] if end else none
    return {"displayName": "contoso.example", "issuerUri": "http://adfs.contoso.example/adfs/services/trust",
            "signingCertificate": held, "nextSigningCertificate": None, "federatedIdpMfaBehavior": mfa}


def adfs(level: object, *log: str) -> dict[str, Any]:
    """Return what `Get-AdfsProperties | ConvertTo-Json` prints."""
    return {"HostName": "adfs.contoso.example", "AuditLevel": level, "LogLevel": list(log)}


def access(*who: str, rights: object = "ReadProperty, GenericExecute", kind: object = "Allow") -> list[dict[str, Any]]:
    """Return an access list as `(Get-Acl ...).Access | ConvertTo-Json` prints it."""
    return [{"ActiveDirectoryRights": rights, "AccessControlType": kind, "IsInherited": False,
             "IdentityReference": {"Value": name} if place % 2 else name} for place, name in enumerate(who)]


SERVICE, SYSTEM, ADMINS = "CONTOSO\\adfs$", "NT AUTHORITY\\SYSTEM", "CONTOSO\\Domain Admins"
NEXT_YEAR, LAST_YEAR = NOW + timedelta(days=300), NOW - timedelta(days=300)

# A document (a text is TOML), then what checks say of it.
EXPORTS: Mapping[str, tuple[Any, Mapping[str, str]]] = {
    "a role that signs and another that rules": (kms(IDP, PEOPLE), {USERS: P, DUTIES: P}),
    "everybody may sign": (kms(statement("*", "kms:Sign")), {USERS: F}),
    "everybody of any account may do anything": (kms(statement({"AWS": "*"}, "kms:*")), {USERS: F, DUTIES: F}),
    "the account's root, so that IAM decides": (kms(ROOT, IDP), {USERS: H, DUTIES: H}),
    "one role for both": (kms(statement({"AWS": f"{ACCOUNT}:role/IDP"}, "kms:*")), {USERS: P, DUTIES: F}),
    "six roles that sign": (
        kms(statement({"AWS": [f"{ACCOUNT}:role/{n}" for n in range(6)]}, "kms:Sign")), {USERS: F, DUTIES: P}
    ),
    "a policy of nobody": (kms(statement({"AWS": f"{ACCOUNT}:role/x"}, "kms:Describe*")), {USERS: U, DUTIES: U}),
    "a trail of all management events": (selectors(selector()), {LOG: P}),
    "a trail without KMS": (selectors(selector(without=("kms.amazonaws.com",))), {LOG: F}),
    "a trail of writes": (selectors(selector("WriteOnly")), {LOG: F}),
    "a trail of data events alone": (selectors(selector(management=False)), {LOG: F}),
    "an advanced selector of all management events": (selectors(advanced=advanced()), {LOG: P}),
    "an advanced selector without KMS": (
        selectors(advanced=advanced(eventSource={"NotEquals": ["kms.amazonaws.com"]})), {LOG: F}
    ),
    "an advanced selector of writes": (selectors(advanced=advanced(readOnly={"Equals": ["false"]})), {LOG: F}),
    "a project where a service signs, and a person rules": (
        project((SIGNER, IDP_ACCOUNT), (ADMIN, KIM), log=data_read("cloudkms.googleapis.com")),
        {USERS: P, DUTIES: P, LOG: P},
    ),
    "a project as it comes": (project(("roles/owner", KIM)), {USERS: P, DUTIES: F, LOG: F}),
    "a project that leaves one account's uses out": (
        project((SIGNER, "allUsers"), log=data_read("allServices", IDP_ACCOUNT)), {USERS: F, LOG: F}
    ),
    "a key of Cloud KMS in an HSM": ([version("HSM")], {EXPORTABLE: P, HARD: P, PURPOSE: P, AGE: H}),
    "a key of Cloud KMS in software, imported": (
        [version("SOFTWARE", importJob="projects/p/importJobs/j")], {EXPORTABLE: H, HARD: F}
    ),
    "a key of Cloud KMS elsewhere": ([version("EXTERNAL")], {HARD: U}),
    "a key of Key Vault's HSM": (vault("EC-HSM", "sign", "verify"), {EXPORTABLE: P, HARD: P, PURPOSE: P, AGE: P}),
    "a key of Key Vault that may leave": (vault("RSA", "sign", "decrypt", exportable=True),
                                          {EXPORTABLE: F, HARD: F, PURPOSE: F}),
    "a policy of OpenBao that signs": (bao("mint", MINT), {USERS: P, DUTIES: P}),
    "a policy of OpenBao that does both": (bao("all", MINT, RULE), {DUTIES: F}),
    "a policy of OpenBao that may export": (bao("all", MINT, ("transit/export/signing-key/*", '"read"')), {DUTIES: F}),
    "a policy of OpenBao over everything": (bao("root", ("*", '"update", "sudo"')), {DUTIES: F}),
    "a policy of OpenBao that is denied": (bao("none", ("transit/sign/*", '"deny"')), {USERS: U, DUTIES: U}),
    "an audit device of OpenBao": (FILE_DEVICE, {LOG: P}),
    "an audit device that writes secrets": (
        {"file/": {**FILE_DEVICE["file/"], "options": {"log_raw": "true"}}}, {LOG: H}
    ),
    "custody whose signer serves one user": (
        f'{CUSTODY}[signer]\nallow = ["idp"]\n', {USERS: P, DUTIES: P}
    ),
    "custody whose administrators sign": (f'{CUSTODY}[signer]\nadmins = ["kim"]\n', {DUTIES: F}),
    "custody that everybody of the machine may use": (f'{CUSTODY}[signer]\nallow = ["@users"]\n', {USERS: F}),
    "custody without a signer": (CUSTODY, {USERS: H, DUTIES: H}),
    "secrets on the tenant's own applications": (
        {"value": [principal(OURS, SECRET), principal(OURS), principal(MICROSOFT)]}, {APPS: P}
    ),
    "a secret on an application of Microsoft's": (
        {"value": [principal(OURS, SECRET), principal(MICROSOFT, SECRET)]}, {APPS: F}
    ),
    "a secret on an application of another tenant": (
        [principal(OURS), principal(OURS), principal(THEIRS, SECRET)], {APPS: F}
    ),
    "applications of nobody": ([principal(None, SECRET)], {APPS: U}),
    "applications as PowerShell writes them": (
        [{name[0].upper() + name[1:]: value for name, value in principal(MICROSOFT, SECRET).items()}], {APPS: F}
    ),
    "a federated domain with a certificate of next year": ([federation(NEXT_YEAR)], {DOMAINS: P}),
    "a federated domain with a certificate that ended": ([federation(LAST_YEAR)], {DOMAINS: F}),
    "a federated domain whose second factors are believed": (
        federation(NEXT_YEAR, "acceptIfMfaDoneByFederatedIdp"), {DOMAINS: F}
    ),
    "a certificate that is none": ([federation(None)], {DOMAINS: U}),
    "a domain that is federated, without its settings": (
        {"value": [{"id": "contoso.example", "authenticationType": "Federated"}]}, {DOMAINS: U}
    ),
    "no federated domain": ({"value": [{"id": "contoso.example", "authenticationType": "Managed"}]}, {DOMAINS: P}),
    "AD FS that records all": (adfs(["Verbose"], "SuccessAudits", "FailureAudits", "Errors"), {AUDIT: P, DKM: U}),
    "AD FS as it comes": (adfs("Basic", "Errors", "Information", "Warnings"), {AUDIT: F}),
    "AD FS with audits, basic ones": (adfs(1, "SuccessAudits", "FailureAudits"), {AUDIT: H}),
    "AD FS whose auditing is off": (adfs({"value": 0}, "SuccessAudits", "FailureAudits"), {AUDIT: F}),
    "AD FS that does not say": (adfs(None), {AUDIT: U}),
    "the container of AD FS alone": (access(SERVICE, SYSTEM, ADMINS), {DKM: P, AUDIT: U}),
    "a container that everybody reads": (access(SERVICE, "NT AUTHORITY\\Authenticated Users"), {DKM: F}),
    "a container that a backup reads": (access(SERVICE, "CONTOSO\\backup", ADMINS), {DKM: F}),
    "a container by bits, one of them denied": (
        [*access(SERVICE, rights=131_220, kind=0), *access("CONTOSO\\backup", rights=131_220, kind=1)], {DKM: P}
    ),
    "a container of administrators alone": (access(SYSTEM, ADMINS), {DKM: U}),
}
