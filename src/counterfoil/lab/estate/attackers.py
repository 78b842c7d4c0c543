"""The attackers, one function each: what he does in a running estate, and what of it full logs must show."""

from __future__ import annotations

from counterfoil.custody.client import SignerClient
from counterfoil.jose import base64url
from counterfoil.lab.estate import forging
from counterfoil.lab.estate.notes import Kind, claims_of
from counterfoil.lab.estate.settings import FILES, MAIL, Realm
from counterfoil.lab.estate.world import World
from counterfoil.model.diagnosis import Diagnosis
from counterfoil.model.verdict import Verdict

AGENT = "python-requests/2.31"
KEY_OUT = Kind("forged", (Verdict.FORGED,), Diagnosis.KEY_OUT, "Signed with a stolen key.")
LAUNDERED = Kind("laundered", (Verdict.TAINTED,), Diagnosis.LAUNDERED, "Minted in exchange for a forged token.")
UNENTITLED = Kind(
    "forged", (Verdict.CONTRADICTED,), Diagnosis.KEY_NOT_ENTITLED, "Signed with a key that may not sign it."
)
THROUGH = Kind("forged", (Verdict.FORGED,), Diagnosis.THROUGH_CUSTODY, "Signed in custody, past the mint.")
UNCHECKED = Kind(
    "forged", (Verdict.FORGED,), Diagnosis.KEY_OUT_OR_UNCHECKED, "A service believed it without the issuer's key."
)
COPIED = Kind("copied", (Verdict.CONTRADICTED,), Diagnosis.KEY_OUT, "The id of a genuine token on other content.")
SAME = Kind("copied", (Verdict.MINTED,), None, "A genuine token's bytes, signed anew: no log can tell.")
STOLEN = Kind("stolen", (Verdict.MINTED,), None, "A genuine token in the hands of a thief.")
ALTERED = Kind(
    "forged", (Verdict.CONTRADICTED,), Diagnosis.LEDGER_ALTERED, "Its counterfoil was written without a signature."
)


def wrong_realm(world: World) -> None:
    """Sign for people of the organisation with the old key of the consumer realm, as in 2023."""
    for user in ("alice", "bob", "carol"):
        world.show(_forged(world, user, Realm.CONSUMER), MAIL, KEY_OUT, AGENT)


def unentitled(world: World) -> None:
    """Sign with that key for a hunt that is told what each key may sign."""
    for user in ("alice", "bob"):
        world.show(_forged(world, user, Realm.CONSUMER), MAIL, UNENTITLED, AGENT)


def right_realm(world: World, kind: Kind = KEY_OUT) -> None:
    """Sign with the organisation's own key."""
    for user in ("alice", "bob"):
        world.show(_forged(world, user, Realm.ORG), MAIL, kind, AGENT)


def ledger_insider(world: World) -> None:
    """Sign with the organisation's own key; the counterfoils follow, in `tampering`."""
    right_realm(world, ALTERED)


def launder(world: World, key: Realm = Realm.CONSUMER) -> None:
    """Have a forged token renewed, and what comes of it again: genuine tokens with a forged ancestor."""
    held = world.renew(_forged(world, "dora", key), MAIL, KEY_OUT)
    for resource in (MAIL, FILES):
        if held is None:
            return
        world.show(held, MAIL, LAUNDERED, AGENT)
        held = world.renew(held, resource, LAUNDERED)
    if held is not None:
        world.show(held, FILES, LAUNDERED, AGENT)


def insider(world: World) -> None:
    """Ask custody itself for signatures, past the mint."""
    with SignerClient(world.estate.socket) as custody:
        for user in ("alice", "carol"):
            given = forging.signing_input(world.stolen[Realm.ORG].kid, forging.claims(world.estate, user))
            made = custody.sign(Realm.ORG, given.encode(), purpose="key ceremony").signature
            world.show(f"{given}.{base64url.encode(made)}", MAIL, THROUGH, AGENT)


def cloned(world: World) -> None:
    """Put the id of a genuine token on other claims, on the same claims written anew, and sign its very bytes again."""
    genuine = world.sign_in("alice")["access_token"]
    world.show(genuine)
    told, key = claims_of(genuine), world.stolen[Realm.ORG]
    for claims in (told | {"sub": "bob"}, told):
        given = forging.signing_input(key.kid, claims)
        world.show(forging.signed(given, key.private), MAIL, COPIED, AGENT)
    world.show(forging.signed(genuine.rpartition(".")[0], key.private), MAIL, SAME, AGENT)


def rogue_key(world: World) -> None:
    """Sign with a key of his own, which he slipped into the issuer's JWKS."""
    key = world.rogue
    for user in ("bob", "carol"):
        given = forging.signing_input(key.kid, forging.claims(world.estate, user))
        world.show(forging.signed(given, key.private), MAIL, UNCHECKED, AGENT)


def unsigned(world: World) -> None:
    """Write tokens without a signature, for a service that takes them for a colleague's."""
    for user in ("alice", "bob"):
        given = forging.signing_input("", forging.claims(world.estate, user, audience=FILES), "none")
        world.show(f"{given}.", FILES, UNCHECKED, AGENT)


def thief(world: World) -> None:
    """Use a token that was stolen from who held it."""
    token = world.sign_in("carol")["access_token"]
    world.show(token)
    world.show(token, MAIL, STOLEN, AGENT)


def _forged(world: World, user: str, key: Realm) -> str:
    stolen = world.stolen[key]
    return forging.signed(forging.signing_input(stolen.kid, forging.claims(world.estate, user)), stolen.private)
