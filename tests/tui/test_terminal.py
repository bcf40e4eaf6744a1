"""The terminal pane in a small app: output of the agent, real commands of the user, keys, pictures."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.events import MouseScrollDown, Paste
from textual.pilot import Pilot
from textual.widgets import Input

import orchestrator.tui
from orchestrator.tui.emulator.cells import text_of
from orchestrator.tui.widgets.terminal import HINT, TerminalPane
from orchestrator.tui.widgets.terminal_view import EMPTY
from tests.held import Held
from tests.tools.test_commands import gone

STYLES = Path(orchestrator.tui.__file__).parent / "styles"
OWN = f"own-child-of-{os.getpid()}"
"""Marks commands: other test runs on this machine have theirs."""
PATIENCE_S = 300.0
"""A limit for what hangs, not a measurement."""
needs_pty = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals of this kind")


class Host(App[None]):
    ENABLE_COMMAND_PALETTE = False
    CSS_PATH = [STYLES / "trace.tcss", STYLES / "terminal.tcss"]  # noqa: RUF012
    CSS = "TerminalPane { height: 1fr; } Input { height: 1; border: none; }"
    BINDINGS = [("f2", "prompt", "back to the prompt")]  # noqa: RUF012

    def __init__(self, theme: str = "textual-dark") -> None:
        super().__init__()
        self.animation_level = "none"
        self._theme_name = theme
        self.pane = TerminalPane()
        self.messages: list[object] = []

    def compose(self) -> ComposeResult:
        yield self.pane
        yield Input()

    def on_mount(self) -> None:
        self.theme = self._theme_name
        self.query_one(Input).cursor_blink = False
        self.pane.focus()

    def action_prompt(self) -> None:
        self.query_one("Host > Screen > Input, Input:last-of-type", Input).focus()

    def on_terminal_pane_started(self, event: TerminalPane.Started) -> None:
        self.messages.append(event)

    def on_terminal_pane_finished(self, event: TerminalPane.Finished) -> None:
        self.messages.append(event)

    def on_terminal_pane_output(self, event: TerminalPane.Output) -> None:
        self.messages.append(event)

    # --- what tests look at -----------------------------------------------------------------

    @property
    def shown(self) -> list[str]:
        view = self.pane.view
        return [text_of(view.row(y).line) for y in range(view.height_of_content)]

    @property
    def drawn(self) -> str:
        """The characters on the screen."""
        return "\n".join(strip.text for strip in self.screen._compositor.render_strips())

    def run_own(self, command: str, **environment: str) -> None:
        self.pane.run(command, Path("/"), {**os.environ, "SHELL": "/bin/sh", **environment})


async def until(pilot: Pilot[Any], condition: Callable[[], bool]) -> None:
    """Wait for what other processes and timers bring, bounded."""
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE_S
    while not condition():
        assert loop.time() < end, pilot.app.drawn  # type: ignore[attr-defined]
        await pilot.pause(0.01)


async def digested(pilot: Pilot[Any]) -> None:
    pane = pilot.app.query_one(TerminalPane)
    await until(pilot, lambda: pane._timer is None and pane._printout.idle)
    await pilot.pause()


def story(told: Callable[[Host, Pilot[None]], Awaitable[None]], size: tuple[int, int] = (80, 24)) -> Host:
    host = Host()

    async def tell() -> None:
        async with host.run_test(size=size) as pilot:
            await pilot.pause()
            await told(host, pilot)

    asyncio.run(tell())
    return host


# --- commands of the agent ----------------------------------------------------------------------


def test_output_of_the_agents_commands_is_shown_as_it_comes() -> None:
    async def told(host: Host, pilot: Pilot[None]) -> None:
        assert EMPTY in host.drawn
        host.pane.begin("$ pytest -q")
        host.pane.feed("\x1b[32m..\x1b[0m")
        host.pane.feed("\x1b[31mF\x1b[0m [100%]\n10%\r")
        host.pane.feed("100%\n[bold]not a tag[/bold]\n")
        await digested(pilot)
        assert host.shown == ["$ pytest -q", "..F [100%]", "100%", "[bold]not a tag[/bold]"]
        host.pane.end(1, 3200)
        host.pane.begin("search [x]\x1b]0;evil\x07\nthing")
        host.pane.end(None, 12)
        await digested(pilot)
        assert host.shown[4:] == ["exit code 1 · 3.2 s", "search [x] thing", "0.0 s"]
        assert any(isinstance(message, TerminalPane.Output) for message in host.messages)

    story(told)


def test_what_comes_while_it_is_hidden_is_there_afterwards() -> None:
    async def told(host: Host, pilot: Pilot[None]) -> None:
        host.pane.display = False
        await pilot.pause()
        host.pane.begin("$ seq 100")
        host.pane.feed("".join(f"{n}\n" for n in range(100)))
        await digested(pilot)
        assert "99" not in host.drawn
        host.pane.display = True
        await until(pilot, lambda: len(host.shown) == 101)
        assert "99" in host.drawn
        assert host.pane.view.is_vertical_scroll_end

    story(told)


def test_a_reader_above_the_end_is_left_where_they_are() -> None:
    async def told(host: Host, pilot: Pilot[None]) -> None:
        host.pane.feed("".join(f"line {n}\n" for n in range(100)))
        await digested(pilot)
        await pilot.press("pageup")
        await pilot.pause()
        top = host.pane.view.scroll_offset.y
        host.pane.feed("more\n" * 50)
        await digested(pilot)
        assert host.pane.view.scroll_offset.y == top
        await pilot.press("end")
        await pilot.pause()
        host.pane.feed("newest\n")
        await digested(pilot)
        assert "newest" in host.drawn

    story(told)


def test_rows_that_are_dropped_do_not_move_what_is_read() -> None:
    async def told(host: Host, pilot: Pilot[None]) -> None:
        host.pane.feed("".join(f"line {n}\n" for n in range(5190)))
        await digested(pilot)
        host.pane.view.scroll_to(y=3000, animate=False)
        await pilot.pause()
        before = [line[:20] for line in host.drawn.splitlines()[1:20]]
        host.pane.feed("more\n" * 100)
        await digested(pilot)
        assert len(host.shown) < 5190
        assert [line[:20] for line in host.drawn.splitlines()[1:20]] == before

    story(told)


@pytest.mark.parametrize(
    "hostile",
    [
        "\x1b]0;title\x07\x1b]52;c;ZXZpbA==\x07\x1b]8;;http://x\x07link\x1b]8;;\x07",
        "[red]x[/] [link=http://x] [/nothing] \\[",
        "\u202egnirts\u202c \u2066x\u2069 שלום مرحبا \u200b\ufeff",
        "\x1b[?1049h\x1b[?25l\x1b[2J\x1b[100;100H\x1b[7mx",
        "👩‍👩‍👧‍👦 ❤️ 🇩🇪 漢字 ｱ e\u0301\u0301\u0301",
        "\x00\x07\x1b[999999999C\x1b[?6n\x1b[c",
        "\x1b[38;5;999m\x1b[38;2;300;0;0m\x1b[;;;m",
        "\ud800\udfff\x85\u2028\u2029",
    ],
    ids=range(8),
)
def test_hostile_output_is_only_text(hostile: str) -> None:
    async def told(host: Host, pilot: Pilot[None]) -> None:
        host.pane.begin(f"$ {hostile}")
        for character in hostile:
            host.pane.feed(character)
        host.pane.end(0, 1)
        await digested(pilot)
        assert host.shown[-1] == "exit code 0 · 0.0 s"
        for strip in host.screen._compositor.render_strips():
            assert strip.cell_length == 80
        assert not any(ord(character) < 32 for line in host.shown for character in line)

    story(told)


def test_a_megabyte_on_one_line_and_a_flood() -> None:
    async def told(host: Host, pilot: Pilot[None]) -> None:
        host.pane.begin("$ one line")
        host.pane.feed("x" * 1_000_000)
        host.pane.end(0, 1)
        await digested(pilot)
        assert host.shown[-1].startswith("exit code 0")
        for _ in range(100):
            host.pane.feed("\x1b[32mflood\x1b[0m of lines\n" * 4000)
        host.pane.feed("last")
        await digested(pilot)
        assert host.shown[-1] == "last"
        assert len(host.shown) < 20_000

    story(told)


def test_a_storm_of_resizes_while_output_comes() -> None:
    async def told(host: Host, pilot: Pilot[None]) -> None:
        host.pane.begin("$ storm")
        for n in range(100):
            host.pane.feed(f"{n} " + "word " * 30 + "\n\x1b[32m" + "漢字" * 30 + "\x1b[0m\n")
            await pilot.resize_terminal(20 + n * 37 % 120, 4 + n * 7 % 40)
        await pilot.resize_terminal(200, 40)
        await digested(pilot)
        await until(pilot, lambda: host.pane._room[0] > 190)
        await digested(pilot)
        assert host.shown[-2].split() == ["99", *["word"] * 30]
        assert host.shown[-1] == "漢字" * 30

    story(told)


def test_the_size_for_the_agents_commands() -> None:
    async def told(host: Host, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: host.pane._printout.size[0] == 119)
        assert host.pane.window_size() == (119, 38)
        await pilot.resize_terminal(40, 10)
        await until(pilot, lambda: host.pane._printout.size[0] == 39)
        assert host.pane.window_size() == (80, 24)
        host.pane.begin("$ wide")
        host.pane.feed("x" * 79 + "\n" + "50%".ljust(79) + "\r" + "100%".ljust(79) + "\n")
        await digested(pilot)
        assert [line.rstrip() for line in host.shown] == ["$ wide", "x" * 39, "x" * 39, "x", "100%"]

    assert TerminalPane().window_size() == (80, 24)
    story(told, (120, 40))


def test_searching() -> None:
    async def told(host: Host, pilot: Pilot[None]) -> None:
        host.pane.feed("".join(f"{'Needle' if n % 50 == 7 else 'hay'} {n}\n" for n in range(200)))
        await digested(pilot)
        await pilot.press("slash", *"needle")
        await pilot.pause()
        assert "4 of 4" in host.drawn
        assert "Needle 157" in host.drawn
        await pilot.press("enter", "n")
        assert "Needle 107" in host.drawn
        await pilot.press("N")
        assert "Needle 157" in host.drawn
        await pilot.press("escape")
        assert host.pane.view.needle == ""
        await pilot.press("slash", *"none]")
        assert "no match" in host.drawn
        await pilot.press("escape")
        assert host.pane.view.has_focus

    story(told)


def test_selected_text_is_copied_with_folded_lines_whole() -> None:
    async def told(host: Host, pilot: Pilot[None]) -> None:
        host.pane.feed("first line\n" + "ab " * 40 + "\n漢字 end\n")
        await digested(pilot)
        await pilot.mouse_down(host.pane.view, offset=(6, 0))
        await pilot.hover(host.pane.view, offset=(2, 3))
        await pilot.mouse_up(host.pane.view, offset=(2, 3))
        await pilot.pause()
        assert host.screen.get_selected_text() == "line\n" + ("ab " * 40).rstrip() + "\n漢字"

    story(told)


# --- the user's own -----------------------------------------------------------------------------


@needs_pty
def test_the_users_command_has_a_terminal_of_its_own() -> None:
    async def told(host: Host, pilot: Pilot[None]) -> None:
        host.run_own(
            "stty size; test -t 1 && : >/dev/tty && echo tty; echo $TERM $MINE; exit 3",
            MINE="my own",
            COLUMNS="7",
        )
        await until(pilot, lambda: not host.pane.running)
        await digested(pilot)
        assert host.shown[1:-1] == ["22 79", "tty", "xterm-256color my own"]
        assert host.shown[-1].startswith("exit code 3 · ")
        kinds = [type(message).__name__ for message in host.messages]
        assert [kind for kind in kinds if kind != "Output"] == ["Started", "Finished"]
        finished = next(message for message in host.messages if isinstance(message, TerminalPane.Finished))
        assert finished.exit_code == 3

    story(told)


@needs_pty
def test_keys_go_to_the_command_and_f2_takes_the_focus_back() -> None:
    async def told(host: Host, pilot: Pilot[None]) -> None:
        host.run_own("cat -v")
        await until(pilot, lambda: HINT in host.drawn)
        assert host.pane.takes_keys
        await pilot.press("a", "slash", "tab", "up", "enter", "ctrl+v", "escape", "f5", "enter")
        await until(pilot, lambda: "^[^[[15~" in host.shown)
        await pilot.press("f2", "x")
        assert host.query(Input).last().value == "x"
        assert not host.pane.takes_keys
        assert host.pane.running
        host.pane.focus()
        await pilot.press("ctrl+d")
        await until(pilot, lambda: not host.pane.running)
        await digested(pilot)
        assert "a/      ^[[A" in host.shown
        assert HINT not in host.drawn

    story(told)


@needs_pty
def test_ctrl_c_goes_to_the_command() -> None:
    async def told(host: Host, pilot: Pilot[None]) -> None:
        host.run_own("trap 'echo caught; exit 5' INT; echo ready; while :; do sleep 1; done")
        await until(pilot, lambda: "ready" in host.shown)
        await pilot.press("ctrl+c")
        await until(pilot, lambda: not host.pane.running)
        await digested(pilot)
        assert "^Ccaught" in host.shown
        assert host.shown[-1].startswith("exit code 5")

    story(told)


@needs_pty
def test_a_paste_is_bracketed_where_that_was_asked_for() -> None:
    async def told(host: Host, pilot: Pilot[None]) -> None:
        host.run_own("stty raw -echo; printf '\\033[?2004hready'; head -c 20 | cat -v")
        await until(pilot, lambda: "ready" in host.shown)
        host.pane.view.post_message(Paste("a\nb\x1b[201~c"))
        await until(pilot, lambda: not host.pane.running)
        await digested(pilot)
        assert any("^[[200~a^Mb[201~c^[[" in line for line in host.shown)

    story(told)


@needs_pty
def test_the_command_is_told_of_a_new_size() -> None:
    async def told(host: Host, pilot: Pilot[None]) -> None:
        host.run_own("trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.05; done")
        await until(pilot, lambda: "ready" in host.shown)
        await pilot.resize_terminal(60, 20)
        await until(pilot, lambda: not host.pane.running)
        await digested(pilot)
        assert "18 59" in host.shown

    story(told)


@needs_pty
@pytest.mark.skipif(shutil.which("less") is None, reason="needs less")
def test_a_pager_takes_the_screen_and_gives_it_back(tmp_path: Path) -> None:
    book = tmp_path / "book"
    book.write_text("".join(f"page line {n}\n" for n in range(300)))

    async def told(host: Host, pilot: Pilot[None]) -> None:
        host.pane.feed("before\n")
        host.pane.end(None, 0)
        host.run_own(f"less {book}", LESS="", LESSOPEN="")
        await until(pilot, lambda: "page line 20" in host.shown)
        assert host.shown[0] == "page line 0"
        assert len(host.shown) == 22
        await pilot.press("space")
        await until(pilot, lambda: "page line 30" in host.shown)
        await pilot.resize_terminal(80, 12)
        await until(pilot, lambda: len(host.shown) == 10)
        await pilot.press("slash", *"line 250", "enter")
        await until(pilot, lambda: host.shown[0] == "page line 250")
        view = host.pane.view
        view.post_message(MouseScrollDown(view, 1, 1, 0, 1, 0, False, False, False))
        await until(pilot, lambda: host.shown[0] == "page line 253")
        await pilot.press("q")
        await until(pilot, lambda: not host.pane.running)
        await digested(pilot)
        assert host.shown[:3] == ["before", "0.0 s", f"! less {book}"]
        assert not any("page line" in line for line in host.shown)

    story(told)


@needs_pty
@pytest.mark.skipif(shutil.which("vim") is None, reason="needs vim")
def test_an_editor_works(tmp_path: Path) -> None:
    page = tmp_path / "page"

    async def told(host: Host, pilot: Pilot[None]) -> None:
        host.run_own(f"vim -N -u NONE -i NONE -n {page}")
        await until(pilot, lambda: "~" in host.shown)
        await pilot.press("i", *"one", "enter", *"two", "up", "home", *"zero ", "escape")
        await until(pilot, lambda: host.shown[:2] == ["zero one", "two"])
        await pilot.press("colon", "w", "q", "enter")
        await until(pilot, lambda: not host.pane.running)

    story(told)
    assert page.read_text() == "zero one\ntwo\n"


@needs_pty
def test_a_flood_waits_until_it_can_be_shown() -> None:
    async def told(host: Host, pilot: Pilot[None]) -> None:
        host.run_own("seq 1 60000; echo the end")
        await until(pilot, lambda: not host.pane.running)
        await digested(pilot)
        assert host.shown[-2] == "the end"
        assert host.shown[-3] == "60000"
        assert host.shown[-4000] == str(60000 - 3997)

    story(told)


@needs_pty
def test_stop_ends_the_command_and_what_it_started(monkeypatch: pytest.MonkeyPatch) -> None:
    async def told(host: Host, pilot: Pilot[None]) -> None:
        child = f"bash -c 'exec -a {OWN}-stop sleep 300'"
        host.run_own(f"trap '' TERM HUP; {child} & echo ready; wait; wait")
        await until(pilot, lambda: "ready" in host.shown)
        host.pane.stop()
        await until(pilot, lambda: not host.pane.running)
        await digested(pilot)
        assert "ended by signal 9" in host.shown[-1]

    story(told)
    assert gone(f"{OWN}-stop")


@needs_pty
def test_closing_the_app_leaves_nothing_behind() -> None:
    before = Held.before()

    async def told(host: Host, pilot: Pilot[None]) -> None:
        host.run_own(f"bash -c 'exec -a {OWN}-close sleep 300'; echo ready")
        await until(pilot, lambda: host.pane.takes_keys)

    story(told)
    assert gone(f"{OWN}-close")
    assert not Held.now().more_than(before)


def test_one_command_at_a_time_and_one_that_cannot_start() -> None:
    async def told(host: Host, pilot: Pilot[None]) -> None:
        host.run_own("cat")
        host.run_own("echo second")
        await until(pilot, lambda: host.pane.takes_keys)
        await pilot.press("ctrl+d")
        await until(pilot, lambda: not host.pane.running)
        host.pane.run("echo x", Path("/no/such/folder"), dict(os.environ))
        await until(pilot, lambda: not host.pane.running)
        await digested(pilot)
        assert not any("second" in line for line in host.shown)
        assert any("could not be started" in line for line in host.shown)
        assert host.shown[-1].startswith("exit code 127")

    story(told)


def test_without_pseudo_terminals_commands_run_with_pipes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.tools.pty.open_pty", lambda columns, rows: None)

    async def told(host: Host, pilot: Pilot[None]) -> None:
        host.run_own("echo begun; read line; echo got $line")
        await until(pilot, lambda: "begun" in host.shown)
        await pilot.press("h", "i", "enter")
        await until(pilot, lambda: not host.pane.running)
        await digested(pilot)
        assert host.shown[1:4] == ["begun", "hi", "got hi"]

    story(told)


def test_the_agents_output_and_the_users_do_not_mix() -> None:
    async def told(host: Host, pilot: Pilot[None]) -> None:
        host.pane.begin("$ agent")
        host.pane.feed("half a ")
        host.run_own("echo mine; cat")
        await until(pilot, lambda: "mine" in host.shown)
        host.pane.feed("line\n")
        await digested(pilot)
        assert "half a line" in host.shown
        host.pane.end(0, 0)
        await pilot.press("ctrl+d")
        await until(pilot, lambda: not host.pane.running)

    story(told)


# --- pictures -----------------------------------------------------------------------------------

TESTS = (
    "\x1b[1m============================= test session starts ==============================\x1b[0m\n"
    "collected 12 items\n\n"
    "tests/test_quota.py \x1b[32m.\x1b[0m\x1b[32m.\x1b[0m\x1b[31mF\x1b[0m\x1b[33ms\x1b[0m"
    "\x1b[31m [ 33%]\x1b[0m\n"
    "\x1b[38;5;208m256 colours\x1b[0m, \x1b[38;2;120;200;255mtrue colours\x1b[0m, \x1b[2mdim\x1b[0m, "
    "\x1b[1;4mstrong\x1b[0m, \x1b[7mreversed\x1b[0m, \x1b[44;97m[on blue]\x1b[0m\n"
)


def picture(
    snap_compare: Any,
    prepare: Callable[[TerminalPane], None],
    size: tuple[int, int] = (80, 24),
    theme: str = "textual-dark",
    focus: bool = True,
) -> None:
    async def before(pilot: Pilot[Any]) -> None:
        host = pilot.app
        assert isinstance(host, Host)
        if not focus:
            host.query_one(Input).focus()
            host.set_focus(None)
        prepare(host.pane)
        await digested(pilot)

    assert snap_compare(Host(theme), terminal_size=size, run_before=before)


def test_picture_nothing_has_run(snap_compare: Any) -> None:
    picture(snap_compare, lambda pane: None, (44, 8), focus=False)


def test_picture_tests_run(snap_compare: Any) -> None:
    def prepare(pane: TerminalPane) -> None:
        pane.begin("$ pytest -q")
        pane.feed(TESTS)

    picture(snap_compare, prepare, (120, 40))


def test_picture_tests_have_failed(snap_compare: Any) -> None:
    def prepare(pane: TerminalPane) -> None:
        pane.begin("$ pytest -q")
        pane.feed(TESTS + "\n\x1b[31m1 failed\x1b[0m, \x1b[32m11 passed\x1b[0m in 0.52s\n")
        pane.end(1, 3200)

    picture(snap_compare, prepare, theme="textual-light")


def test_picture_a_progress_bar(snap_compare: Any) -> None:
    def prepare(pane: TerminalPane) -> None:
        pane.begin("$ pip install heron")
        pane.feed("Collecting heron\n")
        for percent in range(0, 72, 7):
            done = percent // 4
            pane.feed(f"\r\x1b[32m{'━' * done}\x1b[90m{'━' * (25 - done)}\x1b[0m {percent}%")

    picture(snap_compare, prepare, (60, 12))


def test_picture_the_terminals_own_colours(snap_compare: Any) -> None:
    def prepare(pane: TerminalPane) -> None:
        pane.begin("$ pytest -q")
        pane.feed(TESTS)
        pane.end(0, 100)

    picture(snap_compare, prepare, theme="ansi-dark", focus=False)


@needs_pty
def test_picture_the_users_own(snap_compare: Any) -> None:
    async def before(pilot: Pilot[Any]) -> None:
        host = pilot.app
        assert isinstance(host, Host)
        host.run_own("printf 'Name [nobody]? '; read name")
        await until(pilot, lambda: any("Name" in line for line in host.shown) and HINT in host.drawn)
        await pilot.press(*"heron")
        await until(pilot, lambda: host.shown[-1].endswith("heron"))
        await digested(pilot)

    assert snap_compare(Host(), terminal_size=(60, 10), run_before=before)
