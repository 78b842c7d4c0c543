"""Bytes to records: encodings, documents, CSV, Windows event logs. Knows no store, no engine and no source."""
