"""One line with a screen's own keys, made from its bindings; each can be clicked."""

from __future__ import annotations

from collections.abc import Sequence

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
        shown = [one for one in bindings if isinstance(one, Binding) and one.show]
        super().__init__(Content("  ").join(_hint(one) for one in shown))


def _hint(binding: Binding) -> Content:
    click = f"@click=screen.{binding.action}"
    key = binding.key_display or binding.key.split(",")[0]
    return Content.assemble((key, f"bold {click}"), " ", (binding.description, f"dim {click}"))
