"""Sign-in records of all four kinds, as Microsoft Graph's `signIn` object; wrappers put envelopes around it."""

from __future__ import annotations

from counterfoil.lab.history.clock import ticks
from counterfoil.lab.history.files import quoted
from counterfoil.lab.history.losses import Kind
from counterfoil.lab.history.routes import Route

REASONS = {
    0: "Other.",
    50074: "Strong Authentication is required.",
    50140: "This error occurred due to 'Keep me signed in' interrupt when the user was signing-in.",
    50126: "Error validating credentials due to invalid username or password.",
}
_STATUS = {
    code: quoted({"errorCode": code, "failureReason": text, "additionalDetails": ""}) for code, text in REASONS.items()
}
_DETAILS = {
    cae: quoted(
        [{"key": "Legacy TLS (TLS 1.0, 1.1, 3DES)", "value": "False"}, {"key": "Is CAE Token", "value": str(cae)}]
    )
    for cae in (False, True)
}


def signin(
    t: int,
    name: str,
    uti: str,
    correlation: str,
    session: str,
    route: Route,
    kind: Kind,
    *,
    incoming: str = "none",
    error: int = 0,
    cae: bool = False,
) -> str:
    """Return one sign-in of `kind` at `t`: request id `name`, its token id `uti`, result `error` (0 is success)."""
    return (
        f'{{"id":"{name}","createdDateTime":"{ticks(t)}"{route.who},"correlationId":"{correlation}",'
        f'"originalRequestId":"{name}","uniqueTokenIdentifier":"{uti}","sessionId":"{session}",'
        f'"isInteractive":{"true" if kind == "interactive" else "false"},"incomingTokenType":"{incoming}",'
        f'"status":{_STATUS[error]},"authenticationProcessingDetails":{_DETAILS[cae]}{route.what}}}'
    )
