# SPDX-License-Identifier: GPL-3.0-or-later
"""A part of an archive as one stream: tar, zip, or the content of one file."""

from __future__ import annotations

import hashlib
import os
import tarfile
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from fleetkeep.borg.access import BorgAccess
from fleetkeep.borg.command import export_tar_arguments, extract_arguments
from fleetkeep.borg.events import clean_text
from fleetkeep.borg.failures import failure_of
from fleetkeep.borg.process import BorgResult, Cancellation, run_borg
from fleetkeep.clock import Clock
from fleetkeep.errors import ExportStopped, OutputRefused
from fleetkeep.model import Outcome
from fleetkeep.plan.restore import RestoreForm, RestorePlan

from .extraction import Extraction, Progress
from .files import sync_folder
from .restore import RestoreResult
from .restore_report import Report, open_report
from .zip_stream import ZipWriter

BLOCK_BYTES = 1 << 20

_KINDS = {
    tarfile.DIRTYPE: "d",
    tarfile.SYMTYPE: "l",
    tarfile.FIFOTYPE: "p",
    tarfile.BLKTYPE: "b",
    tarfile.CHRTYPE: "c",
}


class Output:
    """Where a stream goes; it counts and hashes what it takes. Raises OutputRefused."""

    def __init__(self, file: IO[bytes], name: str, form: RestoreForm) -> None:
        self.name = name
        self._file = file
        self._form = form
        self._digest = hashlib.sha256()
        self.size_bytes = 0

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def write(self, block: bytes) -> int:
        try:
            self._file.write(block)
        except OSError as error:
            raise self._refusal(error) from None
        self._digest.update(block)
        self.size_bytes += len(block)
        return len(block)

    def flush(self) -> None:
        try:
            self._file.flush()
        except OSError as error:
            raise self._refusal(error) from None

    def _refusal(self, error: OSError) -> OutputRefused:
        what = {RestoreForm.FILE: "file"}.get(self._form, f"{self._form.value} stream")
        output = "Standard output" if self.name == "-" else clean_text(self.name)
        return OutputRefused(output=output, form=what, reason=error.strerror or error)


@contextmanager
def open_output(path: Path, form: RestoreForm, *, replace: bool = False) -> Iterator[Output]:
    """A new file that only this user can read, whole or not there. Raises OutputRefused.

    Without ``replace`` a file that exists is refused.
    """
    name = clean_text(str(path))
    if not replace and (path.exists() or path.is_symlink()):
        raise OutputRefused(
            output=name, form=f"{form.value} stream", reason="it exists already; say --yes to replace it"
        )
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".fleetkeep-restore-")
    except OSError as error:
        raise OutputRefused(output=name, form=f"{form.value} stream", reason=error.strerror or error) from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            output = Output(file, str(path), form)
            yield output
            output.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise OutputRefused(output=name, form=f"{form.value} stream", reason=error.strerror or error) from None
    finally:
        with suppress(FileNotFoundError):
            Path(temporary).unlink()


def write_stream(
    access: BorgAccess,
    plan: RestorePlan,
    output: Output,
    clock: Clock,
    *,
    report: Path | None = None,
    on_progress: Progress | None = None,
    cancellation: Cancellation | None = None,
) -> RestoreResult:
    """Carry out the plan of a stream.

    Arguments:
        access: How to reach the repository.
        plan: What ``plan_stream`` decided.
        output: Where it goes.
        clock: For the time it takes.
        report: A new file that takes a JSON line for each path, with its hash.
        on_progress: Told how far it is.
        cancellation: Stops within two seconds when somebody asks to; the stream is then incomplete.

    Raises OutputRefused, ReportRefused, ExportStopped.
    """
    began = clock.monotonic()
    extraction = Extraction(on_progress, cancellation)
    with open_report(report) as lines:
        lines.write(archive=plan.archive, archive_id=plan.archive_id, target=output.name, form=plan.form.value)
        copy = _Copy(output, lines, extraction)
        with _BorgPipe(access, _arguments(access, plan), extraction) as pipe:
            consume = {RestoreForm.ZIP: copy.zip, RestoreForm.TAR: copy.tar}.get(plan.form, copy.file)
            trouble = consume(pipe.output, plan)
        ended = pipe.result()
        if trouble or not ended.is_success:
            raise _stopped(access, plan, ended, trouble)
        output.flush()
        result = _result(plan, output, extraction, ended, round(clock.monotonic() - began, 3))
        lines.write(result=result.model_dump(mode="json"))
    return result


class _Copy:
    """Takes the stream of Borg to the output; each way gives what is wrong with the stream, if anything is."""

    def __init__(self, output: Output, report: Report, extraction: Extraction) -> None:
        self._output = output
        self._report = report
        self._extraction = extraction

    def file(self, stream: IO[bytes], plan: RestorePlan) -> str:
        """One file. Borg tells nothing apart from its content, so that the size is looked at here."""
        while block := stream.read(BLOCK_BYTES):
            self._output.write(block)
        path = plan.changes[0].path if plan.changes else plan.paths[0]  # what was asked for, under whatever name
        self._report.write(
            path=path, action="written", kind="-", size_bytes=self._output.size_bytes, sha256=self._output.sha256
        )
        return ""

    def tar(self, stream: IO[bytes], plan: RestorePlan) -> str:
        """A tar stream as it is; it is only read where a report is wanted."""
        tee = _Tee(stream, self._output)
        try:
            if self._report.is_wanted:
                for member, content in _members(tee):
                    digest = hashlib.sha256()
                    while content is not None and (block := content.read(BLOCK_BYTES)):
                        digest.update(block)
                    self._report.write(**_facts(member, digest.hexdigest() if content is not None else ""))
            while tee.read(BLOCK_BYTES):
                pass
        except tarfile.TarError as error:
            return f"Borg's stream is no tar ({error})."
        return ""

    def zip(self, stream: IO[bytes], plan: RestorePlan) -> str:
        """A zip stream out of the tar stream, member by member."""
        try:
            with ZipWriter(self._output) as writer:
                for member, content in _members(stream):
                    sha256, trouble = writer.add(member, content)
                    facts = _facts(member, sha256)
                    if trouble:
                        facts["reason"] = trouble
                        self._extraction.warn(trouble, "ZipCannotHold", path=clean_text(member.name))
                    self._report.write(**facts)
            while stream.read(BLOCK_BYTES):
                pass
        except tarfile.TarError as error:
            return f"Borg's stream is no tar ({error})."
        return ""


class _Tee:
    """Reads from one file and writes all of it to another."""

    def __init__(self, source: IO[bytes], output: Output) -> None:
        self._source = source
        self._output = output

    def read(self, size: int = -1) -> bytes:
        block = self._source.read(size)
        self._output.write(block)
        return block


class _BorgPipe:
    """A borg process that writes into a pipe, watched over by a thread of its own."""

    def __init__(self, access: BorgAccess, arguments: Sequence[str], extraction: Extraction) -> None:
        self._access = access
        self._extraction = extraction
        self._outcome: BorgResult | BaseException | None = None
        readable, writable = os.pipe()
        self.output: IO[bytes] = os.fdopen(readable, "rb", buffering=BLOCK_BYTES)
        self._thread = threading.Thread(
            target=self._run, args=(arguments, os.fdopen(writable, "wb")), name="borg-stream", daemon=True
        )

    def __enter__(self) -> _BorgPipe:
        self._thread.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self._extraction.cancellation.cancel()
        self.output.close()
        self._thread.join()

    def result(self) -> BorgResult:
        """How the process ended. Raises what kept it from running."""
        if isinstance(self._outcome, BaseException):
            raise self._outcome
        if self._outcome is None:
            raise RuntimeError("the process has not ended")
        return self._outcome

    def _run(self, arguments: Sequence[str], pipe: IO[bytes]) -> None:
        try:
            self._outcome = run_borg(
                self._access,
                arguments,
                on_event=self._extraction.take,
                cancellation=self._extraction.cancellation,
                standard_output=pipe,
            )
        except BaseException as error:  # handed to the thread that reads
            self._outcome = error
        finally:
            pipe.close()


def _arguments(access: BorgAccess, plan: RestorePlan) -> list[str]:
    if plan.form is RestoreForm.FILE:
        paths = [f"pf:{path}" for path in plan.paths]
        return extract_arguments(access.location, plan.archive, paths, to_standard_output=True)
    return export_tar_arguments(
        access.location,
        plan.archive,
        [*(f"pp:{path}" for path in plan.paths), *plan.patterns],
        excludes=plan.excludes,
        strip_components=plan.manner.strip_components,
    )


def _members(stream: Any) -> Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]:
    """The members of a tar stream, with the content of regular files; nothing of them is kept."""
    with tarfile.open(fileobj=stream, mode="r|", encoding="utf-8", errors="surrogateescape") as tar:
        for member in tar:
            yield member, tar.extractfile(member) if member.isreg() else None
            tar.members = []  # type: ignore[attr-defined]  # it would keep them all


def _facts(member: tarfile.TarInfo, sha256: str) -> dict[str, Any]:
    kinds = {
        tarfile.DIRTYPE: "d",
        tarfile.SYMTYPE: "l",
        tarfile.FIFOTYPE: "p",
        tarfile.BLKTYPE: "b",
        tarfile.CHRTYPE: "c",
    }
    facts: dict[str, Any] = {"path": member.name, "action": "written", "kind": kinds.get(member.type, "-")}
    if member.islnk():
        return {**facts, "same_as": member.linkname}
    return {**facts, "size_bytes": member.size, "sha256": sha256} if member.isreg() else facts


def _stopped(access: BorgAccess, plan: RestorePlan, result: BorgResult, trouble: str) -> ExportStopped:
    if result.cancelled:
        reason = "It was cancelled."
    elif not result.is_success:
        reason = str(failure_of(result, "extract", plan.repository, access.location))
    else:
        reason = trouble
    form = "file" if plan.form is RestoreForm.FILE else f"{plan.form.value} stream"
    return ExportStopped(form=form, archive=plan.archive, reason=reason)


def _result(
    plan: RestorePlan, output: Output, extraction: Extraction, ended: BorgResult, seconds: float
) -> RestoreResult:
    is_clean = not extraction.warning_count and ended.exit_code == 0
    return RestoreResult(
        archive=plan.archive,
        repository=plan.repository,
        target=output.name,
        form=plan.form,
        sha256=output.sha256,
        outcome=Outcome.SUCCEEDED if is_clean else Outcome.WARNING,
        items=plan.items,
        files=plan.files,
        size_bytes=plan.size_bytes,
        warnings=tuple(extraction.warnings),
        warning_count=extraction.warning_count,
        duration_seconds=seconds,
    )


__all__ = ["Output", "open_output", "write_stream"]
