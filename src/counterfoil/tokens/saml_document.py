"""A SAML 2.0 document: parsed without DTD, its one assertion found, and the signed assertion read as claims.

Claims are read from what the signature covers, never from the document that was sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from lxml import etree

from counterfoil.tokens import rules
from counterfoil.tokens.limits import MAX_ASSERTION_BYTES, MAX_DEPTH, MAX_MEMBERS
from counterfoil.tokens.rules import quoted, refused, when

ASSERTION = "{urn:oasis:names:tc:SAML:2.0:assertion}"
PROTOCOL = "{urn:oasis:names:tc:SAML:2.0:protocol}"
SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}"
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
# Entra's attribute for the tenant, which the issuer must agree with.
TENANT_ATTRIBUTE = "http://schemas.microsoft.com/identity/claims/tenantid"
# SAML 2.0 Core, 5.4.4: the only transforms that a signature may have.
TRANSFORMS = frozenset(
    {
        "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
        "http://www.w3.org/2001/10/xml-exc-c14n#",
        "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
    }
)
# Conditions that are understood; SAML 2.0 Core, 2.5.1.1: an unknown one makes the assertion invalid.
_CONDITIONS = frozenset({"AudienceRestriction", "OneTimeUse", "ProxyRestriction"})
_UTC = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z")


def assertion_in(document: bytes) -> etree._Element:
    """Return the one assertion of a response, or the assertion that the document is. Not verified yet."""
    root = _parsed(document)
    for node in root.iter():
        if not isinstance(node.tag, str):  # comments and processing instructions split texts in two
            raise refused(rules.MALFORMED, "comment", "elements and texts only", "a comment or an instruction")
    found = [node for node in root.iter() if etree.QName(node).localname in ("Assertion", "EncryptedAssertion")]
    if len(found) != 1:
        raise refused(rules.WRAPPED, "one", "one assertion in the document", str(len(found)))
    assertion = found[0]
    if assertion.tag != f"{ASSERTION}Assertion":
        raise refused(rules.MALFORMED, "assertion", "a SAML 2.0 assertion", quoted(assertion.tag))
    if assertion.get("Version") != "2.0":
        raise refused(rules.MALFORMED, "version", "Version 2.0", quoted(assertion.get("Version")))
    if assertion is not root and (root.tag != f"{PROTOCOL}Response" or assertion.getparent() is not root):
        raise refused(rules.WRAPPED, "place", "an assertion directly in a response", "one elsewhere")
    _unique_ids(root)
    if assertion is not root:
        _success(root)
    _signature(assertion)
    return assertion


def _parsed(document: bytes) -> etree._Element:
    if len(document) > MAX_ASSERTION_BYTES:
        raise refused(rules.TOO_LARGE, "document", f"at most {MAX_ASSERTION_BYTES} bytes", str(len(document)))
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(document, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise refused(rules.MALFORMED, "xml", "an XML document", "text that is none") from error
    if root.getroottree().docinfo.doctype or root.getroottree().docinfo.internalDTD is not None:
        raise refused(rules.MALFORMED, "dtd", "a document without DTD", "one with")
    return root


def _unique_ids(root: etree._Element) -> None:
    """Refuse an id that two elements have: what a signature refers to must be one thing."""
    seen: set[str] = set()
    for node in root.iter():
        for name, value in node.attrib.items():
            if etree.QName(name).localname.lower() == "id":
                if value in seen:
                    raise refused(rules.DUPLICATE, "id", "each ID once", f"{quoted(value)} twice")
                seen.add(str(value))


def _success(root: etree._Element) -> None:
    code = root.find(f"{PROTOCOL}Status/{PROTOCOL}StatusCode")
    value = None if code is None else code.get("Value")
    if value != SUCCESS:
        raise refused(rules.STATUS, "response", "a response that tells success", quoted(value))


def _signature(assertion: etree._Element) -> None:
    """A1: the assertion has one signature, its own child, over the whole of it and nothing else."""
    signatures = [node for node in assertion.iter() if node.tag == f"{SIGNATURE}Signature"]
    if len(signatures) != 1 or signatures[0].getparent() is not assertion:
        raise refused(rules.WRAPPED, "signature", "one signature, directly in the assertion", str(len(signatures)))
    references = list(signatures[0].iter(f"{SIGNATURE}Reference"))
    uri = references[0].get("URI") if len(references) == 1 else None
    if not assertion.get("ID") or uri != f"#{assertion.get('ID')}":
        raise refused(rules.WRAPPED, "reference", "one reference, to the assertion's ID", quoted(uri))
    for transform in signatures[0].iter(f"{SIGNATURE}Transform"):
        if transform.get("Algorithm") not in TRANSFORMS:
            raise refused(rules.WRAPPED, "transform", "enveloped signature and exclusive canonical form",
                          quoted(transform.get("Algorithm")))  # fmt: skip


def read_claims(signed: etree._Element, recipients: frozenset[str], at: float, leeway: float) -> dict[str, Any]:
    """Return the claims of a signed assertion under the names of RFC 7519, so that the same rules judge them.

    `jti`: the assertion's ID; `sid`: the session index; `tid`: Entra's tenant attribute; `attributes`: all others.
    """
    conditions = _conditions(signed)
    _confirmed(signed, recipients, at, leeway)
    audiences = [_text(node) for node in conditions.iter(f"{ASSERTION}Audience")]
    attributes = _attributes(signed)
    tenant = attributes.get(TENANT_ATTRIBUTE)
    statement = signed.find(f"{ASSERTION}AuthnStatement")
    told = {
        "iss": _text(signed.find(f"{ASSERTION}Issuer")),
        "sub": _text(signed.find(f"{ASSERTION}Subject/{ASSERTION}NameID")),
        "aud": audiences,
        "iat": _time(signed, "IssueInstant"),
        "nbf": _time(conditions, "NotBefore"),
        "exp": _time(conditions, "NotOnOrAfter"),
        "jti": signed.get("ID"),
        "sid": None if statement is None else statement.get("SessionIndex"),
        "tid": tenant[0] if tenant else None,
        "attributes": attributes,
    }
    return {name: value for name, value in told.items() if value is not None}


def _conditions(signed: etree._Element) -> etree._Element:
    found = signed.findall(f"{ASSERTION}Conditions")
    if len(found) != 1:
        raise refused(rules.V10, "Conditions", "one Conditions element", str(len(found)))
    for node in found[0]:
        if etree.QName(node).localname not in _CONDITIONS:
            raise refused(rules.CRITICAL, "condition", "conditions that are understood", quoted(node.tag))
    return found[0]


def _confirmed(signed: etree._Element, recipients: frozenset[str], at: float, leeway: float) -> None:
    """SAML 2.0 Profiles, 4.1.4.3: one bearer confirmation for this recipient that has not ended."""
    found = signed.findall(f"{ASSERTION}Subject/{ASSERTION}SubjectConfirmation")
    if len(found) != 1 or found[0].get("Method") != BEARER:
        methods = ", ".join(quoted(node.get("Method")) for node in found[:4])
        raise refused(rules.V12, "confirmation", "one bearer confirmation", methods or "none")
    data = found[0].find(f"{ASSERTION}SubjectConfirmationData")
    if data is None or data.get("Recipient") not in recipients:
        got = quoted(None if data is None else data.get("Recipient"))
        raise refused(rules.V7, "recipient", f"a recipient of {rules.listed(recipients)}", got)
    end = _time(data, "NotOnOrAfter")
    if end is None or not at < end + leeway:
        raise refused(rules.V9, "confirmation", f"a confirmation that ends after {when(at)}", quoted(end))


def _attributes(signed: etree._Element) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    for node in signed.iter(f"{ASSERTION}Attribute"):
        values = told.setdefault(str(node.get("Name")), [])
        values.extend(text for value in node.iter(f"{ASSERTION}AttributeValue") if (text := _text(value)) is not None)
    if sum(map(len, told.values())) + len(told) > MAX_MEMBERS - MAX_DEPTH:
        raise refused(rules.TOO_LARGE, "attributes", f"at most {MAX_MEMBERS} values", "more")
    return told


def _text(node: etree._Element | None) -> str | None:
    return None if node is None else "".join(_texts(node)).strip() or None


def _texts(node: etree._Element) -> Iterator[str]:
    for text in node.itertext():
        yield str(text)


def _time(node: etree._Element, name: str) -> float | None:
    """Return a time attribute in Unix seconds; SAML 2.0 Core, 1.3.3: in UTC, with Z."""
    text = node.get(name)
    if text is None:
        return None
    try:
        if not _UTC.fullmatch(text):
            raise ValueError(text)
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError) as error:
        raise refused(rules.V10, name, "a time in UTC, with Z", quoted(text)) from error
