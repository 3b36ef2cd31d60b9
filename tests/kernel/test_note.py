"""Checkpoints in the C2SP format."""

from __future__ import annotations

import pytest

from madang.kernel.errors import SignatureInvalid
from madang.kernel.ledger.note import Checkpoint, Signer, Verifier, read_checkpoint, write_checkpoint

SIGNER = Signer.new("example.org/log")
CHECKPOINT = Checkpoint("example.org/log", 42, bytes(range(32)))


def test_a_checkpoint_has_the_forms_lines() -> None:
    note = write_checkpoint(CHECKPOINT, SIGNER)
    origin, size, root, empty, signature = note.splitlines()
    assert (origin, size, empty) == ("example.org/log", "42", "")
    assert root == "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    assert signature.startswith("— example.org/log ")
    assert note.endswith("\n")


def test_what_was_signed_is_read_back() -> None:
    verifier = Verifier.parse(str(SIGNER.verifier))
    assert read_checkpoint(write_checkpoint(CHECKPOINT, SIGNER), verifier) == CHECKPOINT


def test_the_published_example_key_has_its_published_id() -> None:
    # The key of the signed-note specification's own example (Go's sumdb/note package).
    verifier = Verifier.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    assert verifier.name == "PeterNeumann"
    text = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n"
    )
    line = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    import base64

    raw = base64.b64decode(line)
    assert raw[:4].hex() == "c74f20a3"
    assert verifier.holds(text.encode(), raw[4:])


@pytest.mark.parametrize("change", ["example.org/log\n43", "other\n42", "signature", "body"])
def test_any_change_is_refused(change: str) -> None:
    note = write_checkpoint(CHECKPOINT, SIGNER)
    if change == "signature":
        note = note[:-4] + ("A" if note[-4] != "A" else "B") + note[-3:]
    elif change == "body":
        note = note.replace("\n\n", "\nextra\n\n")
    else:
        note = note.replace("example.org/log\n42", change, 1)
    with pytest.raises(SignatureInvalid):
        read_checkpoint(note, SIGNER.verifier)


@pytest.mark.parametrize("text", ["", "a+b", "a+00000000+AAAA", "x+zz+!!"])
def test_malformed_keys_are_refused(text: str) -> None:
    with pytest.raises(SignatureInvalid):
        Verifier.parse(text)
