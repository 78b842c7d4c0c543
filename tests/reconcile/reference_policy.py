"""The constants and the data that the reference works with.

Both are the program's own: the reference is independent in what it does with them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from counterfoil.model.counterfoil import ISSUER_LOG, LEDGER_LOG
from counterfoil.model.known import CONSUMER_TENANT, CROSS_TENANT_EXCEPTIONS, SERVICE_TENANTS, SILENT_CLIENTS
from counterfoil.model.logs import Logs
from counterfoil.reconcile.policy import Policy
from counterfoil.sources.registry import logs

__all__ = [
    "CONSUMER_TENANT", "ENTRA_LOGS", "FEDERATION", "OWN_LOGS", "SESSIONS", "SIGN_IN_LOGS", "UNPUBLISHED", "Known",
    "Policy", "logs_of",
]

SESSIONS = logs().sessions  # by source and kind: seconds after the last use
FEDERATION = "urn:federation:microsoftonline"
ENTRA_LOGS = ("entra-signin", "defender-signin")  # of each kind of sign-in either will do
SIGN_IN_LOGS = (*ENTRA_LOGS, "m365-ual")
UNPUBLISHED = ("defender-signin", "defender-graph")  # nobody knows how complete they are
OWN_LOGS = (LEDGER_LOG, ISSUER_LOG)  # in which an issuer writes down each of its tokens


def logs_of(policy: Policy) -> Logs:
    """Return what logs mean; under other constants than the real ones, none has a lag of its own."""
    known = logs()
    if policy.default_lag == Policy().default_lag:
        return known
    bare = ((log, log.issuance and replace(log.issuance, lag=None)) for log in known.every)
    return Logs(tuple(replace(log, issuance=issuance) for log, issuance in bare))


@dataclass(frozen=True)
class Known:
    """Data about the vendors' worlds that the rules speak of as "data".

    `silent_clients`: services whose calls never have a sign-in record, whatever the resource.
    `cross_tenant_exceptions`: values of `cross_tenant`, in any case, under which tenants may differ.
    `summarised`: sources whose export sums records up.
    """

    service_tenants: frozenset[str] = SERVICE_TENANTS
    silent_clients: frozenset[str] = SILENT_CLIENTS
    cross_tenant_exceptions: frozenset[str] = frozenset(value.lower() for value in CROSS_TENANT_EXCEPTIONS)
    summarised: frozenset[str] = frozenset()
