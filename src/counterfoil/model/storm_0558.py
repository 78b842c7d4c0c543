"""Published indicators of Storm-0558, as data: key, addresses with the days they were seen, agents.

Sources: Microsoft, "Analysis of Storm-0558 techniques for unauthorized email access" (2023-07-14), with the addresses
that its body names and its final table lacks; the key's thumbprints are computed from its published certificate.
Addresses age in about two weeks: each is an indicator only within its dates (UTC, inclusive).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Address:
    """An address with the first and last day on which it was seen in use."""

    ip: str
    first: datetime
    last: datetime


def _in_2023(ip: str, first: tuple[int, int], last: tuple[int, int]) -> Address:
    return Address(ip, datetime(2023, *first, tzinfo=UTC), datetime(2023, *last, tzinfo=UTC))


# The activity as a whole: first forged token to the last published sighting.
FIRST = datetime(2023, 5, 15, tzinfo=UTC)
LAST = datetime(2023, 7, 12, tzinfo=UTC)

# The stolen consumer signing key: `kid` and `x5t` (SHA-1), RFC 7638 thumbprint, SHA-1 and SHA-256 in hex.
# This kid also stands in Microsoft's documented sample token (exp 2018), which was copied into many test suites.
KEY_IDS: frozenset[str] = frozenset(
    {
        "1LTMzakihiRla_8z2BEJVXeWMqo",
        "kP2ox0dPp3uuT6IhJARw5E8I9ZWku4tl9NRrgQ8W-LY",
        "d4b4cccda9228624656bff33d8110955779632aa",
        "43ea0217de39066a36164e21655e8ed7b2efaa67e4155033837ada26df6bb59e",
    }
)
# The browsers that its programs said they were, and what Exchange noted as their ClientInfoString.
BROWSERS: tuple[str, ...] = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/92.0.4515.159 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/106.0.0.0 Safari/537.36 Edg/106.0.1370.52",
    '"Microsoft Edge";v="113", "Chromium";v="113", "Not-A.Brand";v="24"',
)
CLIENT_INFO = "Client=REST;Client=RESTSystem;;"
AGENTS: frozenset[str] = frozenset({CLIENT_INFO, *BROWSERS})

# The final table of that analysis. ADDRESSES has those of its body, too.
TABLE: tuple[Address, ...] = (
    _in_2023("51.89.156.153", (3, 9), (7, 10)),
    _in_2023("176.31.90.129", (3, 28), (6, 29)),
    _in_2023("137.74.181.100", (3, 31), (7, 11)),
    _in_2023("193.36.119.45", (4, 19), (7, 7)),
    _in_2023("185.158.248.159", (4, 24), (7, 6)),
    _in_2023("131.153.78.188", (5, 6), (6, 29)),
    _in_2023("37.143.130.146", (5, 12), (5, 19)),
    _in_2023("146.70.157.45", (5, 12), (6, 8)),
    _in_2023("185.195.200.39", (5, 15), (6, 29)),
    _in_2023("185.38.142.229", (5, 15), (7, 12)),
    _in_2023("146.70.121.44", (5, 17), (6, 29)),
    _in_2023("31.42.177.181", (5, 22), (5, 23)),
    _in_2023("185.51.134.52", (6, 7), (7, 11)),
    _in_2023("173.44.226.70", (6, 9), (7, 11)),
    _in_2023("45.14.227.233", (6, 12), (6, 26)),
    _in_2023("185.236.231.109", (6, 12), (7, 3)),
    _in_2023("178.73.220.149", (6, 16), (7, 12)),
    _in_2023("45.14.227.212", (6, 19), (6, 29)),
    _in_2023("91.222.173.225", (6, 20), (7, 1)),
    _in_2023("146.70.35.168", (6, 22), (6, 29)),
    _in_2023("146.70.157.213", (6, 26), (6, 30)),
    _in_2023("31.42.177.201", (6, 27), (6, 29)),
    _in_2023("5.252.176.8", (7, 1), (7, 1)),
    _in_2023("80.85.158.215", (7, 1), (7, 9)),
    _in_2023("193.149.129.88", (7, 2), (7, 12)),
    _in_2023("5.252.178.68", (7, 3), (7, 11)),
    _in_2023("116.202.251.8", (7, 4), (7, 7)),
)
# The web panels through which forged tokens were used; four are first seen after the block.
BLOCKED = datetime(2023, 6, 27, tzinfo=UTC)
PANELS: tuple[Address, ...] = (
    _in_2023("195.26.87.219", (5, 15), (6, 25)),
    _in_2023("185.236.228.183", (5, 24), (6, 11)),
    _in_2023("85.239.63.160", (6, 7), (6, 11)),
    _in_2023("193.105.134.58", (6, 24), (6, 25)),
    _in_2023("146.0.74.16", (6, 28), (7, 4)),
    _in_2023("91.231.186.226", (6, 29), (7, 4)),
    _in_2023("91.222.174.41", (6, 29), (7, 3)),
    _in_2023("185.38.142.249", (6, 29), (7, 2)),
)
ADDRESSES: tuple[Address, ...] = (
    *PANELS,
    *TABLE,
    _in_2023("185.158.248.93", (6, 25), (6, 26)),
    _in_2023("20.108.240.252", (6, 25), (7, 5)),
    _in_2023("146.70.135.182", (5, 18), (6, 22)),
)
