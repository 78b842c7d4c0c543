"""One key for several purposes."""

from __future__ import annotations

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Verdict, cannot_tell
from counterfoil.posture.key_store import KeyStore
from counterfoil.report.words import some


def _judge(store: KeyStore, baseline: Baseline) -> Answer:
    del baseline
    expected = "a key that signs does nothing else"
    if not store.keys or not all(key.uses for key in store.keys):
        return cannot_tell("the export does not say what keys are for", expected)
    shared = [key for key in store.keys if "sign" in key.uses and len(key.uses) > 1]
    both = tuple(f"key {key.name}: {', '.join(sorted(key.uses))}" for key in shared)
    if both:
        # RSA keys of transit do both, whatever they were made for
        return Answer(Verdict.FAIL, f"{some(len(both), 'key')} for several purposes", expected, where=both)
    return Answer(Verdict.PASS, f"{some(len(store.keys), 'key')} of one purpose", expected)


CHECK = Check(
    id="store-key-purpose",
    question="Does each key of the store serve one purpose?",
    why="Who may decrypt with a key can be made to sign with it (RSA), and who may use it for one service mints for "
    "the other. A key has one purpose.",
    sources=("SP 800-57 part 1, 5.2", "NIST IR 8587, 5.2.1.2", "RFC 8725, 3.8"),
    reads=KeyStore,
    needs="an export of its keys: inventory.json of custody, `bao read -format=json transit/keys/NAME`, `aws kms "
    "describe-key`, `gcloud kms keys versions list --format=json`, `az keyvault key show`",
    gain=6,
    fix=("Make a key of its own for signatures: ecdsa-p256 or ed25519 in transit, SIGN_VERIFY in KMS.",
         "Rotate tokens to it.", "Forbid the sign endpoint for the other key in the store's policy."),
    breaks="As any rotation: verifiers that pin the key.",
    judge=_judge,
)
