"""Findings as groups of tokens: what each group holds, as expressions; `pipeline.findings` puts them into words."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from counterfoil.model.finding import MAX_LISTED
from counterfoil.model.verdict import ACCUSING, SETS, Probable, Reason
from counterfoil.tokens.pseudonym import KEY_OF_PSEUDONYM

# Suspicion from which a token is shown as a finding: one strong sign, or two weaker ones.
THRESHOLD = 2.5
_SETS = [str(reason) for reason in SETS]
_ACCUSED = [str(verdict) for verdict in ACCUSING]


def described(tokens: ir.Table, raised: ir.Table, suspicion: ir.Table) -> ir.Table:
    """Return tokens with `raised` (cluster or NULL), its numbers, `suspicion`, `rules`, and `group_rule`.

    `tokens` has `rootless` (rule 6.3), too, and `probable`: what makes it probably forged by itself, or NULL.
    `group_rule` is the rule under which the token is reported, NULL where there is nothing to say. Tokens that have it
    and `group_issuer`, `group_client` in common are told in one finding.
    """
    joined = tokens.left_join(raised, "token_key", rname="{name}_r").left_join(suspicion, "token_key", rname="{name}_s")
    whole = joined.select(
        *tokens.columns,
        # what may be a record that could not be read is no absence, however many there are
        cluster=ibis.ifelse(tokens.reason == str(Reason.MAY_BE_UNREAD), ibis.null("string"), joined.cluster),
        cluster_ids=joined.ids, cluster_misses=joined.misses, cluster_expected=joined.expected,
        suspicion=joined.suspicion.fill_null(0.0), rules=joined.rules,
    )  # fmt: skip
    strange = ~whole.ordinary & ~whole.route
    personal = whole.is_user & whole.token_class.isin(["user", "delegated", "act_as"]).fill_null(True)
    probable = strange & (
        ((whole.reason == str(Reason.KEY_NOT_SOUND)) & personal & ~whole.has_id)
        | ((whole.reason == str(Reason.UNROOTED_UNCOVERED)) & ~whole.rootless)
        | (whole.refuted & (whole.reason == str(Reason.DECLARATION_REFUTED)))
        | whole.cluster.notnull()
    )
    rule = ibis.cases(
        (whole.verdict.isin(_ACCUSED), whole.reason),
        (whole.reason.isin(_SETS), whole.reason),
        (whole.of_rule.notnull(), whole.of_rule),
        (whole.probable.notnull(), whole.probable),
        (whole.cluster.notnull(), str(Probable.MISSES_FAR_BEYOND_RATE)),
        (probable & (whole.reason == str(Reason.DECLARATION_REFUTED)), str(Probable.EXTRAORDINARY_MISS)),
        (probable, whole.reason),
        (whole.suspicion >= THRESHOLD, "suspicious"),
        else_=ibis.null("string"),
    )
    # a set is one finding, whatever clients its members have, with what was issued for them
    of_set = rule.isin(_SETS) | (whole.derived != "")
    return whole.mutate(
        group_rule=rule,
        group_issuer=ibis.coalesce(whole.of_issuer, whole.issuer),
        group_client=ibis.ifelse(of_set, ibis.null("string"), whole.client_id),
    )


def groups(tokens: ir.Table) -> ir.Table:
    """Return one row per finding (`described`) and diagnosis: counts, lists cut at MAX_LISTED, times, scores."""
    told = tokens.filter(tokens.group_rule.notnull())
    keyed = told.mutate(evidence=told.raw_file + ":" + told.raw_position.cast("string"))
    def some(value: ir.Value) -> ir.ArrayValue:
        return value.collect(distinct=True, order_by=value)[:MAX_LISTED]

    return keyed.group_by("group_rule", "diagnosis", "group_issuer", "group_client").agg(
        token_count=keyed.count(),
        set_count=keyed.count(where=keyed.of_rule.isnull()),
        acceptance_count=keyed.acceptances.sum(),
        first_seen=keyed.first_seen.min(),
        last_seen=keyed.last_seen.max(),
        subject_count=keyed.subject.nunique(),
        object_kinds=some(keyed.object_kind),
        object_count=keyed.object_id.nunique(),
        ip_count=keyed.ip.nunique(),
        subjects=some(ibis.coalesce(keyed.subject_name, keyed.subject)),
        tokens=some(keyed.token_id),
        keys=some(keyed.key_id),
        clients=some(keyed.client_id),
        ips=some(keyed.ip),
        objects=some(ibis.coalesce(keyed.object_parent, keyed.object_id)),
        evidence=some(keyed.evidence),
        score=keyed.suspicion.max(),
        rules=keyed.rules.argmax(keyed.suspicion),
        at_least=keyed.at_least.sum(),
        cluster_ids=keyed.cluster_ids.max(),
        cluster_misses=keyed.cluster_misses.max(),
        cluster_expected=keyed.cluster_expected.max(),
    )


def disagreeing_ids(tokens: ir.Table) -> ir.Table:
    """Rule 3.4: return ids that were accepted under tuples that disagree in a known part.

    Pseudonyms of one subject under several keys differ and do not disagree.
    """
    ids = tokens.filter(tokens.token_id.notnull(), tokens.derived == "")
    realm = ids.subject.re_extract(KEY_OF_PSEUDONYM, 1)
    grouped = ids.group_by("token_id", "issuer").agg(
        tuples=ids.count(),
        subjects=ids.subject.nunique(where=ids.identified),
        realms=realm.nunique(where=ids.identified),
        tenants=ids.token_tenant.nunique(),
        times=ids.t_issued.nunique(),
        keys=ids.key_id.nunique(),
        digests=ids.signing_input_digest.nunique(),
        first_seen=ids.first_seen.min(),
        last_seen=ids.last_seen.max(),
    )
    return grouped.filter(
        (grouped.subjects > grouped.realms)
        | (grouped.tenants > 1)
        | (grouped.times > 1)
        | (grouped.keys > 1)
        | (grouped.digests > 1)
    )
