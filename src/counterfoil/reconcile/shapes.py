"""The tables that reconciliation hands from stage to stage, in order: from records to verdicts.

A token's row grows: each shape says what its stage adds, and by which rules. Tables that no other module asks are not
here; their names begin with their module's.
"""

from __future__ import annotations

from counterfoil.expressions.shape import Shape
from counterfoil.model import schema
from counterfoil.model.verdict import CLAIM_TUPLE

KEY = ("source", "record_id")

# What a token keeps of its first acceptance.
FIRST = (
    "source", "kind", "record_id", "raw_file", "raw_position", "token_class", "token_id_kind", "subject_name",
    "identified", "client_id", "resource", "resource_tenant", "network", "ip", "user_agent", "logon_type",
    "object_kind", "object_id", "object_parent", "operation", "derived", "unknown_presentation",
)
# What may differ between the uses of one token, and is looked at beyond its first use.
VARIED = ("client_id", "network", "user_agent", "object_kind", "object_id", "resource_tenant")

# --- what every part needs of the whole evidence

DIFFERENT = Shape("different_records", "an id under which different records stand (1.1)", KEY)
REPEATED = Shape("repeated", "an id under which one record stands more than once (1.1)", KEY)
MERGED = Shape("merged", "a record that came more than once, its copies merged (1.1)", schema.NAMES)
ALIASES = Shape("aliases", "a name that stands for exactly one id (1.2)", ("subject_name", "proven_id"))
PEOPLE = Shape("people", "who signs in as a person (4.2 c)", ("subject",))

# --- a part: what is settled within a family of tokens, piled up

ACCEPTED = Shape("accepted", "an acceptance that is not alone, with the key of its token (2.1)", (
    "event_time", "issued_at", "source", "kind", "record_id", "raw_file", "raw_position", "issuer", "token_class",
    "token_id", "token_id_kind", "signing_input_digest", "key_id", "subject_id", "subject_name", "client_id",
    "resource", "token_tenant", "resource_tenant", "ip", "user_agent", "logon_type", "object_kind", "object_id",
    "object_parent", "operation", "derived", "unknown_presentation", "child_id", "family", "network", "subject",
    "identified", "token_key",
))
TOKENS = Shape("tokens", "a token: its claims, its first use, its links (2), and what contradicts it (3)", (
    "token_key", "family", *CLAIM_TUPLE, *FIRST, "first_seen", "last_seen", "acceptances", "subject_id",
    "consumer_realm", "has_id", "t_first", "t_last", "t_issued",
    "primary", "secondary", "interrupted", "failed", "by_digest", "law_known", "law_obeyed", "guest",
    "digest_differs", "key_differs", "tenant_differs", "class_differs", "client_differs", "issued_differs",
    "subject_differs", "subject_open", "elsewhere", "uncompared",
    "contradiction", "missed", "law_broken", "doubt", "probable", "plain",
))
VARIANTS = Shape("variants", "a way in which a token seen again was used", (
    "token_key", "family", "subject", "identified", *VARIED, "event_time",
))
USES = Shape("uses", "an acceptance of a token seen again, or one that an exchange implies", (
    "token_key", "family", "event_time", "source", "record_id", "derived", "child_id", "raw_file", "raw_position",
))
TWINS = Shape("twins", "a token whose id another bears too (3.4)", (
    "token_key", "family", "token_id", "issuer", "subject", "identified", "token_tenant", "t_issued", "key_id",
    "signing_input_digest", "derived", "first_seen", "last_seen",
))
TOUCHED = Shape("touched", "a family that later evidence concerns: what earlier piles say of it counts no more", (
    "family",
))

# --- what all parts show together

CELLS = Shape("cells", "how often a stratum was used by a person from a network, and linked", (
    "issuer", "kind", "resource", "client_id", "subject", "network", "has_id", "linked", "n", "first_seen",
))
DAYS = Shape("days", "a day on which a stratum was used", (
    "issuer", "kind", "resource", "client_id", "day", "first_seen",
))
STRATA = Shape("strata_all", "a stratum: how many of its tokens have ids, and link", (
    "issuer", "kind", "resource", "client_id", "ids", "linked", "subjects", "days", "first_seen", "rate", "rate_sd",
))
EDGES = Shape("edges", "which token was presented to obtain which (6.1)", ("parent", "child", "kind"))

# --- tokens that are not plain: each stage adds to the row

WATCHED = TOKENS.more("watched", "a token that is not plain, all that contradicts it known (3.4 to 3.9)", "is_user")
LINKED = WATCHED.more("linked_or_not", "the same, by the law of its stratum (3.2)", "linked")

# --- of these, the open ones: no issuance settles them (4, 5)

PLACED = LINKED.more(
    "open_placed", "an open token: from a service's own network or not (5.6), and when its session began (4.2)",
    "never", "began", "own_application", "inside",
)
COVERED = PLACED.more(
    "open_covered", "the same: which logs must hold its issuance, when, and how far they can be relied on (5.1 to 5.3)",
    "sound", "w_lo", "w_hi", "outside_life", "needs", "needed", "declared", "contained", "proven", "published",
    "late", "relied",
)
TIMED = COVERED.more("open_timed", "the same: issued before its logs begin or not (5.3)", "early")
VOICED = TIMED.more(
    "open_voiced", "the same: of a stratum that leaves no record (5.6), of an agent (5.11)",
    "silent", "of_service", "agentic", "stray",
)
ASSERTED = VOICED.more(
    "open_asserted", "the same: how many assertions its identity provider issued for it (4.3)",
    "served", "surplus", "at_least", "chain",
)
GRADED = ASSERTED.more(
    "open_graded", "the same: the person's own, explained, or foreign (5.4)",
    "at_home", "route", "fresh", "ordinary", "explained",
)
MATCHED = GRADED.more("open_matched", "the same: some issuance could be its own (4.2)", "candidate")
ROOTED = MATCHED.more(
    "open_rooted", "the same: its log refuted (5.8) or unproven (4.8), a sign-in behind its exchange (6.2, 6.3)",
    "refuted", "unproven", "rooted", "roots",
)
SIGNED = ROOTED.more("open_signed", "the same: with a second sign or without (4.6)", "raisable", "lone")
OPEN = SIGNED.more("open", "the same, and why it is open or forged", "open_reason")

# --- verdicts

# What is told of an open token; of any other it is false.
FLAGS = (
    "ordinary", "explained", "lone", "at_home", "route", "fresh", "raisable", "refuted", "silent", "of_service",
    "relied", "outside_life", "own_application", "early",
)
JUDGED = LINKED.more("judged", "a token, judged but for what its ancestors are (7)", *FLAGS, "at_least", "base",
                     "base_verdict")
VERDICTS = LINKED.more("verdicts", "a token with its verdict and reason (6.4, 6.5, 7)", *FLAGS, "at_least", "of_rule",
                       "of_issuer", "reason", "verdict")
DIAGNOSED = VERDICTS.more("diagnosed", "the same, and by what it was forged (8.3)", "diagnosis")
