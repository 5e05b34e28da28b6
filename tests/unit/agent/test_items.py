# SPDX-License-Identifier: GPL-3.0-or-later
import os

from hypothesis import given
from hypothesis import strategies as st

from fleetkeep.agent.items import PATTERN_BYTES, batches

names = st.binary(min_size=1, max_size=60).map(os.fsdecode)


@given(st.lists(names, max_size=50), st.integers(1, 2000))
def test_batches_hold_every_path_in_order(paths, repetitions):
    long = [path * repetitions for path in paths]
    portions = list(batches(long))
    assert [path for portion in portions for path in portion] == long
    for portion in portions:
        size = sum(len(os.fsencode(path)) + 4 for path in portion)
        assert portion
        assert size <= PATTERN_BYTES or len(portion) == 1


def test_few_paths_are_one_batch_and_none_are_no_batch():
    assert list(batches(["a", "b"])) == [["a", "b"]]
    assert list(batches([])) == []
