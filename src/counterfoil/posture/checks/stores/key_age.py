"""How old the keys of a store are, and whether they rotate by themselves."""

from __future__ import annotations

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Origin, Verdict, cannot_tell
from counterfoil.posture.history import day, days
from counterfoil.posture.key_store import KeyStore
from counterfoil.report.words import some


def _judge(store: KeyStore, baseline: Baseline) -> Answer:
    expected = f"no signing key older than {days(baseline.key_age)} ({baseline.key_class}), and rotation by itself"
    keys = [key for key in store.keys if "sign" in key.uses]
    known = [(store.read - key.born, key) for key in keys if key.born is not None]
    old = [f"key {key.name}: made {day(store.read - age)}" for age, key in known if age > baseline.key_age]
    if old:
        return Answer(Verdict.FAIL, f"{some(len(old), 'key')} over age", expected, where=tuple(old))
    if not keys or len(known) < len(keys):
        return cannot_tell("the export does not say when keys were made", expected)
    never = [f"key {key.name}: no rotation by itself" for key in keys if key.every is not None and not key.every]
    if never:
        return Answer(Verdict.PARTIAL, "young enough, by hand", expected, Origin.DEFAULT, tuple(never))
    return Answer(Verdict.PASS, f"the oldest is {days(max(age for age, _ in known))} old", expected)


CHECK = Check(
    id="store-key-age",
    question="Are the signing keys of the store young, and do they rotate by themselves?",
    why="A key that is rotated by hand is not rotated: that of 2023 was seven years old. KMS rotates no asymmetric key "
    "by itself, whatever its switch says of others.",
    sources=("CSRB 2024, page 17", "NIST IR 8587 (draft of 2025-12-22)", "AWS KMS, rotating keys"),
    reads=KeyStore,
    needs="an export of its keys: inventory.json of custody, `bao read -format=json transit/keys/NAME`, `aws kms "
    "describe-key`, `gcloud kms keys versions list --format=json`, `az keyvault key show`",
    gain=7,
    fix=("Rotate now: counterfoil keys rotate, or the store's own command; publish the new key a day ahead.",
         "In transit set auto_rotate_period; for KMS make a new key by a timer, one for each generation.",
         "Put an alarm on the age of the signing key."),
    breaks="A store that rotates by itself does not publish ahead: have the key set follow the store.",
    judge=_judge,
)
