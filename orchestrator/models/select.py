"""Which model a session runs: from the setting `model.name` to one that is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from orchestrator.errors import NoModel, UsageError
from orchestrator.models import catalog, elsewhere, gguf, installed
from orchestrator.models.adopt import name_for
from orchestrator.models.catalog import Model
from orchestrator.models.installed import Installed
from orchestrator.models.machine import free_memory, size_text
from orchestrator.paths import Home

Kind = Literal["ollama", "openai", "gguf", "scripted"]

LARGE, SMALL, SERVED = "qwen2.5-coder-1.5b", "qwen2.5-coder-0.5b", "qwen2.5-7b"
LARGE_NEEDS = 4 * 10**9
"""Free memory, in bytes, from which `auto` prefers the larger embedded model."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The model to run. `path` is the GGUF or the script, empty for a server; `sha256` is the GGUF's.

    `family` is the catalogue's, or the architecture an added file names. `why` is for people.
    """

    kind: Kind
    name: str
    path: Path
    family: str = ""
    sha256: str = ""
    why: str = ""


def choose(
    name: str,
    home: Home,
    *,
    kinds: frozenset[str],
    memory: Callable[[], int | None] = free_memory,
    served: Callable[[], tuple[str, ...] | None] = elsewhere.ollama_models,
) -> Choice:
    """The model for `auto`, a name, a path to a GGUF or `scripted:FILE`; verified, if it is a GGUF.

    `kinds` are those that a backend exists for: "ollama", "openai", "gguf", "scripted".
    A file is hashed only when it changed since it was last verified. Raises `NoModel` with what
    to run, and `BadModelFile`.
    """
    found = locate(name, home, kinds=kinds, memory=memory, served=served)
    if found.kind != "gguf":
        return found
    one = installed.find(home, found.name) if found.path.parent == home.models else None
    sha256 = installed.verify(home, one).sha256 if one else installed.outside_sha256(home, found.path)
    family = found.family or gguf.read(found.path).architecture
    return Choice("gguf", found.name, found.path, family, sha256, found.why)


def locate(
    name: str,
    home: Home,
    *,
    kinds: frozenset[str],
    memory: Callable[[], int | None] = free_memory,
    served: Callable[[], tuple[str, ...] | None] = elsewhere.ollama_models,
) -> Choice:
    """As `choose`, but reads no model file: no checksum, no family of an added one."""
    if name == "auto":
        return _automatic(home, kinds, memory, served)
    if name.startswith("ollama:"):
        return _on_ollama(name.removeprefix("ollama:"), kinds, served)
    if name.startswith("openai:"):
        if "openai" not in kinds:
            raise UsageError("No model of a server can be used here.", "See `orch model list`.")
        return Choice("openai", name.removeprefix("openai:"), Path(), why="the server of server.url")
    if name.startswith("scripted:"):
        return _scripted(Path(name.removeprefix("scripted:")).expanduser(), kinds)
    if name.lower().endswith(".gguf"):
        return _file(Path(name).expanduser())
    return _named(name, home, kinds, served)


def suited(memory: Callable[[], int | None] = free_memory) -> str:
    """Name of the embedded model that suits this machine."""
    return LARGE if _plenty(memory()) else SMALL


def _plenty(free: int | None) -> bool:
    return free is None or free >= LARGE_NEEDS


def _automatic(
    home: Home,
    kinds: frozenset[str],
    memory: Callable[[], int | None],
    served: Callable[[], tuple[str, ...] | None],
) -> Choice:
    seven = catalog.find(SERVED)
    # Text leaves the machine for a server elsewhere only where a person has named it.
    here = "ollama" in kinds and elsewhere.ollama_is_usable()
    if here and seven and (name := _served_name(seven, served)):
        return Choice("ollama", name, Path(), seven.family, why="Ollama answers and has a Qwen2.5 7B")
    there = {one.name: one for one in installed.listing(home)}
    free = memory()
    left = "memory enough" if free is None else f"{size_text(free)} of memory free"
    if LARGE in there and _plenty(free):
        return _gguf(there[LARGE], f"the larger embedded model, with {left}")
    if SMALL in there:
        return _gguf(there[SMALL], f"the small embedded model, with {left}")
    if there:
        fitting = [one for one in there.values() if free is None or one.bytes * 1.2 < free]
        one = max(fitting, key=_size) if fitting else min(there.values(), key=_size)
        return _gguf(one, f"of the models here the best for {left}")
    raise NoModel("No model is installed.", f"Run `orch model pull {suited(memory)}`.")


def _on_ollama(name: str, kinds: frozenset[str], served: Callable[[], tuple[str, ...] | None]) -> Choice:
    if "ollama" not in kinds or not name:
        raise UsageError("No model of Ollama can be used here.", "Name another one; see `orch model list`.")
    names = served()
    if names is not None and not {name, f"{name}:latest"}.intersection(names):
        raise NoModel(f"Ollama has no model {name}.", f"Run `orch model pull ollama:{name}`.")
    model = next((model for model in catalog.models() if name in model.ollama), None)
    return Choice("ollama", name, Path(), model.family if model else "", why="Ollama was asked for")


def _scripted(path: Path, kinds: frozenset[str]) -> Choice:
    if "scripted" not in kinds:
        raise UsageError("A scripted model cannot be used here.", "Name another one; see `orch model list`.")
    if not path.is_file():
        raise NoModel(f"There is no script {path}.", "Give the path of a file after `scripted:`.")
    return Choice("scripted", f"scripted:{path.name}", path.absolute(), why="a script was asked for")


def _file(path: Path) -> Choice:
    if not path.is_file():
        raise NoModel(f"There is no file {path}.", "Give the path of a GGUF, or see `orch model list`.")
    return Choice("gguf", name_for(path), path.absolute(), why="the file was asked for")


def _named(
    name: str, home: Home, kinds: frozenset[str], served: Callable[[], tuple[str, ...] | None]
) -> Choice:
    if installed.is_name(name) and (one := installed.find(home, name)):
        return _gguf(one, "its name was asked for")
    model = catalog.find(name)
    if "ollama" in kinds:
        if model and (tag := _served_name(model, served)):
            return Choice("ollama", tag, Path(), model.family, why="Ollama has it")
        if ":" in name and name in (served() or ()):
            return Choice("ollama", name, Path(), why="Ollama has it")
    if model:
        raise NoModel(f"The model {name} is not installed.", f"Run `orch model pull {name}`.")
    raise catalog.unknown(name, (one.name for one in installed.listing(home)))


def _served_name(model: Model, served: Callable[[], tuple[str, ...] | None]) -> str:
    names = served() or ()
    return next((tag for tag in model.ollama if tag in names), "")


def _gguf(one: Installed, why: str) -> Choice:
    model = catalog.find(one.name)
    return Choice("gguf", one.name, one.path, model.family if model else "", one.sha256, why)


def _size(one: Installed) -> int:
    return one.bytes
