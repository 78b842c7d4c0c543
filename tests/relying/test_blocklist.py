"""Fetching block lists over real HTTP: what is refused, what a restart remembers, and what happens without a list."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from counterfoil.errors import CounterfoilError, InputError, UsageError, VerifyError
from counterfoil.relying.blocklist import BlockLists
from counterfoil.relying.cached import Ages
from counterfoil.relying.fetching import FetchedPolicy, FetchingVerifier
from tokens.blocking import HOUR, SIGNERS, block_policy, blocks, entry, key_documents, policy_text, unsigned
from tokens.making import NOW, token

from .serving import Server, serving

AT_ONCE = Ages(least=0.0, usual=0.0, most=0.0, stale=0.0, pause=0.0, retry=0.0)


@pytest.fixture
def server() -> Iterator[Server]:
    """Yield a server of the list that blocks the key rsa."""
    with serving(blocks(entry())) as running:
        yield running


class Party:
    """A relying party with its state file, which may be restarted."""

    def __init__(self, server: Server, state: Path, missing: str = "refuse") -> None:
        """Ask that server for each token."""
        self.time = float(NOW)
        source = FetchedPolicy(policy_text(missing), {}, key_documents())
        rule = source.policy().blocklist
        self.blocks = BlockLists(rule, state, server.url("/blocks"), ages=AT_ONCE, clock=lambda: self.time)
        self.verifier = FetchingVerifier(source, "mail", self.blocks)

    def says(self, text: str) -> str:
        """Return the check by which a token is refused; nothing if it is accepted."""
        try:
            self.verifier.verify(text, at=self.time)
        except VerifyError as error:
            return error.check
        return ""


def answering(body: bytes) -> Callable[[], tuple[int, dict[str, str], bytes]]:
    """Return what answers with this."""
    return lambda: (200, {}, body)


def test_a_block_counts_as_soon_as_it_is_fetched(server: Server, tmp_path: Path) -> None:
    """And a newer list without it lets the key's tokens in again; others' were never refused."""
    party = Party(server, tmp_path / "state")
    assert (party.says(token()), party.says(token("ec", {"alg": "ES256"}))) == ("state", "")
    server.reply = answering(blocks(number=8))
    assert party.says(token()) == ""


BAD: dict[str, Callable[[], bytes]] = {
    "a stranger's": lambda: blocks(number=9, by="ec-stranger"),
    "of a lower number": lambda: blocks(number=6),
    "with the same number": blocks,
    "unsigned": unsigned,
    "ended": lambda: blocks(number=9, iat=NOW - 2 * HOUR, exp=NOW - HOUR),
    "by a blocked signer": lambda: blocks(entry(SIGNERS[0]), number=9),
    "a page of HTML": lambda: b"<html>sign in</html>",
    "endless": lambda: b"a" * 1_000_000,
}


@pytest.mark.parametrize("sentence", BAD)
def test_a_bad_list_changes_nothing_and_is_told(server: Server, tmp_path: Path, sentence: str) -> None:
    """The last good one goes on to hold, also after a restart; one clear line says why."""
    party = Party(server, tmp_path / "state")
    assert party.says(token()) == "state"
    server.reply = answering(BAD[sentence]())
    for same in (party, Party(server, tmp_path / "state")):
        assert same.says(token()) == "state"
        assert same.blocks.held is not None
        assert same.blocks.held.number == 7
        assert isinstance(same.blocks.failed, InputError)
        assert "\n" not in str(same.blocks.failed)


def test_the_highest_number_outlives_a_restart(server: Server, tmp_path: Path) -> None:
    """Who can restart the service and serve it an old list gains nothing, for no token is good meanwhile."""
    party = Party(server, tmp_path / "state")
    assert party.says(token()) == "state"
    server.reply = answering(blocks(number=6))
    assert Party(server, tmp_path / "state").says(token()) == "state"
    (tmp_path / "state").write_bytes(blocks(number=9, by="ec-stranger"))
    with pytest.raises(InputError, match="none of the signers"):
        Party(server, tmp_path / "state")


@pytest.mark.parametrize(("missing", "then"), [("refuse", "block-list"), ("accept", "")])
def test_a_frozen_list_ends(server: Server, tmp_path: Path, missing: str, then: str) -> None:
    """From its end on all tokens are refused, or those of other keys go on, as configured; the block stays."""
    party = Party(server, tmp_path / "state", missing)
    assert party.says(token("ec", {"alg": "ES256"})) == ""
    party.time = NOW + HOUR
    later: dict[str, Any] = {"exp": NOW + HOUR + 600, "iat": NOW + HOUR - 5, "nbf": NOW + HOUR - 5}
    assert party.says(token("ec", {"alg": "ES256"}, **later)) == then
    assert party.says(token(**later)) == "state"


@pytest.mark.parametrize(("missing", "then"), [("refuse", "block-list"), ("accept", "")])
def test_a_party_that_never_had_a_list_does_as_configured(tmp_path: Path, missing: str, then: str) -> None:
    """It fails closed unless the policy says otherwise."""
    with serving() as server:
        server.reply = lambda: (503, {}, b"")
        assert Party(server, tmp_path / "state", missing).says(token()) == then


def test_a_list_that_is_handed_in_counts_without_a_fetch(tmp_path: Path) -> None:
    """Pushed by whoever received it; the rules are the same."""
    lists = BlockLists(block_policy().blocklist, tmp_path / "state", clock=lambda: NOW)
    assert lists.applied(block_policy()) is block_policy()
    lists.offer(blocks(entry()))
    blocked = lists.applied(block_policy())
    assert blocked is lists.applied(block_policy())
    assert blocked.blocks_until == NOW + HOUR
    with pytest.raises(VerifyError, match="number"):
        lists.offer(blocks(number=6))
    with pytest.raises(UsageError, match="no \\[blocklist\\]"):
        BlockLists(None, tmp_path / "state")


def test_the_digests_of_good_tokens_are_fetched_beside_the_list(tmp_path: Path) -> None:
    """With them a cut-off spares what was minted before; another file than the list names spares nothing."""
    text = token()
    listed = f"{hashlib.sha256(text.rpartition('.')[0].encode()).hexdigest()}\n".encode()
    made = blocks(entry(cut_off=NOW - 30, digests=hashlib.sha256(listed).hexdigest()))
    with serving() as server:
        files = {"/blocks": made, "/blocks.digests": listed}
        server.reply = lambda: (200, {}, files[server.requests[-1][1]])
        party = Party(server, tmp_path / "state")
        assert (party.says(text), party.says(token(jti="another"))) == ("", "state")
        files["/blocks.digests"] = listed + listed
        after = Party(server, tmp_path / "state")
        assert after.says(text) == "state"
        assert isinstance(after.blocks.failed, CounterfoilError)
