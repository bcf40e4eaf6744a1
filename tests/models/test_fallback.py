"""Several models behind one port: who answers, why, and what a failure costs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.errors import ConfigError, ModelError, NoModel, WindowFull
from orchestrator.models.fallback import FallbackBackend, Member
from orchestrator.models.ollama import OllamaWire
from orchestrator.models.scripted import Pause, ScriptedBackend, Step
from orchestrator.models.served import ServedBackend
from orchestrator.ports import Backend
from orchestrator.types import AnswerText, Finish, Generated, GenerateRequest, Message
from tests.models.asking import ASK, CHOICES, LONG, ask, run, said
from tests.models.model_server import NDJSON, Answer, model_server, recorded
from tests.models.ollama_server import MODEL, ollama


def scripted(name: str, *steps: Step, context_size: int = 8192) -> Member:
    return Member(name, lambda: ScriptedBackend(steps, name, context_size))


def absent(name: str) -> Member:
    def make() -> Backend:
        raise NoModel(f"The model {name} is not installed.", "Pull it.")

    return Member(name, make)


def test_the_first_that_works_answers_and_says_why() -> None:
    chain = FallbackBackend([absent("big"), scripted("small", "hello")])
    info = run(chain, lambda chain: chain.start())
    assert info.name == "small"
    assert info.why == "Using small. big: The model big is not installed."
    first = FallbackBackend([scripted("small", "hello"), absent("big")])
    assert run(first, lambda chain: chain.start()).why == "Using small, the first choice."


def test_one_that_is_configured_wrongly_stops_none_of_the_others() -> None:
    def make() -> Backend:
        raise ConfigError("server.url is not set.", "Set it.")

    chain = FallbackBackend([Member("openai:x", make), scripted("small", "hello")])
    assert run(chain, lambda chain: chain.start()).why == "Using small. openai:x: server.url is not set."


def test_when_none_works_each_says_what_is_wrong_and_the_next_try_begins_anew() -> None:
    tries: list[str] = []

    def make() -> Backend:
        tries.append("a")
        raise NoModel("a is gone.")

    async def twice(chain: FallbackBackend) -> None:
        for _ in range(2):
            with pytest.raises(
                ModelError, match=r"None of the models can run: a: a is gone. b: The model b is not"
            ):
                await chain.start()

    run(FallbackBackend([Member("a", make), absent("b")]), twice)
    assert tries == ["a", "a"]


def test_a_server_lost_in_mid_answer_loses_no_message() -> None:
    with model_server() as server:
        ollama(server, Answer(recorded("ollama_answer.ndjson")[:9], NDJSON, drop=True))
        wire = OllamaWire(MODEL, server.url, context_size=8192)
        heard: list[GenerateRequest] = []

        def answer(request: GenerateRequest) -> str:
            heard.append(request)
            return "The port is 8080."

        members = [Member(MODEL, lambda: ServedBackend(wire, context_size=8192)), scripted("small", answer)]
        text, finish, remarks = ask(FallbackBackend(members))
    assert text == "The portThe port is 8080."
    assert finish.text == "The port is 8080."
    assert heard[0].messages == ASK
    assert remarks[0].anew
    assert remarks[0].text.endswith("in the middle of its answer. small takes over.")
    assert remarks[0].info is not None
    assert remarks[0].info.name == "small"


def test_the_one_that_took_over_stays() -> None:
    broken: list[Step] = [ModelError("It broke.")]
    chain = FallbackBackend([scripted("first", *broken), scripted("second", "one", "two")])

    async def twice(chain: FallbackBackend) -> list[int]:
        told = []
        for _ in range(2):
            _, _, remarks = await said(chain.generate(GenerateRequest(ASK, CHOICES)))
            told.append(len(remarks))
        return told

    assert run(chain, twice) == [1, 0]


def test_a_prompt_too_long_for_one_is_not_sent_to_the_next() -> None:
    chain = FallbackBackend([scripted("short", "no", context_size=100), scripted("long", "yes")])
    with pytest.raises(WindowFull):
        ask(chain, GenerateRequest(LONG, CHOICES))


def test_a_fall_to_another_machine_is_told() -> None:
    class Elsewhere(ScriptedBackend):
        async def start(self, progress: Any = None) -> Any:
            return replace(await super().start(), sent_to="vps.example")

    members = [scripted("local", ModelError("It broke.")), Member("vps", lambda: Elsewhere(["hi"], "vps"))]
    _, _, remarks = ask(FallbackBackend(members))
    assert "Prompts now leave this machine for vps.example." in remarks[0].text


def test_cancel_reaches_whoever_answers() -> None:
    chain = FallbackBackend(
        [scripted("first", ModelError("It broke.")), scripted("second", Pause("I think"))]
    )

    async def stopped(chain: FallbackBackend) -> Finish:
        async for item in chain.generate(GenerateRequest(ASK, CHOICES)):
            if isinstance(item, AnswerText):
                await chain.cancel()
            if isinstance(item, Finish):
                return item
        raise AssertionError

    assert run(chain, stopped).reason == "cancelled"


def test_a_cancel_while_the_next_one_starts_is_kept() -> None:
    class Slow(ScriptedBackend):
        async def start(self, progress: Any = None) -> Any:
            await chain.cancel()
            return await super().start()

    chain = FallbackBackend(
        [scripted("first", ModelError("It broke.")), Member("slow", lambda: Slow(["late"]))]
    )
    text, finish, _ = ask(chain)
    assert (text, finish.reason) == ("", "cancelled")


def test_token_ids_of_another_model_are_left_out() -> None:
    class Ids(ScriptedBackend):
        async def generate(self, request: GenerateRequest) -> AsyncIterator[Generated]:
            async for item in super().generate(request):
                if isinstance(item, Finish):
                    item = replace(item, message=replace(item.message, ids=(7, 8)))
                yield item

    first = Ids(["one", ModelError("It broke.")], "first")
    second = Ids(["two", "three"], "second")

    async def three(chain: FallbackBackend) -> None:
        messages: tuple[Message, ...] = ASK
        for _ in range(3):
            _, finish, _ = await said(chain.generate(GenerateRequest(messages, CHOICES)))
            messages = (*messages, finish.message, ASK[1])

    run(FallbackBackend([Member("first", lambda: first), Member("second", lambda: second)]), three)
    assert first.requests[1].messages[2].ids == (7, 8), "its own"
    assert second.requests[0].messages[2].ids == ()
    assert [m.ids for m in second.requests[1].messages if m.role == "assistant"] == [(7, 8), (7, 8)]
