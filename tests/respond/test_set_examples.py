"""The examples that RFC 8417, 8935 and 8936 print, at our receiver and our transmitter."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from counterfoil.custody.custody import Custody
from counterfoil.errors import InputError
from counterfoil.jose import base64url
from counterfoil.mint.signing import current_version
from counterfoil.respond import events
from counterfoil.respond.events import KeyCompromised
from counterfoil.respond.receive import Receiver, poll
from counterfoil.respond.signing import signed
from counterfoil.respond.transmit import push
from counterfoil.tokens.policy import TokenPolicy
from counterfoil.tokens.verifier import Verifier

from .test_events import POLICY, custody, serving

__all__ = ["custody"]  # the fixture

# RFC 8417, 2.1.1 to 2.1.4.
EXAMPLES: dict[str, dict[str, Any]] = {
    "SCIM": {
        "iss": "https://scim.example.com", "iat": 1458496404, "jti": "4d3559ec67504aaba65d40b0363faad8",
        "aud": ["https://scim.example.com/Feeds/98d52461fa5bbc879593b7754",
                "https://scim.example.com/Feeds/5d7604516b1d08641d7676ee7"],
        "events": {"urn:ietf:params:scim:event:create": {
            "ref": "https://scim.example.com/Users/44f6142df96bd6ab61e7521d9",
            "attributes": ["id", "name", "userName", "password", "emails"]}},
    },
    "logout": {
        "iss": "https://server.example.com", "sub": "248289761001", "aud": "s6BhdRkqt3", "iat": 1471566154,
        "jti": "bWJq", "sid": "08a5019c-17e1-4977-8f42-65a12843ea02",
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    },
    "consent": {
        "iss": "https://my.med.example.org", "iat": 1458496025, "jti": "fb4e75b5411e4e19b6c0fe87950f7749",
        "aud": ["https://rp.example.com"],
        "events": {"https://openid.net/heart/specs/consent.html": {
            "iss": "https://connect.example.com", "sub": "248289761001",
            "consentUri": ["https://terms.med.example.org/labdisclosure.html#Agree"]}},
    },
    "RISC": {
        "iss": "https://idp.example.com/", "jti": "756E69717565206964656E746966696572", "iat": 1508184845,
        "aud": "636C69656E745F6964",
        "events": {"https://schemas.openid.net/secevent/risc/event-type/account-disabled": {
            "subject": {"subject_type": "iss-sub", "iss": "https://idp.example.com/", "sub": "7375626A656374"},
            "reason": "hijacking"}},
    },
}


def receiver(custody: Custody, claims: dict[str, Any]) -> tuple[Receiver, list[KeyCompromised]]:
    """Return a receiver that such an event is for, and what it was told."""
    audiences = [claims["aud"]] if isinstance(claims["aud"], str) else claims["aud"]  # all must be the flow's (V7)
    text = POLICY.replace("https://idp.example", claims["iss"])
    text = text.replace('"https://mail.example"', ", ".join(map(json.dumps, audiences)))
    keys = json.dumps({"keys": [current_version(custody, "events", "test").jwk()]}).encode()
    heard: list[KeyCompromised] = []
    verifier = Verifier(TokenPolicy.from_toml(text, {"keys": keys}))
    return Receiver(verifier, heard.append, lambda: claims["iat"] + 1.0), heard


@pytest.mark.parametrize("name", EXAMPLES)
def test_events_of_others_are_acknowledged_and_nobody_acts_on_them(custody: Custody, name: str) -> None:
    """RFC 8417, 2.1, each signed: a SET whose events are not known is a good SET."""
    taking, heard = receiver(custody, EXAMPLES[name])
    assert taking.take(signed(custody, "events", events.TYP, EXAMPLES[name], "test")) is None
    assert heard == []


def unsecured(claims: dict[str, Any]) -> str:
    """Return a SET as RFC 8417, 2.3 prints it: with `alg` none, and no signature."""
    parts = ({"alg": "none"}, claims)
    return ".".join(base64url.encode(json.dumps(part).encode()) for part in parts) + "."


def answering(status: int, *bodies: object) -> tuple[Callable[..., Any], list[Any]]:
    """Return an ASGI application that answers this, one body after the other, and what it was sent."""
    seen: list[Any] = []

    async def app(_: Any, receive: Any, send: Any) -> None:
        seen.append((await receive()).get("body", b""))
        body = json.dumps(bodies[min(len(seen), len(bodies)) - 1]).encode()
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app, seen


@pytest.mark.parametrize(
    "told",
    [
        {"err": "invalid_key", "description": "Key ID 12345 has been revoked."},
        {"err": "authentication_failed", "description": "Access token has expired."},
    ],
    ids=lambda told: told["err"],
)
def test_what_a_receiver_says_is_told(told: dict[str, str]) -> None:
    """RFC 8935, 2.3: the examples of error responses."""
    app, _ = answering(400, told)
    with serving(app) as url, pytest.raises(InputError, match=f"400, '{told['err']}': '{told['description']}'"):
        push(url, "a.b.c")


def test_unsecured_events_are_refused_in_the_next_poll(custody: Custody) -> None:
    """RFC 8936, 2.3: its response, whose SETs nobody signed; 2.4.4: they are refused by `setErrs`, not acknowledged."""
    claims = EXAMPLES["SCIM"]
    other = {**claims, "jti": "3d0c3cf797584bd193bd0fb1bd4e7d30"}
    given = {each["jti"]: unsecured(each) for each in (claims, other)}
    app, seen = answering(200, {"sets": given}, {"sets": {}})
    taking, heard = receiver(custody, claims)
    with serving(app) as url:
        assert poll(url, taking) == 0
    first, second = (json.loads(body) for body in seen)
    assert (first["ack"], first["setErrs"], second["ack"]) == ([], {}, [])
    assert {jti: wrong["err"] for jti, wrong in second["setErrs"].items()} == dict.fromkeys(given, "invalid_key")
    assert heard == []
