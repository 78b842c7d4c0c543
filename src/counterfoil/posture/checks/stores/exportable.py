"""Whether the private half of a key can leave its store, or was elsewhere before."""

from __future__ import annotations

from counterfoil.model import key_store
from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Origin, Verdict, cannot_tell
from counterfoil.posture.history import day
from counterfoil.posture.key_store import KeyStore, StoredKey
from counterfoil.report.words import some

# Operations after which the private half may be elsewhere.
_LET_OUT = frozenset({key_store.ALLOW_EXPORT, key_store.BACKUP, key_store.DUMP, key_store.EXPORT})


def _judge(store: KeyStore, baseline: Baseline) -> Answer:
    del baseline
    expected = "no key can be exported or backed up in clear, and none was made elsewhere"
    if not store.keys:
        return cannot_tell("no key in use", expected)
    out = {key.name: why for key in store.keys if (why := _leaves(key))}
    imported = [key.name for key in store.keys if key.imported]
    taken = [one for one in store.records if one.operation in _LET_OUT]
    if taken:
        against = ", against the export, which says that none can leave" if not out else ""
        lines = tuple(f"key {one.key}: {one.operation}, {day(one.proof.time)}, {one.proof.record}" for one in taken)
        return Answer(Verdict.FAIL, f"let out by record{against}", expected, Origin.DELIBERATE, lines)
    where = tuple([f"key {name}: {why}" for name, why in out.items()] + [f"key {n}: made elsewhere" for n in imported])
    if out:
        return Answer(Verdict.FAIL, f"{some(len(out), 'key')} can leave", expected, Origin.DELIBERATE, where)
    if imported:
        seen = f"{some(len(imported), 'key')} made elsewhere"
        return Answer(Verdict.PARTIAL, seen, expected, Origin.DELIBERATE, where)
    if any(key.exportable is None for key in store.keys):
        return cannot_tell("the export does not say whether keys can be exported", expected)
    return Answer(Verdict.PASS, f"{some(len(store.keys), 'key')}, not exportable", expected)


def _leaves(key: StoredKey) -> str:
    return "exportable" if key.exportable else "may be backed up in clear" if key.backup else ""


CHECK = Check(
    id="store-exportable-keys",
    question="Can no private key leave the key store?",
    why="The key of 2023 left its store: how, nobody knows. A key that was made in a store that does not hand it out "
    "can be misused only through that store, where each use is recorded.",
    sources=("CSRB 2024, recommendation 6", "SP 800-53 IA-13(1)", "NIST IR 8587 (draft of 2025-12-22)"),
    reads=KeyStore,
    needs="an export of its keys: inventory.json of custody, `bao read -format=json transit/keys/NAME`, `aws kms "
    "describe-key`, `gcloud kms keys versions list --format=json`, `az keyvault key show`; --case with its log",
    gain=8,
    fix=("Make a new key that is not exportable: in transit that cannot be taken back on an existing key.",
         "Rotate to it, and keep the old public key published until its last token has ended.",
         "Destroy the exportable key and its backups; look for copies: counterfoil leaks."),
    breaks="A restore needs the store's own replication or backup, not a key file.",
    judge=_judge,
)
