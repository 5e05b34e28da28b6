# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks Borg from the inside: runs in the interpreter of the borg program, as the body of ``borg list``.

This file imports nothing of Fleetkeep, because that interpreter need not have it, and nothing but ``borg`` beyond the
standard library. Everything around the body is Borg's own: arguments, locks, keys, checks of the manifest, messages
and exit codes. It is called as ``python inside_borg.py QUESTION list OPTIONS LOCATION[::ARCHIVE] [PATTERN]...`` with
a question in JSON, and answers in lines of JSON on standard output:

``{"ask": "items"}``
    Every item of the archive that the patterns choose, see ``_item_line``.
``{"ask": "hashes"}``
    ``[PATH, SHA-256]`` for each file with content of its own that the patterns choose. In both, a further name of a
    hard-linked file whose first name is not chosen has the content, as it gets it from an extract of these patterns.
``{"ask": "index", "base": ID or null, "wanted": [ID...], "name": NAME, "prefix": TEXT, ...}``
    First ``["listing", {...}]``; then, for each wanted archive, the one with this name and, with a prefix, those of
    runs whose names begin so (of the ``runs`` with these ids, or of all), as far as they exist,
    ``["archive", {...}]``, ``["part", TEXT]`` for so many changes at a time, and ``["end", {...}]``. The text is
    base64 of what zlib makes of lines: ``["+", PATH, ...]`` for what is there and ``["-", PATH]`` for what is gone. The
    mode is ``delta`` where only what differs from the base follows, and ``whole`` where every item does. ``delta``
    says whether differences are enough, ``memory`` is a file in which the cuts of the last archive are remembered.

Source: Borg 1.4, internals, data structures: an archive's ``items`` are the ids of the chunks into which the stream of
its items is cut, in the same places wherever the content is the same.
"""

import base64
import hashlib
import json
import math
import os
import re
import stat
import sys
import zlib
from bisect import bisect_left

#: Releases whose internals are known to be as this file expects them.
KNOWN = ((1, 4, 0), (1, 5, 0))

#: What the exit code says when they are not.
UNKNOWN_INTERNALS = 117

#: With more changed chunks than this, the whole listing is told, which needs no memory.
MOST_CHANGED_CHUNKS = 256

#: So many changes are told at a time.
LINES_OF_PART = 4000

#: What runs add to the prefix of their archives' names.
RUN_NAME = r"\d{8}T\d{6}Z-[0-9a-f]{12}"

MEMORY_VERSION = 1


def main():
    question = json.loads(sys.argv[1])
    try:
        import borg
        from borg import archiver
        from borg.archive import Archive
        from borg.helpers import Manifest, basic_json_data, bin_to_hex
        from borg.helpers.msgpack import Unpacker
        from borg.helpers.time import MAX_NS
        from borg.item import Item
    except ImportError as error:
        _give_up(error)
    if not KNOWN[0] <= borg.__version_tuple__[:3] < KNOWN[1]:
        _give_up("Borg " + borg.__version__)
    inside = _Inside(question, Archive, basic_json_data, bin_to_hex, Unpacker, Item, MAX_NS)

    @archiver.with_repository(compatibility=(Manifest.Operation.READ,))
    def answer(self, args, repository, manifest, key):
        inside.answer(self, args, repository, manifest, key)

    archiver.Archiver.do_list = answer
    sys.argv = ["borg", *sys.argv[2:]]
    archiver.main()


def _give_up(reason):
    line = {"type": "log_message", "levelname": "ERROR", "name": "fleetkeep", "message": str(reason)}
    sys.stderr.write(json.dumps({**line, "msgid": "UnknownInternals"}) + "\n")
    sys.exit(UNKNOWN_INTERNALS)


class _Inside:
    """The answers; what they need of Borg is handed in."""

    def __init__(self, question, archive_type, basic_json_data, bin_to_hex, unpacker, item_type, most_ns):
        self.question = question
        self.archive_type = archive_type
        self.basic_json_data = basic_json_data
        self.hex = bin_to_hex
        self.unpacker = unpacker
        self.item_type = item_type
        self.most_ns = most_ns

    def answer(self, archiver, args, repository, manifest, key):
        self.out = sys.stdout.buffer
        ask = self.question["ask"]
        if ask == "index":
            self.index(args, repository, manifest, key)
        else:
            archive = self.archive_type(repository, key, manifest, args.location.archive)
            matcher = archiver.build_matcher(args.patterns, args.paths)
            for item, first_name in _chosen(archive, matcher):
                if ask == "items":
                    self.write(self.item_line(item, archive.fpr, first_name))
                elif "chunks" in item:
                    self.write([item.path, self.hash(archive, item)])
        self.out.flush()

    def write(self, value):
        self.out.write(json.dumps(value, separators=(",", ":")).encode() + b"\n")

    def item_line(self, item, archive_id, first_name):
        return ["=", *self.fields(item), "chunks_healthy" not in item, archive_id, first_name]

    def fields(self, item):
        """Path, mode, uid, gid, user, group, size, modified and changed in microseconds, target."""
        modified = item.mtime
        return (
            item.path,
            item.mode,
            -1 if item.uid is None else item.uid,
            -1 if item.gid is None else item.gid,
            _name(item.user, item.uid),
            _name(item.group, item.gid),
            item.get_size(),
            self.microseconds(modified),
            self.microseconds(item.get("ctime") or modified),
            item.get("source") or "",
        )

    def microseconds(self, nanoseconds):
        """Microseconds as ``borg list`` prints them: through a float, rounded half to even."""
        fraction, whole = math.modf(max(0, min(nanoseconds, self.most_ns)) / 1e9)
        return int(whole) * 1000000 + round(fraction * 1e6)

    def hash(self, archive, item):
        digest = hashlib.sha256()
        for data in archive.pipeline.fetch_many([chunk.id for chunk in item.chunks]):
            digest.update(data)
        return digest.hexdigest()

    # --- index ---

    def index(self, args, repository, manifest, key):
        listed = manifest.archives.list(consider_checkpoints=True, sort_by=["ts"])
        ids = {self.hex(info.id): info for info in listed}
        self.write(["listing", self.describe(manifest, listed)])
        wanted = [name for name in self.question["wanted"] if name in ids]
        known = {*wanted, *self.question["known"]}
        wanted += [i for i, info in ids.items() if self.is_asked_for(info.name) and i not in known]
        base = self.question["base"]
        memory = _Memory.read(self.question["memory"], base) if base in ids else None
        for archive_id in wanted:
            archive = self.archive_type(repository, key, manifest, ids[archive_id].name)
            memory = self.tell(archive, base, memory)
            base = archive_id
        if wanted and memory is not None and self.question["memory"]:
            memory.write(self.question["memory"])

    def is_asked_for(self, name):
        prefix, runs = self.question["prefix"], self.question["runs"]
        named_by_run = prefix and re.fullmatch(re.escape(prefix) + RUN_NAME, name)
        is_of_run = named_by_run and (runs is None or name.rpartition("-")[2] in runs)
        return name == self.question["name"] or bool(is_of_run)

    def describe(self, manifest, listed):
        described = self.basic_json_data(manifest)
        archives = [[self.hex(info.id), info.name, info.ts.isoformat()] for info in listed]
        return {
            "repository": described["repository"]["id"],
            "encryption": described["encryption"]["mode"],
            "archives": archives,
        }

    def tell(self, archive, base, before):
        """Tell one archive; gives what must be remembered of it."""
        ids = [bytes(i) for i in archive.metadata.items]
        gaps = None if before is None or not self.question["delta"] else _gaps(before.ids, ids)
        lines = None
        if gaps is not None and sum(_width(gap) for gap in gaps) <= MOST_CHANGED_CHUNKS:
            lines, memory = self.delta(archive, before, ids, gaps)
        metadata = archive.metadata
        head = {
            "id": archive.fpr,
            "name": archive.name,
            "comment": archive.comment,
            "start": archive.ts.isoformat(),
            "end": archive.ts_end.isoformat(),
            "files": metadata.get("nfiles", 0),
            "size": metadata.get("size", 0),
            "csize": metadata.get("csize", 0),
        }
        part = _Part(self.write)
        if lines is None:
            self.write(["archive", {**head, "mode": "whole", "base": None}])
            memory = self.whole(archive, ids, part)
        else:
            self.write(["archive", {**head, "mode": "delta", "base": base}])
            for line in lines:
                part.add(line)
        part.flush()
        self.write(["end", {"id": archive.fpr, "entries": memory.entries}])
        return memory

    def whole(self, archive, ids, part):
        """Tell every item."""
        stream = _Stream(self.unpacker, archive.pipeline.fetch_many(ids))
        entries = 0
        for item in stream.items():
            part.add(("+", *self.fields(self.item_type(internal_dict=item))))
            entries += 1
        return _Memory(archive.fpr, ids, stream.heads, entries)

    def delta(self, archive, before, ids, gaps):
        """The lines of what differs, and what must be remembered; no lines where the streams do not fit together."""
        heads = _heads_of_blocks(before.heads, len(ids), gaps)
        old, new = {}, {}
        entries = before.entries
        for (old_start, old_end), (new_start, new_end) in gaps:
            gone = self.region(archive, before.ids, before.heads, old_start, old_end)
            come = self.region(archive, ids, heads, new_start, new_end)
            if gone is None or come is None:
                return None, None
            entries += len(come) - len(gone)
            old.update(self.by_path(gone))
            new.update(self.by_path(come))
        lines = [("+", *fields) for path, fields in new.items() if old.get(path) != fields]
        lines += [("-", path) for path in old if path not in new]
        return lines, _Memory(archive.fpr, ids, heads, entries)

    def by_path(self, items):
        return {fields[0]: fields for fields in (self.fields(self.item_type(internal_dict=item)) for item in items)}

    def region(self, archive, ids, heads, start, end):
        """The items that touch the chunks ``ids[start:end]``, or the seam there where that is no chunk.

        The heads of these chunks are filled in. Gives ``None`` where the items do not end where the next known one
        begins.
        """
        first = start
        while first > 0 and (first == start or heads[first] is None):
            first -= 1
        last = end
        while last < len(ids) and heads[last] is None:
            last += 1
        chosen = ids[first : last + 1]
        data = list(archive.pipeline.fetch_many(chosen))
        begin = sum(map(len, data[: start - first]))
        finish = begin + sum(map(len, data[start - first : end - first]))
        stream = _Stream(self.unpacker, data, heads[first] if first < start else 0)
        items = [item for item in stream.items() if stream.item_start < finish and stream.item_end > begin]
        heads[start:end] = stream.heads[start - first : end - first]
        fits = stream.heads[last - first] == heads[last] if last < len(ids) else stream.is_whole
        return items if fits else None


def _chosen(archive, matcher):
    """The items that a matcher chooses, hard links among them as an extract with this matcher makes them.

    With each comes the name at which the archive holds its content, where that is one that is not chosen.
    """
    outside, within = {}, {}

    def choose(item):
        is_chosen = matcher.match(item.path)
        if not is_chosen and item.get("hardlink_master") and "chunks" in item:
            outside[item.path] = item.chunks
        return is_chosen

    for item in archive.iter_items(choose):
        first = None if stat.S_ISLNK(item.mode) else item.get("source")
        outer = first if first in outside else ""
        if first in within:
            item.source = within[first]
        elif first in outside:
            item.chunks = outside.pop(first)
            item.size = sum(chunk.size for chunk in item.chunks)
            within[first] = item.path
            del item.source
        yield item, outer


class _Part:
    """Collects lines and writes them compressed, so many at a time."""

    def __init__(self, write):
        self.write = write
        self.lines = []

    def add(self, line):
        self.lines.append(json.dumps(line, separators=(",", ":")))
        if len(self.lines) >= LINES_OF_PART:
            self.flush()

    def flush(self):
        if self.lines:
            text = zlib.compress("\n".join(self.lines).encode(), 1)
            self.write(["part", base64.b64encode(text).decode()])
            self.lines = []


class _Stream:
    """Items unpacked from chunks, with the place of the first that begins in each chunk (its head)."""

    def __init__(self, unpacker, chunks, skip=0):
        self.chunks = chunks
        self.skip = skip
        self.unpacker = unpacker(use_list=False)
        self.heads = []
        self.item_start = self.item_end = skip
        self.length = 0

    def items(self):
        for data in self.chunks:
            begin, self.length = self.length, self.length + len(data)
            head = self.item_end - begin if begin <= self.item_end < self.length else None
            self.unpacker.feed(data[self.skip :] if begin == 0 else data)
            for item in self.unpacker:
                self.item_start, self.item_end = self.item_end, self.skip + self.unpacker.tell()
                if head is None and begin <= self.item_end < self.length:
                    head = self.item_end - begin
                yield item
            self.heads.append(head)

    @property
    def is_whole(self):
        return self.item_end == self.length


class _Memory:
    """What is remembered of an archive: the ids of its item chunks, and where in each the first item begins."""

    def __init__(self, archive, ids, heads, entries):
        self.archive = archive
        self.ids = ids
        self.heads = heads
        self.entries = entries

    @classmethod
    def read(cls, path, archive):
        """The memory of an archive; ``None`` where there is none, or one of another archive."""
        try:
            with open(path, encoding="ascii") as file:  # noqa: PTH123
                content = json.load(file)
            if content["version"] != MEMORY_VERSION or content["archive"] != archive:
                return None
            ids = [bytes.fromhex(text) for text in content["ids"]]
            heads = [None if head is None else int(head) for head in content["heads"]]
            return cls(archive, ids, heads, int(content["entries"])) if len(ids) == len(heads) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, path):
        content = {"version": MEMORY_VERSION, "archive": self.archive, "entries": self.entries}
        content |= {"ids": [i.hex() for i in self.ids], "heads": self.heads}
        beside = path + ".new"
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            json.dump(content, file, separators=(",", ":"))
        os.replace(beside, path)  # noqa: PTH105


def _name(name, number):
    """The name of a user or group; a listing prints the number where there is no name, so that is no name either."""
    return "" if name is None or name == str(number) else name


def _gaps(old, new):
    """Where two lists of chunk ids differ: ``((start, end) in old, (start, end) in new)`` between common blocks.

    ``None`` where they have nothing in common. Between two blocks there is always a gap, if only in one of them.
    """
    places = _unique_places(old)
    anchors = [(places[i], at) for i, at in _unique_places(new).items() if i in places]
    gaps = []
    previous = (-1, -1)
    for place in [*_longest_rising(anchors), (len(old), len(new))]:
        gap = _trim(old, new, (previous[0] + 1, place[0]), (previous[1] + 1, place[1]))
        if _width(gap):
            gaps.append(gap)
        previous = place
    has_common = sum(_width(gap) for gap in gaps) < len(old) + len(new)
    return gaps if has_common or not old + new else None


def _trim(old, new, old_span, new_span):
    """Two spans without what they begin and end with alike."""
    (old_start, old_end), (new_start, new_end) = old_span, new_span
    while old_start < old_end and new_start < new_end and old[old_start] == new[new_start]:
        old_start, new_start = old_start + 1, new_start + 1
    while old_start < old_end and new_start < new_end and old[old_end - 1] == new[new_end - 1]:
        old_end, new_end = old_end - 1, new_end - 1
    return (old_start, old_end), (new_start, new_end)


def _unique_places(ids):
    """Where each id stands that stands only once, in the order of the list."""
    places = {}
    for place, i in enumerate(ids):
        places[i] = -1 if i in places else place
    return {i: place for i, place in places.items() if place >= 0}


def _longest_rising(pairs):
    """The longest part of some pairs, sorted by their second numbers, in which the first ones rise too."""
    ends, tails, before = [], [], []
    for number, (first, _) in enumerate(pairs):
        place = bisect_left(ends, first)
        ends[place : place + 1] = [first]
        tails[place : place + 1] = [number]
        before.append(tails[place - 1] if place else -1)
    chain = []
    number = tails[-1] if tails else -1
    while number >= 0:
        chain.append(pairs[number])
        number = before[number]
    return chain[::-1]


def _heads_of_blocks(old_heads, length, gaps):
    """The heads of a new list of chunks as far as they are those of the old one."""
    heads = []
    place = 0
    for (old_start, old_end), (new_start, new_end) in gaps:
        heads += old_heads[place:old_start]
        heads += [None] * (new_end - new_start)
        place = old_end
    heads += old_heads[place:]
    return heads[:length]


def _width(gap):
    return sum(end - start for start, end in gap)


if __name__ == "__main__":
    main()
