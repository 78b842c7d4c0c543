"""What every ledger keeps to, in a folder and in a database: durable, numbered without gaps, verifiable by others."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from counterfoil.errors import LogError, LogTamperedError, UsageError
from counterfoil.mint import proofs
from counterfoil.mint.ledger import FileLedger, Ledger, decode
from counterfoil.mint.mint import Mint
from counterfoil.mint.policy import MintPolicy
from counterfoil.mint.sqlledger import SqlLedger, create
from counterfoil.model.counterfoil import LEDGER_SCHEMA, Counterfoil, Grant
from counterfoil.tlog import exported
from counterfoil.tlog.checkpoint import parse
from counterfoil.tlog.merkle import consistency_proof, verify_consistency
from counterfoil.tlog.stored import Stored, stored_at
from counterfoil.tlog.witness import DropWitness, Witness

from .making import CLAIMS, MINT_POLICY, NOW, ORIGIN, SUBJECTS, custody_in


@dataclass(frozen=True)
class Kind:
    """One kind of ledger: opens it (again), and where it is."""

    open: Callable[..., Ledger]
    place: str

    @property
    def stored(self) -> Stored:
        """The ledger at rest."""
        return stored_at(self.place)


@pytest.fixture(params=["folder", "database"])
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Kind:
    """Return each kind of ledger in turn, new and empty."""
    if request.param == "folder":
        path = tmp_path / "ledger"
        FileLedger.open(path, ORIGIN).close()
        return Kind(lambda *witnesses: FileLedger.open(path, witnesses=witnesses), str(path))
    server, key = request.getfixturevalue("postgres"), tmp_path / "log.key"
    address = server.address(server.place())
    create(address, ORIGIN, key)
    return Kind(lambda *witnesses: SqlLedger.open(address, key, witnesses), address)


def stub(number: int) -> Counterfoil:
    """Return a counterfoil."""
    return Counterfoil(
        time=NOW + timedelta(seconds=number), jti=f"t-{number}", digest=f"{number:064x}", kid="k1", alg="ES256",
        iss="https://login.example", iat=NOW, exp=NOW + timedelta(hours=1), grant=Grant.CLIENT,
    )


def fill(ledger: Ledger, begin: int, until: int) -> None:
    """Record counterfoils by several threads, which share writes; those of one write stand in any order."""
    with ThreadPoolExecutor(32) as pool:
        placed = pool.map(lambda number: ledger.record(stub(number)), range(begin, until))
        assert sorted(placed) == [*range(begin, until)]


def kept(ledger: Stored) -> list[Counterfoil]:
    """Return all that a ledger holds, verified."""
    found: list[Counterfoil] = []
    ledger.verified(lambda index, raw: found.append(decode(raw, index)))
    return found


def test_it_keeps_what_it_was_given_in_order_and_goes_on_when_opened_again(kind: Kind) -> None:
    """Numbers are from 0; a counterfoil is read as it was recorded."""
    for begin in (0, 3):
        with kind.open() as ledger:
            assert [ledger.record(stub(number)) for number in range(begin, begin + 3)] == [begin, begin + 1, begin + 2]
            assert (ledger.size(), ledger.origin) == (begin + 3, ORIGIN)
    assert kept(kind.stored) == [stub(number) for number in range(6)]
    assert kind.stored.verified(key=ledger.key).size == 6


def test_threads_share_it_and_no_number_is_given_twice_or_left_out(kind: Kind) -> None:
    """Six hundred counterfoils of twelve threads, over two full blocks: each is where its number says."""
    placed: dict[int, Counterfoil] = {}
    with kind.open() as ledger:

        def work(mine: range) -> None:
            for number in mine:
                placed[ledger.record(stub(number))] = stub(number)

        threads = [threading.Thread(target=work, args=(range(first, 600, 12),)) for first in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert kept(kind.stored) == [placed[index] for index in range(600)]


def test_its_checkpoints_extend_each_other_and_witnesses_keep_them(kind: Kind, tmp_path: Path) -> None:
    """A witness's folder holds each one; the tree of a later one contains that of an earlier one."""
    drop = tmp_path / "kept"
    drop.mkdir()
    with kind.open() as ledger:
        key = ledger.key
    witness: Witness = DropWitness(drop, key)
    heads = []
    with kind.open(witness) as ledger:
        for until in (1, 255, 300, 520):
            fill(ledger, ledger.size(), until)
            heads.append(parse(ledger.checkpoint().checkpoint.text))
    view = kind.stored.verified().view
    for older, newer in pairwise(heads):
        proof = consistency_proof(older.size, newer.size, view.subtree)
        verify_consistency(older.size, older.root, newer.size, newer.root, proof)
    assert len(list(drop.rglob("0*"))) == 4


def test_its_export_verifies_and_a_token_can_be_proven_and_counted(kind: Kind) -> None:
    """By somebody who has the public key, and nothing else of the issuer's."""
    with kind.open() as ledger:
        fill(ledger, 0, 300)
        early = ledger.checkpoint().checkpoint.render().encode()
        ledger.record(stub(300))
    lines: list[bytes] = []
    exported.write(kind.stored, LEDGER_SCHEMA, lines.append, NOW)
    assert exported.verified(lines, ledger.key).size == 301
    for token, against in (("t-7", early), (f"{299:064x}", early), ("t-300", None)):
        (proof,) = proofs.prove(kind.stored, token, against)
        found, _ = proofs.check(proof, ledger.key, against)
        assert token in (found.jti, found.digest)
    assert proofs.prove(kind.stored, "t-301") == ()
    with pytest.raises(UsageError, match="younger"):
        proofs.prove(kind.stored, "t-300", early)
    wanted = proofs.within((NOW + timedelta(seconds=100)).replace(tzinfo=None), None, "", "")
    assert proofs.count(kind.stored, wanted).total() == 201


def test_a_mint_works_over_it(kind: Kind, tmp_path: Path) -> None:
    """The counterfoil that the mint returns is the one that the ledger holds."""
    with custody_in(tmp_path / "custody") as custody, kind.open() as ledger:
        mint = Mint(custody, ledger, MintPolicy.from_toml(MINT_POLICY), SUBJECTS, clock=lambda: NOW)
        minted = [mint.issue(CLAIMS, grant=Grant.CLIENT) for _ in range(3)]
    assert kept(kind.stored) == [one.counterfoil for one in minted]


REFUSED = [
    ("a digest that is none", {"digest": "x"}),
    ("a token without an issuer", {"iss": ""}),
    ("a time without offset", {"time": NOW.replace(tzinfo=None)}),
    ("an id that is too long", {"jti": "x" * 2_000}),
]


@pytest.mark.parametrize(("what", "change"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_could_not_be_read_again_is_refused(kind: Kind, what: str, change: dict[str, object]) -> None:
    """And leaves no entry."""
    with kind.open() as ledger:
        with pytest.raises(UsageError, match="counterfoil"):
            ledger.record(msgspec.structs.replace(stub(1), **change))
        assert ledger.size() == 0, what


def test_one_that_is_closed_records_nothing(kind: Kind) -> None:
    """The mint stops, loudly."""
    ledger = kind.open()
    ledger.close()
    ledger.close()
    with pytest.raises(LogError, match="closed"):
        ledger.record(stub(1))
    assert kept(kind.stored) == []


def test_another_key_than_the_one_expected_is_told(kind: Kind, tmp_path: Path) -> None:
    """Whoever replaces the whole ledger has another key."""
    with FileLedger.open(tmp_path / "other", ORIGIN) as other, pytest.raises(LogTamperedError, match="the key"):
        kind.stored.verified(key=other.key)
