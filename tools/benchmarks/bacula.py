# SPDX-License-Identifier: GPL-3.0-or-later
"""Bacula 9.6 of Debian on this machine: director, storage and file daemon on loopback ports, an SQLite catalog.

Nothing is started as a service, and all that it writes is in one folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .measuring import call

PACKAGES = (
    "dbconfig-no-thanks",
    "bacula-director",
    "bacula-director-sqlite3",
    "bacula-sd",
    "bacula-fd",
    "bacula-console",
)
TABLES_SCRIPT = Path("/usr/share/bacula-director/make_sqlite3_tables")
_DBCONFIG = Path("/etc/dbconfig-common/bacula-director-sqlite3.conf")

_DIRECTOR = """\
Director {{
  Name = bench-dir; DIRport = 19101; DirAddress = 127.0.0.1; QueryFile = "/etc/bacula/scripts/query.sql"
  WorkingDirectory = "{place}/work"; PidDirectory = "{place}/work"; Password = "bench"; Messages = Standard
}}
Catalog {{ Name = MyCatalog; dbname = "bacula"; dbuser = ""; dbpassword = "" }}
Messages {{ Name = Standard; append = "{place}/log" = all, !skipped, !saved; console = all, !skipped, !saved }}
Client {{
  Name = bench-fd; Address = 127.0.0.1; FDPort = 19102; Catalog = MyCatalog; Password = "bench"; AutoPrune = no
}}
Storage {{
  Name = File; Address = 127.0.0.1; SDPort = 19103; Password = "bench"; Device = FileStorage; Media Type = File
}}
Pool {{ Name = File; Pool Type = Backup; AutoPrune = no; Maximum Volumes = 100; Label Format = "Vol-" }}
FileSet {{ Name = Tree; Include {{ Options {{ signature = MD5 }}
{sources}
}} }}
Job {{
  Name = Tree; Type = Backup; Level = Incremental; Client = bench-fd; FileSet = Tree; Storage = File
  Pool = File; Messages = Standard; Accurate = no
}}
"""
_STORAGE = """\
Storage {{
  Name = bench-sd; SDPort = 19103; SDAddress = 127.0.0.1
  WorkingDirectory = "{place}/work"; PidDirectory = "{place}/work"
}}
Director {{ Name = bench-dir; Password = "bench" }}
Device {{
  Name = FileStorage; Media Type = File; Archive Device = {place}/volumes; LabelMedia = yes; Random Access = yes
  AutomaticMount = yes; RemovableMedia = no; AlwaysOpen = no
}}
Messages {{ Name = Standard; director = bench-dir = all }}
"""
_FILE = """\
FileDaemon {{
  Name = bench-fd; FDport = 19102; FDAddress = 127.0.0.1
  WorkingDirectory = "{place}/work"; Pid Directory = "{place}/work"
}}
Director {{ Name = bench-dir; Password = "bench" }}
Messages {{ Name = Standard; director = bench-dir = all, !skipped, !restored }}
"""
_CONSOLE = 'Director {{ Name = bench-dir; DIRport = 19101; address = 127.0.0.1; Password = "bench" }}\n'
_DAEMONS = {"bacula-dir": _DIRECTOR, "bacula-sd": _STORAGE, "bacula-fd": _FILE}


class Bacula:
    """The three daemons, from the beginning to the end of a ``with`` block."""

    def __init__(self, place: Path, sources: list[Path]) -> None:
        self.database = place / "work" / "bacula.db"
        self._place = place
        self._sources = sources
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Bacula:
        for folder in ("etc", "work", "volumes"):
            (self._place / folder).mkdir(parents=True)
        sources = "\n".join(f'  File = "{source}"' for source in self._sources)
        for name, text in {**_DAEMONS, "bconsole": _CONSOLE}.items():
            (self._place / "etc" / f"{name}.conf").write_text(text.format(place=self._place, sources=sources))
        script = TABLES_SCRIPT.read_text().replace("XXX_DBNAME_XXX", "bacula")
        call(["sh"], given=script.replace("/var/lib/bacula", str(self._place / "work")))
        for name in _DAEMONS:
            # Foreground, so that the end of the block is their end; a file, because a full pipe would stop them.
            with (self._place / f"{name}.out").open("wb") as output:
                command = [f"/usr/sbin/{name}", "-f", "-c", str(self._place / "etc" / f"{name}.conf")]
                self._running.append(subprocess.Popen(command, stdout=output, stderr=output))
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._running:
            process.terminate()
        for process in self._running:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def backup(self, level: str) -> None:
        """A job of ``Full`` or ``Incremental`` to its end."""
        console = ["/usr/sbin/bconsole", "-n", "-c", str(self._place / "etc" / "bconsole.conf")]
        for _ in range(20):
            if "OK: " in subprocess.run(console, input=b"quit\n", capture_output=True, check=False).stdout.decode():
                break
        printed = call(console, given=f"run job=Tree level={level} yes\nwait\nmessages\nquit\n")
        if "Backup OK" not in printed + (self._place / "log").read_text()[-4000:]:
            raise SystemExit(f"bench: Bacula did not make its backup: {printed[-2000:]}")

    def cpu_seconds(self) -> float:
        """What the daemons took so far."""
        ticks = 0
        for process in self._running:
            fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")


def install_bacula() -> str:
    """Install what is missing; gives why there is no Bacula, or nothing."""
    if (
        TABLES_SCRIPT.exists()
        and shutil.which("bacula-dir", path="/usr/sbin")
        and shutil.which("bacula-fd", path="/usr/sbin")
    ):
        return ""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return f"Bacula is missing; as root on Debian 12 these packages are installed: {' '.join(PACKAGES)}"
    print(f"Installing {' '.join(PACKAGES)}", file=sys.stderr)
    # Without this answer the packages ask for a database of their own, and fail where nobody answers.
    _DBCONFIG.parent.mkdir(exist_ok=True)
    _DBCONFIG.write_text("dbc_install='false'\ndbc_dbtype='sqlite3'\n")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    call(["apt-get", "update", "-q"], environment=environment)
    call(["apt-get", "install", "-y", "--no-install-recommends", *PACKAGES], environment=environment)
    return ""


__all__ = ["Bacula", "install_bacula"]
