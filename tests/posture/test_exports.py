"""Exports of stores, clouds, directories and AD FS, through the command; and what records say against them."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cli.run import run
from counterfoil.posture import baseline
from counterfoil.posture.check import Verdict
from counterfoil.posture.exports.registry import all_exports
from counterfoil.posture.federation_server import FederationServer
from counterfoil.posture.joining import joined
from counterfoil.posture.key_access import Grant, KeyAccess
from counterfoil.posture.key_use_log import KeyUseLog
from counterfoil.posture.records import DirectoryChange, KeyActs, KeyRecord, Records
from counterfoil.posture.tenant import Tenant

from .export_cases import EXPORTS, NOW
from .making import days, write
from .test_checks import CHECKS, proof, scanned, store


@pytest.mark.parametrize(("document", "expected"), EXPORTS.values(), ids=EXPORTS)
def test_an_export_is_judged(
    document: Any, expected: Mapping[str, str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Each check says what the row says, of the file as its tool wrote it."""
    file = write(tmp_path / ("custody.toml" if isinstance(document, str) else "export.json"), document)
    ran = run(capsys, "posture", file, "--format", "json")
    assert ran.code in (0, 1, 3), ran.err
    found = {finding["check"]: finding["verdict"] for finding in json.loads(ran.out)["findings"]}
    assert {check: found[check] for check in expected} == expected


def test_no_export_is_taken_for_another() -> None:
    """Each document of the table is one export's, and every export is in the table or in that of key stores."""
    seen = set()
    for sentence, (document, _) in EXPORTS.items():
        if not isinstance(document, str):
            known = [export.name for export in all_exports() if export.fits(document)]
            assert len(known) == 1, (sentence, known)
            seen.add(known[0])
    rest = {export.name for export in all_exports()} - seen
    assert all(any(word in name for word in ("custody", "describe-key", "transit/keys")) for name in rest), rest


ODD: tuple[Any, ...] = (None, True, 5, -1e300, "x", "", [], {}, [None], [[]], {"x": [1]}, {"value": None}, ["a", 1])


def _broken(value: Any) -> Iterator[Any]:
    """Yield a document with one of its values replaced by something odd, each in turn."""
    yield from ODD
    if isinstance(value, dict):
        for name, held in value.items():
            yield from ({**value, name: odd} for odd in _broken(held))
            yield {other: kept for other, kept in value.items() if other != name}
    elif isinstance(value, list):
        for place, held in enumerate(value):
            yield from ([*value[:place], odd, *value[place + 1:]] for odd in _broken(held))


def test_odd_values_break_nothing() -> None:
    """Whatever stands in the place of a value: the export is not recognised, or says less; no check fails for it."""
    count = 0
    for document in [tomllib.loads(one) if isinstance(one, str) else one for one, _ in EXPORTS.values()]:
        for odd in _broken(document):
            for export in all_exports():
                if not export.fits(odd):
                    continue
                for subject in joined(export.read(odd, "export.json", NOW), None, ()):
                    judged = [check.judge(subject, baseline.shipped()) for check in CHECKS.values()
                              if isinstance(subject, check.reads)]
                    count += len(judged)
    assert count > 1_000


KEY = KeyRecord("export", "tokens", "vault-audit", proof())
OFF = KeyRecord("audit-off", "trail/main", "aws-cloudtrail", proof())
ON = KeyUseLog("selectors.json", "aws-cloudtrail", True)
SIGNS = (Grant("role/IDP", uses=True, administers=False),)
ADDED = DirectoryChange("add service principal credentials", "graph", proof())
FEDERATED = DirectoryChange("set federation settings on domain", "contoso.example", proof())


def passed(topic: str, *changes: DirectoryChange) -> Tenant:
    """Return a tenant of which a scan passes a topic, and whose records hold changes of the directory."""
    return Tenant("contoso", scanned(topic, Verdict.PASS), records=Records("case", directory=changes))


# What is asked, of what; the verdict; and words of what was seen or where. Each record outranks a setting or a scan.
RECORDED: Mapping[str, tuple[str, Any, str, str]] = {
    "a key that was let out, though its export says that none can leave": (
        "store-exportable-keys", replace(store(), records=(KEY,)), "fail", "against the export"
    ),
    "a trail that was stopped, though its settings are good": (
        "store-key-use-log", replace(ON, off=(OFF,)), "fail", "against its settings of today"
    ),
    "a trail that was stopped, though a scan passes it": (
        "store-key-use-log", replace(ON, off=(OFF,), results=scanned("store-key-use-log", Verdict.PASS)[0].results),
        "fail", "against ScubaGear MS.X.1.1v1, which says pass",
    ),
    "one who signed and changed the policy, though by the export he only signs": (
        "store-separation-of-duties", KeyAccess("policy.json", SIGNS, acts=(KeyActs("role/idp", proof(), proof(1)),)),
        "fail", "1 principal did both, by record",
    ),
    "one who signed, and may not by the export": (
        "store-key-users", KeyAccess("policy.json", SIGNS, acts=(KeyActs("role/carol", proof(), None),)), "partial",
        "and may not by this export",
    ),
    "a credential that was added, though a scan passes": (
        "tenant-application-credentials", passed("tenant-application-credentials", ADDED), "partial",
        "against ScubaGear MS.X.1.1v1, which says pass",
    ),
    "federation that was changed, though a scan passes": (
        "tenant-federated-domains", passed("tenant-federated-domains", FEDERATED), "fail",
        "against ScubaGear MS.X.1.1v1, which says pass",
    ),
    "an AD FS whose log was cleared, though its settings are good": (
        "adfs-audit", FederationServer("adfs", "Verbose", frozenset({"SuccessAudits", "FailureAudits"}), off=(OFF,)),
        "fail", "against AuditLevel Verbose of today",
    ),
}


@pytest.mark.parametrize(("check", "subject", "verdict", "words"), RECORDED.values(), ids=RECORDED)
def test_a_record_outranks_an_export(check: str, subject: Any, verdict: str, words: str) -> None:
    """The answer says against what, and names the record."""
    answer = CHECKS[check].judge(subject, baseline.shipped())
    assert answer.verdict == verdict, answer
    assert words in answer.seen
    assert any("m365-ual 1 (audit.jsonl, 7)" in line for line in answer.where)


def test_a_record_is_of_the_key_that_the_export_names() -> None:
    """By its name, its ARN, or without its version; and of no other."""
    held = store()
    names = {"tokens": True, "arn:aws:kms:eu-west-1:1:key/tokens": True, "transit/keys/tokens": True, "other": False}
    recorded = [replace(KEY, key=name) for name in names]
    assert [one.key for one in held.of(recorded)] == [name for name, same in names.items() if same]
    assert days(0) == KEY.proof.time
