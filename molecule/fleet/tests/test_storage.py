# SPDX-License-Identifier: GPL-3.0-or-later
"""What a storage host lets its clients do, and what it refuses somebody who took one of their keys."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable

import pytest
from testinfra.host import Host

At = Callable[[str], Host]

KEY = "/etc/fleetkeep/ssh/keys/offsite"
OPTIONS = (
    f"-F none -oBatchMode=yes -oConnectTimeout=10 -oHostKeyAlias=vault1 -i {KEY}"
    " -oUserKnownHostsFile=/etc/fleetkeep/ssh/known_hosts.d/vault1"
)
SSH = f"ssh {OPTIONS}"


def test_the_account_can_only_serve(host: Host) -> None:
    account = host.user("borg")
    assert account.exists and account.uid < 1000 and account.home == "/srv/borg"
    home = host.file("/srv/borg")
    assert (home.user, home.mode) == ("root", 0o755)
    for client in ("web1", "web2"):
        folder = host.file(f"/srv/borg/offsite/{client}")
        assert (folder.user, folder.mode) == ("borg", 0o700)
    settings = host.check_output("sshd -T -C user=borg,host=localhost,addr=127.0.0.1")
    for line in ("permittty no", "disableforwarding yes", "clientaliveinterval 10", "clientalivecountmax 3"):
        assert line in settings.splitlines()
    others = host.check_output("sshd -T -C user=root,host=localhost,addr=127.0.0.1")
    assert "permittty yes" in others.splitlines()


def test_private_keys_never_left_their_clients(host: Host, at: At) -> None:
    authorized = host.file("/etc/ssh/fleetkeep/authorized_keys.d/borg")
    assert (authorized.user, authorized.mode) == ("root", 0o644)
    for client in ("web1", "web2"):
        public = " ".join(at(client).check_output(f"ssh-keygen -y -f {KEY}").split()[:2])
        assert f"{public} fleetkeep:{client}:offsite" in authorized.content_string
        assert at(client).file(KEY).mode == 0o600
    assert "PRIVATE KEY" not in host.check_output("grep -r PRIVATE /etc/ssh/fleetkeep /srv/borg || true")


@pytest.mark.parametrize("client", ["web1", "web2"])
def test_a_client_backs_up_restores_and_proves(at: At, client: str) -> None:
    machine = at(client)
    assert machine.run("fleetkeep run documents").rc == 0
    assert machine.run("fleetkeep drill documents --files 20").rc == 0
    status = json.loads(machine.run("fleetkeep status --json").stdout)
    assert [(job["job"], job["state"]) for job in status["jobs"]] == [("documents", "protected")]


@pytest.mark.parametrize(
    ("attempt", "loot"),
    [
        (f"{SSH} borg@vault 'echo taken-$((40+2))'", "taken-42"),
        (f"echo 'echo taken-$((40+2))' | {SSH} -tt borg@vault", "taken-42"),
        (f"echo ls | sftp {OPTIONS} borg@vault", "sftp>"),
        (f"scp {OPTIONS} borg@vault:/etc/hostname /dev/stdout", "vault"),
        (f"scp -O {OPTIONS} borg@vault:/etc/hostname /dev/stdout", "vault"),
        (f"timeout 10 {SSH} -N -oExitOnForwardFailure=yes -R 2222:localhost:22 borg@vault; echo ended-$?", "ended-124"),
        (f"{SSH} -W localhost:22 borg@vault </dev/null", "SSH-2.0"),
        (f"BORG_RSH='{SSH}' BORG_PASSPHRASE=x borg list ssh://borg@vault/srv/borg/offsite/web2", "documents"),
        (f"BORG_RSH='{SSH}' borg init -e none ssh://borg@vault/srv/borg/mine", "taken"),
        (f"BORG_RSH='{SSH}' borg delete --force ssh://borg@vault/srv/borg/offsite/web2", "taken"),
    ],
    ids=["shell", "terminal", "sftp", "scp", "old scp", "reverse", "forward", "list", "init", "delete"],
)
def test_a_stolen_key_opens_nothing_else(host: Host, at: At, attempt: str, loot: str) -> None:
    before = host.check_output("find /srv/borg/offsite/web2 -type f | sort | xargs sha256sum")
    done = at("web1").run(f"export PATH=/opt/fleetkeep/bin:$PATH; timeout 20 sh -c {shlex.quote(attempt)} || exit 1")
    assert loot not in done.stdout
    assert not host.file("/srv/borg/mine").exists
    assert host.check_output("find /srv/borg/offsite/web2 -type f | sort | xargs sha256sum") == before


def test_what_a_stolen_key_deletes_comes_back_whole(host: Host, at: At) -> None:
    """The storage host keeps every segment; its account of transactions says where to go back to."""
    machine = at("web1")
    machine.check_output("fleetkeep run documents >/dev/null 2>&1 || test $? = 3")
    repository = "/srv/borg/offsite/web1"
    trusted = host.check_output(f"tail -n 1 {repository}/transactions").split(",")[0].split()[1]
    archives = len(json.loads(machine.check_output("fleetkeep archives --json")))
    rogue = (
        f"PATH=/opt/fleetkeep/bin:$PATH; export BORG_RSH='{SSH}' BORG_BASE_DIR=/tmp/rogue"
        " BORG_PASSPHRASE=$(cat /etc/fleetkeep/secrets/offsite.passphrase);"
        f" borg delete --glob-archives '*' ssh://borg@vault{repository} && borg compact ssh://borg@vault{repository};"
        f" borg list --short ssh://borg@vault{repository} | wc -l"
    )
    assert machine.run(rogue).stdout.strip().splitlines()[-1] == "0"
    undo = (
        f"cd {repository} && rm -f hints.* index.* integrity.* && "
        f"find data -type f | while read -r f; do [ $(basename $f) -le {trusted} ] || rm $f; done"
    )
    host.check_output(undo)
    machine.check_output("rm -rf /tmp/rogue /var/lib/fleetkeep/borg/.config/borg/security/*/manifest-timestamp")
    listed = machine.run(
        f"PATH=/opt/fleetkeep/bin:$PATH; export BORG_RSH='{SSH}' BORG_BASE_DIR=/tmp/after"
        " BORG_PASSPHRASE=$(cat /etc/fleetkeep/secrets/offsite.passphrase);"
        f" borg list --short ssh://borg@vault{repository} | wc -l"
    )
    assert int(listed.stdout.strip().splitlines()[-1]) == archives
