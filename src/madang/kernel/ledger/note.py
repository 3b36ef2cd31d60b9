"""Signed checkpoints: C2SP tlog-checkpoint in a C2SP signed note with an Ed25519 key.

Formats: https://c2sp.org/tlog-checkpoint and https://c2sp.org/signed-note . A checkpoint is three
lines (origin, tree size, base64 root), an empty line, and signature lines.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from madang.kernel.errors import SignatureInvalid
from madang.kernel.i18n import Message

_ED25519 = b"\x01"


@dataclass(frozen=True)
class Checkpoint:
    """A tree head: who keeps the log, how many entries, the root over them (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def body(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def _key_id(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]


@dataclass(frozen=True)
class Verifier:
    """A named public key (32 bytes)."""

    name: str
    public: bytes

    def __str__(self) -> str:
        encoded = base64.b64encode(_ED25519 + self.public).decode()
        return f"{self.name}+{_key_id(self.name, self.public).hex()}+{encoded}"

    @classmethod
    def parse(cls, text: str) -> Verifier:
        """Read ``name+keyid+base64``; raises SignatureInvalid where it is malformed."""
        try:
            name, key_id, encoded = text.strip().split("+", 2)
            raw = base64.b64decode(encoded, validate=True)
        except (ValueError, binascii.Error) as error:
            raise SignatureInvalid(reason=Message("ledger.key-malformed")) from error
        verifier = cls(name, raw[1:])
        if raw[:1] != _ED25519 or len(raw) != 33 or _key_id(name, raw[1:]).hex() != key_id:
            raise SignatureInvalid(reason=Message("ledger.key-malformed"))
        return verifier

    def holds(self, message: bytes, signature: bytes) -> bool:
        """Whether `signature` over `message` is this key's."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True)
class Signer:
    """A named private key."""

    name: str
    key: Ed25519PrivateKey

    @classmethod
    def new(cls, name: str) -> Signer:
        """A fresh key."""
        return cls(name, Ed25519PrivateKey.generate())

    @classmethod
    def from_bytes(cls, name: str, raw: bytes) -> Signer:
        """The key whose 32 private bytes are `raw`."""
        return cls(name, Ed25519PrivateKey.from_private_bytes(raw))

    def to_bytes(self) -> bytes:
        """The 32 private bytes."""
        return self.key.private_bytes_raw()

    @property
    def verifier(self) -> Verifier:
        """The public side."""
        return Verifier(self.name, self.key.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """Ed25519 signature, 64 bytes."""
        return self.key.sign(message)


def sign_note(body: str, signer: Signer) -> str:
    """`body`, which ends with a line feed, as a signed note."""
    key_id = _key_id(signer.name, signer.verifier.public)
    signature = base64.b64encode(key_id + signer.sign(body.encode())).decode()
    return f"{body}\n— {signer.name} {signature}\n"


def open_note(note: str, verifier: Verifier) -> str:
    """The body of a note, once `verifier` is found to have signed it; else SignatureInvalid."""
    body, separator, signatures = note.rpartition("\n\n")
    if not separator:
        raise SignatureInvalid(reason=Message("ledger.note-malformed"))
    body += "\n"
    if not any(_signed_by(line, body, verifier) for line in signatures.splitlines()):
        raise SignatureInvalid(reason=Message("ledger.not-signed-by", key=str(verifier)))
    return body


def write_checkpoint(checkpoint: Checkpoint, signer: Signer) -> str:
    """The signed note of a checkpoint."""
    return sign_note(checkpoint.body(), signer)


def read_checkpoint(note: str, verifier: Verifier) -> Checkpoint:
    """The checkpoint in `note`, once `verifier` is found to have signed it; else SignatureInvalid."""
    body = open_note(note, verifier)
    try:
        origin, size, root = body.splitlines()[:3]
        checkpoint = Checkpoint(origin, int(size), base64.b64decode(root, validate=True))
    except (ValueError, binascii.Error) as error:
        raise SignatureInvalid(reason=Message("ledger.note-malformed")) from error
    if checkpoint.body() != body or len(checkpoint.root) != 32 or origin != verifier.name:
        raise SignatureInvalid(reason=Message("ledger.note-malformed"))
    return checkpoint


def _signed_by(line: str, body: str, verifier: Verifier) -> bool:
    start, _, encoded = line.rpartition(" ")
    if start != f"— {verifier.name}":
        return False
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        return False
    expected = _key_id(verifier.name, verifier.public)
    return raw[:4] == expected and verifier.holds(body.encode(), raw[4:])
