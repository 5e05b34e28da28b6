# SPDX-License-Identifier: GPL-3.0-or-later
"""Nouns: frozen models without I/O and without a clock."""

from __future__ import annotations

from .desired import DesiredState, SchedulerChoice
from .file import FileEntry, FileStatus, FileVersion, IndexState
from .hook import Hook, Hooks
from .job import Job
from .owned import Owned, OwnedFile, OwnedRepository
from .point import (
    Deletion,
    DeletionPlan,
    DeletionRequest,
    Drill,
    DrillFile,
    DrillKind,
    Keeping,
    ListedArchive,
    Point,
    Promise,
    PromiseState,
    ReceiptKind,
)
from .repository import Encryption, PassphraseKind, Repository
from .retention import Retention
from .run import ArchiveFacts, FileWarning, Outcome, RepositoryRun, Run, Stage, StageName, Trigger, worst
from .schedule import Schedule
from .source import Allowance, SourcePath, Sources
from .verification import VerificationKind

__all__ = [
    "Allowance",
    "ArchiveFacts",
    "Deletion",
    "DeletionPlan",
    "DeletionRequest",
    "DesiredState",
    "Drill",
    "DrillFile",
    "DrillKind",
    "Encryption",
    "FileEntry",
    "FileStatus",
    "FileVersion",
    "FileWarning",
    "Hook",
    "Hooks",
    "IndexState",
    "Job",
    "Keeping",
    "ListedArchive",
    "Outcome",
    "Owned",
    "OwnedFile",
    "OwnedRepository",
    "PassphraseKind",
    "Point",
    "Promise",
    "PromiseState",
    "ReceiptKind",
    "Repository",
    "RepositoryRun",
    "Retention",
    "Run",
    "Schedule",
    "SchedulerChoice",
    "SourcePath",
    "Sources",
    "Stage",
    "StageName",
    "Trigger",
    "VerificationKind",
    "worst",
]
