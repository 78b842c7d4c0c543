"""`--jwks URL` against a real HTTP server on loopback: key sets, issuers, and what is none."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from counterfoil.cli.main import main
from counterfoil.errors import CounterfoilError
from counterfoil.jose.jwk import members_of
from counterfoil.leaks import decoys, known

from .planting import pem_of, rsa_keys

JWKS = json.dumps({"keys": [decoys.make("ES256", "published").jwk]}).encode()


@contextmanager
def serving(pages: Mapping[str, tuple[int, bytes]]) -> Iterator[str]:
    """Yield the address of a server of these pages; HOST in a page is its address."""

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = pages.get(self.path, (404, b"no such page"))
            self.send_response(status)
            if status == 302:
                self.send_header("Location", body.decode())
            self.end_headers()
            self.wfile.write(body.replace(b"HOST", address.encode()))

        def log_message(self, *_: object) -> None:
            """Tell nobody."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield address
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


METADATA = b'{"issuer": "HOST", "jwks_uri": "HOST/keys"}'
FOUND = {
    "the key set itself": ("/keys", {"/keys": (200, JWKS)}),
    "an issuer, by its metadata": ("", {"/.well-known/openid-configuration": (200, METADATA), "/keys": (200, JWKS)}),
    "an issuer whose own page is no JSON": (
        "/tenant/", {"/tenant/": (200, b"<html>"), "/tenant/.well-known/openid-configuration": (200, METADATA),
                     "/keys": (200, JWKS)},
    ),
    "the metadata itself": ("/meta", {"/meta": (200, METADATA), "/keys": (200, JWKS)}),
}


@pytest.mark.parametrize("case", FOUND)
def test_keys_are_fetched(case: str) -> None:
    """From a JWKS, from an issuer, from its metadata."""
    path, pages = FOUND[case]
    with serving(pages) as address:
        assert [key.kid for key in known.known([address + path], ()).keys] == ["published"]


REFUSED = {
    "a server error": ("/keys", {"/keys": (500, b"")}, "500"),
    "nobody's page": ("/keys", {}, "404"),
    "a page of HTML at both places": (
        "", {"/": (200, b"<html>"), "/.well-known/openid-configuration": (200, b"<html>")}, "neither a JWKS nor",
    ),
    "metadata that names another scheme": ("/m", {"/m": (200, b'{"jwks_uri": "file:///etc/passwd"}')}, "https only"),
    "metadata that names another host without https": (
        "/m", {"/m": (200, b'{"jwks_uri": "http://idp.example/k"}')}, "https only",
    ),
    "a redirect to another host without https": ("/r", {"/r": (302, b"http://idp.example/k")}, "https only"),
    "a key set without keys": ("/keys", {"/keys": (200, b'{"keys": []}')}, "holds no RSA, EC or Ed25519 key"),
    "a page without end": ("/keys", {"/keys": (200, b" " * (known.MAX_KEY_FILE_BYTES + 1))}, "more than 16 MiB"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_key_set_is_one_clear_error(case: str) -> None:
    """Each names the address and the reason."""
    path, pages, reason = REFUSED[case]
    with serving(pages) as address, pytest.raises(CounterfoilError, match=reason):
        known.known([address + path], ())


def test_the_command_finds_a_key_by_the_address_of_its_jwks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The whole program: JWKS by HTTP, a PEM on disk, the key id of the JWKS in the report."""
    (tmp_path / "key.pem").write_bytes(pem_of(rsa_keys()[0]))
    jwk = {"kid": "signing-1", **members_of(rsa_keys()[0].public_key())}
    with serving({"/keys": (200, json.dumps({"keys": [jwk]}).encode())}) as address:
        assert main(["leaks", str(tmp_path / "key.pem"), "--jwks", f"{address}/keys", "--format", "json"]) == 1
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert (finding["kid"], finding["proven"]) == ("signing-1", True)
