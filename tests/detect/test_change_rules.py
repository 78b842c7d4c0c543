"""Every rule over changes in the directory fires once, and stays silent on a look-alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from counterfoil.case.tables import Tables as Kept
from counterfoil.detect.registry import change_rules

from .tables import THEN, opened

TEXT = "string"
USUAL: dict[str, tuple[str, Any]] = {
    "source": (TEXT, "entra-audit"), "kind": (TEXT, "directory"), "event_time": ("timestamp(6)", THEN),
    "operation": (TEXT, "Update user"), "subject_name": (TEXT, "adele@contoso.example"), "subject_id": (TEXT, None),
    "object_kind": (TEXT, "directory"), "extra": (TEXT, None), "raw_file": (TEXT, "f"), "raw_position": ("int64", 1),
}
SERVICE = '{"category":"UserManagement","initiator":"Office 365 Exchange Online"}'
CERTIFICATE = (
    '{"modifiedProperties":"KeyDescription: [] -> [KeyIdentifier=1,KeyType=AsymmetricX509Cert,KeyUsage=Sign,'
    'DisplayName=CN=%s]"}'
)
OWN, OF_ENTRA = CERTIFICATE.replace("%s", "sso.evil.example"), CERTIFICATE.replace(
    "%s", "Microsoft Azure Federated SSO Certificate")
ADDED = "Add service principal credentials"

FIRES: dict[str, dict[str, dict[str, Any]]] = {
    "actor-token": {"a service's name beside a person's": {"extra": SERVICE}},
    "saml-certificate-changed": {
        "a certificate that somebody uploaded": {"operation": ADDED, "extra": OWN},
        "one that was activated": {
            "operation": "Update service principal",
            "extra": '{"modifiedProperties":"PreferredTokenSigningKeyThumbprint: a -> b"}',
        },
    },
}
SILENCE: dict[str, dict[str, dict[str, Any]]] = {
    "actor-token": {
        "the person's own name": {"extra": '{"initiator":"Adele Vance"}'},
        "a service in its own name": {"extra": SERVICE, "subject_name": "office 365 exchange online"},
        "a group that Exchange keeps": {"extra": SERVICE, "operation": "Update group"},
        "a feature that the service switches": {"extra": SERVICE, "operation": "Set directory feature on tenant"},
        "somebody who is called so in part": {"extra": '{"initiator":"Dataverse admin"}'},
    },
    "saml-certificate-changed": {
        "a certificate of Entra's own": {"operation": ADDED, "extra": OF_ENTRA},
        "a client secret": {"operation": ADDED, "extra": '{"modifiedProperties":"KeyDescription: [KeyType=Password]"}'},
        "a certificate that an application signs in with": {
            "operation": ADDED, "extra": OWN.replace("KeyUsage=Sign", "KeyUsage=Verify")},
    },
}
RULES = {rule.id: rule for rule in change_rules()}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """Yield an engine for all changes."""
    with opened(tmp_path_factory.mktemp("changes")) as tables:
        yield tables


def clues(kept: Kept, rule: str, change: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the rule makes of one change."""
    assert change.keys() <= USUAL.keys()
    columns = {name: kind for name, (kind, _) in USUAL.items()}
    table = kept.given("changes", columns, [[change.get(name, usual) for name, (_, usual) in USUAL.items()]])
    return kept.rows(RULES[rule].find(table))


def _cases(table: dict[str, dict[str, dict[str, Any]]]) -> list[object]:
    return [pytest.param(rule, change, id=f"{rule}: {name}") for rule, changes in table.items()
            for name, change in changes.items()]


@pytest.mark.parametrize(("rule", "change"), _cases(FIRES))
def test_fires(kept: Kept, rule: str, change: dict[str, Any]) -> None:
    """The account, what was changed, and a place in the evidence are told."""
    (clue,) = clues(kept, rule, change)
    assert (clue["principal"], clue["records"], clue["place"]) == ("adele@contoso.example", 1, "f:1")
    assert clue["what"] == change.get("operation", "Update user")


@pytest.mark.parametrize(("rule", "change"), _cases(SILENCE))
def test_stays_silent(kept: Kept, rule: str, change: dict[str, Any]) -> None:
    """Nothing is told."""
    assert clues(kept, rule, change) == []


def test_every_rule_has_both() -> None:
    """No rule without a change that it tells and one that it does not."""
    assert FIRES.keys() == SILENCE.keys() == RULES.keys()
