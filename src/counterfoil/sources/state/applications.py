"""States of applications: what they may do, and who consented to it."""

from __future__ import annotations

from counterfoil.sources.state.sheet import Sheet, source_of

SHEETS = (
    Sheet(
        name="oauth-permissions",
        title="Consents and permissions of applications",
        command="Get-OAuthPermissionsGraph",
        file="Output/OAuthPermissions/*-OAuthPermissions.csv",
        serves="which application may read what, and for whom: a consent outlives every token and password.",
        kind="consent",
        header=frozenset({"PermissionType", "AppId", "ClientObjectId", "Permission"}),
        account=("PrincipalObjectId",),
        thing=("ResourceObjectId", "ResourceDisplayName", "ClientObjectId"),
        within=("ClientObjectId",),
        client=("AppId",),
        permission=("Permission",),
        changed=("AddedDateTime", "CreatedDateTime"),
        kept=(
            "PermissionType", "AppDisplayName", "ResourceDisplayName", "ConsentType", "PrincipalDisplayName",
            "Homepage", "PublisherName", "ReplyUrls", "ExpiryTime", "CreatedDateTime", "AppOwnerOrganizationId",
            "ApplicationStatus", "AddedDateTime", "SignInAudience", "ApplicationType",
        ),
    ),
    Sheet(
        name="applications",
        title="Applications of the tenant",
        command="Get-EntraApplications",
        file="Output/EntraID/*-Applications.csv",
        serves="who owns an application, and since when it is there.",
        kind="application",
        header=frozenset({"DisplayName", "AppId", "OwnerIds", "OwnerDisplayNames"}),
        thing=("Id", "AppId"),
        client=("AppId",),
        changed=("CreatedDateTime",),
        kept=("DisplayName", "CreatedDateTime", "SignInAudience", "PublisherDomain", "OwnerIds", "OwnerDisplayNames"),
    ),
    Sheet(
        name="user-applications",
        title="Applications of single users",
        command="Start-MESTriage",
        file="Output/*/*-UserApplications.csv",
        serves="which applications an account owns or consented to.",
        kind="application",
        header=frozenset({"AssociationType", "AssociatedUser", "ApplicationId"}),
        person=("AssociatedUser",),
        thing=("ObjectId", "ApplicationId"),
        client=("ApplicationId",),
        changed=("CreatedDateTime",),
        kept=("AssociationType", "ApplicationName", "CreatedDateTime"),
    ),
)
SOURCES = tuple(map(source_of, SHEETS))
