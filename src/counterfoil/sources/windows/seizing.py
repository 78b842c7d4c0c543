"""What was done on a server of AD FS to take its key past its store: out of the service's memory, or as a file.

Sysmon 10 (a process opened another) with the right to read memory, 0x10 of GrantedAccess; Sysmon 1 and Security 4688 (a
process began) by its command line. learn.microsoft.com, "Sysmon", "Process Security and Access Rights", "4688(S)";
MITRE ATT&CK T1606.002: certutil -exportPFX, Export-PfxCertificate, AADInternals, ADFSDump.
"""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.model import key_store

FIELDS = ("SourceImage", "TargetImage", "GrantedAccess", "CommandLine", "NewProcessName")
SERVICE = r"(?i)\\microsoft\.identityserver\.servicehost\.exe$"
_READS_MEMORY = r"(?i)^0x[0-9a-f]*[13579bdf][0-9a-f]$"
_EXPORTS = r"(?i)-exportpfx\b|\bexport-pfxcertificate\b|\bexport-aadintadfs|\badfsdump"
_DUMPS = r"(?i)(?:procdump|minidump).*identityserver|identityserver.*(?:procdump|minidump)"


def done(table: ir.Table) -> ir.StringValue:
    """Return what was done, a word of `model.key_store`; NULL for any other event."""
    sysmon = ibis.coalesce(table.provider, table.channel, "").lower().contains("sysmon")
    began = (table.event == "4688") | (sysmon & (table.event == "1"))
    opened = sysmon & (table.event == "10") & table.fieldTargetImage.re_search(SERVICE)
    return ibis.cases(
        (opened & table.fieldGrantedAccess.re_search(_READS_MEMORY), key_store.DUMP),
        (began & table.fieldCommandLine.re_search(_DUMPS), key_store.DUMP),
        (began & table.fieldCommandLine.re_search(_EXPORTS), key_store.EXPORT),
    )


def program(table: ir.Table) -> ir.StringValue:
    """Return the program that did it."""
    return ibis.coalesce(table.fieldSourceImage, table.fieldNewProcessName, table.fieldImage)
