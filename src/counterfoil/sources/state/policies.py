"""States of the tenant as a whole: policies, licences, scores, and how much it has recorded."""

from __future__ import annotations

from counterfoil.sources.state.sheet import Sheet, source_of

SHEETS = (
    Sheet(
        name="conditional-access",
        title="Conditional Access policies",
        command="Get-ConditionalAccessPolicies",
        file="Output/ConditionalAccessPolicies/*-ConditionalAccessPolicy.csv",
        serves="what a sign-in had to fulfil, whom a policy leaves out, and a change of it during the intrusion.",
        kind="conditional-access",
        header=frozenset({"DisplayName", "Id", "State", "ClientAppTypes", "BuiltInControls"}),
        thing=("Id",),
        changed=("ModifiedDateTime", "CreatedDateTime"),
        kept=(
            "DisplayName", "State", "CreatedDateTime", "ModifiedDateTime", "Description", "IncludeUsers",
            "ExcludeUsers", "IncludeGroups", "ExcludeGroups", "IncludeRoles", "ExcludeRoles", "IncludeApplications",
            "ExcludeApplications", "ClientAppTypes", "BuiltInControls", "GrantOperator", "SignInFrequency",
        ),
    ),
    Sheet(
        name="licences",
        title="Licences of the tenant",
        command="Get-Licenses",
        file="Output/Licenses/*-TenantLicenses.csv",
        serves="which logs the tenant can have at all, and for how long they are kept.",
        kind="licence",
        header=frozenset({"Sku", "Status", "Retention", "E5", "P1", "P2"}),
        thing=("Sku",),
        count=("Units",),
        kept=("Status", "Scope", "Units", "Retention", "E3", "E5", "P1", "P2", "DefenderID", "Defender365P1",
              "Defender365P2", "ServicePlans"),
    ),
    Sheet(
        name="security-defaults",
        title="Security defaults of Entra ID",
        command="Get-EntraSecurityDefaults",
        file="Output/Licenses/*-EntraSecurityDefaults.csv",
        serves="whether multifactor authentication was asked of everybody, and whether there is a premium licence.",
        kind="security-defaults",
        header=frozenset({"SecurityDefaultsEnabled", "HasPremiumLicense"}),
        kept=("SecurityDefaultsEnabled", "HasPremiumLicense", "RecommendedState", "AlignedWithRecommendations",
              "CheckDate"),
    ),
    Sheet(
        name="secure-score",
        title="Controls of Microsoft Secure Score",
        command="Get-SecureScores",
        file="Output/SecureScore/*.csv",
        serves="which protection was off.",
        kind="secure-score",
        header=frozenset({"Category", "Title", "Service", "CurrentScore", "MaxScore"}),
        thing=("Title",),
        within=("Category",),
        kept=("Service", "Status", "CurrentScore", "MaxScore"),
    ),
    Sheet(
        name="audit-counts",
        title="Counts of records in the unified audit log",
        command="Get-UALStatistics",
        file="Output/UnifiedAuditLog/*Amount_Of_Audit_Logs.csv",
        serves="how many records of each type the tenant held: an export with fewer is not whole.",
        kind="audit-count",
        header=frozenset({"RecordType"}),
        named=r"amount_of_audit_logs[^/]*\.csv$",
        thing=("RecordType",),
        count=("Amount of log entries", "Amount"),
        kept=("Percentage",),
    ),
)
SOURCES = tuple(map(source_of, SHEETS))
