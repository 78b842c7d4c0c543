"""What the rivals are told of the logs."""

from __future__ import annotations

# The id that stands for none, without its padding.
NULL_ID = "AAAAAAAAAAAAAAAAAAAAAA"
