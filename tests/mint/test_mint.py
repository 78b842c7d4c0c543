"""Minting: what the policy allows is signed, recorded and verifiable; whatever it does not is never signed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from counterfoil.custody import audit
from counterfoil.custody.audit import Operation, Record, Result
from counterfoil.errors import KeyStoreError, LogError, PolicyError, UsageError
from counterfoil.mint.ledger import decode
from counterfoil.mint.mint import Mint
from counterfoil.mint.policy import MintPolicy
from counterfoil.model.counterfoil import Counterfoil, Grant
from counterfoil.tlog import replay
from counterfoil.tlog.folder import Folder
from counterfoil.tokens.verifier import Verifier

from .making import AUDIENCE, CLAIMS, CLIENT, ISSUER, MINT_POLICY, NOW, SUBJECTS, Made, making


def counterfoils(path: Path) -> list[Counterfoil]:
    """Return all that a ledger holds."""
    found: list[Counterfoil] = []
    replay.replay(Folder(path), lambda index, raw: found.append(decode(raw, index)))
    return found


def signatures(path: Path) -> list[Record]:
    """Return the beginnings of all signatures in a custody log."""
    found: list[Record] = []
    replay.replay(Folder(path / "log"), lambda index, raw: found.append(audit.decode(raw, index)))
    return [record for record in found if (record.op, record.result) == (Operation.SIGN, Result.BEGUN)]


def test_a_token_is_signed_recorded_and_verified(tmp_path: Path) -> None:
    """The strict verifier accepts it; ledger and custody know it by one digest; the subject is in neither."""
    with making(tmp_path) as made:
        minted = made.mint.issue(CLAIMS | {"scope": "mail.read"}, "access", grant=Grant.CLIENT, session="s-1")
        token = Verifier(made.verifying(), "mail").verify(minted.token, at=NOW)
    assert token.plain_claims() | {"jti": "", "iat": 0, "exp": 0} == CLAIMS | {
        "iss": ISSUER, "sid": "s-1", "scope": "mail.read", "jti": "", "iat": 0, "exp": 0,
    }
    (kept,) = counterfoils(tmp_path / "ledger")
    assert kept == minted.counterfoil
    assert kept.digest == token.digest.hex() == signatures(tmp_path / "custody")[0].digest
    assert (kept.jti, kept.kid, kept.grant) == (token.token_id, token.key_id, Grant.CLIENT)
    assert kept.subject == SUBJECTS.pseudonym(ISSUER, "alice")
    assert kept.shape == "alg,kid,typ|iss,sub,aud,exp,iat,jti,client_id,sid,scope|compact|uuid4"
    ledger = b"".join(path.read_bytes() for path in (tmp_path / "ledger").rglob("*") if path.is_file())
    assert b"alice" not in ledger
    assert minted.token not in repr(minted)


REFUSED: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("an audience that the rule does not name", {"aud": "api://admin"}, {}, "audience"),
    ("one audience too many", {"aud": [AUDIENCE, "api://admin"]}, {}, "audience"),
    ("no audience", {"aud": None}, {}, "'aud' must be"),
    ("another issuer", {"iss": "https://other.example"}, {}, "issues for https://login.example only"),
    ("an id of the caller's", {"jti": "x"}, {}, "'jti' is the mint's"),
    ("a time of the caller's", {"iat": 1}, {}, "'iat' is the mint's"),
    ("no subject", {"sub": ...}, {}, "needs the claim sub"),
    ("a subject that is no text", {"sub": 7}, {}, "'sub' must be a text"),
    ("a longer life than the rule's", {}, {"lifetime": 86_400.0}, "at most 3600 seconds"),
    ("no life at all", {}, {"lifetime": 0.0}, "at most 3600 seconds"),
    ("a refresh without the token that was shown", {}, {"grant": Grant.REFRESH}, "needs the ids of the tokens"),
    ("another client than it is issued to", {}, {"client": "other"}, "says something else"),
    ("claims too large for any verifier", {"more": "x" * 20_000}, {}, "too large"),
    ("an id of a parent that is too long", {}, {"grant": Grant.EXCHANGE, "parents": ["x" * 2_000]}, "too long"),
]


@pytest.mark.parametrize(("what", "claims", "how", "told"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_the_rule_does_not_allow_is_neither_recorded_nor_signed(
    tmp_path: Path, what: str, claims: dict[str, Any], how: dict[str, Any], told: str
) -> None:
    """Each is one clear error, and no trace of a token is left."""
    wanted = {name: value for name, value in (CLAIMS | claims).items() if value is not ...}
    with making(tmp_path) as made, pytest.raises(UsageError, match=told):
        made.mint.issue(wanted, "access", **how)
    assert counterfoils(tmp_path / "ledger") == [], what
    assert signatures(tmp_path / "custody") == []


def test_only_named_grants_clients_and_tenants_are_served(tmp_path: Path) -> None:
    """A rule with tenants writes the issuer of the tenant; the realm of personal accounts is none of them."""
    text = MINT_POLICY.replace(ISSUER, "https://login.example/{tenantid}/v2.0").replace(
        'key = "idp"', f'key = "idp"\ntenants = ["*"]\nclients = ["{CLIENT}"]\nrequired = ["sid|scope"]'
    ).replace('grants = ["authorization_code", "client_credentials", "refresh_token", "token_exchange", "other"]',
              'grants = ["client_credentials"]')
    tenant = "5a7e1e00-0000-4000-8000-00000000000a"
    consumer = "9188040d-6c67-4c5b-b112-36a304b66dad"
    good = CLAIMS | {"tid": tenant, "scope": "x"}
    with making(tmp_path, text) as made:
        minted = made.mint.issue(good, grant=Grant.CLIENT)
        assert minted.counterfoil.iss == f"https://login.example/{tenant}/v2.0"
        for claims, told in (
            (good | {"tid": consumer}, "issues for"),
            (CLAIMS | {"scope": "x"}, "this tenant"),
            (good | {"client_id": "other"}, "this client"),
            (CLAIMS | {"tid": tenant}, "sid or scope"),
        ):
            with pytest.raises(UsageError, match=told):
                made.mint.issue(claims, grant=Grant.CLIENT)
        with pytest.raises(UsageError, match="does not issue for other"):
            made.mint.issue(good)


def test_after_a_rotation_the_new_key_signs_under_its_own_kid(tmp_path: Path) -> None:
    """The mint remembers which key signs; custody refuses to sign under the kid of another."""
    with making(tmp_path) as made:
        before = made.mint.issue(CLAIMS, grant=Grant.CLIENT)
        made.custody.rotate("idp")
        after = made.mint.issue(CLAIMS, grant=Grant.CLIENT)
        policy = made.verifying()
        assert Verifier(policy).verify(after.token, at=NOW).key_id == after.counterfoil.kid != before.counterfoil.kid
        made.custody.disable("idp")
        with pytest.raises(KeyStoreError):
            made.mint.issue(CLAIMS, grant=Grant.CLIENT)
    digests = [record.digest for record in signatures(tmp_path / "custody")]
    assert {before.counterfoil.digest, after.counterfoil.digest} <= set(digests)


def _ledger_full(made: Made) -> None:
    made.ledger.close()


def _custody_gone(made: Made) -> None:
    made.custody.close()


@pytest.mark.parametrize("fail", [_ledger_full, _custody_gone])
def test_no_token_is_released_when_a_log_cannot_be_written(tmp_path: Path, fail: Callable[[Made], None]) -> None:
    """A ledger or a custody log that cannot be written stops minting, loudly."""
    with making(tmp_path) as made:
        made.mint.issue(CLAIMS, grant=Grant.CLIENT)
        fail(made)
        with pytest.raises(LogError):
            made.mint.issue(CLAIMS, grant=Grant.CLIENT)
        with pytest.raises(LogError):
            made.mint.issue(CLAIMS, grant=Grant.CLIENT)
    assert len(signatures(tmp_path / "custody")) == 1


POLICIES = [
    ("no TOML", "]["),
    ("another schema", 'schema = "x"\nmint = []'),
    ("no rule", 'schema = "counterfoil.mint-policy/1"\nmint = []'),
    ("an unknown field", MINT_POLICY + "live = 1"),
    ("an unknown class", MINT_POLICY.replace('class = "access"', 'class = "saml"')),
    ("a class without a header type", MINT_POLICY.replace('class = "access"', 'class = "other"')),
    ("tenants that are missing", MINT_POLICY.replace(ISSUER, "https://x/{tenantid}")),
    ("a tenant that is none", MINT_POLICY + 'tenants = ["x"]'),
    ("an empty list of audiences", MINT_POLICY.replace('["api://mail", "api://files"]', "[]")),
    ("a life of a year", MINT_POLICY + 'lifetime = "365d"'),
    ("two rules of one name", MINT_POLICY + MINT_POLICY[MINT_POLICY.index("[[") :]),
]


@pytest.mark.parametrize("text", [row[1] for row in POLICIES], ids=[row[0] for row in POLICIES])
def test_a_policy_that_cannot_be_is_refused(text: str) -> None:
    """One line that names the file and what is wrong."""
    with pytest.raises(PolicyError, match="mint policy"):
        MintPolicy.from_toml(text)


def test_a_rule_that_wants_a_counter_signature_needs_somebody_who_makes_it(tmp_path: Path) -> None:
    """Nothing is minted without it, not even by mistake."""
    with (
        making(tmp_path) as made,
        pytest.raises(UsageError, match="wants a counter-signature"),
    ):
        Mint(made.custody, made.ledger, MintPolicy.from_toml(MINT_POLICY + "counterfoil = true"), SUBJECTS)


def test_the_digest_is_that_of_the_signing_input(tmp_path: Path) -> None:
    """Anybody who sees a token can compute by what ledger and custody know it."""
    with making(tmp_path) as made:
        minted = made.mint.issue(CLAIMS, grant=Grant.CLIENT)
    signing_input = minted.token.rpartition(".")[0].encode()
    assert minted.counterfoil.digest == hashlib.sha256(signing_input).hexdigest()
