"""What checks of services say of a few cells: rows of the table in test_checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from counterfoil.posture.check import Verdict
from counterfoil.posture.matrix.cells import Cell, Form
from counterfoil.posture.matrix.report import Answered, CellResult, Declared
from counterfoil.posture.service import Service

from .making import days

FAIL, PARTIAL, UNKNOWN, PASS = Verdict.FAIL, Verdict.PARTIAL, Verdict.CANNOT_TELL, Verdict.PASS
CELL = Cell("consumer", "https://issuer.example/org", "access")
YES, NO, OPEN = Answered.ACCEPTED, Answered.REFUSED, Answered.UNKNOWN


def service(rule: str, *answered: Answered, form: Form = Form.PLAIN, left: int | None = None) -> Service:
    """Return a service that was shown a token for each answer, all to be refused by a rule."""
    one = CellResult("mail", replace(CELL, form=form), Declared.REFUSE, NO, rule, "", left)
    return Service("mail", days(0), tuple(replace(one, answered=each) for each in answered))


CHECKS: Mapping[str, tuple[str, Form]] = {
    "service-key-binding": ("V4 key-not-entitled", Form.PLAIN), "service-dead-keys": ("V2 key-not-active", Form.PLAIN),
    "service-signature": ("V1 algorithm-not-allowed", Form.UNSIGNED),
    "service-token-claims": ("V9 outside-its-time", Form.EXPIRED),
    "service-renewal": ("V13 not-for-renewal", Form.PLAIN),
}
SERVICES: Mapping[str, tuple[str, Service, Verdict]] = {
    f"{check}: {words}": (check, service(rule, *answered, form=form), verdict)
    for check, (rule, form) in CHECKS.items()
    for words, answered, verdict in (
        ("one of two is let in", (NO, YES), FAIL), ("both are refused", (NO, NO), PASS),
        ("one cannot be told", (NO, OPEN), PARTIAL), ("neither can be told", (OPEN, OPEN), UNKNOWN),
        ("none was shown", (), UNKNOWN),
    )
} | {
    "a forged token under a known kid is none of dead keys' business": (
        "service-dead-keys", service("V2 key-not-active", YES, form=Form.UNKNOWN), UNKNOWN
    ),
    "a key that its party may still hold": (
        "service-dead-keys",
        Service("mail", days(0), (CellResult("mail", CELL, Declared.EITHER, YES, "V2 key-not-active", "", 5),)), UNKNOWN
    ),
}
