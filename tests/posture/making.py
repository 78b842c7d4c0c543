"""Key sets, certificates and histories of invented issuers, written as people would keep them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from counterfoil.jose.jwk import members_of

START = datetime(2024, 6, 5, 12, tzinfo=UTC)
ENTERPRISE = "https://login.example/{tenantid}/v2.0"
CONSUMER = "https://login.example/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0"

PARTNER = "https://partner.example/v2.0"

Members = dict[str, Any]


@cache
def private(kid: str) -> ec.EllipticCurvePrivateKey:
    """Return the private key that goes by this name in all tests of one process."""
    del kid
    return ec.generate_private_key(ec.SECP256R1())


def jwk(kid: str, realm: str | None = None, cert: tuple[datetime, datetime] | None = None, **more: Any) -> Members:
    """Return a public JWK with use and alg; `realm`: its member issuer; `cert`: begin and end of its certificate."""
    members: Members = {**members_of(private(kid).public_key()), "kid": kid, "use": "sig", "alg": "ES256"}
    if realm is not None:
        members["issuer"] = realm
    if cert is not None:
        members["x5c"] = [_certificate(kid, *cert)]
    return {**members, **more}


def _certificate(kid: str, begin: datetime, end: datetime) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, kid)])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private(kid).public_key())
        .serial_number(1).not_valid_before(begin).not_valid_after(end).sign(private(kid), hashes.SHA256())
    )
    return base64.b64encode(made.public_bytes(serialization.Encoding.DER)).decode()


def key_set(*keys: Members) -> str:
    """Return a JWKS."""
    return json.dumps({"keys": keys})


def days(count: float) -> datetime:
    """Return the moment so many days after the start."""
    return START + timedelta(days=count)


def write(path: Path, value: object) -> Path:
    """Write a JSON document."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def fetches(folder: Path, samples: Iterable[tuple[datetime, Sequence[Members]]]) -> Path:
    """Write a history: one file for each fetch, named by its time."""
    folder.mkdir(parents=True, exist_ok=True)
    for time, keys in samples:
        write(folder / f"{time:%Y-%m-%dT%H%M%SZ}.json", {"keys": keys})
    return folder
