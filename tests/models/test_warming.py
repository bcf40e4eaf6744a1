"""Snapshots made ahead of a session, on the real small model: same answers, and a person goes first."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import WorkerDied
from orchestrator.models.busy import Busy
from orchestrator.models.llama import LlamaBackend
from orchestrator.models.snapshot_about import listing
from orchestrator.types import AnswerText, Finish, GenerateRequest, Message, Owner, Prefill, Warmed
from tests.models.test_llama import CHOICES, EXAMPLES, SYSTEM, finish, on, use

pytestmark = pytest.mark.model
HERON = Owner("heron", "/code/heron")
LINES = [f"- module {number} keeps the rates of carrier {number * 7}\n" for number in range(60)]
FACTS, MANY = "".join(LINES[:8]), "".join(LINES)


def asks(text: str, documents: str = FACTS, owner: Owner = HERON) -> GenerateRequest:
    messages = (SYSTEM, *EXAMPLES, Message("system", documents), Message("user", text))
    return GenerateRequest(messages, CHOICES, max_tokens=12, base=3, stable=4, owner=owner)


async def warm(backend: LlamaBackend, request: GenerateRequest, **more: Any) -> Warmed:
    items = [item async for item in backend.warm(request, **more)]
    last = items[-1]
    assert isinstance(last, Warmed)
    return last


def run_warm(path: Path, folder: Path, request: GenerateRequest, **more: Any) -> Warmed:
    return use(on(path, snapshots=folder), lambda backend: warm(backend, request, **more))


def run_ask(path: Path, folder: Path | None, request: GenerateRequest, **more: Any) -> Finish:
    return use(on(path, snapshots=folder, **more), lambda backend: finish(backend, request))


def test_a_fresh_process_starts_where_warming_ended_with_the_same_answer(
    small_model: Path, tmp_path: Path
) -> None:
    request = asks("Open module 7")
    cold = run_ask(small_model, None, request)
    done = run_warm(small_model, tmp_path, request)
    assert (done.reason, done.cached) == ("done", 0)
    assert len(list(tmp_path.glob("*/*.kv"))) == 2
    warm_ = run_ask(small_model, tmp_path, request)
    assert warm_.usage.cached_tokens == done.tokens
    assert warm_.message == cold.message

    again = run_warm(small_model, tmp_path, request)
    assert again == replace(done, cached=done.tokens)
    looked = run_warm(small_model, tmp_path, request, look=True)
    assert looked == again
    assert {kept.project: kept.hits for kept in listing(tmp_path)} == {"": 0, "/code/heron": 1}


def test_a_changed_tail_alone_is_prefilled_and_another_project_starts_from_the_base(
    small_model: Path, tmp_path: Path
) -> None:
    before = run_warm(small_model, tmp_path, asks("x"))
    changed = asks("x", FACTS + "- module 41 is new, and so is its carrier\n")
    after = run_warm(small_model, tmp_path, changed)
    assert after.tokens > before.tokens
    assert before.tokens - 12 <= after.cached <= before.tokens
    wren = run_warm(small_model, tmp_path, asks("x", "Nothing is known yet.", Owner("wren")))
    base = next(tmp_path.glob("*/base.*.ids")).stat().st_size // 4 - 6  # ids of four bytes behind a header
    assert wren.cached == base
    assert len(list(tmp_path.glob("*/*.kv"))) == 3  # the base, heron's newest, wren's


def test_another_model_file_finds_nothing_of_this_one_s(small_model: Path, tmp_path: Path) -> None:
    request = asks("Open module 7")
    run_warm(small_model, tmp_path, request)
    other = run_ask(small_model, tmp_path, request, model_hash="another")
    assert other.usage.cached_tokens == 0


def test_whoever_waits_for_the_model_goes_first(small_model: Path, tmp_path: Path) -> None:
    lock = tmp_path / "busy"

    async def work(backend: LlamaBackend) -> None:
        person = Busy(lock)
        person.hold()
        assert (await warm(backend, asks("x"), yields=True)).reason == "stopped"
        assert (await warm(backend, asks("x"), look=True)).cached == 0
        person.release()
        assert (await warm(backend, asks("x"), yields=True)).reason == "done"

    use(on(small_model, snapshots=tmp_path / "snapshots", busy=lock), work)


def test_a_person_who_comes_in_the_middle_stops_it_and_what_was_done_is_kept(
    small_model: Path, tmp_path: Path
) -> None:
    lock = tmp_path / "busy"

    async def work(backend: LlamaBackend) -> None:
        person, ended = Busy(lock), None
        async for item in backend.warm(asks("x", MANY), yields=True):
            if isinstance(item, Prefill) and item.done >= 512:
                person.hold()
            if isinstance(item, Warmed):
                ended = item
        assert ended is not None
        assert ended.reason == "stopped"
        person.release()
        found = await warm(backend, asks("x", MANY), look=True)
        assert 512 <= found.cached < found.tokens

    use(on(small_model, snapshots=tmp_path / "snapshots", busy=lock), work)


def test_a_generation_is_seen_by_others_while_it_lasts(small_model: Path, tmp_path: Path) -> None:
    others = Busy(tmp_path / "busy")

    async def work(backend: LlamaBackend) -> None:
        await backend.start()
        assert not others.somebody()
        seen = False
        async for item in backend.generate(asks("Say hello.")):
            seen = seen or (isinstance(item, Prefill | AnswerText) and others.somebody())
        assert seen
        await backend.count(["x"])
        assert not others.somebody()

    use(on(small_model, busy=tmp_path / "busy"), work)


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_worker_killed_in_mid_save_costs_a_prefill(
    small_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first save is written and not yet in place: the process that runs is the real worker."""
    request = asks("Open module 7")
    plain = run_ask(small_model, None, request)
    start = asyncio.create_subprocess_exec
    dies = (
        "import os, signal; from orchestrator.models import snapshot, llama_worker\n"
        "snapshot._sync = lambda path: os.kill(os.getpid(), signal.SIGKILL)\n"
        "llama_worker.main()"
    )

    async def dying(program: str, *arguments: str, **more: Any) -> asyncio.subprocess.Process:
        return await start(program, "-P", "-c", dies, **more)

    with monkeypatch.context() as patch:
        patch.setattr(asyncio, "create_subprocess_exec", dying)
        with pytest.raises(WorkerDied, match="SIGKILL"):
            run_ask(small_model, tmp_path, request)
    assert list(tmp_path.glob("*/tmp-*"))
    assert not list(tmp_path.glob("*/*.kv"))
    first, second = run_ask(small_model, tmp_path, request), run_ask(small_model, tmp_path, request)
    assert plain.message == first.message == second.message
    assert (first.usage.cached_tokens, second.usage.cached_tokens > 0) == (0, True)


def test_a_prompt_takes_over_from_a_warming_that_is_left(small_model: Path) -> None:
    """As a session does when the first prompt comes before its start is prefilled."""

    async def work(backend: LlamaBackend) -> None:
        await backend.start()

        async def warming() -> None:
            async for item in backend.warm(asks("x", MANY)):
                if isinstance(item, Prefill) and item.done:
                    begun.set()

        begun = asyncio.Event()
        task = asyncio.create_task(warming())
        await begun.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert (await finish(backend, asks("Open module 7", MANY))).usage.cached_tokens >= 64

    use(on(small_model), work)
