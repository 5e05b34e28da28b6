# SPDX-License-Identifier: GPL-3.0-or-later
"""Nouns: frozen models without I/O and without a clock."""

from __future__ import annotations

from .assertion import Assertion, AssertionKind, AssertionResult, DrillRules, FileHash, SizeRatio, SizeReference
from .desired import DesiredState, SchedulerChoice
from .file import (
    FileChange,
    FileEntry,
    FileHit,
    FileQuery,
    FileState,
    FileStatus,
    FileType,
    FileVersion,
    FolderChanges,
    IndexCoverage,
    IndexState,
    PatternKind,
    PointDiff,
)
from .hook import Hook, Hooks
from .job import Job
from .kit import Kit, KitProof
from .owned import Owned, OwnedFile, OwnedRepository
from .point import (
    Deletion,
    DeletionPlan,
    DeletionRequest,
    Drill,
    DrillFile,
    DrillKind,
    IndexOrder,
    IndexRequest,
    Keeping,
    ListedArchive,
    Point,
    Promise,
    PromiseState,
    ReceiptKind,
)
from .repository import Encryption, PassphraseKind, Repository
from .restoration import Restoration
from .restore import OnConflict, OwnerRule, RestoreManner, Selection
from .retention import Retention
from .run import ArchiveFacts, FileWarning, Outcome, RepositoryRun, Run, Stage, StageName, Trigger, worst
from .schedule import Schedule
from .source import Allowance, SourcePath, Sources
from .storage import Grant, Storage, StorageHost
from .verification import EvidenceValue, PointCheck, Verification, VerificationKind

__all__ = [
    "Allowance",
    "ArchiveFacts",
    "Assertion",
    "AssertionKind",
    "AssertionResult",
    "Deletion",
    "DeletionPlan",
    "DeletionRequest",
    "DesiredState",
    "Drill",
    "DrillFile",
    "DrillKind",
    "DrillRules",
    "Encryption",
    "EvidenceValue",
    "FileChange",
    "FileEntry",
    "FileHash",
    "FileHit",
    "FileQuery",
    "FileState",
    "FileStatus",
    "FileType",
    "FileVersion",
    "FileWarning",
    "FolderChanges",
    "Grant",
    "Hook",
    "Hooks",
    "IndexCoverage",
    "IndexOrder",
    "IndexRequest",
    "IndexState",
    "Job",
    "Keeping",
    "Kit",
    "KitProof",
    "ListedArchive",
    "OnConflict",
    "Outcome",
    "Owned",
    "OwnedFile",
    "OwnedRepository",
    "OwnerRule",
    "PassphraseKind",
    "PatternKind",
    "Point",
    "PointCheck",
    "PointDiff",
    "Promise",
    "PromiseState",
    "ReceiptKind",
    "Repository",
    "RepositoryRun",
    "Restoration",
    "RestoreManner",
    "Retention",
    "Run",
    "Schedule",
    "SchedulerChoice",
    "Selection",
    "SizeRatio",
    "SizeReference",
    "SourcePath",
    "Sources",
    "Stage",
    "StageName",
    "Storage",
    "StorageHost",
    "Trigger",
    "Verification",
    "VerificationKind",
    "worst",
]
