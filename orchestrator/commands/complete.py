"""What the shell may complete, and how it learns to."""

from __future__ import annotations

from typing import Any

from orchestrator.errors import UsageError

OPTIONS = ("--install-completion", "--show-completion")
SHELLS = ("bash", "zsh", "fish", "powershell", "pwsh")


def complete_models(incomplete: str) -> list[str]:
    """Models that can be used now, and `auto`; after `ollama:` those of Ollama."""
    if incomplete.startswith("ollama:"):
        from orchestrator.models.elsewhere import ollama_models

        return _starting(incomplete, [f"ollama:{name}" for name in ollama_models() or ()])
    from orchestrator.models import installed
    from orchestrator.paths import home

    return _starting(incomplete, ["auto", *(one.name for one in installed.listing(home()))])


def complete_note_kinds(incomplete: str) -> list[str]:
    from orchestrator.types import NOTE_KINDS

    return _starting(incomplete, (*NOTE_KINDS, "confirm"))


def complete_kinds(incomplete: str) -> list[str]:
    """Kinds of records."""
    from typing import get_args

    from orchestrator.types import Kind

    return _starting(incomplete, get_args(Kind))


def complete_points(incomplete: str) -> list[str]:
    """Points of the project here that one can go back to."""
    from pathlib import Path

    from orchestrator.agent.points import Points
    from orchestrator.checkpoints.store import Checkpoints
    from orchestrator.journal.store import SqliteJournal
    from orchestrator.paths import home
    from orchestrator.workspaces import find_project

    if (here := find_project(Path("."))) is None:
        return []
    with SqliteJournal.open(home()) as journal:
        store = Checkpoints(here.root, here.root / ".orchestrator" / "checkpoints")
        return _starting(incomplete, [point.name for point in Points(journal, store, here.id).all()])


def complete_recalled_kinds(incomplete: str) -> list[str]:
    """Kinds of what was said."""
    from orchestrator.types import NOTE_KINDS

    return _starting(incomplete, ("message", *NOTE_KINDS))


def complete_peers(incomplete: str) -> list[str]:
    """Names of nodes that this one was paired with."""
    from orchestrator.paths import home
    from orchestrator.workspaces.peers import Peers

    return _starting(incomplete, [peer.name for peer in Peers(home()).all()])


def set_up(context: Any, option: str, shell: str = "") -> None:
    """Install or print completion for a shell, by default the one that runs this; then exit.

    Typer's own options know the running shell only, and pass over a name after them in silence.
    """
    from typer.completion import install_callback, show_callback

    shell = shell or _running_shell(option)
    if shell not in SHELLS:
        raise UsageError(f"There is no completion for {shell!r}.", f"Choose from: {', '.join(SHELLS)}.")
    try:
        (install_callback if option == OPTIONS[0] else show_callback)(context, None, shell)  # type: ignore[arg-type]
    except OSError as error:
        raise UsageError(
            f"{error.filename or 'The file'} cannot be written: {error.strerror}.",
            f"Put what `orch {OPTIONS[1]} {shell}` prints where your shell reads it.",
        ) from error


def _running_shell(option: str) -> str:
    import shellingham  # type: ignore[import-untyped]  # what typer depends on

    try:
        return str(shellingham.detect_shell()[0])
    except shellingham.ShellDetectionFailure:
        raise UsageError("The shell cannot be recognised.", f"Name it: orch {option} bash.") from None


def _starting(incomplete: str, names: Any) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
