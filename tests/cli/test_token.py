"""`token verify|inspect|policy` and `explain`: what people see, what scripts rely on, and what never shows."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from counterfoil.tokens.rules import RULES
from tokens import blocking, making, test_dpop, test_keyset, test_saml, test_status

from .run import Ran, run, start

AT = "2026-05-28T20:27"  # within the life of the tokens of making.NOW


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work where the policy and its keys are."""
    monkeypatch.chdir(tmp_path)
    Path("policy.toml").write_text(making.POLICY)
    Path("common.json").write_bytes(making.documents()["common.json"])


def verify(capsys: pytest.CaptureFixture[str], token: str, *options: str, flow: str = "mail") -> Ran:
    """Verify a token that stands in a file."""
    Path("token").write_text(token + "\n")
    return run(capsys, "token", "verify", "token", "--policy", "policy.toml", "--flow", flow, "--at", AT, *options)


def hides(token: str, *shown: Ran) -> bool:
    """Tell whether no part of the token was printed."""
    told = "".join(ran.out + ran.err for ran in shown)
    return not [part for part in token.split(".") if part and part in told]


def test_an_accepted_token_shows_who_signed_for_whom(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0; the same facts as JSON, with the claims."""
    token = making.token()
    text, document = verify(capsys, token), verify(capsys, token, "--format", "json")
    assert (text.code, text.err, text.out.splitlines()[0]) == (0, "", "ACCEPTED")
    assert "  key        rsa (RS256)\n" in text.out
    told = json.loads(document.out)
    assert (told["schema"], told["outcome"], told["key_id"]) == ("counterfoil.token/1", "accepted", "rsa")
    assert told["claims"]["sub"] == "alice"
    assert hides(token, text, document)


def test_a_refused_token_shows_why_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1; reason code, expected, got, hint and source, as text and as JSON; and nothing of the token."""
    token = making.token("rsa-consumer")
    text, document = verify(capsys, token), verify(capsys, token, "--format", "json")
    assert (text.code, document.code, text.err) == (1, 1, "")
    assert text.out.startswith("REFUSED  key-not-entitled (rule V4, issuer)\n")
    labels = [line.split()[0] for line in text.out.splitlines()[1:]]
    assert labels == ["expected", "got", "key", "signature", "hint", "source", "more"]
    told = json.loads(document.out)
    assert (told["code"], told["rule"], told["signature_verified"]) == ("key-not-entitled", "V4", True)
    assert hides(token, text, document)


def test_a_policy_with_a_block_list_accepts_by_the_list_that_is_given(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Without one all are refused; by it those under the blocked key, save what its digests prove older."""
    Path("policy.toml").write_text(blocking.policy_text())
    for name, content in blocking.key_documents().items():
        Path(name).write_bytes(content)
    text, other, path = making.token(), making.token("ec", {"alg": "ES256"}), tmp_path / "blocks"
    assert "block-list" in verify(capsys, other).out.splitlines()[0]
    listed = f"{hashlib.sha256(text.rpartition('.')[0].encode()).hexdigest()}\n".encode()
    spared = blocking.entry(cut_off=making.NOW - 30, digests=hashlib.sha256(listed).hexdigest())
    path.write_bytes(blocking.blocks(spared) + b"\n")
    assert verify(capsys, other, "--block-list", str(path)).code == 0
    refused = verify(capsys, text, "--block-list", str(path))
    assert (refused.code, refused.out.splitlines()[0]) == (1, "REFUSED  key-not-active (rule V2, state)")
    (tmp_path / "blocks.digests").write_bytes(listed)
    assert verify(capsys, text, "--block-list", str(path)).code == 0


@pytest.mark.parametrize(
    ("sentence", "content", "told"),
    [
        ("a stranger's list", lambda: blocking.blocks(by="ec-stranger"), "blocks: "),
        ("a list that has ended", lambda: blocking.blocks(iat=making.NOW - 7_200, exp=making.NOW - 3_600), "until"),
        ("a page of HTML", lambda: b"<html>", "blocks: "),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_block_list_that_may_not_be_gone_by_is_one_clear_line(
    capsys: pytest.CaptureFixture[str], sentence: str, content: Callable[[], bytes], told: str
) -> None:
    """Exit code 2, also where the policy has no [blocklist]; no token is judged by it."""
    Path("blocks").write_bytes(content())
    ran = verify(capsys, making.token(), "--block-list", "blocks")
    assert (ran.code, "no [blocklist]" in ran.err) == (2, True), sentence
    Path("policy.toml").write_text(blocking.policy_text())
    for name, document in blocking.key_documents().items():
        Path(name).write_bytes(document)
    ran = verify(capsys, making.token(), "--block-list", "blocks")
    assert (ran.code, ran.out, told in ran.err) == (2, "", True), ran.err


def test_a_token_comes_from_standard_input_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Line breaks around it do not count; nothing at all is bad usage."""
    for given, code in ((making.token() + "\r\n", 0), ("", 2), ("\n", 2), ("x" * 600_000, 2)):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given.encode())))
        options = ("--policy", "policy.toml", "--flow", "mail", "--at", AT)
        assert run(capsys, "token", "verify", *options).code == code


def test_what_is_shown_with_a_token_is_verified_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    """DPoP proof, certificate (PEM and DER), status list, introspection, renewal."""
    at = 1_779_999_960 + 60  # what AT means
    bound = making.token(cnf=test_dpop.JKT)
    Path("proof").write_text(test_dpop.proof(bound, at=at))
    assert verify(capsys, bound, "--dpop", "proof", "--url", test_dpop.URL).code == 0
    assert verify(capsys, bound, "--dpop", "proof", "--url", test_dpop.URL, "--method", "POST").code == 1
    assert verify(capsys, bound).code == 1
    der = test_dpop.certificate("ec-client")
    pem = "-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der).decode() + "-----END CERTIFICATE-----\n"
    Path("client.der").write_bytes(der)
    Path("client.pem").write_text(pem)
    bound = making.token(cnf={"x5t#S256": making.certificate_thumbprint(der)})
    assert [verify(capsys, bound, "--certificate", name).code for name in ("client.der", "client.pem")] == [0, 0]
    Path("list").write_text(test_status.listed([0, 1]))
    given = [verify(capsys, test_status.referring(place), "--status-list", "list", flow="checked") for place in (0, 1)]
    assert [ran.code for ran in given] == [0, 1]
    for active, code in ((True, 0), (False, 1)):
        Path("answer").write_text(json.dumps({"active": active}))
        assert verify(capsys, making.token(), "--introspection", "answer", flow="asked").code == code
    assert verify(capsys, making.token(), "--renewal").code == 0
    assert verify(capsys, making.token("rsa-self", iss=making.SELF), "--renewal").code == 1


def test_a_saml_response_is_verified(capsys: pytest.CaptureFixture[str]) -> None:
    """The class of the flow says what is read."""
    text = test_saml.POLICY.replace("KID-RETIRED", "x").replace("KID-OTHER", "y")
    Path("policy.toml").write_text(text)
    Path("idp.pem").write_bytes(test_keyset.certificate("rsa").public_bytes(Encoding.PEM))
    assert verify(capsys, test_saml.response(test_saml.genuine()), flow="saml").code == 0
    refused = verify(capsys, test_saml.response(test_saml._evil()), flow="saml")
    assert (refused.code, refused.out.split()[1]) == (1, "assertion-not-signed")


def test_saml_without_its_packages_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bare installation lacks them; the hint says what to install."""
    monkeypatch.setitem(sys.modules, "counterfoil.tokens.saml", None)
    Path("policy.toml").write_text(test_saml.POLICY.replace("KID-RETIRED", "x").replace("KID-OTHER", "y"))
    Path("idp.pem").write_bytes(test_keyset.certificate("rsa").public_bytes(Encoding.PEM))
    ran = verify(capsys, "<x/>", flow="saml")
    assert (ran.code, "counterfoil[saml]" in ran.err) == (2, True)


def test_inspect_shows_what_nobody_vouches_for(capsys: pytest.CaptureFixture[str]) -> None:
    """NOT VERIFIED, header and claims, times in words; no signature, no nested token; controls made harmless."""
    nested = making.token()
    token = making.token(actortoken=nested, list=[f"Bearer {nested}"], sub="\x1b[31mred")
    Path("token").write_text(token)
    text, document = (run(capsys, "token", "inspect", "token", "--format", form) for form in ("text", "json"))
    assert (text.code, text.out.splitlines()[0]) == (0, "NOT VERIFIED: anybody can write this.")
    assert "1779999940 (2026-05-28 20:25:40 UTC)" in text.out
    assert "(a token, not shown)" in text.out
    assert "\x1b" not in text.out
    assert json.loads(document.out)["outcome"] == "not verified"
    assert json.loads(document.out)["claims"]["list"] == ["(a token, not shown)"]
    assert hides(token, text, document)
    assert hides(nested.partition(".")[2], text, document)


@pytest.mark.parametrize("token", ["x", "a.b.c", "{}", "eyJhbGciOiJub25lIn0.eyJhIjoxLCJhIjoyfQ."])
def test_inspect_says_what_cannot_be_taken_apart(token: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1 and the reason."""
    Path("token").write_text(token)
    shown = run(capsys, "token", "inspect", "token")
    assert (shown.code, shown.out.split()[0]) == (1, "REFUSED")


def test_a_policy_is_shown_with_what_was_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    """Keys with state, algorithms and issuers; keys that cannot be used; flows."""
    keys = json.loads(Path("common.json").read_text())["keys"]
    Path("common.json").write_text(json.dumps({"keys": [*keys, making.jwk("ec-weak", use="enc")]}))
    text, document = (run(capsys, "token", "policy", "policy.toml", "--format", form) for form in ("text", "json"))
    assert (text.code, text.err) == (0, "")
    assert "  rsa-retired: retired, RS256, signs for https://login.example/{tenantid}/v2.0\n" in text.out
    assert "  ec-weak: use is not sig\n" in text.out
    assert json.loads(document.out)["unusable"] == {"ec-weak": "use is not sig"}


BAD_USAGE: dict[str, tuple[tuple[str, ...], str]] = {
    "a policy that is not there": (("verify", "--policy", "none.toml"), "none.toml: No such file"),
    "a policy that is a folder": (("policy", "."), ".: Is a directory"),
    "a policy that is no text": (("policy", "binary"), "binary: not UTF-8"),
    "a policy with a mistake": (("policy", "wrong.toml"), "wrong.toml:1: the file, keys: missing"),
    "a token that is not there": (("inspect", "none"), "none: No such file"),
    "a flow that is not there": (("verify", "token", "--policy", "policy.toml", "--flow", "x"), "no flow 'x'"),
    "no flow where there are several": (("verify", "token", "--policy", "policy.toml"), "several flows"),
    "a proof without its request": (
        ("verify", "token", "--policy", "policy.toml", "--dpop", "token"), "--dpop and --url belong together"),
    "a certificate that is none": (
        ("verify", "token", "--policy", "policy.toml", "--flow", "mail", "--certificate", "token"), "token: no cert"),
    "a time that is none": (("verify", "token", "--policy", "policy.toml", "--at", "soon"), "--at: 'soon'"),
    "a form that is none": (("inspect", "token", "--format", "xml"), "--format: unknown 'xml'"),
}


@pytest.mark.parametrize(("arguments", "told"), BAD_USAGE.values(), ids=BAD_USAGE)
def test_bad_usage_is_one_line_with_a_hint(
    arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, nothing on stdout, and nothing of the token."""
    Path("token").write_text(making.token())
    Path("binary").write_bytes(b"\xff\xfe")
    Path("wrong.toml").write_text('schema = "counterfoil.token-policy/1"\n')
    ran = run(capsys, "token", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err
    assert "  hint: " in ran.err
    assert hides(making.token(), ran)


@pytest.mark.parametrize("command", [("inspect",), ("verify", "--policy", "policy.toml")])
def test_a_token_as_an_argument_is_refused_and_not_repeated(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Arguments are seen by everybody on the machine; the message holds no part of the token."""
    token = making.token()
    ran = run(capsys, "token", *command, token)
    assert (ran.code, ran.out) == (2, "")
    assert "standard input" in ran.err
    assert hides(token, ran)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_reason_of_refusal_is_explained(rule: object, capsys: pytest.CaptureFixture[str]) -> None:
    """By its code and by its number: what it means, why, what to do, and where the rule comes from."""
    values = vars(rule)
    by_code, by_number = (run(capsys, "explain", values[name]) for name in ("code", "id"))
    assert by_code == by_number
    assert by_code.code == 0
    flat = " ".join(by_code.out.split())
    for name in ("meaning", "why", "act", "source"):
        assert values[name] in flat


def test_a_slip_in_a_code_gets_the_nearest_one(capsys: pytest.CaptureFixture[str]) -> None:
    """Reasons of refusal are among the codes that are known."""
    ran = run(capsys, "explain", "key-not-entitld")
    assert (ran.code, "did you mean key-not-entitled?" in ran.err) == (2, True)


def test_verifying_needs_neither_engine_nor_much_time() -> None:
    """The program starts without DuckDB and Ibis, so that it can be called for each token."""
    code = "import sys, counterfoil.cli.main as m; m.main(sys.argv[1:]); sys.exit('duckdb' in sys.modules)"
    Path("token").write_text(making.token())
    command = [sys.executable, "-c", code, "token", "verify", "token", "--policy", "policy.toml", "--flow", "mail"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603  # our own


def test_the_program_itself_ends_with_the_code() -> None:
    """In a process of its own, through pipes."""
    Path("token").write_text(making.token("rsa-retired"))
    process = start("token", "verify", "token", "--policy", "policy.toml", "--flow", "mail", cwd=Path.cwd())
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (1, b"")
    assert out.startswith(b"REFUSED  key-not-active (rule V2, state)")
