"""Every key of the prompt, driven through a small app."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual import events
from textual._xterm_parser import XTermParser
from textual.pilot import Pilot

from orchestrator.tui.history import History
from orchestrator.tui.keys import KEYS
from orchestrator.tui.widgets.prompt_area import PromptArea
from tests.tui.prompt_host import Host, settled, typed

Steps = Callable[[Host, Pilot[None]], Awaitable[None]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    for name in ("src/app.py", "src/prompt.py", "tests/test_prompt.py", "a b.py", "[id].tsx"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def drive(tmp_path: Path, steps: Steps, root: Path | None = None, size: tuple[int, int] = (80, 24)) -> None:
    async def run() -> None:
        app = Host(tmp_path, root)
        async with app.run_test(size=size) as pilot:
            await steps(app, pilot)

    asyncio.run(run())


# --- sending and lines --------------------------------------------------------------------------


def test_enter_sends_and_empties(tmp_path: Path) -> None:
    async def steps(app: Host, pilot: Pilot[None]) -> None:
        await pilot.press("enter", "space", "enter", "backspace")
        await typed(pilot, "hello [bold] ")
        await pilot.press("enter")
        assert app.prompt.text == ""
        await typed(pilot, "next")
        await pilot.pause()
        assert app.sent == ["hello [bold]"]
        assert app.prompt.text == "next"

    drive(tmp_path, steps)


def test_keys_act_in_the_order_they_were_pressed(tmp_path: Path) -> None:
    """A burst, as from a script: nothing typed after enter is sent before it."""

    async def steps(app: Host, pilot: Pilot[None]) -> None:
        keys = ["a", "b", "backspace", "c", "enter", "d", "enter", "slash", "h", "e", "tab", "enter", "x"]
        characters = {"slash": "/", "enter": "\r"}
        for key in keys:
            app.post_message(events.Key(key, characters.get(key, key if len(key) == 1 else None)))
        await pilot.pause()
        assert app.sent == ["ac", "d", "/help"]
        assert app.prompt.text == "x"

    drive(tmp_path, steps)


@pytest.mark.parametrize("key", ["shift+enter", "ctrl+j", "alt+enter"])
def test_new_lines(tmp_path: Path, key: str) -> None:
    async def steps(app: Host, pilot: Pilot[None]) -> None:
        await pilot.press("a", key, "b", "enter")
        await pilot.pause()
        assert app.sent == ["a\nb"]

    drive(tmp_path, steps)


@pytest.mark.parametrize(
    "sequence", ["\x1b\r", "\n", "\x1b[13;2u", "\x1b[13;3u", "\x1b[27;2;13~", "\x1b[27;3;13~"]
)
def test_new_lines_as_terminals_send_them(tmp_path: Path, sequence: str) -> None:
    async def steps(app: Host, pilot: Pilot[None]) -> None:
        await pilot.press("a")
        for event in XTermParser().feed(sequence):
            app.post_message(event)
        await pilot.press("b", "enter")
        await pilot.pause()
        assert app.sent == ["a\nb"]

    drive(tmp_path, steps)


def test_a_backslash_at_the_end_of_a_line_continues_it(tmp_path: Path) -> None:
    async def steps(app: Host, pilot: Pilot[None]) -> None:
        await typed(pilot, "a\\")
        await pilot.press("enter", "b", "enter")
        await pilot.pause()
        assert app.sent == ["a\nb"]

    drive(tmp_path, steps)


def test_it_grows_with_its_lines_to_eight_of_them(tmp_path: Path) -> None:
    async def steps(app: Host, pilot: Pilot[None]) -> None:
        heights = []
        for _ in range(11):
            heights.append(app.prompt.area.size.height)
            await pilot.press("x", "ctrl+j")
            await pilot.pause()
        assert heights == [1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 8]
        app.prompt.clear()
        await pilot.pause()
        assert app.prompt.area.size.height == 1
        await typed(pilot, "word " * 40)
        await pilot.pause()
        assert app.prompt.area.size.height == 3

    drive(tmp_path, steps)


def test_keys_of_the_line_editor(tmp_path: Path) -> None:
    async def steps(app: Host, pilot: Pilot[None]) -> None:
        async def after(*keys: str) -> str:
            app.prompt.load("one two three")
            await pilot.press(*keys)
            return app.prompt.text

        assert await after("ctrl+a", "x") == "xone two three"
        assert await after("ctrl+a", "ctrl+e", "x") == "one two threex"
        assert await after("ctrl+left", "ctrl+k") == "one two "
        assert await after("ctrl+left", "ctrl+u") == "three"
        assert await after("alt+backspace") == "one two "
        assert await after("ctrl+a", "ctrl+right", "x") == "onex two three"
        assert await after("ctrl+a", "ctrl+d") == "ne two three"
        assert await after("ctrl+a", "alt+d") == " two three"
        assert await after("home", "delete", "end", "backspace") == "ne two thre"
        assert await after("!", "ctrl+z") == "one two three"
        assert await after("!", "ctrl+z", "ctrl+shift+z") == "one two three!"
        assert await after("f7", "x") == "x"

    drive(tmp_path, steps)


def test_the_keys_of_the_app_reach_it(tmp_path: Path) -> None:
    """All but shift+tab, which a screen of Textual takes before the app sees it."""

    async def steps(app: Host, pilot: Pilot[None]) -> None:
        await typed(pilot, "one two")
        keys = [key for declared in KEYS for key in declared.keys.split(",") if key != "shift+tab"]
        await pilot.press(*keys)
        assert app.keys == keys
        assert app.prompt.text == "one two"
        assert not any("shift+tab" in binding.key for binding in PromptArea.BINDINGS)  # type: ignore[union-attr]

    drive(tmp_path, steps)


def test_copying_takes_a_selection_and_is_the_apps_without_one(tmp_path: Path) -> None:
    async def steps(app: Host, pilot: Pilot[None]) -> None:
        await typed(pilot, "one two")
        await pilot.press("shift+left", "shift+left", "ctrl+c")
        assert (app.clipboard, app.keys) == ("wo", [])
        await pilot.press("right", "ctrl+c", "ctrl+v")
        assert app.keys == ["ctrl+c"]
        assert app.prompt.text == "one twowo"

    drive(tmp_path, steps)


def test_the_sign_says_where_the_text_goes(tmp_path: Path) -> None:
    async def steps(app: Host, pilot: Pilot[None]) -> None:
        for text, sign, name in (("!ls", "!", "-shell"), ("/help", "/", "-command"), ("hi", "›", "")):
            app.prompt.load(text)
            await pilot.pause()
            assert str(app.query_one("#sign").render()) == sign
            assert {"-shell", "-command"} & set(app.prompt.classes) == ({name} if name else set())

    drive(tmp_path, steps)


# --- pasting ------------------------------------------------------------------------------------


async def pasted(app: Host, pilot: Pilot[None], text: str) -> None:
    app.post_message(events.Paste(text))
    await pilot.pause()


def test_several_lines_pasted_are_one_prompt_of_plain_text(tmp_path: Path) -> None:
    async def steps(app: Host, pilot: Pilot[None]) -> None:
        await pasted(app, pilot, "def f():\r    \x1b[31mreturn\x1b[0m [1]\x07\r\n\udc80\u202eend\u2028\x85")
        assert app.prompt.text == "def f():\n    return [1]\n?end\n"
        assert app.sent == []
        await pilot.press("enter")
        await pilot.pause()
        assert app.sent == ["def f():\n    return [1]\n?end"]

    drive(tmp_path, steps)


@pytest.mark.parametrize("large", ["word " * 200_000, "a line\n" * 150_000], ids=["one line", "many lines"])
def test_a_large_paste_is_one_mark_until_it_is_sent(tmp_path: Path, large: str) -> None:
    async def steps(app: Host, pilot: Pilot[None]) -> None:
        await typed(pilot, "see ")
        await pasted(app, pilot, large)
        await typed(pilot, " and tell")
        assert len(app.prompt.area.document.text) < 60
        assert app.prompt.area.document.line_count == 1
        assert app.prompt.text == f"see {large} and tell"
        await pilot.press("enter")
        await pilot.pause()
        assert app.sent == [f"see {large} and tell"]
        assert History(tmp_path / "history").entries() == []

    drive(tmp_path, steps)


def test_a_mark_is_one_character_to_the_keys(tmp_path: Path) -> None:
    async def steps(app: Host, pilot: Pilot[None]) -> None:
        large = "x" * 5000
        for keys, left in (
            (["backspace"], "ab"),
            (["left", "delete"], "ab"),
            (["left", "y"], f"ay{large}b"),
            (["left", "right", "y"], f"a{large}yb"),
            (["left", "left", "left", "right", "right", "y"], f"a{large}yb"),
            (["alt+backspace", "alt+backspace"], "b"),
            (["left", "alt+d", "ctrl+z"], f"a{large}b"),
            (["shift+left", "ctrl+c", "right", "ctrl+v"], f"a{large}{large}b"),
        ):
            app.prompt.load("ab")
            await pilot.press("left")
            await pasted(app, pilot, large)
            await pilot.press(*keys)
            assert app.prompt.text == left, keys

    drive(tmp_path, steps)


# --- history ------------------------------------------------------------------------------------


def test_up_and_down_walk_the_history_and_come_back_to_the_draft(tmp_path: Path) -> None:
    async def steps(app: Host, pilot: Pilot[None]) -> None:
        for text in ("one", "/help", "two\nlines"):
            app.prompt.load(text)
            await pilot.press("enter")
        await typed(pilot, "draft")
        seen = []
        for key in ("up", "up", "up", "up", "up", "down", "down", "down", "down", "down"):
            await pilot.press(key)
            seen.append(app.prompt.text)
            assert not app.menu.open
        lines = "two\nlines"
        assert seen == [lines, lines, "/help", "one", "one", "/help", lines, "draft", "draft", "draft"]

    drive(tmp_path, steps)


def test_what_was_typed_is_there_in_the_next_session(tmp_path: Path) -> None:
    async def first(app: Host, pilot: Pilot[None]) -> None:
        await typed(pilot, "remember me")
        await pilot.press("enter")
        await typed(pilot, " not me")
        await pilot.press("enter")

    async def second(app: Host, pilot: Pilot[None]) -> None:
        await pilot.press("up")
        assert app.prompt.text == "remember me"

    drive(tmp_path, first)
    drive(tmp_path, second)


def test_searching_the_history(tmp_path: Path) -> None:
    history = History(tmp_path / "history")
    for text in ("run the tests", "explain [x]", "run the linter\nthen fix"):
        history.append(text)

    async def steps(app: Host, pilot: Pilot[None]) -> None:
        await typed(pilot, "ru")
        await pilot.press("ctrl+r")
        assert app.labels == ["run the linter then fix", "run the tests"]
        await typed(pilot, "n the t")
        assert app.labels == ["run the tests"]
        await pilot.press("escape")
        assert (app.prompt.text, app.menu.open, app.keys) == ("ru", False, [])
        await pilot.press("ctrl+r", "ctrl+r", "enter")
        assert (app.prompt.text, app.menu.open, app.sent) == ("run the tests", False, [])
        app.prompt.clear()
        await pilot.press("ctrl+r")
        await typed(pilot, "zzz")
        assert app.menu.open
        assert app.labels == []
        await pilot.press("enter")
        await pilot.pause()
        assert (app.prompt.text, app.menu.open, app.sent) == ("zzz", False, [])

    drive(tmp_path, steps)


# --- completion ---------------------------------------------------------------------------------


def test_commands_are_offered_and_taken(tmp_path: Path) -> None:
    async def steps(app: Host, pilot: Pilot[None]) -> None:
        before = app.chat.resized
        await typed(pilot, "/")
        assert app.labels[:2] == ["/help", "/mode"]
        await typed(pilot, "mo")
        assert app.labels == ["/mode", "/model"]
        await pilot.press("down", "tab")
        assert (app.prompt.text, app.menu.open) == ("/model ", False)
        assert app.chat.resized == before
        app.prompt.clear()
        await typed(pilot, "/hel")
        await pilot.press("enter")
        assert (app.prompt.text, app.sent) == ("/help ", [])
        await pilot.press("enter")
        await pilot.pause()
        assert app.sent == ["/help"]
        await typed(pilot, "/help")
        assert app.menu.open
        await pilot.press("enter")
        await pilot.pause()
        assert app.sent == ["/help", "/help"]

    drive(tmp_path, steps)


def test_no_list_where_nothing_is_meant(tmp_path: Path) -> None:
    async def steps(app: Host, pilot: Pilot[None]) -> None:
        for text in ("/zzz", "say /help", "a\n/help", "!ls /"):
            app.prompt.clear()
            await typed(pilot, text)
            assert not app.menu.open, text

    drive(tmp_path, steps)


def test_arrows_pages_and_the_end_of_the_list(tmp_path: Path) -> None:
    async def steps(app: Host, pilot: Pilot[None]) -> None:
        await typed(pilot, "/")
        chosen = []
        for key in ("up", "down", "pagedown", "pagedown", "pageup", "up"):
            await pilot.press(key)
            chosen.append(app.menu.chosen)
        assert chosen == [9, 0, 8, 9, 1, 0]
        assert app.menu.size.height == 8

    drive(tmp_path, steps)


def test_escape_closes_the_list_before_it_goes_on_and_tab_opens_it_again(tmp_path: Path) -> None:
    async def steps(app: Host, pilot: Pilot[None]) -> None:
        await typed(pilot, "/h")
        await pilot.press("escape")
        assert (app.menu.open, app.keys) == (False, [])
        await typed(pilot, "e")
        assert not app.menu.open
        await pilot.press("tab")
        assert app.labels == ["/help"]
        await pilot.press("escape", "escape")
        assert app.keys == ["escape"]
        assert app.prompt.text == "/he"

    drive(tmp_path, steps)


def test_a_cursor_that_leaves_closes_the_list(tmp_path: Path) -> None:
    async def steps(app: Host, pilot: Pilot[None]) -> None:
        await typed(pilot, "/he")
        await pilot.press("left")
        assert app.menu.open
        await pilot.press("home")
        assert not app.menu.open

    drive(tmp_path, steps)


def test_files_are_offered_and_quoted_where_they_must_be(tmp_path: Path, project: Path) -> None:
    async def steps(app: Host, pilot: Pilot[None]) -> None:
        await typed(pilot, "see @")
        await settled(pilot)
        assert app.labels == ["[id].tsx", "a b.py", "src/app.py", "src/prompt.py", "tests/test_prompt.py"]
        await typed(pilot, "pro")
        await settled(pilot)
        assert app.labels == ["src/prompt.py", "tests/test_prompt.py"]
        assert app.menu.border_subtitle == "2 of 5 files"
        await pilot.press("tab")
        assert app.prompt.text == "see @src/prompt.py "
        await typed(pilot, "@ab")
        await settled(pilot)
        await pilot.press("enter")
        assert app.prompt.text == 'see @src/prompt.py @"a b.py" '
        await pilot.press("left", "left", "left", "left", "backspace")
        await settled(pilot)
        assert app.labels == ["a b.py"]
        await pilot.press("tab")
        assert app.prompt.text == 'see @src/prompt.py @"a b.py" '
        await typed(pilot, "@[")
        await settled(pilot)
        await pilot.press("enter")
        assert app.prompt.text == 'see @src/prompt.py @"a b.py" @[id].tsx '
        assert app.sent == []

    drive(tmp_path, steps, project)


def test_a_row_for_what_stood_there_before_is_not_taken(tmp_path: Path, project: Path) -> None:
    """Enter comes before the new ranking: what was typed is sent, and not what the old list says."""

    async def steps(app: Host, pilot: Pilot[None]) -> None:
        await typed(pilot, "see @pro")
        await settled(pilot)
        assert app.menu.open
        app.post_message(events.Key("z", "z"))
        app.post_message(events.Key("enter", "\r"))
        await settled(pilot)
        assert app.sent == ["see @proz"]
        assert not app.menu.open

    drive(tmp_path, steps, project)


def test_another_project_has_other_files(tmp_path: Path, project: Path) -> None:
    async def steps(app: Host, pilot: Pilot[None]) -> None:
        await typed(pilot, "@")
        await settled(pilot)
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "only.py").touch()
        app.prompt.set_root(tmp_path / "other")
        app.prompt.clear()
        await typed(pilot, "@")
        await settled(pilot)
        assert app.labels == ["only.py"]

    drive(tmp_path, steps, project)


def test_without_a_project_an_at_sign_is_just_that(tmp_path: Path) -> None:
    async def steps(app: Host, pilot: Pilot[None]) -> None:
        await typed(pilot, "@a")
        await settled(pilot)
        assert not app.menu.open

    drive(tmp_path, steps)


def test_a_click_takes_a_row_and_the_wheel_moves(tmp_path: Path) -> None:
    async def steps(app: Host, pilot: Pilot[None]) -> None:
        await typed(pilot, "/")
        await pilot.pause()
        await pilot.click(app.menu, offset=(6, 3))
        await pilot.pause()
        assert (app.prompt.text, app.menu.open) == ("/model ", False)
        assert app.focused is app.prompt.area
        app.prompt.clear()
        await typed(pilot, "/")
        await pilot.pause()
        for scrolled in (events.MouseScrollDown, events.MouseScrollDown, events.MouseScrollUp):
            app.menu.post_message(scrolled(app.menu, 1, 1, 0, 0, 0, False, False, False))
        await pilot.pause()
        assert app.menu.chosen == 1

    drive(tmp_path, steps)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60), (20, 12)])
def test_the_list_lies_just_above_the_text_at_every_size(tmp_path: Path, size: tuple[int, int]) -> None:
    async def steps(app: Host, pilot: Pilot[None]) -> None:
        await typed(pilot, "/")
        await pilot.pause()
        assert app.menu.region.bottom == app.prompt.area.region.y
        assert app.menu.region.y >= 0
        assert app.menu.region.right <= size[0]
        await pilot.resize_terminal(size[0] - 5, size[1] - 1)
        await pilot.pause()
        assert app.menu.region.bottom == app.prompt.area.region.y

    drive(tmp_path, steps, size=size)
