"""Rules: what is suspicious about a token that cannot be judged, and what findings come of it all.

One rule is one module of this folder that holds a `RULE`; `registry` finds it. Rules are expressions over the
tables of a reconciliation. A rule raises suspicion and ranks; it never changes a verdict.
"""
