"""counterfoil finds forged security tokens by joining what was accepted with what was issued.

As a library::

    from pathlib import Path
    from counterfoil import HuntSettings, hunt

    report = hunt(["exports/"], HuntSettings(case=Path("case")))
    for finding in report.findings:
        print(finding.verdict, finding.title)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from counterfoil._version import __version__ as __version__

if TYPE_CHECKING:
    from counterfoil.app import QueryResult as QueryResult
    from counterfoil.app import hunt as hunt
    from counterfoil.app import ingest as ingest
    from counterfoil.app import sql as sql
    from counterfoil.config import HuntSettings as HuntSettings
    from counterfoil.custody.custody import Custody as Custody
    from counterfoil.custody.store import KeyStore as KeyStore
    from counterfoil.errors import CounterfoilError as CounterfoilError
    from counterfoil.errors import VerifyError as VerifyError
    from counterfoil.mint.mint import Mint as Mint
    from counterfoil.model.coverage import Declaration as Declaration
    from counterfoil.model.finding import Finding as Finding
    from counterfoil.model.hunt import HuntReport as HuntReport
    from counterfoil.model.verdict import Verdict as Verdict
    from counterfoil.relying.guard import Guard as Guard
    from counterfoil.tokens.policy import TokenPolicy as TokenPolicy
    from counterfoil.tokens.presentation import Presentation as Presentation
    from counterfoil.tokens.verified import VerifiedToken as VerifiedToken
    from counterfoil.tokens.verifier import Verifier as Verifier


# The engine takes half a second to import, so the names are looked up when they are first used.
_HOMES = {
    "CounterfoilError": "errors",
    "Custody": "custody.custody",
    "Declaration": "model.coverage",
    "Finding": "model.finding",
    "Guard": "relying.guard",
    "HuntReport": "model.hunt",
    "HuntSettings": "config",
    "KeyStore": "custody.store",
    "Mint": "mint.mint",
    "Presentation": "tokens.presentation",
    "QueryResult": "app",
    "TokenPolicy": "tokens.policy",
    "Verdict": "model.verdict",
    "VerifiedToken": "tokens.verified",
    "Verifier": "tokens.verifier",
    "VerifyError": "errors",
    "hunt": "app",
    "ingest": "app",
    "sql": "app",
}

__all__ = ["__version__", *sorted(_HOMES)]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)
