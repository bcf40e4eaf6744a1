"""The memory log's filter in one row: kinds of records by number, those shown set off."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from orchestrator.types import Kind


@dataclass(frozen=True, slots=True)
class Group:
    """Kinds that are shown together."""

    name: str
    kinds: tuple[Kind, ...]


GROUPS: tuple[Group, ...] = (
    Group("chat", ("message",)),
    Group("tool", ("tool_call", "tool_result")),
    Group("decision", ("decision",)),
    Group("lesson", ("lesson",)),
    Group("blocker", ("blocker",)),
    Group("next", ("next",)),
    Group("note", ("note", "goal", "constraint", "dead_end")),
    Group("test", ("test",)),
    Group("other", ("doc", "session", "setting", "redact", "tombstone")),
)


class KindBar(Widget):
    """`chosen` holds numbers of groups, from 1; none means all. A click posts `Toggled`."""

    chosen: reactive[frozenset[int]] = reactive(frozenset())
    note: reactive[str] = reactive("")
    """A few words instead of the row, such as what a search looks at."""

    @dataclass
    class Toggled(Message):
        """`number` of a group, 0 for all, None for the next one alone."""

        number: int | None

    def kinds(self) -> tuple[Kind, ...]:
        """The kinds to show; empty for all."""
        return tuple(kind for number in sorted(self.chosen) for kind in GROUPS[number - 1].kinds)

    def toggle(self, number: int | None) -> None:
        """Show or hide a group; 0 shows all; None goes through all and each group alone."""
        if number is None:
            alone = min(self.chosen, default=0)
            self.chosen = frozenset({alone + 1}) if alone < len(GROUPS) else frozenset()
        else:
            self.chosen = self.chosen ^ {number} if number else frozenset()

    def render(self) -> Content:
        if self.note:
            return Content(f" {self.note}")
        return Content("").join(
            Content.styled(text, "bold $text-accent" if lit else "") for _, text, lit in self._pieces()
        )

    def on_click(self, event: Click) -> None:
        right = 0
        for number, text, _ in self._pieces():
            right += len(text)
            if event.x < right:
                self.post_message(self.Toggled(number))
                return

    def _pieces(self) -> list[tuple[int | None, str, bool]]:
        """What a click on it toggles, the text, and whether it is set off: each group with its number,
        or where the row is too narrow for that, what is shown."""
        names = ["all", *(group.name for group in GROUPS)]
        chosen = self.chosen or {0}
        pieces: list[tuple[int | None, str, bool]] = [
            (number, f" {number} {name}", number in chosen) for number, name in enumerate(names)
        ]
        if sum(len(text) for _, text, _ in pieces) <= self.size.width:
            return pieces
        shown = ", ".join(names[number] for number in sorted(chosen))
        return [(None, " filter: ", False), (None, shown, True), (None, "  f, 0–9", False)]
