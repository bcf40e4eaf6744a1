"""Models to choose from, and the download of one: for the first run, and for changing later."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from orchestrator.errors import OrchError
from orchestrator.models.machine import size_text
from orchestrator.terminal import one_line
from orchestrator.tui.node import Machine, ModelChoice, Node
from orchestrator.tui.transfer import Transfer
from orchestrator.tui.widgets.row_list import Cell, Column, Row
from orchestrator.tui.widgets.search_list import SearchList

COLUMNS = (
    Column(1),  # recommended
    Column(),  # name
    Column(6, from_width=50),  # parameters
    Column(7),  # size
    Column(12, from_width=76),  # licence
    Column(16),  # state
)
BAR, NUMBERS = 30, 60
"""Cells of the bar at most, and those kept for the numbers beside it."""
MEMORY_FACTOR = 1.2
"""Memory that a model needs, in sizes of its file: weights, and the window's KV cache."""
REFRESH_S = 0.25


class ModelPicker(Widget):
    """Posts `Chosen` for a model that is here, downloading it first where it is not.

    One download at a time; what it loaded is kept when it is stopped, and gone on from later.
    """

    DEFAULT_CSS = """
    ModelPicker { layout: vertical; height: 1fr; }
    ModelPicker > Static { height: auto; }
    ModelPicker > #progress { height: 1; text-wrap: nowrap; }
    """

    @dataclass
    class Chosen(Message):
        """The model is on this machine."""

        name: str

    def __init__(self, node: Node, *, clock: Callable[[], float] = monotonic) -> None:
        super().__init__()
        self._node = node
        self._clock = clock
        self._choices: dict[str, ModelChoice] = {}
        self._machine = Machine(0, 0, 0)
        self._stop: threading.Event | None = None
        self._latest = (0, 0)
        self._transfer = Transfer(clock)

    def compose(self) -> ComposeResult:
        yield Static(id="machine")
        yield SearchList(COLUMNS, placeholder="/ to search", typing=False)
        yield Static(id="about")
        yield Static(id="progress")
        yield Static(id="trouble")

    def on_mount(self) -> None:
        self._list = self.query_one(SearchList)
        self._timer = self.set_interval(REFRESH_S, self._draw, pause=True)
        self._reload()

    def on_unmount(self) -> None:
        self.stop()

    # --- the list ---------------------------------------------------------------------------

    def _reload(self) -> None:
        self.run_worker(self._load(), exclusive=True, group="models")

    async def _load(self) -> None:
        try:
            self._machine = await asyncio.to_thread(self._node.machine)
            found = await asyncio.to_thread(self._node.models)
        except OrchError as error:
            self._trouble(str(error))
            return
        self._choices = {choice.name: choice for choice in found}
        self._put("machine", _machine(self._machine))
        self._show()

    @on(SearchList.Searched)
    def _show(self) -> None:
        words = self._list.text.casefold().split()
        shown = [one for one in self._choices.values() if all(word in one.name.casefold() for word in words)]
        best = next((one.name for one in shown if one.recommended), None)
        self._list.set_rows(map(_row, shown), self._list.rows.current or best)

    @on(SearchList.Moved)
    def _moved(self, event: SearchList.Moved) -> None:
        self._put("about", about(self._choices[event.id], self._machine.free_memory))

    # --- choosing and downloading -----------------------------------------------------------

    def search(self) -> None:
        self._list.search()

    @on(SearchList.Chosen)
    def choose(self) -> None:
        """Take the highlighted model, or begin to download it."""
        choice = self._choices.get(self._list.rows.current or "")
        if choice is None or self.downloading:
            return
        self._trouble("")
        if choice.state == "installed":
            self.post_message(self.Chosen(choice.name))
        elif choice.state == "available":
            self.run_worker(self._pull(choice), group="pull")
        else:
            self._trouble(f"{choice.name} cannot be had: it {choice.state}.")

    @property
    def downloading(self) -> bool:
        return self._stop is not None

    def back(self) -> bool:
        """One step back: whether there was a download to stop, or a search to leave."""
        if self.downloading:
            self.stop()
            return True
        return self._list.back()

    def stop(self) -> None:
        """End the download; its bytes stay for the next one."""
        if self._stop is not None:
            self._stop.set()

    async def _pull(self, choice: ModelChoice) -> None:
        stop = self._stop = threading.Event()
        self._latest = (choice.loaded_bytes, choice.size_bytes)
        self._transfer = Transfer(self._clock)
        self._draw()
        self._timer.resume()
        try:
            await asyncio.to_thread(self._node.pull, choice.name, self._heard, stop.is_set)
        except OrchError as error:
            self._trouble(str(error))
        except asyncio.CancelledError:
            stop.set()  # the app is closing, and a thread does not end by itself
            raise
        else:
            if not stop.is_set():
                self.post_message(self.Chosen(choice.name))
        finally:
            self._timer.pause()
            self._stop = None
        if stop.is_set():
            self._put("progress", "Stopped. What was loaded is kept; Enter goes on from there.")
        else:
            self._put("progress", "")
        self._reload()

    def _heard(self, done: int, total: int) -> None:
        """Called in the download's thread, as often as it likes."""
        self._latest = (done, total)

    def _draw(self) -> None:
        self._transfer.update(*self._latest)
        for found in self.query("#progress").results(Static):
            found.update(progress(self._transfer, self.size.width), layout=False)

    def _put(self, where: str, text: str) -> None:
        # A thread may end after the screen has been closed, and then there is no such row.
        for found in self.query(f"#{where}").results(Static):
            found.update(Content(one_line(text, 600)))

    def _trouble(self, text: str) -> None:
        self._put("trouble", text)


def progress(transfer: Transfer, width: int) -> Content:
    """`▓▓▓▓░░░░  46 %  512 MB of 1.1 GB · 8 MB/s · about 75 s left`; the bar takes what `width` leaves."""
    numbers = f"{transfer.percent} %  {transfer.text()}"
    bar = min(width - NUMBERS, BAR)
    if bar < 5:
        return Content(numbers)
    full = transfer.percent * bar // 100
    return Content.assemble(("▓" * full, "$text-accent"), ("░" * (bar - full), "dim"), "  ", numbers)


def about(choice: ModelChoice, free_memory: int) -> str:
    """What else is to know of a model, in a sentence or two."""
    said = []
    if choice.recommended:
        said.append(f"Recommended. {choice.why}")
    if choice.found and choice.state == "installed":
        said.append(f"{choice.found} runs it.")
    elif choice.found:
        said.append(f"{choice.found} has it already: no download is needed.")
    elif choice.loaded_bytes:
        left = max(choice.size_bytes - choice.loaded_bytes, 0)
        said.append(f"{size_text(choice.loaded_bytes)} are loaded already, {size_text(left)} are left.")
    needed = round(choice.size_bytes * MEMORY_FACTOR)
    if free_memory and needed > free_memory:
        said.append(f"It needs about {size_text(needed)} of memory, and {size_text(free_memory)} are free.")
    return " ".join(said) or f"{choice.name}, licence {choice.licence or 'unknown'}."


def _machine(machine: Machine) -> str:
    memory = f"{size_text(machine.free_memory)} of memory and " if machine.free_memory else ""
    cores = "1 core" if machine.cores == 1 else f"{machine.cores} cores"
    return f"Free here: {memory}{size_text(machine.free_disk)} of disk · {cores}"


def _row(choice: ModelChoice) -> Row:
    usable = choice.state in ("installed", "available")
    return Row(
        choice.name,
        (
            Cell("★" if choice.recommended else "", "$text-accent"),
            Cell(choice.name, "bold" if usable else "dim"),
            Cell(choice.parameters, "dim"),
            Cell(size_text(choice.size_bytes), "dim"),
            Cell(choice.licence, "dim"),
            Cell(_state(choice), "" if choice.state == "installed" else "dim"),
        ),
        tip=choice.state,
    )


def _state(choice: ModelChoice) -> str:
    if choice.state == "installed":
        return f"by {choice.found}" if choice.found else "installed"
    if choice.state != "available":
        return "no room" if "disk" in choice.state else choice.state
    if choice.found:
        return "on this machine"
    if choice.loaded_bytes and choice.size_bytes:
        return f"{min(choice.loaded_bytes * 100 // choice.size_bytes, 99)} % loaded"
    return "to download"
