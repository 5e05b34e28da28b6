# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialog that restores: where to, what it would do, do it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Checkbox, Input, RadioButton, RadioSet, Static

from fleetkeep.agent.restore import RestoreResult
from fleetkeep.model import OnConflict, Point
from fleetkeep.plan.restore import RestorePlan, render_restore_plan
from fleetkeep.plan.words import printable, render_bytes, render_count

from .rows import inert

if TYPE_CHECKING:
    from .app import Browser

PATHS_NAMED = 3

#: What may become of a path that holds something else already.
POLICIES = {
    OnConflict.OVERWRITE: "overwrite what is there",
    OnConflict.SKIP: "leave what is there",
    OnConflict.NEWER: "overwrite what is older",
    OnConflict.RENAME: "put it beside what is there, under another name",
}


class RestoreScreen(ModalScreen[None]):
    """Asks where to, plans, asks for consent where something is overwritten, restores. Esc stops and goes back."""

    BINDINGS = [("escape", "leave", "Back")]

    def __init__(self, point: Point, paths: Sequence[str], target: Path) -> None:
        super().__init__()
        self._point = point
        self._paths = paths
        self._target = target
        self._plan: RestorePlan | None = None
        self._is_running = False

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Static(self._title(), id="restore-title", markup=False)
            yield Static(Text("Restore below this directory; / is the original place:"), markup=False)
            yield Input(str(self._target), id="target", compact=True)
            with RadioSet(id="conflict", compact=True):
                for policy, words in POLICIES.items():
                    yield RadioButton(Text(words), value=policy is OnConflict.OVERWRITE, compact=True)
            yield Static(Text("Enter shows what it would do; nothing is written yet."), id="plan", markup=False)
            yield Checkbox(Text("yes, overwrite what is there"), id="consent", compact=True)
            with Horizontal(id="buttons"):
                yield Button("Restore", id="go", variant="primary", disabled=True, compact=True)
                yield Button("Back (Esc)", id="leave", compact=True)

    def on_mount(self) -> None:
        self.query_one("#consent").display = False
        self.query_one("#target", Input).focus()

    @on(Input.Submitted, "#target")
    def make_plan(self) -> None:
        """Show what the restore would do."""
        text = self.query_one("#target", Input).value.strip()
        if not text or self._is_running:
            return
        self._forget()
        target = Path(text).expanduser().absolute()
        policy = list(POLICIES)[max(0, self.query_one(RadioSet).pressed_index)]
        self._browser.ask(
            "restore",
            lambda cancellation: self._browser.shelf.plan_restore(
                self._point, self._paths, target, policy, cancellation
            ),
            self._show_plan,
            say=self._say,
            waiting="Looking at the archive and at what is there ...",
        )

    @on(Input.Changed, "#target")
    def forget_plan(self) -> None:
        """Another directory needs another plan."""
        if not self._is_running:
            self._forget()

    @on(RadioSet.Changed, "#conflict")
    def plan_again(self) -> None:
        """Another policy needs another plan."""
        if self._plan is not None and not self._is_running:
            self.make_plan()

    @on(Checkbox.Changed, "#consent")
    def weigh(self) -> None:
        """Whether all is said that is needed."""
        needs_consent = self.query_one("#consent").display
        consents = self.query_one("#consent", Checkbox).value
        self.query_one("#go", Button).disabled = self._plan is None or (needs_consent and not consents)

    @on(Button.Pressed, "#go")
    def restore(self) -> None:
        """Do it."""
        plan = self._plan
        if plan is None or self._is_running:
            return
        self._is_running = True
        self.query_one("#go", Button).disabled = True
        self.query_one("#target", Input).disabled = self.query_one(RadioSet).disabled = True
        consent = self.query_one("#consent", Checkbox).value
        report = self._browser.reporter(self._say_progress)
        self._browser.ask(
            "restore",
            lambda cancellation: self._browser.shelf.restore(plan, consent, report, cancellation),
            self._show_result,
            say=self._end,
            waiting="Restoring ... Esc stops it.",
        )
        self.query_one("#leave", Button).focus()

    @on(Button.Pressed, "#leave")
    def action_leave(self) -> None:
        """Stop what is going on, and go back."""
        self._browser.give_up("restore")
        self.dismiss()

    @property
    def _browser(self) -> Browser:
        return cast("Browser", self.app)

    def _title(self) -> Text:
        named = [inert("/" + path, "bold") for path in self._paths[:PATHS_NAMED]]
        more = len(self._paths) - len(named)
        words = Text(", ").join(named)
        if more > 0:
            words.append(f" and {more:,} more")
        return Text.assemble("Restore ", words, " of ", inert(self._point.archive.name))

    def _forget(self) -> None:
        self._plan = None
        self.query_one("#go", Button).disabled = True
        self.query_one("#consent", Checkbox).value = False
        self.query_one("#consent").display = False

    def _show_plan(self, plan: RestorePlan) -> None:
        self._plan = plan
        self._say(render_restore_plan(plan, printable))
        needs_consent = bool(plan.overwritten) or plan.target == "/"
        self.query_one("#consent").display = needs_consent
        self.weigh()
        self.query_one("#consent" if needs_consent else "#go").focus()

    def _show_result(self, result: RestoreResult) -> None:
        where = "the original place" if result.target == "/" else printable(result.target)
        lines = [
            f"Restored {render_count(result.items, 'item')} ({render_count(result.files, 'file')}, "
            f"{render_bytes(result.size_bytes)}) to {where}; {result.overwritten:,} overwritten, "
            f"{result.renamed:,} put beside, {result.kept:,} left as they are."
        ]
        if result.warning_count:
            lines.append(f"{render_count(result.warning_count, 'warning')}:")
            lines += [f"  {printable(': '.join((each.path, each.message)))}" for each in result.warnings[:10]]
        self._end("\n".join(lines))

    def _end(self, text: str) -> None:
        self._is_running = False
        self._forget()
        self.query_one("#target", Input).disabled = self.query_one(RadioSet).disabled = False
        self._say(text)
        self.query_one("#leave", Button).focus()

    def _say_progress(self, done: int, total: int) -> None:
        if self._is_running:
            self._say(f"Restoring ... {render_bytes(min(done, total))} of {render_bytes(total)}. Esc stops it.")

    def _say(self, text: str) -> None:
        if self.is_mounted:
            self.query_one("#plan", Static).update(Text(text))


__all__ = ["RestoreScreen"]
