"""The back-ends of key stores, by the name that settings give them."""

from __future__ import annotations

# Name in the settings: module, and the extra of the package that brings its library.
DRIVERS = {
    "file": ("encrypted_file", ""),
    "pkcs11": ("pkcs11", "pkcs11"),
    "openbao": ("openbao", "vault"),
    "aws-kms": ("aws_kms", "aws"),
    "tpm": ("tpm", "tpm"),
}
