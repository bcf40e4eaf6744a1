"""The keys of the prompt: sending, new lines, history, and the list of completions above."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

from textual import events
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.keys import Keys
from textual.message import Message
from textual.widgets.text_area import Selection

from orchestrator.context.mentions import mention, shown
from orchestrator.terminal import one_line
from orchestrator.tui import fuzzy
from orchestrator.tui.history import History, Walk
from orchestrator.tui.span import Span, span_at
from orchestrator.tui.widgets.completion import ROWS, Completion, Item
from orchestrator.tui.widgets.pasted_area import PastedArea

PLACEHOLDER = "Ask, or / for commands, @ for files, ! for the shell"


def _key(keys: str, action: str, description: str = "") -> Binding:
    return Binding(keys, action, description, show=False)


class PromptArea(PastedArea, inherit_bindings=False):
    """`menu` is the list it moves through; files for the list come from whoever handles `WantsFiles`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        _key("enter", "enter", "Send, or take the completion"),
        _key("shift+enter,ctrl+j,alt+enter", "newline", "New line"),
        _key("tab", "complete", "Take the completion"),
        _key("up", "up", "Line up; at the first one, the prompt before"),
        _key("down", "down", "Line down; at the last one, the prompt after"),
        _key("ctrl+r", "search_history", "Search what was typed before"),
        _key("escape", "close", "Close the list"),
        _key("pageup", f"page({-ROWS})"),
        _key("pagedown", f"page({ROWS})"),
        _key("left", "cursor_left"),
        _key("right", "cursor_right"),
        _key("ctrl+left,alt+left", "cursor_word_left"),
        _key("ctrl+right,alt+right", "cursor_word_right"),
        _key("home,ctrl+a", "cursor_line_start"),
        _key("end,ctrl+e", "cursor_line_end"),
        _key("shift+left", "cursor_left(True)"),
        _key("shift+right", "cursor_right(True)"),
        _key("shift+up", "cursor_up(True)"),
        _key("shift+down", "cursor_down(True)"),
        _key("shift+home", "cursor_line_start(True)"),
        _key("shift+end", "cursor_line_end(True)"),
        _key("ctrl+shift+left", "cursor_word_left(True)"),
        _key("ctrl+shift+right", "cursor_word_right(True)"),
        _key("f7", "select_all"),
        _key("backspace,shift+backspace", "delete_left"),
        _key("delete,ctrl+d", "delete_right"),
        _key("ctrl+backspace,alt+backspace", "delete_word_left"),
        _key("alt+delete,alt+d", "delete_word_right"),
        _key("ctrl+u,super+backspace", "delete_to_start_of_line"),
        _key("ctrl+k", "delete_to_end_of_line_or_delete_line"),
        _key("ctrl+c,super+c", "copy"),
        _key("super+x", "cut"),
        _key("ctrl+v", "paste"),
        _key("ctrl+z,super+z", "undo"),
        _key("ctrl+shift+z,super+shift+z", "redo"),
    ]
    """ctrl+w, ctrl+x and ctrl+y are the app's."""

    @dataclass
    class Entered(Message):
        """The prompt was sent, and is empty again."""

        text: str

    @dataclass
    class WantsFiles(Message):
        """The list is to show files for this span."""

        span: Span

    def __init__(self, menu: Completion, history: History, *, id: str | None = None) -> None:
        self.commands: Sequence[tuple[str, str]] = ()
        """Names, without the slash, and what they do."""
        self._menu = menu
        self._past = history
        self._walk: Walk | None = None
        self._before_search: str | None = None
        self._declined: int | None = None  # where the list was closed, and stays so
        self._typing = True
        super().__init__(id=id, placeholder=PLACEHOLDER)

    def on_mount(self) -> None:
        """Alt and enter are two bytes in most terminals; of those, Textual sees the second only."""
        sequences = cast("dict[str, tuple[Keys, ...]]", ANSI_SEQUENCES_KEYS)
        sequences["\x1b\r"] = (Keys.ControlJ,)

    async def _on_key(self, event: events.Key) -> None:
        """Our own keys act here, not after a way through the app: what is typed next comes after them."""
        self._restart_blink()
        # shift+enter and alt+enter of a terminal that reports them in xterm's way
        key = "alt+enter" if event.key == "\r" else event.key.replace("\r", "enter")
        for binding in self._bindings.key_to_bindings.get(key, ()):
            if await self.app.run_action(binding.action, self):
                event.stop()
                event.prevent_default()
                return

    # --- sending ----------------------------------------------------------------------------

    def action_enter(self) -> None:
        if self._take(unless_typed=True):
            return
        row, column = self.cursor_location
        if self.document.get_line(row)[:column].endswith("\\"):
            self.replace("\n", (row, column - 1), (row, column), maintain_selection_offset=False)
            return
        text = self.text
        if not text.strip():
            return
        self._past.append(text)
        self.show("")
        self.post_message(self.Entered(text.strip("\n").rstrip() if "\n" in text.strip() else text.strip()))

    def action_newline(self) -> None:
        self.replace("\n", *self.selection, maintain_selection_offset=False)

    def show(self, text: str) -> None:
        """Put this text in place of what is there; no list opens for it."""
        self._walk = self._before_search = self._declined = None
        self._replace_all(text)

    def _replace_all(self, text: str) -> None:
        self._menu.close()
        self._typing = False
        self.text = text
        self._typing = True

    # --- history ----------------------------------------------------------------------------

    def action_up(self) -> None:
        if self._menu.open:
            self._menu.move(-1)
        elif self.navigator.is_first_wrapped_line(self.cursor_location):
            self._walk = self._walk or Walk(self._past.entries(), self.text)
            self._step(self._walk.back())
        else:
            self.action_cursor_up()

    def action_down(self) -> None:
        if self._menu.open:
            self._menu.move(1)
        elif self.navigator.is_last_wrapped_line(self.cursor_location):
            self._step(self._walk.forth() if self._walk else None)
        else:
            self.action_cursor_down()

    def _step(self, text: str | None) -> None:
        if text is not None:
            self._replace_all(text)

    def action_search_history(self) -> None:
        """Search with what is typed; pressed again, go to the next older one."""
        if self._before_search is not None:
            self._menu.move(1)
            return
        self._before_search = self.text
        self._suggest()

    # --- the list ---------------------------------------------------------------------------

    def action_page(self, rows: int) -> None:
        if self._menu.open:
            self._menu.move(rows)
        elif rows < 0:
            self.action_cursor_page_up()
        else:
            self.action_cursor_page_down()

    def action_complete(self) -> None:
        """Take the chosen row, or open the list again; otherwise the key is not ours."""
        if self._take():
            return
        if self.span() is None:
            raise SkipAction()
        self._declined = None
        self._suggest()

    def action_close(self) -> None:
        """Close the list; what a search had replaced comes back. Otherwise the key is not ours."""
        if self._before_search is not None:
            self.show(self._before_search)
        elif self._menu.open:
            self._declined = self._menu.span.start if self._menu.span else None
            self._menu.close()
        else:
            raise SkipAction()

    def take(self) -> None:
        """Take the chosen row, as tab does."""
        self._take()

    def _take(self, *, unless_typed: bool = False) -> bool:
        """False when there is nothing to take, or (`unless_typed`) just what stands there already."""
        span, item = self.span(), self._menu.chosen_item()
        if span is not None and span.kind == "history":
            self.show(item.insert if item else span.query)
            return True
        if item is None or span is None or span != self._menu.span:
            return False
        row, _ = self.cursor_location
        line = self.document.get_line(row)
        if unless_typed and line[span.start : span.end] == item.insert:
            self._menu.close()
            return False
        blank = "" if line[span.end : span.end + 1] == " " else " "
        self._menu.close()
        self.replace(item.insert + blank, (row, span.start), (row, span.end), maintain_selection_offset=False)
        self.move_cursor((row, span.start + len(item.insert) + 1))
        return True

    def update_suggestion(self) -> None:
        """Called after each change of the text."""
        if self._typing:
            self._walk = None
            span = self.span()
            if span is None or span.start != self._declined:
                self._declined = None
                self._suggest()

    def wants(self, span: Span) -> bool:
        """Whether a list for this span is still wanted."""
        return span == self.span() and span.start != self._declined

    def watch_selection(self, _: Selection, __: Selection) -> None:
        """A cursor that leaves what is being completed closes the list."""
        if self._menu.open and self._before_search is None:
            span = self.span()
            if not span or not self._menu.span or span.start != self._menu.span.start:
                self._menu.close()

    def _suggest(self) -> None:
        span = self.span()
        if span is None:
            self._menu.close()
        elif span.kind == "history":
            items = [history_item(entry, span.query) for entry in self._past.search(span.query)]
            note = "history · enter takes it · ctrl+r older · esc back"
            self._menu.offer(span, items, note, empty="nothing like it was typed before")
        elif span.kind == "command":
            items = command_items(span.query, self.commands)
            self._menu.offer(span, items, f"{len(items)} of {len(self.commands)} commands")
        else:
            self.post_message(self.WantsFiles(span))

    def span(self) -> Span | None:
        """What the cursor is completing."""
        row, column = self.cursor_location
        if self._before_search is not None:
            return Span("history", 0, 0, self.document.text)
        if self.document.get_line(0).lstrip().startswith("!"):
            return None
        return span_at(self.document.get_line(row), column, first=row == 0)


def command_items(query: str, commands: Sequence[tuple[str, str]]) -> list[Item]:
    helps = dict(commands)
    names = fuzzy.rank(query, helps, len(helps)) if query else list(helps)
    return [
        Item(f"/{name}", f"/{name}", helps[name], tuple(at + 1 for at in fuzzy.positions(query, name)))
        for name in names
    ]


def file_items(query: str, paths: Sequence[str]) -> list[Item]:
    labels = [(path, shown(path)) for path in paths]
    return [
        Item(mention(path), label, bold=fuzzy.positions(query, label), cut="middle") for path, label in labels
    ]


def history_item(entry: str, query: str) -> Item:
    label = one_line(entry)
    fold = str if query != query.lower() else str.lower
    at = fold(label).find(fold(query)) if query else -1
    return Item(entry, label, bold=tuple(range(at, at + len(query))) if at >= 0 else ())
