"""A SAML 2.0 document: parsed without DTD, its one assertion found, and the signed assertion read as claims.

Claims are read from what the signature covers, never from the document that was sent.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from typing import Any

from lxml import etree

from counterfoil.tokens import rules
from counterfoil.tokens.limits import MAX_ASSERTION_BYTES, MAX_DEPTH, MAX_MEMBERS, MAX_XML_ATTRIBUTES, MAX_XML_DEPTH
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
_RESTRICTION = f"{ASSERTION}AudienceRestriction"
_CONDITIONS = frozenset({_RESTRICTION, f"{ASSERTION}OneTimeUse", f"{ASSERTION}ProxyRestriction"})
# XML 1.0, 2.3: the four characters that are white space there.
_XML_BLANKS = " \t\r\n"
# Letters that look like a blank, though Unicode counts them as letters or symbols.
_BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_UTC = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z")


def assertion_in(document: bytes) -> etree._Element:
    """Return the one assertion of a response, or the assertion that the document is. Not verified yet."""
    root = _parsed(document)
    _check_bounds(root)
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
    if not isinstance(document, bytes):
        raise refused(rules.MALFORMED, "document", "the octets of a document", quoted(document))
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


def _check_bounds(root: etree._Element) -> None:
    """Refuse what makes canonical form quadratic: elements with many attributes or namespaces, or far down."""
    declared = depth = 0
    for event, node in etree.iterwalk(root, events=("start", "end", "start-ns")):
        if event == "start-ns":
            declared += 1
        elif event == "end":
            depth -= 1
        else:
            depth, many = depth + 1, declared + len(node.attrib)
            if depth > MAX_XML_DEPTH or many > MAX_XML_ATTRIBUTES:
                expected = f"at most {MAX_XML_ATTRIBUTES} attributes in an element, and {MAX_XML_DEPTH} levels"
                raise refused(rules.TOO_LARGE, "element", expected, "more")
            declared = 0


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
                          quoted(transform.get("Algorithm")))


def read_claims(signed: etree._Element, recipients: frozenset[str], at: float, leeway: float) -> dict[str, Any]:
    """Return the claims of a signed assertion under the names of RFC 7519, so that the same rules judge them.

    `jti`: the assertion's ID; `sid`: the session index; `auth_time`: when the subject signed in (where no statement
    says so, none: `required` in the policy can ask for it); `session_end`: until when the session lasts; `tid`: Entra's
    tenant attribute; `attributes`: all attributes, of their values those that are texts.
    """
    conditions = _conditions(signed)
    _confirmed(signed, recipients, at, leeway)
    statement = _one(signed, "AuthnStatement")
    told = {
        "iss": _uri(_one(signed, "Issuer"), "iss"),
        "sub": _subject(signed),
        "aud": _audiences(conditions),
        "iat": _time(signed, "IssueInstant"),
        "nbf": _time(conditions, "NotBefore"),
        "exp": _time(conditions, "NotOnOrAfter"),
        "jti": signed.get("ID"),
        "sid": None if statement is None else statement.get("SessionIndex"),
        "auth_time": None if statement is None else _time(statement, "AuthnInstant"),
        "session_end": _session_end(statement, at, leeway),
        "tid": _tenant(signed),
        "attributes": _attributes(signed),
    }
    return {name: value for name, value in told.items() if value is not None}


def _conditions(signed: etree._Element) -> etree._Element:
    found = signed.findall(f"{ASSERTION}Conditions")
    if len(found) != 1:
        raise refused(rules.V10, "Conditions", "one Conditions element", str(len(found)))
    for node in found[0]:
        if node.tag not in _CONDITIONS:
            raise refused(rules.CRITICAL, "condition", "conditions that are understood", quoted(node.tag))
    return found[0]


def _audiences(conditions: etree._Element) -> list[str | None]:
    """SAML 2.0 Core, 2.5.1.4: return whom the assertion is for. Each restriction must hold; one without names nobody.

    Audiences elsewhere are not ours to read: those of a ProxyRestriction are of assertions that we would issue.
    """
    found: list[str | None] = []
    for restriction in conditions.findall(_RESTRICTION):
        named = [_uri(node, "aud") for node in restriction.findall(f"{ASSERTION}Audience")]
        if not named:
            raise refused(rules.V10, "aud", "an audience in each restriction", "none")
        found += named
    return found


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
    end, begin = _time(data, "NotOnOrAfter"), _time(data, "NotBefore")
    if end is None or not at < end + leeway:
        raise refused(rules.V9, "confirmation", f"a confirmation that ends after {when(at)}", quoted(end))
    if begin is not None and not begin <= at + leeway:
        raise refused(rules.V9, "confirmation begin", f"a confirmation from {when(at)} or before", when(begin))


def _session_end(statement: etree._Element | None, at: float, leeway: float) -> float | None:
    """SAML 2.0 Core, 2.7.2: return until when the session lasts; V9 for one that is over."""
    end = None if statement is None else _time(statement, "SessionNotOnOrAfter")
    if end is not None and not at < end + leeway:
        raise refused(rules.V9, "session", f"a session that ends after {when(at)}", when(end))
    return end


def _one(node: etree._Element, name: str) -> etree._Element | None:
    """Return the child of this name; of two nobody can tell which one counts."""
    found = node.findall(f"{ASSERTION}{name}")
    if len(found) > 1:
        raise refused(rules.DUPLICATE, name, f"one {name}", str(len(found)))
    return found[0] if found else None


def _subject(signed: etree._Element) -> str | None:
    """Return the name as it is written. A reader that trims it, or reads past an element, would see another user."""
    subject = _one(signed, "Subject")
    node = None if subject is None else _one(subject, "NameID")
    text = _simple(node, "sub")
    if text and (_blank(text[0]) or _blank(text[-1])):
        raise refused(rules.V10, "sub", "a NameID without blanks at its ends", quoted(text))
    return text


def _uri(node: etree._Element | None, name: str) -> str | None:
    return (_simple(node, name) or "").strip(_XML_BLANKS) or None


def _simple(node: etree._Element | None, name: str) -> str | None:
    """Return the text of an element that has nothing but text."""
    if node is None:
        return None
    if len(node):
        raise refused(rules.MALFORMED, name, f"{name} as a text", "elements in it")
    return str(node.text or "") or None


def _blank(sign: str) -> bool:
    return unicodedata.category(sign)[0] in "ZC" or sign in _BLANK_LETTERS


def _tenant(signed: etree._Element) -> str | None:
    """Return Entra's tenant; of two nobody can tell which one counts."""
    nodes = [node for node in signed.iter(f"{ASSERTION}Attribute") if node.get("Name") == TENANT_ATTRIBUTE]
    values = [value for node in nodes for value in node.iterfind(f"{ASSERTION}AttributeValue")]
    if len(values) > 1:
        raise refused(rules.DUPLICATE, "tid", "one tenant", str(len(values)))
    return _uri(values[0], "tid") if values else None


def _attributes(signed: etree._Element) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    for node in signed.iter(f"{ASSERTION}Attribute"):
        values = told.setdefault(str(node.get("Name")), [])
        plain = [value.text or "" for value in node.iterfind(f"{ASSERTION}AttributeValue") if not len(value)]
        values.extend(text for value in plain if (text := str(value).strip(_XML_BLANKS)))
    if sum(map(len, told.values())) + len(told) > MAX_MEMBERS - MAX_DEPTH:
        raise refused(rules.TOO_LARGE, "attributes", f"at most {MAX_MEMBERS} values", "more")
    return told


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
