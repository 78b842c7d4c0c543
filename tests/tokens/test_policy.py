"""The policy file: what it says, and errors that name file, line and field."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from counterfoil.errors import PolicyError, UsageError
from counterfoil.tokens.limits import MAX_POLICY_BYTES
from counterfoil.tokens.policy import TokenPolicy, documents_of
from counterfoil.tokens.policy_file import seconds

from .making import POLICY, documents, jwk, policy

SMALL = """\
schema = "counterfoil.token-policy/1"

[[keys]]
file = "common.json"
issuers = ["https://login.example"]
classes = ["access"]
algorithms = ["RS256"]

[[keys.key]]
kid = "rsa"
state = "current"

[[flow]]
name = "mail"
class = "access"
issuers = ["https://login.example"]
audiences = ["api://mail"]
"""

# What is changed in SMALL, and what the error must say.
WRONG: dict[str, tuple[str, str, str]] = {
    "no TOML": ("[[flow]]", "[[flow", "p.toml:13: no TOML"),
    "another schema": ("policy/1", "policy/2", "p.toml:1: the file, schema: expected"),
    "no schema": ('schema = "counterfoil.token-policy/1"', "", "p.toml:1: the file, schema: missing"),
    "an unknown table": ("[[flow]]", "[[flows]]", "p.toml:1: the file, flows: unknown field"),
    "an unknown field of keys": ("algorithms =", "algorithm =", "p.toml:7: keys 1, algorithm: unknown field"),
    "an unknown field of a key": ("state =", "status =", "p.toml:11: keys.key 1, status: unknown field"),
    "an unknown field of a flow": ("audiences =", "audience =", "p.toml:17: flow 1, audience: unknown field"),
    "an unknown class": ('class = "access"', 'class = "acces"', "p.toml:15: flow 1, class: 'acces' is unknown"),
    "an unknown class of keys": ('["access"]', '["refresh"]', "p.toml:6: keys 1, classes: 'refresh' is unknown"),
    "no algorithm that is known": ('["RS256"]', '["HS256"]', "p.toml:7: keys 1, algorithms: 'HS256' is unknown"),
    "an empty list": ('algorithms = ["RS256"]', "algorithms = []", "p.toml:7: keys 1, algorithms: an empty list"),
    "no key that is pinned": (
        'algorithms = ["RS256"]', 'pinned = []\nalgorithms = ["RS256"]', "p.toml:7: keys 1, pinned: an empty list",
    ),
    "any tenant of a key": ("state =", 'tenants = ["*"]\nstate =', "p.toml:11: keys.key 1, tenants: '*' is not"),
    "an unknown state": ('"current"', '"dead"', "p.toml:11: keys.key 1, state: invalid enum value"),
    "a field of another type": ('name = "mail"', "name = 7", "p.toml:14: flow 1, name: expected `str`, got `int`"),
    "a field that is missing": ('name = "mail"\n', "", "p.toml:13: flow 1, name: missing"),
    "a file that was not given": ("common.json", "other.json", "p.toml:4: keys 1, file: 'other.json' was not given"),
    "an issuer for all": (
        'issuers = ["https://login.example"]\nclasses', 'issuers = ["*"]\nclasses', "p.toml:5: keys 1, issuers",
    ),
    "two places in an issuer": (
        "https://login.example\"]\naud", "https://{tenantid}/{tenantid}\"]\naud", "p.toml:16: flow 1, issuers",
    ),
    "a template without tenants": (
        "https://login.example\"]\naud", "https://{tenantid}\"]\naud", "p.toml:13: flow 1, tenants: name",
    ),
    "no issuer": ('issuers = ["https://login.example"]\naud', "issuers = []\naud", "p.toml:16: flow 1, issuers: name"),
    "no audience": ('audiences = ["api://mail"]', "audiences = []", "p.toml:17: flow 1, audiences: name"),
    "a tenant that is no GUID": (
        "audiences =", 'tenants = ["a"]\naudiences =', "p.toml:17: flow 1, tenants: 'a' is not",
    ),
    "any tenant and one more": (
        "audiences =", 'tenants = ["*", "a"]\naudiences =', "p.toml:17: flow 1, tenants: a list",
    ),
    "no tenant": ("audiences =", "tenants = []\naudiences =", "p.toml:17: flow 1, tenants: a list"),
    "a duration in words": (
        "audiences =", 'max_lifetime = "long"\naudiences =', "p.toml:17: flow 1, max_lifetime: 'long'",
    ),
    "a life of a month": (
        "audiences =", 'max_lifetime = "30d"\naudiences =', "p.toml:17: flow 1, max_lifetime: 2.592e+06",
    ),
    "a leeway of an hour": ("audiences =", 'leeway = "1h"\naudiences =', "p.toml:17: flow 1, leeway: 3600 seconds"),
    "a proof of an hour": (
        "audiences =", 'proof_age = "1h"\naudiences =', "p.toml:17: flow 1, proof_age: 3600 seconds",
    ),
    "no type for a class without": ('class = "access"', 'class = "other"', "p.toml:13: flow 1, typ: name at least one"),
    "SAML without recipient": ('class = "access"', 'class = "saml"', "p.toml:13: flow 1, recipients: name"),
    "a list without its flow": ("audiences =", 'status = "list"\naudiences =', "p.toml:13: flow 1, status_flow: name"),
    "a flow that is none": (
        "audiences =", 'actor_flow = "x"\naudiences =', "p.toml:17: flow 1, actor_flow: 'x' is not",
    ),
    "a flow of another class": (
        "audiences =", 'status_flow = "mail"\naudiences =', "p.toml:17: flow 1, status_flow: 'mail'",
    ),
    "a flow that needs another itself": (
        "[[flow]]",
        '[[flow]]\nname = "a"\nclass = "actor"\nissuers = ["i"]\naudiences = ["b"]\nactor_flow = "a"\n[[flow]]',
        "p.toml:18: flow 1, actor_flow: 'a' must not need",
    ),
    "a renewal from elsewhere": (
        "audiences =", 'renewal_issuers = ["x"]\naudiences =', "p.toml:17: flow 1, renewal_issuers",
    ),
    "a time without offset": (
        "state =", "sign_from = 2026-01-01T00:00:00\nstate =", "p.toml:11: keys.key 1, sign_from: a time",
    ),
    "a window that ends first": (
        "state =", "sign_from = 2026-01-02T00:00:00Z\nsign_until = 2026-01-01T00:00:00Z\nstate =",
        "p.toml:12: keys.key 1, sign_until: the window",
    ),
    "two entries for one key": (
        "[[flow]]", '[[keys.key]]\nkid = "rsa"\n[[flow]]', "p.toml:3: keys 1, key: two entries",
    ),
    "two flows of one name": (
        'audiences = ["api://mail"]\n', 'audiences = ["a"]\n\n[[flow]]\nname = "mail"\nclass = "id"\nissuers = ["i"]\n'
        'audiences = ["b"]\n', "p.toml:20: flow 2, name: 'mail' is the name",
    ),
}


@pytest.mark.parametrize(("old", "new", "told"), WRONG.values(), ids=WRONG)
def test_a_mistake_is_told_with_its_place(old: str, new: str, told: str) -> None:
    """File, line, table and field, and a hint."""
    assert old in SMALL
    with pytest.raises(PolicyError) as caught:
        TokenPolicy.from_toml(SMALL.replace(old, new, 1), documents(), "p.toml")
    assert str(caught.value).startswith(told)
    assert caught.value.hint


def test_an_unknown_field_gets_the_nearest_one_as_hint() -> None:
    """Most unknown fields are slips of the pen."""
    with pytest.raises(PolicyError) as caught:
        TokenPolicy.from_toml(SMALL.replace("audiences =", "audience ="), documents())
    assert caught.value.hint == "did you mean audiences?"


def test_lines_are_told_in_the_right_table() -> None:
    """The third key of the second document, in a file with many tables of the same fields."""
    second = SMALL.replace('[[flow]]', '\n'.join(
        ["[[keys]]", 'file = "b"', 'classes = ["id"]', *['[[keys.key]]', 'kid = "x"'] * 2, "[[keys.key]]", "kid = 7",
         "[[flow]]"]))
    with pytest.raises(PolicyError, match=r"^p:21: keys.key 3, kid: expected `str`"):
        TokenPolicy.from_toml(second, documents(), "p")


def test_the_small_policy_is_one() -> None:
    """What WRONG changes is right before; the documents that it needs can be asked for."""
    small = TokenPolicy.from_toml(SMALL, documents())
    assert small.flow().name == "mail"
    assert documents_of(SMALL) == ("common.json",)
    assert "rsa" in small.keys.keys


def test_a_document_brings_no_key_that_the_policy_does_not_pin() -> None:
    """A key that somebody put among the issuer's is left out, under whatever id, and the reason is kept."""
    held = TokenPolicy.from_toml(SMALL, documents()).keys
    pinned = f'pinned = ["{held.keys["rsa"].jwk.thumbprint}"]\nalgorithms'
    found = TokenPolicy.from_toml(SMALL.replace("algorithms", pinned, 1), documents()).keys
    assert len(held.keys) > 1
    assert list(found.keys) == ["rsa"]
    assert {found.unusable[name] for name in held.keys if name != "rsa"} == {
        "it is not one of the keys that the policy pins"
    }


def test_flows_are_found_by_name() -> None:
    """The only one needs no name; an unknown name gets the known ones as hint."""
    assert policy().flow("mail").token_class.name == "access"
    for name in (None, "nail"):
        with pytest.raises(UsageError) as caught:
            policy().flow(name)
        assert "mail, actor" in caught.value.hint


def test_a_policy_is_never_empty_nor_endless() -> None:
    """No keys, no flows, more than any: refused."""
    head = 'schema = "counterfoil.token-policy/1"\n'
    no_flow = SMALL[: SMALL.index("[[flow]]")]
    for text in ("", head, head + "keys = []\nflow = []\n", no_flow, POLICY + "#" * MAX_POLICY_BYTES):
        with pytest.raises(PolicyError):
            TokenPolicy.from_toml(text, documents())


@pytest.mark.parametrize("text", ["", "1", "h", "1.5h", "-1s", "1 h", "1000000s", "1w"])
def test_durations_are_numbers_with_a_unit(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueError, match="no duration"):
        seconds(text)


def test_a_policy_and_its_documents_may_be_text_or_octets() -> None:
    """As files, databases and libraries give them; what is no UTF-8 is our error."""
    given = {name: content.decode() for name, content in documents().items()}
    for text in (POLICY, POLICY.encode()):
        for held in (documents(), given):
            assert TokenPolicy.from_toml(text, held).keys.keys
    with pytest.raises(PolicyError, match="UTF-8"):
        TokenPolicy.from_toml(b"\xff", {})


def test_a_document_has_one_table() -> None:
    """Two would say two things of its keys: what one of them blocks would be good by the other."""
    again = SMALL.replace("[[flow]]", '[[keys]]\nfile = "common.json"\nclasses = ["access"]\n\n[[flow]]', 1)
    with pytest.raises(PolicyError, match=r"keys 2, file: 'common\.json' has a table already"):
        TokenPolicy.from_toml(again, documents())


def test_a_key_id_of_two_issuers_says_nothing_of_a_log(tmp_path: Path) -> None:
    """`hunt --token-policy` judges logs by key id: one that two issuers use must not accuse the tokens of the other."""
    from counterfoil import app

    table = '[[keys]]\nfile = "other.json"\nissuers = ["https://b"]\nclasses = ["id"]\n\n'
    other = SMALL.replace("[[flow]]", f"{table}[[flow]]", 1)
    (tmp_path / "policy.toml").write_text(other)
    for name, kid in (("common", "rsa"), ("other", "ec")):
        keys = [jwk(kid, kid="shared"), jwk("ed", kid=f"only-{name}")]
        (tmp_path / f"{name}.json").write_text(json.dumps({"keys": keys}))
    assert set(app._keys(tmp_path / "policy.toml")) == {"only-other"}  # the first is for RS256 only
