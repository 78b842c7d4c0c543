"""Networks from which Microsoft 365's own services call, as data. Never a whole cloud's: customers rent there.

Source: learn.microsoft.com, Microsoft 365 URLs and IP address ranges (endpoint sets Exchange Online, SharePoint Online
and OneDrive, Microsoft Teams), as of 2026, without single hosts and front doors; and the IPv6 ranges in which servers
of Exchange Online name themselves in mail headers and in audit records (2603:10a6, 10b6, 10c6, 10d6, 1096).
"""

from __future__ import annotations

from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

_Network = IPv4Network | IPv6Network

MICROSOFT_365: tuple[str, ...] = (
    # Exchange Online, and its protection
    "23.103.160.0/20", "40.92.0.0/15", "40.96.0.0/13", "40.104.0.0/15", "40.107.0.0/16", "52.96.0.0/14",
    "52.100.0.0/14", "104.47.0.0/17", "132.245.0.0/16", "2603:1006::/40", "2603:1016::/36", "2603:1026::/36",
    "2603:1036::/36", "2603:1046::/36", "2603:1056::/36", "2603:1096::/32", "2603:10a6::/32", "2603:10b6::/32",
    "2603:10c6::/32", "2603:10d6::/32", "2620:1ec:8f0::/46", "2620:1ec:900::/46", "2a01:111:f400::/48",
    "2a01:111:f403::/48",
    # SharePoint Online and OneDrive
    "40.108.128.0/17", "52.104.0.0/14", "104.146.128.0/17", "2603:1061:1300::/40", "2620:1ec:8f8::/46",
    "2620:1ec:908::/46", "2a01:111:f402::/48",
    # Teams, Office on the web
    "52.108.0.0/14", "52.112.0.0/14", "52.122.0.0/15", "2603:1027::/48", "2603:1037::/48", "2603:1047::/48",
    "2603:1057::/48", "2603:1063::/38", "2620:1ec:6::/48", "2620:1ec:40::/42",
)


@cache
def _ranges() -> tuple[_Network, ...]:
    return tuple(ip_network(text) for text in MICROSOFT_365)


def is_microsoft_365(network: str) -> bool:
    """Tell whether a network is one of the services' own: a /24 as `a.b.c`, or the first three groups of a /48.

    >>> is_microsoft_365("52.96.27"), is_microsoft_365("2603:10a6:20b"), is_microsoft_365("185.220.101")
    (True, True, False)
    """
    try:
        whole = ip_network(f"{network}::/48" if ":" in network else f"{network}.0/24")
    except ValueError:
        return False
    return any(whole.version == own.version and whole.subnet_of(own) for own in _ranges())  # type: ignore[arg-type]


def is_address_of_microsoft_365(address: str) -> bool:
    """Tell whether an address is in the services' own networks.

    >>> is_address_of_microsoft_365("52.96.27.1"), is_address_of_microsoft_365("20.1.2.3")
    (True, False)
    """
    try:
        whole = ip_address(address)
    except ValueError:
        return False
    return any(whole in own for own in _ranges())
