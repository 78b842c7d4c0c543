"""Whether keys lie in hardware."""

from __future__ import annotations

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Origin, Verdict, cannot_tell
from counterfoil.posture.key_store import KeyStore
from counterfoil.report.words import some


def _judge(store: KeyStore, baseline: Baseline) -> Answer:
    del baseline
    expected = "signing keys in hardware: HSM, TPM, confidential computing"
    keys = [key for key in store.keys if "sign" in key.uses]
    if not keys or any(key.hardware is None for key in keys):
        return cannot_tell("the export does not say where keys lie", expected)
    soft = tuple(f"key {key.name}: software" for key in keys if not key.hardware)
    if soft:
        return Answer(Verdict.FAIL, f"{some(len(soft), 'key')} in software", expected, Origin.DEFAULT, soft)
    return Answer(Verdict.PASS, f"{some(len(keys), 'key')} in hardware", expected)


CHECK = Check(
    id="store-hardware",
    question="Do signing keys lie in hardware?",
    why="A key in a process's memory lies in its dumps. The leading explanation of 2023, never proven, is that the key "
    "left its store in such a way; since then Microsoft signs in an HSM.",
    sources=("CSRB 2024, recommendation 6", "NIST IR 8587 (draft of 2025-12-22): moderate and high systems"),
    reads=KeyStore,
    needs="an export that says so: custody.toml beside inventory.json, `aws kms describe-key`, `gcloud kms keys "
    "versions list --format=json`, `az keyvault key show`; OpenBao says nothing of what seals it",
    gain=5,
    fix=("Make the next key in an HSM, a TPM or a KMS: counterfoil keys with one of those back-ends.",
         "Rotate to it; an old key that is moved into an HSM has been outside."),
    breaks="Latency and price of a signature: measure before you move the busiest issuer.",
    judge=_judge,
)
