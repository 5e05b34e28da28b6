# SPDX-License-Identifier: GPL-3.0-or-later
import random

from hypothesis import given
from hypothesis import strategies as st

from fleetkeep.borg.items import ArchiveItem
from fleetkeep.plan.sample import SIZE_CLASS_BYTES, SampleRule, plan_sample, share, size_class


def file(path, size=10, changed=0, **rest):
    return ArchiveItem(path=path, kind="-", mode=0o644, size_bytes=size, changed_us=changed, **rest)


def folder(path):
    return ArchiveItem(path=path, kind="d", mode=0o755)


sizes = st.one_of(st.integers(0, 5000), st.integers(0, 1 << 33))
archives = st.lists(st.tuples(sizes, st.integers(0, 1 << 40), st.booleans()), max_size=60).map(
    lambda rows: [file(f"d/{n}{'?' if lossy else ''}", size, when) for n, (size, when, lossy) in enumerate(rows)]
)
rules = st.builds(SampleRule, files=st.integers(1, 60), size_bytes=st.integers(1, 1 << 34))
seeds = st.text(max_size=12)


@given(archives, seeds, rules)
def test_a_sample_stays_within_its_bounds(items, seed, rule):
    sample = plan_sample(items, seed, rule)
    assert len(sample.files) <= rule.files
    assert sample.size_bytes <= rule.size_bytes or len(sample.files) == 1
    assert len({chosen.path for chosen in sample.files}) == len(sample.files)


@given(archives, seeds, rules)
def test_only_names_that_are_certain_are_chosen_and_the_others_are_counted(items, seed, rule):
    sample = plan_sample(items, seed, rule)
    by_path = {item.path: item for item in items}
    assert all(by_path[chosen.path].is_faithful for chosen in sample.files)
    assert sample.left_out == sum(not item.is_faithful for item in items)
    assert sample.population == len(items)


@given(archives, seeds, rules)
def test_a_sample_is_never_empty_when_something_can_be_chosen(items, seed, rule):
    assert bool(plan_sample(items, seed, rule).files) == any(item.is_faithful for item in items)


@given(archives, seeds, rules, st.randoms(use_true_random=False))
def test_the_same_seed_chooses_the_same_files_in_any_order(items, seed, rule, shuffler):
    shuffled = list(items)
    shuffler.shuffle(shuffled)
    first = {chosen.path for chosen in plan_sample(items, seed, rule).files}
    assert first == {chosen.path for chosen in plan_sample(shuffled, seed, rule).files}


@given(archives, seeds)
def test_everything_is_chosen_where_everything_fits(items, seed):
    certain = {item.path for item in items if item.is_faithful}
    sample = plan_sample(items, seed, SampleRule(files=len(items) + 1, size_bytes=1 << 44))
    assert {chosen.path for chosen in sample.files} == certain


@given(st.integers(0, 400), st.lists(st.integers(0, 10_000), min_size=6, max_size=6))
def test_shares_fit_their_places_and_populations(places, populations):
    quotas = share(places, populations)
    assert sum(quotas) <= places
    assert all(0 <= quota <= population for quota, population in zip(quotas, populations, strict=True))
    if places >= len(populations):
        assert all(quota > 0 for quota, population in zip(quotas, populations, strict=True) if population)


def test_files_come_in_the_order_of_the_archive():
    sample = plan_sample([file(f"d/{n}") for n in range(500)], "seed", SampleRule(files=50))
    assert [chosen.place for chosen in sample.files] == sorted(chosen.place for chosen in sample.files)


def test_the_newest_files_are_always_there():
    items = [file(f"d/{n}", changed=n) for n in range(5000)]
    random.Random(7).shuffle(items)
    for seed in ("one", "two"):
        chosen = {entry.path for entry in plan_sample(items, seed, SampleRule(files=40)).files}
        assert {f"d/{n}" for n in range(4990, 5000)} <= chosen


def test_big_and_small_files_both_appear():
    small = [file(f"small/{n}", 100) for n in range(20_000)]
    big = [file(f"big/{n}", 20 << 20) for n in range(3)]
    chosen = plan_sample(small + big, "seed", SampleRule(files=60)).files
    assert sum(entry.path.startswith("big/") for entry in chosen) >= 2
    assert sum(entry.path.startswith("small/") for entry in chosen) >= 40


def test_one_huge_file_does_not_eat_the_budget():
    items = [file("huge", 900, changed=99), *(file(f"d/{n}", 1) for n in range(100))]
    chosen = plan_sample(items, "seed", SampleRule(files=20, size_bytes=1000)).files
    assert len(chosen) == 20


def test_another_seed_chooses_other_files():
    items = [file(f"d/{n}") for n in range(5000)]
    samples = [{entry.path for entry in plan_sample(items, seed, SampleRule(files=40)).files} for seed in "ab"]
    assert len(samples[0] & samples[1]) < 20


def test_chance_is_fair():
    items = [file(f"d/{n}") for n in range(1000)]
    half = {f"d/{n}" for n in range(500)}
    hits = sum(
        entry.path in half for seed in range(40) for entry in plan_sample(items, str(seed), SampleRule(files=100)).files
    )
    assert 1800 < hits < 2200


def test_folders_links_and_devices_are_no_candidates():
    others = [folder("d"), ArchiveItem(path="l", kind="l", mode=0o777, link_target="d/0")]
    further = ArchiveItem(path="d/1", kind="-", mode=0o644, link_target="d/0")
    sample = plan_sample([*others, file("d/0"), further], "seed", SampleRule())
    assert [chosen.path for chosen in sample.files] == ["d/0"]
    assert sample.population == 1


def test_files_that_a_repair_hollowed_out_are_named():
    sample = plan_sample([file("good"), file("bad", healthy=False)], "seed", SampleRule())
    assert sample.broken == ("bad",)
    assert sample.broken_count == 1


def test_the_archive_is_known_by_its_items():
    assert plan_sample([file("a", archive_id="f0")], "seed", SampleRule()).archive_id == "f0"
    assert plan_sample([], "seed", SampleRule()).archive_id == ""


def test_size_classes_have_no_gap():
    assert [size_class(end) for end in SIZE_CLASS_BYTES] == [0, 1, 2, 3, 4]
    assert [size_class(end + 1) for end in SIZE_CLASS_BYTES] == [1, 2, 3, 4, 5]
