"""The guard of a resource server: verifies, leaves a receipt of whatever was decided, and answers.

guard = Guard(Verifier(policy, "mail-api"), Receipts("mail-api", subject_key), FileSink(Path("receipts.jsonl")))
token = guard.check(text, Request("GET", "/messages", ip))
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec

from counterfoil.errors import UsageError, VerifyError
from counterfoil.model.receipt import Receipt
from counterfoil.relying.receipts import NO_REQUEST, Receipts, Request
from counterfoil.relying.sinks import Sink
from counterfoil.tokens.flow import Flow
from counterfoil.tokens.presentation import BEARER, Presentation
from counterfoil.tokens.verified import VerifiedToken, Verifying


class Guard:
    """Checks the tokens of one flow. Safe to share between threads."""

    def __init__(
        self, verifier: Verifying, receipts: Receipts, sinks: Sequence[Sink] | Sink, *, sample: float = 1.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Use this verifier. `sample`: the share of accepted tokens that leave a receipt; refused ones all do.

        A sampled receipt proves a forgery as any other, but absence of one proves nothing. Raises UsageError.
        """
        if not 0 < sample <= 1:
            raise UsageError(f"sample: {sample:g} is not a share above 0 and up to 1")
        self._verifier, self._receipts, self._clock = verifier, receipts, clock
        self._sinks = tuple(sinks) if isinstance(sinks, Sequence) else (sinks,)
        self._sample, self._random, self._lock = sample, random.SystemRandom(), threading.Lock()

    @property
    def flow(self) -> Flow:
        """What is accepted."""
        return self._verifier.flow

    def check(self, token: str | bytes, request: Request = NO_REQUEST, shown: Presentation = BEARER) -> VerifiedToken:
        """Return the verified token; raises VerifyError. Either way a receipt is left."""
        moment = self._clock()
        at = datetime.fromtimestamp(moment, UTC)
        flow = self._verifier.flow
        try:
            found = self._verifier.verify(token, at=moment, shown=shown)
        except VerifyError as error:
            self._emit(self._receipts.refused(token, error, flow, at, request))
            raise
        if self._sample == 1 or self._random.random() < self._sample:
            made = self._receipts.accepted(token, found, flow, at, request)
            self._emit(made if self._sample == 1 else msgspec.structs.replace(made, sample=self._sample))
        return found

    def _emit(self, receipt: Receipt) -> None:
        for sink in self._sinks:
            sink.put(receipt)
