"""Every rule fires where it should and stays silent on what an innocent does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest

from counterfoil.case.tables import Tables as Kept
from counterfoil.detect.registry import all_rules
from counterfoil.model.known import CONSUMER_TENANT, SERVICE_TENANTS
from counterfoil.model.storm_0558 import ADDRESSES, AGENTS, FIRST, KEY_IDS, LAST
from counterfoil.reconcile.engine import Engine

from .tables import DAY, NOW, THEN, Row, at, found, opened

KEY = "1LTMzakihiRla_8z2BEJVXeWMqo"
AGENT = "Client=REST;Client=RESTSystem;;"
DURING = at("2023-06-20T12:00:00")


@dataclass(frozen=True)
class Scene:
    """What a rule looks at: the token `t` is the suspect that it is asked about, `more` are suspects beside it."""

    suspect: Row
    more: tuple[Row, ...] = ()
    tokens: tuple[Row, ...] = ()
    acceptances: tuple[Row, ...] = ()
    issued: tuple[Row, ...] = ()
    records: tuple[Row, ...] = ()
    networks: tuple[Row, ...] = ()


def _seen(days: float, **more: object) -> Row:
    """Return a first use so many days before the suspect's."""
    return {"event_time": THEN - timedelta(days=days), **more}


NEW = {"client_id": "rogue"}
OTHERS = (_seen(30), _seen(10), _seen(1))
CHANGE = {"operation": "Update application – Certificates and secrets management"}  # noqa: RUF001

DECOY = {"leg": "context", "source": "counterfoil-decoys", "kind": "decoy", "key_id": "decoy-1",
         "object_id": "backup server"}

SHAPE, STRANGE = "alg,kid,typ|iss,sub,jti|compact|uuid4", "typ,alg,kid|sub,iss,jti|spaced|hex32"
WRITTEN: tuple[Row, ...] = tuple({"leg": "issuance", "token_shape": SHAPE} for _ in range(50))


def _shown(shape: str) -> Row:
    return {"token_shape": shape, "signing_input_digest": "d"}


SIGNED = {"leg": "issuance", "source": "counterfoil-ledger", "key_id": "k1", "issuer": "https://own.example"}
ELSE = {"key_id": "k1", "issuer": "https://other.example"}
CHECKED = {"leg": "acceptance", "source": "counterfoil-receipts", "signature": "verified", **ELSE}


OWN_KEY = SIGNED | {"key_id": "k0"}
VERIFIED = {"leg": "acceptance", "source": "counterfoil-receipts", "signature": "verified",
            "key_id": "k9", "issuer": "https://own.example"}
ROGUE = {"key_id": "k9", "issuer": "https://own.example"}

PROXY = "203.0.113.77"
PEOPLE = tuple(f"p{n}" for n in range(5))
# The proxy is new: the log began two weeks before it was seen.
USES: tuple[Row, ...] = ({"ip": "198.51.100.9", "event_time": THEN - timedelta(days=14)},
                         {"ip": PROXY})
THEIRS: tuple[Row, ...] = tuple({"subject": person} for person in PEOPLE)


MADE = {"leg": "context", "operation": "Add user", "object_kind": "directory", "object_id": "alice",
        "event_time": THEN, "source": "entra-audit"}
# Whose networks these are: the proxy is rented, as is another address of the same host; the office is not.
NETS: tuple[Row, ...] = (
    {"ip": PROXY, "asn": 64511, "hosting": True}, {"ip": "203.0.113.9", "asn": 64511, "hosting": True},
    {"ip": "192.0.2.1", "asn": 64500},
)


def _at_proxy(*people: str) -> tuple[Row, ...]:
    """Return suspects of these people's mailboxes from one address, beside the one that is asked about."""
    return tuple({"token_key": f"t {person}", "subject": person, "object_id": person, "ip": PROXY} for person in people)


def _minted(*people: str, after: int) -> tuple[Row, ...]:
    """Return suspects of these people that were used so long after they say that they were issued."""
    return tuple({"token_key": f"t {person}", "subject": person, "t_issued": NOW - after} for person in people)


def _signed_in(days: int, hour: int) -> tuple[Row, ...]:
    """Return sign-ins of the suspect's user on so many days before, at an hour (the suspect is at eight)."""
    return tuple({"leg": "issuance", "event_time": (THEN - timedelta(days=day)).replace(hour=hour)}
                 for day in range(1, days + 1))


def _browsers(version: int, people: int) -> tuple[Row, ...]:
    """Return uses of that version of Chrome by so many people."""
    return tuple({"subject_name": f"p{n}@example.com",
                  "user_agent": f"Mozilla/5.0 Chrome/{version}.0.1.2 Safari/537.36"} for n in range(people))


OLD = {"user_agent": "Mozilla/5.0 Chrome/92.0.4515.159 Safari/537.36"}
RENEWED = {"leg": "secondary_issuance", "ip": PROXY}
FEDERATED = {"leg": "context", "operation": "Set federation settings on domain",
             "event_time": THEN - timedelta(days=9)}

FIRES: dict[str, dict[str, Scene]] = {
    "key-of-another-issuer": {"one of two issuers signs with it": Scene(ELSE, records=(SIGNED, CHECKED))},
    "failed-sign-in-only": {"its only sign-in failed": Scene({"reason": "failed-sign-in-only"})},
    "issued-at-odd": {
        "issued outside the life of its class": Scene({"outside_life": True}),
        "issued off the issuer's law": Scene({"law_broken": True}),
    },
    "token-tenant-differs": {
        "a token of another organisation": Scene({"token_tenant": "22222222-0000-0000-0000-000000000002"}),
        "a token of personal accounts": Scene({"token_tenant": CONSUMER_TENANT}),
    },
    "new-client-for-mailbox": {"a client after weeks of others": Scene(NEW, acceptances=(*OTHERS, _seen(0, **NEW)))},
    "new-client-for-tenant": {"a client after weeks of others": Scene(NEW, acceptances=(*OTHERS, _seen(0, **NEW)))},
    "mail-without-sign-in": {
        "nobody signed in": Scene({}),
        "only others signed in": Scene({}, issued=({"subject": "bob"},)),
    },
    "address-in-no-sign-in": {"signed in from elsewhere": Scene({"ip": "203.0.113.9"}, issued=({},))},
    "app-changed-before": {
        "the user gave an application a secret an hour before": Scene(
            {}, records=(CHANGE | {"event_time": THEN - timedelta(hours=1)},)
        ),
        "permissions were granted in any spelling": Scene(
            {}, records=(CHANGE | {"operation": "ADD DELEGATED PERMISSION GRANT", "event_time": THEN},)
        ),
    },
    "silent-service-from-elsewhere": {
        "reconciliation calls it a service's, and the network is not the service's": Scene({"of_service": True}),
    },
    "explained-miss": {
        "an id that no sign-in has": Scene({"explained": True, "has_id": True, "missed": True}),
        "a use without an id": Scene({"explained": True}),
    },
    "unheard-application": {
        "by people, in a log that is relied upon": Scene({"route": True}),
    },
    "storm-0558-indicator": {
        "a published address on its days": Scene({"ip": "195.26.87.219", "t_first": DURING, "t_last": DURING}),
        "the key with a fresh issued-at": Scene({"key_id": KEY, "t_issued": DURING}),
        "the key by its thumbprint": Scene({"key_id": "d4b4cccda9228624656bff33d8110955779632aa", "t_issued": DURING}),
    },
    "foreign-shape": {
        "an order of claims that the issuer never writes": Scene(
            {"signing_input_digest": "d"}, records=(*WRITTEN, _shown(STRANGE))),
    },
    "unknown-key-verified": {"a key of nobody": Scene(ROGUE, records=(OWN_KEY, VERIFIED))},
    "address-on-many-mailboxes": {
        "of five people who signed in elsewhere": Scene(
            {"subject": "p0", "object_id": "p0", "ip": PROXY}, more=_at_proxy(*PEOPLE[1:]), issued=THEIRS,
            records=USES),
    },
    "hosting-network": {
        "of a user who signs in from the office": Scene({"ip": PROXY}, issued=({"ip": "192.0.2.1"},), networks=NETS),
        "of a user without a sign-in": Scene({"ip": PROXY}, networks=NETS),
    },
    "issued-before-account": {
        "by a day": Scene({"t_issued": NOW - DAY}, records=(MADE,)),
        "of the account that was made last": Scene({"t_issued": NOW - DAY}, records=(
            MADE, MADE | {"event_time": THEN - timedelta(days=9)})),
    },
    "issued-at-scripted": {
        "each a second after": Scene({"t_issued": NOW - 1, "subject": "p0"}, more=_minted(*PEOPLE[1:], after=1)),
    },
    "hours-not-the-owners": {
        "the owner signs in at night": Scene({}, records=_signed_in(12, 20)),
    },
    "stale-browser": {"thirty versions behind": Scene(OLD, records=_browsers(122, 25))},
    "read-as-a-whole": {
        "a folder was synchronised": Scene({}, records=({"access_mode": "sync"},)),
        "the log stopped": Scene({}, records=({"access_mode": "bind", "throttled": True},)),
    },
    "renewed-without-sign-in": {
        "twice from a proxy": Scene({"ip": PROXY}, issued=({},), records=(RENEWED, RENEWED)),
    },
    "federation-changed-before": {"nine days before": Scene({"derived": "assertion"}, records=(FEDERATED,))},
    "decoy-key": {
        "a token under a decoy": Scene({"key_id": "decoy-1"}, records=(DECOY,)),
        "a call that services make for themselves": Scene({"silent": True, "key_id": "decoy-1"}, records=(DECOY,)),
    },
    "storm-0558-agent": {
        "a published agent on its days": Scene({"user_agent": AGENT, "t_first": DURING, "t_last": DURING}),
    },
}

SILENCE: dict[str, dict[str, Scene]] = {
    "key-of-another-issuer": {
        "both issuers sign with it": Scene(ELSE, records=(SIGNED, SIGNED | ELSE, CHECKED)),
        "nobody verified the signature": Scene(ELSE, records=(SIGNED, CHECKED | {"signature": "unchecked"})),
        "the log is of a service, and tells no keys of an issuer": Scene(
            ELSE, records=(SIGNED | {"source": "entra-signin"}, CHECKED)
        ),
    },
    "failed-sign-in-only": {
        "the sign-in was interrupted": Scene({"reason": "interrupted-sign-in-only"}),
        "nothing is known of it": Scene({}),
    },
    "issued-at-odd": {"an ordinary issued-at": Scene({"t_issued": NOW - 300})},
    "token-tenant-differs": {
        "the token names no tenant": Scene({}),
        "the tenant is the resource's": Scene({"token_tenant": "11111111-0000-0000-0000-000000000001"}),
        "the tenant is of the provider's services": Scene({"token_tenant": min(SERVICE_TENANTS)}),
        "the resource's tenant is not known": Scene({"token_tenant": CONSUMER_TENANT, "resource_tenant": None}),
    },
    "new-client-for-mailbox": {
        "a client used for weeks": Scene(NEW, acceptances=(*OTHERS, _seen(25, **NEW), _seen(0, **NEW))),
        "an export of a day": Scene(NEW, acceptances=(_seen(1), _seen(0, **NEW))),
        "new in another's mailbox": Scene(NEW, acceptances=(*OTHERS, _seen(0, **NEW, object_id="other"))),
        "a file, no mailbox": Scene(NEW | {"object_kind": "file"}, acceptances=(*OTHERS, _seen(0, **NEW))),
        "a client that is not known": Scene({"client_id": None}, acceptances=(*OTHERS, _seen(0, client_id=None))),
    },
    "new-client-for-tenant": {
        "a client used in another mailbox for weeks": Scene(
            NEW, acceptances=(*OTHERS, _seen(25, **NEW, object_id="other"), _seen(0, **NEW))
        ),
        "an export of a day": Scene(NEW, acceptances=(_seen(1), _seen(0, **NEW))),
        "a client that is not known": Scene({"client_id": None}, acceptances=(*OTHERS, _seen(0, client_id=None))),
    },
    "mail-without-sign-in": {
        "the user signed in": Scene({}, issued=({},)),
        "the record names nobody": Scene({"subject": None}),
        "a file was read": Scene({"object_kind": "file"}),
        "a sign-in for an assertion": Scene({"derived": "assertion"}),
    },
    "address-in-no-sign-in": {
        "signed in from there": Scene({}, issued=({},)),
        "no sign-in of the user is in evidence": Scene({}, issued=({"subject": "bob", "ip": "192.0.2.1"},)),
        "the record names no address": Scene({"ip": None}, issued=({},)),
    },
    "app-changed-before": {
        "another user changed it": Scene({}, records=(CHANGE | {"subject_name": "bob@example.com"},)),
        "it was changed two days before": Scene({}, records=(CHANGE | {"event_time": THEN - timedelta(days=2)},)),
        "it was changed after": Scene({}, records=(CHANGE | {"event_time": THEN + timedelta(hours=1)},)),
        "another kind of change": Scene({}, records=(CHANGE | {"operation": "Update user"},)),
    },
    "silent-service-from-elsewhere": {
        "another person's use from the same network": Scene({}, tokens=({"token_key": "s", "of_service": True},)),
    },
    "explained-miss": {
        "it is all the person's own, or all strange": Scene({"has_id": True, "missed": True}),
        "its id is in a sign-in": Scene({"explained": True, "has_id": True}),
        "nobody declared the log": Scene({"explained": True, "relied": False}),
    },
    "unheard-application": {
        "an application that signs people in": Scene({}),
        "nobody declared the log": Scene({"route": True, "relied": False}),
    },
    "storm-0558-indicator": {
        "a published address a month before": Scene(
            {"ip": "193.105.134.58", "t_first": at("2023-05-24T00:00:00"), "t_last": at("2023-05-24T00:00:00")}
        ),
        "a published address two years later": Scene({"ip": "195.26.87.219"}),
        "the key of the documented sample token": Scene({"key_id": KEY, "t_issued": at("2018-01-01T00:00:00")}),
        "the key without an issued-at": Scene({"key_id": KEY}),
        "another key": Scene({"key_id": "2LTMzakihiRla_8z2BEJVXeWMqo", "t_issued": DURING}),
    },
    "foreign-shape": {
        "written as the issuer writes": Scene({"signing_input_digest": "d"}, records=(*WRITTEN, _shown(SHAPE))),
        "too few tokens show how the issuer writes": Scene(
            {"signing_input_digest": "d"}, records=(*WRITTEN[:49], _shown(STRANGE))),
        "another issuer's tokens": Scene(
            {"signing_input_digest": "d"}, records=(*WRITTEN, {**_shown(STRANGE), "issuer": "https://other.example"})),
        "another token is written so": Scene({"signing_input_digest": "e"}, records=(*WRITTEN, _shown(STRANGE))),
    },
    "unknown-key-verified": {
        "a key of the issuer": Scene(ROGUE, records=(OWN_KEY, OWN_KEY | {"key_id": "k9"}, VERIFIED)),
        "a wrong kid that nobody verified": Scene(ROGUE, records=(OWN_KEY, VERIFIED | {"signature": "unchecked"})),
        "an issuer whose log is not there": Scene(ROGUE, records=(VERIFIED,)),
        "a key that its store made, and that signs from now on": Scene(ROGUE, records=(
            OWN_KEY, VERIFIED, {"leg": "context", "key_id": "k9", "key_operation": "prepare"})),
        "a key that is published": Scene(ROGUE, records=(
            OWN_KEY, VERIFIED, {"leg": "context", "key_operation": "published",
                                "item_ids": ["k0", "k9"]})),
    },
    "hosting-network": {
        "the user's VPN, through which they sign in": Scene({"ip": PROXY}, issued=({"ip": "203.0.113.9"},),
                                                            networks=NETS),
        "the VPN of the house": Scene({"ip": PROXY}, networks=NETS, issued=tuple(
            {"subject": person, "ip": "203.0.113.9"} for person in PEOPLE)),
        "an office": Scene({"ip": "192.0.2.1"}, networks=NETS),
        "a program that says that it is one": Scene({"ip": PROXY, "token_class": "application"}, networks=NETS),
        "no file of networks": Scene({"ip": PROXY}),
    },
    "address-on-many-mailboxes": {
        "somebody signs in from there": Scene(
            {"subject": "p0", "object_id": "p0", "ip": PROXY}, more=_at_proxy(*PEOPLE[1:]),
            issued=(*THEIRS, {"subject": "p3", "ip": PROXY}), records=USES),
        "of three people": Scene({"subject": "p0", "object_id": "p0", "ip": PROXY}, more=_at_proxy(*PEOPLE[1:3]),
                                 issued=THEIRS, records=USES),
        "no sign-in of anybody is in evidence": Scene({"subject": "p0", "object_id": "p0", "ip": PROXY},
                                                      more=_at_proxy(*PEOPLE[1:]), records=USES),
        "a service that was there from the first day": Scene(
            {"subject": "p0", "object_id": "p0", "ip": PROXY}, more=_at_proxy(*PEOPLE[1:]), issued=THEIRS,
            records=(*USES, {**USES[0], "ip": PROXY})),
    },
    "issued-before-account": {
        "of the first sign-in": Scene({"t_issued": NOW - 300}, records=(MADE,)),
        "of an account of somebody else": Scene({"t_issued": NOW - DAY}, records=(MADE | {"object_id": "bob"},)),
        "an account that was changed": Scene({"t_issued": NOW - DAY}, records=(MADE | {"operation": "Update user"},)),
        "no issued-at": Scene({}, records=(MADE,)),
    },
    "issued-at-scripted": {
        "each at another time": Scene({"t_issued": NOW - 1, "subject": "p0"}, more=tuple(
            row for n, person in enumerate(PEOPLE[1:]) for row in _minted(person, after=60 * n + 7))),
        "as Entra writes it": Scene({"t_issued": NOW - 301, "subject": "p0"}, more=_minted(*PEOPLE[1:], after=301)),
        "tokens of one person": Scene({"t_issued": NOW - 1}, more=tuple(
            {"token_key": f"t{n}", "t_issued": NOW - 1} for n in range(6))),
    },
    "hours-not-the-owners": {
        "two hours from the usual": Scene({}, records=_signed_in(12, 10)),
        "an owner of whom little is known": Scene({}, records=_signed_in(9, 20)),
        "another's sign-ins": Scene({}, records=tuple(
            {**row, "subject_name": "bob@example.com"} for row in _signed_in(12, 20))),
    },
    "stale-browser": {
        "a month behind": Scene({"user_agent": "Chrome/121.0.0.0"}, records=_browsers(122, 25)),
        "as old as many others": Scene(OLD, records=(*_browsers(122, 25), *_browsers(92, 5))),
        "few people are known": Scene(OLD, records=_browsers(122, 5)),
        "no browser of that family": Scene({"user_agent": "Firefox/78.0"}, records=_browsers(122, 25)),
    },
    "read-as-a-whole": {
        "single messages": Scene({}, records=({"access_mode": "bind", "throttled": False}, {})),
        "another record": Scene({}, records=({"access_mode": "sync", "record_id": "r2"},)),
        "a file": Scene({"object_kind": "file"}, records=({"access_mode": "sync"},)),
    },
    "renewed-without-sign-in": {
        "from where the user signed in": Scene({"ip": PROXY}, issued=({"ip": PROXY},), records=(RENEWED, RENEWED)),
        "once": Scene({"ip": PROXY}, issued=({},), records=(RENEWED,)),
        "no sign-in of the user is in evidence": Scene({"ip": PROXY}, records=(RENEWED, RENEWED)),
    },
    "federation-changed-before": {
        "a sign-in without an assertion": Scene({}, records=(FEDERATED,)),
        "two months before": Scene({"derived": "assertion"},
                                   records=(FEDERATED | {"event_time": THEN - timedelta(days=60)},)),
        "a change that failed": Scene({"derived": "assertion"}, records=(FEDERATED | {"outcome": "failed"},)),
        "in another tenant": Scene({"derived": "assertion"}, records=(FEDERATED | {"resource_tenant": "other"},)),
    },
    "decoy-key": {
        "a token under a real key": Scene({"key_id": "2025-signing"}, records=(DECOY,)),
        "a token of no known key": Scene({}, records=(DECOY, DECOY | {"key_id": None})),
        "a key of that id that leaked, and is no decoy": Scene(
            {"key_id": "decoy-1"}, records=(DECOY | {"source": "counterfoil-leaks"},)
        ),
    },
    "storm-0558-agent": {
        "a published agent two years later": Scene({"user_agent": AGENT}),
        "another agent": Scene({"user_agent": "Client=REST;;", "t_first": DURING, "t_last": DURING}),
    },
}

RULES = {rule.id: rule for rule in all_rules()}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """Yield an engine for all scenes."""
    with opened(tmp_path_factory.mktemp("rules")) as tables:
        yield tables


def _holds(kept: Engine, rule: str, scene: Scene) -> bool:
    suspect = {"token_key": "t", **scene.suspect}
    keys = found(kept, RULES[rule], [suspect, *scene.more], tokens=scene.tokens, acceptances=scene.acceptances,
                 issued=scene.issued, records=scene.records, networks=scene.networks)
    assert keys <= {"t", *(str(row["token_key"]) for row in scene.more)}
    return "t" in keys


def _cases(table: dict[str, dict[str, Scene]]) -> list[object]:
    return [pytest.param(rule, scene, id=f"{rule}: {name}") for rule, scenes in table.items()
            for name, scene in scenes.items()]


@pytest.mark.parametrize(("rule", "scene"), _cases(FIRES))
def test_fires(kept: Kept, rule: str, scene: Scene) -> None:
    """The rule holds for the token."""
    assert _holds(kept, rule, scene)


@pytest.mark.parametrize(("rule", "scene"), _cases(SILENCE))
def test_stays_silent(kept: Kept, rule: str, scene: Scene) -> None:
    """The rule does not hold for the token."""
    assert not _holds(kept, rule, scene)


@pytest.mark.xdist_group("spark")
def test_rules_say_the_same_on_another_engine(spark: Callable[[int], Sequence[Engine]]) -> None:
    """Every rule fires and stays silent on Spark as it does on DuckDB."""
    (other,) = spark(1)
    holds = [f"{rule}: {name}" for table in (FIRES, SILENCE) for rule, scenes in table.items()
             for name, scene in scenes.items() if _holds(other, rule, scene)]
    assert holds == [f"{rule}: {name}" for rule, scenes in FIRES.items() for name in scenes]


@pytest.mark.parametrize("rule", sorted(RULES))
def test_every_rule_has_both(rule: str) -> None:
    """No rule without a case that fires and one that stays silent, and no case without a rule."""
    assert FIRES[rule]
    assert SILENCE[rule]
    assert FIRES.keys() == SILENCE.keys() == RULES.keys()


def test_a_published_address_counts_on_its_days_only(kept: Kept) -> None:
    """On its first and on its last day an address is an indicator, the second before and after it is not."""
    suspects, wanted = [], set()
    for address in ADDRESSES:
        first, last = int(address.first.timestamp()), int(address.last.timestamp()) + DAY - 1
        moments = {"first": first, "last": last, "before": first - 1, "after": last + 1}
        suspects += [
            {"token_key": f"{address.ip} {name}", "ip": address.ip, "t_first": when, "t_last": when}
            for name, when in moments.items()
        ]
        wanted |= {f"{address.ip} first", f"{address.ip} last"}
    assert found(kept, RULES["storm-0558-indicator"], suspects) == wanted


def test_the_sample_token_alone_raises_nothing(kept: Kept) -> None:
    """The key id of Microsoft's documented sample token, issued in 2018, makes no rule hold on any day since."""
    sampled = at("2018-01-01T00:00:00")
    suspects = [
        {
            "token_key": f"{key}{when}",
            "key_id": key,
            "t_issued": sampled,
            "t_first": when,
            "t_last": when,
        }
        for key in KEY_IDS
        for when in (sampled + 1800, int(FIRST.timestamp()), int(LAST.timestamp()), NOW)
    ]
    for rule in RULES.values():
        assert found(kept, rule, suspects, issued=[{}], acceptances=[_seen(30)]) == set(), rule.id


def test_published_indicators_are_whole() -> None:
    """The lists hold what was published: addresses with ordered dates, agents, and the key in four spellings."""
    assert len({address.ip for address in ADDRESSES}) == len(ADDRESSES) >= 30
    assert all(address.first <= address.last for address in ADDRESSES)
    assert AGENT in AGENTS
    assert len(KEY_IDS) == 4
