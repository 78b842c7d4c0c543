"""SAML assertions: the rules as for other tokens, and the attacks that XML adds."""

from __future__ import annotations

import base64
import copy
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureConstructionMethod, SignatureMethod
from signxml.signer import XMLSigner

from counterfoil.errors import UsageError, VerifyError
from counterfoil.relying.replays import ProcessReplays
from counterfoil.tokens import limits
from counterfoil.tokens.entitlement import IssuerPattern
from counterfoil.tokens.policy import TokenPolicy
from counterfoil.tokens.saml import SamlVerifier, _covered
from counterfoil.tokens.verifier import Verifier

from .making import CONSUMERS, NOW, OTHER_TENANT, TENANT, b64, key
from .test_keyset import certificate

STS = "https://sts.example/{tenantid}/"
ISSUER = STS.replace("{tenantid}", TENANT)
AUDIENCE = "https://mail.example/saml"
ACS = "https://mail.example/acs"
TENANT_ATTRIBUTE = "http://schemas.microsoft.com/identity/claims/tenantid"
NAMESPACES = (
    'xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"'
    ' xmlns:ds="http://www.w3.org/2000/09/xmldsig#"'
)
POLICY = f"""
schema = "counterfoil.token-policy/1"
[[keys]]
file = "idp.pem"
issuers = ["{STS}"]
classes = ["saml"]
algorithms = ["RS256", "ES256"]
[[keys.key]]
kid = "KID-RETIRED"
state = "retired"
[[keys.key]]
kid = "KID-OTHER"
tenants = ["{OTHER_TENANT}"]
[[flow]]
name = "saml"
class = "saml"
issuers = ["{STS}"]
tenants = ["{TENANT}"]
audiences = ["{AUDIENCE}"]
recipients = ["{ACS}"]
[[flow]]
name = "api"
class = "access"
issuers = ["{STS}"]
tenants = ["*"]
audiences = ["a"]
"""


# What no reader shows and some readers trim.
BLANKS = {
    "a space": " ", "a line break": "\n", "a no-break space": "\u00a0", "an em space": "\u2003",
    "an ideographic space": "\u3000", "a zero-width space": "\u200b", "a byte order mark": "\ufeff",
    "a Hangul filler": "\u3164", "a Braille blank": "\u2800", "a right-to-left mark": "\u200f",
}


def kid(name: str, year: int = 2026) -> str:
    """Return the key id of a certificate."""
    return b64(certificate(name, year).fingerprint(hashes.SHA256()))


@cache
def policy() -> TokenPolicy:
    """Return the policy: a current RSA and EC key, a retired one, one of another tenant, one that ended in 2021."""
    known = [certificate(name) for name in ("rsa", "ec", "rsa-retired", "rsa-other")] + [certificate("rsa-old", 2020)]
    text = POLICY.replace("KID-RETIRED", kid("rsa-retired")).replace("KID-OTHER", kid("rsa-other"))
    return TokenPolicy.from_toml(text, {"idp.pem": b"".join(one.public_bytes(Encoding.PEM) for one in known)})


@cache
def verifier() -> SamlVerifier:
    """Return the verifier."""
    return SamlVerifier(policy(), "saml")



def when(seconds: int) -> str:
    """Return a time as SAML writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def assertion(change: Callable[[str], str] = lambda text: text) -> str:
    """Return an assertion, not signed, with a change to its text."""
    return change(f"""<saml:Assertion {NAMESPACES} ID="_a1" Version="2.0" IssueInstant="{when(NOW - 60)}">
<saml:Issuer>{ISSUER}</saml:Issuer><ds:Signature Id="placeholder"></ds:Signature>
<saml:Subject><saml:NameID>alice@contoso.example</saml:NameID>
<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">
<saml:SubjectConfirmationData NotOnOrAfter="{when(NOW + 300)}" Recipient="{ACS}"/></saml:SubjectConfirmation>
</saml:Subject>
<saml:Conditions NotBefore="{when(NOW - 60)}" NotOnOrAfter="{when(NOW + 1800)}">
<saml:AudienceRestriction><saml:Audience>{AUDIENCE}</saml:Audience></saml:AudienceRestriction></saml:Conditions>
<saml:AuthnStatement AuthnInstant="{when(NOW - 60)}" SessionIndex="_s1"/>
<saml:AttributeStatement><saml:Attribute Name="{TENANT_ATTRIBUTE}"><saml:AttributeValue>{TENANT}</saml:AttributeValue>
</saml:Attribute><saml:Attribute Name="role"><saml:AttributeValue>reader</saml:AttributeValue>
<saml:AttributeValue>writer</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion>""")


def signed(
    text: str, name: str = "rsa", method: SignatureMethod = SignatureMethod.RSA_SHA256, *, year: int = 2026,
    digest: DigestAlgorithm = DigestAlgorithm.SHA256, reference: str | None = "_a1", cert: bool = True,
) -> str:
    """Return the text with its signature."""
    signer = XMLSigner(
        SignatureConstructionMethod.enveloped, method, digest,
        CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    private = key(name)
    assert isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    root = signer.sign(
        etree.fromstring(text), key=private, cert=[certificate(name, year)] if cert else None, reference_uri=reference,
    )
    return str(etree.tostring(root), "ascii")


def genuine(change: Callable[[str], str] = lambda text: text) -> str:
    """Return a signed assertion, the change being signed too."""
    return signed(assertion(change))


def response(inner: str) -> str:
    """Return a response around."""
    status = '<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>'
    head = f'<samlp:Response {NAMESPACES} ID="_r1" Version="2.0"><saml:Issuer>{ISSUER}</saml:Issuer>'
    return f"{head}{status}{inner}</samlp:Response>"


def swap(old: str, new: str) -> Callable[[str], str]:
    """Return a change of a text that must be there."""

    def change(text: str) -> str:
        assert old in text, old
        return text.replace(old, new)

    return change


def _evil() -> str:
    return assertion(swap("alice@", "admin@")).replace('ID="_a1"', 'ID="_evil"').replace(
        '<ds:Signature Id="placeholder"></ds:Signature>', ""
    )


def _signature(text: str) -> str:
    found = re.search(r"<ds:Signature.*</ds:Signature>", text, re.DOTALL)
    assert found
    return found.group()


def _moved(text: str) -> str:
    """Return a forged assertion that carries the signature of the genuine one, which sits inside an extension."""
    inner = text.replace(_signature(text), "")
    wrapped = _signature(text).replace("</ds:Signature>", f"<ds:Object>{inner}</ds:Object></ds:Signature>")
    return _evil().replace("<saml:Subject>", f"{wrapped}<saml:Subject>", 1)


def put(place: str, text: str) -> Callable[[str], str]:
    """Return a change that puts a text before a place."""
    return swap(place, text + place)


NAMED = f"<saml:Audience>{AUDIENCE}</saml:Audience>"
RESTRICTED = f"<saml:AudienceRestriction>{NAMED}</saml:AudienceRestriction>"
TOLD = f"<saml:AttributeValue>{TENANT}</saml:AttributeValue>"
REFUSED: dict[str, tuple[str, str, Callable[[], str | bytes]]] = {
    f"{rule} {check}: {sentence}": (rule, check, made)
    for rule, check, sentence, made in (
        ("F1", "document", "larger than any", lambda: b" " * (limits.MAX_ASSERTION_BYTES + 1)),
        ("F1", "attributes", "more attributes than any",
         lambda: genuine(swap("<saml:AttributeValue>reader", "<saml:AttributeValue>x</saml:AttributeValue>" * 1100
                              + "<saml:AttributeValue>reader"))),
        ("F2", "xml", "no XML", lambda: "SAMLResponse"),
        ("F2", "xml", "nothing", lambda: ""),
        ("F2", "dtd", "a DTD", lambda: "<!DOCTYPE x>" + genuine()),
        ("F2", "dtd", "a DTD with entities", lambda: '<!DOCTYPE x [<!ENTITY e "v">]>' + genuine()),
        ("F2", "comment", "a comment in the name",
         lambda: genuine(swap("alice@contoso.example", "admin@contoso.example<!-- -->.evil.example"))),
        ("F2", "comment", "an instruction", lambda: genuine().replace("<saml:Subject>", "<?x y?><saml:Subject>")),
        ("F2", "assertion", "an assertion of SAML 1.1",
         lambda: genuine().replace("urn:oasis:names:tc:SAML:2.0:assertion", "urn:oasis:names:tc:SAML:1.0:assertion")),
        ("F2", "version", "another version", lambda: genuine(swap('Version="2.0"', 'Version="3.0"'))),
        ("F5", "signature", "an empty signature",
         lambda: re.sub(r"(SignatureValue>)[^<]*", r"\1", genuine())),
        ("F2", "assertion", "an encrypted assertion", lambda: response("<saml:EncryptedAssertion/>")),
        ("F3", "id", "two elements of one ID",
         lambda: response(genuine()).replace('ID="_r1"', 'ID="_a1"')),
        ("F4", "condition", "a condition that is unknown",
         lambda: genuine(swap("</saml:Conditions>", "<saml:Condition/></saml:Conditions>"))),
        ("F4", "condition", "a condition of another namespace",
         lambda: genuine(put("</saml:Conditions>", '<e:OneTimeUse xmlns:e="urn:e"/>'))),
        ("F4", "condition", "a restriction of another namespace",
         lambda: genuine(put("</saml:Conditions>", '<e:AudienceRestriction xmlns:e="urn:e"/>'))),
        ("F4", "condition", "a restriction of no namespace",
         lambda: genuine(put("</saml:Conditions>", '<AudienceRestriction/>'))),
        ("F4", "condition", "an audience within another's condition",
         lambda: genuine(swap(RESTRICTED, f'<e:OneTimeUse xmlns:e="urn:e">{NAMED}</e:OneTimeUse>'))),
        ("F4", "condition", "an audience without a restriction", lambda: genuine(swap(RESTRICTED, NAMED))),
        ("F5", "signature", "another subject", lambda: genuine().replace("alice@", "admin@")),
        ("F5", "signature", "an unknown key, without certificate",
         lambda: signed(assertion(), "rsa-thief", cert=False)),
        ("V1", "known", "SHA-1",
         lambda: genuine().replace("2001/04/xmldsig-more#rsa-sha256", "2000/09/xmldsig#rsa-sha1")),
        ("V1", "known", "a MAC", lambda: genuine().replace("xmldsig-more#rsa-sha256", "xmldsig-more#hmac-sha256")),
        ("V1", "bound", "an algorithm that the policy does not bind",
         lambda: signed(assertion(), method=SignatureMethod.RSA_SHA512)),
        ("F5", "signature", "a digest by SHA-1",
         lambda: genuine().replace("http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2000/09/xmldsig#sha1")),
        ("V2", "known", "an unknown certificate", lambda: signed(assertion(), "rsa-thief")),
        ("V2", "known", "a certificate that is none",
         lambda: re.sub(r"(X509Certificate>)[^<]*", r"\1?", genuine())),
        ("V2", "state", "a retired key", lambda: signed(assertion(), "rsa-retired")),
        ("V3", "end", "a certificate that ended in 2021", lambda: signed(assertion(), "rsa-old", year=2020)),
        ("V4", "tenant", "the key of another tenant", lambda: signed(assertion(), "rsa-other")),
        ("V5", "tid", "no tenant", lambda: genuine(swap(TENANT_ATTRIBUTE, "other"))),
        ("V5", "accepted", "another tenant",
         lambda: genuine(swap(TENANT, OTHER_TENANT))),
        ("V4", "issuer", "the issuer of another tenant",
         lambda: genuine(swap(ISSUER, STS.replace("{tenantid}", CONSUMERS)))),
        ("V7", "audience", "another audience", lambda: genuine(swap(AUDIENCE, "https://files.example"))),
        ("V7", "audience", "another audience besides",
         lambda: genuine(swap("</saml:Audience>", "</saml:Audience><saml:Audience>other</saml:Audience>"))),
        ("V10", "aud", "no audience", lambda: genuine(swap(f"<saml:Audience>{AUDIENCE}</saml:Audience>", ""))),
        ("V10", "aud", "no restriction", lambda: genuine(swap(RESTRICTED, ""))),
        ("V10", "aud", "an audience of assertions that we would issue",
         lambda: genuine(swap(RESTRICTED, f'<saml:ProxyRestriction Count="0">{NAMED}</saml:ProxyRestriction>'))),
        ("V10", "aud", "an audience where it is used once",
         lambda: genuine(swap(RESTRICTED, f"<saml:OneTimeUse>{NAMED}</saml:OneTimeUse>"))),
        ("V10", "aud", "an audience deeper in the restriction",
         lambda: genuine(swap(NAMED, f'<e:x xmlns:e="urn:e">{NAMED}</e:x>'))),
        ("V10", "aud", "an audience of another namespace",
         lambda: genuine(swap(NAMED, f'<e:Audience xmlns:e="urn:e">{AUDIENCE}</e:Audience>'))),
        ("V10", "aud", "a restriction to nobody besides",
         lambda: genuine(put("</saml:Conditions>", "<saml:AudienceRestriction/>"))),
        ("V7", "audience", "a restriction to another service besides",
         lambda: genuine(put("</saml:Conditions>", RESTRICTED.replace(AUDIENCE, "https://files.example")))),
        ("F3", "tid", "two values of the tenant",
         lambda: genuine(swap(TOLD, TOLD + TOLD.replace(TENANT, OTHER_TENANT)))),
        ("F3", "tid", "an empty value of the tenant besides",
         lambda: genuine(swap(TOLD, "<saml:AttributeValue/>" + TOLD))),
        ("F3", "tid", "the tenant in two attributes", lambda: genuine(put(
            "</saml:AttributeStatement>",
            f'<saml:Attribute Name="{TENANT_ATTRIBUTE}">{TOLD.replace(TENANT, OTHER_TENANT)}</saml:Attribute>'))),
        ("F2", "tid", "a tenant with an element",
         lambda: genuine(swap(f"{TENANT}</saml:AttributeValue>", f"{TENANT}<b/></saml:AttributeValue>"))),
        ("V7", "recipient", "another recipient", lambda: genuine(swap(ACS, "https://files.example/acs"))),
        ("V7", "recipient", "no recipient", lambda: genuine(swap(f' Recipient="{ACS}"', ""))),
        ("V9", "confirmation", "a confirmation that ended", lambda: genuine(swap(when(NOW + 300), when(NOW - 60)))),
        ("V9", "confirmation", "a confirmation without end",
         lambda: genuine(swap(f'NotOnOrAfter="{when(NOW + 300)}" ', ""))),
        ("V9", "exp", "expired", lambda: genuine(swap(when(NOW + 1800), when(NOW - 60)))),
        ("V9", "lifetime", "longer than an hour", lambda: genuine(swap(when(NOW + 1800), when(NOW + 86400)))),
        ("V9", "nbf", "not valid yet",
         lambda: genuine(swap(f'NotBefore="{when(NOW - 60)}"', f'NotBefore="{when(NOW + 61)}"'))),
        ("V10", "exp", "without end", lambda: genuine(swap(f' NotOnOrAfter="{when(NOW + 1800)}"', ""))),
        ("V10", "nbf", "without beginning", lambda: genuine(swap(f' NotBefore="{when(NOW - 60)}"', ""))),
        ("V10", "IssueInstant", "a time without Z", lambda: genuine(swap(f'IssueInstant="{when(NOW - 60)}"',
                                                                        f'IssueInstant="{when(NOW - 60)[:-1]}"'))),
        ("V10", "Conditions", "without conditions",
         lambda: genuine(lambda text: re.sub(r"<saml:Conditions.*</saml:Conditions>", "", text, flags=re.DOTALL))),
        ("V10", "iss", "without issuer", lambda: genuine(swap(f"<saml:Issuer>{ISSUER}</saml:Issuer>", ""))),
        ("V10", "sub", "without name", lambda: genuine(swap("alice@contoso.example", ""))),
        ("V12", "confirmation", "holder of key", lambda: genuine(swap("cm:bearer", "cm:holder-of-key"))),
        ("V12", "confirmation", "two confirmations",
         lambda: genuine(swap("</saml:Subject>", '<saml:SubjectConfirmation Method="x"/></saml:Subject>'))),
        ("S1", "response", "a response that tells failure",
         lambda: response(genuine()).replace("status:Success", "status:Responder")),
        ("S1", "response", "a response without status",
         lambda: re.sub(r"<samlp:Status>.*</samlp:Status>", "", response(genuine()))),
        ("A1", "signature", "no signature",
         lambda: assertion(swap('<ds:Signature Id="placeholder"></ds:Signature>', ""))),
        ("A1", "signature", "two signatures",
         lambda: genuine().replace("<saml:Subject>", "<ds:Signature/><saml:Subject>")),
        ("A1", "one", "a forged assertion before the genuine one", lambda: response(_evil() + genuine())),
        ("A1", "one", "a forged assertion after the genuine one", lambda: response(genuine() + _evil())),
        ("A1", "one", "the genuine one inside the forged one's signature", lambda: _moved(genuine())),
        ("A1", "one", "the genuine one in an extension of a response with a forged one",
         lambda: response(f"<samlp:Extensions>{genuine()}</samlp:Extensions>{_evil()}")),
        ("A1", "one", "an encrypted one besides", lambda: response(genuine() + "<saml:EncryptedAssertion/>")),
        ("A1", "one", "none", lambda: response("")),
        ("A1", "place", "one in an extension alone",
         lambda: response(f"<samlp:Extensions>{genuine()}</samlp:Extensions>")),
        ("A1", "place", "one in something else", lambda: f"<x>{genuine()}</x>"),
        ("A1", "reference", "a signature over something else",
         lambda: genuine().replace('URI="#_a1"', 'URI="#_b"')),
        ("A1", "reference", "a signature over the whole document", lambda: genuine().replace('URI="#_a1"', 'URI=""')),
        ("A1", "reference", "no ID", lambda: genuine().replace(' ID="_a1"', "")),
        ("A1", "transform", "a transform by program",
         lambda: genuine().replace("2000/09/xmldsig#enveloped-signature", "TR/1999/REC-xslt-19991116")),
    )
}


CONFIRMED, SESSION = "<saml:SubjectConfirmationData ", 'SessionIndex="_s1"'
# Rule, check, and a change that is signed: what two readers read in two ways.
READ: dict[str, tuple[str, str, Callable[[str], str]]] = {
    "a name that an element cuts in two": ("F2", "sub", swap("alice@contoso", "admin<b/>@evil")),
    "a name inside an element": ("F2", "sub", swap("alice@contoso.example", "<b>admin</b>")),
    "two names": ("F3", "NameID", put("<saml:SubjectConfirmation ", "<saml:NameID>admin</saml:NameID>")),
    "two subjects": ("F3", "Subject", put("<saml:Conditions", "<saml:Subject/>")),
    "two issuers": ("F3", "Issuer", put("<saml:Subject>", "<saml:Issuer>x</saml:Issuer>")),
    "an issuer with an element": ("F2", "iss", swap(f"{ISSUER}<", f"{ISSUER}<b/><")),
    "an audience with an element": ("F2", "aud", swap(f"{AUDIENCE}<", f"{AUDIENCE}<b/><")),
    "an issuer with a blank that is not XML's": ("V4", "issuer", swap(f"{ISSUER}<", f"{ISSUER}\u00a0<")),
    "an audience with a blank that is not XML's": ("V7", "audience", swap(f"{AUDIENCE}<", f"{AUDIENCE}\u2003<")),
    "a confirmation that has not begun":
        ("V9", "confirmation begin", swap(CONFIRMED, f'{CONFIRMED}NotBefore="{when(NOW + 61)}" ')),
    "a session that is over": ("V9", "session", put(SESSION, f'SessionNotOnOrAfter="{when(NOW - 60)}" ')),
    "a session that ends at no time": ("V10", "SessionNotOnOrAfter", put(SESSION, 'SessionNotOnOrAfter="never" ')),
    "two statements of sign-in":
        ("F3", "AuthnStatement", put("<saml:AuthnStatement", f'<saml:AuthnStatement AuthnInstant="{when(NOW)}"/>')),
    **{
        f"a name with {name} {where} it": ("V10", "sub", swap("alice@contoso.example", text))
        for name, blank in BLANKS.items()
        for where, text in (("before", f"{blank}admin"), ("behind", f"admin{blank}"))
    },
}


@pytest.mark.parametrize(("rule", "check", "change"), READ.values(), ids=READ)
def test_what_has_two_readings_is_refused(rule: str, check: str, change: Callable[[str], str]) -> None:
    """Signed as it is: one service would see another user, issuer or time than the next."""
    with pytest.raises(VerifyError) as caught:
        verifier().verify(genuine(change).encode(), at=NOW)
    assert (caught.value.rule, caught.value.check) == (rule, check)


MUCH = {
    "attributes": " ".join(f'a{number}=""' for number in range(33)),
    "namespaces": " ".join(f'xmlns:a{number}="u"' for number in range(33)),
    "both": " ".join(f'xmlns:a{number}="u" a{number}=""' for number in range(17)),
    "levels": f">{'<a>' * 32}{'</a>' * 32}<saml:x/",
}


@pytest.mark.parametrize("much", MUCH.values(), ids=MUCH)
def test_what_makes_canonical_form_slow_is_refused_before_it(much: str) -> None:
    """More attributes, namespaces or levels than any issuer writes: no signature has been looked at."""
    with pytest.raises(VerifyError, match="F1, element") as caught:
        verifier().verify(genuine().replace("<saml:Subject>", f"<saml:Subject {much}>").encode(), at=NOW)
    assert not caught.value.signature_verified


@pytest.mark.parametrize(("rule", "check", "made"), REFUSED.values(), ids=REFUSED)
def test_an_assertion_that_breaks_one_rule_is_refused(rule: str, check: str, made: Callable[[], str | bytes]) -> None:
    """The refusal names rule and check."""
    text = made()
    with pytest.raises(VerifyError) as caught:
        verifier().verify(text if isinstance(text, bytes) else text.encode(), at=NOW)
    assert (caught.value.rule, caught.value.check) == (rule, check)
    if rule.startswith("V") and check not in {"known", "bound"}:
        assert caught.value.signature_verified
        assert caught.value.key_id in policy().keys.keys


GENUINE: dict[str, Callable[[], str]] = {
    "alone": genuine,
    "in a response": lambda: response(genuine()),
    "signed by the EC key": lambda: signed(assertion(), "ec", SignatureMethod.ECDSA_SHA256),
    "without its certificate, so that the keys are tried":
        lambda: signed(assertion(), "ec", SignatureMethod.ECDSA_SHA256, cert=False),
    "with a long digest": lambda: signed(assertion(), digest=DigestAlgorithm.SHA512),
    "with XML's blanks around issuer and audience": lambda: genuine(
        lambda text: text.replace(f"{ISSUER}<", f"\n {ISSUER}\t\r\n<").replace(f"{AUDIENCE}<", f"\n\t{AUDIENCE} <")),
    "with a confirmation that has begun": lambda: genuine(
        swap(CONFIRMED, f'{CONFIRMED}NotBefore="{when(NOW + 60)}" ')),
    "with a session that lasts": lambda: genuine(
        put(SESSION, f'SessionNotOnOrAfter="{when(NOW - 59)}" ')),
    "with a restriction of what we would issue": lambda: genuine(put(
        "</saml:Conditions>", f'<saml:ProxyRestriction>{NAMED.replace(AUDIENCE, "x")}</saml:ProxyRestriction>')),
    "with two restrictions, both to this service": lambda: genuine(put("</saml:Conditions>", RESTRICTED)),
    "to be used once": lambda: genuine(swap("</saml:Conditions>", "<saml:OneTimeUse/></saml:Conditions>")),
}


@pytest.mark.parametrize("made", GENUINE.values(), ids=GENUINE)
def test_a_genuine_assertion_is_accepted(made: Callable[[], str]) -> None:
    """Claims come back under the names of JWT; attributes with all their values, frozen."""
    found = verifier().verify(made().encode(), at=datetime.fromtimestamp(NOW, UTC))
    told = {name: found.claims[name] for name in ("iss", "sub", "jti", "sid", "tid", "iat", "exp")}
    assert told == {
        "iss": ISSUER, "sub": "alice@contoso.example", "jti": "_a1", "sid": "_s1", "tid": TENANT, "iat": NOW - 60,
        "exp": NOW + 1800,
    }
    assert found.claims["attributes"]["role"] == ("reader", "writer")
    assert (found.tenant, set(found.audience), found.token_class) == (TENANT, {AUDIENCE}, "saml")
    assert found.key_id in {kid("rsa"), kid("ec")}
    assert len(found.digest) == 32


def test_a_policy_can_ask_for_a_statement_of_sign_in() -> None:
    """`required = ["auth_time"]`: an assertion without AuthnStatement passes only where nobody asks."""
    flow = replace(policy().flow("saml"), required=(("auth_time",),))
    asking = SamlVerifier(TokenPolicy(policy().keys, {"saml": flow}))
    assert asking.verify(genuine().encode(), at=NOW).claims["auth_time"] == NOW - 60
    bare = genuine(lambda text: re.sub(r"<saml:AuthnStatement[^>]*/>", "", text)).encode()
    assert "auth_time" not in verifier().verify(bare, at=NOW).claims
    with pytest.raises(VerifyError, match="V10, auth_time"):
        asking.verify(bare, at=NOW)


def test_an_assertion_is_good_once_where_it_is_remembered() -> None:
    """SAML 2.0 Profiles, 4.1.4.5; another of the same issuer passes, and without a memory it is the caller's duty."""
    used, text = ProcessReplays(), genuine().encode()
    for _ in range(2):
        assert verifier().verify(text, at=NOW)
    assert verifier().verify(text, at=NOW, replays=used)
    with pytest.raises(VerifyError, match="V12, replay"):
        verifier().verify(text, at=NOW + 59, replays=used)
    other = signed(assertion(swap('ID="_a1"', 'ID="_a2"')), reference="_a2").encode()
    assert verifier().verify(other, at=NOW, replays=used)


def test_an_attribute_is_read_as_it_is_written() -> None:
    """XML's blanks go, other blanks stay to be seen; a value with elements in it is no text."""
    text = genuine(lambda text: text.replace(">reader<", ">\n admin\u00a0 <").replace(">writer<", "><b>admin</b><"))
    found = verifier().verify(text.encode(), at=NOW)
    assert found.claims["attributes"]["role"] == ("admin\u00a0",)


@pytest.mark.parametrize("given", [None, 7, "<a/>", [], {}])
def test_what_is_no_document_is_refused(given: Any) -> None:
    """A framework's way to say that there is none is no exception of another's."""
    with pytest.raises(VerifyError, match="F2, document"):
        verifier().verify(given, at=NOW)


def test_an_issuer_that_only_the_key_allows_is_refused() -> None:
    """V6: key and tenant are in order, the flow does not know the issuer."""
    other = replace(policy().flow("saml"), issuers=(IssuerPattern.of("https://x"),))
    narrow = SamlVerifier(TokenPolicy(policy().keys, {"saml": other}))
    with pytest.raises(VerifyError, match="V6, issuer"):
        narrow.verify(genuine().encode(), at=NOW)


def test_only_keys_with_a_certificate_are_tried() -> None:
    """A key set without certificates verifies no assertion."""
    import json

    from .making import jwk

    text = POLICY.replace("KID-RETIRED", "x").replace("KID-OTHER", "y").replace("idp.pem", "k")
    bare = SamlVerifier(TokenPolicy.from_toml(text, {"k": json.dumps({"keys": [jwk("rsa")]}).encode()}), "saml")
    with pytest.raises(VerifyError, match="V2, known"):
        bare.verify(genuine().encode(), at=NOW)


def test_a_good_signature_over_something_else_is_refused() -> None:
    """A1, covers: the last look, at what the library says was signed, should the looks before it ever miss one."""
    inner = assertion(swap("<saml:Subject>", '<saml:Subject ID="_b">'))
    text = signed(inner, reference="_b")
    [known] = [known for known in policy().keys.keys.values() if known.id == kid("rsa")]
    with pytest.raises(VerifyError, match="A1, covers"):
        _covered(etree.fromstring(text), known, SignatureMethod.RSA_SHA256)


def test_a_flow_for_other_tokens_is_a_mistake_of_the_callers() -> None:
    """And so is a time without offset."""
    with pytest.raises(UsageError, match="of class saml"):
        Verifier(policy(), "saml")
    with pytest.raises(UsageError, match="not of class saml"):
        SamlVerifier(policy(), "api")
    with pytest.raises(UsageError, match="offset"):
        verifier().verify(genuine().encode(), at=datetime(2026, 5, 28))  # noqa: DTZ001  # the mistake


def _drop(node: etree._Element) -> None:
    parent = node.getparent()
    if parent is not None:
        parent.remove(node)


def _empty(node: etree._Element) -> None:
    for child in list(node):
        node.remove(child)
    node.text = None


def _double(node: etree._Element) -> None:
    parent = node.getparent()
    if parent is not None:
        parent.append(copy.deepcopy(node))


def _rename(node: etree._Element) -> None:
    node.tag = "{urn:x}y"


def _strip(node: etree._Element) -> None:
    node.attrib.clear()


@pytest.mark.parametrize("change", [_drop, _empty, _double, _rename, _strip], ids=lambda change: change.__name__[1:])
def test_every_element_changed_is_refused_or_changes_no_claim(change: Callable[[etree._Element], None]) -> None:
    """One element at a time, signed or not: nothing but our own error comes out, and no other claims."""
    base = etree.fromstring(response(genuine()).encode())
    expected = verifier().verify(etree.tostring(base), at=NOW).claims
    for place in range(len(list(base.iter()))):
        root = copy.deepcopy(base)
        change(list(root.iter())[place])
        try:
            found = verifier().verify(etree.tostring(root), at=NOW)
        except VerifyError:
            continue
        assert found.claims == expected


def test_no_refusal_holds_the_assertion() -> None:
    """No signature value, no certificate."""
    text = genuine().replace("alice@", "admin@")
    with pytest.raises(VerifyError) as caught:
        verifier().verify(text.encode(), at=NOW)
    value = re.search(r"SignatureValue>([^<]{40})", text)
    assert value
    assert value.group(1) not in repr(vars(caught.value))
    assert base64.b64encode(certificate("rsa").public_bytes(Encoding.DER)).decode()[:40] not in repr(vars(caught.value))
