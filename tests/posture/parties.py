"""The estate of the acceptance matrix: keys of three realms, the lab's policies over them, services by those."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from counterfoil.jose.jwk import members_of, thumbprint
from counterfoil.lab.estate import policies
from counterfoil.lab.estate.clock import Clock
from counterfoil.lab.estate.services import RENEW, Forgotten
from counterfoil.lab.estate.settings import MAIL, Estate, Flaw, Realm
from counterfoil.lab.estate.unsigned import UnsignedActors
from counterfoil.posture.matrix import keys
from counterfoil.posture.matrix.plan import Party, Plan
from counterfoil.relying.guard import Guard
from counterfoil.relying.middleware import Middleware
from counterfoil.relying.receipts import Receipts
from counterfoil.respond.probe import Canary
from counterfoil.tokens.policy import TokenPolicy
from counterfoil.tokens.pseudonym import SubjectKey
from counterfoil.tokens.verifier import Verifier

from .making import private

# The realms' keys, the consumers' first one, one slipped into a document, and one that left the set.
KEYS = ("org", "consumer", "service", "dead", "rogue", "left")
ISSUED = (*KEYS[:4],)
ESTATE = Estate(
    path=Path(), issuer_port=8000, mail_port=8001, files_port=8002, socket=Path(), counter_socket=Path(),
    dead_kid="dead", kids=tuple(thumbprint(members_of(private(name).public_key())) for name in ISSUED),
)
ISSUERS = {realm: ESTATE.issuer(realm) for realm in Realm}
LEFT = datetime(2026, 11, 30, 12, tzinfo=UTC)


def key_set(*names: str) -> str:
    """Return a document of these keys; a kid is a name."""
    return json.dumps({"keys": [{**members_of(private(name).public_key()), "kid": name} for name in names]})


DOCUMENTS: Mapping[str, str] = {
    "org": key_set("org", "rogue"), "consumer": key_set("consumer", "dead"), "service": key_set("service"),
    "common": key_set(*ISSUED, "rogue"),
}


def policy_text(*flaws: Flaw) -> str:
    """Return what a service of the lab with these flaws goes by."""
    return policies.token_policy(replace(ESTATE, flaws=flaws), MAIL)


def policy(*flaws: Flaw) -> TokenPolicy:
    """Return it with its documents."""
    return TokenPolicy.from_toml(policy_text(*flaws), DOCUMENTS)


def plan(*parties: Party) -> Plan:
    """Return the matrix of all keys, realms and two classes."""
    held = [keys.in_memory(private(name), name, name) for name in KEYS]
    held[-1] = keys.departed(held[-1], LEFT, "org")
    return Plan(Path("policy.toml"), None, tuple(ISSUERS.values()), ("access", "id"), (), tuple(held), parties, 0.0)


def party(name: str, url: str = "http://127.0.0.1:9/messages", **more: Any) -> Party:
    """Return a party that is asked for mail."""
    return Party(name, Canary("", MAIL), url, **more)


def lab_service(path: Path, *flaws: Flaw) -> Callable[[Party], Callable[[str], int]]:
    """Return how the lab's service with these flaws is asked, in this process."""
    receipts, sink = Receipts("mail", SubjectKey("k", b"k" * 32)), Forgotten()
    guard = Guard(Verifier(policy(*flaws)), receipts, sink)

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        del scope, receive
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    app: Any = Middleware(inner, guard, renewal_paths=(RENEW,))
    if Flaw.UNSIGNED_ACTORS in flaws:
        app = UnsignedActors(inner, app, receipts, sink, "api", Clock.started(path, 0.0))

    def asking(asked: Party) -> Callable[[str], int]:
        async def shown(token: str) -> int:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app)) as client:
                answer = await client.request(asked.method, asked.url, headers={"Authorization": f"Bearer {token}"})
                return answer.status_code

        return lambda token: asyncio.run(shown(token))

    return asking


def write(folder: Path, parties: str) -> Path:
    """Write the matrix with its keys and policy, as an operator keeps them; return its file."""
    for name in KEYS:
        pem = private(name).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / f"{name}.pem").write_bytes(pem)
    for name, document in DOCUMENTS.items():
        (folder / name).write_text(document)
    (folder / "policy.toml").write_text(policy_text())
    (folder / "shared.json").write_text(key_set(*ISSUED))
    listed = "".join(
        f'[[key]]\nname = "{name}"\nkid = "{name}"\nprivate = "{name}.pem"\n'
        + (f"left = {LEFT:%Y-%m-%dT%H:%M:%SZ}\nwas = \"org\"\n" if name == "left" else "")
        for name in KEYS
    )
    file = folder / "matrix.toml"
    issuers = ", ".join(f'"{issuer}"' for issuer in ISSUERS.values())
    head = f'schema = "counterfoil.matrix/1"\npolicy = "policy.toml"\nissuers = [{issuers}]\npause_seconds = 0.0\n'
    file.write_text(f"{head}{listed}{parties}")
    return file
