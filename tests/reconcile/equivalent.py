"""Mutants of reconciliation that change nothing, each with the reason why."""

from __future__ import annotations

_BOTH_ENDS = "a stretch that is relied on has both ends; asked for the type checker"
_KIND_OF_ID = "a record has a kind of id only beside an id"
_LESS_WORK = "only bounds what is looked up: "
_UNSIGNED = _LESS_WORK + "what is not signed has bytes that custody did not sign"
_OF_OTHERS = _LESS_WORK + "what others do is not asked for"

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
    "covered.personal_stretches: <= in max(lo, a) < min(hi, b)":
        "in a stretch of no length lies nothing, since something is asked for on both sides",
    "custody: 62 + 1 in 62": "any time before all others will do",
    "custody._logs: without row.start": _BOTH_ENDS,
    "custody._span: without key[\"first\"]": _BOTH_ENDS,
    "custody._span: without key[\"first\"] #2": _BOTH_ENDS,
    "custody.with_custody: without absent #2": "asked of tokens whose bytes are known and that no key store signed",
    "custody.not_signed: without not custody.relied": _LESS_WORK + "where nothing is relied on there are no spans",
    "custody.not_signed: without filter(every.signing_input_digest.notnull())": _UNSIGNED,
    "custody.not_signed: without anti_join(custody.signed)": _UNSIGNED,
    "custody._logs: without row.end": _BOTH_ENDS,
    "diagnosis.diagnosed: without judged.verdict.isin([str(verdict) for verdict in _ACCUSING])":
        _LESS_WORK + "whoever is not accused has no diagnosis",
    "diagnosis.diagnosed: without ~judged.by_digest":
        _LESS_WORK + "what links by digest has no diagnosis that custody tells",
    "doubts.with_doubts: without filter(odd.subject_open | odd.elsewhere)":
        _LESS_WORK + "each doubt asks for one of the two",
    "doubts._named: without ~_contradicted(tokens)": "a contradiction outranks a doubt",
    "judge.sound_id: without tokens.token_id.notnull()": _KIND_OF_ID,
    "judge.sound_in_own_log: without tokens.token_id.notnull()": _KIND_OF_ID,
    "judge.verdict_of: without if of is not Verdict.UNCOVERED": "that verdict is what is left of all others",
    "law.with_law: without semi_join(concerned)": _LESS_WORK + "strata in which nobody breaks a law are not asked for",
    "links.linked: without filter(issued.token_id.notnull())": _LESS_WORK + "what has no id joins with nothing",
    **{f"links.linked: {what}": _LESS_WORK + "any id may be settled pair by pair" for what in (
        "without filter(counted.n > 1)", ">= in counted.n > 1", "without semi_join(several)")},
    "links.linked: without filter(mine.signing_input_digest.notnull())":
        _LESS_WORK + "what has no digest joins with nothing, and pairs by id say the same twice",
    "links._told: without unsure": "what certainly differs is contradicted, which outranks a doubt",
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
