"""Findings as groups of tokens: what each group holds, as expressions; `investigate.findings` puts them into words."""

from __future__ import annotations

from collections.abc import Iterable

from counterfoil.detect.registry import all_rules
from counterfoil.expressions import ibis, ir
from counterfoil.model.advice import SUSPICIOUS
from counterfoil.model.finding import MAX_LISTED, MAX_USES
from counterfoil.model.reason import SETS, Probable, Reason
from counterfoil.model.verdict import ACCUSING
from counterfoil.tokens.pseudonym import KEY_OF_PSEUDONYM

# Suspicion from which a token is shown as a finding: one strong sign, or two weaker ones.
THRESHOLD = 2.5
_SETS = [str(reason) for reason in SETS]
_ACCUSED = sorted(map(str, ACCUSING))


def described(tokens: ir.Table, raised: ir.Table, suspicion: ir.Table) -> ir.Table:
    """Return tokens with `raised` (cluster or NULL), its numbers, `suspicion`, `rules`, and `group_rule`.

    `tokens` has `rootless` (rule 6.3), too, and `probable`: the rule that reconciliation saw to hold, or NULL.
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
    )
    rule = ibis.coalesce(
        ibis.ifelse(whole.verdict.isin(_ACCUSED) | whole.reason.isin(_SETS), whole.reason, ibis.null("string")),
        whole.of_rule,
        _probable(whole),
        ibis.ifelse(whole.suspicion >= THRESHOLD, str(SUSPICIOUS), ibis.null("string")),
    )
    # a set is one finding, whatever clients its members have, with what was issued for them
    of_set = rule.isin(_SETS) | (whole.derived != "")
    return whole.mutate(
        group_rule=rule,
        group_issuer=ibis.coalesce(whole.of_issuer, whole.issuer),
        group_client=ibis.ifelse(of_set, ibis.null("string"), whole.client_id),
    )


def _probable(tokens: ir.Table) -> ir.StringValue:
    """Return what makes a token that nothing accuses probably forged, or NULL: here alone it is decided."""
    strange = ~tokens.ordinary & ~tokens.explained & ~tokens.route & ~tokens.silent
    personal = tokens.is_user & tokens.token_class.isin(["user", "delegated", "act_as"]).fill_null(True)
    alone = (
        ((tokens.reason == str(Probable.KEY_NOT_SOUND)) & personal & ~tokens.has_id)
        | ((tokens.reason == str(Probable.UNROOTED_UNCOVERED)) & ~tokens.rootless)
        | tokens.reason.isin([str(Probable.LONE_MISS), str(Probable.UNPROVEN_LOG)])
    )
    refuted = tokens.refuted & (tokens.reason == str(Reason.DECLARATION_REFUTED))
    return ibis.cases(
        (tokens.probable.notnull(), tokens.probable),
        (tokens.cluster.notnull(), str(Probable.MISSES_FAR_BEYOND_RATE)),
        (strange & refuted, str(Probable.EXTRAORDINARY_MISS)),
        (strange & alone, tokens.reason),
        else_=ibis.null("string"),
    )


_BY = ("group_rule", "diagnosis", "group_issuer", "group_client")
_TRAITS = ("client", "network", "agent", "device")
# In front of a value that is to come first, or last, when values are sorted; `plain` takes it off.
FIRST, LAST = "0", "1"


def groups(tokens: ir.Table) -> ir.Table:
    """Return one row per finding: counts, lists cut at MAX_LISTED, times, scores.

    `tokens` is that of `described` with what is strange (`reconcile.strange`). The values of `subjects`, `objects` and
    `ips` have FIRST or LAST in front.
    """
    keyed = _keyed(tokens)
    keyed = keyed.mutate(
        evidence=keyed.raw_file + ":" + keyed.raw_position.cast("string"),
        who=_ranked(keyed.shown, keyed.shown != keyed.subject),
        where=_ranked(keyed.ip, keyed.new_network.fill_null(False)),
        what=_ranked(ibis.coalesce(keyed.object_parent, keyed.object_id), keyed.object_parent.notnull()),
        most=keyed.cluster_misses == keyed.cluster_misses.max().over(group_by=_BY),
    )

    def some(value: ir.Value) -> ir.ArrayValue:
        return value.collect(distinct=True).sort()[:MAX_LISTED]

    hit = ibis.literal(" ") + keyed.rules + " "
    return keyed.group_by(*_BY).agg(
        token_count=keyed.count(),
        set_count=keyed.count(where=keyed.of_rule.isnull()),
        id_count=keyed.has_id.cast("int64").sum(),
        acceptance_count=keyed.acceptances.sum(),
        first_seen=keyed.first_seen.min(),
        last_seen=keyed.last_seen.max(),
        subject_count=keyed.subject.nunique(),
        object_kinds=some(keyed.object_kind),
        object_count=keyed.object_id.nunique(),
        ip_count=keyed.ip.nunique(),
        subjects=some(keyed.who),
        tokens=some(keyed.token_id),
        keys=some(keyed.key_id),
        clients=some(keyed.client_id),
        ips=some(keyed.where),
        objects=some(keyed.what),
        evidence=some(keyed.evidence),
        needs=some(keyed.needs),
        peers=keyed.peers.max(),
        kinds=some(keyed.kind),
        score=keyed.suspicion.max(),
        rules=keyed.rules.argmax(keyed.suspicion),
        **{rule_column(rule.id): hit.contains(f" {rule.id} ").fill_null(False).cast("int64").sum()
           for rule in all_rules()},
        at_least=keyed.at_least.sum(),
        cluster_tokens=keyed.most.fill_null(False).cast("int64").sum(),
        cluster_ids=keyed.cluster_ids.max(where=keyed.most),
        cluster_misses=keyed.cluster_misses.max(),
        cluster_expected=keyed.cluster_expected.max(where=keyed.most),
        compared=keyed.compared.fill_null(False).cast("int64").sum(),
        nobodys=keyed.nobodys.fill_null(False).cast("int64").sum(),
        **{f"new_{trait}": keyed[f"new_{trait}"].fill_null(False).cast("int64").sum() for trait in _TRAITS},
    )


def uses(tokens: ir.Table) -> ir.Table:
    """Return the first uses of the first MAX_USES tokens of each finding: the strange ones first, then by time."""
    keyed = _keyed(tokens)
    new = [keyed[f"new_{trait}"].fill_null(False) for trait in _TRAITS]
    strange = new[0].cast("int64") + new[1].cast("int64") + new[2].cast("int64") + new[3].cast("int64")
    place = ibis.row_number().over(group_by=[keyed[name] for name in _BY],
                                   order_by=[strange.desc(), keyed.first_seen, keyed.token_key])
    told = keyed.select(*_BY, "token_id", "client_id", "ip", "first_seen", "shown",
                        **{f"new_{trait}": flag for trait, flag in zip(_TRAITS, new, strict=True)}, place=place)
    return told.filter(told.place < MAX_USES).order_by(*_BY, "place")


def plain(values: Iterable[str] | None) -> tuple[str, ...]:
    """Return the values of a ranked list as they are, each once."""
    return tuple(dict.fromkeys(value[1:] for value in values or ()))


def rule_column(rule: str) -> str:
    """Return the column that counts the tokens of a finding for which a rule of suspicion holds."""
    return f"by_{rule}"


def _keyed(tokens: ir.Table) -> ir.Table:
    return tokens.filter(tokens.group_rule.notnull())


def _ranked(value: ir.StringValue, first: ir.BooleanValue) -> ir.StringValue:
    return ibis.ifelse(first.fill_null(False), FIRST, LAST) + value


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
