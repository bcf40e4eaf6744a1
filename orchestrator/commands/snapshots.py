"""`orch model snapshots`: what is kept of prefilled prompts, and deleting it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.errors import OrchError, UsageError
from orchestrator.terminal import one_line

if TYPE_CHECKING:
    from orchestrator.models.snapshot_about import Kept

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    invoke_without_command=True,
    help="Show or delete what is kept of prefilled prompts.",
    epilog="Example: orch model snapshots rm qwen2.5-coder-0.5b/heron",
)


def _complete(incomplete: str) -> list[str]:
    return [kept.name for kept in _listing() if kept.name.startswith(incomplete)]


def _listing() -> list[Kept]:
    from orchestrator.models.snapshot_about import listing
    from orchestrator.paths import home

    return listing(home().snapshots)


@app.callback()
def _default(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_(json_=False)


@app.command("list", epilog="Example: orch model snapshots list --json")
def list_(json_: Annotated[bool, typer.Option("--json", help="As a JSON array.")] = False) -> None:
    """Show the snapshots: size, age and hits, newest use first."""
    from orchestrator.config import load
    from orchestrator.models.machine import size_text
    from orchestrator.paths import home

    found = _listing()
    if json_:
        typer.echo(json.dumps([_row(kept) for kept in found], indent=2))
        return
    if not found:
        typer.echo("There is none yet: a session makes one, and so does `orch warm`.")
        return
    now = time.time()
    titles = ("name", "tokens", "size", "made", "used", "hits")
    lines = [
        (
            one_line(kept.name, 60),
            f"{kept.tokens:,}",
            size_text(kept.bytes),
            _ago(now - kept.made),
            _ago(now - kept.used),
            str(kept.hits),
        )
        for kept in found
    ]
    widths = [max(len(line[i]) for line in (titles, *lines)) for i in range(len(titles))]
    for line in (titles, *lines):
        name, *rest = line
        cells = [name.ljust(widths[0]), *(c.rjust(w) for c, w in zip(rest, widths[1:], strict=True))]
        typer.echo("  ".join(cells))
    limit = load(home().config).snapshots.max_bytes
    typer.echo(f"{size_text(sum(kept.bytes for kept in found))} of {size_text(limit)} (snapshots.max_bytes)")


@app.command(epilog="Example: orch model snapshots rm --all")
def rm(
    name: Annotated[str, typer.Argument(help="A name of the list.", autocompletion=_complete)] = "",
    all_: Annotated[bool, typer.Option("--all", help="Every snapshot.")] = False,
) -> None:
    """Delete a snapshot. Nothing is lost but time: the next session makes it anew."""
    from orchestrator.models.machine import size_text

    if bool(name) == all_:
        raise UsageError("Name one snapshot, or say --all.", "See `orch model snapshots`.")
    found = _listing()
    chosen = found if all_ else [kept for kept in found if name in (kept.name, kept.name.rpartition("/")[2])]
    if not chosen and not all_:
        raise _unknown(name, found)
    if len(chosen) > 1 and not all_:
        names = ", ".join(kept.name for kept in chosen)
        raise UsageError(f"{one_line(name)} may be any of: {one_line(names)}.", "Give the whole name.")
    for kept in chosen:
        _remove(kept)
    freed = size_text(sum(kept.bytes for kept in chosen))
    typer.echo(f"{len(chosen)} deleted, {freed} freed." if chosen else "There is none.")


def _remove(kept: Kept) -> None:
    from orchestrator.models.snapshot_about import remove

    try:
        remove(kept)
    except OSError as error:
        raise OrchError(
            f"{kept.path} cannot be deleted: {error.strerror or error}.", "Change its permissions."
        ) from error


def _unknown(name: str, found: list[Kept]) -> UsageError:
    import difflib

    near = difflib.get_close_matches(name, [kept.name for kept in found], n=1, cutoff=0.3)
    hint = f"Did you mean {near[0]}?" if near else "See `orch model snapshots`."
    return UsageError(f"There is no snapshot {one_line(name)}.", one_line(hint))


def _row(kept: Kept) -> dict[str, Any]:
    return {
        "name": kept.name,
        "model": kept.model,
        "project": kept.project or None,
        "tokens": kept.tokens,
        "bytes": kept.bytes,
        "made": round(kept.made),
        "used": round(kept.used),
        "hits": kept.hits,
        "path": str(kept.path),
    }


def _ago(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return "just now"
