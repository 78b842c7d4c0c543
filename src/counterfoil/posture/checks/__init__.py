"""The checks: each module holds one `CHECK`; nothing else lists it."""
