# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from fleetkeep.borg.features import Feature, supports


@pytest.mark.parametrize(
    ("version", "feature", "expected"),
    [
        ((1, 4, 4), Feature.CONFINED_EXTRACT, False),
        ((1, 4, 5), Feature.CONFINED_EXTRACT, True),
        ((1, 2, 8), Feature.MODERN_EXIT_CODES, False),
        ((1, 4, 99), Feature.REPOSITORY_OPTION, False),
        ((2, 0, 0), Feature.REPOSITORY_OPTION, True),
    ],
)
def test_a_feature_comes_with_its_release(version: tuple[int, int, int], feature: Feature, expected: bool) -> None:
    assert supports(version, feature) is expected
