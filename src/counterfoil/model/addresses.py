"""Client addresses in one form, whatever services, proxies and exporters make of them.

IPv4 in dotted form, IPv6 as RFC 5952 section 4 writes it, an IPv4 address mapped into IPv6 (RFC 4291 section 2.5.5.2)
as IPv4. Ports, brackets and zones are taken off. What is no address (a host name, `null`) is none.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

MAX_CHARS = 200  # of a field that may hold an address: proxies write lists

_AROUND = re.compile(r"\[([^\]]+)\](?::\d{1,5})?|(\d{1,3}(?:\.\d{1,3}){3})(?:%\w*)?(?::\d{1,5})?")


@lru_cache(maxsize=1 << 16)
def canonical(text: str | None) -> str | None:
    """Return the address that the text holds in its one form, None if it holds none.

    Of a list, as proxies write it, the first: the client.

    >>> canonical("[::ffff:198.51.100.7]:443")
    '198.51.100.7'
    """
    first = (text or "")[:MAX_CHARS].split(",")[0].strip(" \t\r\n\"'")
    around = _AROUND.fullmatch(first)
    bare = (around[1] or around[2]) if around else first
    try:
        address = ipaddress.ip_address(bare.strip().partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
