"""Robot logs in MCAP: their channels, how many messages each has, and when."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from madang.assets.probing.formats import PackReader
from madang.assets.probing.model import Statistics
from madang.assets.probing.notes import Notes

_MAGIC = b"\x89MCAP0\r\n"
_LARGEST_RECORD = 64 * 2**20
_MOST_MESSAGES = 200_000


def _recognizes(name: str, head: bytes) -> bool:
    return head.startswith(_MAGIC)


MCAP = PackReader(_recognizes, "madang.packs.physical.logs:read_mcap")


def read_mcap(path: Path, notes: Notes) -> None:
    """A log by its summary; one without (it was cut off) by its messages, from the beginning."""
    from mcap.reader import SeekingReader

    with path.open("rb") as file:
        reader = SeekingReader(file, record_size_limit=_LARGEST_RECORD)
        header = reader.get_header()
        notes.fact("profile", header.profile)
        notes.fact("written_by", header.library)
        try:
            summary = reader.get_summary()
        except Exception:  # an index that does not hold: the messages are looked at instead
            summary = None
        if summary is not None and summary.statistics is not None:
            _from_summary(notes, summary)
        else:
            _from_messages(notes, path)


def _from_summary(notes: Notes, summary: Any) -> None:
    told = summary.statistics
    notes.fact("messages", told.message_count)
    if told.message_count:
        notes.period = (_time(told.message_start_time), _time(told.message_end_time))
    for number, channel in summary.channels.items():
        schema = summary.schemas.get(channel.schema_id)
        count = told.channel_message_counts.get(number, 0)
        _channel(notes, channel.topic, schema.name if schema else "", count)


def _from_messages(notes: Notes, path: Path) -> None:
    from mcap.reader import NonSeekingReader

    counts: dict[tuple[str, str], int] = {}
    times: list[int] = []
    notes.find("log-cut-off", "warn")
    try:
        with path.open("rb") as file:
            reader = NonSeekingReader(file, record_size_limit=_LARGEST_RECORD)
            for schema, channel, message in reader.iter_messages(log_time_order=False):
                key = (channel.topic, schema.name if schema else "")
                counts[key] = counts.get(key, 0) + 1
                times.append(message.log_time)
                if len(times) >= _MOST_MESSAGES or notes.hurried:
                    notes.find("not-whole", "info", rows=len(times))
                    break
    except Exception as error:  # wherever it was cut off
        notes.find("unreadable", "warn", reason=str(error) or type(error).__name__)
    notes.fact("messages_read", len(times))
    if times:
        notes.period = (_time(min(times)), _time(max(times)))
    for (topic, name), count in counts.items():
        _channel(notes, topic, name, count)


def _channel(notes: Notes, topic: str, schema: str, count: int) -> None:
    notes.variable(topic, "other", title=schema, shape=(count,), statistics=Statistics(count))


def _time(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).strftime("%Y-%m-%dT%H:%M:%S")
