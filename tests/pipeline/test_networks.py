"""The user's own file of networks: every form that lists come in, and what is none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from counterfoil.errors import InputError
from counterfoil.model.hosting import Network
from counterfoil.pipeline.networks import named, networks

ADDRESSES = ("192.0.2.7", "198.51.100.7", "2001:db8::7", "203.0.113.7")
# What each form says of the first three; nothing of the fourth.
WANTED = {
    "192.0.2.7": Network(64496, "Example Line", hosting=False),
    "198.51.100.7": Network(16276, "Example Host", hosting=True),
    "2001:db8::7": Network(64511, "Example VPN", hosting=True),
}
LINES: Mapping[str, str] = {
    "addresses": "192.0.2.7,64496,Example Line\n198.51.100.7,AS16276,Example Host\n2001:db8::7,64511,Example VPN,vpn\n",
    "networks, with a header and remarks": (
        "network,autonomous_system_number,autonomous_system_organization\n# mine\n\n192.0.2.0/24,64496,Example Line\n"
        "198.51.100.0/24,16276,Example Host\n2001:db8::/32,64511,Example VPN,hosting\n"
    ),
    "ranges of iptoasn.com, what nobody announces among them": (
        "192.0.2.0\t192.0.2.255\t64496\tUS\tExample Line\n198.51.100.0\t198.51.100.255\t16276\tFR\tExample Host\n"
        "203.0.113.0\t203.0.113.255\t0\tNone\tNot routed\n2001:db8::\t2001:db8::ffff\t64511\tSE\tExample VPN\tvpn\n"
    ),
    "ranges of DB-IP, the smallest counts": (
        '192.0.0.0,192.0.255.255,64500,"Example, larger"\n192.0.2.0,192.0.2.255,64496,"Example Line"\n'
        '198.51.100.0,198.51.100.255,16276,"Example Host"\n2001:db8::,2001:db8::ffff,64511,"Example VPN",tor\n'
    ),
}


def _mmdb(path: Path, kind: str, records: Mapping[str, Mapping[str, Any]]) -> Path:
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type=kind)
    for network, record in records.items():
        writer.insert_network(IPSet([network]), dict(record))
    writer.to_db_file(str(path))
    return path


@pytest.mark.parametrize("form", LINES)
def test_lines_say_whose_network_an_address_is_in(form: str, tmp_path: Path) -> None:
    """Numbers with and without AS, names, uses; a known host is one without a word of the file."""
    path = tmp_path / "networks"
    path.write_text(LINES[form], encoding="utf-8")
    assert networks(named(path), [*ADDRESSES, "no address"]) == WANTED


@pytest.mark.parametrize("members", [
    {"number": "autonomous_system_number", "name": "autonomous_system_organization",
     "flag": {"is_anonymous_vpn": True}},
    {"number": "asn", "name": "as_name", "flag": {"type": "hosting"}},
])
def test_an_mmdb_says_the_same(members: dict[str, Any], tmp_path: Path) -> None:
    """In the members of GeoLite2 and DB-IP, and in those of IPinfo."""
    number, name, flag = members["number"], members["name"], members["flag"]
    path = _mmdb(tmp_path / "asn.mmdb", "ASN", {
        "192.0.2.0/24": {number: 64496, name: "Example Line"},
        "198.51.100.0/24": {number: 16276 if number != "asn" else "AS16276", name: "Example Host"},
        "2001:db8::/32": {number: 64511, name: "Example VPN", **flag},
    })
    assert networks(named(path), ADDRESSES) == WANTED


def test_mail_servers_of_microsoft_are_no_host(tmp_path: Path) -> None:
    """Machines that it rents out are in the same autonomous system."""
    path = tmp_path / "lines"
    path.write_text("52.96.0.0/14,8075\n20.0.0.0/11,8075\n", encoding="utf-8")
    found = networks(named(path), ["52.96.27.1", "20.1.2.3"])
    assert {ip: network.hosting for ip, network in found.items()} == {"52.96.27.1": False, "20.1.2.3": True}


@pytest.mark.parametrize(("text", "said"), [
    ("", "holds no networks"),
    ("network,asn\n", "holds no networks"),
    ("192.0.2.0/24,64496\nx,y\n", "line 2 of .* names no network: 'x,y'"),
    ("192.0.2.0/24,64496\n192.0.2.0/33,64496\n", "line 2 of"),
    ("192.0.2.0/24,64496\n192.0.2.9,99999999999\n", "line 2 of"),
    (b"\xff\xfe\x00", "neither an MMDB nor lines"),
    (b"\xab\xcd\xefMaxMind.com and no more", "broken MMDB"),
])
def test_what_is_no_list_of_networks_is_refused(text: str | bytes, said: str, tmp_path: Path) -> None:
    """In one line that says where, before any log is read."""
    path = tmp_path / "file"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=said):
        named(path)


def test_an_mmdb_of_cities_is_refused(tmp_path: Path) -> None:
    """It says of no network whose it is."""
    path = _mmdb(tmp_path / "city.mmdb", "GeoLite2-City", {"192.0.2.0/24": {"city": {"names": {"en": "Example"}}}})
    with pytest.raises(InputError, match=r"says of no network whose it is: it is of the kind GeoLite2-City"):
        named(path)
