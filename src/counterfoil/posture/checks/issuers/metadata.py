"""Whether metadata is about the issuer that it says it is, and leads to its keys."""

from __future__ import annotations

from urllib.parse import urlsplit

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Verdict, cannot_tell
from counterfoil.posture.issuer import Issuer

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def _judge(issuer: Issuer, baseline: Baseline) -> Answer:
    del baseline
    expected = "issuer and jwks_uri are https addresses of one host; issuer is the address that was asked"
    if issuer.metadata is None:
        return cannot_tell("no metadata", expected)
    name, keys = (str(issuer.metadata.get(member, ""))[:2048] for member in ("issuer", "jwks_uri"))
    if not name or not keys:
        return Answer(Verdict.FAIL, f"no {'issuer' if not name else 'jwks_uri'}", expected)
    insecure = [url for url in (name, keys) if not _secure(url)]
    if insecure:
        return Answer(Verdict.FAIL, f"{insecure[0][:120]} is no https address", expected)
    if "://" in issuer.name and not issuer.name.startswith(name.partition("{")[0].rstrip("/")):
        return Answer(Verdict.FAIL, f"asked {issuer.name[:120]}, told {name[:120]}", expected)
    if _host(name) != _host(keys):
        seen = f"keys lie on {_host(keys)}, the issuer is {_host(name)}"
        return Answer(Verdict.PARTIAL, seen, expected)
    return Answer(Verdict.PASS, f"{name[:120]}, keys at {keys[:120]}", expected)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _secure(url: str) -> bool:
    return url.startswith("https://") or (url.startswith("http://") and _host(url) in _LOOPBACK)


CHECK = Check(
    id="issuer-metadata",
    question="Does metadata name its own issuer, and its keys by https?",
    why="A verifier that takes the keys of one issuer for those of another accepts the other's tokens (mix-up); keys "
    "that come by http are whoever's who sits between.",
    sources=("RFC 8414, 3.3", "OpenID Connect Discovery 1.0, 4.3", "RFC 9700, 2.1"),
    reads=Issuer,
    needs="metadata, best by its address",
    gain=6,
    fix=("Set the issuer to the address under which metadata is served, letter by letter.",
         "Serve the key set by https, on the issuer's own host."),
    breaks="Verifiers compare iss letter by letter: a changed issuer refuses its old tokens. Change jwks_uri first.",
    judge=_judge,
)
