"""Names, applications, programs and networks of the invented people. Addresses are documentation or test ranges."""

from __future__ import annotations

from dataclasses import dataclass

EXCHANGE = "00000002-0000-0ff1-ce00-000000000000"
SHAREPOINT = "00000003-0000-0ff1-ce00-000000000000"
TEAMS = "cc15fd57-2c6c-4117-a88c-83b1d56b4bbe"
GRAPH = "00000003-0000-0000-c000-000000000000"
OUTLOOK_MOBILE = "27922004-5251-4030-b22d-91ecd9a37ea4"
MICROSOFT_TENANT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
RESOURCE_NAMES = {
    EXCHANGE: "Office 365 Exchange Online",
    SHAREPOINT: "Office 365 SharePoint Online",
    TEAMS: "Microsoft Teams Services",
    GRAPH: "Microsoft Graph",
}

EDGE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/{0}.0.0.0 Safari/537.36 Edg/{0}.0.0.0"
)


@dataclass(frozen=True, slots=True)
class Client:
    """A program that asks for tokens: application id, display name, Exchange's ClientInfoString, user agent."""

    id: str
    name: str
    info: str
    agent: str
    used: str = "Mobile Apps and Desktop clients"  # clientAppUsed of the sign-in


def office_clients(browser: int, release: int = 0, *, android: bool = False) -> tuple[Client, Client, Client]:
    """Return Outlook on the desktop, in the browser of major version `browser`, and on the telephone.

    `release` counts the updates that all three have had since.
    """
    telephone = (
        ("Android", f"Outlook-Android/5.25{30 + release}.1 (Android 15)")
        if android
        else ("iOS", f"Outlook-iOS/723.{4 + release}.12.prod.iphone (4.{28 + release}.0)")
    )
    return (
        Client(
            "d3590ed6-52b3-4102-aeff-aad2292ab01c",
            "Microsoft Office",
            "Client=MSExchangeRPC",
            f"Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.{18025 + 100 * release}; Pro)",
        ),
        Client(
            "9199bf20-a13f-4107-85dc-02114787ef48",
            "One Outlook Web",
            "Client=OWA;Action=ViaProxy",
            EDGE.format(browser + release),
            "Browser",
        ),
        Client(
            OUTLOOK_MOBILE,
            "Outlook Mobile",
            f"Client=OutlookService;Outlook-{telephone[0]}/2.0;",
            telephone[1],
        ),
    )


ONEDRIVE = Client(
    "ab9b8c07-8f02-4f72-87fa-80105867a763", "OneDrive SyncEngine", "", "Microsoft SkyDriveSync 25.149.0803.0003"
)
TEAMS_CLIENT = Client(
    "1fec8e78-bce4-4aaf-ab1b-5451cc387264", "Microsoft Teams", "", "Mozilla/5.0 Teams/25198.1112.3855.2900/49"
)
AZURE_PORTAL = Client("c44b4083-3bb0-49c1-b47d-974e53cbdf3c", "Azure Portal", "", EDGE.format(139), "Browser")
OWA_ITSELF = Client(EXCHANGE, "Office 365 Exchange Online", "Client=OWA;Action=ViaProxy", EDGE.format(113), "Browser")

# In the order that people are hired; from the forty-first on, account names carry a number.
GIVEN = (
    "Ada", "Ben", "Cleo", "Dario", "Edda", "Farid", "Greta", "Hana", "Ivo", "Jana", "Kofi", "Lena", "Mira", "Nils",
    "Ofra", "Pia", "Quentin", "Rosa", "Samir", "Tilda", "Umar", "Vera", "Wim", "Xenia", "Yusuf", "Zora", "Aldo",
    "Bea", "Cyril", "Dina", "Emil", "Fay", "Goran", "Hedy", "Igor", "Jule", "Kai", "Lotte", "Malik", "Nora",
)
FAMILY = (
    "Abend", "Brook", "Castell", "Dorn", "Eklund", "Farrow", "Garve", "Hallow", "Ibsen", "Jaspers", "Kestrel",
    "Lindqvist", "Marlowe", "Nyberg", "Okafor", "Perrin", "Quist", "Rowan", "Sandoval", "Tamm", "Ullman", "Voss",
    "Wexler", "Xiros", "Yarrow", "Zeller", "Ashby", "Birk", "Calder", "Drummond", "Elms", "Fenwick", "Grau",
    "Hollis", "Imhof", "Joyner", "Krantz", "Lorne", "Mabry", "Noll",
)
APP_NAMES = ("Meeting Planner", "Mail Merge Desk", "Sales Companion", "Travel Desk", "Survey Box", "Task Bridge")
PRINCIPAL_NAMES = ("Archive Service", "Ticket Intake", "Backup Runner", "Invoice Reader", "Fax Gateway")
FOLDERS = ("Inbox", "Inbox", "Inbox", "Sent Items", "Archive", "Projects", "Deleted Items")
FILES = ("Budget.xlsx", "Minutes.docx", "Roadmap.pptx", "Contract draft.docx", "Inventory.xlsx", "Photo.jpg")


def office_address(site: int) -> str:
    """Return the public address of office `site` (RFC 5737 TEST-NET-1)."""
    return f"192.0.2.{1 + site % 254}"


def home_address(number: int) -> str:
    """Return a home address: IPv4 from the benchmark range (RFC 2544), every third one IPv6 (RFC 3849)."""
    if number % 3 == 2:
        return f"2001:db8:{number & 0xFFFF:x}::{1 + number % 0xFFF:x}"
    return f"198.{18 + (number >> 16 & 1)}.{number >> 8 & 255}.{number & 255}"


def carrier_address(number: int) -> str:
    """Return an address that a carrier lends a telephone.

    One of sixteen networks of shared IPv4 (RFC 6598), or, every second one, an IPv6 network of its own (RFC 9637).
    """
    if number % 2:
        return f"3fff:{number >> 17 & 0xFFF:x}:{number >> 1 & 0xFFFF:x}::1"
    return f"100.64.{number >> 9 & 15}.{1 + (number >> 1) % 254}"


def hosting_address(number: int) -> str:
    """Return an address of an invented hosting provider (RFC 5737 TEST-NET-2 and -3)."""
    return f"{'203.0.113' if number % 2 else '198.51.100'}.{1 + number // 2 % 254}"


def vpn_address(number: int) -> str:
    """Return an exit of a VPN that people use (192.175.48.0/24, a special-purpose network: RFC 7534)."""
    return f"192.175.48.{1 + number % 254}"


def microsoft_address(number: int) -> str:
    """Return an address of the kind that Microsoft's own services call from."""
    if number % 2:
        return f"2603:10a6:{number % 600:x}:{number % 90:x}::{1 + number % 30:x}"
    return f"40.104.{number % 64}.{1 + number % 250}"
