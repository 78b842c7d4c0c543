"""Four estates: all defaults, half hardened, hardened, with holes. Each is a folder of what people would export."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from .making import CONSUMER, ENTERPRISE, Members, days, fetches, jwk, write

ME = "https://issuer.example"
HARD: dict[str, Any] = {
    "issuer": ME, "jwks_uri": f"{ME}/jwks", "token_endpoint": f"{ME}/token",
    "id_token_signing_alg_values_supported": ["ES256"], "code_challenge_methods_supported": ["S256"],
    "dpop_signing_alg_values_supported": ["ES256"], "federation_historical_keys_endpoint": f"{ME}/historical",
}
BARE: dict[str, Any] = {name: HARD[name] for name in ("issuer", "jwks_uri", "token_endpoint")}
_COLUMNS = ("UserPrincipalName", "DisplayName", "RecipientTypeDetails", "AuditEnabled", "AuditBypassEnabled",
            "DefaultAuditSet", "OwnerAuditActions", "DelegateAuditActions", "AdminAuditActions")
SET = "Update, MoveToDeletedItems, MailItemsAccessed, Send"


def turning() -> Iterator[tuple[datetime, Sequence[Members]]]:
    """Yield a fetch every two days of keys that take turns each month, with certificates."""
    for day in range(0, 200, 2):
        yield days(day), [
            jwk(f"turn-{n}", cert=(days(30 * n - 10), days(30 * n + 90)))
            for n in range(7) if 30 * n - 5 <= day < 30 * n + 35
        ]


def still(*keys: Members) -> Iterator[tuple[datetime, Sequence[Members]]]:
    """Yield a fetch every ten days of the same keys, for two years."""
    for day in range(0, 730, 10):
        yield days(day), keys


def bare(kid: str) -> Members:
    """Return a key that says nothing of its use and algorithm."""
    return {name: value for name, value in jwk(kid).items() if name not in ("use", "alg")}


def mailboxes(path: Path, rows: Sequence[tuple[str, bool, bool, str]]) -> None:
    """Write Get-MailboxAuditStatus: name, enabled, bypassed, actions of owner and delegate."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerow(_COLUMNS)
        for name, enabled, bypassed, actions in rows:
            writer.writerow([name, name, "UserMailbox", enabled, bypassed, "Admin, Delegate, Owner", actions, actions,
                             actions])


def scuba(path: Path, results: dict[str, str]) -> None:
    """Write ScubaResults as ScubaGear does: by product, group and control, with a mark before it."""
    controls = [
        {"Control ID": name, "Requirement": f"{name} SHALL hold.", "Result": result, "Criticality": "Shall",
         "Details": "Requirement <b>met</b>.", "OmittedEvaluationResult": "N/A"}
        for name, result in results.items()
    ]
    group = {"GroupName": "Audit", "GroupNumber": "6", "GroupReferenceURL": "https://example.org", "Controls": controls}
    about = {"TenantId": "3f7c1f1e-6a55-4b8e-9a0e-2b1d7c9e4f10", "DisplayName": "Contoso",
             "DomainName": "contoso.example", "ProductSuite": "Microsoft 365", "Tool": "ScubaGear",
             "ToolVersion": "1.6.0", "TimestampZulu": "2026-11-02T08:00:00.000Z"}
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"MetaData": about, "Summary": {}, "Results": {"Defender": [group]}, "Raw": {}}
    path.write_text(json.dumps(document), encoding="utf-8-sig")


def defaults(root: Path) -> Path:
    """Write an estate as it comes: one key for ever, metadata that offers nothing more, audit as Microsoft sets it."""
    fetches(root / "issuer", still(bare("only")))
    write(root / "issuer" / "openid-configuration.json", BARE)
    mailboxes(root / "tenant" / "MailboxAuditStatus.csv", [("a@contoso.example", True, False, SET.replace(
        "MailItemsAccessed, ", ""))])
    scuba(root / "tenant" / "ScubaResults.json", {"MS.DEFENDER.6.1v1": "Fail", "MS.DEFENDER.6.3v1": "Fail"})
    return root


def half(root: Path) -> Path:
    """Write an estate whose owner began: PKCE and DPoP are on, one mailbox of two is audited."""
    fetches(root / "issuer", still(jwk("only", cert=(days(0), days(900)))))
    write(root / "issuer" / "openid-configuration.json",
          {**HARD, "code_challenge_methods_supported": ["plain", "S256"],
           "token_endpoint_auth_signing_alg_values_supported": ["HS256", "ES256"],
           "federation_historical_keys_endpoint": "http://issuer.example/historical"})
    first = root / "issuer" / f"{days(0):%Y-%m-%dT%H%M%SZ}.headers"
    first.write_text("HTTP/2 200\r\ncache-control: no-store\r\n\r\n")
    mailboxes(root / "tenant" / "MailboxAuditStatus.csv",
              [("a@contoso.example", True, False, SET), ("b@contoso.example", True, True, SET)])
    scuba(root / "tenant" / "ScubaResults.json", {"MS.DEFENDER.6.1v1": "Pass", "MS.DEFENDER.6.3v1": "Warning"})
    return root


def hardened(root: Path) -> Path:
    """Write an estate as it should be. What only records prove cannot be told: there is no case."""
    fetches(root / "issuer", turning())
    write(root / "issuer" / "openid-configuration.json", HARD)
    for path in (root / "issuer").glob("*Z.json"):
        path.with_suffix(".headers").write_text("HTTP/2 200\r\nCache-Control: public, max-age=3600\r\n\r\n")
    mailboxes(root / "tenant" / "MailboxAuditStatus.csv", [("a@contoso.example", True, False, SET)])
    scuba(root / "tenant" / "ScubaResults.json", {"MS.DEFENDER.6.1v1": "Pass", "MS.DEFENDER.6.3v1": "Pass"})
    return root


def holes(root: Path) -> Path:
    """Write an estate with holes: the faults of 2023 and of those after."""
    ended = jwk("ended", CONSUMER, (days(-2000), days(-100)))
    fetches(root / "issuer", still(ended, jwk("other", ENTERPRISE), {**jwk("secret", ENTERPRISE), "d": "AAAA"}))
    write(root / "issuer" / "openid-configuration.json",
          {**BARE, "issuer": ENTERPRISE, "jwks_uri": "http://login.example/keys",
           "id_token_signing_alg_values_supported": ["none", "RS256"], "code_challenge_methods_supported": ["plain"]})
    for path in (root / "issuer").glob("*Z.json"):
        path.with_suffix(".headers").write_text("HTTP/2 200\r\nCache-Control: max-age=2592000\r\n\r\n")
    mailboxes(root / "tenant" / "MailboxAuditStatus.csv", [("a@contoso.example", False, False, "")])
    scuba(root / "tenant" / "ScubaResults.json", {"MS.DEFENDER.6.1v1": "Fail", "MS.DEFENDER.6.3v1": "Fail"})
    return root
