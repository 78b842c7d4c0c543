"""What holds for every history: who is never accused, and what never changes a verdict."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as tries
from hypothesis import strategies as st

from counterfoil.model.ids import IdKind
from counterfoil.model.schema import TokenClass
from counterfoil.model.verdict import ACCUSING, Reason, Verdict

from . import scenes
from .histories import SCENES, History, clean_settings, histories
from .reference import Judged, Judgement, Settings, judge
from .reference_policy import CONSUMER_TENANT
from .rows import Row, sign_in
from .scenes import Scene

quick = tries(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])

HARMLESS = (scenes.genuine, scenes.app_only, scenes.interrupted, scenes.busy)


def judgement(history: History, rows: list[Row] | None = None, settings: Settings | None = None) -> Judgement:
    """Judge a history, with other rows or settings if given."""
    return judge(history.rows if rows is None else rows, settings or history.settings, history.policy)


def issuance_rows(history: History, token_id: str | None) -> list[Row]:
    """Return the rows, as delivered, that issue an id."""
    legs = ("issuance", "secondary_issuance")
    return [r for r in history.rows if r["leg"] in legs and r.get("token_id") == token_id is not None]


def counterfoil_of(token: Judged) -> Row:
    """Return an issuance that agrees with every known claim of a token."""
    issued = sign_in(0, token.token_id, None, subject_name=None) | {"record_id": f"found-{token.token_id}"}
    issued["event_time"] = token.first_seen
    if token.issued_at is not None:
        issued["event_time"] = token.issued_at + timedelta(seconds=300)
    if token.subject is not None:
        name = token.subject.removeprefix("name:")
        issued["subject_name" if name != token.subject else "subject_id"] = name
    claims = {
        "issuer": token.issuer,
        "home_tenant": token.token_tenant,
        "resource_tenant": token.token_tenant,
        "key_id": token.key_id,
        "signing_input_digest": token.signing_input_digest,
    }
    return issued | {"fidelity": 0, "raw_file": "g", "raw_position": 1} | claims


# --- nobody whose issuance is there ------------------------------------------------------------------------------


@quick
@given(histories())
def test_nobody_is_forged_whose_id_is_in_any_issuance(history: History) -> None:
    """4.1: one record of the id, of whatever outcome, is enough to not be forged."""
    for token in judgement(history).tokens:
        if token.reason is Reason.ID_NOT_ISSUED:
            assert not issuance_rows(history, token.token_id)


@quick
@given(histories(), st.data())
def test_a_counterfoil_that_is_found_clears(history: History, data: st.DataObject) -> None:
    """3, 7: add the issuance that agrees, and the token is minted; only its own lineage or realm may still accuse."""
    tokens = [t for t in judgement(history).tokens if t.token_id is not None and t.token_tenant != CONSUMER_TENANT]
    if not tokens:
        return
    lost = data.draw(st.sampled_from(tokens))
    found = [counterfoil_of(lost) | {"token_id_kind": kind, "record_id": f"found-{kind}"} for kind in IdKind]
    after = judgement(history, [*history.rows, *found]).tokens
    same = [t for t in after if _claims(t) == _claims(lost)]
    assert all(t.verdict is Verdict.MINTED or t.reason is Reason.FORGED_ANCESTOR for t in same)


def _claims(token: Judged) -> tuple[Any, ...]:
    claims = (token.token_id, token.subject, token.token_tenant, token.issued_at)
    return (token.issuer, *claims, token.key_id, token.signing_input_digest)


@quick
@given(histories())
def test_a_contradiction_needs_an_issuance_or_the_consumer_realm(history: History) -> None:
    """3: where no issuance of the id is in evidence, no fact can differ."""
    for token in judgement(history).tokens:
        if token.verdict is Verdict.CONTRADICTED and token.token_tenant != CONSUMER_TENANT:
            assert issuance_rows(history, token.token_id) or token.signing_input_digest is not None


@quick
@given(histories())
def test_what_is_contradicted_is_still_contradicted_or_gone_when_its_issuances_are_lost(history: History) -> None:
    """3: losing every issuance of an id leaves none of its tokens contradicted."""
    contradicted = [t for t in judgement(history).tokens if t.verdict is Verdict.CONTRADICTED]
    ids = {t.token_id for t in contradicted if t.token_tenant != CONSUMER_TENANT and not t.signing_input_digest}
    rows = [r for r in history.rows if r.get("token_id") not in ids or r["leg"] == "acceptance"]
    for token in judgement(history, rows).tokens:
        if token.token_id in ids and token.signing_input_digest is None:
            assert token.verdict is not Verdict.CONTRADICTED or token.token_tenant == CONSUMER_TENANT


@quick
@given(histories(HARMLESS, spoil=False).filter(lambda h: h.settings == clean_settings()))
def test_complete_logs_of_honest_people_accuse_nobody_whose_id_was_issued(history: History) -> None:
    """3 to 7: late, early, denied, interrupted before success, app-only: whoever has an issuance is cleared."""
    for token in judgement(history).tokens:
        outcomes = {r["outcome"] for r in issuance_rows(history, token.token_id)}
        if "success" in outcomes:
            assert token.verdict is Verdict.MINTED or token.reason is Reason.ISSUED_AT_DIFFERS


# --- lost records ------------------------------------------------------------------------------------------------


@quick
@given(histories())
def test_an_ordinary_miss_is_never_forged(history: History) -> None:
    """5.4: what looks like the user's own is not forged; only a cluster on one subject may raise it."""
    for token in judgement(history).tokens:
        if token.ordinary:
            assert token.verdict is not Verdict.FORGED
            assert token.probably_forged <= {"5.7"}


@quick
@given(histories())
def test_a_cleared_token_is_never_probably_forged(history: History) -> None:
    """5.7: only misses are raised."""
    for token in judgement(history).tokens:
        if token.verdict is Verdict.MINTED:
            assert not token.probably_forged


# --- delivery ----------------------------------------------------------------------------------------------------


@quick
@given(histories(shuffle=False), st.data())
def test_order_and_duplicates_change_nothing(history: History, data: st.DataObject) -> None:
    """1.1: records come late, out of order, and again in worse wrappers."""
    again = [row for row in history.rows if data.draw(st.integers(0, 9)) == 0]
    worse = [row | {"fidelity": 9, "raw_file": "z"} for row in again]
    rows = data.draw(st.permutations([*history.rows, *worse]))
    before, after = judgement(history), judgement(history, rows)
    assert Counter(map(_frozen, before.tokens)) == Counter(map(_frozen, after.tokens))
    assert Counter(before.coverage) == Counter(after.coverage)


def _frozen(token: Judged) -> tuple[Any, ...]:
    return tuple(token.__dict__.items())


@quick
@given(histories())
def test_every_acceptance_is_counted_once(history: History) -> None:
    """1.4, 2.1: accepted records and derived ones add up to the tokens' acceptances."""
    tokens = judgement(history).tokens
    best: dict[tuple[str, str], Row] = {}
    for row in sorted(history.rows, key=lambda r: (r.get("fidelity", 0), r["raw_file"], r["raw_position"])):
        kept = best.setdefault((row["source"], row["record_id"]), {})
        kept.update({k: v for k, v in row.items() if kept.get(k) is None})
    records = list(best.values())
    accepted = [r for r in records if r["leg"] == "acceptance" and r["outcome"] in ("success", "denied")]
    exchanges = [r for r in records if r["leg"] == "secondary_issuance" and r["outcome"] == "success"]
    parents = sum(len(set(r.get("parent_token_ids") or ())) for r in exchanges)
    assertions = [t for t in tokens if t.derived == "assertion"]
    assert all(t.acceptances == 1 for t in assertions)
    assert sum(t.acceptances for t in tokens) == len(accepted) + parents + len(assertions)


@quick
@given(histories())
def test_a_token_is_one_tuple_of_claims(history: History) -> None:
    """2.1: no two answers speak of the same token."""
    keys = [(*_claims(t), t.source, t.record_id, t.derived) for t in judgement(history).tokens]
    assert len(keys) == len(set(keys))


# --- declarations ------------------------------------------------------------------------------------------------


@quick
@given(histories())
def test_without_declarations_nothing_is_forged(history: History) -> None:
    """4, 6.3: completeness is declared, never assumed."""
    settings = replace(history.settings, declarations=())
    for token in judgement(history, settings=settings).tokens:
        assert token.verdict is not Verdict.FORGED
        assert token.reason is not Reason.UNROOTED


@quick
@given(histories())
def test_declarations_neither_clear_nor_contradict(history: History) -> None:
    """3: what is in evidence says the same, whatever is declared of the rest."""
    bare = replace(history.settings, declarations=(), since=None, exported_at=None, truncated=frozenset())
    with_them, without = judgement(history).tokens, judgement(history, settings=bare).tokens
    assert _of(with_them, Verdict.CONTRADICTED) == _of(without, Verdict.CONTRADICTED)
    assert _of(with_them, Verdict.MINTED) <= _of(without, Verdict.MINTED)


def _of(tokens: list[Judged], verdict: Verdict) -> set[tuple[Any, ...]]:
    return {(*_claims(t), t.source, t.record_id, t.derived) for t in tokens if t.verdict is verdict}


@quick
@given(histories())
def test_a_truncated_export_convicts_nobody(history: History) -> None:
    """5.2: a declaration that the export contradicts is as none."""
    settings = replace(history.settings, truncated=frozenset({"entra-signin", "adfs"}))
    assert not _of(judgement(history, settings=settings).tokens, Verdict.FORGED)


@quick
@given(histories())
def test_an_issuer_without_logs_accuses_nobody(history: History) -> None:
    """4.1 b: tokens of an issuer of which nothing is in evidence are uncovered or unlinkable."""
    rows = [r for r in history.rows if r["leg"] not in ("issuance", "secondary_issuance")]
    for token in judgement(history, rows).tokens:
        assert token.verdict not in ACCUSING or token.reason is Reason.CONSUMER_REALM
        assert not token.probably_forged


# --- who is who --------------------------------------------------------------------------------------------------


@quick
@given(histories())
def test_only_the_identified_are_accused_for_who_they_are(history: History) -> None:
    """1.2: a mere name, or nobody, is never forged or contradicted as a subject."""
    by_subject = {Reason.SUBJECT_DIFFERS, Reason.SUBJECT_NOT_SIGNED_IN, Reason.ASSERTION_NOT_ISSUED, Reason.COUNT_ONLY}
    for token in judgement(history).tokens:
        if token.reason in by_subject:
            assert token.subject is not None
            assert not token.subject.startswith("name:")


@quick
@given(histories(spoil=False))
def test_neither_guests_nor_act_as_tokens_are_held_to_their_subject(history: History) -> None:
    """3.2: they have other object ids by right; a member of this tenant has not."""
    members = {r.get("subject_id") for r in history.rows if r["leg"] == "issuance" and not _guest(r)}
    for token in judgement(history).tokens:
        if token.reason is Reason.SUBJECT_DIFFERS and token.signing_input_digest is None:
            issued = issuance_rows(history, token.token_id)
            assert token.subject in members or not any(r["outcome"] == "success" and _guest(r) for r in issued)
            used = [r for r in history.rows if r["leg"] == "acceptance" and r.get("token_id") == token.token_id]
            assert any(r.get("token_class") != TokenClass.ACT_AS for r in used) or not used


def _guest(row: Row) -> bool:
    tenants = (row.get("home_tenant"), row.get("resource_tenant"))
    return None not in tenants and tenants[0] != tenants[1]


@quick
@given(histories())
def test_an_exact_copy_has_the_verdict_of_what_it_copies(history: History) -> None:
    """3.1: a second acceptance with the same claims is the same token; no answer tells the two apart."""
    used = [r for r in history.rows if r["leg"] == "acceptance"]
    with_id = {r["record_id"] for r in used if r.get("token_id")}
    copies = [r | {"record_id": f"s{r['record_id']}"} for r in used if r["record_id"] in with_id]
    before, after = judgement(history).tokens, judgement(history, [*history.rows, *copies]).tokens
    assert {replace(t, acceptances=0) for t in before} == {replace(t, acceptances=0) for t in after}


# --- the strategies ----------------------------------------------------------------------------------------------


# Rare answers come within two rounds; the rest is room, so that luck never fails a run.
MAX_ROUNDS = 20


def _answers(scene: Scene, number: int, seen: set[str]) -> None:
    """Add to `seen` what thirty histories of this scene are answered with; another number draws others."""

    @seed(number)
    @tries(
        max_examples=30,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(histories([scene]))
    def sample(history: History) -> None:
        answer = judgement(history)
        seen.update(token.reason for token in answer.tokens)
        seen.update(rule for token in answer.tokens for rule in token.probably_forged)
        seen.update(line.status for line in answer.coverage)

    sample()


# Reasons that need custody or a policy of keys: no history has these (test_custody.py, test_entitled.py).
WITHOUT_RULE = {Reason.KEY_NOT_ENTITLED, Reason.NOT_SIGNED_IN_CUSTODY, Reason.NEVER_SIGNED}


def test_the_histories_reach_every_answer() -> None:
    """The strategies are worth something only if every reason, rule and coverage status occurs."""
    seen: set[str] = set()
    wanted = {*(set(Reason) - WITHOUT_RULE), "4.2e", "5.7", "5.8", "6.3"}
    wanted |= {"accepted", "refused", "refuted", "hole", "seen"}
    for number in range(MAX_ROUNDS):
        for scene in SCENES:
            _answers(scene, number, seen)
        if wanted <= seen:
            break
    assert sorted(wanted - seen) == []
