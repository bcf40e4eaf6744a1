"""The tool trace: fed with events and records, driven by keys and mouse, looked at in pictures."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from orchestrator.agent.loop import EDITED
from orchestrator.agent.recorder import Recorder
from orchestrator.events import ToolCallEvent, ToolResultEvent
from orchestrator.journal.store import SqliteJournal
from orchestrator.paths import Home
from orchestrator.tui import calls
from orchestrator.tui.call_text import Call, State, duration, header, yielded
from orchestrator.tui.calls import CallList
from orchestrator.tui.lines import Line, cells
from orchestrator.tui.widgets.trace import TracePane
from orchestrator.types import ToolCall, ToolResult

STYLES = Path(calls.__file__).parent / "styles"
DIFF = """--- a/utils/quota.py
+++ b/utils/quota.py
@@ -5,3 +5,3 @@
 def charge(account, amount):
-    if account.left < amount:
+    if account.left <= amount:
         raise QuotaExceeded(account.name)
"""
FOUND = """utils/quota.py:1: class QuotaExceeded(Exception):
utils/quota.py:7 in charge: raise QuotaExceeded(account.name)
app/main.py:44 in serve: except QuotaExceeded as error:
(3 matches in 2 files)"""


class Host(App[None]):
    CSS_PATH = [STYLES / "trace.tcss"]  # noqa: RUF012

    def __init__(self, theme: str = "textual-dark") -> None:
        super().__init__()
        self.now = 100.0
        self.pane = TracePane(lambda: self.now)
        self.posted: list[object] = []
        self.copied = ""
        self._theme_name = theme

    def compose(self) -> ComposeResult:
        yield self.pane

    def on_mount(self) -> None:
        self.theme = self._theme_name
        self.pane.focus()

    def copy_to_clipboard(self, text: str) -> None:
        self.copied = text

    def on_trace_pane_open_record(self, event: TracePane.OpenRecord) -> None:
        self.posted.append(event.citation)

    def on_trace_pane_stop(self, event: TracePane.Stop) -> None:
        self.posted.append("stop")

    def shown(self) -> list[str]:
        """The list's lines as they are on the screen."""
        panel = self.pane.list
        return [panel.render_line(y).text.rstrip() for y in range(panel.size.height)]


def drive(act: Callable[[Host, Pilot[None]], Awaitable[None]], size: tuple[int, int] = (80, 24)) -> Host:
    async def run() -> Host:
        app = Host()
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await act(app, pilot)
        return app

    return asyncio.run(run())


def call(name: str = "search", citation: str = "S7f3a#2", /, **arguments: object) -> ToolCallEvent:
    return ToolCallEvent(name, arguments, citation)


def result(
    name: str = "search", text: str = "", citation: str = "S7f3a#3", **more: object
) -> ToolResultEvent:
    fields: dict[str, object] = {
        "ok": True, "exit_code": None, "duration_ms": 12, "truncated": False, "diff": ""
    }  # fmt: skip
    return ToolResultEvent(name=name, text=text, citation=citation, **(fields | more))  # type: ignore[arg-type]


def session(pane: TracePane) -> None:
    """One call of each kind."""
    pane.call(call("search", "S7f3a#2", pattern="QuotaExceeded"))
    pane.result(result("search", FOUND, "S7f3a#3"))
    pane.call(call("edit", "S7f3a#4", path="utils/quota.py", old="left < amount", new="left <= amount"))
    pane.result(result("edit", "utils/quota.py changed +1 −1", "S7f3a#5", diff=DIFF, duration_ms=3))
    pane.call(call("shell", "S7f3a#6", command="pytest -q tests/test_quota.py"))
    text = "..F.\n1 failed, 3 passed\n[exit code 1]"
    pane.result(result("shell", text, "S7f3a#7", ok=False, exit_code=1, duration_ms=2345))
    pane.call(call("shell", "S7f3a#8", command="git push --force"))
    pane.result(result("shell", "Not allowed: the user said no.", "S7f3a#9", ok=False, duration_ms=0))
    pane.call(call("read", "S7f3a#10", path="utils/quotas.py"))
    pane.result(
        result("read", "utils/quotas.py does not exist. Did you mean: utils/quota.py?", "S7f3a#11", ok=False)
    )


def text_of(line: Line) -> str:
    return "".join(span.text for span in line)


# --- one line -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("search", FOUND, "3 hits"),
        ("search", "a.py:1: x\n(no exact match; case-blind: 1 match in 1 file)", "1 hit"),
        ("search", "a.py:1: x\n(at least 1,200 matches in 9 files)", "1,200 hits"),
        ("search", "a.py\nb.py\n(2 file names for *.py)", "2 names"),
        ("read", "a.py, 9 lines:\n 1 x", "9 lines"),
        ("read", "a.py, lines 11–20 of 300:\n11 x", "10 lines"),
        ("read", "./ 4 files:\na.py", "4 files"),
        ("note", "noted as S7f3a#3: lesson: x", ""),
    ],
)
def test_what_a_call_yielded_is_read_from_the_tools_own_words(name: str, text: str, said: str) -> None:
    assert yielded(Call(name, {}, text=text)) == said


def test_durations_are_short() -> None:
    assert [duration(ms) for ms in (0, 12, 999, 1000, 59_949, 60_000, 125_000)] == [
        "0ms", "12ms", "999ms", "1.0s", "59.9s", "1m00s", "2m05s"
    ]  # fmt: skip


@pytest.mark.parametrize("width", [1, 8, 20, 40, 80])
@pytest.mark.parametrize("text", ["x" * 500, "字" * 300, "🇩🇪👩‍👩‍👧" * 40, "ש" * 200, "a\tb\nc"])
def test_a_header_never_exceeds_its_width(width: int, text: str) -> None:
    finished = Call("shell", {"command": text}, state=State.FAILED, exit_code=1)
    running = Call("字字字", {"path": text, "old": text})
    assert max(cells(header(one, 5.0, width)) for one in (finished, running)) <= width


# --- from events --------------------------------------------------------------------------------


def test_each_call_is_one_line_with_what_came_of_it() -> None:
    async def act(app: Host, pilot: Pilot[None]) -> None:
        session(app.pane)
        await pilot.pause()
        shown = [" ".join(line.split()) for line in app.shown()[:5]]
        assert shown == [
            '▸ search "QuotaExceeded" 3 hits 12ms',
            "▸ edit utils/quota.py left < amount left <= amount +1 −1 3ms",
            "▸ shell pytest -q tests/test_quota.py ✗ exit 1 2.3s",
            "▸ shell git push --force ✗ denied",
            "▌▸ read utils/quotas.py ✗ not found 12ms",
        ]

    drive(act)


def test_a_running_call_counts_seconds_and_nothing_else_is_drawn() -> None:
    async def act(app: Host, pilot: Pilot[None]) -> None:
        session(app.pane)
        app.pane.call(call("shell", command="pytest -q"))
        await pilot.pause()
        assert app.shown()[5].split()[-4:] == ["running", "0", "s", "⏹"]
        app.now += 3.4
        drawn: list[int] = []
        panel = app.pane.list
        render = panel.render_line
        panel.render_line = lambda y: drawn.append(y) or render(y)  # type: ignore[method-assign,func-returns-value]
        size = panel.virtual_size
        app.pane._tick()
        await pilot.pause()
        assert drawn == [5]
        assert panel.virtual_size is size
        del panel.render_line  # type: ignore[method-assign]
        assert "running 3 s ⏹" in app.shown()[5]

    drive(act)


def test_a_call_that_waits_for_a_person_says_so_and_its_time_counts_from_the_answer_on() -> None:
    async def act(app: Host, pilot: Pilot[None]) -> None:
        app.pane.asked(True)  # the question may be quicker than what is shown of the call
        app.pane.call(call("shell", command="make"))
        app.now += 60
        app.pane._tick()
        await pilot.pause()
        assert "waits for you ⏹" in app.shown()[0]
        app.pane.asked(False)
        app.now += 2
        app.pane._tick()
        await pilot.pause()
        assert "running 2 s ⏹" in app.shown()[0]

    drive(act)


def test_output_of_a_running_command_shows_its_last_lines_when_opened() -> None:
    async def act(app: Host, pilot: Pilot[None]) -> None:
        app.pane.call(call("shell", command="make"))
        app.pane.output("".join(f"line {n}\n" for n in range(100)))
        await pilot.press("enter")
        assert "line 99" in "\n".join(app.shown())
        app.pane.output("\x1b[32mline 100\x1b[0m\n" + "y" * 100_000)
        await pilot.pause()
        assert len(app.pane._calls[0].output) <= calls.TEXT_CHARS
        app.pane.result(result("shell", "the whole output", exit_code=0))
        await pilot.pause()
        assert "the whole output" in app.shown()[1]
        assert "line 99" not in "\n".join(app.shown())

    drive(act)


def test_interrupted_says_so_and_keeps_what_was_said() -> None:
    async def act(app: Host, pilot: Pilot[None]) -> None:
        app.pane.interrupted()  # nothing runs: nothing happens
        app.pane.call(call("shell", command="sleep 9"))
        app.pane.output("so far\n")
        app.pane.interrupted()
        await pilot.press("enter")
        assert "✗ interrupted" in app.shown()[0]
        assert "so far" in app.shown()[1]

    drive(act)


def test_a_call_the_user_changed_is_not_a_failure() -> None:
    async def act(app: Host, pilot: Pilot[None]) -> None:
        app.pane.call(call("shell", command="rm -r build"))
        app.pane.result(result("shell", EDITED, ok=False))
        app.pane.call(call("shell", command="rm -r build/old"))
        await pilot.pause()
        assert app.shown()[0].endswith("changed by you")
        assert "running" in app.shown()[1]

    drive(act)


# --- keys and mouse -----------------------------------------------------------------------------


def test_open_close_and_open_all() -> None:
    async def act(app: Host, pilot: Pilot[None]) -> None:
        session(app.pane)
        await pilot.press("home", "enter")
        assert "utils/quota.py:1: class QuotaExceeded" in app.shown()[1]
        await pilot.press("space")
        assert app.pane.list.virtual_size.height == 5
        await pilot.press("e")
        whole = "\n".join(app.shown())
        assert "+    if account.left <= amount:" in whole
        await pilot.press("e")
        assert app.pane.list.virtual_size.height == 5
        await pilot.click(app.pane.list, offset=(5, 1))
        assert "old: left < amount" in "\n".join(app.shown())
        await pilot.click(app.pane.list, offset=(5, 3))  # into its text: the cursor only
        assert app.pane.list.place is not None
        assert app.pane.list.place.line == 2
        assert app.pane.list.virtual_size.height > 5

    drive(act)


def test_the_record_is_asked_for_and_the_result_copied() -> None:
    async def act(app: Host, pilot: Pilot[None]) -> None:
        await pilot.press("o", "y", "enter", "up", "down", "pagedown", "e")  # empty: nothing
        session(app.pane)
        await pilot.press("home", "o", "y", "end", "o")

    app = drive(act)
    assert app.posted == ["S7f3a#3", "S7f3a#11"]
    assert app.copied == FOUND


def test_a_click_on_the_stop_sign_asks_to_stop() -> None:
    async def act(app: Host, pilot: Pilot[None]) -> None:
        app.pane.call(call("shell", command="sleep 9"))
        await pilot.pause()
        x = app.shown()[0].index("⏹")
        await pilot.click(app.pane.list, offset=(x, 0))
        assert not app.pane._calls[0].opened

    assert drive(act).posted == ["stop"]


def test_it_follows_the_newest_unless_the_user_went_up() -> None:
    async def act(app: Host, pilot: Pilot[None]) -> None:
        def one(n: int) -> None:
            app.pane.call(call("read", path=f"file{n}.py"))
            app.pane.result(result("read", "x"))

        for n in range(40):
            one(n)
        await pilot.pause()
        assert "file39.py" in app.shown()[-1]
        await pilot.press("home")
        one(40)
        await pilot.pause()
        assert "file0.py" in app.shown()[0]
        await pilot.press("end")
        one(41)
        await pilot.pause()
        assert "file41.py" in app.shown()[-1]
        app.pane.list.scroll_relative(y=-5, animate=False)  # as the wheel does
        one(42)
        await pilot.pause()
        assert "file36.py" in app.shown()[-1]
        app.pane.list.scroll_end(animate=False)
        await pilot.pause()
        one(43)
        await pilot.pause()
        assert "file43.py" in app.shown()[-1]

    drive(act)


def test_what_one_reads_stays_while_old_calls_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "MOST_CALLS", 60)

    async def act(app: Host, pilot: Pilot[None]) -> None:
        for n in range(60):
            app.pane.call(call("read", path=f"file{n}.py"))
        await pilot.press("home", *["down"] * 30, *["up"] * 10)
        before = app.shown()
        assert "▌" in before[next(y for y, line in enumerate(before) if "file20.py" in line)]
        for n in range(60, 63):
            app.pane.call(call("read", path=f"file{n}.py"))
        await pilot.pause()
        assert app.shown() == before
        assert "file3.py" in text_of(app.pane._calls.line(0, 0, 80))

    drive(act)


def test_search_by_typing_goes_to_the_newest_match_first() -> None:
    async def act(app: Host, pilot: Pilot[None]) -> None:
        session(app.pane)
        await pilot.press("slash", *"PYTEST")
        assert app.pane.list.place is not None
        assert app.pane.list.place.item == 2
        await pilot.press("enter", "n")
        assert app.pane.list.place.item == 2  # the only one, round again
        await pilot.press("slash", *"quota.py")
        await pilot.press("enter")
        seen = []
        for key in ("n", "n", "n", "N", "N"):
            seen.append(app.pane.list.place.item)
            await pilot.press(key)
        assert seen == [2, 1, 0, 4, 0]  # to older ones, round, and back
        await pilot.press("escape")
        assert app.pane.list.needle == ""

    drive(act)


def test_search_finds_lines_of_opened_calls_and_says_when_there_is_none() -> None:
    async def act(app: Host, pilot: Pilot[None]) -> None:
        session(app.pane)
        await pilot.press("e", "slash", *"account.name")
        place = app.pane.list.place
        assert place is not None
        assert "raise QuotaExceeded" in text_of(app.pane._calls.line(place.item, place.line, 70))
        await pilot.press(*"zzz")
        assert str(app.pane.find_bar.query_one("#said").render()) == "no match"
        await pilot.press("escape")
        assert not app.pane.find_bar.opened
        assert app.pane.list.has_focus
        assert app.pane.list.place is not None
        assert app.pane.list.place.item == 4  # where the search began

    drive(act)


# --- from records -------------------------------------------------------------------------------


def test_a_past_session_is_rebuilt_from_its_records(orch_home: Home) -> None:
    with SqliteJournal.open(orch_home) as journal:
        recorder = Recorder(journal, "p1", "7f3a" * 8)
        recorder.prompt("Fix it")
        edit = ToolCall("edit", {"path": "utils/quota.py", "old": "<", "new": "<="})
        cited = recorder.tool_call(edit)
        recorder.tool_result(edit, ToolResult(True, "changed", duration_ms=3, diff=DIFF), cited.record)
        shell = ToolCall("shell", {"command": "rm -r build"})
        cited = recorder.tool_call(shell)
        changed = recorder.edited_call(ToolCall("shell", {"command": "ls"}), cited.record)
        recorder.tool_result(shell, ToolResult(False, "[exit code 2]", exit_code=2), changed.record)
        recorder.tool_call(ToolCall("run", {"code": "1"}))  # killed here
        records = journal.records()
        kept = CallList(lambda: 0.0)
        kept.restore(records)
        shown = [" ".join(text_of(kept.line(n, 0, 80)).split()) for n in range(len(kept))]
        assert shown == [
            "▸ edit utils/quota.py < <= +1 −1 3ms",
            "▸ shell rm -r build changed by you",
            "▸ shell ls ✗ exit 2 0ms",
            "▸ run 1 ✗ interrupted",
        ]
        one = kept[0].result_citation
        assert [record.kind for record in journal.resolve(one)] == ["tool_result"]


def test_restore_takes_the_place_of_what_was_there() -> None:
    async def act(app: Host, pilot: Pilot[None]) -> None:
        session(app.pane)
        app.pane.restore([])
        await pilot.pause()
        assert "Tool calls appear here" in app.shown()[0]
        session(app.pane)
        app.pane.clear()
        await pilot.pause()
        assert "Tool calls appear here" in app.shown()[0]

    drive(act)


# --- bounds and hostile text --------------------------------------------------------------------


def test_thousands_of_calls_keep_the_newest_and_bounded_text(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = CallList(lambda: 0.0)
    for n in range(2_500):
        kept.call(call("read", path=f"file{n}.py"))
        kept.result(result("read", "x"))
    assert len(kept) == calls.MOST_CALLS
    assert kept[0].arguments == {"path": "file500.py"}
    monkeypatch.setattr(calls, "MOST_CHARS", 100_000)
    for _ in range(50):
        kept.call(call("shell", command="cat big"))
        kept.result(result("shell", "y" * 1_000_000))
    assert sum(kept[n].chars() for n in range(len(kept))) <= 100_000
    assert kept._chars == sum(kept[n].chars() for n in range(len(kept)))
    assert "992,000 more characters are in the record" in kept[len(kept) - 1].text


HOSTILE = [
    "[bold]x[/bold] [/] [@click=app.quit]y[/]",
    "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x1b[0m\x9b5A\x90q\x9c",
    "שלום \u202ereversed\u202c עולם",
    "z" * 1_000_000,
    "字" * 100_000,
    "\x00\x01\ud800\u2028\r\n\r\x0b" * 50,
]


@pytest.mark.parametrize("text", HOSTILE, ids=["brackets", "escapes", "rtl", "long", "wide", "controls"])
def test_hostile_text_is_only_text(text: str) -> None:
    async def act(app: Host, pilot: Pilot[None]) -> None:
        app.pane.call(call(text, text, **{"path": text, "x": text, text[:50]: text}))
        app.pane.output(text)
        await pilot.press("enter", "enter")
        app.pane.result(result(text, text, text, diff=f"@@\n+{text}\n-{text}", ok=False))
        app.pane.interrupted()
        await pilot.press("enter", "slash", *"zz", "enter", "n", "end", "y", "o", "home")
        await pilot.hover(app.pane.list, offset=(3, 0))
        shown = "\n".join(app.shown())
        assert not any(ord(char) < 32 and char != "\n" for char in shown)
        assert "\u202e" not in shown
        assert max(map(len, app.shown())) <= 80
        if "[bold]" in text:
            assert "[bold]x[/bold] [/] [@click=app.quit]y[/]" in shown

    drive(act)


def test_a_storm_of_resizes_keeps_the_newest_in_sight() -> None:
    async def act(app: Host, pilot: Pilot[None]) -> None:
        session(app.pane)
        await pilot.press("e", "end")
        for size in [(20, 5), (200, 60), (1, 1), (41, 7), (120, 40), (80, 24), (30, 6)]:
            await pilot.resize_terminal(*size)
        assert app.shown()[0] == " ▾ read    utils… ✗ not found"
        await pilot.resize_terminal(80, 24)
        assert "S7f3a#10 → S7f3a#11" in "\n".join(app.shown())

    drive(act)


# --- pictures -----------------------------------------------------------------------------------


async def _empty(pilot: Pilot[None]) -> None:
    await pilot.pause()


async def _opened(pilot: Pilot[None]) -> None:
    app = pilot.app
    assert isinstance(app, Host)
    session(app.pane)
    await pilot.press("home", "enter", "end", "up", "up", "up", "enter")


async def _running(pilot: Pilot[None]) -> None:
    app = pilot.app
    assert isinstance(app, Host)
    session(app.pane)
    app.pane.call(call("shell", "S7f3a#12", command="pytest -q"))
    app.pane.output("..........F.....                [ 71%]\n")
    app.now += 3
    await pilot.press("enter")


async def _searching(pilot: Pilot[None]) -> None:
    app = pilot.app
    assert isinstance(app, Host)
    session(app.pane)
    await pilot.press("e", "slash", *"quota")


PICTURES = [
    ("empty", "textual-dark", (40, 12), _empty),
    ("opened", "textual-dark", (80, 24), _opened),
    ("opened", "textual-light", (120, 40), _opened),
    ("opened", "ansi-dark", (42, 24), _opened),
    ("running", "textual-dark", (42, 13), _running),
    ("running", "textual-light", (80, 24), _running),
    ("running", "textual-dark", (200, 60), _running),
    ("searching", "textual-light", (80, 24), _searching),
]


@pytest.mark.parametrize(
    ("theme", "size", "act"),
    [picture[1:] for picture in PICTURES],
    ids=[f"{name}-{theme}-{size[0]}x{size[1]}" for name, theme, size, _ in PICTURES],
)
def test_picture(
    snap_compare: Callable[..., bool],
    theme: str,
    size: tuple[int, int],
    act: Callable[[Pilot[None]], Awaitable[None]],
) -> None:
    assert snap_compare(Host(theme), terminal_size=size, run_before=act)
