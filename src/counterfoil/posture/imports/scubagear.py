"""ScubaGear's ScubaResults*.json (CISA): Results by product, groups of controls in each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from counterfoil.errors import InputError
from counterfoil.posture.check import Verdict
from counterfoil.posture.imports.scan import (
    MAIL_AUDIT,
    MAX_RESULTS,
    RETENTION,
    UNIFIED_AUDIT,
    Import,
    moment,
    told,
    verdict,
)
from counterfoil.posture.tenant import ImportedResult, ImportedRun

_TOOL = "ScubaGear"
# Manual, N/A, Omitted and Error say nothing of the tenant. Warning: a control that should hold, and does not.
_WORDS = {"pass": Verdict.PASS, "fail": Verdict.FAIL, "warning": Verdict.PARTIAL}
# SCuBA baselines: audit moved from Defender's to Exchange's with version 1.5.
TOPICS: Mapping[str, str] = {
    "MS.EXO.13.1": MAIL_AUDIT, "MS.DEFENDER.6.1": UNIFIED_AUDIT, "MS.EXO.17.1": UNIFIED_AUDIT,
    "MS.DEFENDER.6.2": MAIL_AUDIT, "MS.EXO.17.2": MAIL_AUDIT, "MS.DEFENDER.6.3": RETENTION, "MS.EXO.17.3": RETENTION,
}


def topic(control: str) -> str:
    """Return the question of ours that a SCuBA control bears on, in any of its versions; empty for none."""
    return TOPICS.get(re.sub(r"v[0-9]+$", "", control), "")


def _fits(document: Any) -> bool:
    results = document.get("Results") if isinstance(document, dict) else None
    return isinstance(results, dict) and any(True for _ in _controls(results))


def _controls(results: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for product in results.values():
        for group in product if isinstance(product, list) else ():
            held = group.get("Controls", [group]) if isinstance(group, dict) else ()
            yield from (one for one in held if isinstance(one, dict) and isinstance(one.get("Control ID"), str))


def _read(document: Any, file: str) -> ImportedRun:
    about = document.get("MetaData") if isinstance(document.get("MetaData"), dict) else {}
    found = []
    for control in _controls(document["Results"]):
        name = told(control["Control ID"])
        found.append(ImportedResult(
            _TOOL, name, told(control.get("Requirement")), verdict(control.get("Result"), _WORDS),
            f"{told(control.get('Result'))}: {told(control.get('Details'))}", told(control.get("Criticality")),
            topic=topic(name),
        ))
        if len(found) > MAX_RESULTS:
            raise InputError(f"{file}: more than {MAX_RESULTS:,} results")
    return ImportedRun(
        _TOOL, told(about.get("ToolVersion") or about.get("ScubaGearVersion")), told(about.get("TenantId")),
        moment(about.get("TimestampZulu")), file, tuple(found),
    )


IMPORT = Import(_TOOL, _fits, _read)
