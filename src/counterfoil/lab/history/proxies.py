"""Where the attackers of 2023 came from: the published addresses while they were in use, else invented hosting.

Source: Microsoft, "Analysis of Storm-0558 techniques for unauthorized email access", 14 July 2023, table of indicators
(addresses with first and last day seen). Outside those days an address says nothing, so it is not used.
"""

from __future__ import annotations

import random
from datetime import date

from counterfoil.lab.history.names import hosting_address

_SEEN_2023 = """
51.89.156.153 3/9 7/10; 176.31.90.129 3/28 6/29; 137.74.181.100 3/31 7/11; 193.36.119.45 4/19 7/7;
185.158.248.159 4/24 7/6; 131.153.78.188 5/6 6/29; 37.143.130.146 5/12 5/19; 146.70.157.45 5/12 6/8;
185.195.200.39 5/15 6/29; 185.38.142.229 5/15 7/12; 146.70.121.44 5/17 6/29; 31.42.177.181 5/22 5/23;
185.51.134.52 6/7 7/11; 173.44.226.70 6/9 7/11; 45.14.227.233 6/12 6/26; 185.236.231.109 6/12 7/3;
178.73.220.149 6/16 7/12; 45.14.227.212 6/19 6/29; 91.222.173.225 6/20 7/1; 146.70.35.168 6/22 6/29;
146.70.157.213 6/26 6/30; 31.42.177.201 6/27 6/29; 5.252.176.8 7/1 7/1; 80.85.158.215 7/1 7/9;
193.149.129.88 7/2 7/12; 5.252.178.68 7/3 7/11; 116.202.251.8 7/4 7/7
"""

AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/92.0.4515.159 "
    "Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/106.0.0.0 "
    "Safari/537.36 Edg/106.0.1370.52",
    '"Microsoft Edge";v="113", "Chromium";v="113", "Not-A.Brand";v="24"',
)


def _day(text: str) -> date:
    month, day = text.split("/")
    return date(2023, int(month), int(day))


_PROXIES = tuple(
    (address, _day(first), _day(last)) for address, first, last in (row.split() for row in _SEEN_2023.split(";"))
)


def proxies(day: date) -> tuple[str, ...]:
    """Return the addresses that the attackers of 2023 used on `day`, or ten of an invented provider."""
    known = tuple(address for address, first, last in _PROXIES if first <= day <= last)
    return known or tuple(hosting_address(n) for n in range(20, 30))


def pick(rng: random.Random, day: date) -> str:
    """Return one of the proxies of `day`."""
    choices = proxies(day)
    return choices[rng.randrange(len(choices))]
