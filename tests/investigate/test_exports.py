"""Formats of intrusions: what other programs take in, and people's own; the same case gives the same bytes."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
from stix2validator import ValidationOptions, validate_string

from cli.run import run
from counterfoil import app
from counterfoil.model.attack import NAMES, OF_OPERATION
from counterfoil.report.exports import markdown, registry

from .conftest import Story

FORMATS = ("text", "json", "markdown", "navigator", "ocsf", "stix", "timesketch")
STIX_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
# What each of these objects must have beside its common members (STIX 2.1, sections 4 and 5).
NEEDED = {
    "attack-pattern": {"name"}, "identity": {"name"}, "indicator": {"pattern", "pattern_type", "valid_from"},
    "intrusion-set": {"name"}, "relationship": {"relationship_type", "source_ref", "target_ref"},
    "report": {"name", "published", "object_refs"},
}


def exported(capsys: pytest.CaptureFixture[str], story: Story, form: str, *more: str) -> str:
    """Return what the program writes."""
    ran = run(capsys, "intrusions", "--case", story.case, "--format", form, *more)
    assert ran.code == 0, ran.err
    return ran.out


def test_the_formats_are_found_by_their_files() -> None:
    """Text comes first; there is no format without a module and none that does not exist."""
    assert registry.formats() == FORMATS
    with pytest.raises(KeyError):
        registry.render("registry", (), registry.About("case", "0", None))


def test_the_same_case_gives_the_same_bytes(capsys: pytest.CaptureFixture[str], story: Story) -> None:
    """Every format is a pure function of the case, and has something to say of each intrusion."""
    ids = [row[0] for row in app.sql(story.case, "SELECT id FROM intrusions WHERE sort = 'intrusion'").rows]
    stories, about = app.stories(story.case, app.AskedStories())
    again = app.stories(story.case, app.AskedStories())
    for form in FORMATS:
        once = registry.render(form, stories, about)
        assert once == registry.render(form, *again), form
        assert all(str(name) in once for name in ids), form
    assert exported(capsys, story, "stix") == registry.render("stix", stories, about)


def test_stix_is_a_bundle_whose_references_lead_somewhere(
    capsys: pytest.CaptureFixture[str], story: Story
) -> None:
    """Each object has what STIX 2.1 wants of its type, an id of its own, times with milliseconds, and known targets."""
    bundle = json.loads(exported(capsys, story, "stix"))
    objects: dict[str, dict[str, Any]] = {entry["id"]: entry for entry in bundle["objects"]}
    assert bundle["type"] == "bundle"
    assert len(objects) == len(bundle["objects"])
    for name, entry in objects.items():
        kind, _, unique = name.partition("--")
        assert (kind, UUID(unique).version, entry["spec_version"]) == (entry["type"], 5, "2.1")
        assert NEEDED[kind] <= set(entry)
        assert all(STIX_TIME.fullmatch(entry[when]) for when in ("created", "modified"))
        assert entry["modified"] >= entry["created"]
        named = [value for key, value in entry.items() if key.endswith("_ref")] + entry.get("object_refs", [])
        assert set(named) <= set(objects)
        assert entry.get("valid_until", "9") > entry.get("valid_from", "")
        assert 0 <= entry.get("confidence", 0) <= 100
    kinds = [entry["type"] for entry in objects.values()]
    assert kinds.count("intrusion-set") == 2
    assert {"T1606", "T1114.002"} <= {
        entry["external_references"][0]["external_id"]
        for entry in objects.values() if entry["type"] == "attack-pattern"
    }


# Ids are made of the values and not at random, and the pages of techniques change: their hashes would be wrong soon.
OASIS = ValidationOptions(version="2.1", strict=True, disabled=["uuid-check", "extref-hashes"])


@pytest.mark.parametrize("more", [(), ("--redact",)], ids=["as it is", "with pseudonyms"])
def test_validators_of_others_have_no_complaint(
    capsys: pytest.CaptureFixture[str], story: Story, more: tuple[str, ...]
) -> None:
    """The STIX validator of OASIS, its warnings counted as errors; the JSON Schema of OCSF. Both see what is wrong."""
    bundle = exported(capsys, story, "stix", *more)
    assert complaints(bundle) == []
    assert complaints(bundle.replace('"targets"', '"Targets!"')) != []
    assert complaints(bundle.replace(":value = '", ":value is '")) != []
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version="1.8.0"))
    name = schema.lookup_class_name_from_uid(class_uid=2004)
    valid = Draft202012Validator(schema.get_class_schema(class_name=name, profiles=[]))
    found = [json.loads(line) for line in exported(capsys, story, "ocsf", *more).splitlines()]
    assert [(error.json_path, error.message[:200]) for one in found for error in valid.iter_errors(one)] == []
    assert not valid.is_valid({**found[0], "severity_id": "bad"})


def complaints(bundle: str) -> list[str]:
    """Return what the validator of OASIS says."""
    return [str(error) for error in validate_string(bundle, OASIS).errors or ()]


def test_navigator_has_a_layer_of_known_techniques(capsys: pytest.CaptureFixture[str], story: Story) -> None:
    """The layer is of format 4.5 and ATT&CK 19; every technique is known by name, scored and explained."""
    layer = json.loads(exported(capsys, story, "navigator"))
    assert (layer["versions"]["layer"], layer["versions"]["attack"]) == ("4.5", "19")
    assert layer["domain"] == "enterprise-attack"
    assert {entry["techniqueID"] for entry in layer["techniques"]} <= set(NAMES)
    assert all(entry["score"] > 0 and entry["comment"] and entry["metadata"] for entry in layer["techniques"])


def test_timesketch_takes_each_line(capsys: pytest.CaptureFixture[str], story: Story) -> None:
    """Each line has the members that Timesketch wants, and one moment in both of its forms."""
    lines = [json.loads(line) for line in exported(capsys, story, "timesketch").splitlines()]
    assert lines
    for line in lines:
        assert {"message", "datetime", "timestamp_desc"} <= set(line)
        assert line["datetime"].endswith("+00:00")
        assert line["timestamp"] % 1_000_000 == int(line["datetime"][20:26])


def test_ocsf_has_a_finding_for_each(capsys: pytest.CaptureFixture[str], story: Story) -> None:
    """Each is a Detection Finding of OCSF 1.8.0 with its type, product, techniques and observables."""
    found = [json.loads(line) for line in exported(capsys, story, "ocsf").splitlines()]
    assert len(found) == 2
    for entry in found:
        assert entry["type_uid"] == entry["class_uid"] * 100 + entry["activity_id"] == 200401
        assert entry["metadata"]["version"] == "1.8.0"
        assert {"uid", "title"} <= set(entry["finding_info"])
        assert all(attack["technique"]["uid"] in attack.get("sub_technique", attack["technique"])["uid"]
                   for attack in entry["finding_info"]["attacks"])
        assert {observable["type_id"] for observable in entry["observables"]} == {2, 4, 16}


def test_text_says_who_when_and_what(capsys: pytest.CaptureFixture[str], story: Story) -> None:
    """A reader finds hours, mail in three numbers, techniques and a timeline; no line is wider than it says."""
    out = exported(capsys, story, "text")
    for words in ("2 intrusions", "office hours in", "messages seen  at least  at most", "T1114.002", "joined by"):
        assert words in out
    assert max(map(len, out.splitlines())) <= 120


def test_what_an_intruder_writes_is_no_markup() -> None:
    """An agent or a name that is written as Markdown or HTML is shown as it is."""
    assert markdown.plain("<img src=x> [a](http://b) |`c`| www.d") == (
        "\\<img src=x\\> \\[a\\](http\\://b) \\|\\`c\\`\\| www\\.d"
    )


def test_hostile_values_stay_in_their_place(story: Story) -> None:
    """Quotes, line breaks and controls in an agent break no format."""
    stories, about = app.stories(story.case, app.AskedStories())
    first = stories[0]
    agent = replace(first.habits.agents[0], name="'] OR [x:y = '\\\n\x1b[31m\"</script>|", people=0)
    odd = (replace(first, habits=replace(first.habits, agents=(agent,))),)
    for form in FORMATS:
        text = registry.render(form, odd, about)
        assert "\x1b" not in text, form
        if form in ("json", "navigator", "stix"):
            json.loads(text)
    patterns = [entry["pattern"] for entry in json.loads(registry.render("stix", odd, about))["objects"]
                if entry["type"] == "indicator" and "User-Agent" in entry["pattern"]]
    assert patterns
    assert all(len(re.findall(r"(?<!\\)'", pattern)) == 6 for pattern in patterns)


def test_techniques_of_operations_have_names() -> None:
    """Whatever an operation or a rule shows has a name of ATT&CK v19."""
    assert set(OF_OPERATION.values()) <= set(NAMES)
