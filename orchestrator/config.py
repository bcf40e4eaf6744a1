"""Settings: one typed object, read from `config.toml` in the node's home.

Every field is documented where it stands; `orch config get` prints this text. Unknown keys and
wrong types are errors that name the key, so that a typing mistake is not silently ignored.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from orchestrator import durable
from orchestrator.errors import ConfigError
from orchestrator.types import Mode


def _doc(default: Any, doc: str) -> Any:
    return field(default=default, metadata={"doc": doc})


@dataclass(frozen=True, slots=True)
class ModelSettings:
    name: str = _doc("auto", "model to use: a catalogue name, auto, ollama:NAME, or openai:NAME")
    fallback: str = _doc("", "models to go on with when that one fails, in order, separated by commas")
    context_size: int = _doc(8192, "window in tokens; one constant, since changing it reloads")
    threads: int = _doc(0, "threads for llama.cpp, no more than processors; 0: calibrate once and keep")
    gpu_layers: int = _doc(-1, "layers on the GPU; -1: as many as the build and memory allow")
    temperature: float = _doc(0.0, "0 is greedy and repeatable")
    max_answer_tokens: int = _doc(1024, "most tokens of one step")
    thinking: int = _doc(0, "tokens that a thinking model on a server may think a step; 0: asked not to")


@dataclass(frozen=True, slots=True)
class AgentSettings:
    mode: str = _doc("ask", "read-only, ask or workspace")
    max_steps: int = _doc(12, "tool calls in one turn before the model must answer")


@dataclass(frozen=True, slots=True)
class ContextSettings:
    portfolio: int = _doc(600, "tokens for tier 1; an unused share flows to the next tier")
    project: int = _doc(1500, "tokens for tier 2")
    briefing: int = _doc(1200, "tokens for tier 3")
    log: int = _doc(700, "tokens for the newest entries of tier 4")


@dataclass(frozen=True, slots=True)
class ToolSettings:
    timeout_s: int = _doc(120, "seconds a command may run")
    output_chars: int = _doc(6000, "characters of a result that the model reads")
    checkpoint_bytes: int = _doc(500_000_000, "size of a project's checkpoints; the oldest go first")
    checkpoint_file_bytes: int = _doc(20_000_000, "size of a file that still gets a checkpoint")
    sandbox: str = _doc("auto", "auto: the best that works; bwrap; landlock; none: ask for every command")


@dataclass(frozen=True, slots=True)
class SnapshotSettings:
    max_bytes: int = _doc(4_000_000_000, "size of all KV cache snapshots; oldest use goes first")
    prewarm: str = _doc("on", "on: after a session the next one's is made ready in the background; off")


@dataclass(frozen=True, slots=True)
class ServerSettings:
    url: str = _doc("", "an OpenAI-style server, like http://127.0.0.1:8080/v1; its models are openai:NAME")
    key_variable: str = _doc("ORCH_API_KEY", "environment variable that holds its key; else the keyring")
    timeout_s: int = _doc(300, "seconds without a word from a model server that count as stalled")
    ca_file: str = _doc("", "certificates (PEM) of an authority of your own, for https")
    key_over_http: str = _doc("refuse", "whether a key may travel unencrypted to another machine")


@dataclass(frozen=True, slots=True)
class OllamaSettings:
    keep_alive: str = _doc("30m", "how long Ollama keeps the model loaded after a request; -1: always")


@dataclass(frozen=True, slots=True)
class AppSettings:
    theme: str = _doc("dark", "dark, light, or terminal: the terminal's own colours")


@dataclass(frozen=True, slots=True)
class Settings:
    model: ModelSettings = field(default_factory=ModelSettings)
    agent: AgentSettings = field(default_factory=AgentSettings)
    context: ContextSettings = field(default_factory=ContextSettings)
    tools: ToolSettings = field(default_factory=ToolSettings)
    snapshots: SnapshotSettings = field(default_factory=SnapshotSettings)
    server: ServerSettings = field(default_factory=ServerSettings)
    ollama: OllamaSettings = field(default_factory=OllamaSettings)
    app: AppSettings = field(default_factory=AppSettings)


MODES = (Mode.READ_ONLY, Mode.ASK, Mode.WORKSPACE)
"""Those of a session with a person; `auto` is a run's, where nobody is asked."""
CHOICES: dict[str, tuple[str, ...]] = {
    "agent.mode": tuple(mode.value for mode in MODES),
    "tools.sandbox": ("auto", "bwrap", "landlock", "none"),
    "snapshots.prewarm": ("on", "off"),
    "server.key_over_http": ("refuse", "allow"),
    "app.theme": ("dark", "light", "terminal"),
}
_WINDOW = 1 << 24  # tokens: sixteen times the largest window that any model had by 2025
MINIMUM: dict[str, float] = {
    "model.context_size": 2048,
    "model.threads": 0,
    "model.gpu_layers": -1,
    "model.temperature": 0,
    "model.max_answer_tokens": 16,
    "model.thinking": 0,
    "server.timeout_s": 1,
    "agent.max_steps": 1,
    "context.portfolio": 0,
    "context.project": 0,
    "context.briefing": 0,
    "context.log": 0,
    "tools.timeout_s": 1,
    "tools.output_chars": 500,
    "tools.checkpoint_bytes": 0,
    "tools.checkpoint_file_bytes": 0,
    "snapshots.max_bytes": 0,
}
MAXIMUM: dict[str, float] = {
    "model.context_size": _WINDOW,
    "model.threads": 512,  # what llama.cpp is built for; far more abort it
    "model.gpu_layers": 100_000,
    "model.temperature": 10,
    "model.max_answer_tokens": _WINDOW,
    "model.thinking": _WINDOW,
    "server.timeout_s": 24 * 3600,
    "agent.max_steps": 1000,
    "context.portfolio": _WINDOW,
    "context.project": _WINDOW,
    "context.briefing": _WINDOW,
    "context.log": _WINDOW,
    "tools.timeout_s": 24 * 3600,
    "tools.output_chars": 10_000_000,
    "tools.checkpoint_bytes": 10**15,
    "tools.checkpoint_file_bytes": 10**12,
    "snapshots.max_bytes": 10**15,
}
"""No wish goes beyond these; what does is a slip, and llama.cpp or the system would answer it worse."""


def keys() -> dict[str, str]:
    """Every setting as `section.name`, with its documentation."""
    return {
        f"{section.name}.{item.name}": item.metadata["doc"]
        for section in fields(Settings)
        for item in fields(_section_type(section.name))
    }


def load(path: Path) -> Settings:
    """Settings of the file, defaults where it is silent. Raises `ConfigError`."""
    return _settings(path, tomllib.loads(_text(path)))


def _text(path: Path) -> str:
    """What the file says, "" where there is none; it is TOML."""
    try:
        text = durable.read(path).decode("utf-8")
        tomllib.loads(text)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {error.strerror}.",
            "Change its permissions, move it away, or set ORCH_HOME to another folder.",
        ) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.", "Correct it or move it away.") from error
    return text


def _settings(path: Path, table: dict[str, Any]) -> Settings:
    settings = Settings()
    for section, values in table.items():
        if not isinstance(values, dict):
            raise ConfigError(f"{path}: {section} is not a section.", f"Write [{section}] with keys.")
        for name, value in values.items():
            key = f"{section}.{name}"
            try:
                settings = change(settings, key, value)
            except ConfigError as error:
                known = f"Correct it there, or run `orch config set {key} VALUE`."
                raise ConfigError(
                    f"{path}: {error.message}", known if key in keys() else error.remedy
                ) from error
    return settings


def get(settings: Settings, key: str) -> Any:
    section, name = _split(key)
    return getattr(getattr(settings, section), name)


def change(settings: Settings, key: str, value: Any) -> Settings:
    """The settings with one key changed; `value` may be text, as from a command line."""
    section, name = _split(key)
    old = getattr(settings, section)
    kind = type(getattr(type(old)(), name))
    try:
        if isinstance(value, bool) or (kind is str and not isinstance(value, str)):
            raise ValueError(value)
        value = kind(value)
        if value != value:  # not a number, which no limit below would catch
            raise ValueError(value)
        str(value).encode()  # bytes of a command line that are no text
    except (TypeError, ValueError, OverflowError) as error:
        raise ConfigError(
            f"{key} takes {_article(kind)}, not {value!r}.", f"See `orch config get {key}`."
        ) from error
    if key in CHOICES and value not in CHOICES[key]:
        raise ConfigError(f"{key} cannot be {value!r}.", f"Choose from: {', '.join(CHOICES[key])}.")
    if value < MINIMUM.get(key, value):
        raise ConfigError(f"{key} cannot be below {MINIMUM[key]}.", _range(key))
    if value > MAXIMUM.get(key, value):
        raise ConfigError(f"{key} cannot be above {MAXIMUM[key]:,}.", _range(key))
    return replace(settings, **{section: replace(old, **{name: value})})


def store(path: Path, key: str, value: Any) -> None:
    """Write one key, keeping the file's comments and order; atomic."""
    import tomlkit  # keeps what a person wrote around the key

    value = get(change(Settings(), key, value), key)
    section, name = _split(key)
    text = _text(path)
    table = tomllib.loads(text)
    if isinstance(table.setdefault(section, {}), dict):
        table[section][name] = value  # so that a wrong value in the file can be put right
    _settings(path, table)
    document = tomlkit.parse(text)
    document.setdefault(section, tomlkit.table())[name] = value
    try:
        target = path.resolve()  # a link to where a person keeps such files stays one
        target.parent.mkdir(parents=True, exist_ok=True)
        durable.replace(target, tomlkit.dumps(document).encode(), mode=0o600)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error.strerror or error}.", "Free space or change permissions."
        ) from error


def _section_type(name: str) -> Any:
    value = getattr(Settings(), name)
    assert is_dataclass(value)
    return value


def _split(key: str) -> tuple[str, str]:
    if key not in keys():
        import difflib

        near = difflib.get_close_matches(key, keys(), n=1)
        hint = f"Did you mean {near[0]}?" if near else "See `orch config get`."
        raise ConfigError(f"There is no setting {key!r}.", hint)
    section, name = key.split(".")
    return section, name


def _range(key: str) -> str:
    return f"Choose from {MINIMUM[key]} to {MAXIMUM[key]:,}."


def _article(kind: type) -> str:
    return {"str": "text", "int": "a whole number", "float": "a number"}[kind.__name__]
