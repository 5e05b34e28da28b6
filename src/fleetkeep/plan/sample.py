# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files a drill restores: the newest ones, and a random sample of the others in which every size has a part.

The choice needs one pass over the items of an archive and memory for the sample only. Chance comes from a keyed hash
of each path, so the same seed always chooses the same files, in whatever order the items come, and nobody who does not
know the seed can tell beforehand which files will be looked at.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from fleetkeep.borg.items import ArchiveItem

#: 300 random files find damage of 1 % of the files with a probability of 95 %, because 1 - 0.99**300 = 0.95.
DEFAULT_FILES = 300
DEFAULT_BYTES = 1 << 30

#: Upper ends of the size classes; the last class has none.
SIZE_CLASS_BYTES = (4 << 10, 64 << 10, 1 << 20, 16 << 20, 256 << 20)

#: The part of the sample that the newest files take, as a divisor: a quarter.
NEWEST_DIVISOR = 4

#: The part of the random sample that each size class gets at least, as a divisor.
CLASS_DIVISOR = 20

#: So many broken paths are remembered; all are counted.
BROKEN_SHOWN = 1000


@dataclass(frozen=True)
class SampleRule:
    """The bounds of a sample."""

    files: int = DEFAULT_FILES
    """At most so many files."""

    size_bytes: int = DEFAULT_BYTES
    """At most so much content in all; a single file may exceed it when every file does."""


@dataclass(frozen=True)
class SampledFile:
    """One file to restore and compare."""

    path: str
    size_bytes: int
    changed_us: int
    place: int
    """Its place in the archive, so that content is read in the order in which it was written."""


@dataclass(frozen=True)
class Sample:
    """The choice, and what it was made from."""

    seed: str
    files: tuple[SampledFile, ...] = ()
    """In the order of the archive."""

    population: int = 0
    """How many files with content of their own the archive holds, those left out included."""

    left_out: int = 0
    """How many could not be chosen because a listing cannot carry their names."""

    broken: tuple[str, ...] = ()
    """Files of the whole archive whose content a repair replaced with zeros; at most ``BROKEN_SHOWN``."""

    broken_count: int = 0
    """How many such files there are."""

    archive_id: str = ""
    """The id of the archive that was listed; empty when it holds nothing."""

    @property
    def size_bytes(self) -> int:
        """The size of the chosen files."""
        return sum(file.size_bytes for file in self.files)


def plan_sample(items: Iterable[ArchiveItem], seed: str, rule: SampleRule) -> Sample:
    """Choose the files of a drill.

    Arguments:
        items: All items of an archive, in any order; read once.
        seed: Any text; the same seed gives the same choice.
        rule: The bounds.
    """
    survey = _Survey(seed, rule)
    for place, item in enumerate(items):
        survey.look_at(item, place)
    return Sample(
        seed=seed,
        files=tuple(sorted(survey.choose(), key=lambda file: file.place)),
        population=survey.population,
        left_out=survey.left_out,
        broken=tuple(survey.broken),
        broken_count=survey.broken_count,
        archive_id=survey.archive_id,
    )


def size_class(size_bytes: int) -> int:
    """The class of a size: 0 for the smallest.

    >>> [size_class(size) for size in (0, 4096, 4097, 1 << 40)]
    [0, 0, 1, 5]
    """
    return sum(size_bytes > end for end in SIZE_CLASS_BYTES)


def chance(seed: str, path: str) -> int:
    """A number that looks random and depends on seed and path alone."""
    digest = hashlib.blake2b(path.encode("utf-8", "surrogatepass"), key=_key(seed), digest_size=8).digest()
    return int.from_bytes(digest, "big")


@lru_cache(maxsize=8)
def _key(seed: str) -> bytes:
    return hashlib.sha256(seed.encode("utf-8", "surrogatepass")).digest()


@dataclass
class _Best:
    """The ``size`` entries with the smallest rank that were offered."""

    size: int
    heap: list[tuple[int, int, int, SampledFile]] = field(default_factory=list)
    offered: int = 0

    def offer(self, rank: int, chance_of_file: int, file: SampledFile) -> None:
        self.offered += 1
        entry = (-rank, -chance_of_file, -file.place, file)
        if len(self.heap) < self.size:
            heapq.heappush(self.heap, entry)
        elif entry > self.heap[0]:
            heapq.heapreplace(self.heap, entry)

    def in_order(self) -> list[SampledFile]:
        return [entry[-1] for entry in sorted(self.heap, reverse=True)]


class _Survey:
    """One pass over an archive."""

    def __init__(self, seed: str, rule: SampleRule) -> None:
        self.rule = rule
        self.seed = seed
        self.population = self.left_out = self.broken_count = 0
        self.broken: list[str] = []
        self.archive_id = ""
        self._newest = _Best(max(1, rule.files // NEWEST_DIVISOR))
        self._classes = [_Best(rule.files) for _ in range(len(SIZE_CLASS_BYTES) + 1)]
        self._smallest = _Best(1)

    def look_at(self, item: ArchiveItem, place: int) -> None:
        self.archive_id = self.archive_id or item.archive_id
        if not item.healthy:
            self.broken_count += 1
            if len(self.broken) < BROKEN_SHOWN:
                self.broken.append(item.path)
        if not item.is_file:
            return
        self.population += 1
        if not item.is_faithful:
            self.left_out += 1
            return
        file = SampledFile(item.path, item.size_bytes, item.changed_us, place)
        luck = chance(self.seed, file.path)
        self._newest.offer(-file.changed_us, luck, file)
        self._classes[size_class(file.size_bytes)].offer(0, luck, file)
        self._smallest.offer(file.size_bytes, luck, file)

    def choose(self) -> list[SampledFile]:
        basket = _Basket(self.rule.files, self.rule.size_bytes)
        for file in self._newest.in_order():
            basket.put(file, at_most_bytes=basket.free_bytes // 2)
        ranked = [best.in_order() for best in self._classes]
        quotas = share(basket.free_files, [best.offered for best in self._classes])
        for files, quota in reversed(list(zip(ranked, quotas, strict=True))):
            _fill(basket, files, quota)
        for file in _merge(ranked, self.seed):
            basket.put(file, at_most_bytes=basket.free_bytes)
        if not basket.files and self.rule.files > 0:
            return self._smallest.in_order()
        return list(basket.files.values())


@dataclass
class _Basket:
    """What was chosen so far, and what still fits."""

    free_files: int
    free_bytes: int
    files: dict[str, SampledFile] = field(default_factory=dict)

    def put(self, file: SampledFile, at_most_bytes: int) -> bool:
        if file.path in self.files or self.free_files < 1 or file.size_bytes > at_most_bytes:
            return False
        self.files[file.path] = file
        self.free_files -= 1
        self.free_bytes -= file.size_bytes
        return True


def _fill(basket: _Basket, files: list[SampledFile], quota: int) -> None:
    """Put up to ``quota`` files; one class spends at most half of what is left, so that the smaller ones get theirs."""
    budget = basket.free_bytes // 2
    for file in files:
        if quota < 1:
            return
        if basket.put(file, at_most_bytes=budget):
            quota -= 1
            budget -= file.size_bytes


def _merge(ranked: list[list[SampledFile]], seed: str) -> Iterator[SampledFile]:
    """All candidates by chance; for the places that stayed free."""
    candidates = (file for files in ranked for file in files)
    yield from sorted(candidates, key=lambda file: (chance(seed, file.path), file.place))


def share(places: int, populations: list[int]) -> list[int]:
    """Divide places among classes by their populations, at least a few for each class that has files.

    >>> share(100, [900, 0, 100])
    [86, 0, 14]
    >>> share(3, [5, 5, 5, 5])
    [1, 1, 1, 0]
    """
    least = max(1, places // CLASS_DIVISOR)
    quotas = [min(least, population) for population in populations]
    if sum(quotas) > places:
        return [quota if sum(quotas[: index + 1]) <= places else 0 for index, quota in enumerate(quotas)]
    rest = places - sum(quotas)
    total = sum(populations) or 1
    return [
        min(population, quota + rest * population // total)
        for quota, population in zip(quotas, populations, strict=True)
    ]


__all__ = [
    "DEFAULT_BYTES",
    "DEFAULT_FILES",
    "Sample",
    "SampleRule",
    "SampledFile",
    "chance",
    "plan_sample",
    "share",
    "size_class",
]
