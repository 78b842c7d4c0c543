"""What the records of a case prove outranks what scans and exports say: one case, judged by the program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.run import run
from counterfoil.posture import records

from . import estates
from .export_cases import IDP, PEOPLE, kms, selector, selectors
from .making import days, write

SAMPLES = Path(__file__).parents[1] / "samples"
READ = "c27d7322-9cdc-41b7-9b56-000000000001"


def audit(name: str, hour: int, operation: str, **parameters: str) -> dict[str, Any]:
    """Return an administrator's command as the audit log has it."""
    return {
        "CreationTime": f"2025-09-02T{hour:02}:00:00", "Id": f"20fd5006-645b-42be-e9de-{name:0>12}",
        "Operation": operation, "OrganizationId": "3f7c1f1e-6a55-4b8e-9a0e-2b1d7c9e4f10", "RecordType": 1,
        "ResultStatus": "True", "UserKey": "10032002643F6746", "UserType": 2, "Version": 1, "Workload": "Exchange",
        "ClientIP": "192.0.2.1:5", "ObjectId": "Audit", "UserId": "admin@contoso.com", "ExternalAccess": False,
        "Parameters": [{"Name": key, "Value": value} for key, value in parameters.items()],
    }


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a case of one mailbox that was read, and of auditing that was turned off afterwards."""
    from counterfoil import app
    from counterfoil.config import HuntSettings

    folder = tmp_path_factory.mktemp("posture")
    mail = (SAMPLES / "m365" / "api.jsonl").read_text().splitlines()[:2]
    changes = [
        audit("1", 1, "Set-MailboxAuditBypassAssociation", Identity="Bob@contoso.com", AuditBypassEnabled="True"),
        audit("2", 2, "Set-AdminAuditLogConfig", UnifiedAuditLogIngestionEnabled="False"),
        {**audit("3", 3, "Set federation settings on domain."), "Workload": "AzureActiveDirectory", "RecordType": 8},
    ]
    write(folder / "audit.jsonl", "\n".join([*mail, *map(json.dumps, changes)]) + "\n")
    keys = [str(SAMPLES / "keystores" / name) for name in ("cloudtrail.json", "openbao-audit.jsonl")]
    app.hunt([str(folder / "audit.jsonl"), *keys], HuntSettings(case=folder / "case", threads=1), app.Silent())
    return folder / "case"


def found(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, dict[str, Any]]:
    """Return the findings by check."""
    told = json.loads(run(capsys, "posture", *arguments, "--format", "json").out)
    return {finding["check"]: finding for finding in told["findings"]}


def test_a_record_contradicts_a_scan_that_passes(
    case: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """ScubaGear says that audit is on; the records hold the commands that turned it off: the screen names them."""
    estates.scuba(tmp_path / "scuba.json", {"MS.DEFENDER.6.1v1": "Pass", "MS.EXO.13.1v1": "Pass"})
    told = found(capsys, tmp_path / "scuba.json", "--case", case)
    unified = told["tenant-unified-audit"]
    assert unified["verdict"] == "fail"
    assert "turned off on 2025-09-02 02:00 UTC, against ScubaGear MS.DEFENDER.6.1v1, which says pass" in unified["seen"]
    assert any("20fd5006-645b-42be-e9de-000000000002" in line and "audit.jsonl, 4" in line for line in unified["where"])
    mail = told["tenant-mailbox-audit"]
    assert mail["verdict"] == "fail"
    assert "against ScubaGear MS.EXO.13.1v1, which says pass" in mail["seen"]
    assert mail["where"][0].startswith("bob@contoso.com: Set-MailboxAuditBypassAssociation, 2025-09-02 01:00 UTC")


def test_a_record_proves_what_is_audited(case: Path) -> None:
    """A MailItemsAccessed record says that reading was audited in that mailbox, on that day, and where it stands."""
    held = records.read(case)
    proof = held.mail["alice@contoso.com"]
    assert proof.record.startswith(f"m365-ual {READ} (")
    assert proof.record.endswith("audit.jsonl, 1)")
    assert f"{proof.time:%Y-%m-%d %H:%M}" == "2025-09-01 09:01"
    assert [(change.of, change.off) for change in held.changes] == [("bob@contoso.com", True), ("", True)]


def test_records_of_key_stores_outrank_their_settings(
    case: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A trail is on by its settings and by Prowler, a key not exportable, a role only signs: records say otherwise."""
    folder = tmp_path / "exports"
    write(folder / "selectors.json", selectors(selector()))
    write(folder / "policy.json", kms(IDP, PEOPLE))
    estates.transit(folder / "key.json", days(0), name="k1")
    write(folder / "prowler.json", [{
        "metadata": {"event_code": "cloudtrail_multi_region_enabled", "product": {"name": "Prowler", "version": "5"}},
        "finding_info": {"title": "trails"}, "status_code": "PASS", "status_detail": "main logs",
    }])
    told = found(capsys, folder, "--case", case)
    trail = {one["subject"]: one for one in json.loads(
        run(capsys, "posture", folder, "--case", case, "--format", "json").out)["findings"]
        if one["check"] == "store-key-use-log"}
    assert "against Prowler cloudtrail_multi_region_enabled, which says pass" in (
        trail[str(folder / "selectors.json")]["seen"]
    )
    assert any("vault-audit" in name for name in trail)  # no export of it: its records alone
    assert "let out by record, against the export" in told["store-exportable-keys"]["seen"]
    duties = told["store-separation-of-duties"]
    assert duties["verdict"] == "fail"
    assert any("user/carol" in line and "aws-cloudtrail" in line for line in duties["where"])
    assert told["tenant-federated-domains"]["verdict"] == "fail"
    assert "set federation settings on domain, 2025-09-02 03:00 UTC" in told["tenant-federated-domains"]["where"][0]


def test_what_a_case_lacks_is_told(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No sign-ins, no Graph, records of two days: the case alone answers these."""
    told = found(capsys, "--case", case)
    assert told["tenant-sign-in-kinds"]["verdict"] == "fail"
    assert told["tenant-graph-activity"]["verdict"] == "fail"
    assert told["tenant-throttled-mailboxes"]["verdict"] == "pass"
    assert told["tenant-linkable-ids"]["verdict"] == "cannot tell"  # a handful of records is no sample
    assert told["tenant-log-retention"]["verdict"] == "cannot tell"
    ready = told["ready"]  # of `counterfoil ready`
    assert ready["verdict"] == "fail"
    assert ready["seen"].startswith("0 of 2 services")
    assert all("no" in line.partition(": ")[2] for line in ready["where"])
