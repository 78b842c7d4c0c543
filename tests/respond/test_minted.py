"""A cut-off spares what an inclusion proof of the pinned ledger shows to be minted before, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.run import Ran, run
from counterfoil.errors import CounterfoilError, VerifyError
from counterfoil.mint.ledger import FileLedger
from counterfoil.mint.proofs import prove
from counterfoil.model.counterfoil import Counterfoil
from counterfoil.respond.minted import by_proofs
from counterfoil.tlog.stored import InFolder
from counterfoil.tokens import blocklist
from counterfoil.tokens.decoded import decoded
from counterfoil.tokens.presentation import Presentation
from counterfoil.tokens.verifier import Verifier
from tokens.blocking import block_policy, blocks, entry, key_documents, policy_text
from tokens.making import NOW, token


def ledger(folder: Path, moments: dict[str, float]) -> InFolder:
    """Return a ledger of these tokens, each recorded at its moment."""
    with FileLedger.open(folder, "ledger.test/minted") as made:
        for text, moment in moments.items():
            seen = decoded(text)
            made.record(Counterfoil(
                time=datetime.fromtimestamp(moment, UTC), jti=seen.claims["jti"], digest=seen.digest.hex(), kid="rsa",
                alg="RS256", typ="at+jwt", iss=seen.claims["iss"], aud=("api://mail",),
                iat=datetime.fromtimestamp(seen.claims["iat"], UTC), exp=datetime.fromtimestamp(NOW + 600, UTC),
            ))
    return InFolder(folder)


def test_a_token_with_a_proof_from_before_the_cut_off_is_let_in(tmp_path: Path) -> None:
    """One recorded before passes; one recorded later and one without a proof are refused, by the same proofs."""
    before, later, forged = (token(jti=name) for name in ("before", "later", "forged"))
    held = ledger(tmp_path / "ledger", {before: NOW - 60.0, later: NOW - 10.0})
    proofs = [*prove(held, "before"), *prove(held, "later")]
    minted = by_proofs(proofs, held.verified(lambda *_: None).key)
    policy = block_policy()
    assert policy.blocklist is not None
    listed = blocklist.read(blocks(entry(cut_off=NOW - 30)), policy.blocklist.signers)
    verifier = Verifier(policy.blocking(listed), "mail")
    assert verifier.verify(before, at=NOW, shown=Presentation(minted=minted))
    for text in (later, forged):
        with pytest.raises(VerifyError) as caught:
            verifier.verify(text, at=NOW, shown=Presentation(minted=minted))
        assert (caught.value.rule, caught.value.check) == ("V2", "state")


def test_the_program_takes_a_proof(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`ledger prove`, then `token verify --minted`: accepted; without it, of a later token or another ledger: not."""
    before, later = (token(jti=name) for name in ("before", "later"))
    held = ledger(tmp_path / "ledger", {before: NOW - 60.0, later: NOW - 10.0})
    (tmp_path / "policy.toml").write_text(policy_text())
    for name, content in key_documents().items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "blocks").write_bytes(blocks(entry(cut_off=NOW - 30)))
    at = f"{datetime.fromtimestamp(NOW, UTC):%Y-%m-%dT%H:%M:%S}"
    key = held.verified(lambda *_: None).key.render()

    def verified(text: str, *more: object) -> Ran:
        (tmp_path / "token").write_text(text)
        policy = ("--policy", tmp_path / "policy.toml", "--flow", "mail", "--block-list", tmp_path / "blocks")
        return run(capsys, "token", "verify", tmp_path / "token", *policy, "--at", at, *more)

    for name, text, said in (("before", before, "ACCEPTED"), ("later", later, "REFUSED")):
        proof = tmp_path / f"{name}.proof"
        proof.write_text(run(capsys, "ledger", "prove", tmp_path / "ledger", name).out)
        assert verified(text, "--minted", proof, "--ledger-key", key).out.split()[0] == said
        assert verified(text).out.startswith("REFUSED  key-not-active")
    other = ledger(tmp_path / "other", {before: NOW - 60.0}).verified(lambda *_: None).key.render()
    for bad, told in ((("--ledger-key", other), "expected a signature by"), ((), "belong together")):
        ran = verified(before, "--minted", tmp_path / "before.proof", *bad)
        assert (ran.code, ran.out, told in ran.err) == (2, "", True), ran.err


def test_a_proof_of_another_ledger_or_a_changed_one_is_refused(tmp_path: Path) -> None:
    """Whoever brings it is told: it is no proof, whatever its counterfoil says."""
    text = token(jti="before")
    held = ledger(tmp_path / "ledger", {text: NOW - 60.0})
    other = ledger(tmp_path / "other", {text: NOW - 60.0})
    key = held.verified(lambda *_: None).key
    [proof], [strange] = prove(held, "before"), prove(other, "before")
    digest = decoded(text).digest.hex()
    assert by_proofs([proof], key)(digest) == NOW - 60.0
    for wrong in (strange, proof.replace(digest.encode(), b"0" * 64), b"{}"):
        with pytest.raises(CounterfoilError):
            by_proofs([wrong], key)
