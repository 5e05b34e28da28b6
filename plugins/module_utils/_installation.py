# Copyright: the Fleetkeep authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleetkeep's runtime on a host, as a virtual environment of its own: what there is, what is to be done, and doing it.

Only the standard library may be imported here: this is the one part of the collection that works before the package
is on the host. A stamp in the environment, written last, says what was installed; while it holds what is wanted, pip
is not called.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import zipfile
from dataclasses import dataclass

STAMP = "fleetkeep-runtime.json"
OLDEST_PYTHON = (3, 10)
PROGRAMS = ("fleetkeep", "borg")
UNITS = "/etc/systemd/system/fleetkeep-*.service"

#: What venv and pip make in an environment; a removal takes nothing else.
PARTS = ("bin", "include", "lib", "lib64", "share", "pyvenv.cfg", STAMP)

_WHEEL_NAME = re.compile(r"[A-Za-z0-9_.+!-]+\.whl")
_FACTS_OF_PYTHON = "import json, sys; print(json.dumps(list(sys.version_info[:3])))"


class InstallationError(Exception):
    """One sentence that says what is wrong and what to do."""


@dataclass(frozen=True)
class Wanted:
    """The runtime as the task asks for it."""

    path: str
    """The folder of the environment."""

    python: str
    """The interpreter that it is made with."""

    requirement: str
    """What pip is to install, such as ``fleetkeep[borg]==0.1.0``."""

    wheels: dict
    """SHA-256 by name of each wheel that the controller pushes; empty: from the package index."""

    link: str
    """Where the command is to be found; empty: nowhere."""

    packages: tuple
    """Debian packages that must be there first."""


@dataclass(frozen=True)
class Actual:
    """The runtime as it is on the host."""

    stamp: dict
    """What was installed last; empty when nothing was, or not completely."""

    ours: bool
    """Whether the folder is an environment that this module made."""

    foreign: bool
    """Whether something else is in the folder's place."""

    works: bool
    """Whether the environment's interpreter can be started."""

    python: tuple
    """The version of the interpreter that is asked for; empty when it does not start."""

    link: str
    """``ours``, ``absent``, ``other`` (a runtime at another path) or ``foreign``."""

    missing_packages: tuple
    """The packages that dpkg does not know as installed."""


# --- deciding ---


def plan_installation(wanted, actual):
    """The steps to the wanted runtime, in order, of ``packages``, ``environment``, ``content`` and ``link``.

    Raises ``InstallationError`` where that would harm something or cannot succeed.
    """
    _refuse_foreign(wanted, actual)
    _refuse_old_python(wanted, actual)
    stamp = stamp_of(wanted, actual.python)
    rebuilt = not actual.works or actual.stamp.get("python") != stamp["python"]
    renewed = rebuilt or actual.stamp != stamp
    steps = [
        ("packages", renewed and actual.missing_packages),
        ("environment", rebuilt),
        ("content", renewed),
        ("link", wanted.link and actual.link != "ours"),
    ]
    return [name for name, needed in steps if needed]


def plan_removal(wanted, actual, users):
    """The steps that take the runtime from the host: ``unlink``, ``remove``; ``users`` are the units that start it.

    Raises ``InstallationError`` while a unit needs it, and for a folder that is not a runtime.
    """
    if actual.ours and users:
        raise InstallationError(
            f"{wanted.path} is still used by {', '.join(users)}; take this host out of the jobs in the fleet files and "
            "apply, then remove the runtime."
        )
    if actual.foreign:
        raise InstallationError(f"{wanted.path} was not made by this role, so it is not removed; remove it by hand.")
    return [name for name, needed in [("unlink", actual.link == "ours"), ("remove", actual.ours)] if needed]


def stamp_of(wanted, python):
    """What the stamp says once the wanted runtime is complete."""
    minor = ".".join(map(str, python[:2]))
    return {"python": f"{wanted.python} {minor}", "requirement": wanted.requirement, "wheels": wanted.wheels}


def _refuse_foreign(wanted, actual):
    if actual.foreign:
        raise InstallationError(
            f"{wanted.path} is there already and was not made by this role; move it away, or name another client_path."
        )
    if wanted.link and actual.link == "foreign":
        raise InstallationError(
            f"{wanted.link} is there already and does not belong to Fleetkeep; move it away, or name another "
            "client_link."
        )


def _refuse_old_python(wanted, actual):
    oldest, found = (".".join(map(str, version)) for version in (OLDEST_PYTHON, actual.python))
    if not actual.python:
        raise InstallationError(
            f"{wanted.python} does not start; install Python {oldest} or newer, or name another client_python."
        )
    if actual.python < OLDEST_PYTHON:
        raise InstallationError(
            f"{wanted.python} is Python {found}, but Fleetkeep needs {oldest} or newer; name another client_python."
        )


# --- observing ---


def observe(wanted):
    """What is on the host, without changing anything."""
    ours = os.path.isfile(os.path.join(wanted.path, STAMP))
    return Actual(
        stamp=_read_stamp(wanted.path),
        ours=ours,
        foreign=not ours and _is_occupied(wanted.path),
        works=ours and os.access(os.path.join(wanted.path, "bin/python"), os.X_OK),
        python=_python_version(wanted.python),
        link=_link_state(wanted.link, wanted.path),
        missing_packages=_missing_packages(wanted.packages),
    )


def units_that_use(path):
    """The names of the units that start a program of the environment."""
    program = os.path.join(path, "bin") + os.sep
    return [os.path.basename(unit) for unit in sorted(glob.glob(UNITS)) if program in _text_of(unit)]


def _read_stamp(path):
    try:
        stamp = json.loads(_text_of(os.path.join(path, STAMP)))
    except ValueError:
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _text_of(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


def _is_occupied(path):
    if os.path.isdir(path) and not os.path.islink(path):
        return bool(os.listdir(path))
    return os.path.lexists(path)


def _python_version(python):
    try:
        done = subprocess.run([python, "-I", "-c", _FACTS_OF_PYTHON], capture_output=True, check=True, timeout=60)
        return tuple(json.loads(done.stdout))
    except (OSError, ValueError, subprocess.SubprocessError):
        return ()


def _link_state(link, path):
    """See ``Actual.link``."""
    if not link or not os.path.lexists(link):
        return "absent"
    target = os.readlink(link) if os.path.islink(link) else ""
    if target == os.path.join(path, "bin/fleetkeep"):
        return "ours"
    stamp = os.path.join(os.path.dirname(os.path.dirname(target)), STAMP)
    return "other" if target and os.path.isfile(stamp) else "foreign"


def _missing_packages(packages):
    """Where there is no dpkg, none is missing: then pip says what it lacks."""
    if not packages or not shutil.which("dpkg-query"):
        return ()
    done = subprocess.run(
        ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n", *packages],
        capture_output=True,
        check=False,
        text=True,
    )
    installed = {line.split()[0] for line in done.stdout.splitlines() if line.endswith(" installed")}
    return tuple(package for package in packages if package not in installed)


# --- acting ---


class Installer:
    """Carries out the steps of a plan; ``run`` executes an argument list and gives its status and its output.

    ``wheels`` is the folder into which ``unpack_wheels`` put what the controller pushed; ``None``: from the index.
    """

    def __init__(self, wanted, actual, run, wheels=None):
        self._wanted, self._actual, self._run, self._wheels = wanted, actual, run, wheels

    def carry_out(self, steps):
        """Do each step. A failure leaves a stamp that the next apply finds incomplete, so that it continues."""
        umask = os.umask(0o022)
        try:
            for step in steps:
                getattr(self, f"_do_{step}")()
        finally:
            os.umask(umask)

    def _do_packages(self):
        install = ["apt-get", "-qq", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120", "install"]
        install += self._actual.missing_packages
        if self._run(install)[0] == 0:
            return
        self._run(["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120", "update"])
        self._must("apt-get could not install " + " ".join(self._actual.missing_packages), install)

    def _do_environment(self):
        for part in PARTS:
            _remove(os.path.join(self._wanted.path, part))
        os.makedirs(self._wanted.path, exist_ok=True)
        self._write_stamp({})
        what = f"{self._wanted.python} could not make a virtual environment in {self._wanted.path}"
        self._must(what, [self._wanted.python, "-m", "venv", self._wanted.path])

    def _do_content(self):
        complete = stamp_of(self._wanted, self._actual.python)
        self._write_stamp({"python": complete["python"]})
        source = ["--no-index", "--find-links", self._wheels, "--force-reinstall"] if self._wheels else []
        pip = [self._program("python"), "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
        what = f"pip could not install {self._wanted.requirement} into {self._wanted.path}"
        self._must(what, [*pip, "--upgrade", *source, self._wanted.requirement])
        for program in PROGRAMS:
            self._must(f"{self._program(program)} does not start", [self._program(program), "--version"])
        self._write_stamp(complete)

    def _do_link(self):
        os.makedirs(os.path.dirname(self._wanted.link), exist_ok=True)
        new = self._wanted.link + ".new"
        _remove(new)
        os.symlink(self._program("fleetkeep"), new)
        os.replace(new, self._wanted.link)

    def _do_unlink(self):
        _remove(self._wanted.link)

    def _do_remove(self):
        # The stamp is what makes the folder ours, so it goes last.
        for part in PARTS:
            _remove(os.path.join(self._wanted.path, part))
        if not os.listdir(self._wanted.path):
            os.rmdir(self._wanted.path)

    def _program(self, name):
        return os.path.join(self._wanted.path, "bin", name)

    def _write_stamp(self, stamp):
        path = os.path.join(self._wanted.path, STAMP)
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(json.dumps(stamp, indent=2, sort_keys=True) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(path + ".new", path)

    def _must(self, what, arguments):
        status, output = self._run(arguments)
        if status:
            lines = [line.strip() for line in output.splitlines() if line.strip()]
            raise InstallationError(f"{what}: {lines[-1] if lines else f'exit status {status}'}")


def unpack_wheels(archive, wheels, folder):
    """Unpack pushed wheels into a folder; each must be one of ``wheels`` and have its SHA-256."""
    with zipfile.ZipFile(archive) as pushed:
        for name, digest in wheels.items():
            content = pushed.read(name)
            if not _WHEEL_NAME.fullmatch(name) or hashlib.sha256(content).hexdigest() != digest:
                raise InstallationError(f"The wheel {name} did not arrive as it was sent; apply again.")
            with open(os.path.join(folder, name), "wb") as file:
                file.write(content)


def _remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


__all__ = [
    "STAMP",
    "Actual",
    "InstallationError",
    "Installer",
    "Wanted",
    "observe",
    "plan_installation",
    "plan_removal",
    "stamp_of",
    "units_that_use",
    "unpack_wheels",
]
