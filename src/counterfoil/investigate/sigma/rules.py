"""Loads rules of Sigma: each is compiled, or refused by name and reason."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import yaml
from sigma.collection import SigmaCollection
from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaError
from sigma.filters import SigmaFilter
from sigma.rule import SigmaRule

from counterfoil.errors import UsageError
from counterfoil.investigate.sigma import condition
from counterfoil.investigate.sigma.condition import Unsupported
from counterfoil.investigate.sigma.fields import steps
from counterfoil.investigate.sigma.loaded import Loaded

MAX_RULES, MAX_RULE_BYTES, MAX_REASON = 20_000, 256_000, 300
# Which log of ours a log source of Sigma is. Others have fields that no record that is read has.
LOGS: Mapping[tuple[str, str], str] = {
    ("m365", "audit"): "m365-ual",
    ("azure", "auditlogs"): "entra-audit",
    ("azure", "signinlogs"): "entra-signin",
    ("azure", "activitylogs"): "azure-activity",
    ("aws", "cloudtrail"): "aws-cloudtrail",
}


def load(paths: Sequence[Path]) -> tuple[Loaded, ...]:
    """Return every rule of the files, and of those below folders that end in .yml or .yaml."""
    found: list[Loaded] = []
    for path in _files(paths):
        found += _of_file(path)
        if len(found) > MAX_RULES:
            raise UsageError(f"more than {MAX_RULES:,} rules", hint="name a smaller folder")
    return tuple(found)


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(one for one in path.rglob("*.y*ml") if one.suffix in (".yml", ".yaml"))
        elif path.is_file():
            yield path
        else:
            raise UsageError(f"no rules at {path}", hint="give a file or a folder of Sigma rules (.yml)")


def _of_file(path: Path) -> list[Loaded]:
    def refused(why: object) -> list[Loaded]:
        return [Loaded(path.name, path.stem, why=_line(why))]

    try:
        if path.stat().st_size > MAX_RULE_BYTES:
            return refused(f"larger than {MAX_RULE_BYTES:,} bytes")
        text = path.read_text(encoding="utf-8")
        # a few of them make a document of any size
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            return refused("YAML aliases")
        collection = SigmaCollection.from_yaml(text, collect_errors=True)
    except (OSError, UnicodeDecodeError, RecursionError, yaml.YAMLError, SigmaError) as error:
        return refused(error)
    except (TypeError, ValueError, KeyError, AttributeError) as error:  # what pySigma says of what is no rule
        return refused(f"no rule of Sigma: {error}")
    return [_loaded(rule) for rule in collection.rules] or refused("no rule is in it")


def _loaded(rule: SigmaRule | SigmaCorrelationRule | SigmaFilter) -> Loaded:
    name = str(rule.id or rule.title)[:MAX_REASON]
    told = Loaded(name, str(rule.title)[:MAX_REASON], str(getattr(rule, "level", "") or "").lower())
    if isinstance(rule, SigmaCorrelationRule):
        return _refused(told, "a correlation: only rules of single records are run")
    if not isinstance(rule, SigmaRule):
        return _refused(told, "a filter")
    if rule.errors:
        return _refused(told, rule.errors[0])
    source = rule.logsource
    log = LOGS.get((source.product or "", source.service or ""))
    if log is None or source.category:
        named = "/".join(filter(None, (source.product, source.category, source.service)))
        return _refused(told, f"no source that is read is the log {named or 'without a name'}")
    columns: dict[str, str] = {}

    def column(field_name: str) -> str:
        name = f"f_{hashlib.sha256(field_name.encode()).hexdigest()[:16]}"
        columns[name] = ".".join(steps(field_name))
        return name

    try:
        parsed = [each.parsed for each in rule.detection.parsed_condition]
        compiled, plain = (
            "(" + " OR ".join(condition.sql(each, column, plain=plain) for each in parsed) + ")"
            for plain in (False, True)
        )
    except (Unsupported, SigmaError, ValueError, RecursionError) as error:
        return _refused(told, error)
    whole = any(condition.asks_all(each) for each in parsed)
    return Loaded(told.id, told.title, told.level, log, compiled, plain, whole, fields=columns)


def _refused(rule: Loaded, why: object) -> Loaded:
    return Loaded(rule.id, rule.title, rule.level, why=_line(why))


def _line(text: object) -> str:
    return " ".join(str(text).split())[:MAX_REASON]
