# SPDX-License-Identifier: GPL-3.0-or-later
"""Every error that a user can meet: a stable code, one sentence, the next step.

A class docstring is the message template. Each error is translated once, at the edge (command line, module, action),
by ``str(error)``; the list in ``docs/reference/errors.md`` is generated from this file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar


class FleetkeepError(Exception):
    """{message}"""

    code: ClassVar[str] = "FK000"

    def __init__(self, **details: Any) -> None:
        self.details = details
        template = (type(self).__doc__ or "{message}").strip()
        super().__init__(" ".join(template.format(**details).split()))

    @property
    def sentence(self) -> str:
        """The sentence without its code."""
        return str(self)


class Problems(FleetkeepError):
    """{count} problems: {first}"""

    code = "FK001"

    def __init__(self, problems: Sequence[FleetkeepError]) -> None:
        self.problems = tuple(problems)
        super().__init__(count=len(self.problems), first=self.problems[0] if self.problems else "none")


class HostProblem(FleetkeepError):
    """{what}: {reason}. What was done before it stands; say the same again once that is mended."""

    code = "FK002"


# --- fleet files: FK1xx ---


class FleetFileProblem(FleetkeepError):
    """{where}: {what}"""

    code = "FK100"


# --- plan and apply: FK2xx ---


class TooManyRemovals(FleetkeepError):
    """The plan for {client} removes {removed} of {total} jobs ({names}), more than a third; if that is meant, apply
    again with allow_removals."""

    code = "FK200"


class ApplyFailed(FleetkeepError):
    """{client}: {what} could not be applied: {reason} The changes before it stand; apply again to continue."""

    code = "FK201"


class NothingApplied(FleetkeepError):
    """No state was ever applied below {prefix}; run `fleetkeep apply` on the controller first, or name another
    --prefix."""

    code = "FK202"


class StateUnreadable(FleetkeepError):
    """{path} cannot be read as {kind} ({reason}); apply again from the controller to write it anew."""

    code = "FK203"


class PassphraseMissing(FleetkeepError):
    """The passphrase of repository {repository} is not on this host ({path}); apply from the controller, which has
    it."""

    code = "FK204"


class PassphraseEmpty(FleetkeepError):
    """The passphrase of repository {repository} is empty; declare one, or `passphrase: {{generate: true}}`."""

    code = "FK205"


class AnotherApply(FleetkeepError):
    """Another apply (process {holder}) is at work below {prefix}; wait for it to end and apply again."""

    code = "FK206"


class PassphraseLost(FleetkeepError):
    """The passphrase of repository {repository} is not on this host any more ({path}), and a new one would not open the
    archives at {location}; put the file back from a copy, or declare the passphrase. Nothing was changed."""

    code = "FK207"


class PassphraseInUse(FleetkeepError):
    """The passphrase of repository {repository} was made on this host and alone opens the archives at {location};
    another one would take its place. Declare the new repository by another name. Nothing was changed."""

    code = "FK208"


class JournalUnreadable(FleetkeepError):
    """The ownership journal {path} cannot be read ({reason}); no archive is affected. Move the file away, keep it, and
    apply again: what is declared is taken over."""

    code = "FK209"


class NotAllowed(FleetkeepError):
    """{path} may not be touched by this user; say it as root, or name another --prefix."""

    code = "FK210"


class AnotherAgent(FleetkeepError):
    """Another agent (process {holder}) keeps the schedule below {prefix}; one is enough."""

    code = "FK211"


class ToolMissing(FleetkeepError):
    """{tool} is not on this host; install the package {package} and say the same again."""

    code = "FK212"


class AccountNotOurs(FleetkeepError):
    """Account {account} exists, but not as a storage's account with home {home} ({found}); give the storage another
    user, or remove the account. Nothing was changed."""

    code = "FK213"


class SshdRefused(FleetkeepError):
    """The SSH server of this host refuses its settings: {reason}. Mend them (`sshd -t` tells the line) and apply
    again."""

    code = "FK214"


class SshdNotEffective(FleetkeepError):
    """The SSH server of this host has {setting} {found} for account {account}, but {wanted} is needed; let
    /etc/ssh/sshd_config begin with `Include /etc/ssh/sshd_config.d/*.conf`, take out what says otherwise, and apply
    again."""

    code = "FK215"


class HostKeysUnknown(FleetkeepError):
    """Storage {storage} let this host in to repository {repository}, but did not say by which keys it is known; declare
    its host_keys, or apply again."""

    code = "FK216"


class HostKeysChanged(FleetkeepError):
    """Storage {storage} has other host keys ({found}) than this host knows ({known}); if it was set up anew, declare
    its host_keys and apply again. Nothing was changed."""

    code = "FK217"


class AccessNotGiven(FleetkeepError):
    """{client} has no access yet to {repositories}: {reason} Everything else waits with it; apply again once that is
    mended."""

    code = "FK218"


# --- borg and repositories: FK3xx ---


class BorgMissing(FleetkeepError):
    """No borg binary was found ({searched}); install BorgBackup {minimum} or newer, or name one with
    FLEETKEEP_BORG."""

    code = "FK300"


class BorgTooOld(FleetkeepError):
    """{program} is BorgBackup {found}, but {minimum} or newer is needed, because older ones can restore outside the
    target (CVE-2026-62268); install a newer one."""

    code = "FK301"


class BorgUnsupported(FleetkeepError):
    """{program} is BorgBackup {found}, which is not supported yet; install a 1.4 release of {minimum} or newer."""

    code = "FK302"


class RepositoryUnreachable(FleetkeepError):
    """Repository {repository} at {location} cannot be reached: {reason} Check the host, the network and the SSH
    key."""

    code = "FK310"


class RepositoryWrongPassphrase(FleetkeepError):
    """Repository {repository} at {location} exists with another passphrase; declare the right one, or another path.
    Nothing was changed."""

    code = "FK311"


class RepositoryWrongEncryption(FleetkeepError):
    """Repository {repository} at {location} exists with encryption {found}, but {declared} is declared; declare
    {found}, or another path. Nothing was changed."""

    code = "FK312"


class RepositoryReplaced(FleetkeepError):
    """Repository {repository} at {location} has the id {found}, but this host knows it as {expected}: somebody put
    another repository there. Nothing was written; find out who, or apply again after removing the old record."""

    code = "FK313"


class RepositoryMissing(FleetkeepError):
    """Repository {repository} is not at {location} any more; restore it or mount its storage, then run again."""

    code = "FK314"


class RepositoryLocked(FleetkeepError):
    """Repository {repository} at {location} is locked by another process; wait for it to end, or see who holds it
    with `fleetkeep status`."""

    code = "FK315"


class NotARepository(FleetkeepError):
    """{location}, declared as repository {repository}, exists but is not a Borg repository; declare an empty or a
    new path. Nothing was changed."""

    code = "FK316"


class StorageFull(FleetkeepError):
    """There is no space left for {what} at {location}; free some, then run again. Every earlier archive is still
    there."""

    code = "FK317"


class ReadOnly(FleetkeepError):
    """{place} is on a file system that cannot be written; make it writable, then run again. Every earlier archive is
    still there."""

    code = "FK323"


class BorgFailed(FleetkeepError):
    """borg {command} on repository {repository} failed with exit code {exit_code}: {reason}"""

    code = "FK319"


class PassphraseCommandFailed(FleetkeepError):
    """The command that prints the passphrase of repository {repository} ({command}) {problem}; run it by hand as the
    same user to see why."""

    code = "FK318"


class RepositoryUnknown(FleetkeepError):
    """Repository {repository} at {location} was never created or adopted on this host; apply from the controller, then
    run again."""

    code = "FK320"


class RepositoryReplacedMeanwhile(FleetkeepError):
    """Repository {repository} at {location} has the id {found}, but this host knows it as {expected}: somebody put
    another repository there. Archive {archive} went into it and does not count; find out who, then apply again."""

    code = "FK321"


class RepositoryKeyMissing(FleetkeepError):
    """Repository {repository} at {location} is encrypted with a key file that this host does not have; copy it into
    etc/fleetkeep/keys from a host that has it, or declare another path. Nothing was changed."""

    code = "FK322"


# --- runs: FK4xx ---


class UnknownJob(FleetkeepError):
    """This host has no job {job}; it has {known}."""

    code = "FK400"


class UnknownRepository(FleetkeepError):
    """This host has no repository {repository}; it has {known}."""

    code = "FK401"


class JobBusy(FleetkeepError):
    """Job {job} is already running (process {holder}); wait for it, or cancel it."""

    code = "FK402"


class SourceRefused(FleetkeepError):
    """Source {path} of job {job} {problem}; {next_step}."""

    code = "FK403"


class HookFailed(FleetkeepError):
    """Hook {hook} of job {job} {problem}; see its output in the run's log."""

    code = "FK404"


class SpoolUnsafe(FleetkeepError):
    """{path} cannot keep messages through a power cut ({found}); put --prefix on a file system that supports SQLite's
    write-ahead log."""

    code = "FK405"


class DirectorUnreachable(FleetkeepError):
    """The Director did not take what this host has to say: {reason} It waits in the spool and is told again by the next
    run."""

    code = "FK406"


# --- restore and drill: FK5xx ---


class UnknownArchive(FleetkeepError):
    """No archive {archive} is known here; `fleetkeep archives` lists them."""

    code = "FK500"


class NoArchiveAt(FleetkeepError):
    """Job {job} has no archive from {moment} or before; its oldest is {oldest}."""

    code = "FK501"


class PathNotInArchive(FleetkeepError):
    """Archive {archive} does not hold {path}; check the spelling, or take
    another archive."""

    code = "FK502"


class RestoreNeedsConsent(FleetkeepError):
    """A restore to the original place replaces what is there ({count} of its paths hold something else now); say --yes,
    or restore with --to DIRECTORY."""

    code = "FK503"


class RestoreTargetUnusable(FleetkeepError):
    """{target} cannot take a restore: {reason}; name another directory with --to."""

    code = "FK504"


class RestoreTargetHoldsFiles(FleetkeepError):
    """{target} holds {count} of these paths already and the restore overwrites them; say --yes, or name an empty
    directory with --to."""

    code = "FK505"


class RestoreStopped(FleetkeepError):
    """The restore of {archive} to {target} stopped after about {done} of {total}: {reason} The file it was at is
    incomplete; say the same again with --resume to finish."""

    code = "FK506"


class RestoreDamaged(FleetkeepError):
    """The restore of {archive} to {target} met damaged data after about {done} of {total}: {reason} `fleetkeep check
    {repository} --data` names the files that are damaged; restore again with --exclude for each of them, or an earlier
    archive."""

    code = "FK521"


class ArchiveReplaced(FleetkeepError):
    """Archive {archive} of repository {repository} is not the one that was recorded: its id is {found}, not
    {expected}. Nothing was written; find out who replaced it."""

    code = "FK507"


class Cancelled(FleetkeepError):
    """{what} was cancelled."""

    code = "FK508"


class PathRefused(FleetkeepError):
    """{path} is no path in an archive: it is empty or leads upwards; name it from the root, such as /etc/hosts."""

    code = "FK509"


# --- verification: FK540 to FK569 ---


class DamageFound(FleetkeepError):
    """Repository {repository} is damaged: {reason} Never run `borg check --repair` on it: keep a copy of it as it is,
    restore from {elsewhere}, and see docs/how-to/verify.md."""

    code = "FK540"


class PatternRefused(FleetkeepError):
    """{pattern} is no pattern: {reason}; write one such as sh:etc/**/*.conf, fm:*.conf or re:[.]conf$."""

    code = "FK510"


class NothingMatches(FleetkeepError):
    """Nothing in archive {archive} matches {pattern}; check the spelling, or take another archive."""

    code = "FK511"


class PathsCollide(FleetkeepError):
    """Without {components} of its leading folders, {path} gets the same path as something else in archive {archive};
    strip fewer, or restore them one by one."""

    code = "FK512"


class SpaceTooSmall(FleetkeepError):
    """{folder} has {free} free, but the restore needs {needed}; make room, choose another place, or say --ignore-space
    if the files have holes."""

    code = "FK513"


class RestoreUnfinished(FleetkeepError):
    """A restore with the same words was interrupted at {moment} and left a part in {target}; say --resume to finish it,
    or --afresh to judge anew what is there."""

    code = "FK514"


class NothingToResume(FleetkeepError):
    """No interrupted restore with these words is known here; leave --resume out."""

    code = "FK515"


class RestoreRunning(FleetkeepError):
    """A restore with the same words is running; wait for it, or cancel it."""

    code = "FK516"


class NotOneFile(FleetkeepError):
    """{what} is no single regular file of archive {archive}, so it cannot go to standard output; name one file, or
    write a stream with --to-tar -."""

    code = "FK517"


class OutputRefused(FleetkeepError):
    """{output} cannot take the {form}: {reason}."""

    code = "FK518"


class ExportStopped(FleetkeepError):
    """The {form} of {archive} is incomplete: {reason} What was written of it is no good; write it again."""

    code = "FK519"


class ReportRefused(FleetkeepError):
    """The report cannot be written to {path}: {reason}; nothing was restored."""

    code = "FK520"


# --- mount and browse: FK570 to FK599 ---


class MountUnsupported(FleetkeepError):
    """This host cannot mount archives: {reason}; {next_step}. `fleetkeep browse` and `fleetkeep restore` need none of
    it."""

    code = "FK570"


class MountPointUnusable(FleetkeepError):
    """{mountpoint} cannot be a mount point: {reason}; name an empty folder of this user."""

    code = "FK571"


class MountFailed(FleetkeepError):
    """Borg could not mount {what} at {mountpoint}: {reason}"""

    code = "FK572"


class NotMounted(FleetkeepError):
    """No archive is mounted at {mountpoint}; `fleetkeep mounts` lists what is."""

    code = "FK573"


class RepositoryInUse(FleetkeepError):
    """A run (process {holder}) is at work in repository {repository}, and a mount would be in its way; mount when it
    has ended."""

    code = "FK574"


class UnmountFailed(FleetkeepError):
    """{mountpoint} is still mounted: {reason}; leave the folder in every shell, then say `fleetkeep umount` again."""

    code = "FK575"


class NoTerminal(FleetkeepError):
    """The browser needs a terminal for input and output; `fleetkeep archives` and `fleetkeep restore --dry-run` print
    what it shows."""

    code = "FK580"


class ListingTooLong(FleetkeepError):
    """The catalog does not know the files of archive {archive}, and its own listing has more than {most} entries, which
    the browser does not hold in memory; `fleetkeep catalog rebuild` reads them into the catalog."""

    code = "FK581"


class SearchNeedsCatalog(FleetkeepError):
    """The catalog knows the files of no archive, so there is nothing to search; the next run records them."""

    code = "FK582"


# --- Ansible on the controller: FK6xx ---


class AnsibleMissing(FleetkeepError):
    """ansible-playbook was not found ({searched}); install it beside Fleetkeep: pip install "fleetkeep[controller]"."""

    code = "FK600"


class CollectionMissing(FleetkeepError):
    """Ansible does not find the collection fleetkeep.backup; install it with `ansible-galaxy collection install
    fleetkeep.backup`, or stand in a folder whose collections/ has it."""

    code = "FK601"


class AnsibleFailed(FleetkeepError):
    """ansible-playbook ended with status {exit_code} before any host was reached; its own words stand above."""

    code = "FK602"


class ConsentNeeded(FleetkeepError):
    """Nothing was applied: nobody can be asked here, so say --yes after reading the plan."""

    code = "FK603"


class AnsibleStopped(FleetkeepError):
    """ansible-playbook ended with status {exit_code} though no host reported a failure; its own words stand above. What
    is shown of the hosts may not be all."""

    code = "FK605"


class NoHosts(FleetkeepError):
    """No host of the inventory matches {pattern}; nothing was done."""

    code = "FK604"


# --- catalog and record: FK7xx ---


class CatalogUnreadable(FleetkeepError):
    """The catalog at {path} cannot be read ({reason}); no archive is affected. Move the file away, keep it, and a new
    catalog begins with the next run."""

    code = "FK700"


class CatalogCorrupt(CatalogUnreadable):
    """The catalog at {path} is broken ({reason}); no archive is affected. `fleetkeep catalog rebuild`, and the next run
    as well, keep the file aside and fill a new one from the repositories."""

    code = "FK708"


class CatalogNewer(FleetkeepError):
    """The catalog at {path} has schema {found}, but this Fleetkeep knows {known} and older; install the Fleetkeep that
    wrote it, or a newer one. Nothing was changed."""

    code = "FK701"


class CatalogBusy(FleetkeepError):
    """The catalog at {path} was held by another process for {seconds} seconds; see what runs there, then try again."""

    code = "FK702"


class CatalogUnsafe(FleetkeepError):
    """The catalog at {path} would not survive a power cut here ({setting} is {found}, but {needed} is needed); keep it
    on a local file system."""

    code = "FK703"


class CatalogReadOnly(FleetkeepError):
    """The catalog at {path} cannot be written ({reason}); make its file system writable, then call this again. Nothing
    in it was changed."""

    code = "FK707"


class UnknownRun(FleetkeepError):
    """No run {run} is known here; `fleetkeep runs` lists them."""

    code = "FK704"


class AmbiguousId(FleetkeepError):
    """{text} is the beginning of {count} {what} ({examples}); write more of it."""

    code = "FK705"


class CatalogForbidden(FleetkeepError):
    """The catalog at {path} belongs to another user, and only its owner reads it; call this as that user, or with
    sudo."""

    code = "FK706"


class ArchiveNotIndexed(FleetkeepError):
    """The files of archive {archive} in repository {repository} are not in the catalog; `fleetkeep catalog rebuild`
    reads them from the repository."""

    code = "FK720"


class NoFilesIndexed(FleetkeepError):
    """The catalog knows the files of no archive {which} yet; the next `fleetkeep run` records those of its archive, and
    `fleetkeep catalog rebuild` reads those of earlier ones."""

    code = "FK721"


class PathNeverSeen(FleetkeepError):
    """No archive that is known here holds {path}; `fleetkeep find` looks for a part of the name everywhere."""

    code = "FK722"


class TextDiffRefused(FleetkeepError):
    """{path} in archive {archive} {problem}; restore both and compare them with a tool of your choice."""

    code = "FK723"


class PathInNeither(FleetkeepError):
    """Neither {a} nor {b} holds {path}; check the spelling, or take other archives."""

    code = "FK724"


# --- recovery kits and keys: FK8xx ---


class KitUnreadable(FleetkeepError):
    """{path} cannot be read as a recovery kit: {reason}."""

    code = "FK800"


class KitDoesNotOpen(FleetkeepError):
    """Kit {kit} does not open repository {repository} at {location}: {reason} Make a new one while a host can still
    open it: `fleetkeep kit make {repository}`."""

    code = "FK801"


class KitTargetTaken(FleetkeepError):
    """{path} is there already, and a kit is never written over anything; name another file."""

    code = "FK802"


class KitTargetOpen(FleetkeepError):
    """{path} could be read by others, because its file system keeps no permissions ({mode}); mount it with umask=077,
    or name another place. Nothing was written."""

    code = "FK803"


class KitTargetUnusable(FleetkeepError):
    """The kit cannot be written to {path} ({reason}); name a folder that exists, or a new file in one."""

    code = "FK804"


class KitWithoutPdf(FleetkeepError):
    """A kit as PDF needs {missing}, which is not installed; install it with pip install "fleetkeep[kit]", or say
    --format text."""

    code = "FK805"


class KitNotProvable(FleetkeepError):
    """Kit {kit} holds another key than repository {repository} has now, and {program} is not a Python script, so it
    cannot be made to open it with the key of the kit; try with BorgBackup installed by pip or from a package."""

    code = "FK806"


class SharedRepository(FleetkeepError):
    """Repository {repository} also has archives that {client} did not make (such as {archive}); other hosts could not
    open it after a change. Say --shared if they will get the new passphrase. Nothing was changed."""

    code = "FK810"


class NewPassphraseNeeded(FleetkeepError):
    """The passphrase of repository {repository} is declared, so whoever declares it has to know the new one: give it
    with --new-from FILE, or - for standard input, then declare it and apply."""

    code = "FK811"


class OldPassphraseNeeded(FleetkeepError):
    """The command of repository {repository} prints a passphrase that does not open it; if it is the new one, give the
    old one with --old-from FILE, or - for standard input. Nothing was changed."""

    code = "FK812"


class ChangeUnderWay(FleetkeepError):
    """A change of the passphrase of repository {repository} to another one is under way and has to be finished first:
    say `fleetkeep key change-passphrase {repository}` without --new-from, then change it again."""

    code = "FK813"


class PassphraseUnfit(FleetkeepError):
    """The {which} passphrase of repository {repository} {problem}. Nothing was changed."""

    code = "FK814"


class NothingEncrypted(FleetkeepError):
    """Repository {repository} is not encrypted, so it has neither key nor passphrase to change."""

    code = "FK815"


class NeitherOpens(FleetkeepError):
    """Neither {first} nor {second} opens repository {repository} at {location}, so its passphrase was changed
    elsewhere. Nothing was changed; put the right passphrase in its place, or take the key from a recovery kit."""

    code = "FK816"


class RepositoryBusy(FleetkeepError):
    """Repository {repository} is at work in process {holder}; say the same again when that has ended."""

    code = "FK817"


class PassphraseNotChanged(FleetkeepError):
    """The passphrase of repository {repository} was not changed, and the old one opens it as before: {reason} The new
    one is kept beside it; say the same again to go on."""

    code = "FK818"


class StoreNotChanged(FleetkeepError):
    """The command of repository {repository} still prints the old passphrase; put the new one into what it reads, then
    say the same again. Nothing was changed."""

    code = "FK819"


class NewPassphraseUnwanted(FleetkeepError):
    """The passphrase of repository {repository} is what its command prints, so the new one is what it will print: put
    it into what the command reads, then give the old one with --old-from FILE, or - for standard input."""

    code = "FK820"


class SameRepositoryByCommand(FleetkeepError):
    """Repository {repository} is also known here as {other}, whose passphrase a command prints ({location}). Change it
    by the name {other}: put the new one into what the command reads, then give the old one with --old-from. Nothing was
    changed."""

    code = "FK830"


__all__ = [name for name, value in globals().items() if isinstance(value, type) and issubclass(value, FleetkeepError)]
