"""States of mailboxes: auditing, rules, and who may open them."""

from __future__ import annotations

from counterfoil.sources.state.sheet import Sheet, source_of

SHEETS = (
    Sheet(
        name="mailbox-audit",
        title="Audit settings of mailboxes",
        command="Get-MailboxAuditStatus",
        file="Output/Audit Status/*-MailboxAuditStatus.csv",
        serves="where auditing is off or bypassed, what was read leaves no record, and its absence tells nothing.",
        kind="mailbox-audit",
        header=frozenset({"UserPrincipalName", "AuditEnabled", "AuditBypassEnabled"}),
        person=("UserPrincipalName",),
        kept=(
            "DisplayName", "RecipientTypeDetails", "AuditEnabled", "AuditBypassEnabled", "DefaultAuditSet",
            "OwnerAuditActions", "DelegateAuditActions", "AdminAuditActions", "EffectiveAuditState",
        ),
    ),
    Sheet(
        name="mailbox-rules",
        title="Inbox rules of mailboxes",
        command="Get-MailboxRules",
        file="Output/Rules/*-MailboxRules.csv",
        serves="what an intruder left behind: rules that forward, move or delete mail outlive the token.",
        kind="mailbox-rule",
        header=frozenset({"UserName", "RuleName"}),
        person=("UserName",),
        thing=("RuleIdentity", "RuleName"),
        within=("UserName",),
        kept=(
            "RuleName", "Enabled", "RuleEnabled", "Priority", "StopProcessingRules", "CopyToFolder", "MoveToFolder",
            "RedirectTo", "ForwardTo", "ForwardAsAttachmentTo", "MarkAsRead", "DeleteMessage", "SoftDeleteMessage",
            "From", "SubjectContainsWords", "SubjectOrBodyContainsWords", "BodyContainsWords", "Description",
            "TextDescription", "InError",
        ),
    ),
    Sheet(
        name="transport-rules",
        title="Transport rules of Exchange",
        command="Get-TransportRules",
        file="Output/Rules/*-TransportRules.csv",
        serves="what an intruder left behind: a rule for the whole tenant copies or hides mail.",
        kind="transport-rule",
        header=frozenset({"Name", "CreatedBy", "WhenChanged", "State"}),
        thing=("Name",),
        changed=("WhenChanged",),
        kept=("Description", "CreatedBy", "WhenChanged", "State", "Priority", "Mode"),
    ),
    Sheet(
        name="mailbox-permissions",
        title="Permissions on mailboxes",
        command="Get-MailboxPermissions",
        file="Output/Mailbox Permissions/*-MailboxPermissions.csv",
        serves="who else may open or send from a mailbox, and who keeps that after the account is clean.",
        kind="mailbox-permission",
        header=frozenset({"UserPrincipalName", "FullAccessPermissions", "SendAsPermissions"}),
        person=("UserPrincipalName",),
        kept=(
            "DisplayName", "RecipientTypeDetails", "FullAccessUsers", "FullAccessPermissions", "SendAsUsers",
            "SendAsPermissions", "SendOnBehalfUsers", "CalendarUsers", "CalendarPermissions", "ContactsUsers",
            "ContactsPermissions", "InboxUsers", "InboxPermissions",
        ),
    ),
)
SOURCES = tuple(map(source_of, SHEETS))
