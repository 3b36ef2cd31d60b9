"""The ledger: an append-only Merkle log of every state change.

- :mod:`~madang.kernel.ledger.merkle`: RFC 9162 hashing, inclusion and consistency.
- :mod:`~madang.kernel.ledger.note`: Ed25519 checkpoints in the C2SP signed-note format.
- :mod:`~madang.kernel.ledger.log`: tables, and appending inside the transaction of the change.
- :mod:`~madang.kernel.ledger.verify`: the log against every table.
- :mod:`~madang.kernel.ledger.proof`: proofs that are checked without the database.
"""
