"""Counterfoils of tokens that somebody else makes: an issuer with minting code of its own, a proxy in front of one.

What is about to be signed says all that a counterfoil holds but for what it was asked: the grant, and the tokens that
were shown. One line of JSON for each token, in any language, is what `counterfoil ledger record` reads.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import msgspec

from counterfoil.errors import CounterfoilError, InputError, UsageError, VerifyError
from counterfoil.mint.ledger import Ledger
from counterfoil.model.counterfoil import SECONDARY, Counterfoil, Grant
from counterfoil.model.unique import duplicate_in
from counterfoil.tokens import countersignature, jws
from counterfoil.tokens.decoded import decoded
from counterfoil.tokens.encoding import from_translated
from counterfoil.tokens.limits import MAX_NUMERIC_DATE, MAX_TOKEN_BYTES
from counterfoil.tokens.pseudonym import SubjectKey
from counterfoil.tokens.shape import shape_of
from counterfoil.tokens.subject_keys import SubjectKeys, pseudonym

# A line holds the longest token, the ids of as many parents as a counterfoil may have, and their names.
MAX_LINE = 128 * 1024
# Lines under way at once: they share one write of the ledger, so that it costs no sync for each.
MAX_AT_ONCE = 64


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an issuer tells of a token: what is signed (`header.payload`), the grant, the ids that were shown for it."""

    input: str
    grant: Grant = Grant.OTHER
    parents: tuple[str, ...] = ()


class Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer to a line, by its number from 1: where its counterfoil is durable, or why there is none."""

    line: int
    index: int = -1
    jti: str = ""
    digest: str = ""
    error: str = ""


def counterfoil_of(
    signing_input: str, *, time: datetime, subject_key: SubjectKey | SubjectKeys | None = None,
    grant: Grant = Grant.OTHER, parents: Sequence[str] = (),
) -> Counterfoil:
    """Return the counterfoil of a token from `header.payload`, without its signature.

    `time`: when it is made. Without `subject_key` it tells no subject. A token without `jti` is known by its digest
    alone. Raises UsageError for what is no such text, or says no kid, alg, iss, iat or exp.
    """
    if len(signing_input) > MAX_TOKEN_BYTES or signing_input.count(".") != 1:
        raise UsageError("no signing input: header.payload in base64url", hint="leave the signature out")
    try:
        found = decoded(f"{signing_input}.")
        payload = from_translated(jws.compact(f"{signing_input}.").payload, "the claims")
    except VerifyError as error:
        raise UsageError(f"no signing input: {error}", hint="header.payload of a JWS in compact form") from error
    header, claims = found.header, found.claims
    issuer, issued = _needed(claims, "iss"), _moment(claims, "iat")
    counter = header.get(countersignature.MEMBER)
    if grant in SECONDARY and not parents:
        raise UsageError(f"{grant} needs the ids of the tokens that were shown", hint="give them as parents")
    return Counterfoil(
        time=time, jti=_text(claims, "jti"), digest=found.digest.hex(), kid=_needed(header, "kid"),
        alg=_needed(header, "alg"), typ=_text(header, "typ"), iss=issuer, aud=_audience(claims),
        subject=pseudonym(subject_key, issuer, claims.get("sub"), issued), tid=_text(claims, "tid"),
        client=_text(claims, "client_id") or _text(claims, "azp"), iat=issued, exp=_moment(claims, "exp"),
        sid=_text(claims, "sid"), grant=grant, parents=tuple(parents), shape=shape_of(header, claims, payload),
        counter_key=countersignature.key_id_of(counter) if isinstance(counter, str) else "",
    )


def record_lines(
    lines: Iterable[bytes], ledger: Ledger, answer: Callable[[Kept], None], *, clock: Callable[[], datetime],
    subject_key: SubjectKey | SubjectKeys | None = None,
) -> int:
    """Record a counterfoil for each line, answer each once it is durable, and return how many were refused.

    Answers come in any order, one at a time. A line that cannot be used is answered with its error, and recording goes
    on. Raises LogError, after which nothing can be recorded, and OSError when nobody reads the answers.
    """
    work = _Recording(ledger, answer, clock, subject_key)
    with ThreadPoolExecutor(MAX_AT_ONCE) as pool:
        for number, line in enumerate(lines, 1):
            work.slots.acquire()
            if work.failed is not None:
                break
            pool.submit(work.one, number, line)
    if work.failed is not None:
        raise work.failed
    return work.refused


class _Recording:
    """Lines under way."""

    def __init__(
        self, ledger: Ledger, answer: Callable[[Kept], None], clock: Callable[[], datetime],
        subject_key: SubjectKey | SubjectKeys | None,
    ) -> None:
        self._ledger, self._answer, self._clock, self._subjects = ledger, answer, clock, subject_key
        self._lock, self.slots = threading.Lock(), threading.BoundedSemaphore(MAX_AT_ONCE)
        self.refused = 0
        self.failed: Exception | None = None

    def one(self, number: int, raw: bytes) -> None:
        """Record one line and answer it."""
        try:
            self._say(self._kept(number, raw))
        except CounterfoilError as error:  # the log is broken: whoever waits for this line must not wait on
            self.failed = self.failed or error
            with contextlib.suppress(OSError):
                self._say(Kept(number, error=str(error)))
        except OSError as error:  # nobody reads the answers
            self.failed = self.failed or error
        finally:
            self.slots.release()

    def _kept(self, number: int, raw: bytes) -> Kept:
        try:
            line = _line(raw)
            stub = counterfoil_of(
                line.input, time=self._clock(), subject_key=self._subjects, grant=line.grant, parents=line.parents
            )
            index = self._ledger.record(stub)
        except (UsageError, InputError) as error:
            return Kept(number, error=f"{error}; {error.hint}" if error.hint else str(error))
        return Kept(number, index, stub.jti, stub.digest)

    def _say(self, kept: Kept) -> None:
        with self._lock:
            self.refused += bool(kept.error)
            self._answer(kept)


def _line(raw: bytes) -> Line:
    if len(raw) > MAX_LINE:
        raise InputError(f"a line is longer than {MAX_LINE} bytes")
    hint = '{"input": "header.payload", "grant": ...}'
    try:
        line = msgspec.json.decode(raw, type=Line)
        twice = duplicate_in(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InputError(f"no line of an issuer: {error}", hint=hint) from error
    if twice is not None:
        raise InputError(f"no line of an issuer: it has {twice[:80]!r} twice", hint=hint)
    return line


def _needed(said: Any, name: str) -> str:
    found = _text(said, name)
    if not found:
        raise UsageError(f"the token has no {name}", hint="without it nobody can tell which token it is")
    return found


def _text(said: Any, name: str) -> str:
    value = said.get(name, "")
    if not isinstance(value, str):
        raise UsageError(f"{name} of the token is no text")
    return value


def _moment(claims: Any, name: str) -> datetime:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_NUMERIC_DATE:
        raise UsageError(f"{name} of the token is no time", hint="seconds since 1970")
    return datetime.fromtimestamp(value, UTC)


def _audience(claims: Any) -> tuple[str, ...]:
    given = claims.get("aud", ())
    told = (given,) if isinstance(given, str) else given
    if not isinstance(told, tuple | list) or not all(isinstance(one, str) for one in told):
        raise UsageError("aud of the token is neither a text nor a list of texts")
    return tuple(told)
