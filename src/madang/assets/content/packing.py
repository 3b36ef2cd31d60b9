"""Writing a holding: bytes go into a stream that is cut into packs, sealed and kept while the next one fills.

The thread that writes reads and hashes; two others seal and store. At most four packs are in memory.
"""

from __future__ import annotations

import contextlib
import mmap
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from madang.assets.content import sealing
from madang.assets.content.holdings import pack_name
from madang.assets.content.port import Objects

PACK_BYTES = 16 * 2**20
_WORKERS = 2


class Packer:
    """Appends to the stream of a holding, of which `sealed` packs are there. To be closed.

    on_full: called with the stream's position each time a pack is full, before anything follows it.
    on_sealed: called with how many packs are durable and the heads of those that were not told of before,
    from the thread that writes.
    """

    def __init__(
        self,
        objects: Objects,
        key: bytes,
        holding_id: str,
        sealed: int = 0,
        on_full: Callable[[int], None] = lambda position: None,
        on_sealed: Callable[[int, Sequence[bytes]], None] = lambda packs, heads: None,
    ) -> None:
        self._objects, self._key, self._id = objects, key, holding_id
        self._on_full, self._on_sealed = on_full, on_sealed
        self.pack = PACK_BYTES
        self.size = 0
        """Bytes in the whole stream, once it was flushed."""
        self._number, self._fill, self._sealed = sealed, 0, sealed
        self._buffer = self._empty()
        self._spare: list[mmap.mmap] = []
        self._under_way: deque[tuple[Future[bytes], mmap.mmap]] = deque()
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="packs")

    @property
    def position(self) -> int:
        """Bytes in the stream."""
        return self._number * self.pack + self._fill

    def room(self, most: int) -> memoryview:
        """Where the next bytes go, at most so many; :meth:`advance` says how many were written there."""
        return memoryview(self._buffer)[self._fill : min(self._fill + most, self.pack)]

    def advance(self, count: int) -> None:
        """So many bytes were written into the room."""
        self._fill += count
        if self._fill == self.pack:
            self._on_full(self.position)
            self._ship()

    def write(self, data: bytes) -> int:
        """Append bytes; returns where in the stream they begin."""
        begin, fill = self._number * self.pack, self._fill
        end = fill + len(data)
        if end < self.pack:  # nearly always: files are small beside a pack
            self._buffer[fill:end] = data
            self._fill = end
            return begin + fill
        view = memoryview(data)
        while view:
            room = self.room(len(view))
            count = len(room)
            room[:] = view[:count]
            view = view[count:]
            self.advance(count)
        return begin + fill

    def flush(self) -> None:
        """What was written is durable. The stream ends here."""
        self.size = self.position
        if self._fill:
            self._ship()
        while self._under_way:
            self._settle()

    def close(self) -> None:
        """Let go of the threads and of the memory; what is under way is finished first."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._spare.clear()
        self._under_way.clear()
        self._buffer = mmap.mmap(-1, 1)

    def _ship(self) -> None:
        """Hand the pack to a worker, and take an empty one; waits where two are under way."""
        while len(self._under_way) >= _WORKERS:
            self._settle()
        data = memoryview(self._buffer)[: self._fill]
        self._under_way.append((self._pool.submit(self._store, self._number, data), self._buffer))
        self._buffer = self._spare.pop() if self._spare else self._empty()
        self._number, self._fill = self._number + 1, 0

    def _empty(self) -> mmap.mmap:
        """Memory that costs nothing until it is written, and little then where there are large pages."""
        made = mmap.mmap(-1, self.pack, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        with contextlib.suppress(AttributeError, OSError):
            made.madvise(mmap.MADV_HUGEPAGE)
        return made

    def _store(self, number: int, data: memoryview) -> bytes:
        name = pack_name(self._id, number)
        pieces = sealing.seal(self._key, name, data)
        self._objects.put(name, pieces)
        return pieces[0]

    def _settle(self) -> None:
        """The oldest pack under way is durable, and whichever behind it are by then."""
        heads: list[bytes] = []
        while self._under_way and (not heads or self._under_way[0][0].done()):
            future, buffer = self._under_way.popleft()
            heads.append(future.result())
            self._spare.append(buffer)
        self._sealed += len(heads)
        self._on_sealed(self._sealed, heads)
