"""The acceptance matrix: exactly the wrong cells of each service are found, and a strict one has none."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterable
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from cli.run import run
from counterfoil.errors import UsageError
from counterfoil.lab.drill.parties import Held as HeldPolicy
from counterfoil.lab.drill.parties import gateways, ours
from counterfoil.lab.estate import policies
from counterfoil.lab.estate.run import run as lab_run
from counterfoil.lab.estate.scenarios import Scenario
from counterfoil.lab.estate.settings import FILES, MAIL, Flaw, Realm
from counterfoil.lab.estate.world import World
from counterfoil.mint.ledger import FileLedger
from counterfoil.posture.matrix import keys
from counterfoil.posture.matrix import plan as plans
from counterfoil.posture.matrix import run as matrix
from counterfoil.posture.matrix.asking import asks, of_function
from counterfoil.posture.matrix.cells import Form
from counterfoil.posture.matrix.report import Answered, Declared, Held, MatrixReport
from counterfoil.respond.probe import Canary
from counterfoil.tokens.policy import TokenPolicy
from counterfoil.tokens.pseudonym import SubjectKey

from . import parties
from .parties import ISSUERS, LEFT, party

# A wrong cell: key, realm of the issuer, class; or a form.
Wrong = set[tuple[str, str, str] | str]
REALMS = ("org", "consumer", "service")
# Every key of a realm for the others' issuers, as in 2022.
ACROSS: Wrong = {(key, realm, "access") for key, realm in product(REALMS, REALMS) if key != realm}


def anywhere(*keys: str, kinds: Iterable[str] = ("access",)) -> Wrong:
    """Return the cells of these keys for all issuers."""
    return set(product(keys, REALMS, kinds))


def cells(report: MatrixReport, held: Held = Held.HOLE, name: str = "mail") -> Wrong:
    """Return a party's cells that compare so."""
    realm = {issuer: str(known) for known, issuer in ISSUERS.items()}
    return {
        (one.cell.key, realm[one.cell.issuer], one.cell.kind) if one.cell.form is Form.PLAIN else one.cell.form.name
        for one in report.of(held) if one.party == name
    }


def asked(path: Path, *flaws: Flaw, renewal: bool = False) -> MatrixReport:
    """Return the matrix of a service of the lab with these flaws."""
    of = party("mail", f"http://lab{'/renew' if renewal else '/messages'}", renewal=renewal)
    return matrix.run(parties.plan(of), parties.policy(), asking=parties.lab_service(path, *flaws))


# Flaws of the lab, whether tokens are renewed there, and exactly the cells that are let in and should not be.
FLAWS: dict[str, tuple[tuple[Flaw, ...], bool, Wrong]] = {
    "a strict service has no wrong cell": ((), False, set()),
    "a strict place that renews has none": ((), True, set()),
    "one document of all realms: any key opens any realm": ((Flaw.MERGED_KEYS,), False, ACROSS),
    "nobody looks at a key's end": ((Flaw.DEAD_KEYS,), False, {("dead", "consumer", "access")}),
    "a key slipped into the document is taken": ((Flaw.UNPINNED,), False, {("rogue", "org", "access")}),
    "what was renewed is renewed again": ((Flaw.SELF_RENEWAL,), True, {("service", "service", "access")}),
    "tokens without a signature are believed": ((Flaw.UNSIGNED_ACTORS,), False, {"UNSIGNED"}),
    "receipts are none of its business": ((Flaw.NO_RECEIPTS, Flaw.SAMPLED), False, set()),
    "2023 as a whole": (
        (Flaw.MERGED_KEYS, Flaw.DEAD_KEYS, Flaw.UNPINNED), False, ACROSS | anywhere("dead", "rogue"),
    ),
}


@pytest.mark.parametrize("sentence", FLAWS)
def test_a_lab_service_has_exactly_the_wrong_cells_of_its_flaws(tmp_path: Path, sentence: str) -> None:
    """And nothing that it should let in is refused, and every cell is told."""
    flaws, renewal, wrong = FLAWS[sentence]
    report = asked(tmp_path, *flaws, renewal=renewal)
    assert cells(report) == wrong
    assert (report.counts[Held.BREAK], report.counts[Held.UNKNOWN]) == (0, 0)


def test_what_is_declared_is_the_policy(tmp_path: Path) -> None:
    """Each realm's key for its own issuer's access tokens, and nothing else: by hand, not by the verifier."""
    report = asked(tmp_path)
    allowed = {(one.cell.key, one.cell.issuer, one.cell.kind, one.cell.form) for one in report.results
               if one.declared is Declared.ACCEPT}
    assert allowed == {(str(realm), ISSUERS[realm], "access", Form.PLAIN) for realm in Realm}
    assert len(report.results) == len(parties.KEYS) * 3 * 2 + len(Form) - 1


PYJWT = """
import json, pathlib, jwt
KEYS = jwt.PyJWKSet.from_json((pathlib.Path(__file__).parent / "shared.json").read_text())
def verify(token):
    key = KEYS[jwt.get_unverified_header(token)["kid"]]
    return jwt.decode(token, key, algorithms=["ES256"], audience="api://mail", issuer=%s)
"""
JOSERFC = """
import json, pathlib
from joserfc import jwt
from joserfc.jwk import KeySet
KEYS = KeySet.import_key_set(json.loads((pathlib.Path(__file__).parent / "shared.json").read_text()))
CLAIMS = jwt.JWTClaimsRegistry(iss={"essential": True, "values": %s}, aud={"essential": True, "value": "api://mail"})
def verify(token):
    found = jwt.decode(token, KEYS, algorithms=["ES256"])
    CLAIMS.validate(found.claims)
    return found.claims
"""
# What the libraries' introductions show: no key is bound to an issuer or a time, no class is looked at, no end wanted.
BOTH = ("access", "id")
LIBRARY: Wrong = (
    {(key, realm, kind) for key, realm, kind in product(REALMS, REALMS, BOTH) if (key, kind) != (realm, "access")}
    | anywhere("dead", kinds=BOTH) | {"ENDLESS", "LONG"}
)


def test_the_command_asks_services_and_libraries(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Over HTTP and as functions of Python: a strict service, one of 2022, PyJWT and joserfc, in one run."""
    values = list(ISSUERS.values())
    (tmp_path / "of_pyjwt.py").write_text(PYJWT % values)
    (tmp_path / "of_joserfc.py").write_text(JOSERFC % values)
    named = {"PyJWT": "of_pyjwt.py", "joserfc": "of_joserfc.py"}
    listed = "".join(
        f'[[party]]\nname = "{name}"\naudience = "api://mail"\nfunction = "{file}:verify"\n'
        for name, file in named.items()
    )
    subjects = SubjectKey("k", b"k" * 32)
    with (
        ours("strict", HeldPolicy(parties.policy()), tmp_path, subjects, plans_clock) as strict,
        ours("merged", HeldPolicy(parties.policy(Flaw.MERGED_KEYS)), tmp_path, subjects, plans_clock) as merged,
        FileLedger.open(tmp_path / "ledger", "ledger.test/matrix"),
    ):
        for one in (strict, merged):
            listed += f'[[party]]\nname = "{one.name}"\naudience = "api://mail"\nurl = "{one.url}"\n'
        file = parties.write(tmp_path, listed)
        kept = tmp_path / "evidence" / "matrix.json"
        kept.parent.mkdir()
        done = run(capsys, "matrix", file, "--format", "json", "--output", kept)
    assert done.code == 1, done.err
    told = json.loads(kept.read_text())
    report = matrix_of(kept)
    wrong = {name: cells(report, name=name) for name in report.parties}
    assert wrong == {"PyJWT": LIBRARY, "joserfc": LIBRARY, "strict": set(), "merged": ACROSS}
    assert told["counts"]["refused, should be accepted"] == told["counts"]["cannot tell"] == 0
    assert "PRIVATE" not in kept.read_text()
    assert "eyJ" not in kept.read_text()
    _answers_posture(kept, capsys)
    _compares(tmp_path, file, kept, capsys)


def _answers_posture(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`counterfoil posture` judges services by the file."""
    whole = json.loads(run(capsys, "posture", kept, "--format", "json").out)
    said = {(one["subject"], one["check"]): one["verdict"] for one in whole["findings"]}
    checks = ("service-key-binding", "service-dead-keys", "service-signature", "service-token-claims")
    expected = {
        "strict": ("pass",) * 4, "merged": ("fail", "pass", "pass", "pass"), "PyJWT": ("fail", "fail", "pass", "fail"),
    }
    assert {name: tuple(said[name, check] for check in checks) for name in expected} == expected
    assert said["strict", "service-renewal"] == "cannot tell"
    assert whole["next_steps"][0]["check"] == "service-key-binding"


def _compares(folder: Path, file: Path, kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Say in a later run what changed, on a screen and as a page with a picture."""
    listed = '[[party]]\nname = "PyJWT"\naudience = "api://mail"\nfunction = "of_pyjwt.py:verify"\n'
    (folder / "of_pyjwt.py").write_text(PYJWT.replace("    key =", "    assert 'at+jwt' == jwt.get_unverified_header("
                                        "token)['typ']\n    key =") % list(ISSUERS.values()))
    parties.write(folder, listed)
    said = run(capsys, "matrix", file, "--before", kept)
    assert "ACCEPTED, SHOULD BE REFUSED" in said.out
    line = f"PyJWT: id token of {ISSUERS[Realm.ORG]}, key org, as issued: accepted, should be refused -> as declared"
    assert line in " ".join(said.out.split())
    page = run(capsys, "matrix", file, "--format", "html").out
    assert page.count("<svg") == 1
    assert page.count("<rect") == len(parties.KEYS) * 6 + len(Form) - 1
    assert "<script" not in page


def matrix_of(kept: Path) -> MatrixReport:
    """Return the report of a file."""
    from counterfoil.posture.matrix import kept as files

    return files.parsed(json.loads(kept.read_text()), str(kept))


def plans_clock() -> float:
    """Return the present, which services on loopback tell as well."""
    import time

    return time.time()


def test_real_gateways(tmp_path: Path) -> None:
    """Told what the service of 2022 was told: Envoy and HAProxy bind keys to issuers by their configuration alone."""
    with gateways(tmp_path) as found:
        if not found:
            pytest.skip("neither Envoy nor HAProxy is installed here")
        merged = parties.policy(Flaw.MERGED_KEYS, Flaw.DEAD_KEYS)
        for each in found:
            each.configure(merged)
        plan = parties.plan(*(party(each.name, each.party.url) for each in found))
        report = matrix.run(plan, parties.policy())
    # neither looks at the header's type
    of_all = {(key, realm, kind) for key, realm, kind in product(ISSUED, REALMS, BOTH)
              if (key, kind) != (realm, "access")}
    expected = {"envoy": of_all, "haproxy": of_all | {"LONG"}}
    for each in found:
        assert cells(report, name=each.name) == expected[each.name], each.name
        assert cells(report, Held.BREAK, each.name) == set()


ISSUED = parties.ISSUED
# Minutes since a key left, for how many the party may keep it -> what is declared of its token for its own issuer.
DEPARTED = {
    "within the cache's time either is right": (10, 60, Declared.EITHER),
    "after it the key must be refused": (61, 60, Declared.REFUSE),
    "who keeps none must refuse it at once": (1, 0, Declared.REFUSE),
}


@pytest.mark.parametrize("sentence", DEPARTED)
def test_a_key_that_left_may_be_held_for_as_long_as_the_cache(sentence: str) -> None:
    """A service that goes on with it is wrong only afterwards, and for another issuer at any time."""
    ago, cache, declared = DEPARTED[sentence]
    now = LEFT.timestamp() + 60 * ago
    of = party("mail", "http://lab/messages", cache=60.0 * cache)
    report = matrix.run(
        parties.plan(of), parties.policy(), clock=lambda: now, asking=lambda _: of_function(lambda _: True)
    )
    left = {(one.cell.issuer, one.cell.kind): one for one in report.results if one.cell.key == "left"}
    own = left[ISSUERS[Realm.ORG], "access"]
    assert (own.declared, own.left, own.answered) == (declared, ago, Answered.ACCEPTED)
    assert own.held is (Held.RIGHT if declared is Declared.EITHER else Held.HOLE)
    assert left[ISSUERS[Realm.CONSUMER], "access"].held is Held.HOLE


def test_a_blocked_key_is_refused_by_who_knows_of_it(tmp_path: Path) -> None:
    """The policy blocks the organisation's key; a service that goes by yesterday's lets it in: one wrong cell."""
    blocked = parties.policy_text().replace("[[flow]]", '[[keys.key]]\nkid = "service"\nstate = "blocked"\n\n[[flow]]')
    declared = TokenPolicy.from_toml(blocked, parties.DOCUMENTS)
    of = party("mail", "http://lab/messages")
    report = matrix.run(parties.plan(of), declared, asking=parties.lab_service(tmp_path))
    assert cells(report) == {("service", "service", "access")}
    assert report.of(Held.HOLE)[0].rule == "V2 key-not-active"


HERE, THERE, NOWHERE = (f"5a7e1e00-0000-4000-8000-00000000000{digit}" for digit in "abc")
TENANTS = """
schema = "counterfoil.token-policy/1"
[[keys]]
file = "keys"
issuers = ["https://login.example/{tenantid}/v2.0"]
classes = ["%(kind)s"]
[[keys.key]]
kid = "consumer"
tenants = ["%(here)s"]
[[flow]]
name = "mail"
class = "%(kind)s"
issuers = ["https://login.example/{tenantid}/v2.0"]
audiences = ["api://mail"]
tenants = ["%(here)s", "%(there)s"]
%(more)s
"""


@pytest.mark.parametrize("kind", ["access", "entra-access"])
def test_tenants_are_an_axis(kind: str) -> None:
    """A key of one tenant signs for no other, and nobody for a tenant that is not served; an Entra token as well."""
    more = 'claims = { ver = ["2.0"] }' if kind == "entra-access" else ""
    text = TENANTS % {"kind": kind, "here": HERE, "there": THERE, "more": more}
    declared = TokenPolicy.from_toml(text, {"keys": parties.key_set("org", "consumer")})
    plan = replace(
        parties.plan(party("mail")), issuers=("https://login.example/{tenantid}/v2.0",), classes=(kind,),
        tenants=(HERE, THERE, NOWHERE), keys=parties.plan().keys[:2],
    )
    report = matrix.run(plan, declared, asking=lambda _: of_function(lambda _: True))
    plain = [one for one in report.results if one.cell.form is Form.PLAIN]
    assert all(one.cell.tenant in one.cell.issuer for one in plain)
    assert {(one.cell.key, one.cell.tenant, one.rule[:2]) for one in plain if one.held is Held.HOLE} == {
        ("org", NOWHERE, "V5"), ("consumer", THERE, "V4"), ("consumer", NOWHERE, "V5"),
    }


# What a party answers to the first two tokens, and to all after them (0: nothing) -> how refusals compare.
ANSWERS = {
    "refuses everything": (401, 401, Held.UNKNOWN), "has no answer": (0, 0, Held.UNKNOWN),
    "locks us out after a while": (200, 401, Held.UNKNOWN), "has had enough of us": (200, 429, Held.UNKNOWN),
    "lets everything in": (200, 200, Held.HOLE),
}


@pytest.mark.parametrize("sentence", ANSWERS)
def test_a_refusal_counts_only_where_the_right_token_is_let_in(sentence: str) -> None:
    """First and last: a party that refuses everybody, or us, has not refused a key."""
    first, later, held = ANSWERS[sentence]
    seen = 0

    def ask(_: str) -> int:
        nonlocal seen
        seen += 1
        status = first if seen < 3 else later
        if not status:
            raise OSError("nobody is there")
        return status

    report = matrix.run(parties.plan(party("mail")), parties.policy(), asking=lambda _: ask)
    dead = [one for one in report.results if one.cell.key == "dead"]
    assert {one.held for one in dead} == {held}


def test_every_token_is_recorded_as_a_canary(tmp_path: Path) -> None:
    """Before it leaves, if a ledger is named: no hunt takes it for an intruder's."""
    with FileLedger.open(tmp_path / "ledger", "ledger.test/matrix") as ledger:
        asking = parties.lab_service(tmp_path)
        report = matrix.run(parties.plan(party("mail", "http://lab/messages")), parties.policy(), ledger=ledger,
                            asking=asking)
        assert ledger.size() == len(report.results) + 2  # the one that must be let in is shown twice


PARTY = '[[party]]\nname = "a"\naudience = "api://mail"\nurl = "http://127.0.0.1:9/"\n'
BAD = {
    "an address in clear": (PARTY.replace("127.0.0.1", "mail.example"), "http is for loopback only"),
    "neither address nor function": (PARTY.replace("url", "flow"), "expected url"),
    "rights": (f'{PARTY}claims = {{ scope = "mail" }}\n', "no claim 'scope' of yours"),
    "an unknown field": (f"{PARTY}retries = 3\n", "retries"),
    "two of one name": (PARTY * 2, "party: expected 1 to 50, each once"),
    "an audience of nobody": (PARTY.replace("api://mail", "api://nobody"), "the policy lets none of its tokens in"),
    "a function of no file": (PARTY.replace('url = "http://127.0.0.1:9/"', 'function = "no.py:verify"'), "no file"),
}


@pytest.mark.parametrize("sentence", BAD)
def test_a_matrix_that_cannot_be_asked_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sentence: str
) -> None:
    """With one line that says what is wrong, before anybody is asked."""
    listed, words = BAD[sentence]
    done = run(capsys, "matrix", parties.write(tmp_path, listed))
    assert (done.code, done.out) == (2, "")
    assert words in done.err


def test_a_function_that_is_none_is_refused(tmp_path: Path) -> None:
    """A file that fails, or has no such function, is told as such."""
    for text in ("raise ValueError", "verify = 3"):
        (tmp_path / "f.py").write_text(text)
        asked_of = plans.Party("a", party("a").shape, file=tmp_path / "f.py", function="verify")
        with pytest.raises(UsageError, match=r"f\.py"):
            asks(asked_of, 0.0)


def test_the_libraries_are_installed() -> None:
    """The dev extra brings both, so that no test of them is skipped in silence."""
    assert all(importlib.util.find_spec(name) for name in ("jwt", "joserfc"))


@pytest.mark.slow
def test_the_running_lab(tmp_path: Path) -> None:
    """Its real processes with all flaws of 2023: exactly these cells of its mail and file services are wrong."""
    seen: dict[str, Wrong] = {}

    def visit(world: World) -> None:
        estate = world.estate
        held = {"org": world.stolen[Realm.ORG], "service": world.stolen[Realm.SERVICE],
                "dead": world.stolen[Realm.CONSUMER], "rogue": world.rogue}
        signers = tuple(keys.in_memory(key.private, name, key.kid) for name, key in held.items())
        names = (*map(str, Realm), "common")
        documents = {name: world.client.get(f"{estate.issuer_url}/{name}/jwks").content for name in names}
        issuers = {estate.issuer(realm): str(realm) for realm in Realm}
        for audience in (MAIL, FILES):
            of = plans.Party(audience, Canary("", audience), f"{estate.service(audience)}/messages")
            plan = plans.Plan(tmp_path, None, tuple(issuers), ("access", "id"), (), signers, (of,), 0.0)
            declared = TokenPolicy.from_toml(policies.token_policy(replace(estate, flaws=()), audience), documents)
            report = matrix.run(plan, declared, clock=estate.clock.seconds)
            assert report.counts[Held.BREAK] == report.counts[Held.UNKNOWN] == 0
            seen[audience] = {
                (one.cell.key, issuers[one.cell.issuer], one.cell.kind)
                if one.cell.form is Form.PLAIN else one.cell.form.name for one in report.of(Held.HOLE)
            }

    lab_run(Scenario("matrix", "is asked", (visit,), frozenset(Flaw)), tmp_path / "lab", lambda _: None)
    wrong = {cell for cell in anywhere("org", "service", "dead", "rogue") if cell[0] != cell[1]}
    assert seen == {MAIL: wrong, FILES: wrong | {"UNSIGNED"}}
