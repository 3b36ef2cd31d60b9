"""A model in a confined process of its own: data in, data out, nothing else.

The evaluator's side is :class:`ConfinedModel`; the other side is ``python -m madang.scores.inference``,
which loads one ONNX file and answers batches. Frames on the pipes: rows and columns as two
little-endian 32-bit integers, then rows * columns float32 (for the answer: columns is the product of
the output's shape after the batch axis). The first frame from the model's side says what it is.
"""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from madang.assets.content.reading import content_of
from madang.assets.model import Version
from madang.kernel import isolation
from madang.kernel.home import Home
from madang.kernel.i18n import Message
from madang.scores.errors import PredictionFailed
from madang.scores.scorers import Signature, Tensor

_HEADER = struct.Struct("<II")
_LARGEST = 64 * 2**20
_CPU_SECONDS = 3600
_WIDEST = 65536


@contextmanager
def running_model(home: Home, version: Version, signature: Signature, below: Path) -> Iterator[ConfinedModel]:
    """A version's one ONNX file, running; its files lie in a folder below `below` meanwhile."""
    content = content_of(home, version)
    manifest = content.manifest
    models = [file for file in manifest.files if file.path.endswith(".onnx")]
    if len(models) != 1:
        raise PredictionFailed(reason=Message("scores.one-onnx", found=len(models)))
    with tempfile.TemporaryDirectory(prefix="model-", dir=below) as name:
        content.place(manifest.files, Path(name))
        with ConfinedModel(home, Path(name) / models[0].path, signature) as model:
            yield model


class ConfinedModel:
    """A running model; use as a context manager. Calling it predicts."""

    def __init__(self, home: Home, model: Path, signature: Signature) -> None:
        confinement = isolation.Confinement(
            {"/model": model.parent},
            environment={"OMP_NUM_THREADS": "1"},
            limits=isolation.Limits(home.values.job_memory_bytes, _CPU_SECONDS, 2**20),
        )
        path = f"{home.isolation.inside(confinement, '/model')}/{model.name}"
        command = [sys.executable, "-m", "madang.scores.inference", path]
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the process)
        self._process = home.isolation.start(
            command,
            confinement,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        self._failed = False
        try:
            self._fits(signature)
            # A first question that is no item: what fails always is refused, with its reason.
            self._ask(np.zeros((1, int(signature.inputs[0].shape[1] or 1)), np.float32))
        except (ValueError, KeyError, TypeError, IndexError) as error:
            self.close()
            raise PredictionFailed(reason=Message("scores.malformed-answer")) from error
        except BaseException:
            self.close()
            raise

    def _fits(self, signature: Signature) -> None:
        size = int.from_bytes(self._read(4), "little")
        if size > 2**16:
            raise PredictionFailed(reason=Message("scores.malformed-answer"))
        said: dict[str, Any] = json.loads(self._read(size))
        if "problem" in said:
            raise PredictionFailed(reason=Message("scores.not-loaded", detail=str(said["problem"])[:300]))
        for side, wanted in (("inputs", signature.inputs), ("outputs", signature.outputs)):
            found = [Tensor(str(t[0]), str(t[1]), tuple(t[2])) for t in said[side]]
            if not _matches(found, list(wanted)):
                reason = Message("scores.shape", side=side, wanted=_told(wanted), found=_told(found))
                raise PredictionFailed(reason=reason)
        self._shape = tuple(int(size) for size in said["outputs"][0][2][1:])
        self._columns = int(np.prod(self._shape))

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Predict: (rows, features) -> (rows, *output shape).

        Once it meets items, a model that fails is not refused: it answers zeros from then on, and scores what
        that is worth. Whether, and why, it failed at an item would be an answer about the item.
        """
        if not self._failed:
            try:
                return self._ask(batch)
            except PredictionFailed:
                self._failed = True
        return np.zeros((len(batch), *self._shape), np.float32)

    def _ask(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        rows, columns = batch.shape
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(_HEADER.pack(rows, columns))
            self._process.stdin.write(np.ascontiguousarray(batch, "<f4").tobytes())
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise PredictionFailed(reason=self._last_words()) from error
        if _HEADER.unpack(self._read(_HEADER.size)) != (rows, self._columns):
            raise PredictionFailed(reason=Message("scores.malformed-answer"))
        answer = np.frombuffer(self._read(4 * rows * self._columns), "<f4").reshape(rows, *self._shape)
        if not np.isfinite(answer).all():
            raise PredictionFailed(reason=Message("scores.not-finite"))
        return answer

    def _read(self, size: int) -> bytes:
        assert self._process.stdout is not None
        data = self._process.stdout.read(size)
        if len(data) != size:
            raise PredictionFailed(reason=self._last_words())
        return data

    def _last_words(self) -> Message:
        """Why the process ended, in its own words (shown only before it has met an item)."""
        self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines() or ["-"]
        return Message("scores.model-died", code=self._process.returncode, detail=lines[-1][:300])

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def __enter__(self) -> ConfinedModel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _matches(found: list[Tensor], wanted: list[Tensor]) -> bool:
    """Names, types and sizes agree; past the batch axis every size must be fixed and sensible."""

    def fits(a: Tensor, b: Tensor) -> bool:
        same = all(
            x is not None and 0 < x <= _WIDEST and y in (x, None)
            for x, y in zip(a.shape[1:], b.shape[1:], strict=False)
        )
        return a.name == b.name and a.dtype == b.dtype and len(a.shape) == len(b.shape) and same

    return len(found) == len(wanted) and all(fits(a, b) for a, b in zip(found, wanted, strict=True))


def _told(tensors: Any) -> str:
    return ", ".join(
        f"{t.name}: {t.dtype}[{', '.join('batch' if d is None else str(d) for d in t.shape)}]"
        for t in tensors
    )


def _describe(path: str) -> tuple[Any, dict[str, Any]]:
    """Load the model; what its inputs and outputs are, or the problem. Runs confined."""
    import onnx
    import onnxruntime

    try:
        if Path(path).stat().st_size > 2**30:
            return None, {"problem": "larger than 1 GiB"}
        model = onnx.load(path, load_external_data=False)
        if any(t.data_location == onnx.TensorProto.EXTERNAL for t in model.graph.initializer):
            return None, {"problem": "weights outside the file"}
        onnx.checker.check_model(model)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # whatever a stranger's file provokes is an answer, not a crash
        text = str(error).strip().splitlines() or [type(error).__name__]
        return None, {"problem": text[0]}

    def told(tensors: Any) -> list[Any]:
        return [[t.name, t.type, [d if isinstance(d, int) else None for d in t.shape]] for t in tensors]

    return session, {"inputs": told(session.get_inputs()), "outputs": told(session.get_outputs())}


def serve(path: str, source: BinaryIO, sink: BinaryIO) -> None:
    """Answer batches until the pipe closes. Runs confined."""
    session, said = _describe(path)
    text = json.dumps(said).encode()
    sink.write(len(text).to_bytes(4, "little") + text)
    sink.flush()
    while session is not None and len(header := source.read(_HEADER.size)) == _HEADER.size:
        rows, columns = _HEADER.unpack(header)
        if rows * columns * 4 > _LARGEST:
            return
        batch = np.frombuffer(source.read(4 * rows * columns), "<f4").reshape(rows, columns)
        answer = session.run(None, {session.get_inputs()[0].name: batch})[0]
        answer = np.ascontiguousarray(answer, "<f4")
        sink.write(_HEADER.pack(len(answer), answer[0].size if len(answer) else 0) + answer.tobytes())
        sink.flush()


if __name__ == "__main__":
    serve(sys.argv[1], sys.stdin.buffer, sys.stdout.buffer)
