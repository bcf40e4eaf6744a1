"""One declaration of keys: footer, help and palette agree, and each action exists."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import pytest
from textual.actions import parse
from textual.app import App
from textual.content import Content

from orchestrator.tui import commands, keys, palette
from orchestrator.tui.app import OrchApp
from orchestrator.tui.node import Wish
from orchestrator.tui.screens.help import HelpScreen
from orchestrator.tui.widgets.key_bar import KeyBar
from tests.tui.small_node import SmallNode


def missing_actions(app: type[App[None]], actions: Iterable[str]) -> list[str]:
    """Those of `actions` that the app has no method for."""
    return [action for action in actions if not hasattr(app, f"action_{parse(action)[1]}")]


def test_each_action_exists() -> None:
    actions = [key.action for key in keys.KEYS] + [action for _, action in commands.ACTIONS.values()]
    assert missing_actions(OrchApp, actions) == []
    assert missing_actions(App, ["pane('trace')"]) == ["pane('trace')"], "the check itself works"


def test_no_key_has_two_meanings() -> None:
    pressed = [one for key in keys.KEYS for one in key.keys.split(",")]
    assert len(set(pressed)) == len(pressed)
    assert all(key.help and key.footer for key in keys.KEYS)


def test_every_key_is_bound_with_its_help_and_shown_as_declared() -> None:
    bound = {(one.key, one.action, one.description, one.show) for one in keys.bindings()}
    assert bound == {(key.keys, key.action, key.help, key.shown) for key in keys.KEYS}


def test_every_key_and_command_is_in_the_palette_once(tmp_path: Path) -> None:
    app = OrchApp(SmallNode(), Wish(tmp_path))
    found = [(entry.name, entry.help) for entry in palette.entries(app)]
    assert {(keys.short(key.keys), key.help) for key in keys.KEYS if key.action != palette.ITSELF} < set(
        found
    )
    assert {"/decide", "/rewind", "/copy", "/models"} <= {name for name, _ in found}
    assert len(set(found)) == len(found)


def test_every_key_is_in_help_and_every_shown_one_in_the_footer() -> None:
    class Host(App[None]):
        def compose(self) -> Iterable[KeyBar]:
            yield KeyBar()

    async def run() -> None:
        host = Host()
        async with host.run_test(size=(200, 60)) as pilot:
            await pilot.pause()
            bar = host.query_one(KeyBar).render()
            assert isinstance(bar, Content)
            for key in keys.KEYS:
                assert (f"{keys.short(key.keys)} {key.footer}" in bar.plain) is key.shown, key
            await host.push_screen(HelpScreen(commands.listing()))
            await pilot.pause()
            text = str(host.screen.query_one("VerticalScroll > Static").render())  # type: ignore[attr-defined]
            for key in keys.KEYS:
                assert key.help in text
                assert keys.short(key.keys) in text
            for name, said in commands.listing():
                assert f"/{name}" in text
                assert said in text

    asyncio.run(run())


@pytest.mark.parametrize(
    ("key", "shown"), [("ctrl+t", "^T"), ("escape", "esc"), ("f1", "F1"), ("shift+tab", "shift+tab")]
)
def test_short(key: str, shown: str) -> None:
    assert keys.short(key) == shown
