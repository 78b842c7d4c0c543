"""What the rivals are told of the logs."""

from __future__ import annotations

# Token ids of accesses and of sign-ins, and the mark of a failed one; "=" at the end of an id is padding.
ACCEPTED_AUDIT = ("AppAccessContext", "UniqueTokenId")
ACCEPTED_GRAPH = ("properties", "signInActivityId")
ISSUED = ("properties", "uniqueTokenIdentifier")
ERROR = ("properties", "status", "errorCode")
NULL_ID = "AAAAAAAAAAAAAAAAAAAAAA"
