"""The messages of Microsoft-Extractor-Suite's own run: what was asked for, and what the service refused.

That a log is missing because the service refused it (403: no licence, or no permission) is told apart here from a log
without records. The times are the exporter's own clock, without a zone: they stay texts.
"""

from __future__ import annotations

from collections.abc import Mapping

from counterfoil.expressions import ibis, ir
from counterfoil.model.schema import WHOLE_LOG, Leg, Outcome
from counterfoil.sources import mapping
from counterfoil.sources.source import TEXT, Explain, Source
from counterfoil.sources.state.sheet import LOG, MAX_TEXT_CHARS, NAMELESS, SUITE

KIND = "collection"
_COLUMNS = ("SuiteTime", "SuiteLevel", "SuiteSection", "SuiteMessage")
_FIDELITY = 4

# A pattern of the section (or of the cmdlet) in lower case -> the log that it asks for.
SECTIONS: Mapping[str, str] = {
    r"sign-?in ?logs?": "entra-signin",
    r"^audit log|entraaudit|adaudit|azureadaudit": "entra-audit",
    r"unified audit|\bual|get-ual|adminaudit|mailboxaudit|mailitems|get-sessions|get-messageids": "m365-ual",
    r"message ?trace": "m365-message-trace",
    r"activity ?logs?": "azure-activity",
    r"risky ?detections?|security ?alerts?": "m365-defender",
}
# What the service says when it has no licence or permission for the request.
_DENIED = (
    r"(?i)\b403\b|forbidden|nonpremium|premium licen[cs]e|authorization_requestdenied|insufficient privileges"
    r"|access ?denied"
)
_LICENCE = r"(?i)nonpremium|premium licen[cs]e"


def to_evidence(raw: ir.Table) -> ir.Table:
    """Map messages; what was refused is said of the log that the section asks for."""
    section, message = mapping.text(raw.SuiteSection), mapping.text(raw.SuiteMessage)
    small = section.lower()
    log = ibis.cases(*((small.re_search(pattern), name) for pattern, name in SECTIONS.items()))
    bad = raw.SuiteLevel.isin(["ERROR", "WARNING"])
    return mapping.states(
        raw,
        source=LOG.name,
        fidelity=_FIDELITY,
        reject=ibis.cases((message.isnull(), NAMELESS), else_=ibis.null("string")),
        leg=Leg.CONTEXT,
        kind=KIND,
        operation=ibis.coalesce(section, KIND),
        outcome=ibis.cases(
            (bad & message.re_search(_DENIED), str(Outcome.REFUSED)),
            (raw.SuiteLevel == "ERROR", str(Outcome.FAILED)),
            else_=str(Outcome.SUCCESS),
        ),
        object_kind=ibis.cases((log.notnull(), WHOLE_LOG), else_=KIND),
        object_id=ibis.coalesce(log, section),
        extra=mapping.extra(
            time=raw.SuiteTime, level=raw.SuiteLevel, message=message.left(MAX_TEXT_CHARS),
            why=ibis.cases((message.re_search(_LICENCE), "no licence")),
        ),
    )


SOURCE = Source(
    name="mes-messages",
    log=LOG,
    title="Messages of Microsoft-Extractor-Suite's own run",
    fidelity=_FIDELITY,
    required=frozenset(_COLUMNS),
    raw=dict.fromkeys(_COLUMNS, TEXT),
    unmixed=True,
    to_evidence=to_evidence,
    explain=Explain(
        what=(
            "What the suite asked for, and what it was told. Context: a log that the service refused (403), for want of"
            " a licence or of a permission, is no log without records."
        ),
        export=(f"every cmdlet {SUITE} writes Output/LogFile.txt",),
        retention="none: each run appends to it.",
        caps="none.",
        traps=(
            "times are of the exporter's own clock, without a zone: kept as text",
            "403 comes without its reason: the licence (Entra ID P1 for sign-ins) or the permission is missing",
        ),
    ),
)
