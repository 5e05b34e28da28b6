# SPDX-License-Identifier: GPL-3.0-or-later
"""Journeys through the browser with the keyboard, over a real catalog and a real repository, in 80 by 24."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from managed import ManagedHost
from textual.pilot import Pilot
from textual.widgets import Input, Log, Static

from fleetkeep.catalog.database import Catalog, open_catalog
from fleetkeep.clock import SystemClock
from fleetkeep.director.history import list_archives
from fleetkeep.terminal.app import Browser, Start
from fleetkeep.terminal.files_pane import FilesPane
from fleetkeep.terminal.history_pane import HistoryPane
from fleetkeep.terminal.hits_pane import HitsPane
from fleetkeep.terminal.host import HostShelf
from fleetkeep.terminal.points_pane import PointsPane
from fleetkeep.terminal.restore_screen import RestoreScreen
from fleetkeep.terminal.table import Rows
from fleetkeep.terminal.view_screen import ViewScreen

HOSTILE = (
    b"new\nline",
    b"esc\x1b[31mred",
    b"caf\xe9",
    b"[bold]brackets[red]",
    b"[@click=app.quit]click",
    "\u202egnp.exe".encode(),
)
PATIENCE_SECONDS = 20.0
SIZE = (80, 24)

Journey = Callable[[Browser, Pilot[None]], Awaitable[None]]


class Site:
    """A host with two runs, between which a file changed and another one went."""

    def __init__(self, folder: Path, program) -> None:
        self.source = folder / "etc"
        (self.source / "ssh").mkdir(parents=True)
        (self.source / "odd").mkdir()
        (self.source / "motd").write_text("first\nshared\n")
        (self.source / "ssh" / "sshd_config").write_text("Port 22\n")
        (self.source / "ssh" / "gone.conf").write_text("once\n")
        (self.source / "binary").write_bytes(bytes(range(256)))
        (self.source / "link").symlink_to("motd")
        for name in HOSTILE:
            (self.source / "odd" / os.fsdecode(name)).write_bytes(b"content of " + name + b"\n\x1b[2J")
        self.host = ManagedHost(folder, program, [self.source])
        self.host.run()
        (self.source / "motd").write_text("second\nshared\n")
        (self.source / "ssh" / "gone.conf").unlink()
        self.host.run()
        self.stored = str(self.source).lstrip("/")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, borg_program) -> Site:
    return Site(tmp_path_factory.mktemp("browse"), borg_program)


@pytest.fixture
def catalog(site: Site) -> Iterator[Catalog]:
    with closing(open_catalog(site.host.paths.catalog)) as opened:
        yield opened


def travel(site: Site, catalog: Catalog, journey: Journey, start: Start | None = None) -> None:
    """Go a journey in a browser of its own."""

    async def go() -> None:
        browser = Browser(HostShelf(catalog, site.host.paths), SystemClock(), start)
        async with browser.run_test(size=SIZE) as pilot:
            await until(pilot, lambda: browser.query_one(FilesPane).count > 0)
            await journey(browser, pilot)
        assert browser.failure == ""

    asyncio.run(go())


async def until(pilot: Pilot[None], happened: Callable[[], bool]) -> None:
    """Wait for a thread to have answered."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        await pilot.pause(0.02)
    await pilot.pause()


def words(rows: Rows) -> list[str]:
    """What stands in a table, a line for each row."""
    return [" ".join(cell.plain for cell in rows.get_row_at(row)) for row in range(rows.row_count)]


def said(browser: Browser, name: str = "says") -> str:
    return str(browser.screen.query_one(f"#{name}", Static).content)


def begin_at(catalog: Catalog, path: str, index: int = 0) -> Start:
    """The start at a path in a point; the newest has the index 0."""
    return Start(point=list_archives(catalog)[index], path=path)


async def put_cursor(pilot: Pilot[None], rows: Rows, text: str) -> None:
    (row,) = [index for index in range(rows.row_count) if rows.get_row_at(index)[1].plain == text]
    rows.move_cursor(row=row)
    await pilot.pause()


def test_walk_to_a_folder_and_back(site, catalog):
    async def journey(browser, pilot):
        pane = browser.query_one(FilesPane)
        assert browser.query_one(PointsPane).option_count == 2
        await pilot.press("tab")
        for folder in site.stored.split("/"):
            await put_cursor(pilot, pane, f"{folder}/")
            await pilot.press("enter")
            await until(pilot, lambda folder=folder: pane.folder.split("/")[-1] == folder)
        lines = words(pane)
        assert [line.split()[0] for line in lines] == ["..", "odd/", "ssh/", "binary", "link", "motd"]
        assert "link -> motd" in lines[4]
        assert "256 B" in lines[3]
        assert "-rw-r--r-- root:root" in lines[5]
        assert site.stored in said(browser, "place") or "..." in said(browser, "place")
        await pilot.press("backspace")
        await until(pilot, lambda: pane.folder == site.stored.rpartition("/")[0])
        assert pane.entry_at(pane.cursor_row).path == site.stored

    travel(site, catalog, journey)


def test_search_and_go_to_what_only_an_old_point_has(site, catalog):
    async def journey(browser, pilot):
        await pilot.press("slash", *"gone", "enter")
        hits = browser.query_one(HitsPane)
        await until(pilot, lambda: hits.display)
        (line,) = words(hits)
        assert line.startswith(f"/{site.stored}/ssh/gone.conf")
        assert said(browser) == "Found 1 path."
        await pilot.press("enter")
        pane = browser.query_one(FilesPane)
        await until(pilot, lambda: pane.folder == f"{site.stored}/ssh")
        assert pane.entry_at(pane.cursor_row).path == f"{site.stored}/ssh/gone.conf"
        assert not hits.display
        assert list_archives(catalog)[1].archive.name in said(browser, "place")

        await pilot.press("slash")
        browser.query_one("#search", Input).value = "*.nowhere"
        await pilot.press("enter")
        await until(pilot, lambda: said(browser) == "Nothing is like that in any point.")
        await pilot.press("escape")
        assert browser.focused is pane

    travel(site, catalog, journey)


def test_history_of_a_file_and_how_two_versions_differ(site, catalog):
    async def journey(browser, pilot):
        history = browser.query_one(HistoryPane)
        await until(pilot, lambda: history.row_count == 2)
        assert "now" in words(history)[0]
        await pilot.press("d")
        await until(pilot, lambda: isinstance(browser.screen, ViewScreen) and len(shown(browser)) > 3)
        lines = shown(browser)
        assert "-first" in lines
        assert "+second" in lines
        assert " shared" in lines
        assert any(line.startswith("size: 13 bytes became 14 bytes") for line in lines)
        await pilot.press("escape", "h", "down", "enter")
        await until(pilot, lambda: list_archives(catalog)[1].archive.name in said(browser, "place"))
        pane = browser.query_one(FilesPane)
        assert pane.entry_at(pane.cursor_row).path == f"{site.stored}/motd"

    travel(site, catalog, journey, begin_at(catalog, f"{site.stored}/motd"))


def shown(browser: Browser) -> list[str]:
    """The lines of the view; none before it has them."""
    lines = list(browser.screen.query_one(Log).lines)
    return [] if lines in ([], ["Reading ..."]) else lines


def test_contents_are_shown_and_never_obeyed(site, catalog):
    async def journey(browser, pilot):
        pane = browser.query_one(FilesPane)
        lines = words(pane)
        assert all(line.isprintable() for line in lines)
        for shown_name in ("new\\nline", "esc\\x1b[31mred", "caf\\udce9", "[bold]brackets[red]", "\\u202egnp.exe"):
            assert any(shown_name in line for line in lines), shown_name
        picture = browser.export_screenshot()
        assert "\x1b" not in picture
        for name in HOSTILE:
            await put_cursor(pilot, pane, escaped(name))
            await pilot.press("v")
            await until(pilot, lambda: isinstance(browser.screen, ViewScreen) and shown(browser) != [])
            assert shown(browser)[-1] == "\\x1b[2J"
            assert shown(browser)[0].startswith("content of ")
            assert escaped(name) in said(browser, "view-title")
            await pilot.press("escape")
            await until(pilot, lambda: not isinstance(browser.screen, ViewScreen))

    travel(site, catalog, journey, begin_at(catalog, f"{site.stored}/odd/x"))


def escaped(name: bytes) -> str:
    text = os.fsdecode(name)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def test_a_file_without_text_is_dumped_and_a_link_is_not_read(site, catalog):
    async def journey(browser, pilot):
        await pilot.press("v")
        await until(pilot, lambda: isinstance(browser.screen, ViewScreen) and len(shown(browser)) > 2)
        assert shown(browser)[0] == "This is no text (256 B). Its beginning:"
        await pilot.press("escape")
        await put_cursor(pilot, browser.query_one(FilesPane), "link -> motd")
        await pilot.press("enter")
        assert said(browser) == "Only the content of a file can be viewed."

    travel(site, catalog, journey, begin_at(catalog, f"{site.stored}/binary"))


def test_what_is_marked_comes_back_byte_by_byte(site, catalog, tmp_path):
    target = tmp_path / "new"

    async def journey(browser, pilot):
        pane = browser.query_one(FilesPane)
        await put_cursor(pilot, pane, "odd/")
        await pilot.press("space")
        await put_cursor(pilot, pane, "motd")
        await pilot.press("space")
        assert ", 2 marked" in said(browser, "place")
        await restore(browser, pilot, target)
        assert said(browser, "plan").startswith("Restored 8 items (7 files, ")
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(browser.screen, RestoreScreen))
        await pilot.press("u")
        assert "marked" not in said(browser, "place")

    travel(site, catalog, journey, begin_at(catalog, f"{site.stored}/binary"))
    there = target / site.stored
    assert (there / "motd").read_bytes() == (site.source / "motd").read_bytes()
    for name in HOSTILE:
        assert (there / "odd" / os.fsdecode(name)).read_bytes() == b"content of " + name + b"\n\x1b[2J"
    assert sorted(path.name for path in there.iterdir()) == ["motd", "odd"]


async def restore(browser: Browser, pilot: Pilot[None], target: Path, *, agree: bool = False) -> None:
    await pilot.press("r")
    await until(pilot, lambda: isinstance(browser.screen, RestoreScreen))
    browser.screen.query_one("#target", Input).value = str(target)
    await pilot.pause()
    await pilot.press("enter")
    await until(pilot, lambda: said(browser, "plan").count(", from ") == 1)
    if agree:
        assert browser.screen.query_one("#go").disabled
        await pilot.press("space", "tab")
    await pilot.press("enter")
    await until(pilot, lambda: said(browser, "plan").startswith("Restored "))


def test_what_is_there_is_overwritten_only_after_a_yes(site, catalog, tmp_path):
    target = tmp_path / "new"
    there = target / site.stored / "motd"
    there.parent.mkdir(parents=True)
    there.write_text("mine")

    async def journey(browser, pilot):
        await restore(browser, pilot, target, agree=True)
        assert "1 overwritten" in said(browser, "plan")

    travel(site, catalog, journey, begin_at(catalog, f"{site.stored}/motd"))
    assert there.read_text() == "second\nshared\n"


def test_what_is_there_can_be_left_as_it_is(site, catalog, tmp_path):
    target = tmp_path / "new"
    there = target / site.stored / "motd"
    there.parent.mkdir(parents=True)
    there.write_text("mine")

    async def journey(browser, pilot):
        await pilot.press("r")
        await until(pilot, lambda: isinstance(browser.screen, RestoreScreen))
        browser.screen.query_one("#target", Input).value = str(target)
        await pilot.press("tab", "down", "enter", "shift+tab", "enter")
        await until(pilot, lambda: said(browser, "plan").count(", from ") == 1)
        await pilot.press("enter")
        await until(pilot, lambda: said(browser, "plan").startswith("Restored "))
        assert "0 overwritten, 0 put beside, 1 left as they are" in said(browser, "plan")

    travel(site, catalog, journey, begin_at(catalog, f"{site.stored}/motd"))
    assert there.read_text() == "mine"


def test_every_error_is_a_sentence_in_the_browser(site, catalog, tmp_path):
    async def journey(browser, pilot):
        await pilot.press("r")
        await until(pilot, lambda: isinstance(browser.screen, RestoreScreen))
        browser.screen.query_one("#target", Input).value = "/dev/null/x"
        await pilot.pause()
        await pilot.press("enter")
        await until(pilot, lambda: "[FK504]" in said(browser, "plan"))
        await pilot.press("escape")
        secret = site.host.paths.passphrase("local")
        secret.rename(secret.with_suffix(".away"))
        try:
            browser.shelf = HostShelf(catalog, site.host.paths)
            await pilot.press("v")
            await until(pilot, lambda: isinstance(browser.screen, ViewScreen) and "[FK204]" in "".join(shown(browser)))
        finally:
            secret.with_suffix(".away").rename(secret)

    travel(site, catalog, journey, begin_at(catalog, f"{site.stored}/motd"))


def test_a_mistake_of_our_own_ends_the_browser_with_a_sentence(site, catalog, monkeypatch):
    def fail(browser: Browser) -> None:
        raise RuntimeError("a mistake\x1b[2J")

    monkeypatch.setattr(Browser, "action_help", fail)
    browser = Browser(HostShelf(catalog, site.host.paths), SystemClock())

    async def go() -> None:
        async with browser.run_test(size=SIZE) as pilot:
            await pilot.press("question_mark")

    with pytest.raises(RuntimeError):
        asyncio.run(go())
    assert browser.failure.startswith("This did not work: RuntimeError: a mistake\\x1b[2J.")


def test_everything_fits_into_80_by_24(site, catalog):
    async def journey(browser, pilot):
        for name in ("place", "search", "points", "files", "history", "says"):
            region = browser.query_one(f"#{name}").region
            assert region.width > 0, name
            assert region.height > 0, name
            assert region.right <= SIZE[0], name
            assert region.bottom <= SIZE[1], name
        assert browser.query_one(FilesPane).size.height >= 8
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(browser.screen, ViewScreen))
        assert all(len(line) <= SIZE[0] - 2 for line in shown(browser))
        await pilot.press("escape", "r")
        await until(pilot, lambda: isinstance(browser.screen, RestoreScreen))
        dialog = browser.screen.query_one("#dialog").region
        assert dialog.bottom <= SIZE[1]
        assert browser.screen.query_one("#go").region.bottom < dialog.bottom

    travel(site, catalog, journey, begin_at(catalog, f"{site.stored}/motd"))


def test_an_archive_that_the_catalog_does_not_know_is_read_from_its_listing(tmp_path, borg_program):
    source = tmp_path / "etc"
    source.mkdir()
    (source / os.fsdecode(b"caf\xe9")).write_text("old")
    host = ManagedHost(tmp_path, borg_program, [source])
    host.back_up("web1-old", source)
    with closing(open_catalog(host.paths.catalog)) as catalog:
        shelf = HostShelf(catalog, host.paths)
        (point,) = shelf.points()
        entries = shelf.list_folder(point, str(source).lstrip("/"), _never())
        assert [entry.path for entry in entries] == [f"{source}/caf\udce9".lstrip("/")]
        assert shelf.read(point, entries[0].path, 2, _never()).data == b"ol"


def _never():
    from fleetkeep.borg.process import Cancellation

    return Cancellation()
