# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
import logging
import pickle

import pytest

from fleetkeep.borg.access import BorgAccess
from fleetkeep.borg.passphrase import Passphrase

SECRET = "correct horse"


def test_no_way_of_printing_shows_it() -> None:
    access = BorgAccess("borg", "/srv/borg", Passphrase(SECRET), {})
    secret = Passphrase(SECRET)
    shown = [repr(secret), str(secret), f"{secret}", f"{secret:>20}", "%s" % secret, repr([secret]), repr(access)]  # noqa: UP031
    assert all(SECRET not in text for text in shown)
    assert all("***" in text for text in shown)


def test_logging_does_not_show_it(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("test").warning("%s %r", Passphrase(SECRET), {"passphrase": Passphrase(SECRET)})
    assert "***" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("leak", [pickle.dumps, copy.copy, copy.deepcopy, hash, vars])
def test_cannot_leave_the_process(leak: object) -> None:
    with pytest.raises(TypeError):
        leak(Passphrase(SECRET))  # type: ignore[operator]


def test_is_a_value() -> None:
    assert Passphrase(SECRET) == Passphrase(SECRET)
    assert Passphrase(SECRET) != Passphrase("other")
    assert Passphrase(SECRET) != SECRET
    assert Passphrase(SECRET).reveal() == SECRET
    assert not Passphrase("")
