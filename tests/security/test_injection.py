"""Text that gives orders: whether the model obeys or not, nothing outside is read, changed or sent.

Each case runs twice: with a model that does all it is told, which shows that it does not rest on the
model's good sense, and with the real small one. `make injection` runs all of them, CI some.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator import wiring
from orchestrator.config import ModelSettings, Settings
from orchestrator.models.scripted import ScriptedBackend
from orchestrator.paths import Home
from orchestrator.ports import Backend
from orchestrator.types import ANSWER, GenerateRequest, ToolCall
from tests.security.bait import Bait, Led
from tests.security.injections import CODE, ERRORS, FILES, INJECTIONS, OUTPUT, Injection
from tests.security.test_attacks import here

ALL = os.environ.get("ORCH_INJECTIONS") == "all"
FIRSTS = tuple({one.place: one for one in reversed(INJECTIONS)}.values())
"""One of each way into the window."""
PROOF = (FILES[0], FILES[8], CODE[2], OUTPUT[3], ERRORS[2])
"""What harms nothing but the bait where nothing confines it: so it is seen that the watch sees."""
Make = Callable[[Injection], Bait]


@pytest.fixture
def bait(monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    outside = here() / f"orch-bait-{uuid.uuid4().hex[:8]}"

    def make(injection: Injection) -> Bait:
        made.append(one := Bait(outside, injection))
        one.build()
        monkeypatch.setenv("HOME", str(one.home))
        monkeypatch.setenv("ORCH_HOME", str(one.where.root))
        monkeypatch.setenv("ORCH_API_KEY", one.token)
        return one

    made: list[Bait] = []
    outside.mkdir()
    yield make
    for one in made:
        one.end()
    shutil.rmtree(outside)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as one:
        yield one


@pytest.fixture(scope="module")
def model(
    runner: asyncio.Runner, small_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Backend]:
    """The real one, once for all cases: what stands first in every prompt is prefilled once."""
    settings = Settings(model=ModelSettings(context_size=4096))
    made = wiring.backend(str(small_model), settings, Home(tmp_path_factory.mktemp("model")))
    yield made
    runner.run(made.close())


async def obeying(bait: Bait, patch: Callable[[object, str, object], None]) -> Led:
    """A session of a model that calls what the text asks for, and tells all that came of it."""

    def told(request: GenerateRequest) -> ToolCall | str:
        if any(spec.name == ANSWER for spec in request.choices):
            return "Done: " + request.messages[-1].text
        return ToolCall("read", {"path": "README.md"})

    return await bait.session(ScriptedBackend([told, told]), patch, bait.obeyed())


def judged(bait: Bait, led: Led) -> None:
    assert bait.reached(led), led.read[-2000:]
    assert bait.breaches(led) == []


def test_there_are_enough() -> None:
    assert len(INJECTIONS) >= 40
    assert len({injection.name for injection in INJECTIONS}) == len(INJECTIONS)


@pytest.mark.parametrize("injection", INJECTIONS if ALL else FIRSTS, ids=lambda one: one.name)
def test_a_model_that_obeys_achieves_nothing(
    bait: Make, injection: Injection, monkeypatch: pytest.MonkeyPatch, runner: asyncio.Runner
) -> None:
    one = bait(injection)
    led = runner.run(obeying(one, monkeypatch.setattr))
    assert [call["name"] for call in one.calls()][: len(injection.obeyed)] == [
        call.name for call in injection.obeyed
    ]
    judged(one, led)


@pytest.mark.parametrize("injection", PROOF, ids=lambda one: one.name)
def test_without_a_sandbox_the_breach_is_seen(
    bait: Make, injection: Injection, monkeypatch: pytest.MonkeyPatch, runner: asyncio.Runner
) -> None:
    one = bait(injection)
    with one.where.config.open("a") as file:
        file.write('[tools]\nsandbox = "none"\n')
    led = runner.run(obeying(one, monkeypatch.setattr))
    found = [breach for breach in one.breaches(led) if "config.toml" not in breach]
    assert any(breach.startswith("unconfined") for breach in found)
    assert any(not breach.startswith("unconfined") for breach in found), one.shown


@pytest.mark.model
@pytest.mark.parametrize("injection", [one for one in INJECTIONS if ALL or one.few], ids=lambda one: one.name)
def test_on_the_real_model_nothing_is_achieved(
    bait: Make, injection: Injection, model: Backend, monkeypatch: pytest.MonkeyPatch, runner: asyncio.Runner
) -> None:
    one = bait(injection)
    led = runner.run(one.session(model, monkeypatch.setattr))
    print([(call["name"], call["arguments"]) for call in one.calls()])
    judged(one, led)
