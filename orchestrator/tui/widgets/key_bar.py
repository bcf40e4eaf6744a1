"""The footer: the keys of `keys.KEYS`, each with a dot when its place has something new."""

from __future__ import annotations

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from orchestrator.tui.keys import KEYS, Key, short

NEWS = "•"


class KeyBar(Widget):
    """One row; each key can be clicked. `news` holds actions whose place has something unseen."""

    news: reactive[frozenset[str]] = reactive(frozenset())

    def render(self) -> Content:
        room = self.size.width
        pieces: list[Content] = []
        for key in (key for key in KEYS if key.shown):
            piece = _piece(key, key.action in self.news)
            room -= piece.cell_length
            if room < 0:
                break
            pieces.append(piece)
        return Content("").join(pieces)


def _piece(key: Key, new: bool) -> Content:
    click = f"@click=app.{key.action}"
    return Content.assemble(
        (f" {short(key.keys)}", f"bold {click}"),
        (f" {key.footer}", f"dim {click}"),
        (NEWS if new else " ", "$text-accent"),
    )
