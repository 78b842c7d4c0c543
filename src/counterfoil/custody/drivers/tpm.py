"""Keys in a TPM 2.0, with command audit: the TPM keeps a digest of every TPM2_Sign, and signs it when asked.

Keys are made under a primary key of the owner hierarchy (fixedTPM, fixedParent): their files below `path`/keys are of
no use to another TPM. The attestation key is a restricted key of the endorsement hierarchy; both are derived anew from
the TPM's seeds. Owner and endorsement hierarchy must have no password. What the digest proves: `tpmaudit`.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

os.environ.setdefault("TSS2_LOG", "all+NONE")  # its library writes to stderr; errors come as exceptions

from tpm2_pytss import (
    ESAPI,
    ESYS_TR,
    TPM2_ALG,
    TPM2_CAP,
    TPM2_CC,
    TPM2_RH,
    TPM2_ST,
    TPM2B_DATA,
    TPM2B_DIGEST,
    TPM2B_PRIVATE,
    TPM2B_PUBLIC,
    TPM2B_SENSITIVE_CREATE,
    TPMA_OBJECT,
    TPML_CC,
    TPMT_SIG_SCHEME,
    TPMT_TK_HASHCHECK,
    TSS2_Exception,
)

from counterfoil.custody import spki, tpmaudit
from counterfoil.custody.algorithm import Algorithm
from counterfoil.custody.keys import Attestation, Capabilities, NewKey, OwnLog, Signed, encoded
from counterfoil.custody.settings import StoreSettings
from counterfoil.custody.turns import Turns
from counterfoil.errors import KeyStoreError, KeyUnusableError, UsageError
from counterfoil.tlog.folder import Folder

# A TPM has room for three transient objects: making or loading a key needs one for its parent, and one for itself.
MAX_LOADED = 2
HANDLE_PREFIX = "handle:"
_TEMPLATES = {
    Algorithm.RS256: "rsa2048:rsassa-sha256:null", Algorithm.PS256: "rsa2048:rsapss-sha256:null",
    Algorithm.ES256: "ecc256:ecdsa-sha256:null",
}
_OWN = (
    TPMA_OBJECT.FIXEDTPM | TPMA_OBJECT.FIXEDPARENT | TPMA_OBJECT.SENSITIVEDATAORIGIN | TPMA_OBJECT.USERWITHAUTH
    | TPMA_OBJECT.NODA
)
_SIGNS = _OWN | TPMA_OBJECT.SIGN_ENCRYPT
_STORAGE = TPM2B_PUBLIC.parse("ecc256", objectAttributes=_OWN | TPMA_OBJECT.RESTRICTED | TPMA_OBJECT.DECRYPT)
_ATTESTS = TPM2B_PUBLIC.parse("ecc256:ecdsa-sha256:null", objectAttributes=_SIGNS | TPMA_OBJECT.RESTRICTED)
_KEYS_OWN_SCHEME = TPMT_SIG_SCHEME(scheme=TPM2_ALG.NULL)
# The ticket for digests that the TPM did not make itself.
_NO_TICKET = TPMT_TK_HASHCHECK(tag=TPM2_ST.HASHCHECK, hierarchy=TPM2_RH.NULL)


class Tpm:
    """The keys of one TPM. A reference is the label of a key file, or `handle:0x81…` of a persistent key."""

    capabilities = Capabilities(
        "tpm", frozenset(_TEMPLATES), non_exportable=True, attests=True, enforces_disable=False, own_log=OwnLog.ATTESTED
    )

    def __init__(self, tcti: str, folder: Folder) -> None:
        """Connect, and have TPM2_Sign audited from now on if it is not yet."""
        self._folder, self._lock, self._turns = folder, threading.RLock(), Turns()
        self._loaded: OrderedDict[str, tuple[ESYS_TR, bytes]] = OrderedDict()
        self._epoch, self._count = secrets.token_hex(4), 0
        with self._calling("connect"):
            self._tpm = ESAPI(tcti)
            self._audit_signatures()

    def generate(self, label: str, algorithm: Algorithm) -> NewKey:
        """Make a key in the TPM, for this algorithm only."""
        template = TPM2B_PUBLIC.parse(_TEMPLATES[algorithm], objectAttributes=_SIGNS)
        with self._calling(f"make key {label}"):
            self._unload(keep=1)
            return self._made(label, template)

    def _made(self, label: str, template: Any) -> NewKey:
        with self._parent() as parent:
            private, public, *_ = self._tpm.create(parent, TPM2B_SENSITIVE_CREATE(), template)
            told = bytes(public.marshal())
            self._folder.put(_file(label), len(told).to_bytes(2, "big") + told + bytes(private.marshal()))
            return NewKey(label, spki.der_of_pem(public.to_pem()), exportable=False)

    def attach(self, label: str, reference: str) -> NewKey:
        """Take over a persistent signing key by its handle, such as 0x81000005."""
        del label
        try:
            handle = int(reference.removeprefix(HANDLE_PREFIX), 16)
        except ValueError as error:
            raise UsageError(f"expected a persistent handle such as 0x81000005, got {reference[:40]!r}") from error
        with self._calling(f"find key {reference}"):
            public, *_ = self._tpm.read_public(self._tpm.tr_from_tpmpublic(handle))
            fixed = bool(public.publicArea.objectAttributes & TPMA_OBJECT.FIXEDTPM)
            return NewKey(f"{HANDLE_PREFIX}{handle:#x}", spki.der_of_pem(public.to_pem()), exportable=not fixed)

    def sign(self, reference: str, algorithm: Algorithm, signing_input: bytes) -> Signed:
        """Sign in the TPM. The evidence is what its audit digest is made of."""
        return self._turns.run(lambda: self._signed(reference, algorithm, hashlib.sha256(signing_input).digest()))

    def _signed(self, reference: str, algorithm: Algorithm, digest: bytes) -> Signed:
        with self._calling(f"sign with key {reference}"):
            handle, name = self._key(reference)
            made = self._tpm.sign(handle, TPM2B_DIGEST(digest), _KEYS_OWN_SCHEME, _NO_TICKET)
            response = tpmaudit.response_hash(tpmaudit.CC_SIGN, bytes(made.marshal()))
            order = self._order()
        raw = bytes(made.signature.rsassa.sig)
        if algorithm is Algorithm.ES256:
            pair = made.signature.ecdsa
            raw = bytes(pair.signatureR).rjust(32, b"\0") + bytes(pair.signatureS).rjust(32, b"\0")
        return Signed(raw, {"tpm_order": order, "tpm_name": name.hex(), "tpm_response": response.hex()})

    def disable(self, reference: str) -> None:
        """Unload the key. The TPM itself has no such state: the inventory refuses."""
        with self._calling(f"disable key {reference}"):
            self._unload(keep=0)

    def destroy(self, reference: str) -> None:
        """Delete the key's file, or evict the persistent key."""
        with self._calling(f"destroy key {reference}"):
            self._unload(keep=0)
            if reference.startswith(HANDLE_PREFIX):
                handle = int(reference.removeprefix(HANDLE_PREFIX), 16)
                self._tpm.evict_control(ESYS_TR.OWNER, self._tpm.tr_from_tpmpublic(handle), handle)
            else:
                self._folder.delete(_file(reference))

    def attest(self, reference: str) -> Attestation:
        """Have the TPM certify the key (TPM2_Certify): its name covers the attributes that keep it in the TPM."""
        with self._calling(f"attest key {reference}"):
            handle, name = self._key(reference)
            public, *_ = self._tpm.read_public(handle)
            with self._attestation_key() as (ak, ak_public):
                told, signature = self._tpm.certify(handle, ak, TPM2B_DATA(b""), _KEYS_OWN_SCHEME)
                signed = _attested(told, signature, ak_public)
        attributes = public.publicArea.objectAttributes
        return Attestation(
            {
                "held": "TPM 2.0", "name": name.hex(), "public_area": encoded(bytes(public.publicArea.marshal())),
                "fixed_tpm": bool(attributes & TPMA_OBJECT.FIXEDTPM),
                "fixed_parent": bool(attributes & TPMA_OBJECT.FIXEDPARENT),
                "made_in_tpm": bool(attributes & TPMA_OBJECT.SENSITIVEDATAORIGIN), "attested": True,
            },
            signed,
        )

    def audit_digest(self, nonce: bytes) -> Attestation:
        """Have the TPM sign its digest of all TPM2_Sign since the last call (TPM2_GetCommandAuditDigest)."""
        with self._calling("read the audit digest"), self._attestation_key() as (ak, ak_public):
            told, signature = self._tpm.get_command_audit_digest(
                sign_handle=ak, qualifying_data=TPM2B_DATA(nonce), in_scheme=_KEYS_OWN_SCHEME
            )
            signed = _attested(told, signature, ak_public)
            return Attestation({"tpm_order": self._order()}, signed)

    def close(self) -> None:
        """Unload keys and disconnect."""
        with self._calling("close"):
            self._unload(keep=0)
            self._tpm.close()

    def _audit_signatures(self) -> None:
        """Have TPM2_Sign audited with SHA-256. Doing so is audited too, so the next digest begins a new count."""
        _, told = self._tpm.get_capability(TPM2_CAP.AUDIT_COMMANDS, 0, 256)
        if TPM2_CC.Sign not in list(told.data.auditCommands):
            self._tpm.set_command_code_audit_status(TPM2_ALG.SHA256, TPML_CC([]), TPML_CC([]))
            self._tpm.set_command_code_audit_status(TPM2_ALG.NULL, TPML_CC([TPM2_CC.Sign]), TPML_CC([]))

    def _key(self, reference: str) -> tuple[ESYS_TR, bytes]:
        """Return the loaded key and its name."""
        if reference in self._loaded:
            self._loaded.move_to_end(reference)
            return self._loaded[reference]
        if reference.startswith(HANDLE_PREFIX):
            handle = self._tpm.tr_from_tpmpublic(int(reference.removeprefix(HANDLE_PREFIX), 16))
            return handle, bytes(self._tpm.tr_get_name(handle))
        raw = self._folder.read(_file(reference))
        if raw is None:
            raise KeyUnusableError(f"the file of key {reference} is missing")
        self._unload(keep=MAX_LOADED - 1)
        split = 2 + int.from_bytes(raw[:2], "big")
        public, _ = TPM2B_PUBLIC.unmarshal(raw[2:split])
        private, _ = TPM2B_PRIVATE.unmarshal(raw[split:])
        with self._parent() as parent:
            handle = self._tpm.load(parent, private, public)
        self._loaded[reference] = handle, bytes(self._tpm.tr_get_name(handle))
        return self._loaded[reference]

    def _unload(self, keep: int) -> None:
        while len(self._loaded) > keep:
            _, (handle, _) = self._loaded.popitem(last=False)
            self._tpm.flush_context(handle)

    def _order(self) -> str:
        """Return the place of what was just done among all that this connection did."""
        self._count += 1
        return f"{self._epoch}:{self._count}"

    @contextmanager
    def _parent(self) -> Iterator[ESYS_TR]:
        handle, *_ = self._tpm.create_primary(TPM2B_SENSITIVE_CREATE(), _STORAGE, ESYS_TR.OWNER)
        try:
            yield handle
        finally:
            self._tpm.flush_context(handle)

    @contextmanager
    def _attestation_key(self) -> Iterator[tuple[ESYS_TR, Any]]:
        handle, public, *_ = self._tpm.create_primary(TPM2B_SENSITIVE_CREATE(), _ATTESTS, ESYS_TR.ENDORSEMENT)
        try:
            yield handle, public
        finally:
            self._tpm.flush_context(handle)

    @contextmanager
    def _calling(self, what: str) -> Iterator[None]:
        with self._lock:
            try:
                yield
            except TSS2_Exception as error:
                raise KeyStoreError(f"TPM: {what}: {error}", hint="is the TPM there, and its TCTI right?") from error
            except (RuntimeError, TypeError, NotImplementedError) as error:
                raise KeyStoreError(f"TPM: {what}: {type(error).__name__} {error}") from error


def open_driver(settings: StoreSettings) -> Tpm:
    """Return the TPM of these settings."""
    if settings.tpm is None:
        raise UsageError("custody.toml: the table [tpm] is missing")
    return Tpm(settings.tpm.tcti, Folder(settings.path))


def _file(label: str) -> str:
    return f"keys/{label}.tpm"


def _attested(told: Any, signature: Any, public: Any) -> dict[str, str]:
    return {
        "attested": encoded(bytes(told.attestationData)), "signature": encoded(bytes(signature.marshal())),
        "key": encoded(spki.der_of_pem(public.to_pem())),
    }
