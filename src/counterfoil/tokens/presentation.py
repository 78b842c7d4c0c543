"""What is shown together with a token: proof of possession, certificate, status. One value, checked when built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from counterfoil.tokens.replay import Replays


@dataclass(frozen=True)
class DpopRequest:
    """A DPoP proof (RFC 9449) and the request that it came with.

    `url`: the request's URL as the client sees it. `nonce`: what the server gave out, if it gives nonces out.
    `replays`: remembers which proofs were used; without it the caller has to, by `VerifiedToken.proof_id`.
    """

    proof: str = field(repr=False)
    method: str
    url: str
    nonce: str | None = field(default=None, repr=False)
    replays: Replays | None = field(default=None, repr=False)


StatusList = str | bytes | None


@dataclass(frozen=True)
class Presentation:
    """How a token was presented. `certificate`: the client's, DER, from mutual TLS (RFC 8705).

    `renewal`: at a place that renews or exchanges tokens. `status_list`: the status list token that the token points
    to. `introspection`: the response of the issuer's introspection endpoint, JSON (RFC 7662). Either may be a function
    that gets it: it is called only for a token whose signature and claims held, so that no other makes anybody ask.
    `minted`: of a token under a blocked key with a cut-off, given its digest in hex, returns when its counterfoil was
    recorded (Unix seconds) if that is proven, else None.
    """

    dpop: DpopRequest | None = None
    certificate: bytes | None = field(default=None, repr=False)
    renewal: bool = False
    status_list: StatusList | Callable[[], StatusList] = field(default=None, repr=False)
    introspection: bytes | Callable[[], bytes | None] | None = field(default=None, repr=False)
    minted: Callable[[str], float | None] | None = field(default=None, repr=False)

    @classmethod
    def with_dpop(
        cls, proof: str, *, method: str, url: str, nonce: str | None = None, replays: Replays | None = None
    ) -> Presentation:
        """Return the presentation of a token with a DPoP proof; the parameters are those of `DpopRequest`."""
        return cls(dpop=DpopRequest(proof, method, url, nonce, replays))


BEARER = Presentation()
