"""Whose network an address is in, and which networks are rented by the hour: hosting and VPN."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class NetworkFile:
    """The user's own file of networks (`pipeline.networks` reads it). `sha256`: of what it held when it was named."""

    path: str
    sha256: str


@dataclass(frozen=True)
class Network:
    """The network of an address. `hosting`: servers or VPN exits for rent, of which no person's line is."""

    asn: int | None
    name: str
    hosting: bool


# Autonomous systems whose owners rent out servers, or run exits of VPNs, as their registries name them. Far from all:
# a file whose records say what a network is for is better. Of Microsoft's, the networks of its own mail and files are
# none (`model.networks`).
HOSTING: Mapping[int, str] = {
    3223: "Voxility", 8075: "Microsoft", 8100: "QuadraNet", 8560: "IONOS", 9009: "M247", 12876: "Scaleway",
    13335: "Cloudflare", 14061: "DigitalOcean", 14618: "Amazon", 15169: "Google", 16276: "OVH", 16509: "Amazon",
    20473: "Vultr", 24940: "Hetzner", 25820: "IT7", 28753: "Leaseweb", 29802: "Hivelocity", 30633: "Leaseweb",
    31898: "Oracle", 32244: "Liquid Web", 36351: "SoftLayer", 36352: "ColoCrossing", 39351: "31173 Services",
    40676: "Psychz", 42708: "Portlane", 45090: "Tencent", 45102: "Alibaba", 46562: "Total Server Solutions",
    49981: "WorldStream", 51167: "Contabo", 53667: "FranTech", 54825: "Packet Host", 55286: "B2 Net", 60068: "Datacamp",
    60781: "Leaseweb", 62240: "Clouvider", 63949: "Linode", 132203: "Tencent", 136787: "TEFINCOM", 197540: "netcup",
    207137: "PacketHub", 212238: "Datacamp", 213230: "Hetzner", 396982: "Google",
}
