"""The memory log over a real journal: read in a thread, driven by keys, looked at in pictures."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from orchestrator.errors import JournalError
from orchestrator.journal.store import SqliteJournal
from orchestrator.paths import Home
from orchestrator.tui import record_rows
from orchestrator.tui.node import LoggedRecord
from orchestrator.tui.screens.record import RecordScreen
from orchestrator.tui.widgets import memory_log
from orchestrator.tui.widgets.memory_log import MemoryLogPane
from orchestrator.types import Entry, Kind

STYLES = Path(record_rows.__file__).parent / "styles"
SESSION = "7f3a" * 8
NOW = 1_793_700_000


class Steady:
    """A clock that stands still, in milliseconds."""

    def __init__(self) -> None:
        self.now = NOW * 1000

    def now_ms(self) -> int:
        return self.now


class Host(App[None]):
    CSS_PATH = [STYLES / "trace.tcss", STYLES / "memory_log.tcss"]  # noqa: RUF012

    def __init__(self, journal: SqliteJournal, theme: str = "textual-dark") -> None:
        super().__init__()
        self.journal = journal
        self.project = "p1"
        self.fetched: list[tuple[int, int | None]] = []
        self.threads: set[threading.Thread] = set()
        self.trouble: Exception | None = None
        self.now = float(NOW + 600)
        self.pane = MemoryLogPane(self.fetch, lambda: self.now)
        self.copied = ""
        self._theme_name = theme

    def fetch(
        self, after: int, kinds: Sequence[Kind], limit: int, /, *, before: int | None = None
    ) -> list[LoggedRecord]:
        self.threads.add(threading.current_thread())
        self.fetched.append((after, before))
        if self.trouble:
            raise self.trouble
        found = self.journal.after(after, project=self.project, kinds=kinds, limit=limit, before=before)
        return [LoggedRecord(*one) for one in found]

    def compose(self) -> ComposeResult:
        yield self.pane

    def on_mount(self) -> None:
        self.theme = self._theme_name
        self.pane.focus()

    def copy_to_clipboard(self, text: str) -> None:
        self.copied = text

    def shown(self) -> list[str]:
        """The rows as they are on the screen, without white space to spare."""
        panel = self.pane.list
        lines = (" ".join(panel.render_line(y).text.split()) for y in range(panel.size.height))
        return [line for line in lines if line]


async def settled(pilot: Pilot[None]) -> None:
    """The pane has read whatever was asked of it."""
    wanted = pilot.app.query_one(MemoryLogPane)._wanted
    await pilot.pause()
    while wanted.is_set() or not wanted._waiters:  # it reads
        await pilot.pause()
    await pilot.pause()


async def opened(pilot: Pilot[None]) -> None:
    """The chosen record has been read and is shown."""
    while not isinstance(pilot.app.screen, RecordScreen):
        await pilot.pause()
    await pilot.pause()


def drive(
    journal: SqliteJournal,
    act: Callable[[Host, Pilot[None]], Awaitable[None]],
    size: tuple[int, int] = (80, 24),
) -> Host:
    async def run() -> Host:
        app = Host(journal)
        async with app.run_test(size=size, tooltips=True) as pilot:
            await settled(pilot)
            await act(app, pilot)
        return app

    return asyncio.run(run())


@pytest.fixture
def journal(orch_home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqliteJournal]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.setattr("secrets.token_hex", lambda size: "5a" * size)
    with SqliteJournal.open(orch_home, Steady()) as opened:
        with opened._connection:
            opened._connection.execute("UPDATE meta SET value = ? WHERE key = 'dev'", ("de" * 16,))
        yield opened
    monkeypatch.undo()
    time.tzset()


def write(journal: SqliteJournal, kind: Kind, project: str = "p1", /, **body: Any) -> None:
    journal.append([Entry(kind, body, project, SESSION)])


def many(journal: SqliteJournal, count: int, kind: Kind = "note") -> None:
    journal.append([Entry(kind, {"text": f"row {n}"}, "p1", SESSION) for n in range(count)])


def a_session(journal: SqliteJournal) -> None:
    write(journal, "session", event="start", model="qwen2.5-coder-1.5b", mode="ask", sandbox="bwrap")
    write(journal, "message", role="user", text="Which function raises QuotaExceeded?")
    write(journal, "tool_call", name="search", arguments={"pattern": "QuotaExceeded"})
    found = {"ok": True, "exit_code": None, "duration_ms": 12, "text": "(3 matches in 2 files)"}
    write(journal, "tool_result", name="search", **found)
    write(journal, "message", role="assistant", text="`charge` in utils/quota.py, line 7.")
    because = {"because": "SQLite locks under our writers", "by": "user", "status": "confirmed"}
    write(journal, "decision", text="use PostgreSQL for the queue", **because)
    write(journal, "lesson", text="quota tests need a frozen clock", by="model", status="claimed")
    failed = {"ok": False, "exit_code": 1, "duration_ms": 2345, "text": "1 failed, 3 passed"}
    write(journal, "tool_result", name="shell", **failed)
    write(journal, "blocker", text="the staging server is down", by="user", status="confirmed")
    write(journal, "next", text="freeze the clock in tests/test_quota.py", by="model", status="claimed")


# --- what is shown ------------------------------------------------------------------------------


def test_records_stand_in_order_with_time_kind_text_citation_and_mark(journal: SqliteJournal) -> None:
    a_session(journal)

    async def act(app: Host, pilot: Pilot[None]) -> None:
        shown = app.shown()
        assert shown[0] == "10m session start · qwen2.5-coder-1.5b · ask · bwrap S7f3a#1"
        assert shown[3] == "10m result search 3 hits 12ms S7f3a#4"
        assert shown[5] == "10m decision use PostgreSQL for the queue (because SQLite locks… S7f3a#6 ✔"
        assert shown[7] == "10m result shell ✗ exit 1: 1 failed, 3 passed S7f3a#8"
        assert shown[9] == "▌ 10m next freeze the clock in tests/test_quota.py S7f3a#10 ?"

    assert threading.main_thread() not in drive(journal, act).threads


def test_the_time_is_whole_on_hover(journal: SqliteJournal) -> None:
    write(journal, "note", text="[b]x")

    async def act(app: Host, pilot: Pilot[None]) -> None:
        await pilot.hover(app.pane.list, offset=(5, 0))
        await pilot.pause()
        assert str(app.pane.list.tooltip) == "2026-11-03 10:00:00 · note · S7f3a#1"

    drive(journal, act)


def test_an_empty_log_says_what_will_be_here(journal: SqliteJournal) -> None:
    async def act(app: Host, pilot: Pilot[None]) -> None:
        assert app.shown()[0].startswith("Records appear here as they are written")
        await pilot.press("enter", "up", "end", "slash", "x", "enter")

    drive(journal, act)


def test_new_records_come_when_told_and_each_second(journal: SqliteJournal) -> None:
    async def act(app: Host, pilot: Pilot[None]) -> None:
        write(journal, "note", text="one")
        app.pane.refresh_now()
        await settled(pilot)
        assert "one" in app.shown()[0]
        write(journal, "note", text="two")
        write(journal, "note", "p2", text="of another project")
        app.pane._tick()
        await settled(pilot)
        assert [line.split()[-3] for line in app.shown()] == ["one", "two"]
        app.project = "p2"
        app.pane.reload()
        await settled(pilot)
        assert len(app.shown()) == 1
        assert "of another project" in app.shown()[0]

    drive(journal, act)


def test_it_asks_nothing_while_it_is_hidden(journal: SqliteJournal) -> None:
    async def act(app: Host, pilot: Pilot[None]) -> None:
        assert app.pane._second._active.is_set()
        app.pane.display = False
        await pilot.pause()
        assert not app.pane._second._active.is_set()
        write(journal, "note", text="meanwhile")
        before = len(app.fetched)
        app.pane.display = True
        await settled(pilot)
        assert len(app.fetched) > before
        assert "meanwhile" in app.shown()[0]

    drive(journal, act)


def test_a_second_without_news_moves_nothing(journal: SqliteJournal) -> None:
    many(journal, 50)

    async def act(app: Host, pilot: Pilot[None]) -> None:
        size = app.pane.list.virtual_size
        drawn: list[int] = []
        render = app.pane.list.render_line
        app.pane.list.render_line = lambda y: drawn.append(y) or render(y)  # type: ignore[method-assign,func-returns-value]
        app.pane._tick()
        drawn.clear()  # the first tick also learns which minute it is
        await settled(pilot)
        drawn.clear()
        app.pane._tick()
        await settled(pilot)
        assert drawn == []
        assert app.pane.list.virtual_size is size
        app.now += 60
        app.pane._tick()
        await settled(pilot)
        assert drawn  # times are relative

    drive(journal, act)


def test_an_error_is_one_line_and_goes_away(journal: SqliteJournal) -> None:
    write(journal, "note", text="kept")

    async def act(app: Host, pilot: Pilot[None]) -> None:
        app.trouble = JournalError("The journal stayed [locked].", "End the program that holds it.")
        app.pane.refresh_now()
        await settled(pilot)
        said = str(app.pane._kinds.render())
        assert "The journal stayed [locked]. End the program that holds it." in said
        assert "kept" in app.shown()[0]
        await pilot.press("enter")
        await pilot.pause()
        assert not isinstance(app.screen, RecordScreen)
        app.trouble = None
        app.pane.refresh_now()
        await settled(pilot)
        assert "0 all" in str(app.pane._kinds.render())

    drive(journal, act)


# --- a long history -----------------------------------------------------------------------------


def test_older_records_are_read_when_one_goes_to_the_top(journal: SqliteJournal) -> None:
    many(journal, memory_log.PAGE * 2 + 50)

    async def act(app: Host, pilot: Pilot[None]) -> None:
        rows = app.pane._rows
        assert (len(rows), rows.first) == (memory_log.PAGE, memory_log.PAGE + 51)
        await pilot.press("home")
        await settled(pilot)
        assert len(rows) == memory_log.PAGE * 2
        assert "row 350" in app.shown()[0]  # what one looked at has not moved
        await pilot.press("up", "home")
        await settled(pilot)
        assert (len(rows), rows.first) == (memory_log.PAGE * 2 + 50, 1)
        app.fetched.clear()
        await pilot.press("home", "home", "up")
        await settled(pilot)
        assert "row 0" in app.shown()[0]
        assert not [before for _, before in app.fetched if before]  # there are no older ones, and it knows

    drive(journal, act)


def test_the_log_is_bounded_at_both_ends(journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_rows, "MOST_ROWS", 400)
    many(journal, 1_000)

    async def act(app: Host, pilot: Pilot[None]) -> None:
        for _ in range(4):
            await pilot.press("home")
            await settled(pilot)
        assert len(app.pane._rows) == 400
        await pilot.press("end")
        many(journal, 50)
        app.pane.refresh_now()
        await settled(pilot)
        assert (len(app.pane._rows), app.pane._rows.last) == (400, 1_050)
        assert "row 49" in app.shown()[-1]

    drive(journal, act)


def test_more_news_than_a_page_leaves_no_gap(journal: SqliteJournal) -> None:
    many(journal, 10)

    async def act(app: Host, pilot: Pilot[None]) -> None:
        many(journal, memory_log.PAGE + 20)
        app.pane.refresh_now()
        await settled(pilot)
        arrivals = [app.pane._rows[n].arrival for n in range(len(app.pane._rows))]
        assert arrivals == list(range(31, memory_log.PAGE + 31))
        await pilot.press("home")
        await settled(pilot)
        assert app.pane._rows.first == 1

    drive(journal, act)


# --- filter, search, detail ---------------------------------------------------------------------


def test_kinds_by_number_by_f_and_by_mouse(journal: SqliteJournal) -> None:
    a_session(journal)

    async def act(app: Host, pilot: Pilot[None]) -> None:
        async def kinds(*keys: str) -> list[str]:
            await pilot.press(*keys)
            await settled(pilot)
            return [line.removeprefix("▌ ").split()[1] for line in app.shown()]

        assert await kinds("3") == ["decision"]
        assert await kinds("5") == ["decision", "blocker"]
        assert await kinds("3") == ["blocker"]
        assert await kinds("f") == ["next"]
        await kinds("0", "8")
        assert app.shown() == ["No record of this kind yet. 0 shows all."]
        assert len(await kinds("0")) == 10
        assert await kinds("f") == ["you", "answer"]
        assert await kinds("f") == ["call", "result", "result"]
        bar = str(app.pane._kinds.render())
        await pilot.click(app.pane._kinds, offset=(bar.index("1 chat"), 0))
        await settled(pilot)
        assert len(app.shown()) == 5
        assert len(await kinds(*"fffffffff")) == 10  # round to all

    drive(journal, act)


def test_search_looks_at_what_is_loaded_then_further_back(journal: SqliteJournal) -> None:
    write(journal, "lesson", text="the needle")
    many(journal, memory_log.PAGE * 3)

    async def act(app: Host, pilot: Pilot[None]) -> None:
        await pilot.press("slash", *"row 899")
        await pilot.press("enter")
        assert "▌" in app.shown()[-1]
        await pilot.press("slash", *"NEEDLE")
        assert str(app.pane.find_bar.query_one("#said").render()) == "no match"
        await pilot.press("enter")
        await settled(pilot)
        assert app.shown()[0].startswith("▌ 10m lesson the needle")
        assert "0 all" in str(app.pane._kinds.render())
        await pilot.press("escape", "slash", *"nowhere", "enter")
        await settled(pilot)
        assert app.pane.list.needle == "nowhere"

    drive(journal, act)


def test_one_record_opens_in_full_and_escape_goes_back(journal: SqliteJournal) -> None:
    a_session(journal)

    async def act(app: Host, pilot: Pilot[None]) -> None:
        await pilot.press(*["up"] * 4, "enter")
        await opened(pilot)
        screen = app.screen
        assert isinstance(screen, RecordScreen)
        panel = screen._pane.list
        text = "\n".join(panel.render_line(y).text.rstrip() for y in range(panel.size.height))
        assert "text      use PostgreSQL for the queue" in text
        assert "because   SQLite locks under our writers" in text
        assert "2026-11-03 10:00:00" in text
        await pilot.press("slash", *"locks", "enter")
        assert panel.place is not None
        await pilot.press("y")
        await pilot.press("escape")  # the search
        assert app.screen is screen
        await pilot.press("escape")
        assert app.screen is not screen
        assert app.pane.list.has_focus
        assert app.copied == "SQLite locks under our writers"
        await pilot.click(app.pane.list, offset=(10, 0))
        await opened(pilot)
        assert isinstance(app.screen, RecordScreen)
        await pilot.click(offset=(1, 1))  # beside it
        assert not isinstance(app.screen, RecordScreen)

    drive(journal, act)


HOSTILE = [
    "[bold]x[/bold] [/] [@click=app.quit]y[/]",
    "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x1b[0m\x9b5A\x90q\x9c",
    "שלום \u202ereversed\u202c עולם",
    "z" * 1_000_000,
    "字" * 100_000,
    "\x00\x01\u2028\r\n\r\x0b" * 50,
]


@pytest.mark.parametrize("text", HOSTILE, ids=["brackets", "escapes", "rtl", "long", "wide", "controls"])
def test_hostile_text_is_only_text(journal: SqliteJournal, text: str) -> None:
    journal.append([Entry("note", {"text": text}, "p1", SESSION)])
    text = text[:2_000]
    body = {"text": text, "name": text, "arguments": {text[:90]: text}, "because": text, "status": text}
    for kind in ("message", "tool_call", "tool_result", "decision", "session", "setting"):
        journal.append([Entry(kind, body, "p1", text[:99], entity=text[:99])])

    async def act(app: Host, pilot: Pilot[None]) -> None:
        shown = "\n".join(app.shown())
        await pilot.hover(app.pane.list, offset=(3, 0))
        await pilot.press("slash", *"zz", "enter", "n", "escape", "end", "enter")
        await opened(pilot)
        await pilot.press("escape", "home", "enter")
        await opened(pilot)
        assert isinstance(app.screen, RecordScreen)
        await pilot.press("end", "escape", "end", "enter")
        await opened(pilot)
        assert isinstance(app.screen, RecordScreen)
        panel = app.screen._pane.list
        await pilot.press("end", "y", "home", "slash", *"zz", "enter")
        lines = [panel.render_line(y).text for y in range(panel.size.height)]
        shown += "\n".join(lines)
        assert not any(ord(char) < 32 and char != "\n" for char in shown)
        assert "\u202e" not in shown
        if "[bold]" in text:
            assert "[bold]x[/bold] [/] [@click=app.quit]y[/]" in shown

    drive(journal, act)


def test_a_title_is_only_text_too(journal: SqliteJournal) -> None:
    record = journal.append([Entry("note", {"text": "x"}, "p1", SESSION)])[0]
    screen = RecordScreen(LoggedRecord(1, record, "S[b]x[/b]\x1b[31m#1"))
    assert str(screen._pane._border_title) == "note S[b]x[/b]#1"


# --- pictures -----------------------------------------------------------------------------------


async def _all(pilot: Pilot[None]) -> None:
    await settled(pilot)


async def _filtered(pilot: Pilot[None]) -> None:
    await settled(pilot)
    await pilot.press("3", "4", "5")
    await settled(pilot)


async def _searching(pilot: Pilot[None]) -> None:
    await settled(pilot)
    await pilot.press("slash", *"quota")
    await settled(pilot)


async def _opened(pilot: Pilot[None]) -> None:
    await settled(pilot)
    await pilot.press(*["up"] * 4, "enter")
    await opened(pilot)


PICTURES = [
    ("all", "textual-dark", (80, 24), _all),
    ("all", "textual-light", (120, 40), _all),
    ("filtered", "textual-dark", (42, 12), _filtered),
    ("filtered", "ansi-dark", (80, 24), _filtered),
    ("searching", "textual-light", (80, 24), _searching),
    ("opened", "textual-dark", (80, 24), _opened),
    ("opened", "textual-light", (120, 40), _opened),
    ("opened", "textual-dark", (200, 60), _opened),
]


@pytest.mark.parametrize(
    ("theme", "size", "act"),
    [picture[1:] for picture in PICTURES],
    ids=[f"{name}-{theme}-{size[0]}x{size[1]}" for name, theme, size, _ in PICTURES],
)
def test_picture(
    snap_compare: Callable[..., bool],
    journal: SqliteJournal,
    theme: str,
    size: tuple[int, int],
    act: Callable[[Pilot[None]], Awaitable[None]],
) -> None:
    a_session(journal)
    assert snap_compare(Host(journal, theme), terminal_size=size, run_before=act)
