"""Techniques of MITRE ATT&CK Enterprise v19, as data: their names, and which operation shows which.

Source: attack.mitre.org, v19 (2026), in which Defense Evasion became Stealth (TA0005) and Defense Impairment (TA0112).
Tactics are left out: most of these techniques serve several, and evidence does not tell which was meant.
"""

from __future__ import annotations

from collections.abc import Mapping

VERSION = "19"
NAMES: Mapping[str, str] = {
    "T1036": "Masquerading",
    "T1070": "Indicator Removal",
    "T1078.004": "Valid Accounts: Cloud Accounts",
    "T1098.001": "Account Manipulation: Additional Cloud Credentials",
    "T1098.002": "Account Manipulation: Additional Email Delegate Permissions",
    "T1098.003": "Account Manipulation: Additional Cloud Roles",
    "T1098.005": "Account Manipulation: Device Registration",
    "T1114.002": "Email Collection: Remote Email Collection",
    "T1114.003": "Email Collection: Email Forwarding Rule",
    "T1213.002": "Data from Information Repositories: Sharepoint",
    "T1484.002": "Domain or Tenant Policy Modification: Trust Modification",
    "T1528": "Steal Application Access Token",
    "T1550.001": "Use Alternate Authentication Material: Application Access Token",
    "T1552.004": "Unsecured Credentials: Private Keys",
    "T1556.006": "Modify Authentication Process: Multi-Factor Authentication",
    "T1564.008": "Hide Artifacts: Email Hiding Rules",
    "T1565.001": "Data Manipulation: Stored Data Manipulation",
    "T1606": "Forge Web Credentials",
    "T1606.002": "Forge Web Credentials: SAML Tokens",
}
# By operation, as `model.persistence` writes them.
OF_OPERATION: Mapping[str, str] = {
    "mailitemsaccessed": "T1114.002",
    "attachmentaccess": "T1114.002",
    "new-inboxrule": "T1564.008",
    "set-inboxrule": "T1564.008",
    "updateinboxrules": "T1564.008",
    "set-mailbox": "T1114.003",
    "fileaccessed": "T1213.002",
    "filedownloaded": "T1213.002",
    "filesyncdownloadedfull": "T1213.002",
    "add service principal credentials": "T1098.001",
    "update application \N{EN DASH} certificates and secrets management": "T1098.001",
    "create federated identity credential": "T1098.001",
    "add-mailboxpermission": "T1098.002",
    "add-mailboxfolderpermission": "T1098.002",
    "updatefolderpermissions": "T1098.002",
    "add member to role": "T1098.003",
    "consent to application": "T1098.003",
    "add delegated permission grant": "T1098.003",
    "add oauth2permissiongrant": "T1098.003",
    "add app role assignment to service principal": "T1098.003",
    "add device": "T1098.005",
    "register device": "T1098.005",
    "add registered owner to device": "T1098.005",
    "user registered security info": "T1556.006",
    "user registered all required security info": "T1556.006",
    "admin registered security info": "T1556.006",
    "set federation settings on domain": "T1484.002",
    "set domain authentication": "T1484.002",
}


def operation_key(operation: str) -> str:
    """Return an operation as the tables of operations write it.

    >>> operation_key("Add delegated permission grant.")
    'add delegated permission grant'
    """
    return operation.lower().rstrip(".")
