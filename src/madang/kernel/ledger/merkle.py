"""Merkle tree hashing of RFC 9162, section 2.1: leaves, nodes, inclusion and consistency proofs.

A tree of size n is kept as its *complete subtrees*: node (level, position) covers the leaves
[position * 2**level, (position + 1) * 2**level). Such a node never changes once it is full, so an
append writes one node per level that it completes, and any proof reads O(log n) nodes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

NodeReader = Callable[[int, int], bytes]
"""(level, position) -> hash of a complete subtree."""


def leaf_hash(leaf: bytes) -> bytes:
    """SHA-256 over 0x00 and the leaf."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256 over 0x01 and both children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def peaks(size: int) -> list[tuple[int, int]]:
    """(level, position) of the complete subtrees that together cover `size` leaves, largest first."""
    found, start = [], 0
    for level in range(size.bit_length() - 1, -1, -1):
        if size >> level & 1:
            found.append((level, start >> level))
            start += 1 << level
    return found


class Frontier:
    """The growing edge of a tree: enough to append leaves and to know the root, whatever the size.

    hashes: of the subtrees that :func:`peaks` names, in that order.
    """

    def __init__(self, size: int, hashes: Sequence[bytes]) -> None:
        self.size = size
        self._hashes = list(hashes)

    def append(self, leaf: bytes) -> list[tuple[int, int, bytes]]:
        """Add a leaf (a hash); returns the nodes (level, position, hash) that become complete by it."""
        nodes = [(0, self.size, leaf)]
        level, position, current = 0, self.size, leaf
        while position % 2 == 1:
            current = node_hash(self._hashes.pop(), current)
            level, position = level + 1, position // 2
            nodes.append((level, position, current))
        self._hashes.append(current)
        self.size += 1
        return nodes

    def root(self) -> bytes:
        """Root hash; of an empty tree, SHA-256 of nothing."""
        if not self._hashes:
            return hashlib.sha256(b"").digest()
        *rest, current = self._hashes
        for left in reversed(rest):
            current = node_hash(left, current)
        return current


def root(size: int, read: NodeReader) -> bytes:
    """Root hash of the first `size` leaves; of an empty tree, SHA-256 of nothing."""
    if size == 0:
        return hashlib.sha256(b"").digest()
    return _range_hash(0, size, read)


def _split(size: int) -> int:
    """The largest power of two below `size` (size >= 2)."""
    return 1 << ((size - 1).bit_length() - 1)


def _range_hash(start: int, size: int, read: NodeReader) -> bytes:
    """Hash of the subtree over leaves [start, start + size); `start` is aligned to its size."""
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return read(level, start >> level)
    left = _split(size)
    return node_hash(_range_hash(start, left, read), _range_hash(start + left, size - left, read))


def inclusion(index: int, size: int, read: NodeReader) -> list[bytes]:
    """Audit path of leaf `index` in the tree of `size` leaves (RFC 9162, 2.1.3.1)."""
    path: list[bytes] = []
    start = 0
    while size > 1:
        left = _split(size)
        if index - start < left:
            path.append(_range_hash(start + left, size - left, read))
            size = left
        else:
            path.append(_range_hash(start, left, read))
            start, size = start + left, size - left
    path.reverse()
    return path


def root_from_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> bytes | None:
    """The root that an audit path leads to, or None where its length cannot fit (2.1.3.2)."""
    if not 0 <= index < size:
        return None
    position, last, current = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return None
        if position % 2 == 1 or position == last:
            current = node_hash(sibling, current)
            while position % 2 == 0 and position != 0:
                position, last = position >> 1, last >> 1
        else:
            current = node_hash(current, sibling)
        position, last = position >> 1, last >> 1
    return current if last == 0 else None
