"""What the pages about tokens say is what the code does; their examples run as they stand."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from counterfoil.cli.main import main
from counterfoil.errors import VerifyError
from counterfoil.tokens.entitlement import KeyState
from counterfoil.tokens.flow import CLASSES, TokenClass
from counterfoil.tokens.policy import TokenPolicy
from counterfoil.tokens.policy_file import FlowTable, KeysTable, KeyTable
from counterfoil.tokens.rules import RULES
from counterfoil.tokens.verifier import Verifier
from docs.pages import page

from .making import CONSUMERS, NOW, TENANT, claims, header, jwk, key, signed, token
from .test_dpop import proof

MOVE, POLICY, PLAN = "docs/move-a-service.md", "docs/reference/token-policy.md", "docs/reference/verification.md"


def _rows(text: str, cells: int) -> list[tuple[str, ...]]:
    found = [tuple(cell.strip() for cell in line.split("|")[1:-1]) for line in text.splitlines() if line[:3] == "| `"]
    return [row for row in found if len(row) == cells]


def test_the_plan_names_every_rule_with_its_code() -> None:
    """docs/reference/verification.md: no rule more, none less."""
    found = re.findall(r"^\| ([A-Z]\d+) \| `([\w-]+)` \|", page(PLAN).text, re.MULTILINE)
    assert sorted(found) == sorted((rule.id, rule.code) for rule in RULES)


def _class_row(known: TokenClass) -> tuple[str, str, str]:
    typ = ", ".join(f"`{text}`" if text else "none" for text in sorted(known.typ, reverse=True)) or "the policy's"
    required = ", ".join(" or ".join(f"`{name}`" for name in names) for names in known.required) or "none"
    return f"`{known.name}`", "(SAML has none)" if known.name == "saml" else typ, required


def test_the_page_of_the_policy_has_every_class() -> None:
    """docs/reference/token-policy.md: name, header types and required claims."""
    assert [row[:3] for row in _rows(page(POLICY).text, 5)] == [_class_row(known) for known in CLASSES.values()]


def test_the_page_of_the_policy_has_every_field_and_state() -> None:
    """Every field of every table, and every state of a key."""
    named = set(page(POLICY).codes)
    tables = (KeysTable, KeyTable, FlowTable)
    fields = {field.encode_name for table in tables for field in msgspec.structs.fields(table)}
    assert fields - {"key"} - named == set()
    assert {str(state) for state in KeyState} - named == set()


def test_the_example_policies_work() -> None:
    """They are read as they stand, with key sets of the names that they give."""
    plain, entra = (block.text for block in page(POLICY).blocks if block.language == "toml")
    policy = TokenPolicy.from_toml(plain, {"login.jwks.json": json.dumps({"keys": [jwk("rsa")]}).encode()})
    assert list(policy.keys.keys) == ["rsa"]
    assert policy.keys.unusable == {"2021-signing": "not in policy:4: login.jwks.json"}
    issuer = "https://login.microsoftonline.com/{tenantid}/v2.0"
    keys = [jwk("rsa", issuer=issuer), jwk("rsa-consumer", issuer=issuer.replace("{tenantid}", CONSUMERS))]
    verifier = Verifier(TokenPolicy.from_toml(entra, {"entra.jwks.json": json.dumps({"keys": keys}).encode()}))
    said: dict[str, Any] = {"iss": issuer.replace("{tenantid}", TENANT), "aud": "6b1f0000-0000-4000-8000-000000000001"}
    said |= {"ver": "2.0", "uti": "AAAAAAAAAAAAAAAAAAAAAA", "azp": "phone", "jti": None, "client_id": None}
    assert verifier.verify(token("rsa", {"typ": "JWT"}, **said), at=NOW).token_id == said["uti"]
    with pytest.raises(VerifyError, match="V4, issuer"):
        verifier.verify(token("rsa-consumer", {"typ": "JWT"}, **said), at=NOW)


def test_the_error_on_the_page_is_the_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A field with a slip of the pen: file, line, and what was meant."""
    text = 'schema = "counterfoil.token-policy/1"\n[[keys]]\nfile = "k"\nclasses = ["access"]\n' + "\n" * 4
    text += '[[flow]]\nname = "a"\nclass = "access"\nissuers = ["https://a.example"]\n\naudience = ["b"]\n'
    (tmp_path / "policy.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    assert main(["token", "policy", "policy.toml"]) == 2
    [shown] = [block.text for block in page(POLICY).blocks if block.language == "console"]
    assert shown.splitlines()[1:] == capsys.readouterr().err.splitlines()


def test_the_examples_of_moving_run(capsys: pytest.CaptureFixture[str]) -> None:
    """docs/move-a-service.md: both libraries and the verifier give the same subject; then the bound token passes."""
    pytest.importorskip("joserfc")
    pytest.importorskip("jwt")
    moved = page(MOVE)
    [policy] = [block.text for block in moved.blocks if block.language == "toml"]
    now = int(time.time())
    issued: Mapping[str, Any] = {"iss": "https://login.example", "iat": now, "nbf": now, "exp": now + 600, "tid": None}
    given = signed(key("rsa"), header(), claims(**issued))
    bound = signed(key("rsa"), header(), claims(**issued, cnf={"jkt": _thumbprint()}))
    shown = {
        "token": given, "token_kid": "rsa", "policy_text": policy, "json": json, "now": now, "bound_token": bound,
        "key_set": json.dumps({"keys": [jwk("rsa")]}).encode(),
        "proof": proof(bound, at=now, htu="https://mail.example/messages"),
    }
    for block in moved.blocks:
        if block.language == "python":
            exec(compile(block.text, MOVE, "exec"), shown)  # noqa: S102  # our own page
    assert capsys.readouterr().out.split() == ["alice", "alice", "alice", "proof-1"]


def _thumbprint() -> str:
    from counterfoil.jose.jwk import thumbprint

    return thumbprint(jwk("ec-client"))
