# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold of what a drill restores, as a person declares it."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from typing_extensions import Self

from .base import Duration, Model, refuse_truth

#: Stands in the arguments of a command for the folder that holds what was restored.
RESTORED = "{restored}"


def _check_path(value: str) -> str:
    if not value.startswith("/"):
        raise ValueError("a path is absolute, as the file was on the client; begin it with /")
    if "\0" in value or ".." in PurePosixPath(value).parts:
        raise ValueError("a path has no .. and no NUL")
    return str(PurePosixPath("/" + value.lstrip("/")))


RestoredPath = Annotated[str, AfterValidator(_check_path)]
"""An absolute path, as the file was on the client."""


class AssertionKind(str, Enum):
    """What is asserted."""

    FILE_EXISTS = "file_exists"
    SHA256 = "sha256"
    SIZE_RATIO = "size_ratio"
    COMMAND = "command"


class FileHash(Model):
    """A file whose content is known."""

    path: RestoredPath
    """The absolute path of the file, as it was on the client."""

    is_: str = Field(alias="is", pattern=r"^[0-9a-fA-F]{64}$")
    """The SHA-256 of its content, 64 hexadecimal digits."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)


class SizeReference(str, Enum):
    """What the size of an archive is compared with."""

    PROVEN = "proven"
    PREVIOUS = "previous"


class SizeRatio(Model):
    """How large the archive may be, compared with what is usual.

    Usual is the median of the archives before it that a drill proved. Compared with the one before it alone, data that
    is lost is missed twice: lost bit by bit it is never too much at once, and lost at once it is noticed in one drill
    only, because the next archive is as small as the one before it. An archive that is too small is not proven, so that
    it never becomes what is usual.
    """

    min: float | None = Field(default=None, ge=0)
    """At least so many times the usual size, such as `0.8`."""

    max: float | None = Field(default=None, gt=0)
    """At most so many times the usual size, such as `3`."""

    compared_with: SizeReference = SizeReference.PROVEN
    """`proven`: the median of the last 5 archives of the job in the repository that a drill proved, or the one before
    it where none was proven. `previous`: the one before it, which follows a change that is meant."""

    @model_validator(mode="after")
    def _has_a_limit(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both, such as {min: 0.8}")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is greater than max, so that no size will do")
        return self


DrillFiles = Annotated[int, Field(ge=1, le=1000), BeforeValidator(refuse_truth)]
"""How many files a drill compares: what its record can hold."""


#: What only a command has.
_OF_COMMANDS = ("needs", "exit_code", "output_contains", "timeout")


class Assertion(Model):
    """One thing that must hold; each has exactly one of `file_exists`, `sha256`, `size_ratio` and `command`."""

    file_exists: RestoredPath | None = None
    """The archive holds this path; a file is restored as well."""

    sha256: FileHash | None = None
    """The restored file has this content."""

    size_ratio: SizeRatio | None = None
    """The archive is about as large as is usual for the job in this repository."""

    command: tuple[str, ...] | None = Field(default=None, min_length=1)
    """Program and arguments, such as `[pg_restore, --list, "{restored}/var/db.dump"]`. No shell reads it, it runs
    in the folder `{restored}`, and files that its arguments name are restored."""

    needs: tuple[RestoredPath, ...] = ()
    """What is restored for a command besides what its arguments name: files, and folders with all below."""

    exit_code: int = Field(default=0, ge=0, le=255)
    """The exit code with which a command must end."""

    output_contains: str = ""
    """Text that the output of a command must contain, in its first 64 KiB."""

    timeout: Duration = timedelta(minutes=1)
    """A command and all its children are ended after this time, and the assertion does not hold."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [kind.value]} for kind in AssertionKind]})

    @model_validator(mode="after")
    def _asserts_one_thing(self) -> Self:
        kinds = [kind for kind in AssertionKind if getattr(self, kind.value) is not None]
        if len(kinds) != 1:
            names = ", ".join(kind.value for kind in AssertionKind)
            raise ValueError(f"an assertion has exactly one of {names}; begin a new item of the list for each")
        if kinds[0] is AssertionKind.COMMAND:
            _check_program((self.command or ("",))[0])
        else:
            for name in _OF_COMMANDS:
                if getattr(self, name) != type(self).model_fields[name].default:
                    raise ValueError(f"{name} belongs to a command; take it out")
        return self

    @model_serializer(mode="wrap")
    def _without_what_does_not_apply(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        values: dict[str, Any] = handler(self)
        applies = {self.kind.value, *(_OF_COMMANDS if self.command else ())}
        return {name: value for name, value in values.items() if name in applies}

    @property
    def kind(self) -> AssertionKind:
        """What is asserted."""
        return next(kind for kind in AssertionKind if getattr(self, kind.value) is not None)

    @property
    def paths(self) -> tuple[str, ...]:
        """The absolute paths that it needs from the archive."""
        if self.file_exists is not None:
            return (self.file_exists,)
        if self.sha256 is not None:
            return (self.sha256.path,)
        named = (argument.partition(RESTORED)[2] for argument in self.command or ())
        return (*(str(PurePosixPath(path)) for path in named if path.strip("/")), *self.needs)

    def __str__(self) -> str:
        """How a person reads it."""
        if self.sha256 is not None:
            return f"sha256 of {self.sha256.path}"
        if self.size_ratio is not None:
            limits = (("at least", self.size_ratio.min), ("at most", self.size_ratio.max))
            stated = " and ".join(f"{words} {limit:g}" for words, limit in limits if limit is not None)
            is_usual = self.size_ratio.compared_with is SizeReference.PROVEN
            return f"size_ratio {stated}" + ("" if is_usual else " of the previous archive")
        return f"file_exists {self.file_exists}" if self.file_exists else f"command {' '.join(self.command or ())}"


def _check_program(program: str) -> None:
    """What an archive holds is never run, only looked at by a program of the host."""
    if not program or RESTORED in program or ("/" in program and not program.startswith("/")):
        raise ValueError("the program is a name in PATH or an absolute path of the host, never one in {restored}")


class DrillRules(Model):
    """What a drill of a job restores, and what must hold of it."""

    files: DrillFiles = 300
    """Restore and compare at most so many files: the newest ones, and random ones of every size."""

    assertions: tuple[Assertion, ...] = ()
    """What must hold besides, so that the drill proves the job."""


class AssertionResult(Model):
    """What came of one assertion."""

    kind: AssertionKind
    """What was asserted."""

    assertion: str
    """The assertion, as a person reads it."""

    holds: bool
    """Whether it holds."""

    found: str = ""
    """What was found, in one sentence."""


__all__ = [
    "RESTORED",
    "Assertion",
    "AssertionKind",
    "AssertionResult",
    "DrillFiles",
    "DrillRules",
    "FileHash",
    "SizeRatio",
    "SizeReference",
]
