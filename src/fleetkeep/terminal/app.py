# SPDX-License-Identifier: GPL-3.0-or-later
"""The browser: what each key does with the panes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import DataTable, Footer, Input, OptionList, Static

from fleetkeep.agent.beginning import FileContent
from fleetkeep.borg.process import Cancellation
from fleetkeep.clock import Clock
from fleetkeep.model import FileEntry, FileHit, FileState, Point
from fleetkeep.plan.words import printable, render_count

from .content import COMPARED_BYTES, PREVIEW_BYTES, can_compare, compare, content_lines
from .errands import Errands, sentence_of
from .files_pane import FilesPane
from .help_text import HELP
from .history_pane import HistoryPane
from .hits_pane import HitsPane
from .points_pane import PointsPane
from .restore_screen import RestoreScreen
from .rows import inert, place_text
from .shelf import Shelf
from .style import STYLE
from .view_screen import ViewScreen

#: So many paths a search shows.
HITS_SHOWN = 1_000


@dataclass(frozen=True)
class Start:
    """Where the browser begins."""

    point: Point | None = None
    path: str = ""
    target: Path = Path("~/restored")
    """What the restore dialog proposes."""


class Browser(Errands):
    """Points on the left, files on the right, the history of the path under the cursor below."""

    CSS = STYLE
    ENABLE_COMMAND_PALETTE = False
    TITLE = "Fleetkeep"
    BINDINGS = [
        Binding("enter", "open", "Open", show=True, priority=False),
        Binding("slash", "search", "Find", key_display="/"),
        Binding("space", "mark", "Mark"),
        Binding("v", "view", "View"),
        Binding("r", "restore", "Restore"),
        Binding("h", "show_pane('history')", "History"),
        Binding("d", "compare", "Diff"),
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("q", "quit", "Quit"),
        Binding("backspace", "up", "Up", show=False),
        Binding("u", "unmark", "Unmark", show=False),
        Binding("escape", "leave_search", "Back", show=False),
        Binding("1", "show_pane('points')", "Points", show=False),
        Binding("2", "show_pane('files')", "Files", show=False),
        Binding("3", "show_pane('history')", "History", show=False),
    ]

    def __init__(self, shelf: Shelf, clock: Clock, start: Start | None = None) -> None:
        super().__init__()
        self.shelf = shelf
        self._clock = clock
        self._start = start or Start()
        self._points: Sequence[Point] = ()
        self._point: Point | None = None
        self._marks: dict[str, dict[str, None]] = {}
        self._failure = ""

    def compose(self) -> ComposeResult:
        yield Static(id="place", markup=False)
        yield Input(placeholder="/ find in all points: part of a name, *.conf, /etc/ssh/*", id="search", compact=True)
        with Horizontal(id="main"):
            yield PointsPane()
            with Vertical(id="right"):
                yield FilesPane()
                yield HitsPane()
                yield HistoryPane()
        yield Static(id="says", markup=False)
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one(HitsPane).display = False
        self.query_one(PointsPane).focus()
        self.ask("points", lambda _: self.shelf.points(), self._show_points, say=self.complain, waiting="Reading ...")

    # --- points and folders ---

    def _show_points(self, points: Sequence[Point]) -> None:
        self._points = points
        self.query_one(PointsPane).show(points, self._clock.now())
        first = self._start.point or (points[0] if points else None)
        if first is None:
            self.say("No archive is known yet; `fleetkeep run JOB` makes one.")
            return
        if self._start.path:
            self.go_to(first, self._start.path.rpartition("/")[0], at=self._start.path)
        else:
            self.go_to(first, "", keep_focus=self._start.point is None)

    def go_to(self, point: Point, folder: str, at: str = "", *, keep_focus: bool = False) -> None:
        """Show a folder of a point, with the cursor on the path ``at``."""

        def read(cancellation: Cancellation) -> Sequence[FileEntry]:
            return self.shelf.list_folder(point, folder, cancellation)

        def show(entries: Sequence[FileEntry]) -> None:
            self._point = point
            self._leave_hits()
            self.query_one(PointsPane).point_to(point)
            pane = self.query_one(FilesPane)
            pane.show(folder, entries, self._marked, at)
            self._show_place()
            self.say("" if entries else "This folder is empty.")
            if not keep_focus:
                pane.focus()

        self.ask("folder", read, show, say=self.complain, waiting="Reading ...")

    @on(OptionList.OptionSelected, "#points")
    def open_point(self, event: OptionList.OptionSelected) -> None:
        """Show the same folder at another point, or its root where it has no such folder."""
        point, folder = self.query_one(PointsPane).point_at(event.option_index), self.query_one(FilesPane).folder
        if self._point is None or not folder:
            self.go_to(point, "")
            return

        def read(cancellation: Cancellation) -> tuple[str, Sequence[FileEntry]]:
            from fleetkeep.errors import PathNotInArchive

            try:
                return folder, self.shelf.list_folder(point, folder, cancellation)
            except PathNotInArchive:
                return "", self.shelf.list_folder(point, "", cancellation)

        self.ask("folder", read, lambda found: self.go_to(point, found[0]), say=self.complain, waiting="Reading ...")

    @on(DataTable.RowSelected, "#files")
    def open_entry(self, event: DataTable.RowSelected) -> None:
        """Enter a folder, leave it, or view a file."""
        pane = self.query_one(FilesPane)
        if pane.leads_up(event.cursor_row):
            self.action_up()
            return
        entry = pane.entry_at(event.cursor_row)
        if entry is None or self._point is None:
            return
        if entry.status is None or entry.status.is_folder:
            self.go_to(self._point, entry.path)
        else:
            self._view(self._point, entry)

    def action_up(self) -> None:
        """Show the folder above, with the cursor on the one that was left."""
        folder = self.query_one(FilesPane).folder
        if self._point is not None and folder and not self.query_one(HitsPane).display:
            self.go_to(self._point, folder.rpartition("/")[0], at=folder)

    # --- search ---

    def action_search(self) -> None:
        """Begin a search."""
        self.query_one("#search", Input).focus()

    @on(Input.Submitted, "#search")
    def find(self, event: Input.Submitted) -> None:
        """Find names in all points."""
        pattern = event.value.strip()
        if not pattern:
            self.action_leave_search()
            return
        self.ask(
            "search",
            lambda _: self.shelf.find(pattern, HITS_SHOWN),
            self._show_hits,
            say=self.complain,
            waiting="Searching ...",
        )

    def _show_hits(self, hits: Sequence[FileHit]) -> None:
        pane = self.query_one(HitsPane)
        pane.show(hits)
        count = len(hits)
        more = "; there may be more, a longer pattern finds fewer" if count >= HITS_SHOWN else ""
        self.say(f"Found {render_count(count, 'path')}{more}." if count else "Nothing is like that in any point.")
        if count:
            pane.display = True
            self.query_one(FilesPane).display = False
            pane.focus()

    @on(DataTable.RowSelected, "#hits")
    def open_hit(self, event: DataTable.RowSelected) -> None:
        """Go to what was found."""
        if (version := self.query_one(HitsPane).newest_at(event.cursor_row)) is not None:
            self._go_to_version(version)

    def action_leave_search(self) -> None:
        """Back to the files."""
        self.give_up("search")
        self._leave_hits()
        self.query_one(FilesPane).focus()
        self.say("")

    def _leave_hits(self) -> None:
        self.query_one(HitsPane).display = False
        self.query_one(FilesPane).display = True

    def _go_to_version(self, version: FileState) -> None:
        point = self._point_of(version)
        if point is None:
            self.complain(f"Archive {printable(version.last_archive)} is not known any more.")
        else:
            self.go_to(point, version.path.rpartition("/")[0], at=version.path)

    def _point_of(self, version: FileState) -> Point | None:
        """The newest point that has a version."""
        wanted = {(version.client, repository, version.last_archive) for repository in version.repositories}
        found = (p for p in self._points if (p.client, p.archive.repository, p.archive.name) in wanted)
        return next(found, None)

    # --- history ---

    @on(DataTable.RowHighlighted, "#files")
    def follow_files(self, event: DataTable.RowHighlighted) -> None:
        """Show the history of what is under the cursor."""
        entry = self.query_one(FilesPane).entry_at(event.cursor_row)
        self._follow(self._point, entry.path if entry is not None else "")

    @on(DataTable.RowHighlighted, "#hits")
    def follow_hits(self, event: DataTable.RowHighlighted) -> None:
        """Show the history of what is under the cursor."""
        version = self.query_one(HitsPane).newest_at(event.cursor_row)
        if version is not None:
            self._follow(self._point_of(version), version.path)

    def _follow(self, point: Point | None, path: str) -> None:
        pane = self.query_one(HistoryPane)
        if point is None or not path:
            self.give_up("history")
            pane.show("", ())
            return
        self.ask(
            "history",
            lambda _: self.shelf.history(point, path),
            lambda versions: pane.show(path, versions),
            say=self.complain,
        )

    @on(DataTable.RowSelected, "#history")
    def open_version(self, event: DataTable.RowSelected) -> None:
        """Go to the newest point that has a version."""
        if (version := self.query_one(HistoryPane).version_at(event.cursor_row)) is not None:
            self._go_to_version(version)

    # --- look ---

    def action_view(self) -> None:
        """View what is under the cursor."""
        entry = self._entry
        if entry is None or self._point is None:
            self.say("Put the cursor on a file first.")
        elif entry.status is None or not entry.status.is_file:
            self.say("Only the content of a file can be viewed.")
        else:
            self._view(self._point, entry)

    def _view(self, point: Point, entry: FileEntry) -> None:
        if entry.status is None or not entry.status.is_file:
            self.say("Only the content of a file can be viewed.")
            return
        screen = ViewScreen(Text.assemble(inert("/" + entry.path), " of ", inert(point.archive.name)))
        self.push_screen(screen, lambda _: self.give_up("view"))
        path = entry.status.target or entry.path  # a further hard link has the content of the first

        def read(cancellation: Cancellation) -> list[str]:
            return content_lines(self.shelf.read(point, path, PREVIEW_BYTES, cancellation))

        self.ask("view", read, screen.show, say=lambda sentence: screen.show([sentence]))

    def action_compare(self) -> None:
        """Compare two versions of the history."""
        pair = self.query_one(HistoryPane).pair()
        if pair is None:
            self.say("There is no earlier version to compare with; mark two in the history (h, Space).")
            return
        older, newer = pair
        screen = ViewScreen(Text.assemble("How ", inert("/" + newer.path), " changed"))
        self.push_screen(screen, lambda _: self.give_up("view"))
        points = self._point_of(older), self._point_of(newer)

        def read(cancellation: Cancellation) -> list[str]:
            contents: tuple[FileContent, FileContent] | None = None
            if points[0] is not None and points[1] is not None and can_compare(older, newer):
                contents = (
                    self.shelf.read(points[0], older.status.target or older.path, COMPARED_BYTES, cancellation),
                    self.shelf.read(points[1], newer.status.target or newer.path, COMPARED_BYTES, cancellation),
                )
            return compare(older, newer, contents)

        self.ask("view", read, screen.show, say=lambda sentence: screen.show([sentence]))

    def action_help(self) -> None:
        """Say what the keys do."""
        self.push_screen(ViewScreen(Text("Keys"), HELP.splitlines()))

    # --- marks and restore ---

    @property
    def _marked(self) -> dict[str, None]:
        """What is marked in the point at hand."""
        return self._marks.setdefault(self._point.archive.id if self._point else "", {})

    @property
    def _entry(self) -> FileEntry | None:
        pane = self.query_one(FilesPane)
        return pane.entry_at(pane.cursor_row) if pane.display else None

    def action_mark(self) -> None:
        """Mark what is under the cursor, or take its mark away."""
        if self.focused is (history := self.query_one(HistoryPane)):
            history.toggle(history.cursor_row)
            return
        pane = self.query_one(FilesPane)
        entry = self._entry
        if self.focused is not pane or entry is None:
            self.say("Put the cursor on a file or folder first.")
            return
        row = pane.cursor_row
        if entry.path in self._marked:
            del self._marked[entry.path]
        else:
            self._marked[entry.path] = None
        pane.mark(row, is_marked=entry.path in self._marked)
        pane.move_cursor(row=min(row + 1, pane.row_count - 1), animate=False)
        self._show_place()

    def action_unmark(self) -> None:
        """Take all marks of this point away."""
        self._marked.clear()
        pane = self.query_one(FilesPane)
        for row in range(pane.row_count):
            pane.mark(row, is_marked=False)
        self._show_place()

    def action_restore(self) -> None:
        """Ask where what is marked, or what is under the cursor, is to be restored."""
        entry = self._entry
        paths = list(self._marked) or ([entry.path] if entry is not None else [])
        if self._point is None or not paths:
            self.say("Mark what is to be restored (Space), or put the cursor on it.")
            return
        self.push_screen(RestoreScreen(self._point, paths, self._start.target.expanduser().absolute()))

    # --- what is said ---

    def action_show_pane(self, name: str) -> None:
        """Go to a pane."""
        if name == "files" and self.query_one(HitsPane).display:
            name = "hits"
        self.query_one(f"#{name}").focus()

    def say(self, sentence: str) -> None:
        """Say something in the line at the bottom."""
        line = self.query_one("#says", Static)
        line.set_class(False, "error")
        line.update(Text(sentence))

    def complain(self, sentence: str) -> None:
        """Say what went wrong; what only begins is said plainly."""
        self.say(sentence)
        self.query_one("#says", Static).set_class(not sentence.endswith("..."), "error")

    def _show_place(self) -> None:
        pane = self.query_one(FilesPane)
        self.query_one("#place", Static).update(place_text(self._point, pane.folder, pane.count, len(self._marked)))

    @property
    def failure(self) -> str:
        """Why the browser ended by itself; empty where it did not."""
        return self._failure

    def _fatal_error(self) -> None:
        """End with a sentence where Textual would print a traceback."""
        error = self._exception
        self._failure = sentence_of(error) if error is not None else "The browser ended by itself."
        self._close_messages_no_wait()


__all__ = ["Browser", "Start"]
