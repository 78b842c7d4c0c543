"""The rules that a token must pass, numbered, each with one reason code; and the error that a refusal is.

V1 to V14 are the rules of validation that the intrusion of 2023 showed necessary. F rules come before them (form and
signature), S1 after them (status), A1 is for SAML. `counterfoil explain CODE` tells these texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from counterfoil.errors import VerifyError
from counterfoil.model.advice import Explanation
from counterfoil.tokens.limits import MAX_QUOTED


@dataclass(frozen=True)
class Rule:
    """One rule. `meaning`: what a refusal by it says; `why`: the attack or mistake it stops; `act`: what to do."""

    id: str
    code: str
    meaning: str
    why: str
    act: str
    source: str


TOO_LARGE = Rule(
    "F1", "token-too-large",
    "the token, its header or its nesting is larger than any genuine one",
    "Size is work for the verifier and its parser, before anything about the token is known.",
    "Ask the issuer why the token is so large; too many groups or roles are the usual cause.",
    "RFC 8725, 2.9 and 3.14",
)
MALFORMED = Rule(
    "F2", "token-malformed",
    "the token is not a JWS in compact form, its base64url is not exact, or its parts are not JSON objects",
    "What two parsers read differently lets an attacker show one thing to the verifier and another to the service.",
    "See that the token arrives unchanged: no quotes, no line breaks, no scheme before it, not cut short.",
    "RFC 7515, 2, 3.1 and 5.2; RFC 4648, 3.5",
)
DUPLICATE = Rule(
    "F3", "duplicate-member",
    "a name occurs twice in the header, the claims or an object inside them",
    "Parsers keep the first or the last of two `iss` claims, so that two services read two issuers in one token.",
    "No issuer writes this by mistake. Look for who made the token.",
    "RFC 7515, 4; RFC 7519, 4",
)
CRITICAL = Rule(
    "F4", "critical-header",
    "the header demands an extension (`crit`, `b64`) that is not implemented here",
    "A verifier that skips what it must understand verifies something else than what was signed.",
    "Have the issuer leave the extension out; none is implemented.",
    "RFC 7515, 4.1.11; RFC 7797, 6",
)
SIGNATURE = Rule(
    "F5", "signature-invalid",
    "the signature does not verify under the key that the token names",
    "The token was altered, or signed by somebody who does not hold the key.",
    "See that the key set is up to date. If it is, the token is not the issuer's.",
    "RFC 7515, 5.2",
)
V1 = Rule(
    "V1", "algorithm-not-allowed",
    "the algorithm is none, symmetric, unknown, or not one that this key may be used with",
    "With `none` nothing is signed; with HS256 the public key is the secret; a key used with two algorithms weakens"
    " both.",
    "Use the algorithm that the policy binds to the key, or change the policy.",
    "RFC 8725, 3.1 and 3.2; RFC 7518, 3.6",
)
V2 = Rule(
    "V2", "key-not-active",
    "the token names no key, an unknown key, or one that is not in use yet, retired, revoked or blocked",
    "The key of 2023 was past its end by two years, and still trusted. A good signature under a dead key means that"
    " somebody has that key.",
    "If the key is new, get the issuer's current key set. If the signature verified, raise the alarm.",
    "RFC 7517, 4.5; OpenID Federation 1.0, 8.7; NIST SP 800-57 part 1, 5.3.4",
)
V3 = Rule(
    "V3", "key-outside-window",
    "the token says it was issued when this key did not sign (before its start, or after its end)",
    "The certificate of 2023 had ended in 2021. Libraries do not look: a JWK has no end of its own.",
    "If the issuer still signs with the key, have it replaced; do not stretch the window to let tokens in.",
    "RFC 5280, 4.1.2.5; OpenID Federation 1.0, 8.7; CSRB 2024, finding on key age",
)
V4 = Rule(
    "V4", "key-not-entitled",
    "the signature is good, but this key may not sign for this issuer, tenant, audience or class of tokens",
    "This is the failure of 2023: a consumer key signed for organisations, and services asked for a signature, not for"
    " an entitlement.",
    "Treat it as a forgery until the issuer explains it. Block the key if it does not.",
    "RFC 8725, 3.8 and 3.12; Microsoft identity platform, access tokens: key issuer",
)
V5 = Rule(
    "V5", "tenant-mismatch",
    "the tenant claim is missing, is no GUID, is not the tenant in the issuer, or is not one that is accepted",
    "Multi-tenant services take the tenant from the token; it must be the one that the issuer speaks for.",
    "See which tenant the service should serve; the policy lists them.",
    "Microsoft identity platform, access tokens: validate the issuer; RFC 8725, 3.8",
)
V6 = Rule(
    "V6", "issuer-not-accepted",
    "the issuer is not one that this flow accepts",
    "Every issuer that a service trusts can name every one of its users.",
    "Add the issuer to the flow only if its tokens are meant for it.",
    "RFC 7519, 4.1.1; RFC 9068, 4; OpenID Connect Core 1.0, 3.1.3.7",
)
V7 = Rule(
    "V7", "audience-not-accepted",
    "the token is meant for somebody else, or for others besides this service",
    "A service that was given a token could use it at every other service that takes it.",
    "Ask for a token of your own audience.",
    "RFC 7519, 4.1.3; RFC 8725, 3.9",
)
V8 = Rule(
    "V8", "token-class-not-accepted",
    "the type, version or another distinguishing claim is not that of the class of tokens that is accepted here",
    "An ID token is no access token. Where both look alike, the one can be used as the other.",
    "Present a token of the right class; the policy says how the class is told.",
    "RFC 8725, 3.11 and 3.12; RFC 9068, 2.1",
)
V9 = Rule(
    "V9", "time-not-valid",
    "the token has expired, is not valid yet, was issued in the future, or lives longer than the policy allows",
    "Forged tokens like to live long. Ten years is no access token's life, whoever signed it.",
    "If it has just expired: get a new one. If clocks differ: set them. Otherwise ask who made it.",
    "RFC 7519, 4.1.4 to 4.1.6; NIST IR 8587: lifetimes of at most an hour",
)
V10 = Rule(
    "V10", "claim-missing",
    "a claim that must be there is not, or is not of its type",
    "Without expiry a token lives for ever; without an id nobody can tell whether its issuer issued it.",
    "Have the issuer add the claim.",
    "RFC 9068, 2.2; RFC 7519, 2 and 4.1",
)
V11 = Rule(
    "V11", "actor-not-allowed",
    "somebody acts for the subject who may not, in another tenant, or without a signature of his own",
    "Unsigned, unlogged actor tokens let anybody be anyone in every tenant (CVE-2025-55241).",
    "List the actor in the flow only if it may act for every user of the service.",
    "RFC 8693, 4.1; CVE-2025-55241",
)
V12 = Rule(
    "V12", "binding-not-proven",
    "the token is bound to a key or certificate that its presenter did not prove to hold, or should be and is not",
    "A stolen token is worth nothing to somebody without the key that it is bound to.",
    "Send the DPoP proof, or present the certificate, that the token was issued for.",
    "RFC 9449, 4.3 and 7.1; RFC 8705, 3",
)
V13 = Rule(
    "V13", "renewal-not-allowed",
    "a token that is no authorization server's was given to a place that renews or exchanges tokens",
    "In 2023 a service renewed the tokens that it had issued itself, so that one forged token lived for ever.",
    "Renew with a token of the authorization server.",
    "RFC 8693, 2.1; Microsoft 2023-07-14: GetAccessTokenForResource",
)
V14 = Rule(
    "V14", "key-in-header",
    "the header brings a key or says where to fetch one (`jwk`, `jku`, `x5u`, `x5c`)",
    "A token that says which key verifies it verifies itself.",
    "Have the issuer leave it out and publish its keys.",
    "RFC 8725, 3.10; RFC 7515, 10.5",
)
V15 = Rule(
    "V15", "counterfoil-not-proven",
    "the token has no counter-signature, or one that is not of these claims by a key that counter-signs",
    "Whoever stole the signing key can sign anything. The counter-signature is made by another key in another custody,"
    " where the issuer keeps the counterfoil: without it the token was not minted.",
    "Treat it as a forgery with the issuer's own key: block that key, and ask the ledger for the token's id.",
    "docs/reference/counter-signature.md; RFC 7515, Appendix F",
)
STATUS = Rule(
    "S1", "status-not-valid",
    "the issuer says that the token is revoked or suspended, or nothing that says it is valid was shown",
    "A signature says that a token was issued, not that it still stands.",
    "Get a new token. If the status could not be fetched, fetch it again.",
    "Token Status List (draft-ietf-oauth-status-list), 8.3; RFC 7662, 2.2",
)
BLOCK_LIST = Rule(
    "B1", "block-list-not-valid",
    "a block list is not signed by a key that the policy pins for it, names its own signer, is older than one that was"
    " seen, or has ended",
    "Whoever can show an old or a made-up list can make a blocked key good again, or a good one blocked.",
    "Fetch the list again. If its number fell, ask the issuer who published it; what was seen last goes on to hold.",
    "docs/reference/block-lists.md; The Update Framework, 5.3: rollback and freeze attacks",
)
WRAPPED = Rule(
    "A1", "assertion-not-signed",
    "the signature does not cover the assertion itself, or the document holds more than one",
    "Signature wrapping: one element carries the signature, and the service reads another.",
    "Have the issuer sign the assertion itself, in a response with one assertion.",
    "SAML 2.0 Core, 5.4; Somorovsky et al., On Breaking SAML (USENIX Security 2012)",
)

RULES: tuple[Rule, ...] = (
    TOO_LARGE, MALFORMED, DUPLICATE, CRITICAL, SIGNATURE,
    V1, V2, V3, V4, V5, V6, V7, V8, V9, V10, V11, V12, V13, V14, V15, STATUS, BLOCK_LIST, WRAPPED,
)
BY_CODE: Mapping[str, Rule] = {rule.code: rule for rule in RULES}


def explanation(code: str) -> Explanation | None:
    """Return what is known of a reason of refusal, by its code or its rule's number; None for any other."""
    rule = next((rule for rule in RULES if code in (rule.code, rule.id)), None)
    if rule is None:
        return None
    sort = f"reason of refusal, rule {rule.id}"
    return Explanation(rule.code, sort, rule.meaning, f"{rule.why} Source: {rule.source}.", (rule.act,))


def refused(rule: Rule, check: str, expected: str, got: str) -> VerifyError:
    """Return the error that refuses a token by this rule. `got` is already quoted where it comes from the token."""
    return VerifyError(
        f"{rule.code} ({rule.id}, {check}): expected {expected}, got {got}",
        code=rule.code, rule=rule.id, check=check, expected=expected, got=got, hint=rule.act, source=rule.source,
    )


def quoted(value: object) -> str:
    """Return a token's value for an error: texts quoted and cut, numbers as they are, the rest by type."""
    if isinstance(value, str):
        return repr(value if len(value) <= MAX_QUOTED else value[: MAX_QUOTED - 1] + "…")
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return format(value, ".15g") if isinstance(value, float) else str(value)[:MAX_QUOTED]
    return "an object" if isinstance(value, Mapping) else "an array"


def when(seconds: float) -> str:
    """Return a time of a token for an error, in UTC; as it is if it cannot be a time."""
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (ValueError, OverflowError, OSError):
        return format(seconds, ".15g")


def listed(values: Iterable[str]) -> str:
    """Return accepted values for an error, a few of them; sets in order."""
    known = sorted(values) if isinstance(values, frozenset) else list(values)
    shown = ", ".join(known[:4])
    return shown + (f" or {len(known) - 4} more" if len(known) > 4 else "") if known else "nothing"
