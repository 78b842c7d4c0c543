"""What comes out: the screen with five steps, every form, exceptions, and what changed since an earlier run."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from cli.run import run
from counterfoil.posture import checks_page
from counterfoil.posture.forms.ocsf import OCSF
from counterfoil.posture.forms.registry import names
from counterfoil.posture.registry import all_checks
from docs import posture_page
from docs.pages import page

from . import estates
from .making import jwk, key_set, write


def test_the_screen_ends_with_five_steps(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Ordered by gain, each with what it breaks; and the screen says what was not asked."""
    ran = run(capsys, "posture", estates.holes(tmp_path / "estate"))
    screen, _, steps = ran.out.partition("NEXT ")
    assert ran.code == 1
    assert "FAIL issuer-realms" in screen
    assert "Not asked: could a forged token be judged" in " ".join(screen.split())
    told = re.findall(r"^  (\d)\. (\S+) \((\w[\w ]*), ", steps, re.MULTILINE)
    assert [number for number, _, _ in told] == ["1", "2", "3", "4", "5"]
    gains = {check.id: check.gain for check in all_checks()}
    assert [gains[name] for _, name, _ in told] == sorted((gains[name] for _, name, _ in told), reverse=True)
    assert steps.count("breaks: ") == 5


def test_every_form_tells_the_same(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """All forms hold every failed check; hostile values are no markup, and no control."""
    folder = estates.holes(tmp_path / "estate")
    hostile = "</td><script>alert(1)</script> \x1b[31m [link](javascript:1)"
    write(folder / "issuer" / "openid-configuration.json",
          {"issuer": hostile, "jwks_uri": "https://a.example", "token_endpoint": "https://a.example/token"})
    failed = {
        finding["check"] for finding in json.loads(run(capsys, "posture", folder, "--format", "json").out)["findings"]
        if finding["verdict"] == "fail"
    }
    assert len(failed) > 5
    for form in names():
        out = run(capsys, "posture", folder, "--format", form).out
        assert all(name.replace("-", "\\-") in out or name in out for name in failed), form
        assert "\x1b" not in out, form
        assert "<script>" not in out or form not in ("html", "markdown"), form
        assert "[link](java" not in out or form != "markdown"


def test_the_machine_forms_have_their_shapes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """SARIF 2.1.0 and OCSF 1.8.0: one entry for each answer, with its status."""
    folder = estates.half(tmp_path / "estate")
    whole = json.loads(run(capsys, "posture", folder, "--format", "json").out)["findings"]
    [sarif] = json.loads(run(capsys, "posture", folder, "--format", "sarif").out)["runs"]
    assert len(sarif["results"]) == len(whole)
    levels = {result["ruleId"]: (result["kind"], result["level"]) for result in sarif["results"]}
    assert levels["issuer-key-age"] == ("fail", "error")
    assert levels["issuer-pkce"] == ("fail", "warning")
    assert levels["issuer-token-lifetime"] == ("open", "none")
    assert levels["issuer-realms"] == ("pass", "none")
    ocsf = json.loads(run(capsys, "posture", folder, "--format", "ocsf").out)
    status = {one["compliance"]["control"]: one["compliance"]["status_id"] for one in ocsf}
    assert {(one["class_uid"], one["type_uid"], one["category_uid"]) for one in ocsf} == {(2003, 200301, 2)}
    picked = ("issuer-key-age", "issuer-pkce", "issuer-token-lifetime", "issuer-realms")
    assert [status[name] for name in picked] == [3, 2, 0, 1]
    assert len({one["finding_info"]["uid"] for one in ocsf}) == len(ocsf)


def test_ocsf_is_valid_by_its_schema(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Every finding, of every verdict and under an exception, is a Compliance Finding by the schema of OCSF 1.8.0."""
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=OCSF))
    name = schema.lookup_class_name_from_uid(class_uid=2003)
    valid = Draft202012Validator(schema.get_class_schema(class_name=name, profiles=[]))
    file = tmp_path / "exceptions.toml"
    file.write_text('[[exception]]\ncheck = "issuer-pkce"\nowner = "Kim"\nreason = "r"\nuntil = 2099-01-01\n')
    folder = estates.half(tmp_path / "estate")
    found = json.loads(run(capsys, "posture", folder, "--exceptions", file, "--format", "ocsf").out)
    assert {one["compliance"]["status_id"] for one in found} == {0, 1, 2, 3}
    assert {one["status_id"] for one in found} == {1, 3}
    assert [(error.json_path, error.message[:200]) for one in found for error in valid.iter_errors(one)] == []
    wrong = {**found[0], "compliance": {**found[0]["compliance"], "status_id": 7}}  # and it would say so
    assert [error.json_path for error in valid.iter_errors(wrong)] == ["$.compliance.status_id"]
    assert list(valid.iter_errors({**found[0], "verdict": "fail"}))


def test_an_exception_holds_until_its_end(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """With an owner and a reason a failure does not count; after the end date it does, and the screen says so."""
    jwks = write(tmp_path / "jwks.json", key_set({**jwk("a"), "d": "AAAA"}))
    file = tmp_path / "exceptions.toml"

    def told(until: str) -> tuple[int, str]:
        file.write_text(
            '[[exception]]\ncheck = "issuer-private-material"\nowner = "Kim"\nreason = "a test issuer"\n'
            f"until = {until}\n"
        )
        ran = run(capsys, "posture", jwks, "--exceptions", file)
        return ran.code, " ".join(ran.out.split())

    code, screen = told("2099-01-01")
    assert code == 3
    assert "exception of Kim until 2099-01-01: a test issuer" in screen
    code, screen = told("2020-01-01")
    assert code == 1
    assert "ENDED EXCEPTIONS 1" in screen


def test_two_runs_are_compared(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """What got better, what got worse, and what is only another value."""
    folder = estates.half(tmp_path / "estate")
    before = tmp_path / "before.json"
    run(capsys, "posture", folder, "--format", "json", "--output", before)
    again = json.loads(run(capsys, "posture", folder, "--before", before, "--format", "json").out)
    assert again["changes"] == []
    write(folder / "issuer" / "openid-configuration.json", {**estates.HARD, "dpop_signing_alg_values_supported": []})
    told = json.loads(run(capsys, "posture", folder, "--before", before, "--format", "json").out)["changes"]
    directions = {change["check"]: change["direction"] for change in told}
    assert directions["issuer-pkce"] == "better"
    assert directions["issuer-sender-constraint"] == "worse"
    screen = run(capsys, "posture", folder, "--before", before).out
    assert "better: issuer-pkce" in screen
    assert "worse: issuer-sender-constraint" in run(capsys, "posture", folder, "--before", before, "--format",
                                                    "markdown").out.replace("\\-", "-") + screen


def test_the_list_and_the_page_agree(capsys: pytest.CaptureFixture[str]) -> None:
    """Each check is in `posture --list`, and has its section with its fix on the page of the reference."""
    listed = run(capsys, "posture", "--list").out
    assert [line.split()[0] for line in listed.splitlines() if "(gain" in line] == [check.id for check in all_checks()]
    assert page(posture_page.PATH).text == posture_page.rendered()
    assert checks_page.markdown() in posture_page.rendered()
    rows = json.loads(run(capsys, "posture", "--list", "--format", "json").out)["checks"]
    assert [row["id"] for row in rows] == [check.id for check in all_checks()]


def test_a_baseline_of_ones_own_is_held_to(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Its figures take the place of ours, and the report carries its name and version."""
    estates.hardened(tmp_path / "estate")
    own = tmp_path / "own.toml"
    own.write_text('name = "house"\nversion = "7"\n[figures.sample-window-days]\nvalue = 300\nsource = "us"\n')
    told = json.loads(run(capsys, "posture", tmp_path / "estate", "--baseline", own, "--format", "json").out)
    assert told["baseline"] == "house/7"
    [found] = [one for one in told["findings"] if one["check"] == "issuer-rotation-reverted"]
    assert found["verdict"] == "cannot tell"  # two hundred days are less than two of its windows
