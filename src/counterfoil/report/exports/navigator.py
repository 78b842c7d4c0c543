"""The techniques of intrusions as a layer of the ATT&CK Navigator, format 4.5: one layer over all intrusions.

https://github.com/mitre-attack/attack-navigator/blob/master/layers/spec/v4.5/layerformat.md
"""

from __future__ import annotations

from collections.abc import Sequence

from counterfoil.model.attack import NAMES, VERSION
from counterfoil.model.habits import Technique
from counterfoil.model.story import Story
from counterfoil.report import _document
from counterfoil.report.clean import clean
from counterfoil.report.exports.registry import About
from counterfoil.report.words import some, span

_COLOURS = ("#ffe8d6", "#c1121f")


def render(stories: Sequence[Story], about: About) -> str:
    """Return the layer; a technique's score is the number of records that show it."""
    shown: dict[str, list[tuple[str, Technique]]] = {}
    for story in stories:
        for technique in story.habits.techniques:
            shown.setdefault(technique.id, []).append((story.intrusion.id, technique))
    techniques = [_technique(name, of) for name, of in sorted(shown.items())]
    document = {
        "name": "counterfoil: " + some(len(stories), "intrusion"),
        "versions": {"attack": VERSION, "navigator": "5.0.0", "layer": "4.5"},
        "domain": "enterprise-attack",
        "description": f"case {clean(about.case, 400)}, counterfoil {about.version}",
        "sorting": 3,
        "hideDisabled": False,
        "techniques": techniques,
        "gradient": {
            "colors": list(_COLOURS), "minValue": 0,
            "maxValue": max((entry["score"] for entry in techniques), default=1),
        },
    }
    return _document.encode(document, indent=2) + "\n"


def _technique(name: str, of: Sequence[tuple[str, Technique]]) -> _document.Document:
    """Return a technique with its evidence. A sub-technique is shown with its parent unfolded."""
    return {
        "techniqueID": name,
        "score": sum(technique.records for _, technique in of),
        "comment": f"{NAMES.get(name, name)}; shown by " + ", ".join(
            dict.fromkeys(clean(why, 80) for _, technique in of for why in technique.why)
        ),
        "enabled": True,
        "showSubtechniques": "." in name,
        "metadata": [
            {"name": f"intrusion {intrusion}",
             "value": f"{some(technique.records, 'record')}, {span(technique.first_seen, technique.last_seen)}"}
            for intrusion, technique in of
        ],
    }
