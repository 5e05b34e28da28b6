# SPDX-License-Identifier: GPL-3.0-or-later
"""The real Borg, in an environment of its own, as a user has it who installed it with pipx.

In the environment of development each start of Borg also loads pytest and trio, because its self-test and its mounts
look whether they are there, and each start tests the build of Borg itself. All that takes two thirds of the time of
every one of some thousand starts; `component/borg/test_borg_program.py` has the self-test run once.
"""

from __future__ import annotations

import venv
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

_SCRIPT = """\
#!{python}
import sys
from borg.archiver import main
if __name__ == "__main__":
    sys.exit(main())
"""

#: Borg reads it before all else; the product hands down no variable of ours, and it asks Borg's interpreter as well.
_SITE = """\
import os
os.environ.setdefault("BORG_SELFTEST", "disabled")
"""


def make_own_borg(folder: Path) -> Path | None:
    """The program, in a new environment that holds Borg and what it needs, and nothing else.

    The packages are those of this interpreter, by links; ``None`` where Borg is none of them.
    """
    try:
        packages = _with_requirements("borgbackup")
    except PackageNotFoundError:
        return None
    venv.create(folder, symlinks=True, with_pip=False)
    (site,) = folder.glob("lib/python*/site-packages")
    for package in packages:
        (site / package.name).symlink_to(package)
    (site / "sitecustomize.py").write_text(_SITE)
    program = folder / "bin" / "borg"
    program.write_text(_SCRIPT.format(python=folder / "bin" / "python"))
    program.chmod(0o755)
    return program


def _with_requirements(name: str) -> set[Path]:
    """The files and folders in ``site-packages`` of a package and of all that it cannot do without."""
    found = distribution(name)
    tops = {Path(file).parts[0] for file in found.files or ()} - {"..", "__pycache__"}
    paths = {Path(str(found.locate_file(top))) for top in tops}
    for text in found.requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            paths |= _with_requirements(requirement.name)
    return paths
