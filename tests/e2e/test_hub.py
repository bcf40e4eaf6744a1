"""The hub on the real small model: an answer survives its listener."""

from __future__ import annotations

import pytest

from orchestrator.paths import Home
from tests.hub.served import heard, said, served

QUESTION = {"prompt": "Count from one to twenty in words.", "fresh": True}


@pytest.mark.model
def test_a_broken_off_answer_is_resumed_with_the_same_text(with_model: Home, small_model: object) -> None:
    with served(with_model, "qwen2.5-coder-0.5b") as hub, hub.pair() as client:
        text = ""
        with client.stream("POST", "/chat/stream", json=QUESTION, timeout=240) as response:
            run = response.headers["x-run-id"]
            for piece in response.iter_text():
                text += piece
                if "event: token\n" in text:  # its first word; the answer may be three
                    break
        first = heard(text[: text.rfind("\n\n") + 2])
        last = {"Last-Event-ID": str(max(number for number, _, _ in first))}
        rest = heard(client.get(f"/runs/{run}/events", headers=last, timeout=240).text)
        answer = next(data for _, kind, data in rest if kind == "answer")
        assert rest[-1][2] == {"status": "done"}
        assert answer["text"]
        assert said(first) + said(rest) == answer["text"]
        whole = client.post("/chat", json=QUESTION, timeout=240).json()
        assert whole["text"] == answer["text"]
