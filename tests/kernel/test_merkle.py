"""RFC 9162 trees against a plain recursive definition."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from madang.kernel.ledger import merkle


def naive_root(leaves: list[bytes]) -> bytes:
    """Section 2.1.1, word by word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def grow(leaves: list[bytes]) -> dict[tuple[int, int], bytes]:
    nodes: dict[tuple[int, int], bytes] = {}
    frontier = merkle.Frontier(0, ())
    for leaf in leaves:
        done = frontier.append(merkle.leaf_hash(leaf))
        nodes.update({(level, at): digest for level, at, digest in done})
    return nodes


@given(st.lists(st.binary(max_size=8), max_size=70))
def test_root_is_the_definitions(leaves: list[bytes]) -> None:
    nodes = grow(leaves)
    assert merkle.root(len(leaves), lambda level, at: nodes[level, at]) == naive_root(leaves)


@given(st.lists(st.binary(max_size=4), max_size=70), st.lists(st.binary(max_size=4), max_size=70))
def test_a_frontier_is_taken_up_anywhere_and_knows_the_root(before: list[bytes], after: list[bytes]) -> None:
    nodes = grow(before)
    taken_up = merkle.Frontier(len(before), [nodes[place] for place in merkle.peaks(len(before))])
    assert taken_up.root() == naive_root(before)
    for leaf in after:
        nodes.update({(level, at): digest for level, at, digest in taken_up.append(merkle.leaf_hash(leaf))})
    assert taken_up.root() == naive_root([*before, *after])
    assert nodes == grow([*before, *after])


@given(st.lists(st.binary(max_size=4), min_size=1, max_size=70), st.data())
def test_inclusion_leads_to_the_root_and_nothing_else_does(leaves: list[bytes], data: st.DataObject) -> None:
    nodes = grow(leaves)
    size = len(leaves)
    index = data.draw(st.integers(0, size - 1))
    path = merkle.inclusion(index, size, lambda level, at: nodes[level, at])
    leaf, root = merkle.leaf_hash(leaves[index]), naive_root(leaves)
    assert merkle.root_from_inclusion(index, size, leaf, path) == root
    assert merkle.root_from_inclusion(index, size, merkle.leaf_hash(leaves[index] + b"x"), path) != root
    assert merkle.root_from_inclusion(index, size, leaf, [*path, b"\0" * 32]) != root
    if path:
        assert merkle.root_from_inclusion(index, size, leaf, path[:-1]) != root
        broken = [bytes([path[0][0] ^ 1]) + path[0][1:], *path[1:]]
        assert merkle.root_from_inclusion(index, size, leaf, broken) != root


def test_an_index_outside_the_tree_has_no_root() -> None:
    assert merkle.root_from_inclusion(3, 3, b"\0" * 32, []) is None
