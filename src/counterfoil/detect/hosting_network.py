"""The address belongs to a host of servers or a VPN, from whose network the user never signs in."""

from __future__ import annotations

from counterfoil.detect.rule import Rule, Tables
from counterfoil.expressions import ir
from counterfoil.model.schema import TokenClass

# From a network from which so many people sign in, their employer lets them out.
PEOPLE = 5


def _find(tables: Tables) -> ir.Table:
    networks = tables.networks.filter(tables.networks.asn.notnull())
    places = tables.issued.filter(tables.issued.subject.notnull()).join(networks, "ip")
    known = places.select("subject", "asn").distinct()
    counted = known.group_by("asn").agg(people=known.subject.nunique())
    suspects = tables.suspects
    # programs live in such networks, and say that they are programs
    people = suspects.filter(
        suspects.derived == "", (suspects.token_class != str(TokenClass.APPLICATION)).fill_null(True)
    )
    there = people.join(tables.networks.filter(tables.networks.hosting), "ip").select("token_key", "subject", "asn")
    strange = there.anti_join(known, ["subject", "asn"])
    return strange.anti_join(counted.filter(counted.people >= PEOPLE), "asn").select("token_key")


RULE = Rule(
    id="hosting-network",
    title="an address of a host of servers or a VPN, from whose network the user never signs in",
    weight=1.5,
    severity="medium",
    confidence="low",
    audience="tenant",
    attack=("T1090", "T1583.003"),
    references=(
        "Microsoft, Analysis of Storm-0558 techniques for unauthorized email access, 2023-07-14: proxies, SoftEther",
        "iptoasn.com (public domain) and db-ip.com (CC BY 4.0): whose network an address is in",
    ),
    why="Intruders rent their way out. People sit at home, in offices and on telephones; who uses a VPN signs in "
    "through it, too.",
    innocent="A mail program that fetches from a cloud on a person's behalf, or a VPN that was switched on after the "
    "sign-in, looks the same.",
    needs="a file of networks (--networks), and sign-ins with addresses",
    blind="proxies in homes, and hosts that neither the file nor our list of the largest calls so",
    next_step="Ask the user about a VPN, and look up what else came from that network: counterfoil pivot --ip ADDRESS.",
    find=_find,
)
