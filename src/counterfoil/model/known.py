"""What is known about vendors' values, as data: each set with its source, as it was in November 2026.

Not here: rules. These sets say what a value means, not what to conclude from it.
"""

from __future__ import annotations

# Sign-in error codes after which the sign-in goes on (the user is asked for more) or is repeated with more,
# so that the same request id may still succeed. Every other code but 0 ended the attempt for good.
# Source: Microsoft Entra authentication and authorization error codes (learn.microsoft.com/entra/
# identity-platform/reference-error-codes) and login.microsoftonline.com/error, where the text speaks of an
# interrupt, a prompt, a required enrolment, a fresh sign-in, or says that the code is part of a normal flow.
INTERRUPT_CODES: frozenset[str] = frozenset(
    {
        "16000",  # choose among several accounts
        "16001",  # the chosen account tile was rejected, choose again
        "16002",  # the session that the application asked for is not there
        "50055",  # password expired, the user is offered to change it
        "50058",  # silent sign-in without a session
        "50072",  # must enrol for multifactor authentication (interactive)
        "50074",  # multifactor authentication required
        "50076",  # multifactor authentication required by policy
        "50078",  # multifactor authentication has expired
        "50079",  # must enrol for multifactor authentication
        "50097",  # device authentication required
        "50125",  # password reset or registration
        "50127",  # broker application to be installed
        "50129",  # device to be joined
        "50135",  # password change required because of risk
        "50140",  # "keep me signed in?"
        "50143",  # session of another tenant
        "50144",  # on-premises password expired
        "50158",  # external challenge (custom control, external MFA)
        "50168",  # browser extension is asked for a token
        "50199",  # "are you trying to sign in to ...?"
        "50201",  # message prompt
        "50203",  # reminder to register the authenticator
        "51006",  # integrated Windows authentication needed
        "52004",  # consent for LinkedIn
        "65001",  # consent required
        "70016",  # device code: authorization pending
        "70043",  # sign-in frequency: sign in again
        "70044",  # sign-in frequency: session expired
        "81010",  # seamless single sign-on failed, another method is offered
        "81012",  # seamless single sign-on: another user than the device's
        "500581",  # page to find the sessions of personal accounts
        "501314",  # page to tell the browser's capabilities
        "9002341",  # user is asked to permit single sign-on
    }
)

# Personal Microsoft accounts ("MSA"): the realm of the key that was stolen in 2023.
# Source: entra-docs, identity-platform/access-tokens.
CONSUMER_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"

# Microsoft's own tenants, in which its services sign in. A token of such a service names this tenant wherever it is
# used. Source: entra-docs, enterprise-apps/assign-user-or-group-access-portal (application owner tenants).
SERVICE_TENANTS: frozenset[str] = frozenset(
    {
        "f8cdef31-a31e-4b4a-93e4-5f571e91255a",  # Microsoft Services
        "72f988bf-86f1-41af-91ab-2d7cd011db47",  # Microsoft corporate
        "33e01921-4d64-4f8c-a055-5bdaffd5e33d",  # Microsoft AME
    }
)

# crossTenantAccessType values under which a token's tenant is rightly not the resource's.
# Source: Graph reference, signIn resource type.
CROSS_TENANT_EXCEPTIONS: frozenset[str] = frozenset(
    {"b2bDirectConnect", "microsoftSupport", "serviceProvider", "passthrough"}
)

# Application ids of services: the audience of their tokens, and the client where they call for somebody.
# Source: Microsoft Learn, Verify first-party Microsoft applications in sign-in reports.
EXCHANGE_ONLINE = "00000002-0000-0ff1-ce00-000000000000"
SHAREPOINT_ONLINE = "00000003-0000-0ff1-ce00-000000000000"
GRAPH_API = "00000003-0000-0000-c000-000000000000"
AAD_GRAPH_API = "00000002-0000-0000-c000-000000000000"

# Services whose calls, for themselves and for users, never appear in a tenant's sign-in logs. The id is a claim: it
# counts only from these services' own networks (model/networks.py) or where no address is named. Source: entra-docs,
# how-to-authentication-track-linkable-identifiers (ids are absent for background processes), and real exports, in
# which no such call links to a sign-in.
SILENT_CLIENTS: frozenset[str] = frozenset(
    {
        EXCHANGE_ONLINE,
        SHAREPOINT_ONLINE,
        "00000004-0000-0ff1-ce00-000000000000",  # Skype for Business Online
        "00000007-0000-0ff1-ce00-000000000000",  # Microsoft Exchange Online Protection
    }
)

# Records that a service writes in a person's name although nobody used a token: at whatever address.
# Source: learn.microsoft.com, Audit log activities, Microsoft Teams activities (a meeting's details are written for
# its organiser when the meeting ends).
WRITTEN_BY_SERVICES: frozenset[str] = frozenset({"MeetingDetail", "MeetingParticipantDetail"})

# Operations that a service does in a person's name as well, and then names neither address nor token: the mailbox
# assistants (calendar, inbox rules, retention) and transport in a mailbox; group membership, and what a change
# notification told, in Teams. What a person
# does by the same operations names an address. Source: learn.microsoft.com, Manage mailbox auditing (actions) and Audit
# log activities; `Client=TBA;Service=MSExchangeMailboxAssistants` in real records.
ALSO_BY_SERVICES: frozenset[str] = frozenset(
    {
        "ApplyRecord", "Copy", "Create", "HardDelete", "Move", "MoveToDeletedItems", "RecordDelete", "Send",
        "SoftDelete", "Update",
        "ChatCreated", "ChatUpdated", "MemberAdded", "MemberRemoved", "MemberRoleChanged",
        "MessageCreatedNotification", "MessageDeletedNotification", "MessageUpdatedNotification",
    }
)
