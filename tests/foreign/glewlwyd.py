"""Debian's glewlwyd, set up over its own API: an OpenID plugin with a key of ours, a machine, a person's client."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from jwt.algorithms import RSAAlgorithm
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from .running import BACK, PATIENCE, process

ISSUER, KID = "https://glewlwyd.example", "g1"
_DOCS = Path("/usr/share/doc/glewlwyd")
_PASSWORD = "any word of length"  # noqa: S105  # of a person who lives as long as a test
_PLUGIN = {
    "iss": ISSUER, "jwt-type": "rsa", "jwt-key-size": "256", "default-kid": KID, "jwks-show": True,
    "access-token-duration": 3_600, "refresh-token-duration": 86_400, "code-duration": 600,
    "refresh-token-rolling": False, "allow-non-oidc": True, "auth-type-client-enabled": True,
    "auth-type-code-enabled": True, "auth-type-refresh-enabled": True, "pkce-allowed": True, "pkce-required": True,
    "subject-type": "public", "secret-type": "pairwise", "address-claim": {"type": "no"}, "name-claim": "no",
    "email-claim": "no", "scope-claim": "no",
}


def sample(name: str) -> str:
    """Return a file of the package's documentation, or skip the test."""
    if shutil.which("glewlwyd") is None:
        pytest.skip("no glewlwyd: apt-get install glewlwyd")
    file = _DOCS / name
    if not file.exists():
        pytest.skip(f"no {file}: this system leaves documentation out")
    return gzip.decompress(file.read_bytes()).decode()


@contextmanager
def glewlwyd(path: Path, key: str) -> Iterator[str]:
    """Run it in a folder, signing with this private JWK; yield its address."""
    with closing(sqlite3.connect(path / "glewlwyd.db")) as database:
        database.executescript(sample("database/init.sqlite3.sql.gz"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    base = f"http://localhost:{port}"
    text = sample("glewlwyd.conf.sample.gz")
    values = {"port": str(port), "external_url": f'"{base}"', "cookie_secure": "0", "path": f'"{path}/glewlwyd.db"'}
    for name, value in values.items():
        text, found = re.subn(rf"(?m)^( *){name} *=.*$", rf"\g<1>{name}={value}", text, count=1)
        assert found, name
    (path / "glewlwyd.conf").write_text(f'bind_address="127.0.0.1"\n{text}')
    # stdbuf: it keeps lines back when its output is a pipe
    with process("stdbuf", "-oL", "glewlwyd", f"--config-file={path}/glewlwyd.conf", ready="Glewlwyd started"):
        _until_it_answers(base)
        admin = signed_in(base, "admin", "password")
        _made(admin, f"{base}/api/mod/plugin/", module="oidc", name="oidc", display_name="OpenID",
              parameters=_PLUGIN | {"jwks-private": json.dumps({"keys": [json.loads(key)]})})
        _made(admin, f"{base}/api/scope/", name="read", display_name="read", description="to read mail", scheme={})
        _made(admin, f"{base}/api/client/", client_id="robot", name="robot", confidential=True, scope=["read"],
              authorization_type=["client_credentials"], enabled=True, client_secret="a word",  # noqa: S106  # a test's
              token_endpoint_auth_method=["client_secret_basic"])
        _made(admin, f"{base}/api/client/", client_id="desk", name="desk", confidential=False, redirect_uri=[BACK],
              authorization_type=["code", "refresh_token"], scope=["read", "openid"], enabled=True,
              token_endpoint_auth_method=["none"])
        yield base


def person(base: str, name: str) -> requests.Session:
    """Return the browser of a new person who has signed in, and lets the client read."""
    _made(signed_in(base, "admin", "password"), f"{base}/api/user/", username=name, password=_PASSWORD, name=name,
          scope=["read", "openid"], enabled=True)
    browser = signed_in(base, name, _PASSWORD)
    granted = browser.put(f"{base}/api/auth/grant/desk", json={"scope": "read openid"}, timeout=PATIENCE)
    assert granted.ok, granted.text
    return browser


def signed_in(base: str, name: str, password: str) -> requests.Session:
    """Return a browser that has signed in. Its cookie is for "localhost", which no cookie jar takes."""
    browser = requests.Session()
    answer = browser.post(f"{base}/api/auth/", json={"username": name, "password": password}, timeout=PATIENCE)
    assert answer.ok, answer.text
    browser.cookies.clear()
    browser.headers["Cookie"] = answer.headers["set-cookie"].partition(";")[0]
    return browser


def jwk_of(key: Any) -> str:
    """Return a private RSA key as the JWK that the plugin takes."""
    return json.dumps(json.loads(RSAAlgorithm.to_jwk(key)) | {"kid": KID, "alg": "RS256", "use": "sig"})


def rows_of(path: Path, question: str) -> list[dict[str, Any]]:
    """Return what its own database answers."""
    with closing(sqlite3.connect(path / "glewlwyd.db")) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute(question)]


def own_log(path: Path, query: str) -> list[str]:
    """Return the lines of its own log, by the query in this file, as its operator would run it."""
    told = rows_of(path, (Path(__file__).parent / query).read_text())
    return [str(line) for row in told for line in row.values()]


def _until_it_answers(base: str) -> None:
    """Ask until it does: it says that it has started before it listens."""
    with requests.Session() as asking:
        asking.mount("http://", HTTPAdapter(max_retries=Retry(connect=12, backoff_factor=0.01)))
        asking.get(f"{base}/config/", timeout=PATIENCE)


def _made(admin: requests.Session, url: str, **what: Any) -> None:
    answer = admin.post(url, json=what, timeout=PATIENCE)
    assert answer.ok, f"{url}: {answer.status_code} {answer.text}"
