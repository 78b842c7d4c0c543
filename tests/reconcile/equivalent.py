"""Mutants of reconciliation that change nothing, each with the reason why."""

from __future__ import annotations

_BOTH_ENDS = "a stretch that is relied on has both ends; asked for the type checker"
_KIND_OF_ID = "a record has a kind of id only beside an id"
_LESS_WORK = "only bounds what is looked up: "
_UNSIGNED = _LESS_WORK + "what is not signed has bytes that custody did not sign"
_OF_OTHERS = _LESS_WORK + "what others do is not asked for"
_OF_OTHER_LOGS = _LESS_WORK + "links to other logs are counted for those, which nothing rests on"
_NO_CLUSTER = "of a cluster only what counts as its misses is told"
_BEYOND = "any time beyond all others will do"
_OF_ONE = "a union of one table is that table"
_JOINED_AFTER = _LESS_WORK + "what is left is joined by both"
_SEEN_ONCE = _LESS_WORK + "of what was seen once the only use is the first"

EQUIVALENT: dict[str, str] = {
    "assigned._Assignment: without record in self.dead":
        _LESS_WORK + "no place can be reached from a record from which none was reached before",
    "covered.needs: without (tokens.derived == \"assertion\", str(TokenClass.ASSERTION))":
        "an assertion is its farm's, and needs all servers of the farm whatever its class",
    "covered.needs: without keepers.issuers": "where no issuer keeps a log, no token is of one of them",
    "covered.with_coverage: without r.start": _BOTH_ENDS,
    "covered.with_coverage: without r.end": _BOTH_ENDS,
    "covered.personal_stretches: without row.start": _BOTH_ENDS,
    "covered.personal_stretches: without row.end": _BOTH_ENDS,
    "custody: 62 + 1 in 62": _BEYOND,
    "custody: 62 + 1 in 62 #2": _BEYOND,
    "custody._logs: without row.start": _BOTH_ENDS,
    "custody._span: without key[\"first\"]": _BOTH_ENDS,
    "custody._span: without key[\"first\"] #2": _BOTH_ENDS,
    "custody.with_custody: without absent #2": "asked of tokens whose bytes are known and that no key store signed",
    "custody.with_custody: without ~joined.signed":
        "who asks leaves out what is signed: rules 3.5 and 4.4 before they ask, a diagnosis by what it says first",
    "custody.not_signed: without ~told.linked": "what links is contradicted by the same word, and open no more",
    "custody.not_signed: without not custody.relied": _LESS_WORK + "where nothing is relied on there are no spans",
    "custody.not_signed: without filter(every.signing_input_digest.notnull())": _UNSIGNED,
    "custody.not_signed: without anti_join(custody.signed)": _UNSIGNED,
    "custody._logs: without row.end": _BOTH_ENDS,
    "declared._unread: without lost.first is None": _BOTH_ENDS,
    "declared._unread: without lost.last is None": _BOTH_ENDS,
    "diagnosis.diagnosed: without judged.verdict.isin([str(verdict) for verdict in _ACCUSING])":
        _LESS_WORK + "whoever is not accused has no diagnosis",
    "diagnosis.diagnosed: without ~judged.by_digest":
        _LESS_WORK + "what links by digest has no diagnosis that custody tells",
    "doubts.with_doubts: without filter(odd.subject_open | odd.elsewhere)":
        _LESS_WORK + "each doubt asks for one of the two",
    "doubts._with_members: without semi_join(asked.select(\"subject\").distinct())": _OF_OTHERS,
    "doubts._named: without ~_contradicted(tokens)": "a contradiction outranks a doubt",
    "federation.assertion_counts: without issued.event_time.notnull()":
        "DuckDB puts what has no time behind everything that asks; other engines do not",
    "habits.graded: without ~told.known": _LESS_WORK + "what is explained by its place is so without a session of hers",
    "habits.graded: without not engine.rows(open_.limit(1))": _LESS_WORK + "no token has no session",
    "habits.claimed: without filter(records.session_id.notnull() | records.device_id.notnull())":
        _LESS_WORK + "no session is nobody's",
    "hidden._together: >= in beyond > 0 #2": "where none is beyond, the number of those is 0",
    "hidden.doubted: without not engine.rows(missing.limit(1))":
        _LESS_WORK + "where nothing is missing nothing is hidden",
    "judge.sound_id: without tokens.token_id.notnull()": _KIND_OF_ID,
    "judge.sound_in_own_log: without tokens.token_id.notnull()": _KIND_OF_ID,
    "judge.unrooted: without tokens.secondary":
        "only what an exchange issued roots; its id of another kind is a miss, and two of a network are each a sign",
    "judge.verdict_of: without if of is not Verdict.UNCOVERED": "that verdict is what is left of all others",
    "law.with_law: without semi_join(concerned)": _LESS_WORK + "strata in which nobody breaks a law are not asked for",
    "links.linked: without filter(issued.token_id.notnull())": _LESS_WORK + "what has no id joins with nothing",
    **{f"links.{what}": _LESS_WORK + "any id may be settled pair by pair" for what in (
        "several_issuances: without filter(counted.n > 1)", "several_issuances: >= in counted.n > 1",
        "linked: without semi_join(several)")},
    "links.several_issuances: without filter(issued.token_id.notnull())":
        _LESS_WORK + "what has no id joins with nothing",
    **{f"tokens.shared: {what}": _LESS_WORK + "any acceptance may be kept beside its token" for what in (
        "without filter(lambda t: t.n > 1)", ">= in t.n > 1")},
    "links.linked: without filter(mine.signing_input_digest.notnull())":
        _LESS_WORK + "what has no digest joins with nothing, and pairs by id say the same twice",
    "links._told: without unsure": "what certainly differs is contradicted, which outranks a doubt",
    "quiet.with_quiet_holes: != in row.status == \"hole\"": _LESS_WORK + "without a hole nothing lies in one alone",
    "quiet._with_holes: without row.start": _BOTH_ENDS,
    "quiet._with_holes: without row.end": _BOTH_ENDS,
    "run._survey: without filter(issued.signing_input_digest.notnull())":
        _LESS_WORK + "what has no digest joins with nothing",
    "run._survey: without filter(in_own_log(issued, asked.logs))":
        _LESS_WORK + "without issuers' own logs there are neither pseudonyms nor ids of their choosing",
    "run._odd: >= in len(found) > 1": _OF_ONE,
    "run._stained: >= in len(stains) > 1": _OF_ONE,
    "run._stained: without semi_join(marks)": _LESS_WORK + "what no mark is on stays as it is",
    **{f"duplicates.repeated: {what}": _LESS_WORK + "of one copy the merged record is that copy" for what in (
        "without filter(lambda t: t.copies > 1)", ">= in t.copies > 1", "without semi_join(suspected)",
        "without filter(counted.copies > 1)", ">= in counted.copies > 1")},
    "diagnosis.diagnosed: without \"key_id\"": _JOINED_AFTER,
    "diagnosis.diagnosed: without \"signing_input_digest\"": _JOINED_AFTER,
    "diagnosis.diagnosed: without semi_join(traced)": _JOINED_AFTER,
    "duplicates._different: without semi_join(keys)": _LESS_WORK + "one copy differs from none",
    "unpublished.with_unpublished: without concerned":
        _LESS_WORK + "what rests on no such log needs none of its parts, and was not accepted there",
    "unread._of_parts: without filter(shown)": _LESS_WORK + "a part that is not shown joins with no need",
    "unaccounted._relied: without row.start": _BOTH_ENDS,
    "unaccounted._relied: without row.end": _BOTH_ENDS,
    "services.microsoft_applications: without filter(_app_only(tokens))":
        _LESS_WORK + "what is Microsoft's own is asked of app-only tokens alone",
    "services.microsoft_applications: without semi_join(asked)": _LESS_WORK + "other clients are nobody's who is asked",
    "tokens.seen_again: without filter(spans.acceptances > 1)": _SEEN_ONCE,
    "tokens.variants: without semi_join(again)": _SEEN_ONCE,
    "tokens.seen_again: >= in spans.acceptances > 1": _SEEN_ONCE,
    "early._begins: without row.start": _BOTH_ENDS,
    "log_parts.by_log: != in records.source == log":
        "asked of records of logs that have a value, and all that have one have the same",
    "hosts._of_log: without filter(evidence.source.isin([name, *told.beside]))":
        _LESS_WORK + "what other logs hold is of no server of these",
    "hosts._stepped: without filter(events.sequence.notnull())": _LESS_WORK + "what has no number is no step",
    **{f"parts.settle_buckets: {what} len(buckets) < len(BUCKETS)": _LESS_WORK + "all buckets hold all records"
       for what in ("without", "<= in")},
    **{f"parts.settle_buckets: {what}": _LESS_WORK + "what was written by its bucket is of that bucket"
       for what in (">= in digits > 1", "without records.bucket != ANY_BUCKET")},
    **{f"parts._twins: {what}": _LESS_WORK + "which ids disagree is asked of those with one, and each alone agrees"
       for what in ("without told.token_id.notnull()", "without told.derived == \"\"", ">= in t.n > 1",
                    "without filter(lambda t: t.n > 1)", "without semi_join(asked)", "without semi_join(several)")},
    **{f"touched.{what}": _LESS_WORK + "a family that nothing new concerns is settled again as it was" for what in (
        "touched: without evidence.subject_id.isnull()", "touched: without semi_join(names)",
        "_copies: without semi_join(repeated)", "_copies: without semi_join(again)",
        "_changed: without anti_join(came)", "_changed: without anti_join(gone)",
        "_by_digest: without filter(affected.leg.isin([Leg.ISSUANCE, Leg.SECONDARY_ISSUANCE]))",
        "_by_digest: without evidence.leg == Leg.ACCEPTANCE", "_by_digest: without semi_join(digests)")},
    **{f"touched.{what}": _LESS_WORK + "what is not there joins with nothing" for what in (
        "touched: without evidence.subject_name.notnull()",
        "touched: without filter(affected.parent_token_ids.length() > 0)",
        "touched: >= in affected.parent_token_ids.length() > 0",
        "_by_digest: without filter(issued.signing_input_digest.notnull())",
        "_by_digest: without evidence.signing_input_digest.notnull()")},
    "farm_key.taken: without filter(records.leg == str(Leg.CONTEXT))": _LESS_WORK + "reads and alerts are context",
    "farm_key.taken: >= in len(found) > 1": _OF_ONE,
    "farm_key._foreign: without filter(context.source.isin(list(hosts.beside)))":
        _LESS_WORK + "logons and pipes stand in no log of the farm itself",
    "measured.raised: without filter(told.odd > 0)": _LESS_WORK + _NO_CLUSTER,
    "measured.raised: >= in told.odd > 0": _LESS_WORK + _NO_CLUSTER,
    "measured._beyond: >= in told.share > told.expected": "at the usual rate the exponent is 0",
    "measured._beyond: > in nats >= policy.raise_nats": "no measured exponent is that very number",
    "unread: 1 + 1 in 1": _BEYOND,
    "unread._bounds: > in high - low >= _EVER": _BEYOND,
    "unread.unread: without semi_join(lost)": _LESS_WORK + "files without a broken record have no such neighbours",
    "unread: 40 + 1 in 40": _BEYOND,
    "unpublished._shown: without in_logs(issued, \"unpublished logs\", names)": _OF_OTHER_LOGS,
    "unpublished._shown: without filter(in_logs(linked, \"unpublished logs\", names))": _OF_OTHER_LOGS,
    "unsettled._with_sessions: without semi_join(bare.select(\"subject\").distinct())": _OF_OTHERS,
    "unsettled._with_own_runs: without filter(open_.surplus)": _LESS_WORK + "without a short run nothing changes",
    "unsettled._with_own_runs: without joined.surplus": "a run is short as a whole",
    **{f"unsettled.known_habits: without {what}": _OF_OTHERS for what in (
        "filter(tokens.identified)", "semi_join(concerned)", "semi_join(concerned) #2", "semi_join(concerned) #3",
        "filter(seen.linked.identified)", "filter(seen.variants.identified)")},
    "unsettled._with_routes: without row.issuer": "a stretch that is relied on is an issuer's",
    "unsettled._with_routes: without row.start": _BOTH_ENDS,
    **{f"unsettled._with_candidates: without {what}": _LESS_WORK + "a candidate is asked for where nothing else settles"
       for what in ("~open_.has_id", "open_.derived != \"assertion\"", "open_.relied")},
}
