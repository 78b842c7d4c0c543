"""Four estates, every check: the expected verdicts as a table, through files and the command."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from cli.run import run
from counterfoil.posture.registry import all_checks

from . import estates

F, H, U, P = "fail", "partial", "cannot tell", "pass"
ESTATES: tuple[Callable[[Path], Path], ...] = (estates.defaults, estates.half, estates.hardened, estates.holes)
# defaults, half hardened, hardened, with holes
EXPECTED: Mapping[str, tuple[str, str, str, str]] = {
    "issuer-algorithms":          (U, H, P, F),
    "issuer-cache":               (U, H, P, F),
    "issuer-historical-keys":     (F, H, P, F),
    "issuer-key-age":             (F, F, P, F),
    "issuer-key-binding":         (F, P, P, P),
    "issuer-key-expired":         (U, P, P, F),
    "issuer-key-ids":             (P, P, P, P),
    "issuer-key-strength":        (P, P, P, P),
    "issuer-metadata":            (P, P, P, F),
    "issuer-pkce":                (F, H, P, F),
    "issuer-pre-publication":     (U, U, P, U),
    "issuer-private-material":    (P, P, P, F),
    "issuer-realms":              (P, P, P, F),
    "issuer-rotation":            (F, F, P, F),
    "issuer-rotation-reverted":   (P, P, P, P),
    "issuer-sender-constraint":   (F, P, P, F),
    "issuer-shared-keys":         (P, P, P, P),
    "issuer-token-lifetime":      (U, U, U, U),
    "tenant-application-credentials": (U, U, U, U),
    "tenant-federated-domains":   (U, U, U, U),
    "tenant-graph-activity":      (U, U, U, U),
    "tenant-linkable-ids":        (U, U, U, U),
    "tenant-log-retention":       (F, H, H, F),
    "tenant-mailbox-audit":       (F, H, P, F),
    "tenant-sign-in-kinds":       (U, U, U, U),
    "tenant-throttled-mailboxes": (U, U, U, U),
    "tenant-unified-audit":       (F, H, H, F),
}  # fmt: skip


@pytest.mark.parametrize("place", range(len(ESTATES)), ids=[make.__name__ for make in ESTATES])
def test_an_estate_gets_its_verdicts(place: int, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Every check says what the table says; an exit code of 1 where one fails, 3 where something is open."""
    ran = run(capsys, "posture", ESTATES[place](tmp_path / "estate"), "--format", "json")
    found = {finding["check"]: finding["verdict"] for finding in json.loads(ran.out)["findings"]}
    found.pop("issuer-known-bad-keys")  # depends on whether badkeys and its list are installed
    assert found == {check: verdicts[place] for check, verdicts in EXPECTED.items()}
    assert ran.code == (1 if F in found.values() else 3)


def test_the_table_has_every_check() -> None:
    """A check that is added is added here."""
    elsewhere = ("store-", "service-", "adfs-")  # test_stores, test_exports and test_matrix have those
    asked = {check.id for check in all_checks() if not check.id.startswith(elsewhere)}
    assert asked == {*EXPECTED, "issuer-known-bad-keys"}


def test_defaults_are_told_from_choices(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """What nobody set is a default; what somebody set is deliberate."""
    def origins(folder: Path) -> dict[str, str]:
        told = json.loads(run(capsys, "posture", folder, "--format", "json").out)
        return {finding["check"]: finding["origin"] for finding in told["findings"]}

    left, chosen = origins(estates.defaults(tmp_path / "defaults")), origins(estates.holes(tmp_path / "holes"))
    assert (left["issuer-pkce"], chosen["issuer-pkce"]) == ("default", "deliberate")
    assert (left["issuer-key-binding"], chosen["issuer-key-binding"]) == ("default", "deliberate")
    assert (left["tenant-mailbox-audit"], chosen["tenant-mailbox-audit"]) == ("default", "deliberate")
