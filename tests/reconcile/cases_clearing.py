"""Rules 3.2, 3.3, 3.7 and 3.8: what clears a token, and what only seems to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from counterfoil.model.known import CONSUMER_TENANT
from counterfoil.model.reason import Probable, Reason
from counterfoil.model.verdict import ACCUSING

from .cases import VERDICT, Case, Table, coverage, of
from .cases_misses import home
from .own_rows import OWN, digest_of, minted, pseudonym, received, renewed, told
from .rows import OTHER_TENANT, TENANT, Row, access, at, background, exchange, foreign, sign_in

SERVICES = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
APP: Row = {"kind": "service-principal", "token_class": "application", "subject_id": "app", "subject_name": "backup",
       "client_id": "backup"}
GUEST: Row = {"home_tenant": OTHER_TENANT, "subject_id": "gus", "subject_name": "gus@example.org"}
USERS: Row = {"token_class": "user"}
ACT_AS: Row = {"token_class": "act_as"}
DELEGATED: Row = {"token_class": "delegated"}
APP_ONLY: Row = {"token_class": "application", "logon_type": None}
RULE: Row = {"kind": "exchange-admin", "operation": "New-InboxRule", "object_kind": "configuration",
             "token_class": None, "logon_type": None}
AUDITED: Row = {"source": "m365-ual", "kind": "sign-in", "token_class": None}
VERIFIED: Row = {"signature": "verified"}
DELEGATE: Row = {"logon_type": "delegate", "object_parent": "dana@example.com"}


@dataclass(frozen=True)
class Clearing:
    """A token of id `target`, and why it has its verdict; `found`: what makes it probably forged."""

    what: str
    target: str
    rows: Sequence[Row]
    reason: Reason
    found: Probable | None = None
    derived: str = ""


def named(minutes: float, token_id: str, who: str = "alice", **more: Any) -> Row:
    """Return an access whose record names the acting user by name only."""
    return access(minutes, token_id, None, subject_name=f"{who}@example.com", **more)


PEOPLE = [sign_in(n, f"own-{who}", who) for n, who in enumerate(("alice", "bob", "dana", "mallory"))]
# a sign-in that failed, elsewhere: he is a person there, and a member of that tenant, and never a member here
PEOPLE.append(sign_in(5, "own-hank", "hank", home_tenant=OTHER_TENANT, resource_tenant=OTHER_TENANT, outcome="failed"))
TOLD = (
    Clearing("a member's object id under the id of a guest's sign-in is a copy", "g1",
         [sign_in(0, "g1", **GUEST), access(5, "g1", "alice")], Reason.SUBJECT_DIFFERS),
    Clearing("a member of whom only the audit log knows is no guest either", "g1a",
         [sign_in(0, None, "ann", **AUDITED), sign_in(0, "g1a", **GUEST), access(5, "g1a", "ann")],
         Reason.SUBJECT_DIFFERS),
    Clearing("a member's object id in a delegate's record under the id of a guest's sign-in is a copy", "g1b",
         [sign_in(0, "g1b", **GUEST), access(5, "g1b", "alice", logon_type="delegate")], Reason.SUBJECT_DIFFERS),
    Clearing("a copy is called so whatever else differs: when it was issued", "g1c",
         [sign_in(0, "g1c", issued_at=at(0), **GUEST), access(5, "g1c", "alice", issued_at=at(2))],
         Reason.SUBJECT_DIFFERS),
    Clearing("a copy is called so whatever else differs: the realm", "g1d",
         [sign_in(0, "g1d", "mallory", home_tenant=None, resource_tenant=None),
          named(5, "g1d", **RULE | {"token_tenant": CONSUMER_TENANT})], Reason.SUBJECT_DIFFERS),
    Clearing("a guest's object id at home is his, under the id of his sign-in here", "g2",
         [sign_in(0, "g2", **GUEST), access(5, "g2", "gus-at-home")], Reason.BY_ID),
    Clearing("a member of another tenant, whose log is here too, may be that guest", "g3",
         [sign_in(0, "g3", **GUEST), access(5, "g3", "hank")], Reason.BY_ID),
    Clearing("a person's sign-in issues no app-only token", "c1",
         [sign_in(0, "c1", "mallory"), access(5, "c1", "app", **APP_ONLY)], Reason.CLASS_DIFFERS),
    Clearing("a person's sign-in issues no app-acts-as token", "c2",
         [sign_in(0, "c2", "mallory"), access(5, "c2", "alice", **ACT_AS)], Reason.CLASS_DIFFERS),
    Clearing("a service principal's sign-in issues no person's own token", "c3",
         [sign_in(0, "c3", **APP), access(5, "c3", "alice", **DELEGATED)], Reason.CLASS_DIFFERS),
    Clearing("the audit log's sign-ins are those of people", "c3a",
         [sign_in(0, "c3a", "mallory", **AUDITED), access(5, "c3a", "app", **APP_ONLY)], Reason.CLASS_DIFFERS),
    Clearing("unless they say that they are an application's", "c3b",
         [sign_in(0, "c3b", "app", **AUDITED | {"token_class": "application"}), access(5, "c3b", "app", **APP_ONLY)],
         Reason.BY_ID),
    Clearing("applications and managed identities are one side", "c4",
         [sign_in(0, "c4", **APP), access(5, "c4", "app", **APP_ONLY | {"token_class": "managed_identity"})],
         Reason.BY_ID),
    Clearing("an app-acts-as token bears the id of an application's token", "c5",
         [sign_in(0, "c5", **APP), access(5, "c5", "alice", **ACT_AS)], Reason.BY_ID),
    Clearing("another client and another principal are another application", "p1",
         [sign_in(0, "p1", **APP), access(5, "p1", "mailer", client_id="mailer", **APP_ONLY)], Reason.CLIENT_DIFFERS),
    Clearing("a principal's object id differs between logs", "p2",
         [sign_in(0, "p2", **APP), access(5, "p2", "app-there", client_id="backup", **APP_ONLY)], Reason.BY_ID),
    Clearing("an application may come through another's client", "p3",
         [sign_in(0, "p3", **APP), access(5, "p3", "app", client_id="gateway", **APP_ONLY)], Reason.BY_ID),
    Clearing("a person is never the subject of a service principal's sign-in, whatever the class", "p4",
         [sign_in(0, "p4", **APP), access(5, "p4", "alice", token_class=None)], Reason.SUBJECT_DIFFERS),
    Clearing("nobody known may be that principal in another log, where the class is not shown", "p5",
         [sign_in(0, "p5", **APP), access(5, "p5", "app-there", token_class=None)], Reason.BY_ID),
    Clearing("and so may another application of this tenant", "p6",
         [sign_in(0, "p6", **APP), sign_in(1, "p6-own", **APP | {"subject_id": "robot", "subject_name": "robot"}),
          access(5, "p6", "robot", token_class=None)], Reason.BY_ID),
    Clearing("a record of administration names who acted", "n1",
         [sign_in(0, "n1", "mallory"), named(5, "n1", **RULE)], Reason.SUBJECT_DIFFERS),
    Clearing("a record of the directory names who acted", "n1a",
         [sign_in(0, "n1a", "mallory"), named(5, "n1a", **RULE | {"object_kind": "directory"})],
         Reason.SUBJECT_DIFFERS),
    Clearing("a record of administration in the name of the id's own subject clears", "n2",
         [sign_in(0, "n2"), named(5, "n2", **RULE)], Reason.BY_ID),
    Clearing("a name at a mailbox, where nothing shows who acts, is not the id's", "n3",
         [sign_in(0, "n3", "mallory"), named(5, "n3", **DELEGATED)],
         Reason.NAME_DIFFERS, Probable.NAME_DIFFERS),
    Clearing("who opens that mailbox as its delegate may be in a record of its name", "n4",
         [sign_in(0, "n4", "bob"), sign_in(1, "n4-more", "bob"), access(2, "n4-more", "bob", **DELEGATE),
          named(5, "n4", "dana", **DELEGATED)], Reason.BY_ID),
    Clearing("who tried in vain to open that mailbox is no delegate", "n9",
         [sign_in(0, "n9", "bob"), sign_in(1, "n9-more", "bob"),
          access(2, "n9-more", "bob", outcome="denied", **DELEGATE), named(5, "n9", "dana", **DELEGATED)],
         Reason.NAME_DIFFERS, Probable.NAME_DIFFERS),
    Clearing("who opens that mailbox as an administrator is no delegate", "n10",
         [sign_in(0, "n10", "bob"), sign_in(1, "n10-more", "bob"),
          access(2, "n10-more", "bob", **DELEGATE | {"logon_type": "admin"}), named(5, "n10", "dana", **DELEGATED)],
         Reason.NAME_DIFFERS, Probable.NAME_DIFFERS),
    Clearing("a delegate whose sign-in failed does not hold its id", "n11",
         [sign_in(-1, "n11", "bob", outcome="failed"), sign_in(0, "n11", "mallory"), sign_in(1, "n11-more", "bob"),
          access(2, "n11-more", "bob", **DELEGATE), named(5, "n11", "dana", **DELEGATED)],
         Reason.NAME_DIFFERS, Probable.NAME_DIFFERS),
    Clearing("whose mailbox somebody opens is not for that a delegate of others", "n12",
         [sign_in(0, "n12", "dana"), sign_in(1, "n12-more", "bob"), access(2, "n12-more", "bob", **DELEGATE),
          named(5, "n12", "alice", **DELEGATED)], Reason.NAME_DIFFERS, Probable.NAME_DIFFERS),
    Clearing("who opens one mailbox as its delegate is none at others", "n13",
         [sign_in(0, "n13", "bob"), sign_in(1, "n13-more", "bob"), access(2, "n13-more", "bob", **DELEGATE),
          named(5, "n13", "alice", **DELEGATED)], Reason.NAME_DIFFERS, Probable.NAME_DIFFERS),
    Clearing("a name at the mailbox of a delegate's own record may be that of the mailbox", "n5",
         [sign_in(0, "n5", "mallory"), named(5, "n5", logon_type="delegate", object_parent="alice@example.com")],
         Reason.BY_ID),
    Clearing("the name in a delegate's record at another's mailbox is the delegate's", "n6",
         [sign_in(0, "n6", "mallory"), named(5, "n6", logon_type="delegate", object_parent="bob@example.com")],
         Reason.NAME_DIFFERS, Probable.NAME_DIFFERS),
    Clearing("the name in an application's record may be that of the mailbox's owner", "n7",
         [sign_in(0, "n7", **APP), named(5, "n7", token_class=None, logon_type=None)], Reason.BY_ID),
    Clearing("a name that only a directory record proves may be a shared mailbox's", "n8",
         [sign_in(0, None, "info", leg="context", source="entra-audit", kind="directory"),
          sign_in(0, "n8"), named(5, "n8", "info", **DELEGATED)], Reason.BY_ID),
    Clearing("an exchange for one person with the id of another's sign-in", "x1",
         [sign_in(0, "x1", "mallory"), exchange(5, "x1-child", ["x1"], None, subject_name="alice@example.com")],
         Reason.SUBJECT_DIFFERS, derived="exchange"),
    Clearing("what was obtained so is laundered", "x2-child",
         [sign_in(0, "x2", "mallory"), exchange(5, "x2-child", ["x2"], "alice"), access(9, "x2-child")],
         Reason.FORGED_ANCESTOR),
    Clearing("an exchange by a delegate for whose mailbox he opens", "x3",
         [sign_in(0, "x3", "bob"), sign_in(1, "x3-more", "bob"), access(2, "x3-more", "bob", **DELEGATE),
          exchange(5, "x3-child", ["x3"], "dana")], Reason.BY_ID, derived="exchange"),
    Clearing("what was obtained so for whose mailbox he opens", "x3a-child",
         [minted(0, "i0"), sign_in(0, "x3a", "bob"), sign_in(1, "x3a-more", "bob"),
          access(2, "x3a-more", "bob", **DELEGATE), exchange(5, "x3a-child", ["x3a"], "dana"),
          access(9, "x3a-child", "dana")], Reason.BY_ID),
    Clearing("an exchange for somebody who never signs in convicts nobody", "x4",
         [sign_in(0, "x4", "bob"), exchange(5, "x4-child", ["x4"], "room-12")], Reason.BY_ID, derived="exchange"),
    Clearing("an exchange makes nobody a member", "x6",
         [sign_in(0, "x6", "bob"), exchange(5, "x6-child", ["x6"], "room-13", home_tenant=TENANT,
                                            resource_tenant=TENANT)], Reason.BY_ID, derived="exchange"),
    Clearing("an exchange with the id of somebody of whom only the audit log knows", "x5",
         [sign_in(0, "x5", "vic", **AUDITED), exchange(5, "x5-child", ["x5"], "alice")],
         Reason.NAME_DIFFERS, Probable.NAME_DIFFERS, derived="exchange"),
    Clearing("an own issuer's exchange for one person with another's token", "o1-child",
         [minted(0, "o1", "mallory", **USERS), minted(0, "o1-hers", **USERS), renewed(5, "o1-child", ["o1"], "alice"),
          received(10, "o1-child", "alice")], Reason.FORGED_ANCESTOR),
    Clearing("an own issuer's exchange for the same person", "o2-child",
         [minted(0, "o2", "mallory", **USERS), renewed(5, "o2-child", ["o2"], "mallory"),
          received(10, "o2-child", "mallory")], Reason.BY_DIGEST),
    Clearing("what was shown beside another's token may be what it was made for", "o3-child",
         [minted(0, "o3", "mallory", **USERS), minted(0, "o3-hers", **USERS),
          renewed(5, "o3-child", ["o3", "o3-hers"], "alice"), received(10, "o3-child", "alice")], Reason.BY_DIGEST),
    Clearing("an application's token is exchanged for whom it serves", "o4-child",
         [minted(0, "o4", "shop", **APP_ONLY), minted(0, "o4-hers", **USERS),
          renewed(5, "o4-child", ["o4"], "alice"), received(10, "o4-child", "alice")], Reason.BY_DIGEST),
    Clearing("an own issuer's exchange that failed", "o7-child",
         [minted(0, "o7", "mallory", **USERS), minted(0, "o7-hers", **USERS), minted(5, "o7-child"),
          renewed(5, "o7-child", ["o7"], outcome="failed"), received(10, "o7-child")], Reason.BY_DIGEST),
    Clearing("names that nothing proves in an own issuer's exchange", "o8-child",
         [minted(0, "o8", **USERS | {"subject_id": None, "subject_name": "m"}),
          minted(0, "o8-hers", **USERS | {"subject_id": None, "subject_name": "a"}),
          renewed(5, "o8-child", ["o8"], subject_id=None, subject_name="a"),
          received(10, "o8-child", subject_id=None)], Reason.BY_DIGEST),
    Clearing("who only ever exchanges may be no person", "o9-child",
         [minted(0, "o9", "mallory", **USERS), renewed(5, "o9-child", ["o9"], "robot", **USERS),
          received(10, "o9-child", "robot")], Reason.BY_DIGEST),
    Clearing("what names a parent and is no exchange", "o10-child",
         [minted(0, "o10", "mallory", **USERS), minted(5, "o10-child", parent_token_ids=["o10"], **USERS),
          received(10, "o10-child")], Reason.BY_DIGEST),
    Clearing("what was shown beside another token of his may be what it was made for", "o11-child",
         [minted(0, "o11", "mallory", **USERS), minted(0, "o11-more", "mallory", **USERS),
          minted(0, "o11-hers", **USERS), renewed(5, "o11-child", ["o11", "o11-more"]),
          received(10, "o11-child")], Reason.BY_DIGEST),
    Clearing("an id that another issuer gave to somebody else", "o12-child",
         [minted(0, "o12", "mallory", issuer="https://partner.example", signing_input_digest="d", **USERS),
          minted(0, "o12-hers", **USERS), renewed(5, "o12-child", ["o12"]), received(10, "o12-child")],
         Reason.BY_DIGEST),
    Clearing("what another issuer rightly gave under that id", "o13-child",
         [minted(0, "o13", "mallory", **USERS), minted(0, "o13-hers", **USERS), renewed(5, "o13-child", ["o13"]),
          minted(0, "o13-p", issuer="https://partner.example", signing_input_digest="d", **USERS),
          renewed(5, "o13-child", ["o13-p"], issuer="https://partner.example", signing_input_digest="e"),
          received(10, "o13-child")], Reason.FORGED_ANCESTOR),
    Clearing("pseudonyms of two keys are no two people", "o14-child",
         [minted(0, "o14", "mallory", **USERS),
          minted(0, "o14-hers", **USERS | {"subject_id": pseudonym("alice", "b")}),
          renewed(5, "o14-child", ["o14"], subject_id=pseudonym("alice", "b")),
          received(10, "o14-child", subject_id=pseudonym("alice", "b"))], Reason.BY_DIGEST),
    Clearing("a member's object id in a token of another organisation's tenant", "t1",
         [access(5, "t1", token_tenant=OTHER_TENANT, issuer=f"entra:{OTHER_TENANT}", **DELEGATED)],
         Reason.NO_ISSUER_LOG, Probable.OBJECT_ID_ABROAD),
    Clearing("and in a user's token of one of the provider's, under an id of her own", "t2",
         [sign_in(0, "t2"), access(5, "t2", token_tenant=SERVICES)],
         Reason.OBJECT_ID_ABROAD, Probable.OBJECT_ID_ABROAD),
    Clearing("a service acts for her under the provider's tenant", "t3",
         [access(5, "t3", token_tenant=SERVICES, issuer=f"entra:{SERVICES}", **ACT_AS)],
         Reason.NO_ISSUER_LOG),
    Clearing("no service acts for her under another organisation's tenant", "t3a",
         [access(5, "t3a", token_tenant=OTHER_TENANT, issuer=f"entra:{OTHER_TENANT}", **ACT_AS)],
         Reason.NO_ISSUER_LOG, Probable.OBJECT_ID_ABROAD),
    Clearing("a member's token for a resource of the tenant that it names, at another's", "t6",
         [sign_in(0, "t6", resource_tenant=OTHER_TENANT), access(5, "t6", token_tenant=OTHER_TENANT)], Reason.BY_ID),
    Clearing("an application's token says nothing of members", "t7",
         [sign_in(0, "t7", **APP | {"resource_tenant": None}),
          access(5, "t7", token_tenant=OTHER_TENANT, client_id="backup", **APP_ONLY)], Reason.BY_ID),
    Clearing("ids of sign-ins are nobody's own, beside issuers with ledgers", "t8",
         [minted(0, "i0"), sign_in(0, "t8", issuer=f"entra:{OTHER_TENANT}", **AUDITED), access(5, "t8")], Reason.BY_ID),
    Clearing("an own issuer's exchange of what another issued", "o5",
         [minted(0, "o5", issuer="https://partner.example", signing_input_digest=None),
          minted(0, "i0"), renewed(5, "o5-child", ["o5"])], Reason.BY_ID, derived="exchange"),
    Clearing("what was shown to an own issuer is whose the receipts say", "o6",
         [minted(0, "o6", "mallory", **USERS), renewed(4, "o6-child", ["o6"], "alice"), received(5, "o6", "alice")],
         Reason.SUBJECT_DIFFERS, derived="exchange"),
    Clearing("who was renamed into this tenant bears an old tenant's token, and her name proves no object id", "t4",
         [named(5, "t4", token_tenant=OTHER_TENANT, issuer=f"entra:{OTHER_TENANT}")], Reason.NO_ISSUER_LOG),
    Clearing("a guest's object id in a token of his home tenant", "t5",
         [access(5, "t5", "gus", token_tenant=OTHER_TENANT, issuer=f"entra:{OTHER_TENANT}")], Reason.NO_ISSUER_LOG),
    Clearing("a consumer's token sets a rule of an organisation's mailbox", "r1",
         [access(5, "r1", "0003-consumer", issuer=f"entra:{CONSUMER_TENANT}", token_tenant=CONSUMER_TENANT, **RULE)],
         Reason.CONSUMER_REALM),
    Clearing("a person with a personal account reads a shared file", "r2",
         [access(5, "r2", "0003-consumer", issuer=f"entra:{CONSUMER_TENANT}", token_tenant=CONSUMER_TENANT,
                 kind="sharepoint", object_kind="file", logon_type=None)], Reason.NO_ISSUER_LOG),
    *(Clearing(f"verified under the issuer's key, and it writes its issuer {issuer!r}", f"i{number}",
           [minted(0, "i0"), received(1, "i0"), received(5, f"i{number}", issuer=issuer, **VERIFIED)],
           Reason.NO_ISSUER_LOG, Probable.ISSUER_MISSPELT)
      for number, issuer in enumerate((f"{OWN}/", f"{OWN} ", f"{OWN}/.", OWN.upper(), OWN.replace("https", "http"),
                                       "login.example", None), 1)),
    Clearing("an issuer that a service does not write down is no sign where it writes down none", "i10",
         [minted(0, "i0"), received(5, "i10", issuer=None, kind="terse", **VERIFIED)], Reason.NO_ISSUER_LOG),
    Clearing("a missing issuer under an id that was issued", "i11",
         [minted(0, "i0"), received(1, "i0"), minted(5, "i11", signing_input_digest=None),
          received(5, "i11", issuer=None, age=0, **VERIFIED)],
         Reason.ISSUER_MISSPELT, Probable.ISSUER_MISSPELT),
    Clearing("the very bytes that were issued, however a service writes who did it", "i12",
         [minted(5, "i12"), received(5, "i12", issuer=f"{OWN}/", age=0, **VERIFIED)], Reason.BY_DIGEST),
    Clearing("nobody checked the signature", "i13",
         [minted(0, "i0"), received(5, "i13", issuer=f"{OWN}/", signature="unchecked")], Reason.NO_ISSUER_LOG),
    Clearing("another issuer's token under a key of the same name", "i14",
         [minted(0, "i0"), received(5, "i14", issuer="https://elsewhere.example", **VERIFIED)], Reason.NO_ISSUER_LOG),
    Clearing("a key that the provider's log names is no own issuer's", "i17",
         [minted(0, "i0"), received(1, "i0"), sign_in(0, "i17-p", key_id="k8"),
          received(5, "i17", issuer=None, key_id="k8", **VERIFIED)], Reason.NO_ISSUER_LOG),
    Clearing("a key that some token of the provider's names is no own issuer's", "i18",
         [minted(0, "i0"), received(1, "i0"), sign_in(0, "i18-p"), access(3, "i18-p", key_id="k5"),
          received(5, "i18", issuer=None, key_id="k5", **VERIFIED)], Reason.NO_ISSUER_LOG),
    Clearing("a key under which its issuer failed to issue may be another's", "i19",
         [minted(0, "i0"), received(1, "i0"), minted(0, "i19-f", key_id="k7", outcome="failed"),
          received(5, "i19", issuer=f"{OWN}/", key_id="k7", **VERIFIED)], Reason.NO_ISSUER_LOG),
    Clearing("a key that a log names of nobody is nobody's", "i20",
         [minted(0, "i0"), received(1, "i0"), told(0, "i20-a", issuer=None, key_id="k6"),
          received(5, "i20", issuer=None, key_id="k6", **VERIFIED)], Reason.NO_ISSUER_LOG),
    Clearing("a key that only a forged token names is no own issuer's", "i21",
         [minted(0, "i0"), received(1, "i0"), received(2, "i21-f", key_id="k4"),
          received(5, "i21", issuer=f"{OWN}/", key_id="k4", **VERIFIED)], Reason.NO_ISSUER_LOG),
    Clearing("a missing issuer under a key of nobody's", "i22",
         [minted(0, "i0"), received(1, "i0"), received(5, "i22", issuer=None, key_id="k3", **VERIFIED)],
         Reason.NO_ISSUER_LOG),
    Clearing("of two issuers that are written nearly alike one's name under the other's key", "i23",
         [minted(0, "i0"), received(1, "i0"), minted(0, "i23-o", issuer=OWN.replace("https", "http"), key_id="k2"),
          received(5, "i23", issuer=OWN.replace("https", "http"), **VERIFIED)], Reason.NOT_DECLARED,
         Probable.ISSUER_MISSPELT),
    Clearing("an issuer written nearly so under the key of another altogether", "i25",
         [minted(0, "i0"), received(1, "i0"), minted(0, "i25-o", issuer="https://partner.example", key_id="k2"),
          received(5, "i25", issuer=f"{OWN}/", key_id="k2", **VERIFIED)], Reason.NO_ISSUER_LOG),
    Clearing("those bytes were verified under another key's name", "i26",
         [minted(0, "i0"), received(1, "i0"), received(
             4, "i26-v", issuer=f"{OWN}/", key_id="k9", signing_input_digest=digest_of("i26"), **VERIFIED),
          received(5, "i26", issuer=f"{OWN}/", signature="unchecked")], Reason.NO_ISSUER_LOG),
    Clearing("another token was verified under that key", "i27",
         [minted(0, "i0"), received(1, "i0", **VERIFIED), received(5, "i27", issuer=f"{OWN}/", signature="unchecked")],
         Reason.NO_ISSUER_LOG),
    Clearing("the key of an issuer whose log names no keys is known by what it issued", "i16",
         [told(0, "i16-own", issuer="https://quiet.example"),
          received(1, "i16-own", issuer="https://quiet.example", key_id="k3"),
          received(5, "i16", issuer="https://quiet.example/", key_id="k3", **VERIFIED)],
         Reason.NO_ISSUER_LOG, Probable.ISSUER_MISSPELT),
    Clearing("what the provider never issued, beside issuers with ledgers", "f1",
         [minted(0, "i0"), foreign(5, "f1")], Reason.ID_NOT_ISSUED),
    Clearing("what one lost record explains, beside issuers with ledgers", "f3",
         [minted(0, "i0"), *home("carl"), access(5, "f3", "carl", ip="203.0.113.9")], Reason.LONE_MISS,
         Probable.LONE_MISS),
    Clearing("what one obtained with another's forged id at the provider, beside issuers with ledgers", "f4-child",
         [minted(0, "i0"), foreign(5, "f4"), foreign(6, "f4-more", "dana"), *home("bob"),
          exchange(8, "f4-child", ["f4"], "bob"), access(9, "f4-child", "bob")], Reason.UNROOTED_UNCOVERED),
    Clearing("its issued-at tells less of the provider's log, beside issuers with ledgers", "f2",
         [minted(0, "i0"), foreign(14395, "f2", issued_at=at(14390))], Reason.OUTSIDE_COVERAGE),
    Clearing("an issuer that writes two forms has both in its log", "i15",
         [minted(0, "i0"), minted(0, "i15-old", issuer=f"{OWN}/v1", key_id="k2"), minted(0, "i15-new", key_id="k2"),
          received(5, "i15", issuer=f"{OWN}/v1", key_id="k2", **VERIFIED)], Reason.NOT_DECLARED),
)


def finding(told: Clearing) -> str | None:
    """Return the rule of the finding that the token is in."""
    return str(told.reason) if VERDICT[told.reason] in ACCUSING else told.found and str(told.found)


# Of an id that links, the facts that only one side knows (3.2).
UNCOMPARED = {
    "n2": "tenant class key issued-at", "p2": "subject tenant key issued-at", "t3": None,
}

CASES: Table = {
    f"what clears: {one.what}": Case(
        "3.2, 3.3, 3.7, 3.8", one.rows,
        of(one.target, one.reason, one.derived, group_rule=finding(one),
           **({"uncompared": UNCOMPARED[one.target]} if one.target in UNCOMPARED else {})),
        around=[*background(), *PEOPLE])
    for one in TOLD
} | {
    "ids of another kind refute nothing, beside issuers with ledgers": Case(
        "5.5", [minted(0, "i0"), *home("alice"), *home("bob"), *(
            access(5, f"j-{who}", who, token_id_kind="jti") for who in ("alice", "bob"))],
        coverage("entra-signin", "interactive", status=["accepted"])),
}
