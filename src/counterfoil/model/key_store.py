"""What is done at a key store, in one vocabulary: sources of its logs put it into the column `key_operation`."""

from __future__ import annotations

SIGN = "sign"  # a use of a private key: signatures, and MACs that sign tokens
EXPORT = "export"  # the private key is asked for
BACKUP = "backup"  # the same, as a backup
ALLOW_EXPORT = "allow-export"  # a key is made exportable, or its backup in clear allowed
ATTACH = "attach"  # a private key that exists elsewhere is taken in (imported, restored)
DUMP = "dump"  # the memory of the process that holds the key is read
READ = "read"  # what holds the key was read, where that is also the key store's daily work (AD FS)
POLICY = "policy"  # who may use or administer a key was changed, grants included
FOUND = "found"  # its private half lies in a file: of a scan, not of the store
PUBLISHED = "published"  # its public half stands in a key set that was served
FETCHED = "fetched"  # a key set was fetched
AUDIT_OFF = "audit-off"  # its own log was switched off, cut short or cleared

# By which the private half can leave the key store, or was elsewhere before.
TAKES = (ALLOW_EXPORT, ATTACH, BACKUP, DUMP, EXPORT)
# What changes keys, or who may use them.
ADMINISTERS = (
    ALLOW_EXPORT, ATTACH, "block", "create", "destroy", "disable", "enable", POLICY, "prepare", "retire", "rotate",
)
# What touches a key itself: looking at lists, opening and attesting do not.
TOUCHES = tuple(sorted({SIGN, *TAKES, *ADMINISTERS}))
# All words of a key store's own records.
WORDS = tuple(sorted({*TOUCHES, READ, AUDIT_OFF, "attest", "list", "open", "settle"}))
