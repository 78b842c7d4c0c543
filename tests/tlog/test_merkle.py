"""Trees and proofs: outside vectors, and properties against the definition of RFC 6962 written naively."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import LogTamperedError
from counterfoil.tlog import merkle

# The reference inputs and roots of Certificate Transparency (RFC 6962), sizes 0 to 8.
LEAVES = [bytes.fromhex(text) for text in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)]
ROOTS = [bytes.fromhex(text) for text in (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)]
# Consistency proofs of the same reference data: old size, new size, proof.
CONSISTENCY = [
    (2, 5, ["5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"]),
    (6, 7, ["0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"]),
]

hashes = st.binary(min_size=32, max_size=32)


def hashed(count: int) -> list[bytes]:
    """Return the hashes of that many different leaves."""
    return [merkle.leaf_hash(bytes([place % 251, place // 251])) for place in range(count)]


def naive(leaves: list[bytes]) -> bytes:
    """Return MTH as RFC 6962 section 2.1 writes it."""
    if not leaves:
        return merkle.EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return merkle.node_hash(naive(leaves[:split]), naive(leaves[split:]))


def subtrees(leaves: list[bytes]) -> merkle.Subtree:
    """Return what gives the hashes of subtrees of these leaves."""
    return lambda level, index: naive(leaves[index << level : (index + 1) << level])


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_the_reference_data(size: int) -> None:
    """The roots of sizes 0 to 8 are those that Certificate Transparency published."""
    assert merkle.root_of([merkle.leaf_hash(leaf) for leaf in LEAVES[:size]]) == ROOTS[size]


@pytest.mark.parametrize(("old", "size", "proof"), CONSISTENCY)
def test_consistency_proofs_are_those_of_the_reference_data(old: int, size: int, proof: list[str]) -> None:
    """The proofs are the published ones, and verify against the published roots."""
    made = merkle.consistency_proof(old, size, subtrees([merkle.leaf_hash(leaf) for leaf in LEAVES]))
    assert [step.hex() for step in made] == proof
    merkle.verify_consistency(old, ROOTS[old], size, ROOTS[size], made)


@given(st.integers(0, 600))
def test_growing_gives_the_root_of_the_definition(size: int) -> None:
    """Appending leaf by leaf ends at MTH of all leaves."""
    assert merkle.root_of(hashed(size)) == naive(hashed(size))


@given(st.integers(1, 300), st.data())
def test_inclusion_is_proven_for_the_right_leaf_only(size: int, data: st.DataObject) -> None:
    """A proof holds for its leaf, index, size and root, and for no other."""
    leaves = hashed(size)
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(index, size, subtrees(leaves))
    root = naive(leaves)
    merkle.verify_inclusion(leaves[index], index, size, proof, root)
    other = data.draw(hashes)
    wrong = [
        (other, index, proof, root), (leaves[index], index, proof, other),
        (leaves[index], index, (*proof, other), root),
        *([(leaves[index], index, proof[:-1], root)] if proof else []),
        *([(leaves[index], (index + 1) % size, proof, root)] if size > 1 else []),
    ]
    for leaf, place, steps, top in wrong:
        with pytest.raises(LogTamperedError):
            merkle.verify_inclusion(leaf, place, size, steps, top)


@given(st.integers(1, 300), st.data())
def test_consistency_is_proven_for_real_extensions_only(size: int, data: st.DataObject) -> None:
    """A proof holds between two heads of one history, and fails when any part is exchanged."""
    leaves = hashed(size)
    old = data.draw(st.integers(1, size))
    before, after = naive(leaves[:old]), naive(leaves)
    proof = merkle.consistency_proof(old, size, subtrees(leaves))
    merkle.verify_consistency(old, before, size, after, proof)
    other = data.draw(hashes)
    wrong = [(other, after, proof), (before, other, proof), (before, after, (*proof, other))]
    wrong += [(before, after, (*proof[:place], other, *proof[place + 1 :])) for place in range(len(proof))]
    for first, last, steps in wrong:
        with pytest.raises(LogTamperedError):
            merkle.verify_consistency(old, first, size, last, steps)


def test_proofs_of_nothing_are_refused() -> None:
    """No leaf outside the tree, and no tree that shrinks."""
    with pytest.raises(ValueError, match="no leaf 3"):
        merkle.inclusion_proof(3, 3, subtrees(hashed(3)))
    with pytest.raises(ValueError, match="does not extend"):
        merkle.consistency_proof(4, 3, subtrees(hashed(3)))
    with pytest.raises(LogTamperedError, match="smaller"):
        merkle.verify_consistency(4, ROOTS[4], 3, ROOTS[3], [])
