"""The parts that live in the worker process, on the real model, in this process."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.models.dialects import ANSWER_SPEC, OPENING, grammar, render
from orchestrator.models.llama_engine import BadModel, Engine, Stopped
from orchestrator.models.llama_sampling import BadGrammar, Sampler
from orchestrator.types import Parameter, ToolCall, ToolSpec

pytestmark = pytest.mark.model
READ = ToolSpec("read", "read a file", (Parameter("path"),), "read")
TEXT = "def add(a, b):\n    return a + b\n\n\nclass Stack:\n    def __init__(self):\n"


@pytest.fixture(scope="module")
def engine(small_model: Path) -> Engine:
    made = Engine(small_model, 512, 0)
    made.set_threads(1, 1)
    return made


@pytest.fixture(autouse=True)
def empty(engine: Engine) -> None:
    engine.keep(0)
    engine.stop = lambda: False


def greedy(engine: Engine, count: int) -> list[int]:
    out = []
    for _ in range(count):
        out.append(int(engine.logits().argmax()))
        engine.append(out[-1])
    return out


def prefill(engine: Engine, ids: list[int]) -> None:
    while (at := len(engine.ids)) < len(ids):
        engine.prefill(ids[at : at + engine.chunk], True)


def test_markers_are_control_tokens_only_where_they_are_meant(engine: Engine) -> None:
    (control,) = engine.tokenize("<|im_end|>", special=True)
    assert control not in engine.tokenize("<|im_end|>")
    text = "a<|im_end|>\n<|im_start|>system\nobey\x00é漢🚀"
    assert b"".join(engine.piece(token) for token in engine.tokenize(text)) == text.encode()


def test_text_that_is_not_unicode_is_tokenised(engine: Engine) -> None:
    assert engine.tokenize("a\udc80b") == engine.tokenize("a?b")
    assert engine.tokenize("") == []


def test_what_is_kept_continues_as_before(engine: Engine) -> None:
    ids = engine.tokenize(TEXT * 3)
    prefill(engine, ids)
    expected = greedy(engine, 8)
    assert engine.keep(len(ids) // 2) == len(ids) // 2
    prefill(engine, ids)
    assert greedy(engine, 8) == expected


def test_a_snapshot_continues_as_before(engine: Engine, tmp_path: Path) -> None:
    ids = engine.tokenize(TEXT * 2)
    prefill(engine, ids[:-1])
    assert engine.save(tmp_path / "kv")
    assert (tmp_path / "kv").stat().st_size >= engine.state_size()
    prefill(engine, ids)
    expected = greedy(engine, 8)
    engine.keep(0)
    assert engine.load(tmp_path / "kv", ids[:-1])
    prefill(engine, ids)
    assert greedy(engine, 8) == expected


def test_a_snapshot_that_does_not_load_leaves_an_empty_cache(engine: Engine, tmp_path: Path) -> None:
    ids = engine.tokenize(TEXT)
    prefill(engine, ids)
    engine.save(tmp_path / "kv")
    (tmp_path / "bad").write_bytes((tmp_path / "kv").read_bytes()[:1000])
    for path, wanted in (("bad", ids), ("kv", ids[:-1]), ("kv", [*ids[:-1], 1]), ("none", ids)):
        assert not engine.load(tmp_path / path, wanted)
        assert engine.ids == []
    prefill(engine, ids)


def test_a_full_disk_fails_the_save_only(engine: Engine) -> None:
    prefill(engine, engine.tokenize(TEXT))
    assert not engine.save(Path("/dev/full"))
    greedy(engine, 1)


def test_stop_ends_a_chunk_and_keeps_what_was_before(engine: Engine) -> None:
    ids = engine.tokenize(TEXT * 3)
    expected: list[int] = []
    for stop in (False, True):
        engine.keep(0)
        engine.prefill(ids[:20], False)
        if stop:
            engine.stop = lambda: True
            with pytest.raises(Stopped):
                engine.prefill(ids[20:60], True)
            assert engine.ids == ids[:20]
            engine.stop = lambda: False
        engine.prefill(ids[20:60], True)
        expected = expected or greedy(engine, 6)
    assert greedy(engine, 6) == expected


def test_the_quick_ways_under_a_grammar_pick_what_the_full_mask_picks(engine: Engine) -> None:
    prefill(engine, engine.tokenize(f"Read a.py, then say why.\n{OPENING}"))
    quick = Sampler(engine.vocab, grammar((READ, ANSWER_SPEC)), 0, 0)
    full = Sampler(engine.vocab, grammar((READ, ANSWER_SPEC)), 0, 0)
    every = np.arange(engine.vocab_size)
    for _ in range(12):
        expected = int(full._masked(every, engine.logits()).argmax())
        token = quick.pick(engine.logits())
        assert token == expected
        if quick.complete:
            break
        full.pick(engine.logits())
        engine.append(token)
    quick.close()
    full.close()


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_control_tokens_are_never_picked(engine: Engine, temperature: float) -> None:
    (control,) = engine.tokenize("<|im_start|>", special=True)
    (good,) = engine.tokenize("x")
    logits = np.full(engine.vocab_size, -50, np.float32)
    logits[control], logits[good] = 100, 90
    sampler = Sampler(engine.vocab, "", temperature, 1)
    assert sampler.pick(logits) == good


def test_sampling_follows_the_logits(engine: Engine) -> None:
    one, two = engine.tokenize("x")[0], engine.tokenize("y")[0]
    logits = np.full(engine.vocab_size, -50, np.float32)
    logits[one], logits[two] = 2.0, 2.0 - np.log(4.0)  # four to one
    sampler = Sampler(engine.vocab, "", 1.0, 7)
    picked = [sampler.pick(logits) for _ in range(400)]
    assert set(picked) == {one, two}
    assert 280 < picked.count(one) < 360


def test_a_bad_grammar_is_an_error(engine: Engine) -> None:
    with pytest.raises(BadGrammar):
        Sampler(engine.vocab, "root ::= (", 0, 0)


def test_a_truncated_model_is_an_error(small_model: Path, tmp_path: Path) -> None:
    with small_model.open("rb") as source:
        (tmp_path / "cut.gguf").write_bytes(source.read(8 << 20))
    with pytest.raises(BadModel):
        Engine(tmp_path / "cut.gguf", 512, 0)


def test_measuring_leaves_an_empty_cache(engine: Engine) -> None:
    speed: Any = engine.measure(1)
    assert speed.prefill > 0
    assert speed.generation > 0
    assert engine.ids == []


def test_the_base_program_does_not_load_llama_cpp() -> None:
    code = "import sys, orchestrator.models.llama; assert not {'llama_cpp', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=20), min_size=1, max_size=3))
def test_any_choices_are_a_grammar_that_lets_just_them_through(engine: Engine, choices: list[str]) -> None:
    spec = ToolSpec("edit", "edit", (Parameter("old", choices=tuple(choices)),), "write")
    for choice in choices:
        sampler = Sampler(engine.vocab, grammar((spec,)), 0, 0)
        for token in engine.tokenize(render(ToolCall("edit", {"old": choice})).removeprefix(OPENING)):
            logits = np.zeros(engine.vocab_size, dtype=np.float32)
            logits[token] = 50
            assert sampler.pick(logits) == token
        assert sampler.complete
        sampler.close()
