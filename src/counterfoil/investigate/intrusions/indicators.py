"""Indicators that others handed over: records that show one of them are taken for an intruder's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import duckdb

from counterfoil.case.given import give
from counterfoil.errors import UsageError

MAX_INDICATORS, MAX_INDICATOR_BYTES = 100_000, 16 << 20
# Columns of a record that an indicator other than an address is compared with.
_COLUMNS = ("agent", "client_id", "session_id", "device_id", "key_id", "token_id")


@dataclass(frozen=True)
class Indicators:
    """Addresses, networks, and other values: an agent, or the id of an application, session, device, key or token."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    others: tuple[str, ...] = field(default=())

    @classmethod
    def read(cls, text: str, name: str) -> Indicators:
        """Read indicators, one a line; lines that are empty or begin with # are left out.

        Raises UsageError for too many. Brackets that keep an address from being a link are taken off.

        >>> Indicators.read("agent/1.0", "-").others
        ('agent/1.0',)
        """
        lines = [line.strip() for line in text.splitlines()]
        lines = [line for line in lines if line and not line.startswith("#")]
        if len(lines) > MAX_INDICATORS:
            raise UsageError(f"{name}: more than {MAX_INDICATORS:,} indicators", hint="leave out what is years old")
        networks: list[IPv4Network | IPv6Network] = []
        others: list[str] = []
        for line in lines:
            try:
                networks.append(ip_network(line.replace("[.]", ".").replace("[:]", ":"), strict=False))
            except ValueError:
                others.append(line)
        return cls(tuple(networks), tuple(others))

    def prepare(self, con: duckdb.DuckDBPyConnection) -> None:
        """Make the temporary table `in_indicated`: source and record_id of every record that shows one."""
        give(con, "in_addresses", {"ip": "string"}, [[ip] for ip in self._addresses(con)])
        give(con, "in_values", {"value": "string"}, [[value] for value in dict.fromkeys(self.others)])
        values = " OR ".join(f"r.{column} IN (FROM in_values)" for column in _COLUMNS)
        asked = f"WHERE r.ip IN (FROM in_addresses) OR {values}" if self.networks or self.others else "WHERE false"
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE in_indicated AS SELECT source, record_id FROM in_records r {asked}"  # noqa: S608
        )

    def _addresses(self, con: duckdb.DuckDBPyConnection) -> Iterable[str]:
        """Return the addresses in evidence that are meant."""
        if not self.networks:
            return []
        single = {str(net.network_address) for net in self.networks if net.num_addresses == 1}
        wide = [net for net in self.networks if net.num_addresses > 1]
        if not wide:
            return sorted(single)
        every = con.execute("SELECT DISTINCT ip FROM evidence WHERE ip IS NOT NULL ORDER BY ip").fetchall()
        return [ip for (ip,) in every if ip in single or _inside(ip, wide)]


def _inside(ip: str, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    try:
        address = ip_address(ip)
    except ValueError:
        return False
    return any(address in net for net in networks)
