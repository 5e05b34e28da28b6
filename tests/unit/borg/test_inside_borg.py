# SPDX-License-Identifier: GPL-3.0-or-later
"""The differences between two archives' items, from the cuts of their listings: against comparing all items.

Borg's chunker, key and repository are played by a cutter that cuts where the content says so and a dictionary; item
and unpacker are Borg's own.
"""

from __future__ import annotations

import hashlib
import json
from types import SimpleNamespace
from typing import Any

import pytest
from borg.helpers import msgpack
from borg.item import Item
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetkeep.borg import inside_borg

#: Small, so that a few items make many chunks, and some items are longer than a chunk.
SHORTEST, LONGEST = 8, 200


def pack(items: dict[str, int]) -> bytes:
    """The stream of an archive: every path with a size, which stands for all that can change."""
    packed = b""
    for path, size in items.items():
        item = Item(path=path, mode=0o100644, mtime=size, ctime=size, uid=0, gid=0, user="root", group=None, size=size)
        packed += msgpack.packb(item.as_dict())
    return packed


def cut(stream: bytes) -> list[bytes]:
    """Cut a stream where its content says so, as a content-defined chunker does."""
    chunks, start = [], 0
    for end in range(1, len(stream) + 1):
        length = end - start
        window = hashlib.sha256(stream[max(start, end - 4) : end]).digest()[0]
        if length >= LONGEST or (length >= SHORTEST and window % 24 == 0):
            chunks.append(stream[start:end])
            start = end
    return [*chunks, stream[start:]] if start < len(stream) else chunks


class Archive:
    """What the inside needs of ``borg.archive.Archive``."""

    def __init__(self, name: str, items: dict[str, int]) -> None:
        self.fpr = self.name = name
        self.comment = ""
        self.ts = self.ts_end = SimpleNamespace(isoformat=lambda: "2026-11-25T02:00:00+00:00")
        chunks = cut(pack(items))
        ids = [hashlib.sha256(chunk).digest() for chunk in chunks]
        self.fetched: list[bytes] = []
        self._chunks = dict(zip(ids, chunks, strict=True))
        self.metadata = SimpleNamespace(items=ids, get=lambda key, default: default)
        self.pipeline = self

    def share(self, other: Archive) -> None:
        """One repository holds the chunks of both."""
        self._chunks |= other._chunks

    def fetch_many(self, ids: list[bytes]) -> Any:
        self.fetched += ids
        return (self._chunks[id] for id in ids)


def inside() -> inside_borg._Inside:
    made = inside_borg._Inside({"delta": True}, None, None, None, msgpack.Unpacker, Item, 2**62)
    made.written = []
    made.write = made.written.append
    return made


def told(lines: list[Any]) -> tuple[str, dict[str, int], set[str], int]:
    """Mode, what is there, what is gone, and the number of entries."""
    import base64
    import zlib

    there: dict[str, int] = {}
    gone: set[str] = set()
    for kind, value in lines:
        if kind == "part":
            for text in zlib.decompress(base64.b64decode(value)).decode().splitlines():
                line = json.loads(text)
                if line[0] == "+":
                    there[line[1]] = line[7]
                else:
                    gone.add(line[1])
    return lines[0][1]["mode"], there, gone, lines[-1][1]["entries"]


names = st.text(st.sampled_from("abc/\n\udce9"), min_size=1, max_size=6) | st.text("x", min_size=100, max_size=400)
trees = st.dictionaries(names, st.integers(0, 5), max_size=40)
edits = st.lists(
    st.tuples(st.sampled_from(["put", "drop", "front"]), names, st.integers(0, 5), st.integers(0, 40)), max_size=6
)


def edit(items: dict[str, int], steps: list[tuple[str, str, int, int]]) -> dict[str, int]:
    """The same listing a day later: things changed, came, went, and moved in the order."""
    for what, name, size, place in steps:
        order = list(items)
        chosen = order[place % len(order)] if order else name
        if what == "drop":
            items = {path: value for path, value in items.items() if path != chosen}
        elif what == "front":
            items = {chosen: size} | {path: value for path, value in items.items() if path != chosen}
        else:
            items = items | {name: size}
    return items


@settings(max_examples=300, deadline=None)
@given(trees, st.lists(edits, min_size=1, max_size=3))
def test_differences_lead_from_each_listing_to_the_next(first, history):
    asked = inside()
    before = Archive("0", first)
    memory = asked.tell(before, None, None)
    assert told(asked.written)[:2] == ("whole", first)
    items = first
    for number, steps in enumerate(history, start=1):
        after = Archive(str(number), now := edit(items, steps))
        after.share(before)
        asked.written.clear()
        memory = asked.tell(after, before.name, memory)
        mode, there, gone, entries = told(asked.written)
        if mode == "whole":
            assert there == now and not gone
        else:
            assert {path: size for path, size in items.items() if path not in gone} | there == now
            assert all(items.get(path) != size for path, size in there.items())
            assert gone == items.keys() - now.keys()
        assert entries == len(now)
        whole = inside()
        assert (memory.ids, memory.heads) == _memory_of(whole.tell(after, None, None))
        before, items = after, now


def _memory_of(memory):
    return memory.ids, memory.heads


def test_what_did_not_change_is_not_even_read():
    items = {f"folder/file{number}": number for number in range(500)}
    asked, first = inside(), Archive("0", items)
    memory = asked.tell(first, None, None)
    again = Archive("1", items)
    asked.tell(again, "0", memory)
    assert again.fetched == []
    changed = Archive("2", items | {"folder/file250": 9})
    changed.share(first)
    asked.written.clear()
    asked.tell(changed, "1", memory)
    assert told(asked.written) == ("delta", {"folder/file250": 9}, set(), 500)
    assert len(changed.fetched) < 20 < len(first.metadata.items) / 50


def test_with_too_much_changed_the_whole_listing_is_told(monkeypatch):
    monkeypatch.setattr(inside_borg, "MOST_CHANGED_CHUNKS", 3)
    asked = inside()
    memory = asked.tell(Archive("0", {f"a{number}": 1 for number in range(300)}), None, None)
    asked.written.clear()
    asked.tell(Archive("1", {f"a{number}": number % 2 for number in range(300)}), "0", memory)
    assert told(asked.written)[0] == "whole"


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"version": 1, "archive": "a"}', '{"version": 9, "archive": "a"}']
)
def test_a_memory_that_is_none_is_no_memory(tmp_path, content):
    (tmp_path / "memory").write_text(content)
    assert inside_borg._Memory.read(str(tmp_path / "memory"), "a") is None
    assert inside_borg._Memory.read(str(tmp_path / "nothing"), "a") is None


def test_a_memory_is_of_one_archive_and_private(tmp_path):
    path = tmp_path / "memory"
    inside_borg._Memory("a", [b"\x01" * 32, b"\x02" * 32], [0, None], 7).write(str(path))
    assert path.stat().st_mode & 0o777 == 0o600
    read = inside_borg._Memory.read(str(path), "a")
    assert (read.ids, read.heads, read.entries) == ([b"\x01" * 32, b"\x02" * 32], [0, None], 7)
    assert inside_borg._Memory.read(str(path), "b") is None


@given(st.lists(st.integers(0, 12), max_size=15), st.lists(st.integers(0, 12), max_size=15))
def test_gaps_leave_out_what_is_common(old, new):
    gaps = inside_borg._gaps(old, new)
    if gaps is None:
        return
    place, built = 0, []
    for (old_start, old_end), (new_start, new_end) in gaps:
        built += old[place:old_start] + new[new_start:new_end]
        place = old_end
    assert built + old[place:] == new


@given(st.lists(st.integers(0, 30), unique=True, max_size=12))
def test_the_longest_rising_part_is_as_long_as_can_be(firsts):
    pairs = [(first, place) for place, first in enumerate(firsts)]
    chain = inside_borg._longest_rising(pairs)
    assert chain == sorted(chain) and all(pair in pairs for pair in chain)
    best = [1] * len(firsts)
    for place in range(len(firsts)):
        best[place] = 1 + max((best[i] for i in range(place) if firsts[i] < firsts[place]), default=0)
    assert len(chain) == max(best, default=0)


def test_microseconds_are_those_of_a_printed_listing():
    from datetime import datetime, timezone

    from borg.helpers.time import MAX_NS, safe_timestamp

    asked = inside_borg._Inside({}, None, None, None, None, None, MAX_NS)
    for nanoseconds in (0, 1, 999, 1_499, 1_500, 2_500, 1795581683498948123, 1795298667_000001500, MAX_NS + 5, -7):
        printed = safe_timestamp(nanoseconds).astimezone(timezone.utc)
        since = printed - datetime(1970, 1, 1, tzinfo=timezone.utc)
        assert (
            asked.microseconds(nanoseconds) == since.days * 86_400_000_000 + since.seconds * 10**6 + since.microseconds
        )
