"""The cells: every key for every issuer, class and tenant; and what is wrong with one thing at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import product

from counterfoil.errors import UsageError
from counterfoil.posture.matrix.plan import Plan
from counterfoil.tokens.entitlement import TENANT_PLACE

# What one party is asked at most: ten a second take over three minutes.
MAX_CELLS = 2_000


class Form(StrEnum):
    """What a token is like apart from its cell. All but the first are tried once, on a token that must be let in."""

    PLAIN = "as issued"
    UNSIGNED = "no signature (alg none)"
    SECRET = "HS256, the public key for its secret"  # noqa: S105  # words
    STRANGER = "a key of nobody, under a kid that is known"
    UNKNOWN = "a key of nobody, under a kid of its own"
    EMBEDDED = "a key of nobody, which the header brings (jwk)"
    EXPIRED = "expired an hour ago"
    ENDLESS = "without exp"
    EARLY = "issued in an hour"
    LONG = "good for ten years"
    ELSEWHERE = "for another audience"
    NAMELESS = "without iss"


FORGED = frozenset({Form.UNSIGNED, Form.SECRET, Form.STRANGER, Form.UNKNOWN, Form.EMBEDDED})


@dataclass(frozen=True)
class Cell:
    """One token to show: which key signs, for which issuer, class (`kind`) and tenant ("": none), in which form."""

    key: str
    issuer: str
    kind: str
    tenant: str = ""
    form: Form = Form.PLAIN

    @property
    def name(self) -> str:
        """What it is, in words."""
        of = f" for tenant {self.tenant}" if self.tenant else ""
        return f"{self.kind} token of {self.issuer}{of}, key {self.key}, {self.form}"


def plain(plan: Plan) -> tuple[Cell, ...]:
    """Return a cell for each key, issuer, class and tenant; raises UsageError for more than one can ask."""
    whole = tuple(_plain(plan))
    if len(whole) > MAX_CELLS:
        raise UsageError(f"{len(whole):,} cells are more than {MAX_CELLS:,}", hint="name fewer keys, issuers, tenants")
    return whole


def _plain(plan: Plan) -> Iterator[Cell]:
    for key, issuer, kind, tenant in product(
        plan.keys, plan.issuers, plan.classes, plan.tenants or ("",)
    ):
        yield Cell(key.name, issuer.replace(TENANT_PLACE, tenant), kind, tenant)


def forms(control: Cell) -> tuple[Cell, ...]:
    """Return what is wrong with one thing of a token that must be let in."""
    return tuple(
        Cell(control.key, control.issuer, control.kind, control.tenant, form)
        for form in Form if form is not Form.PLAIN
    )
