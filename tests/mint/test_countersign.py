"""Counter-signatures: a thief of the signing key is refused at the door, whatever he copies or makes up."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from counterfoil.custody.custody import Custody
from counterfoil.errors import PolicyError, UsageError, VerifyError
from counterfoil.mint.countersign import Countersigner
from counterfoil.mint.ledger import FileLedger
from counterfoil.mint.mint import Mint
from counterfoil.mint.policy import MintPolicy
from counterfoil.model.counterfoil import Grant
from counterfoil.tokens import countersignature
from counterfoil.tokens.policy import TokenPolicy
from counterfoil.tokens.verifier import Verifier

from .making import CLAIMS, ISSUER, MINT_POLICY, NOW, ORIGIN, SUBJECTS, TOKEN_POLICY, custody_in, jwks

REQUIRED = TOKEN_POLICY + f"""counterfoil = "required"

[[countersign]]
file = "counter.json"
issuers = ["{ISSUER}"]
"""


@dataclass(frozen=True)
class Estate:
    """An issuer with two custodies, and the thief, who has the private signing key."""

    mint: Mint
    custody: Custody
    counter: Custody
    stolen: ec.EllipticCurvePrivateKey

    def verifier(self, text: str = REQUIRED) -> Verifier:
        """Return the verifier of a service."""
        return Verifier(TokenPolicy.from_toml(text, {"jwks.json": jwks(self.custody), "counter.json": self.keys}))

    @property
    def keys(self) -> bytes:
        """The keys that counter-sign."""
        return jwks(self.counter)

    def issued(self) -> str:
        """Return a genuine token."""
        return self.mint.issue(CLAIMS, grant=Grant.CLIENT).token

    def stolen_with(self, header: dict[str, object], **claims: object) -> str:
        """Return a token that the thief made, of the genuine one's claims and header, with these changes."""
        genuine = self.issued()
        said = jwt.decode(genuine, options={"verify_signature": False}) | claims
        head = {k: v for k, v in (jwt.get_unverified_header(genuine) | header).items() if v is not None}
        return jwt.encode(said, self.stolen, algorithm="ES256", headers=head)


@pytest.fixture
def estate(tmp_path: Path) -> Iterator[Estate]:
    """Yield the issuer; its key existed before custody, and somebody kept a copy."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    stolen = ec.generate_private_key(ec.SECP256R1())
    pem = tmp_path / "old.pem"
    pem.write_bytes(stolen.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with (
        custody_in(tmp_path / "signing", "other") as custody,
        custody_in(tmp_path / "counter", "counter", "custody.example/counter") as counter,
        FileLedger.open(tmp_path / "ledger", ORIGIN) as ledger,
    ):
        custody.attach("idp", str(pem))
        policy = MintPolicy.from_toml(MINT_POLICY + "counterfoil = true")
        sealing = Countersigner(counter, "counter", custody)
        yield Estate(
            Mint(custody, ledger, policy, SUBJECTS, countersigner=sealing, clock=lambda: NOW), custody, counter, stolen
        )


def test_a_minted_token_passes_and_says_that_it_is_counter_signed(estate: Estate) -> None:
    """The strict service accepts it, a service that does not ask does so as well, and so does another library."""
    minted = estate.mint.issue(CLAIMS, grant=Grant.CLIENT)
    assert "V15" in estate.verifier().verify(minted.token, at=NOW).also
    asks_not = estate.verifier(TOKEN_POLICY)
    assert "V15" not in asks_not.verify(minted.token, at=NOW).also
    held = {version.kid for version in estate.counter.keys(purpose="test")}
    assert minted.counterfoil.counter_key in held
    public = next(version for version in estate.custody.keys(purpose="test") if version.name == "idp").jwk()
    assert jwt.decode(
        minted.token, jwt.PyJWK(public).key, algorithms=["ES256"], audience="api://mail",
        options={"verify_exp": False, "verify_iat": False},
    )["sub"] == "alice"


def _made_up(estate: Estate, **other: str) -> str:
    """Return a counter-signature that the thief made with the signing key, in the name of a counter-key."""
    genuine = estate.issued()
    payload = base64.urlsafe_b64decode(genuine.split(".")[1] + "==")
    header = jwt.get_unverified_header(genuine)
    content = countersignature.statement(payload, header["kid"], "ES256", "at+jwt")
    signed = countersignature.signing_input(content, other["kid"], "ES256")
    forged = jwt.api_jws.PyJWS().encode(b"", estate.stolen, algorithm="ES256")
    return countersignature.assembled(signed, base64.urlsafe_b64decode(forged.split(".")[2] + "=="))


def _signing_kid(estate: Estate) -> str:
    return next(version.kid for version in estate.custody.keys(purpose="test") if version.name == "idp")


def _counter_kid(estate: Estate) -> str:
    return next(version.kid for version in estate.counter.keys(purpose="test"))


def _own_header(estate: Estate, **members: str | None) -> str:
    """Return a genuine counter-signature with another header of its own."""
    value = str(jwt.get_unverified_header(estate.issued())["cfs"])
    own, _, signature = value.partition("..")
    whole = json.loads(base64.urlsafe_b64decode(own + "==")) | members
    told = json.dumps({k: v for k, v in whole.items() if v is not None}, separators=(",", ":")).encode()
    return f"{base64.urlsafe_b64encode(told).rstrip(b'=').decode()}..{signature}"


FORGED: list[tuple[str, Callable[[Estate], str]]] = [
    ("the thief leaves it out", lambda at: at.stolen_with({"cfs": None})),
    ("he copies that of a genuine token to other claims", lambda at: at.stolen_with({}, sub="admin")),
    ("he copies it to another token of the same claims", lambda at: at.stolen_with({"cfs": _copied(at)}, jti="x")),
    ("he copies it to a token of another type", lambda at: at.stolen_with({"typ": "at+jwt+"})),
    ("he signs it with the signing key in the counter-key's name",
     lambda at: at.stolen_with({"cfs": _made_up(at, kid=_counter_kid(at))})),
    ("he signs it with the signing key in its own name",
     lambda at: at.stolen_with({"cfs": _made_up(at, kid=_signing_kid(at))})),
    ("he names a key that nobody knows", lambda at: at.stolen_with({"cfs": _made_up(at, kid="mine")})),
    ("it is no text", lambda at: at.stolen_with({"cfs": 7})),
    ("it is empty", lambda at: at.stolen_with({"cfs": ""})),
    ("it is a whole JWS", lambda at: at.stolen_with({"cfs": "e30.e30.e30"})),
    ("it has more dots", lambda at: at.stolen_with({"cfs": "e30..e30..e30"})),
    ("it is no base64url", lambda at: at.stolen_with({"cfs": "!!..!!"})),
    ("it is not ASCII", lambda at: at.stolen_with({"cfs": "ä..ä"})),
    ("it is longer than any", lambda at: at.stolen_with({"cfs": "e30.." + "A" * 2_048})),
    ("its header has no algorithm", lambda at: at.stolen_with({"cfs": _own_header(at, alg=None)})),
    ("its header has another type", lambda at: at.stolen_with({"cfs": _own_header(at, typ="JOSE")})),
    ("its header has more members", lambda at: at.stolen_with({"cfs": _own_header(at, crit="x")})),
    ("its algorithm is none", lambda at: at.stolen_with({"cfs": _own_header(at, alg="none")})),
]


def _copied(estate: Estate) -> str:
    return str(jwt.get_unverified_header(estate.issued())["cfs"])


@pytest.mark.parametrize(("what", "forge"), FORGED, ids=[row[0] for row in FORGED])
def test_the_stolen_signing_key_alone_opens_no_door(
    estate: Estate, what: str, forge: Callable[[Estate], str]
) -> None:
    """Right realm, right key, right claims: without the second key it is refused, and the alarm is told from noise."""
    with pytest.raises(VerifyError) as refused:
        estate.verifier().verify(forge(estate), at=NOW)
    expected = "V8" if "another type" in what and "token" in what else "V15"
    assert (refused.value.rule, refused.value.signature_verified) == (expected, True), what
    assert ".." not in str(refused.value)


def test_a_genuine_counter_signature_with_more_behind_it_is_refused(estate: Estate) -> None:
    """To the same octets of claims, so that nothing but its form is wrong."""
    genuine = estate.issued()
    head, payload = jwt.get_unverified_header(genuine), base64.urlsafe_b64decode(genuine.split(".")[1] + "==")

    def token(cfs: str) -> str:
        return jwt.api_jws.PyJWS().encode(payload, estate.stolen, algorithm="ES256", headers=head | {"cfs": cfs})

    assert estate.verifier().verify(token(head["cfs"]), at=NOW)
    with pytest.raises(VerifyError, match="detached") as refused:
        estate.verifier().verify(token(head["cfs"] + "..AAAA"), at=NOW)
    assert refused.value.rule == "V15"


def test_the_same_forgery_passes_where_nobody_asks(estate: Estate) -> None:
    """What every other verifier does: it is why the counter-signature is there."""
    forged = estate.stolen_with({"cfs": None}, sub="admin")
    assert estate.verifier(TOKEN_POLICY).verify(forged, at=NOW).subject == "admin"


def test_one_that_is_wrong_is_refused_also_where_none_is_required(estate: Estate) -> None:
    """A service that knows the keys does not look away."""
    lax = REQUIRED.replace('counterfoil = "required"', "")
    with pytest.raises(VerifyError, match="V15"):
        estate.verifier(lax).verify(estate.stolen_with({}, sub="admin"), at=NOW)
    assert estate.verifier(lax).verify(estate.stolen_with({"cfs": None}), at=NOW)


LIMITS = [
    ("of another issuer", REQUIRED.replace(f'"counter.json"\nissuers = ["{ISSUER}"]',
                                           '"counter.json"\nissuers = ["https://other.example"]'), "entitled, issuer"),
    ("that had not begun", REQUIRED + "sign_from = 2027-01-01T00:00:00Z\n", "entitled, "),
    ("for ID tokens only", REQUIRED + 'classes = ["id"]\n', "entitled, class"),
    ("for another audience", REQUIRED + 'audiences = ["api://files"]\n', "entitled, audience"),
]


@pytest.mark.parametrize(("what", "text", "check"), LIMITS, ids=[row[0] for row in LIMITS])
def test_a_counter_key_is_entitled_like_any_other(estate: Estate, what: str, text: str, check: str) -> None:
    """Issuer, class, audience and window of the counter-key are held against the token."""
    with pytest.raises(VerifyError) as refused:
        estate.verifier(text).verify(estate.issued(), at=NOW)
    assert refused.value.rule == "V15", what
    assert refused.value.check.startswith(check)


def test_a_blocked_counter_key_is_refused(estate: Estate) -> None:
    """Its state counts as that of a signing key does."""
    text = REQUIRED + f'\n[[countersign.key]]\nkid = "{_counter_kid(estate)}"\nstate = "blocked"\n'
    with pytest.raises(VerifyError, match="blocked"):
        estate.verifier(text).verify(estate.issued(), at=NOW)


def test_one_key_or_one_custody_for_both_is_refused(estate: Estate) -> None:
    """The point is that there are two."""
    with pytest.raises(UsageError, match="one custody signs and counter-signs"):
        Countersigner(estate.custody, "idp", estate.custody)
    both = {"jwks.json": jwks(estate.custody), "counter.json": jwks(estate.custody)}
    held = TokenPolicy.from_toml(REQUIRED, both).keys
    assert not held.keys
    assert all("take two keys" in why for why in held.unusable.values())
    with pytest.raises(PolicyError, match="no key counter-signs"):
        TokenPolicy.from_toml(REQUIRED.partition("[[countersign]]")[0], {"jwks.json": jwks(estate.custody)})


def test_after_a_rotation_of_the_counter_key_tokens_pass(estate: Estate) -> None:
    """The new key counter-signs under its own kid."""
    before = estate.mint.issue(CLAIMS, grant=Grant.CLIENT)
    estate.counter.rotate("counter")
    after = estate.mint.issue(CLAIMS, grant=Grant.CLIENT)
    assert before.counterfoil.counter_key != countersignature.key_id_of(jwt.get_unverified_header(after.token)["cfs"])
    for minted in (before, after):
        assert estate.verifier().verify(minted.token, at=NOW)
