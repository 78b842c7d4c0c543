"""An append-only log with proofs: RFC 6962 hashing, C2SP checkpoints and tiles, a durable folder, and witnesses.

The log holds entries of bytes and knows nothing of what they mean. `merkle`, `note`, `checkpoint`, `tiles` and `wal`
are pure; `folder`, `filelog` and `witness` touch files and the network.
"""
