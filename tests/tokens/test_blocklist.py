"""Block lists: whose are believed, what a token under a blocked key meets, and what bad lists are refused as."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

from counterfoil.errors import PolicyError, VerifyError
from counterfoil.tokens import blocklist
from counterfoil.tokens.blocklist import BlockList
from counterfoil.tokens.policy import NO_DIGESTS, TokenPolicy
from counterfoil.tokens.presentation import Presentation
from counterfoil.tokens.verifier import Verifier

from .blocking import HOUR, SIGNERS, block_policy, blocks, entry, key_documents, policy_text, unsigned
from .making import NOW, jwk, token


def read(raw: bytes) -> BlockList:
    """Read a list by the policy of the tests."""
    rule = block_policy().blocklist
    assert rule is not None
    return blocklist.read(raw, rule.signers)


def seen(raw: bytes, held: bytes | None = None, at: float = NOW) -> BlockList:
    """Read a list and accept it after the one held."""
    return blocklist.accepted(read(raw), None if held is None else read(held), at)


def refusal(policy: TokenPolicy, text: str, at: float = NOW, shown: Presentation | None = None) -> str:
    """Return rule and check by which a token is refused; nothing if it is accepted."""
    try:
        Verifier(policy, "mail").verify(text, at=at, shown=shown or Presentation())
    except VerifyError as error:
        return f"{error.rule} {error.check}"
    return ""


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "a stranger's key, though it is in the document": (lambda: blocks(entry(), by="ec-stranger"), "signed, V2 known"),
    "a key that signs tokens": (lambda: blocks(entry(), by="ec", head={"kid": "ec"}), "signed, V2 known"),
    "a signer's id, another's signature": (lambda: blocks(entry(), by="ec-stranger", head={"kid": SIGNERS[0]}),
                                           "signed, F5 signature"),
    "no signature": (lambda: unsigned(entry()), "signed, V1 known"),
    "a key of its own in the header": (lambda: blocks(entry(), head={"jwk": jwk("ec-stranger")}), "signed, V14 jwk"),
    "another type": (lambda: blocks(entry(), head={"typ": "at+jwt"}), "typ"),
    "another issuer": (lambda: blocks(entry(), iss="https://other.example"), "issuer"),
    "its own signer blocked": (lambda: blocks(entry(SIGNERS[0])), "signer"),
    "number 0": (lambda: blocks(number=0), "number"),
    "a number as a text": (lambda: blocks(number="7"), "form"),
    "a member that nobody knows": (lambda: blocks(unblocked=[]), "form"),
    "an entry with one": (lambda: blocks(entry(but="not really")), "form"),
    "no end": (lambda: blocks(exp=None), "form"),
    "an end in a year": (lambda: blocks(exp=NOW + 365 * 86_400), "until"),
    "a key twice": (lambda: blocks(entry(), entry()), "form"),
    "more keys than any issuer has": (lambda: blocks(*({**entry(), "jkt": f"{n:043}"} for n in range(257))), "form"),
    "a thumbprint that is none": (lambda: blocks(entry(jkt="rsa")), "jkt"),
    "a reason of two lines": (lambda: blocks(entry(reason="a\nb")), "reason"),
    "a time before the first": (lambda: blocks(entry(since=-1)), "form"),
    "a list of digests without a hash": (lambda: blocks(entry(digests="all of them")), "digests"),
    "no JWS": (lambda: b"blocked: rsa", "signed, F2 compact"),
    "larger than any": (lambda: b"a" * 200_000, "signed, F1 token"),
}


@pytest.mark.parametrize("sentence", BAD)
def test_a_bad_list_is_refused_whole(sentence: str) -> None:
    """Each with the check that it fails; nothing of it counts."""
    made, check = BAD[sentence]
    with pytest.raises(VerifyError) as caught:
        read(made())
    assert (caught.value.rule, caught.value.check) == ("B1", check)


ORDER: dict[str, tuple[Callable[[], BlockList], str]] = {
    "a lower number": (lambda: seen(blocks(number=6), blocks(entry())), "number"),
    "the same number, and another list": (lambda: seen(blocks(), blocks(entry())), "number"),
    "signed by a key that the list before blocks": (
        lambda: seen(blocks(number=8), blocks(entry(SIGNERS[0]), by=SIGNERS[1])), "signer"),
    "ended": (lambda: seen(blocks(entry()), at=NOW + HOUR), "until"),
    "from the future": (lambda: seen(blocks(entry(), iat=NOW + 301)), "issued"),
}


@pytest.mark.parametrize("sentence", ORDER)
def test_a_list_that_is_old_or_held_back_is_refused(sentence: str) -> None:
    """Replay, rollback, two lists with one number, a list by a signer that is out, a frozen one."""
    act, check = ORDER[sentence]
    with pytest.raises(VerifyError) as caught:
        act()
    assert (caught.value.rule, caught.value.check) == ("B1", check)


def test_a_newer_list_takes_the_place_of_the_older() -> None:
    """The same again is harmless; a higher number may name fewer keys: a block by mistake is mended so."""
    assert seen(blocks(entry()), blocks(entry())).number == 7
    assert seen(blocks(number=8), blocks(entry())).blocked == ()


def test_a_token_under_a_blocked_key_is_refused_whatever_it_says() -> None:
    """Also one issued long before `since`; a key under another id is the same key; others' tokens stay good."""
    policy = block_policy().blocking(seen(blocks(entry(kid="any name"))))
    assert refusal(policy, token()) == "V2 state"
    assert refusal(policy, token(iat=NOW - 3_000, nbf=NOW - 3_000, exp=NOW + 60)) == "V2 state"
    assert refusal(policy, token("ec", {"alg": "ES256"})) == ""
    with pytest.raises(VerifyError, match="found in a dump") as caught:
        Verifier(policy, "mail").verify(token(), at=NOW)
    assert caught.value.signature_verified


def test_a_forged_token_with_the_blocked_keys_id_is_still_a_bad_signature() -> None:
    """Who does not hold the key raises no alarm."""
    policy = block_policy().blocking(seen(blocks(entry())))
    assert refusal(policy, token()[:-4] + "AAAA") == "F5 signature"


def test_without_a_list_that_holds_tokens_are_refused_unless_the_policy_says_otherwise() -> None:
    """None at all, and a frozen one: fails closed; configured to go on, it goes on by the last one."""
    assert refusal(block_policy(), token()) == "V2 block-list"
    later = token(exp=NOW + 2 * HOUR, iat=NOW + HOUR, nbf=NOW + HOUR)
    assert refusal(block_policy().blocking(seen(blocks())), later, NOW + HOUR) == "V2 block-list"
    assert refusal(block_policy("accept"), token()) == ""
    by_last = block_policy("accept").blocking(seen(blocks(entry())))
    assert refusal(by_last, later, NOW + HOUR) == "V2 state"


def digest(text: str) -> str:
    """Return the digest that names a token."""
    return hashlib.sha256(text.rpartition(".")[0].encode()).hexdigest()


CUT = NOW - 30
PROVEN: dict[str, tuple[Callable[[str], float | None] | None, str]] = {
    "a counterfoil of before": (lambda _: CUT - 1, ""),
    "a counterfoil of that moment": (lambda _: float(CUT), "V2 state"),
    "a counterfoil of after": (lambda _: CUT + 1, "V2 state"),
    "none that is proven": (lambda _: None, "V2 state"),
    "nobody who could prove": (None, "V2 state"),
}


@pytest.mark.parametrize("sentence", PROVEN)
def test_a_cut_off_is_for_tokens_that_were_provably_minted_before(sentence: str) -> None:
    """Their own `iat` says nothing; without a cut-off no proof helps."""
    minted, expected = PROVEN[sentence]
    policy = block_policy().blocking(seen(blocks(entry(cut_off=CUT))))
    assert refusal(policy, token(), shown=Presentation(minted=minted)) == expected
    never = block_policy().blocking(seen(blocks(entry())))
    assert refusal(never, token(), shown=Presentation(minted=minted)) == "V2 state"


def test_a_cut_off_goes_by_the_list_of_digests_that_came_with_the_block_list() -> None:
    """A token in it is good, one that is not is refused; another file than the list names is refused."""
    good, other = token(), token(jti="token-2")
    listed = f"{digest(good)}\n".encode()
    named = entry(cut_off=CUT, digests=hashlib.sha256(listed).hexdigest())
    found = seen(blocks(named))
    minted = {named["jkt"]: blocklist.digests_of(listed, named["digests"])}
    policy = block_policy().blocking(found, minted)
    assert (refusal(policy, good), refusal(policy, other)) == ("", "V2 state")
    for bad in (listed + listed, b"", b"x" * 64):
        with pytest.raises(VerifyError, match="digests"):
            blocklist.digests_of(bad, named["digests"])
    with pytest.raises(VerifyError, match="SHA-256 in hex"):
        blocklist.digests_of(b"no digest", hashlib.sha256(b"no digest").hexdigest())


def test_what_the_policy_itself_ended_has_no_good_tokens_whatever_the_list_says() -> None:
    """The stricter of the two counts: a retired key that is blocked with a cut-off stays retired."""
    policy = block_policy().blocking(seen(blocks(entry("rsa-retired", cut_off=NOW))), NO_DIGESTS)
    assert refusal(policy, token("rsa-retired"), shown=Presentation(minted=lambda _: 1.0)) == "V2 state"


WRONG: dict[str, tuple[str, str, str]] = {
    "nobody pinned": ("pinned = [", "pinned = [] #", "blocklist 1, pinned: an empty list"),
    "no issuer": ("issuers = [\"https://login.example/5a", "issuers = [] #", "blocklist 1, issuers: an empty list"),
    "an unknown word": ('missing = "refuse"', 'missing = "ask"', "blocklist 1, missing: invalid enum"),
    "no such document": ('file = "signers.json"', 'file = "none.json"', "blocklist 1, file: 'none.json' was not given"),
    "none of the keys": ("pinned = [", 'pinned = ["x"] #', "holds none of the keys that are pinned"),
}


@pytest.mark.parametrize("sentence", WRONG)
def test_a_table_that_would_believe_nobody_or_anybody_is_refused(sentence: str) -> None:
    """With file, line and field."""
    before, after, told = WRONG[sentence]
    with pytest.raises(PolicyError, match=told):
        TokenPolicy.from_toml(policy_text().replace(before, after), key_documents())


def test_who_signs_block_lists_signs_no_tokens() -> None:
    """A key in both documents is left out of the keys for tokens, so that its thief cannot unblock it."""
    both = {**key_documents(), "common.json": key_documents()["signers.json"]}
    policy = TokenPolicy.from_toml(policy_text(), both)
    assert set(policy.keys.keys).isdisjoint(SIGNERS)
    assert "block lists" in policy.keys.unusable[SIGNERS[0]]


def test_a_list_is_a_jws_that_others_can_check() -> None:
    """The library joserfc verifies it with the signer's public key."""
    from joserfc import jws as oracle
    from joserfc.jwk import ECKey

    checked = oracle.deserialize_compact(blocks(entry()), ECKey.import_key(jwk(SIGNERS[0])), algorithms=["ES256"])
    assert b"found in a dump" in checked.payload
