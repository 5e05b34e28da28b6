# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan and apply through the real Ansible: what check mode says is what happens, and then nothing more happens."""

from __future__ import annotations

import os
import pty
import re

import pytest

from .conftest import SECRET, Done, Site


def changes(done: Done) -> list[tuple[str, str, str]]:
    """The changes of the one host, as action, kind and name."""
    [plan] = [host["plan"] for host in done.json["hosts"] if "plan" in host]
    return [(change["action"], change["kind"], change["name"]) for change in plan["changes"]]


def orphans(done: Done) -> list[str]:
    [plan] = [host["plan"] for host in done.json["hosts"] if "plan" in host]
    return [orphan["name"] for orphan in plan["orphans"]]


def recap(done: Done) -> dict[str, int]:
    """The numbers that ansible-playbook prints at its end."""
    line = done.stdout.rsplit("PLAY RECAP", 1)[1]
    return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", line)}


def test_check_mode_on_a_clean_host_lists_what_the_apply_then_does(site: Site) -> None:
    planned = site.fleetkeep("plan", "--json")
    assert planned.exit_code == 2, planned.said
    assert site.files() == {}

    applied = site.fleetkeep("apply", "--yes", "--json")
    assert applied.exit_code == 2, applied.said
    assert changes(applied) == changes(planned)
    assert ("create", "repository", "main") in changes(planned)
    assert {name for _, kind, name in changes(planned) if kind == "job"} == {"docs", "more", "last"}
    assert {"etc/fleetkeep/desired.json", "etc/fleetkeep/jobs/docs.json", "srv/here/config"} <= set(site.files())

    again = site.fleetkeep("apply", "--yes")
    assert again.exit_code == 0, again.said
    assert "No changes" in again.stdout


def test_the_playbook_does_the_same_for_ansible_itself(site: Site) -> None:
    planned = site.playbook("apply", "--check", "--diff")
    assert recap(planned)["changed"] == 1, planned.said
    assert f"--- before: {site.prefix}/etc/fleetkeep/jobs/docs.json" in planned.stdout
    assert "(secret)" in planned.stdout
    assert recap(site.playbook("apply"))["changed"] == 1
    assert recap(site.playbook("apply"))["changed"] == 0
    assert recap(site.playbook("plan"))["changed"] == 0


def test_what_is_declared_no_longer_goes_but_never_a_repository(applied_site: Site) -> None:
    site = applied_site
    site.edit("  last: {<<: *docs}\n", "")
    site.edit("main:", "other:")
    site.edit("/srv", "/other")
    site.edit("[main]", "[other]")
    done = site.fleetkeep("apply", "--yes", "--json")
    assert done.exit_code == 2, done.said
    assert ("delete", "job", "last") in changes(done)
    assert orphans(done) == ["main"]
    files = set(site.files())
    assert "etc/fleetkeep/jobs/last.json" not in files
    assert {"srv/here/config", "other/here/config"} <= files


def test_a_plan_that_removes_more_than_a_third_is_refused_unless_allowed(applied_site: Site) -> None:
    site = applied_site
    before = site.files()
    site.edit("  more: {<<: *docs}\n  last: {<<: *docs}\n", "")
    for verb in (["plan"], ["apply", "--yes"]):
        refused = site.fleetkeep(*verb)
        assert refused.exit_code == 1
        assert "removes 2 of 3 jobs (last, more)" in refused.stderr
        assert "[FK200]" in refused.stderr
    assert site.files() == before
    allowed = site.fleetkeep("apply", "--yes", "--allow-removals")
    assert allowed.exit_code == 2, allowed.said
    assert "etc/fleetkeep/jobs/last.json" not in site.files()


def test_an_apply_asks_first(site: Site) -> None:
    done = site.fleetkeep("apply")
    assert (done.exit_code, site.files()) == (1, {})
    assert "say --yes" in done.stderr


def test_a_file_that_somebody_edited_is_put_back(applied_site: Site) -> None:
    site = applied_site
    job = site.prefix / "etc/fleetkeep/jobs/docs.json"
    good = job.read_text()
    job.write_text(good.replace('"daily": 7', '"daily": 1'))
    planned = site.fleetkeep("plan")
    assert planned.exit_code == 2
    assert "retention.daily: 1 -> 7" in planned.stdout
    assert site.fleetkeep("apply", "--local").exit_code == 2
    assert job.read_text() == good
    assert site.fleetkeep("apply", "--local").exit_code == 0


def test_an_apply_leaves_no_secret_outside_its_folder(site: Site) -> None:
    for verb in ("plan", "apply"):
        said = site.playbook(verb, "-vvvv", "--diff").said
        assert "main.passphrase" in said
        assert SECRET not in said
    outside = [name for name, content in site.files().items() if SECRET.encode() in content]
    assert outside == ["etc/fleetkeep/secrets/main.passphrase"]
    assert (site.prefix / outside[0]).stat().st_mode & 0o777 == 0o600
    assert (site.prefix / outside[0]).parent.stat().st_mode & 0o777 == 0o700
    files = [path for path in (site.folder / "home").rglob("*") if path.is_file()]
    assert [path for path in files if SECRET in path.read_text("latin-1")] == []


def test_a_wrong_passphrase_changes_nothing_and_says_so(applied_site: Site) -> None:
    site = applied_site
    before = site.files()
    site.write("group_vars/all.yml", "main_passphrase: another-passphrase\n")
    for verb in (["plan"], ["apply", "--yes"]):
        done = site.fleetkeep(*verb)
        assert done.exit_code == 1
        assert "exists with another passphrase" in done.stderr
        assert "another-passphrase" not in done.said
    assert site.files() == before


@pytest.mark.parametrize("runtime", ["/nowhere/bin/python", "/usr/bin/python3"])
def test_a_host_without_the_runtime_gets_one_sentence(site: Site, runtime: str) -> None:
    done = site.fleetkeep("plan", "-e", f"fleetkeep_runtime={runtime}", "-e", "ansible_connection=local")
    assert done.exit_code == 1
    assert f"here: {runtime} has no Fleetkeep runtime; apply the role fleetkeep.backup.client" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(("answer", "exit_code"), [("n", 1), ("y", 2)])
def test_on_a_terminal_the_plan_is_shown_and_agreed_to(site: Site, answer: str, exit_code: int) -> None:
    controller, terminal = pty.openpty()
    os.write(controller, f"{answer}\n".encode())
    try:
        done = site.fleetkeep("apply", stdin=terminal)
    finally:
        os.close(controller)
        os.close(terminal)
    assert done.exit_code == exit_code, done.said
    assert "+ job docs" in done.stdout
    assert "Apply this plan? [y/N]" in done.said
    assert ("etc/fleetkeep/desired.json" in site.files()) is (answer == "y")
    assert ("Nothing was applied." in done.stderr) is (answer == "n")
