"""Who may read the container by which AD FS keeps its signing keys."""

from __future__ import annotations

import re

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Origin, Verdict, cannot_tell
from counterfoil.posture.federation_server import FederationServer
from counterfoil.report.words import some

_EXPECTED = "AD FS's own service account, and administrators of the domain: nobody else"
# Who rules over the directory can read anything in it.
_ADMINISTRATORS = re.compile(
    r"(?i)^(NT AUTHORITY\\SYSTEM|BUILTIN\\Administrators|[^\\]+\\(Domain Admins|Enterprise Admins|Administrators)"
    r"|S-1-5-18|S-1-5-32-544|S-1-5-21-[0-9-]+-(512|519))$"
)
_EVERYBODY = re.compile(r"(?i)(^|\\)(Everyone|Authenticated Users|Domain Users|Users|ANONYMOUS LOGON)$"
                        r"|^S-1-(1-0|5-11|5-7|5-32-545)$|^S-1-5-21-[0-9-]+-513$")


def _judge(server: FederationServer, baseline: Baseline) -> Answer:
    del baseline
    if server.readers is None:
        return cannot_tell("no access list of the DKM container", _EXPECTED)
    others = tuple(name for name in server.readers if not _ADMINISTRATORS.match(name))
    everybody = tuple(name for name in others if _EVERYBODY.search(name))
    if everybody:
        return Answer(Verdict.FAIL, "everybody of the domain may read it", _EXPECTED, Origin.DELIBERATE, everybody)
    if len(others) > 1:
        return Answer(Verdict.FAIL, f"{len(others)} that are no administrators may read it", _EXPECTED,
                      Origin.DELIBERATE, others)
    if not others:
        return cannot_tell("the list does not show AD FS's own account: is it of the right container?", _EXPECTED)
    told = f"{others[0]} and {some(len(server.readers) - 1, 'administrator')}"
    return Answer(Verdict.PASS, told, _EXPECTED, Origin.DEFAULT, server.readers)


CHECK = Check(
    id="adfs-dkm",
    question="May only AD FS itself read the container by which its signing keys are kept?",
    why="AD FS encrypts its signing key with one that lies in Active Directory, readable by whoever its access list "
    "lets. With it and the configuration database anybody signs in as anybody: golden SAML, from afar.",
    sources=("Mandiant, AD FS remote key extraction (2021)", "CISA AA21-008A", "SP 800-53 IA-13(1)"),
    reads=FederationServer,
    needs='`(Get-Acl "AD:CN=...,CN=ADFS,CN=Microsoft,CN=Program Data,DC=...").Access | ConvertTo-Json`',
    gain=8,
    fix=("Take everybody's right to read off the container, but the service account's and the administrators'.",
         "Audit reads of it: event 4662 on the contact's thumbnailPhoto; counterfoil hunt reads them.",
         "If somebody else could read it: the key may be out. Roll both certificates over, twice, and hunt.",
         "Better, keep the key in an HSM: then the container holds nothing."),
    breaks="A second service account, as of a former farm, can no longer start AD FS.",
    judge=_judge,
)
