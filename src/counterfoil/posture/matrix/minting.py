"""Makes the token of a cell: a canary of `respond`, which grants nothing, with what is wrong with it."""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from counterfoil.jose import base64url
from counterfoil.jose.jwk import members_of
from counterfoil.mint.ledger import Ledger
from counterfoil.posture.matrix import keys
from counterfoil.posture.matrix.cells import Cell, Form
from counterfoil.posture.matrix.keys import InMemory, TestKey
from counterfoil.posture.matrix.plan import Party
from counterfoil.respond import probe
from counterfoil.tokens.flow import CLASSES

HOUR, TEN_YEARS = 3_600, 10 * 365 * 86_400
ELSEWHERE = "api://counterfoil-elsewhere"
# Header types as they are written; a class that allows several is written as the one that says something.
_TYP: Mapping[str, str] = {name: max(CLASSES[name].typ) for name in ("access", "entra-access", "id")}


def token(cell: Cell, party: Party, key: TestKey, now: float, ledger: Ledger | None = None) -> str:
    """Return the token of a cell for a party, which is in the ledger already if there is one. `now`: Unix seconds.

    `key`: the cell's. Of what no key signs the signature is of one that is made here and forgotten.
    """
    claims = _claims(cell, party, now)
    header = {"alg": key.signer.alg, "kid": key.signer.kid, "typ": _typ(cell, party)}
    signer = key.signer
    if cell.form is Form.UNSIGNED:
        header = {"alg": "none", "typ": header["typ"]}
    elif cell.form is Form.SECRET:
        header = {**header, "alg": "HS256"}
    elif cell.form in (Form.STRANGER, Form.UNKNOWN, Form.EMBEDDED):
        stranger = _nobody(key)
        signer = stranger
        if cell.form is not Form.STRANGER:
            header = {**header, "kid": stranger.kid, "alg": stranger.alg}
    more = {"jwk": members_of(signer.private.public_key())} if cell.form is Form.EMBEDDED and isinstance(
        signer, InMemory) else {}
    given = probe.signing_input({**header, **more}, _changed(claims, cell.form, int(now)))
    if ledger is not None:
        probe.record(ledger, given, {**header, "kid": header.get("kid", "none")}, claims, now)
    if cell.form is Form.UNSIGNED:
        signature = b""
    elif cell.form is Form.SECRET:
        signature = hmac.digest(key.public, given, sha256)
    else:
        signature = signer.sign(given)
    return f"{given.decode()}.{base64url.encode(signature)}"


def _typ(cell: Cell, party: Party) -> str:
    return party.shape.typ if cell.kind == "access" else _TYP[cell.kind]


def _claims(cell: Cell, party: Party, now: float) -> dict[str, Any]:
    claims = probe.claims_of(replace(party.shape, issuer=cell.issuer), now)
    claims["jti"] = str(uuid.uuid4())
    if cell.tenant:
        claims["tid"] = cell.tenant
    if cell.kind == "entra-access":
        claims |= {"ver": "2.0", "uti": claims["jti"], "azp": claims["client_id"]}
    return claims


def _changed(claims: Mapping[str, Any], form: Form, now: int) -> dict[str, Any]:
    """Return the claims with what is wrong with them."""
    without = {Form.ENDLESS: "exp", Form.NAMELESS: "iss"}.get(form)
    found = {name: value for name, value in claims.items() if name != without}
    if form is Form.EXPIRED:
        found |= {"iat": now - HOUR - probe.LIFE_SECONDS, "exp": now - HOUR}
    elif form is Form.EARLY:
        found |= {"iat": now + HOUR, "nbf": now + HOUR, "exp": now + HOUR + probe.LIFE_SECONDS}
    elif form is Form.LONG:
        found["exp"] = now + TEN_YEARS
    elif form is Form.ELSEWHERE:
        found["aud"] = ELSEWHERE
    return found


def _nobody(like: TestKey) -> InMemory:
    """Return a new key of the same kind that nobody has."""
    private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    if like.signer.alg[:2] in ("RS", "PS"):
        private = rsa.generate_private_key(65_537, 2048)
    else:
        private = ec.generate_private_key(ec.SECP256R1())
    made = keys.in_memory(private, "nobody").signer
    assert isinstance(made, InMemory)  # noqa: S101  # it is at hand
    return made
