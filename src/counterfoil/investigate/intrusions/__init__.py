"""Intrusions: what findings tell, put together by intruder; his habits, and what he reached.

`found` clusters and keeps the tables; `habits`, `blast`, `reachable` and `timeline` read them when they are asked for.
docs/intrusions.md says how, docs/adr/0023-traits-glue-by-rarity.md why.
"""
