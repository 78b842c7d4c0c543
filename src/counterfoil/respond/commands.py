"""Commands that a person reviews and runs where counterfoil itself never goes: a vendor's tenant, cloud or server.

Data with their sources. `{subject}` and the like are filled in, quoted for a shell, from the case.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """One thing to do at a vendor's. `lines`: as typed; `breaks`: what genuine users feel; `each`: once for each value.

    `each` is `subject`, `client` or empty (once). `checked`: the lines were compared with the source.
    """

    id: str
    vendor: str
    what: str
    lines: tuple[str, ...]
    breaks: str
    source: str
    each: str = ""
    checked: bool = True


_GRAPH = "https://graph.microsoft.com/v1.0"
_LEARN = "https://learn.microsoft.com/en-us"
ENTRA = (
    Command(
        "entra-sessions", "Entra", "Revoke every refresh token and session of a victim",
        (f"az rest --method POST --url {_GRAPH}/users/{{subject}}/revokeSignInSessions",),
        "they sign in again on every device; access tokens live on for up to 28 hours; guests sign in at their own"
        " tenant, which has to do the same",
        f"{_LEARN}/graph/api/user-revokesigninsessions", "subject",
    ),
    Command(
        "entra-methods", "Entra", "Look at a victim's authentication methods, and delete what is not theirs",
        (f"az rest --url {_GRAPH}/users/{{subject}}/authentication/methods",),
        "nothing; a deleted method has to be registered anew",
        f"{_LEARN}/graph/api/authentication-list-methods", "subject",
    ),
    Command(
        "entra-devices", "Entra",
        "Look at a victim's registered devices, and disable what is not theirs: a primary refresh token outlives a"
        " password reset",
        (f"az rest --url {_GRAPH}/users/{{subject}}/registeredDevices",),
        "nothing; a disabled device gets no tokens",
        f"{_LEARN}/graph/api/user-list-registereddevices", "subject",
    ),
    Command(
        "entra-consents", "Entra", "Look at a victim's consents, and delete what is not theirs",
        (f"az rest --url {_GRAPH}/users/{{subject}}/oauth2PermissionGrants",),
        "nothing; an application without its consent asks again",
        f"{_LEARN}/graph/api/user-list-oauth2permissiongrants", "subject",
    ),
    Command(
        "entra-rules", "Exchange", "Look at a victim's mailbox rules, forwarding and delegates",
        ("Get-InboxRule -Mailbox {subject} -IncludeHidden", "Get-MailboxPermission -Identity {subject}",
         "Get-Mailbox -Identity {subject} | Format-List Forwarding*"),
        "nothing", f"{_LEARN}/powershell/module/exchange/get-inboxrule", "subject",
    ),
    Command(
        "entra-credentials", "Entra", "Look at the secrets, certificates and federated credentials of an application",
        ("az ad app credential list --id {client}", "az ad app federated-credential list --id {client}"),
        "nothing; an application whose secret is deleted stops until it has a new one",
        f"{_LEARN}/cli/azure/ad/app/federated-credential", "client",
    ),
)
AWS = (
    Command(
        "aws-sessions", "AWS", "Deny a role's sessions that began before now (what AWSRevokeOlderSessions does)",
        ("aws iam put-role-policy --role-name ROLE --policy-name AWSRevokeOlderSessions --policy-document "
         """'{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":"""
         """{"DateLessThan":{"aws:TokenIssueTime":"{now}"}}}]}'""",),
        "every session of the role ends; those that begin afterwards work",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html",
    ),
)
KEYCLOAK = (
    Command(
        "keycloak-not-before", "Keycloak", "Refuse every token of the realm that was issued before now",
        ("kcadm.sh update realms/REALM -s notBefore={now_unix}", "kcadm.sh create realms/REALM/push-revocation"),
        "everybody signs in again; clients without an admin URL do not hear of it, and accept old tokens to their end",
        "https://www.keycloak.org/docs-api/latest/rest-api/#_post_adminrealmsrealmpush_revocation", checked=False,
    ),
    Command(
        "keycloak-logout", "Keycloak", "End all sessions of a victim",
        ("kcadm.sh create users/{subject}/logout -r REALM -s realm=REALM -s user={subject}",),
        "they sign in again; offline tokens are sessions of their own: see users/ID/offline-sessions/CLIENT",
        "https://www.keycloak.org/docs/latest/server_admin/#_user_operations", "subject",
    ),
)
COMMANDS = (*ENTRA, *AWS, *KEYCLOAK)
VENDORS = {"entra": ENTRA, "aws": AWS, "keycloak": KEYCLOAK}
# What a subject or client of a log must look like before it stands in a command that a person may copy.
_PLAIN = re.compile(r"[A-Za-z0-9@._:/+-]{1,200}")


def filled(command: Command, **values: str) -> tuple[str, ...]:
    """Return the lines with values from logs, quoted for a shell; one that could be taken for an option is left out."""
    told = {name: shlex.quote(value) if _PLAIN.fullmatch(value) and value[0] != "-" else "VALUE-IN-THE-CASE"
            for name, value in values.items()}
    lines = list(command.lines)
    for name, value in told.items():
        lines = [line.replace(f"{{{name}}}", value) for line in lines]
    return tuple(lines)
