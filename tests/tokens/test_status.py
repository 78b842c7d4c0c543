"""S1: status lists and introspection responses: what they say of the token, and that they are the issuer's."""

from __future__ import annotations

import contextlib
import json
import random
import zlib
from typing import Any

import pytest

from counterfoil.errors import VerifyError
from counterfoil.tokens import limits
from counterfoil.tokens.presentation import Presentation
from counterfoil.tokens.status import StatusList
from counterfoil.tokens.verified import VerifiedToken

from .making import AUDIENCE, ISSUER, LOGIN, NOW, OTHER_TENANT, TENANT, b64, token, verifier
from .test_dpop import JKT, proof, shown

URI = "https://login.example/statuslists/1"


def listed(values: list[int], bits: int = 1, **changes: Any) -> str:
    """Return a status list token with these statuses."""
    octets = bytearray((len(values) * bits + 7) // 8)
    for place, value in enumerate(values):
        octets[place * bits // 8] |= value << (place * bits % 8)
    packed = {"bits": bits, "lst": b64(zlib.compress(bytes(octets), 9))}
    told = {"sub": URI, "status_list": packed, "aud": None, "exp": None, "client_id": None, "jti": None, "sid": None}
    return token("rsa", {"typ": "statuslist+jwt"}, **{**told, **changes})


def referring(index: object = 0, uri: object = URI) -> str:
    """Return an access token whose status stands at this place."""
    return token(status={"status_list": {"idx": index, "uri": uri}})


def judge(given: str, status: str | bytes | None, at: int = NOW) -> None:
    """Verify a token with this status list."""
    verifier("checked").verify(given, at=at, shown=Presentation(status_list=status))


def refusal(given: str, status: str | bytes | None, at: int = NOW) -> tuple[str, str]:
    """Return rule and check of the refusal."""
    with pytest.raises(VerifyError) as caught:
        judge(given, status, at)
    return caught.value.rule, caught.value.check


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_each_status_is_found_at_its_place(bits: int) -> None:
    """Every place of a list, in every width: 0 passes, everything else is refused."""
    values = random.Random(bits).choices(range(2**bits), k=20)  # noqa: S311  # invented data
    made = listed(values, bits)
    for place, value in enumerate(values):
        if value == 0:
            judge(referring(place), made)
        else:
            assert refusal(referring(place), made) == ("S1", "status")


def test_the_examples_of_the_draft() -> None:
    """draft-ietf-oauth-status-list, 4.1 and 4.2: one bit and two bits, as they are printed there."""
    one = [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]
    two = [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]
    for bits, lst, values in ((1, "eNrbuRgAAhcBXQ", one), (2, "eNo76fITAAPfAgc", two)):
        made = listed([], status_list={"bits": bits, "lst": lst})
        refused = [refusal(referring(place), made) == ("S1", "status") for place, value in enumerate(values) if value]
        assert all(refused)
        for place, value in enumerate(values):
            if value == 0:
                judge(referring(place), made)


BAD_LISTS: dict[str, tuple[dict[str, Any], str]] = {
    "of another URI": ({"sub": URI + "0"}, "uri"),
    "of another issuer": ({"iss": LOGIN.replace("{tenantid}", OTHER_TENANT), "tid": OTHER_TENANT}, "issuer"),
    "that is a day old": ({"iat": NOW - 86_500, "nbf": None}, "list"),
    "past its ttl": ({"ttl": 59}, "ttl"),
    "with a ttl that is no number": ({"ttl": "1h"}, "ttl"),
    "with no list": ({"status_list": None}, "list"),
    "with a list that is a text": ({"status_list": "x"}, "list"),
    "with three bits": ({"status_list": {"bits": 3, "lst": "eNrbuRgAAhcBXQ"}}, "list"),
    "with bits as a truth value": ({"status_list": {"bits": True, "lst": "eNrbuRgAAhcBXQ"}}, "list"),
    "that is not compressed": ({"status_list": {"bits": 1, "lst": "AAAA"}}, "list"),
    "that is cut short": ({"status_list": {"bits": 1, "lst": "eNrbuRgA"}}, "list"),
    "that is no base64url": ({"status_list": {"bits": 1, "lst": "\u00e9="}}, "list"),
    "with bytes behind it": ({"status_list": {"bits": 1, "lst": b64(zlib.compress(bytes(8)) + b"more")}}, "list"),
    "with another list behind it": ({"status_list": {"bits": 1, "lst": b64(zlib.compress(bytes(8)) * 2)}}, "list"),
    "that is a bomb": (
        {"status_list": {"bits": 1, "lst": b64(zlib.compress(bytes(limits.MAX_STATUS_LIST_INFLATED + 1)))}}, "list",
    ),
}


@pytest.mark.parametrize(("changes", "check"), BAD_LISTS.values(), ids=BAD_LISTS)
def test_a_status_list_is_refused(changes: dict[str, Any], check: str) -> None:
    """The token's own status is 0; the list is wrong in one thing."""
    assert refusal(referring(), listed([0] * 8, **changes)) == ("S1", check)


def test_a_status_list_must_be_shown_and_be_one() -> None:
    """None, an access token, nonsense, and a list signed by a key of another realm."""
    assert refusal(referring(), None) == ("S1", "list")
    with pytest.raises(VerifyError, match="got none"):
        judge(referring(), None)
    assert refusal(referring(), token()) == ("S1", "list")
    assert refusal(referring(), b"x") == ("S1", "list")
    forged = listed([0]).rpartition(".")[0] + "." + token("rsa-consumer").rpartition(".")[2]
    assert refusal(referring(), forged) == ("S1", "list")
    judge(referring(), listed([0] * 8, ttl=60))


@pytest.mark.parametrize(
    ("index", "uri"), [(8, URI), (-1, URI), (True, URI), ("0", URI), (2**80, URI), (0, None), (0, 7)]
)
def test_a_reference_must_lead_somewhere(index: object, uri: object) -> None:
    """An index beyond the list, or one that is none; a URI that is none."""
    expected = "index" if index == 8 else "reference"
    assert refusal(referring(index, uri), listed([0] * 8)) == ("S1", expected)


def test_a_token_without_status_is_refused_where_status_is_asked_for() -> None:
    """The flow wants a status; the token has none, or one of another kind."""
    for given in (token(), token(status={}), token(status="x"), token(status={"status_list": []})):
        assert refusal(given, listed([0])) == ("S1", "reference")


def introspect(response: object) -> None:
    """Verify a token with this introspection response."""
    content = response if isinstance(response, bytes | None) else json.dumps(response).encode()
    verifier("asked").verify(token(), at=NOW, shown=Presentation(introspection=content))


BAD_RESPONSES: dict[str, tuple[object, str]] = {
    "none": (None, "introspection"),
    "not active": ({"active": False}, "active"),
    "active as a text": ({"active": "true"}, "active"),
    "active as a number": ({"active": 1}, "active"),
    "empty": ({}, "active"),
    "an error page": (b"<html>", "introspection"),
    "active twice": (b'{"active":false,"active":true}', "introspection"),
    "longer than any": (b'{"active":true}' + b" " * limits.MAX_TOKEN_BYTES, "introspection"),
    "of another subject": ({"active": True, "sub": "bob"}, "sub"),
    "of another issuer": ({"active": True, "iss": ISSUER + "/"}, "iss"),
    "of another client": ({"active": True, "client_id": "tablet"}, "client_id"),
    "of another token": ({"active": True, "jti": "token-2"}, "jti"),
    "with another expiry": ({"active": True, "exp": NOW + 9}, "exp"),
    "with another time of issuance": ({"active": True, "iat": NOW - 61}, "iat"),
    "with another beginning": ({"active": True, "nbf": NOW - 61}, "nbf"),
    "of another tenant": ({"active": True, "tid": OTHER_TENANT}, "tid"),
    "of another session": ({"active": True, "sid": "session-2"}, "sid"),
    "of no subject": ({"active": True, "sub": None}, "sub"),
    "for another service": ({"active": True, "aud": "api://files"}, "aud"),
    "for another service besides": ({"active": True, "aud": [AUDIENCE, "api://files"]}, "aud"),
    "for nobody": ({"active": True, "aud": []}, "aud"),
    "for a service that is no text": ({"active": True, "aud": {"a": 1}}, "aud"),
    "bound to a key": ({"active": True, "cnf": {"jkt": "x"}}, "cnf"),
    "bound to a key, by its type": ({"active": True, "token_type": "DPoP"}, "token_type"),
}


@pytest.mark.parametrize(("response", "check"), BAD_RESPONSES.values(), ids=BAD_RESPONSES)
def test_an_introspection_response_refuses(response: object, check: str) -> None:
    """RFC 7662, 2.2: only `active: true`, about this very token."""
    with pytest.raises(VerifyError) as caught:
        introspect(response)
    assert (caught.value.rule, caught.value.check) == ("S1", check)


def test_an_introspection_response_may_end_a_token_early() -> None:
    """The response's own expiry counts where the token has none of its own to compare."""
    response = json.dumps({"active": True, "exp": NOW + 1800}).encode()
    with pytest.raises(VerifyError, match="S1, exp"):
        verifier("asked").verify(token(), at=NOW + 1800, shown=Presentation(introspection=response))


def test_an_active_token_is_accepted() -> None:
    """With nothing more, and with everything that agrees."""
    introspect({"active": True})
    introspect({"active": True, "sub": "alice", "iss": ISSUER, "exp": NOW + 1800, "scope": "mail", "tid": TENANT})
    introspect({"active": True, "aud": [AUDIENCE], "nbf": NOW - 60, "uti": "u-1", "token_type": "Bearer"})


def test_a_response_is_held_to_how_the_token_is_bound() -> None:
    """RFC 9449, 6.2: the same key is agreement, and so is no word of it; another is not."""
    bound = token(cnf=JKT)
    for told, check in (({"cnf": JKT, "token_type": "DPoP"}, ""), ({"cnf": {"jkt": "x"}}, "cnf"), ({}, "")):
        dpop = shown(proof(bound)).dpop
        response = json.dumps({"active": True, **told}).encode()
        try:
            verifier("asked").verify(bound, at=NOW, shown=Presentation(dpop=dpop, introspection=response))
            assert check == ""
        except VerifyError as error:
            assert (error.rule, error.check) == ("S1", check)


@pytest.mark.parametrize(("begin", "fits"), [(NOW + 60, True), (NOW + 61, False), ("now", False), (True, False)])
def test_a_response_may_tell_of_a_later_beginning(begin: object, fits: bool) -> None:
    """Where the token itself has none to compare: with the leeway of the token's own times."""
    response = json.dumps({"active": True, "nbf": begin}).encode()
    with contextlib.nullcontext() if fits else pytest.raises(VerifyError, match="S1, nbf"):
        verifier("asked").verify(token(nbf=None), at=NOW, shown=Presentation(introspection=response))


def test_a_list_is_verified_once_and_again_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand requests cost one signature and one inflation; an expired list is refused though it was good."""
    made: list[float] = []
    verify = StatusList.of

    def counted(token: VerifiedToken, at: float, leeway: float) -> StatusList:
        made.append(at)
        return verify(token, at, leeway)

    monkeypatch.setattr(StatusList, "of", counted)
    checked, good = verifier("checked"), listed([0, 1], exp=NOW + 300)
    for place in (0, 1) * 20:
        try:
            checked.verify(referring(place), at=NOW + 10, shown=Presentation(status_list=good))
        except VerifyError as error:
            assert (place, error.check) == (1, "status")
    assert made == [NOW + 10]
    for at, told in ((NOW + 300 + 59, "accepted"), (NOW + 300 + 60, "list"), (NOW - 30, "accepted")):
        try:
            checked.verify(referring(0), at=at, shown=Presentation(status_list=good))
            assert told == "accepted"
        except VerifyError as error:
            assert (error.rule, error.check) == ("S1", told)
    assert made == [NOW + 10, NOW - 30], "an earlier moment is another question"
    for place in range(2 * limits.MAX_CACHED_LISTS):
        checked.verify(referring(0), at=NOW, shown=Presentation(status_list=listed([0], jti=str(place))))
    assert len(checked._lists) <= limits.MAX_CACHED_LISTS


def test_what_gets_the_status_is_asked_only_for_a_token_that_held() -> None:
    """Nobody without a good token can make a service ask its issuer; a function that finds nothing is no status."""
    asked: list[str] = []

    def status() -> str:
        asked.append("list")
        return listed([0])

    def answer() -> None:
        asked.append("introspection")

    shown = Presentation(status_list=status, introspection=answer)
    good = referring(0)
    bad = [good[:-8] + "AAAAAAAA", token("rsa", exp=NOW - 999, iat=NOW - 1_999), token("rsa-consumer"), "x"]
    for flow in ("checked", "asked"):
        for text in bad:
            with pytest.raises(VerifyError):
                verifier(flow).verify(text, at=NOW, shown=shown)
    assert asked == []
    verifier("checked").verify(good, at=NOW, shown=shown)
    with pytest.raises(VerifyError, match="S1, introspection"):
        verifier("asked").verify(token(), at=NOW, shown=shown)
    assert asked == ["list", "introspection"]
