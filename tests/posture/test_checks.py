"""Each check passes, fails, and cannot tell: a table whose rows are sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from counterfoil.jose.jwk import rsa_members
from counterfoil.posture import baseline, key_sets
from counterfoil.posture.check import Check, Verdict
from counterfoil.posture.issuer import Issuer, KeyUse, Sample
from counterfoil.posture.key_store import KeyStore, StoredKey
from counterfoil.posture.key_use_log import KeyUseLog
from counterfoil.posture.records import AuditChange, Part, Proof, Records
from counterfoil.posture.registry import all_checks
from counterfoil.posture.tenant import ImportedResult, ImportedRun, MailboxAudit, Tenant

from .export_cases import EXPORTS
from .making import CONSUMER, ENTERPRISE, Members, days, jwk, key_set
from .service_cases import SERVICES

FAIL, PARTIAL, UNKNOWN, PASS = Verdict.FAIL, Verdict.PARTIAL, Verdict.CANNOT_TELL, Verdict.PASS
CHECKS: Mapping[str, Check[Any]] = {check.id: check for check in all_checks()}
ME = "https://issuer.example"
GOOD: dict[str, Any] = {
    "issuer": ME, "jwks_uri": f"{ME}/jwks", "id_token_signing_alg_values_supported": ["ES256"],
    "code_challenge_methods_supported": ["S256"], "dpop_signing_alg_values_supported": ["ES256"],
    "federation_historical_keys_endpoint": f"{ME}/historical",
}


def fetch(day: float, *keys: Members, age: float | None = None) -> Sample:
    """Return a key set as it is read."""
    return key_sets.sample(key_set(*keys).encode(), days(day), "a test", age)


def issuer(*samples: Sample, uses: tuple[KeyUse, ...] = (), **metadata: object) -> Issuer:
    """Return an issuer; without metadata if none is given."""
    return Issuer(ME, metadata or None, samples, uses)


def without(name: str) -> dict[str, Any]:
    """Return good metadata without one member."""
    return {member: value for member, value in GOOD.items() if member != name}


def daily(count: int, *keys: Members) -> tuple[Sample, ...]:
    """Return a fetch a day of the same keys."""
    return tuple(fetch(day, *keys) for day in range(count))


def turning(every: int, count: int, overlap: int) -> tuple[Sample, ...]:
    """Return a fetch a day of keys that take turns."""
    return tuple(
        fetch(day, *(jwk(f"t-{n}") for n in range(count) if n * every <= day < (n + 1) * every + overlap))
        for day in range(count * every)
    )


def rsa_jwk(kid: str, n: int) -> Members:
    """Return a JWK of a modulus."""
    return {**rsa_members(n, 65_537), "kid": kid, "use": "sig", "alg": "RS256"}


PRIMES = [
    prime for _ in range(2) for key in (rsa.generate_private_key(65_537, 2048).private_numbers(),)
    for prime in (key.p, key.q)
]
SHORT = rsa.generate_private_key(65_537, 1024).public_key().public_numbers().n  # noqa: S505  # weak on purpose
CLOSE = 65_537 * 3  # a modulus that anybody factors
OWN = jwk("own")
SECRET = {**OWN, "d": "AAAA"}
LONG, YEAR = (days(-800), days(-400)), (days(-30), days(400))


def use(life: timedelta | None, day: float = 0.0, kid: str = "own") -> KeyUse:
    """Return what records show of a key."""
    return KeyUse(kid, days(day), life, "own-log 1 (log.jsonl, 1)")


ISSUERS: Mapping[str, tuple[str, Issuer, Verdict]] = {
    "a key whose certificate began three years ago": ("issuer-key-age", issuer(fetch(0, jwk("own", cert=LONG))), FAIL),
    "a key that was there all of two years": (
        "issuer-key-age", issuer(*(fetch(70 * n, OWN) for n in range(11))), FAIL
    ),
    "keys that come and go within months": ("issuer-key-age", issuer(*turning(30, 6, 5)), PASS),
    "one fetch of a key without dates": ("issuer-key-age", issuer(fetch(0, OWN)), UNKNOWN),
    "no new key in two years": ("issuer-rotation", issuer(*(fetch(70 * n, OWN) for n in range(11))), FAIL),
    "a new key each month": ("issuer-rotation", issuer(*turning(30, 6, 5)), PASS),
    "a hundred days without a new key": ("issuer-rotation", issuer(*daily(100, OWN)), UNKNOWN),
    "a key that came back after a month": (
        "issuer-rotation-reverted",
        issuer(*daily(10, OWN), *(fetch(day, jwk("new")) for day in range(10, 40)), fetch(40, OWN)), FAIL,
    ),
    "keys that left for good": ("issuer-rotation-reverted", issuer(*turning(30, 3, 5)), PASS),
    "five days of fetches": ("issuer-rotation-reverted", issuer(*daily(5, OWN)), UNKNOWN),
    "a key that replaced the only one": (
        "issuer-pre-publication", issuer(*daily(20, OWN), *(fetch(day, jwk("new")) for day in range(20, 40))), FAIL
    ),
    "a key that signed two days before it was published": (
        "issuer-pre-publication",
        issuer(*(fetch(day, OWN, *([jwk("new")] if day > 20 else [])) for day in range(40)),
               uses=(use(None, 19, "new"),)), FAIL,
    ),
    "keys that stood beside those before them": ("issuer-pre-publication", issuer(*turning(30, 3, 5)), PASS),
    "keys that never changed": ("issuer-pre-publication", issuer(*daily(30, OWN)), UNKNOWN),
    "a certificate that ended a year ago": ("issuer-key-expired", issuer(fetch(0, jwk("own", cert=LONG))), FAIL),
    "an expired key that is gone": (
        "issuer-key-expired",
        issuer(*(fetch(day, jwk("own", cert=LONG)) for day in range(3)),
               *(fetch(day, jwk("new", cert=YEAR)) for day in range(3, 30))), PARTIAL,
    ),
    "a certificate of next year": ("issuer-key-expired", issuer(fetch(0, jwk("own", cert=YEAR))), PASS),
    "a key without a certificate": ("issuer-key-expired", issuer(fetch(0, OWN)), UNKNOWN),
    "an exp that is over": ("issuer-key-expired", issuer(fetch(0, jwk("own", exp=days(-1).timestamp()))), FAIL),
    "consumer and enterprise keys together": (
        "issuer-realms", issuer(fetch(0, jwk("a", ENTERPRISE), jwk("b", CONSUMER))), FAIL
    ),
    "an issuer of all tenants, whose keys name none": (
        "issuer-realms", issuer(fetch(0, OWN), issuer=ENTERPRISE, jwks_uri=f"{ME}/jwks"), FAIL
    ),
    "keys of one realm": ("issuer-realms", issuer(fetch(0, jwk("a", ENTERPRISE), jwk("b", ENTERPRISE))), PASS),
    "keys that name nobody, without metadata": ("issuer-realms", issuer(fetch(0, OWN)), UNKNOWN),
    "a key of 1024 bits": ("issuer-key-strength", issuer(fetch(0, OWN, rsa_jwk("short", SHORT))), FAIL),
    "a point that is not on the curve": ("issuer-key-strength", issuer(fetch(0, {**OWN, "x": OWN["y"]})), FAIL),
    "a short key that is gone": (
        "issuer-key-strength", issuer(fetch(0, rsa_jwk("short", SHORT)), *(fetch(day, OWN) for day in range(20, 30))),
        PARTIAL,
    ),
    "a good key": ("issuer-key-strength", issuer(fetch(0, OWN)), PASS),
    "an empty key set": ("issuer-key-strength", issuer(fetch(0)), UNKNOWN),
    "two moduli with a common prime": (
        "issuer-shared-keys",
        issuer(fetch(0, rsa_jwk("a", PRIMES[0] * PRIMES[1]), rsa_jwk("b", PRIMES[0] * PRIMES[2]))), FAIL,
    ),
    "one key to sign and to encrypt": ("issuer-shared-keys", issuer(fetch(0, OWN, {**OWN, "use": "enc"})), FAIL),
    "another issuer's key": (
        "issuer-shared-keys",
        replace(issuer(fetch(0, OWN)), others=(("https://other.example", fetch(0, OWN).keys[0]),)), FAIL,
    ),
    "different moduli": (
        "issuer-shared-keys",
        issuer(fetch(0, rsa_jwk("a", PRIMES[0] * PRIMES[1]), rsa_jwk("b", PRIMES[2] * PRIMES[3]))), PASS,
    ),
    "nothing to compare": ("issuer-shared-keys", issuer(fetch(0)), UNKNOWN),
    "a private key": ("issuer-private-material", issuer(fetch(0, SECRET)), FAIL),
    "public keys": ("issuer-private-material", issuer(fetch(0, OWN)), PASS),
    "no key at all": ("issuer-private-material", issuer(**GOOD), UNKNOWN),
    "a key that does not say what it is for": (
        "issuer-key-binding", issuer(fetch(0, {name: OWN[name] for name in ("kty", "crv", "x", "y", "kid")})), FAIL
    ),
    "a key to verify with and to encrypt with": (
        "issuer-key-binding", issuer(fetch(0, {**OWN, "key_ops": ["verify", "encrypt"]})), FAIL
    ),
    "a key without its algorithm": (
        "issuer-key-binding", issuer(fetch(0, {name: OWN[name] for name in OWN if name != "alg"})), PARTIAL
    ),
    "a key with use and alg": ("issuer-key-binding", issuer(fetch(0, OWN)), PASS),
    "no key to bind": ("issuer-key-binding", issuer(fetch(0)), UNKNOWN),
    "two keys of one id": ("issuer-key-ids", issuer(fetch(0, OWN, {**jwk("other"), "kid": "own"})), FAIL),
    "an id that means another key today": (
        "issuer-key-ids", issuer(fetch(0, OWN), fetch(1, {**jwk("other"), "kid": "own"})), FAIL
    ),
    "a key without an id": ("issuer-key-ids", issuer(fetch(0, {n: OWN[n] for n in OWN if n != "kid"})), PARTIAL),
    "an id for each key": ("issuer-key-ids", issuer(fetch(0, OWN, jwk("other"))), PASS),
    "no ids": ("issuer-key-ids", issuer(fetch(0)), UNKNOWN),
    "a key set that may be kept for a month": ("issuer-cache", issuer(fetch(0, OWN, age=30 * 86_400)), FAIL),
    "a key set that may not be kept": ("issuer-cache", issuer(fetch(0, OWN, age=0)), PARTIAL),
    "an hour": ("issuer-cache", issuer(fetch(0, OWN, age=3_600)), PASS),
    "no header": ("issuer-cache", issuer(fetch(0, OWN)), UNKNOWN),
    "none among the algorithms": (
        "issuer-algorithms", issuer(**{**GOOD, "request_object_signing_alg_values_supported": ["none", "ES256"]}), FAIL
    ),
    "id tokens under a shared secret": (
        "issuer-algorithms", issuer(**{**GOOD, "id_token_signing_alg_values_supported": ["HS256", "RS256"]}), FAIL
    ),
    "clients that sign with a shared secret": (
        "issuer-algorithms", issuer(**{**GOOD, "token_endpoint_auth_signing_alg_values_supported": ["HS256"]}), PARTIAL
    ),
    "asymmetric algorithms": ("issuer-algorithms", issuer(**GOOD), PASS),
    "no metadata about algorithms": ("issuer-algorithms", issuer(fetch(0, OWN)), UNKNOWN),
    "no PKCE": ("issuer-pkce", issuer(**without("code_challenge_methods_supported")), FAIL),
    "PKCE that may be plain": (
        "issuer-pkce", issuer(**{**GOOD, "code_challenge_methods_supported": ["plain", "S256"]}), PARTIAL
    ),
    "PKCE by S256": ("issuer-pkce", issuer(**GOOD), PASS),
    "no metadata about PKCE": ("issuer-pkce", issuer(fetch(0, OWN)), UNKNOWN),
    "bearer tokens only": (
        "issuer-sender-constraint", issuer(**without("dpop_signing_alg_values_supported")), FAIL
    ),
    "DPoP with a shared secret": (
        "issuer-sender-constraint", issuer(**{**GOOD, "dpop_signing_alg_values_supported": ["HS256"]}), PARTIAL
    ),
    "DPoP": ("issuer-sender-constraint", issuer(**GOOD), PASS),
    "mutual TLS": (
        "issuer-sender-constraint",
        issuer(**without("dpop_signing_alg_values_supported"), tls_client_certificate_bound_access_tokens=True), PASS,
    ),
    "no metadata about binding": ("issuer-sender-constraint", issuer(fetch(0, OWN)), UNKNOWN),
    "past keys are told nowhere": (
        "issuer-historical-keys", issuer(**without("federation_historical_keys_endpoint")), FAIL
    ),
    "past keys by http": (
        "issuer-historical-keys", issuer(**{**GOOD, "federation_historical_keys_endpoint": "http://a.example"}), PARTIAL
    ),
    "past keys": ("issuer-historical-keys", issuer(**GOOD), PASS),
    "no metadata about past keys": ("issuer-historical-keys", issuer(fetch(0, OWN)), UNKNOWN),
    "metadata of another issuer": ("issuer-metadata", issuer(**{**GOOD, "issuer": "https://else.example"}), FAIL),
    "keys by http": ("issuer-metadata", issuer(**{**GOOD, "jwks_uri": "http://issuer.example/jwks"}), FAIL),
    "keys on another host": ("issuer-metadata", issuer(**{**GOOD, "jwks_uri": "https://keys.example"}), PARTIAL),
    "metadata of its own": ("issuer-metadata", issuer(**GOOD), PASS),
    "no metadata": ("issuer-metadata", issuer(fetch(0, OWN)), UNKNOWN),
    "a token of two days": ("issuer-token-lifetime", issuer(fetch(0, OWN), uses=(use(timedelta(days=2)),)), FAIL),
    "a token of a day": ("issuer-token-lifetime", issuer(fetch(0, OWN), uses=(use(timedelta(days=1)),)), PARTIAL),
    "a token of an hour": ("issuer-token-lifetime", issuer(fetch(0, OWN), uses=(use(timedelta(hours=1)),)), PASS),
    "tokens without an end": ("issuer-token-lifetime", issuer(fetch(0, OWN), uses=(use(None),)), UNKNOWN),
    "a known modulus": ("issuer-known-bad-keys", issuer(fetch(0, rsa_jwk("bad", CLOSE))), FAIL),
    "no key to look up": ("issuer-known-bad-keys", issuer(fetch(0)), UNKNOWN),
}


def proof(day: float = 0.0) -> Proof:
    """Return a record."""
    return Proof("m365-ual 1 (audit.jsonl, 7)", days(day))


def part(source: str, kind: str, leg: str = "acceptance", linked: int = 100, last: float = 1.0) -> Part:
    """Return a hundred records of a part of a log, from the start to a day."""
    return Part(source, kind, leg, 100, linked, days(0), days(last))


def tenant(*parts: Part, **held: Any) -> Tenant:
    """Return a tenant whose case holds these parts; without a case if none."""
    known = {name: held.pop(name) for name in ("mail", "throttled", "changes") if name in held}
    records = Records("case", parts, **known) if parts or known else None
    return Tenant("contoso", records=records, **held)


def scanned(topic: str, *verdicts: Verdict) -> tuple[ImportedRun, ...]:
    """Return a scan that says these verdicts of a topic."""
    results = tuple(ImportedResult("ScubaGear", "MS.X.1.1v1", "title", each, "", topic=topic) for each in verdicts)
    return (ImportedRun("ScubaGear", "1.6.0", "contoso", days(0), "scuba.json", results),)


def mailbox(name: str = "a@contoso.example", **more: Any) -> MailboxAudit:
    """Return a mailbox that is audited as it should be."""
    actions = frozenset({"MailItemsAccessed", "Send"})
    made = MailboxAudit(name, True, False, frozenset({"Admin"}), actions, actions, actions)
    return replace(made, **more)


def change(operation: str, off: bool = True, of: str = "", day: float = 0.0) -> AuditChange:
    """Return an administrator's command about auditing."""
    return AuditChange(operation, of, off, proof(day))


MAIL, UAL, KEPT = "tenant-mailbox-audit", "tenant-unified-audit", "tenant-log-retention"
A = "a@contoso.example"
KINDS = ("interactive", "non-interactive", "service-principal", "managed-identity")
TENANTS: Mapping[str, tuple[str, Tenant, Verdict]] = {
    "a mailbox whose auditing is off": (MAIL, tenant(mailboxes=(mailbox(enabled=False),)), FAIL),
    "a mailbox that is bypassed": (MAIL, tenant(mailboxes=(mailbox(bypassed=True),)), FAIL),
    "one of two mailboxes without the action": (
        MAIL, tenant(mailboxes=(mailbox(), mailbox("b@contoso.example", owner=frozenset()))), PARTIAL
    ),
    "mailboxes that are audited": (MAIL, tenant(mailboxes=(mailbox(),)), PASS),
    "an export that says off, and a record of that mailbox": (
        MAIL, tenant(mailboxes=(mailbox(enabled=False),), mail={A: proof()}), PASS
    ),
    "a scan that says pass, and a record that auditing is bypassed": (
        MAIL, tenant(imports=scanned(MAIL, PASS), changes=(change("Set-MailboxAuditBypassAssociation", of=A),)), FAIL
    ),
    "a bypass that was taken back": (
        MAIL, tenant(mailboxes=(mailbox(),), changes=(
            change("Set-MailboxAuditBypassAssociation", of=A),
            change("Set-MailboxAuditBypassAssociation", off=False, of=A, day=1),
        )), PASS,
    ),
    "a scan that says fail, and a record of mail being read": (
        MAIL, tenant(imports=scanned(MAIL, FAIL), mail={A: proof()}), PARTIAL
    ),
    "a scan that says pass, and no record": (MAIL, tenant(imports=scanned(MAIL, PASS)), PARTIAL),
    "nothing about mailboxes": (MAIL, tenant(), UNKNOWN),
    "an export without the column": (MAIL, tenant(mailboxes=(mailbox(enabled=None),)), UNKNOWN),
    "a record that the audit log was turned off": (
        UAL, tenant(part("m365-ual", "exchange-item"), imports=scanned(UAL, PASS),
                    changes=(change("Set-AdminAuditLogConfig"),)), FAIL,
    ),
    "a scan that read the switch in the wrong session, and records": (
        UAL, tenant(part("m365-ual", "exchange-item"), imports=scanned(UAL, FAIL)), PASS
    ),
    "a scan that says fail": (UAL, tenant(imports=scanned(UAL, FAIL)), FAIL),
    "a scan that says pass alone": (UAL, tenant(imports=scanned(UAL, PASS)), PARTIAL),
    "neither scan nor record": (UAL, tenant(), UNKNOWN),
    "a mailbox whose log stopped": (
        "tenant-throttled-mailboxes", tenant(mail={A: proof()}, throttled={A: proof()}), FAIL
    ),
    "mail that was read without a stop": ("tenant-throttled-mailboxes", tenant(mail={A: proof()}), PASS),
    "no mail": ("tenant-throttled-mailboxes", tenant(part("m365-ual", "sharepoint")), UNKNOWN),
    "no sign-ins": ("tenant-sign-in-kinds", tenant(part("m365-ual", "exchange-item")), FAIL),
    "interactive sign-ins only": (
        "tenant-sign-in-kinds", tenant(part("entra-signin", "interactive", "issuance")), PARTIAL
    ),
    "all kinds of sign-ins": (
        "tenant-sign-in-kinds", tenant(*(part("entra-signin", kind, "issuance") for kind in KINDS)), PASS
    ),
    "no case for sign-ins": ("tenant-sign-in-kinds", tenant(), UNKNOWN),
    "a log whose records lack ids": (
        "tenant-linkable-ids", tenant(part("m365-ual", "exchange-item", linked=30)), FAIL
    ),
    "one of two logs without ids": (
        "tenant-linkable-ids",
        tenant(part("m365-ual", "exchange-item", linked=30), part("graph-activity", "graph")), PARTIAL,
    ),
    "ids in all records": ("tenant-linkable-ids", tenant(part("m365-ual", "exchange-item")), PASS),
    "no case for ids": ("tenant-linkable-ids", tenant(), UNKNOWN),
    "no record of Graph": ("tenant-graph-activity", tenant(part("m365-ual", "exchange-item")), FAIL),
    "records of Graph": ("tenant-graph-activity", tenant(part("graph-activity", "graph")), PASS),
    "no case for Graph": ("tenant-graph-activity", tenant(), UNKNOWN),
    "records of two hundred days": (KEPT, tenant(part("m365-ual", "exchange-item", last=200)), PASS),
    "a scan that says that logs go": (KEPT, tenant(imports=scanned(KEPT, FAIL)), FAIL),
    "a scan that says that logs stay": (KEPT, tenant(imports=scanned(KEPT, PASS)), PARTIAL),
    "records of a day, which prove nothing": (KEPT, tenant(part("m365-ual", "exchange-item")), UNKNOWN),
}
OTHER = datetime(2026, 1, 1, tzinfo=UTC)


def store(**more: Any) -> KeyStore:
    """Return a store of one key that was made a month before."""
    made = StoredKey("tokens", OTHER - timedelta(days=30), frozenset({"sign"}), False, False, False, True)
    return KeyStore("store.json", OTHER, (replace(made, **more),))


STORES: Mapping[str, tuple[str, KeyStore | KeyUseLog, Verdict]] = {
    "a key that can leave its store": ("store-exportable-keys", store(exportable=True), FAIL),
    "a key that cannot": ("store-exportable-keys", store(), PASS),
    "a store that does not say": ("store-exportable-keys", store(exportable=None), UNKNOWN),
    "a key of three years": ("store-key-age", store(born=OTHER - timedelta(days=1000)), FAIL),
    "a key of a month": ("store-key-age", store(), PASS),
    "a key without a date": ("store-key-age", store(born=None), UNKNOWN),
    "a key to sign and decrypt": ("store-key-purpose", store(uses=frozenset({"sign", "decrypt"})), FAIL),
    "a key to sign": ("store-key-purpose", store(), PASS),
    "a key without a purpose": ("store-key-purpose", store(uses=frozenset()), UNKNOWN),
    "a key in software": ("store-hardware", store(hardware=False), FAIL),
    "a key in hardware": ("store-hardware", store(), PASS),
    "a key somewhere": ("store-hardware", store(hardware=None), UNKNOWN),
    "a log of which nothing is known": ("store-key-use-log", KeyUseLog("trail", "aws-cloudtrail", None), UNKNOWN),
}
ROWS: Mapping[str, tuple[str, Any, Verdict]] = {**ISSUERS, **TENANTS, **STORES, **SERVICES}


@pytest.mark.parametrize(("check", "subject", "verdict"), ROWS.values(), ids=ROWS)
def test_a_check_says(check: str, subject: Any, verdict: Verdict) -> None:
    """The verdict of the row; with what was seen, what was expected, and where it fails a place or a plain value."""
    answer = CHECKS[check].judge(subject, baseline.shipped())
    assert answer.verdict is verdict, answer
    assert answer.seen
    assert answer.expected


def test_every_check_has_its_cases() -> None:
    """A check passes in one row, fails in one and cannot tell in one; one passes in a test of its own."""
    said = {check.id: {row[2] for row in ROWS.values() if row[0] == check.id} for check in all_checks()}
    said["issuer-known-bad-keys"].add(PASS)  # test_known_bad_keys
    for check, verdict in (pair for _, expected in EXPORTS.values() for pair in expected.items()):  # test_exports
        said[check].add(Verdict(verdict))
    assert [name for name, verdicts in said.items() if not verdicts >= {PASS, FAIL, UNKNOWN}] == []


def test_known_bad_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passes with the list of known keys only: without it, or without badkeys, nothing can be told."""
    checks = pytest.importorskip("badkeys.checks")
    subject = issuer(fetch(0, rsa_jwk("a", PRIMES[0] * PRIMES[1])))
    judge = CHECKS["issuer-known-bad-keys"].judge

    def listed(blocklist: object) -> None:
        monkeypatch.setitem(checks.allchecks, "blocklist", {**checks.allchecks["blocklist"], "function": blocklist})

    listed(lambda *_, **__: False)
    assert judge(subject, baseline.shipped()).verdict is PASS

    def missing(*_: object, **__: object) -> bool:
        raise FileNotFoundError

    listed(missing)
    assert judge(subject, baseline.shipped()).verdict is UNKNOWN
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert judge(subject, baseline.shipped()).verdict is UNKNOWN


def test_a_contradicted_scan_is_told_with_the_record() -> None:
    """What a record proves outranks what a setting says, and the screen says against whom."""
    _, subject, _ = TENANTS["a scan that says pass, and a record that auditing is bypassed"]
    answer = CHECKS[MAIL].judge(subject, baseline.shipped())
    assert "against ScubaGear MS.X.1.1v1, which says pass" in answer.seen
    assert "m365-ual 1 (audit.jsonl, 7)" in answer.where[0]
    _, subject, _ = TENANTS["a scan that read the switch in the wrong session, and records"]
    assert "against ScubaGear MS.X.1.1v1, which says fail" in CHECKS[UAL].judge(subject, baseline.shipped()).seen


def test_every_check_explains_itself() -> None:
    """A check is a question with an answer to why, a source, steps, and what they break."""
    for check in all_checks():
        assert check.question.endswith("?"), check.id
        assert len(check.why) > 60, check.id
        assert check.sources, check.id
        assert check.fix, check.id
        assert check.breaks.endswith("."), check.id
        assert 1 <= check.gain <= 10, check.id
