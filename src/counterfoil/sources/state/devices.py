"""States of devices, and whose they are."""

from __future__ import annotations

from counterfoil.sources.state.sheet import Sheet, source_of

SHEETS = (
    Sheet(
        name="devices",
        title="Registered devices",
        command="Get-Devices",
        file="Output/Device Information/*-Devices.csv or .json",
        serves="what a device id in a sign-in is, since when it is registered and to whom: an intruder's own stays.",
        kind="device",
        header=frozenset({"DeviceId", "ObjectId", "DeviceOwnership", "OperatingSystem"}),
        thing=("ObjectId",),
        device=("DeviceId",),
        changed=("CreatedDateTime",),
        kept=(
            "CreatedDateTime", "AccountEnabled", "DeviceOwnership", "DisplayName", "EnrollmentType", "IsCompliant",
            "IsManaged", "IsRooted", "ManagementType", "OperatingSystem", "OperatingSystemVersion", "Manufacturer",
            "Model", "LastSignInDateTime", "TrustType", "RegisteredOwners", "RegisteredUsers", "OnPremisesSyncEnabled",
            "ProfileType",
        ),
        json=True,
    ),
    Sheet(
        name="user-devices",
        title="Devices of single users",
        command="Get-UserDevices",
        file="Output/Users/*-UserDevices.csv",
        serves="which devices an account has, and since when.",
        kind="device",
        header=frozenset({"UserName", "UserId", "DeviceName", "OperatingSystem"}),
        person=("UserName",),
        account=("UserId",),
        thing=("DeviceName",),
        changed=("CreatedDateTime",),
        kept=("OperatingSystem", "AccountEnabled", "ApproximateLastSignInDate", "CreatedDateTime"),
    ),
)
SOURCES = tuple(map(source_of, SHEETS))
