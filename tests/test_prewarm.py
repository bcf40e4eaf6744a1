"""When a session makes the next one's start ready, and how the process for it is started."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator import wiring
from orchestrator.agent.approval import Never
from orchestrator.agent.tiers import KnownTiers
from orchestrator.agent.warming import Warmer
from orchestrator.config import ContextSettings
from orchestrator.handoff import watch
from orchestrator.models import background
from orchestrator.models.scripted import ScriptedBackend
from orchestrator.paths import Home
from orchestrator.types import GenerateRequest, Message, Owner, Prefill, TierText, Warmed


class Warm(ScriptedBackend):
    """A scripted model that says it keeps snapshots; `warmed` are the prompts it was given."""

    def __init__(self, reasons: list[Any]) -> None:
        super().__init__(["hi"])
        self.warmed: list[GenerateRequest] = []
        self._reasons = reasons

    async def warm(
        self, request: GenerateRequest, *, yields: bool = False, look: bool = False
    ) -> AsyncIterator[Prefill | Warmed]:
        self.warmed.append(request)
        yield Prefill(0, 5, 0)
        yield Warmed(self._reasons.pop(0), 5, 0)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The arguments of each process that would have been started."""
    found: list[list[str]] = []
    monkeypatch.setattr(background, "start", lambda arguments, folder: found.append(list(arguments)))
    monkeypatch.setattr(wiring, "backend", lambda *_, **__: Warm([]))
    return found


def session(project: Path, *, opens: bool = True, cold: bool = False) -> None:
    async def play() -> None:
        options = wiring.Options(project, model="small.gguf", cold=cold)
        async with wiring.desktop(options, Never()) as made:
            if opens:
                [event async for event in made.session.open()]
                [event async for event in made.session.turn("hello")]
                await made.session.close("done")

    asyncio.run(play())


def test_a_session_that_ends_makes_the_next_one_ready(started: list[list[str]], tmp_path: Path) -> None:
    session(tmp_path)
    model = str(Path("small.gguf").absolute())
    assert started == [["warm", "--background", "--project", str(tmp_path), "--model", model]]


def test_the_first_session_of_a_day_brings_all_briefings_up_to_date(
    started: list[list[str]], orch_home: Home, tmp_path: Path
) -> None:
    daily = ["handoff", "--background"]
    session(tmp_path)
    assert daily not in started  # nothing is older than this session
    (orch_home.run / "handoff-day").write_text("2026-01-01")
    session(tmp_path)
    session(tmp_path)
    assert started.count(daily) == 1


@pytest.mark.parametrize("setting", ['prewarm = "off"', "max_bytes = 0"])
def test_not_where_the_settings_say_no(
    started: list[list[str]], orch_home: Home, tmp_path: Path, setting: str
) -> None:
    orch_home.config.write_text(f"[snapshots]\n{setting}\n", encoding="utf-8")
    session(tmp_path)
    assert started == []


def test_not_after_a_cold_session_or_one_that_never_opened(started: list[list[str]], tmp_path: Path) -> None:
    session(tmp_path, cold=True)
    session(tmp_path, opens=False)
    assert started == []


def test_not_for_a_model_that_keeps_no_snapshots(
    started: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiring, "backend", lambda *_, **__: ScriptedBackend(["hi"]))
    session(tmp_path)
    assert started == []


def test_a_document_that_somebody_changes_is_made_ready_while_the_app_is_open(
    started: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "SETTLED_S", 0.01)
    noticed = threading.Event()
    monkeypatch.setattr(background, "start", lambda arguments, folder: noticed.set())

    async def play() -> None:
        async with wiring.desktop(wiring.Options(tmp_path), Never()) as made:
            with wiring.watching(made):
                (tmp_path / "PROJECT_CONTEXT.md").write_text("# Heron\n", encoding="utf-8")
                assert await asyncio.to_thread(noticed.wait, 20)

    asyncio.run(play())


@pytest.mark.skipif(os.name != "posix", reason="needs sessions of processes")
def test_the_process_has_no_terminal_and_a_session_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[dict[str, Any]] = []
    popen = subprocess.Popen

    def noting(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        made.append(options)
        return popen(*arguments, **options)

    monkeypatch.setattr(subprocess, "Popen", noting)
    background.start(["--version"], tmp_path)
    process = background._started[-1]
    assert process.wait(60) == 0
    (options,) = made
    assert options["start_new_session"]
    assert options["cwd"] == tmp_path
    assert {options[name] for name in ("stdin", "stdout", "stderr")} == {subprocess.DEVNULL}


def test_a_process_that_cannot_be_started_is_no_error(tmp_path: Path) -> None:
    background.start(["--version"], tmp_path / "none")


class Slow(Warm):
    """Warms until it is cancelled."""

    async def warm(
        self, request: GenerateRequest, *, yields: bool = False, look: bool = False
    ) -> AsyncIterator[Prefill | Warmed]:
        self.warmed.append(request)
        self._cancelled = asyncio.Event()
        yield Prefill(0, 5, 0)
        await self._cancelled.wait()
        yield Warmed("cancelled", 5, 0)


@pytest.mark.parametrize(("asks", "begun"), [(True, True), (True, False), (False, True)])
def test_while_a_person_types_the_first_prompt_its_start_is_prefilled(
    tmp_path: Path, started: list[list[str]], monkeypatch: pytest.MonkeyPatch, asks: bool, begun: bool
) -> None:
    """A prompt, or the end, stops it first."""
    backend = Slow([])
    monkeypatch.setattr(wiring, "backend", lambda *_, **__: backend)

    async def play() -> None:
        async with wiring.desktop(wiring.Options(tmp_path), Never()) as made:
            [event async for event in made.session.open()]
            made.session.warm_up()
            if begun:
                await asyncio.sleep(0)
            if asks:
                [event async for event in made.session.turn("hello")]
                start = backend.requests[0].messages[:-1]
                assert all(request.messages == start for request in backend.warmed)
            await made.session.close("done")

    asyncio.run(asyncio.wait_for(play(), 60))
    assert len(backend.warmed) == begun


class Documents:
    """Another text each time that it is read, while there is one."""

    def __init__(self, *texts: str) -> None:
        self._texts = list(texts)

    def tiers(self) -> tuple[TierText, ...]:
        text = self._texts.pop(0) if len(self._texts) > 1 else self._texts[0]
        return (TierText(2, "project", "/p/PROJECT_CONTEXT.md", text),)


def warmed(backend: Warm, documents: Documents) -> list[Prefill | Warmed]:
    async def play() -> list[Prefill | Warmed]:
        warmer = Warmer(backend, (Message("system", "x"),), ContextSettings())
        return [item async for item in warmer.warm(documents, Owner("p"))]

    return asyncio.run(play())


def test_a_document_that_changes_meanwhile_is_read_again() -> None:
    backend = Warm(["done", "done"])
    items = warmed(backend, Documents("old", "new"))
    assert [type(item).__name__ for item in items] == ["Prefill", "Prefill", "Warmed"]
    assert ["old" in backend.warmed[0].messages[1].text, "new" in backend.warmed[1].messages[1].text] == [
        True
    ] * 2
    assert {request.owner.project for request in backend.warmed} == {"p"}


def test_what_was_stopped_is_not_begun_again() -> None:
    backend = Warm(["stopped"])
    assert warmed(backend, Documents("old", "new"))[-1] == Warmed("stopped", 5, 0)


def test_warming_reads_what_a_session_reads(tmp_path: Path, started: list[list[str]]) -> None:
    """The prompt that is made ready is, message for message, what the next session starts from."""
    from orchestrator.agent.prefix import read
    from orchestrator.config import load
    from orchestrator.handoff.writer import ProjectTiers
    from orchestrator.paths import home

    (tmp_path / "PROJECT_CONTEXT.md").write_text("# Heron\n\nIt bills calls.\n", encoding="utf-8")

    async def play() -> None:
        async with wiring.desktop(wiring.Options(tmp_path), Never()) as made:
            [event async for event in made.session.open()]
            assert made.session.window is not None
            backend, settings = Warm([]), load(home().config)
            tiers = KnownTiers(ProjectTiers(made.project, home()))
            owner = Owner(made.project.id)
            reading = await read(backend, wiring.fixed(settings), tiers, settings.context, owner)
            assert reading.window == made.session.window
            assert len(reading.window.messages) == reading.window.base + 1

    asyncio.run(play())
