"""A member that is there twice: no reader of our own logs takes one of the two, whichever it would be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from counterfoil.custody import audit
from counterfoil.errors import CounterfoilError, LogTamperedError
from counterfoil.mint import ledger, observed, proofs
from counterfoil.tlog.note import SignerKey

from .reading import SAMPLES, read

# Per log: a member of it, in the entry or the line, and other values of it.
LOGS = {"ledger": "jti", "custody": "digest", "receipts": "jti", "decoys": "kid", "leaks": "kid"}


def _twice(line: str, name: str, form: str) -> str:
    """Return the line with another value of a member before the genuine one."""
    genuine, escaped = f'"{name}":', f"\\u{ord(name[0]):04x}{name[1:]}"
    other = {"plain": genuine, "escaped": f'"{escaped}":', "apart": f'"{name}" :'}
    assert line.count(genuine) == 1
    return line.replace(genuine, f'{other[form]}"other",{genuine}')


@pytest.mark.parametrize("form", ["plain", "escaped", "apart"])
def test_hunt_rejects_the_line(tmp_path: Path, form: str) -> None:
    """Of every log of ours, in each way in which a name can be written; the lines around it are read."""
    files = []
    for log, name in LOGS.items():
        lines = (SAMPLES / "counterfoil" / f"{log}.jsonl").read_text().splitlines()
        place = next(place for place, line in enumerate(lines) if line.count(f'"{name}":') == 1)
        files.append(tmp_path / f"{log}.jsonl")
        files[-1].write_text("\n".join([lines[place], _twice(lines[place], name, form), lines[place]]) + "\n")
    for log, found in zip(LOGS, read(files, tmp_path / "case"), strict=True):
        assert len(found.rows) == 2, log
        assert ["twice" in reject["reject"] for reject in found.rejects] == [True], log


def test_names_within_texts_are_none(tmp_path: Path) -> None:
    """A purpose, an agent or a path may quote anything."""
    line = json.loads((SAMPLES / "counterfoil" / "receipts.jsonl").read_text().splitlines()[0])
    line["user_agent"] = 'a "jti": "x", "jti" : {"kid":"\\"} \\" : \\\\'
    (tmp_path / "receipts.jsonl").write_text(json.dumps(line, separators=(",", ":")) + "\n")
    [found] = read([tmp_path / "receipts.jsonl"], tmp_path / "case")
    assert (len(found.rows), found.rejects) == (1, [])
    assert found.rows[0]["user_agent"] == line["user_agent"]


def test_proofs_and_audits_refuse_the_entry() -> None:
    """Of a ledger, of custody, in a proof and in an issuer's own line: one error of ours each."""
    samples = {name: (SAMPLES / "counterfoil" / f"{name}.jsonl").read_text().splitlines()[0] for name in LOGS}
    entries = {name: line.partition('"entry":')[2][:-1] for name, line in samples.items()}
    assert ledger.decode(entries["ledger"].encode(), 0).jti == "t-1"
    with pytest.raises(LogTamperedError, match="'jti' twice"):
        ledger.decode(_twice(entries["ledger"], "jti", "plain").encode(), 0)
    record = '{"v":1,"time":"2026-06-01T12:00:00Z","op":"sign","result":"begun","key":"a"}'
    assert audit.decode(record.encode(), 0).key == "a"
    with pytest.raises(LogTamperedError, match="'key' twice"):
        audit.decode(_twice(record, "key", "escaped").encode(), 0)
    with pytest.raises(CounterfoilError, match="'input' twice"):
        observed._line(b'{"input":"a.b","input":"c.d","grant":"client_credentials"}')
    key = SignerKey.generate("ledger.example/idp").verifier()
    proof = b'{"schema":"x","log":"a","index":0,"entry":{"a":1,"a":2},"path":[],"checkpoint":"x"}'
    with pytest.raises(CounterfoilError, match="proof: it has 'a' twice"):
        proofs.check(proof, key)
