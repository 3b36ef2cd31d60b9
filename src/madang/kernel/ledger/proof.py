"""Proofs of entries, made with the database and checked without it.

A proof file is JSON: the log's verifier key, the tree size, and *links*, each a named entry with its
leaf and audit path. What the links must say to each other is the business of whoever made the proof
(see ``madang.programme.line``); here each leaf is shown to be in the signed tree.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from madang.kernel.errors import ProofInvalid, SignatureInvalid
from madang.kernel.i18n import Message
from madang.kernel.ledger import log, merkle
from madang.kernel.ledger.note import Checkpoint, Verifier, read_checkpoint

FORMAT = "madang-proof/1"


@dataclass(frozen=True)
class Link:
    """A role in the line ("score", "run", ...) and the entry that fills it."""

    role: str
    entry: log.Entry


def to_text(proof: Mapping[str, Any]) -> str:
    """A proof as the file that people keep."""
    return json.dumps(proof, ensure_ascii=False, indent=1)


def make(connection: sa.Connection, keys: log.Keys, links: Sequence[Link]) -> dict[str, Any]:
    """A proof of `links` against the present head. JSON-ready."""
    size = log.size_of(connection)
    read = log.node_reader(connection)
    return {
        "format": FORMAT,
        "key": str(keys.signer.verifier),
        "size": size,
        "links": [
            {
                "role": link.role,
                "position": link.entry.position,
                "leaf": link.entry.leaf.decode(),
                "path": [
                    base64.b64encode(h).decode() for h in merkle.inclusion(link.entry.position, size, read)
                ],
            }
            for link in links
        ],
    }


def check(
    proof: Mapping[str, Any], note: str, verifier: Verifier | None = None
) -> tuple[Checkpoint, list[Link]]:
    """Show every link of `proof` to be in the tree that `note` signs.

    `verifier` is the log's key as the checker knows it; without one the key that the proof names is
    used, and the caller must compare it. Raises SignatureInvalid or ProofInvalid.
    """
    try:
        if proof["format"] != FORMAT:
            raise ProofInvalid(link="format", reason=Message("ledger.format-unknown", format=proof["format"]))
        named = Verifier.parse(proof["key"])
        size, raw_links = proof["size"], list(proof["links"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ProofInvalid(link="format", reason=Message("ledger.proof-malformed")) from error
    if verifier is not None and verifier != named:
        raise SignatureInvalid(reason=Message("ledger.other-key", key=str(named)))
    checkpoint = read_checkpoint(note, named)
    if checkpoint.size != size:
        reason = Message("ledger.other-size", proof=size, checkpoint=checkpoint.size)
        raise ProofInvalid(link="checkpoint", reason=reason)
    return checkpoint, [_check_link(raw, checkpoint) for raw in raw_links]


def _check_link(raw: Mapping[str, Any], checkpoint: Checkpoint) -> Link:
    name = "?"
    try:
        name = f"{raw['role']} (#{raw['position']})"
        leaf = raw["leaf"].encode()
        path = [base64.b64decode(step, validate=True) for step in raw["path"]]
        root = merkle.root_from_inclusion(raw["position"], checkpoint.size, merkle.leaf_hash(leaf), path)
        if root != checkpoint.root:
            raise ProofInvalid(link=name, reason=Message("ledger.not-in-tree"))
        return Link(raw["role"], log.parse_leaf(raw["position"], raw["leaf"]))
    except (KeyError, TypeError, AttributeError, ValueError, binascii.Error) as error:
        raise ProofInvalid(link=name, reason=Message("ledger.proof-malformed")) from error
