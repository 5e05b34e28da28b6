# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows archives as a folder, through ``borg mount``, and never in the way of a backup.

Borg holds a shared lock of the repository as long as a mount lives, and a backup needs the exclusive one. So each mount
has a keeper, this process, that unmounts when its time is over, and at once when a run of this host wants the
repository or anybody waits for the lock. Reading past the lock is no way out: Borg may then replay a transaction that
another process is writing.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from fleetkeep.borg.access import BorgAccess
from fleetkeep.borg.command import mount_arguments
from fleetkeep.borg.events import clean_text
from fleetkeep.borg.failures import failure_of, reason_of
from fleetkeep.borg.process import BorgResult, Cancellation, run_borg
from fleetkeep.clock import Clock
from fleetkeep.errors import (
    BorgFailed,
    Cancelled,
    FleetkeepError,
    MountFailed,
    MountPointUnusable,
    MountUnsupported,
    NotMounted,
    RepositoryInUse,
    UnmountFailed,
)
from fleetkeep.model import Job
from fleetkeep.plan.restore import is_below
from fleetkeep.settings import search_path

from .cancel import StepCancellation
from .lock import Held, hold, holder_of
from .mounts import Mount, MountState, is_borg_mount, keeper_lock, remember
from .paths import Paths

FUSE_DEVICE = Path("/dev/fuse")

#: How often the keeper looks around.
WATCH_SECONDS = 0.5

#: A mount that nobody uses any more lets go of the repository within this time.
LEAVE_SECONDS = 2.0

#: A repository whose folder changed between so many looks in a row has a writer that waits.
TOUCHES = 5

#: So long a keeper that was asked to end may take.
END_SECONDS = 10.0

_NO_SUPPORT = "no FUSE support"


@dataclass(frozen=True)
class MountOrder:
    """What is to be mounted, where, and for how long."""

    access: BorgAccess
    repository: str
    archive: str | None
    """One archive, or all."""

    mountpoint: Path
    """As ``check_mountpoint`` gave it."""

    duration: timedelta
    jobs: Sequence[Job] = ()
    """The jobs of this host."""


def check_mountpoint(mountpoint: Path) -> Path:
    """The real place of a folder at which something can be mounted. Raises MountPointUnusable."""
    shown = clean_text(str(mountpoint))
    try:
        place = mountpoint.resolve(strict=True)
        reason = _objection(place)
    except FileNotFoundError:
        reason = "it does not exist"
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
    if reason:
        raise MountPointUnusable(mountpoint=shown, reason=reason)
    return place


def check_support() -> None:
    """Refuse where the system has no FUSE. Raises MountUnsupported."""
    if not FUSE_DEVICE.exists():
        raise MountUnsupported(reason="the kernel offers no /dev/fuse", next_step="load the module fuse")
    if os.geteuid() != 0 and _unmount_program() is None:
        raise MountUnsupported(reason="fusermount3 is missing", next_step="install the package fuse3")


def keep_mounted(
    order: MountOrder,
    paths: Paths,
    clock: Clock,
    *,
    on_mounted: Callable[[Mount], None],
    cancellation: Cancellation | None = None,
) -> Mount:
    """Mount, and return when it is unmounted again: what it was, and why it ended.

    Arguments:
        order: What, where, how long.
        paths: The places of this host.
        clock: For the time that is left.
        on_mounted: Called once it can be read.
        cancellation: Unmounts when somebody asks to.

    Raises MountUnsupported, MountFailed, RepositoryInUse, Cancelled, and the errors of a repository that cannot be
    read.
    """
    if (holder := holder_of(paths.repository_lock(order.repository))) is not None:
        raise RepositoryInUse(repository=order.repository, holder=holder)
    began_at = clock.now()
    mount = Mount(
        mountpoint=str(order.mountpoint),
        repository=order.repository,
        archive=order.archive,
        process=os.getpid(),
        began_at=began_at,
        ends_at=began_at + order.duration,
    )
    try:
        with hold(keeper_lock(paths, mount.mountpoint)):
            keeper = _Keeper(order, paths, clock, cancellation)

            def tell() -> None:
                remember(paths, mount)
                on_mounted(mount)

            reason = keeper.keep(tell)
            changes = {"state": MountState.ENDED, "reason": reason, "ends_at": max(began_at, clock.now())}
            ended = mount.model_copy(update=changes)
            remember(paths, ended)
            return ended
    except Held:
        raise MountPointUnusable(mountpoint=clean_text(mount.mountpoint), reason="it is in use by a mount") from None


def end_mount(paths: Paths, mountpoint: Path) -> str:
    """Unmount, through the keeper where it lives; gives the folder. Raises NotMounted, UnmountFailed, NotAllowed."""
    place = str(mountpoint.parent.resolve() / mountpoint.name)
    keeper = holder_of(keeper_lock(paths, place))
    if keeper is None and not is_borg_mount(place):
        raise NotMounted(mountpoint=clean_text(place))
    if keeper is not None and keeper.isdecimal():
        with suppress(ProcessLookupError):
            os.kill(int(keeper), signal.SIGTERM)
        patience = Cancellation()
        for _ in range(round(END_SECONDS / WATCH_SECONDS * 5)):
            if holder_of(keeper_lock(paths, place)) is None:
                break
            patience.wait(WATCH_SECONDS / 5)
    if is_borg_mount(place):
        unmount(place)
    return place


def unmount(mountpoint: str) -> None:
    """Take a file system of Borg away at once; who still has files of it open gets errors. Raises UnmountFailed."""
    program = _unmount_program()
    if program is None:
        raise UnmountFailed(mountpoint=clean_text(mountpoint), reason="neither umount nor fusermount3 is there")
    done = subprocess.run([*program, mountpoint], capture_output=True, stdin=subprocess.DEVNULL, check=False)
    if is_borg_mount(mountpoint):
        reason = clean_text(done.stderr.decode(errors="replace").strip()) or f"exit code {done.returncode}"
        raise UnmountFailed(mountpoint=clean_text(mountpoint), reason=reason)


class _Keeper:
    """One borg process that serves a mount, and the eye on it."""

    def __init__(self, order: MountOrder, paths: Paths, clock: Clock, cancellation: Cancellation | None) -> None:
        self._order = order
        self._mountpoint = str(order.mountpoint)
        self._clock = clock
        self._asked_to_end = cancellation or Cancellation()
        self._borg = StepCancellation()
        self._outcome: BorgResult | OSError | None = None
        self._ended = threading.Event()
        self._touched = self._touches = 0
        around = [job.name for job in order.jobs if _backs_up(job, order.mountpoint)]
        self._reasons = {
            paths.job_lock(name): f"a run of job {name} begins, which backs up around it" for name in around
        }
        self._reasons[paths.repository_lock(order.repository)] = f"a run or a check needs repository {order.repository}"

    def keep(self, on_mounted: Callable[[], None]) -> str:
        """Mount, watch, unmount; why it ended."""
        thread = threading.Thread(target=self._serve, name="borg-mount", daemon=True)
        thread.start()
        try:
            self._wait_until_mounted()
            on_mounted()
            return self._watch()
        finally:
            self._leave()
            thread.join()

    def _serve(self) -> None:
        arguments = mount_arguments(self._order.access.location, self._order.archive, self._mountpoint)
        try:
            self._outcome = run_borg(self._order.access, arguments, cancellation=self._borg)
        except OSError as error:
            self._outcome = error
        finally:
            self._ended.set()

    def _wait_until_mounted(self) -> None:
        while not is_borg_mount(self._mountpoint):
            if self._ended.wait(WATCH_SECONDS / 5):
                raise self._failure()
            if self._asked_to_end.is_cancelled:
                raise Cancelled(what="The mount")

    def _watch(self) -> str:
        """Look around until there is a reason to end; the reason."""
        deadline = self._clock.monotonic() + self._order.duration.total_seconds()
        while True:
            if self._asked_to_end.is_cancelled:
                return "somebody asked for it"
            if self._ended.is_set() or not is_borg_mount(self._mountpoint):
                return "it was unmounted"
            if self._clock.monotonic() >= deadline:
                return "its time is over"
            for lock, reason in self._reasons.items():
                if holder_of(lock) is not None:
                    return reason
            if self._is_awaited():
                return f"another process waits to write to repository {self._order.repository}"
            self._asked_to_end.wait(WATCH_SECONDS)

    def _is_awaited(self) -> bool:
        """Whether somebody waits for the exclusive lock; of a repository on this host only.

        Who waits makes and removes ``lock.exclusive`` in the repository every fifth of a second, who reads does so once
        when it comes and once when it goes.
        """
        try:
            touched = os.stat(self._order.access.location).st_mtime_ns  # noqa: PTH116 - a location may be no path
        except OSError:
            return False
        self._touches = self._touches + 1 if touched != self._touched else 0
        self._touched = touched
        return self._touches >= TOUCHES

    def _leave(self) -> None:
        if is_borg_mount(self._mountpoint):
            try:
                unmount(self._mountpoint)
            except UnmountFailed:
                self._borg.cancel()
                self._ended.wait()
                unmount(self._mountpoint)
        if not self._ended.wait(LEAVE_SECONDS):
            self._borg.cancel()

    def _failure(self) -> FleetkeepError:
        """Why Borg ended before anything was mounted."""
        outcome, order = self._outcome, self._order
        if isinstance(outcome, BorgResult):
            if any(_NO_SUPPORT in message.message for message in outcome.log):
                return MountUnsupported(
                    reason=f"{order.access.program} has no FUSE support",
                    next_step='install pyfuse3 beside it (`pip install "fleetkeep[mount]"`, which needs libfuse3)',
                )
            error = failure_of(outcome, "mount", order.repository, order.access.location)
            if not isinstance(error, BorgFailed):
                return error
            reason = reason_of(outcome)
        else:
            reason = f"{outcome}."
        what = f"archive {order.archive}" if order.archive else f"repository {order.repository}"
        return MountFailed(what=what, mountpoint=clean_text(self._mountpoint), reason=reason)


def _objection(place: Path) -> str:
    """What speaks against a folder as a mount point."""
    if not place.is_dir():
        return "it is not a folder"
    if not str(place).isprintable():
        return "its name has characters that cannot be shown"
    if os.path.ismount(place):
        return "something is mounted there already"
    if not os.access(place, os.R_OK | os.W_OK | os.X_OK):
        return "it is not writable for this user"
    if any(place.iterdir()):
        return "it is not empty"
    return ""


def _backs_up(job: Job, folder: Path) -> bool:
    """Whether a run of a job would walk into a file system that is mounted at a folder."""
    stored = str(folder).lstrip("/")
    return not job.sources.one_file_system and any(
        is_below(stored, source.path.strip("/")) or source.path == "/" for source in job.sources.paths
    )


def _unmount_program() -> list[str] | None:
    """The command that takes a mount away even where it is in use; root needs no helper."""
    candidates = [["fusermount3", "-u", "-z"], ["fusermount", "-u", "-z"]]
    if os.geteuid() == 0:
        candidates.insert(0, ["umount", "--no-canonicalize", "--lazy"])
    for name, *options in candidates:
        if program := shutil.which(name, path=search_path()):
            return [program, *options]
    return None


__all__ = ["MountOrder", "check_mountpoint", "check_support", "end_mount", "keep_mounted", "unmount"]
