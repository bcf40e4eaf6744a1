"""One line with a screen's own keys, made from its bindings; each can be clicked."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static


class KeyHints(Static):
    """Shows those of `bindings` that are shown at all, as far as the line goes."""

    DEFAULT_CSS = """
    KeyHints {
        height: 1; text-wrap: nowrap; text-overflow: ellipsis;
        link-color: $foreground; link-style: none;
    }
    """

    def __init__(self, bindings: Sequence[BindingType]) -> None:
        self._all = [one for one in bindings if isinstance(one, Binding) and one.show]
        super().__init__(_line(self._all))

    def only(self, actions: Container[str]) -> None:
        """Show those with these actions, as far as their names go."""
        self.update(_line([one for one in self._all if one.action.partition("(")[0] in actions]))


def _line(bindings: Iterable[Binding]) -> Content:
    return Content("  ").join(_hint(one) for one in bindings)


def _hint(binding: Binding) -> Content:
    click = f"@click=screen.{binding.action}"
    key = binding.key_display or binding.key.split(",")[0]
    return Content.assemble((key, f"bold {click}"), " ", (binding.description, f"dim {click}"))
