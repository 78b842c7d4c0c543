"""Rotation at issuers that are not ours: the order in which it breaks nothing, with commands for a person to run.

Vendors' own pages let the new key sign at once, which is how the outage of 2026-01-08 (Logto) was made. Data only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class RunbookStep:
    """One step: what to do, the command (with PLACES to fill in; may be empty), and what it must have come to."""

    do: str
    command: str
    until: str


@dataclass(frozen=True)
class Runbook:
    """The right order for one product. `wrong`: what its own pages teach, and what that breaks."""

    name: str
    title: str
    steps: tuple[RunbookStep, ...]
    wrong: str
    sources: tuple[str, ...]


_WAIT = RunbookStep(
    "Wait until every relying party has fetched the key set",
    "counterfoil respond preflight --thumbprint NEXT_THUMBPRINT --parties parties.toml",
    "at least the longest cache of any of them, and a day if you do not know it",
)
_DRAIN = RunbookStep(
    "Wait until the last token of the old key has expired", "",
    "the longest life of a token, refresh and offline tokens too",
)
RUNBOOKS: Mapping[str, Runbook] = {
    book.name: book
    for book in (
        Runbook(
            "keycloak", "Keycloak: realm keys",
            (
                RunbookStep(
                    "Add the new key with a LOWER priority than the one that signs",
                    "kcadm.sh create components -r REALM -s name=NEXT -s providerId=rsa-generated"
                    " -s providerType=org.keycloak.keys.KeyProvider -s 'config.priority=[\"50\"]'"
                    " -s 'config.enabled=[\"true\"]' -s 'config.active=[\"true\"]'",
                    "the new kid stands in /realms/REALM/protocol/openid-connect/certs; tokens still have the old one",
                ),
                _WAIT,
                RunbookStep(
                    "Raise its priority above the old key's",
                    "kcadm.sh update components/NEXT_ID -r REALM -s 'config.priority=[\"150\"]'",
                    "new tokens have the new kid; changing the priority makes no new key",
                ),
                RunbookStep(
                    "Make the old key passive",
                    "kcadm.sh update components/OLD_ID -r REALM -s 'config.active=[\"false\"]'",
                    "it is still in the key set",
                ),
                _DRAIN,
                RunbookStep("Delete the old key", "kcadm.sh delete components/OLD_ID -r REALM", "its kid is gone"),
            ),
            "Its guide begins with a key of HIGHER priority, which signs at once: whoever has cached the key set"
            " refuses every new token until his cache ends.",
            ("Keycloak Server Administration Guide, Rotating keys", "Red Hat build of Keycloak 26.2, Realm keys"),
        ),
        Runbook(
            "hydra", "Ory Hydra: JSON Web Key Sets",
            (
                RunbookStep(
                    "See which key signs and which are published",
                    "hydra get jwk hydra.openid.id-token --endpoint ADMIN_URL", "you know the kid that signs",
                ),
                RunbookStep(
                    "Create the key in a set of its own, and publish its public half beside the set's, where relying"
                    " parties fetch",
                    "hydra create jwk NEXT_SET NEXT_KID --alg RS256 --endpoint ADMIN_URL",
                    "the new kid is in what relying parties fetch; a key created IN the signing set signs at once",
                ),
                _WAIT,
                RunbookStep(
                    "Import that key into the signing set",
                    "hydra import jwk hydra.openid.id-token FILE --endpoint ADMIN_URL",
                    "new tokens have the new kid and verify under it (see the trap)",
                ),
                _DRAIN,
                RunbookStep(
                    "Delete the old key",
                    "curl -X DELETE ADMIN_URL/admin/keys/hydra.openid.id-token/OLD_KID", "its kid is gone",
                ),
            ),
            "Creating a key in the signing set promotes it in the same moment. Trap: refreshed tokens may carry the old"
            " kid though the new key signed them (ory/hydra issue 3573): such a mismatch proves no forgery here.",
            ("Ory Hydra, JSON Web Key Set management", "github.com/ory/hydra issue 3573"),
        ),
        Runbook(
            "okta", "Okta: custom authorization server",
            (
                RunbookStep(
                    "Switch to manual rotation, so that you choose the moment",
                    "PUT /api/v1/authorizationServers/SERVER_ID with credentials.signing.rotationMode = MANUAL",
                    "the server's answer says MANUAL",
                ),
                RunbookStep(
                    "See that the NEXT key is published", "GET /api/v1/authorizationServers/SERVER_ID/credentials/keys",
                    "a key of status NEXT, which Okta publishes ahead by itself",
                ),
                _WAIT,
                RunbookStep(
                    "Rotate",
                    "POST /api/v1/authorizationServers/SERVER_ID/credentials/lifecycle/keyRotate"
                    " with {\"use\": \"sig\"}",
                    "NEXT became ACTIVE, ACTIVE became EXPIRED",
                ),
                _DRAIN,
            ),
            "Relying parties that pin a key, or keep it longer than Cache-Control says, break at the automatic"
            " rotation, whose day Okta does not announce. In an emergency a second rotation takes the stolen key out of"
            " the set, not out of anybody's cache: ask Okta, and block it at the relying parties.",
            ("developer.okta.com, Key rotation", "help.okta.com, Rotate signing keys"),
        ),
        Runbook(
            "aws-kms", "AWS KMS: asymmetric signing keys",
            (
                RunbookStep(
                    "Create a new KMS key: automatic rotation leaves asymmetric keys out, one key is one generation",
                    "aws kms create-key --key-usage SIGN_VERIFY --key-spec RSA_2048 --description NEXT",
                    "a key id of its own; nobody may kms:Sign with it yet",
                ),
                RunbookStep(
                    "Publish its public key in your JWKS", "aws kms get-public-key --key-id NEXT_ID",
                    "the new kid is in what relying parties fetch",
                ),
                _WAIT,
                RunbookStep(
                    "Let the issuer sign with it, and take kms:Sign on the old one away",
                    "aws kms update-alias --alias-name alias/ISSUER --target-key-id NEXT_ID",
                    "CloudTrail has Sign events of the new key only; the kid in tokens changed with it",
                ),
                _DRAIN,
                RunbookStep("Disable the old key", "aws kms disable-key --key-id OLD_ID", "Sign with it fails"),
            ),
            "EnableKeyRotation on an asymmetric key is refused, and moving an alias before the new key is published"
            " refuses every token until the caches end.",
            ("AWS KMS Developer Guide, Rotate AWS KMS keys", "github.com/polarsource/polar issue 14498"),
        ),
    )
}


def text(book: Runbook) -> str:
    """Return a runbook to be read, with a box for each step."""
    lines = [book.title, ""]
    for number, step in enumerate(book.steps, 1):
        lines.append(f"[ ] {number}. {step.do}.")
        lines += [f"       {step.command}"] if step.command else []
        lines.append(f"     Until: {step.until}.")
    return "\n".join([*lines, "", f"Not like this: {book.wrong}", f"Sources: {'; '.join(book.sources)}.", ""])
