"""`orch import`: conversations of other programs, each turn once."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.terminal import one_line

if TYPE_CHECKING:
    from orchestrator.journal.imported import Imported

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_EPILOG = "Example: orch import ~/.claude/projects/-home-me-heron --project ~/heron"


@app.command("import", epilog=_EPILOG)
def import_(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="JSON lines, or what Claude Code, Codex, Gemini CLI or aider keep; a folder; - for stdin.",
        ),
    ],
    project: Annotated[
        Path, typer.Option(metavar="PATH", help="A folder of the project.", readable=False)
    ] = Path("."),
    as_json: bool = typer.Option(False, "--json", help="What was taken, as one JSON object."),
) -> None:
    """Take in conversations; the files are only read.

    A line of JSON has id, session, timestamp, role and content. Secrets are redacted. Importing again
    adds what is new; what was forgotten stays so.
    """
    from orchestrator.commands.progress import Bar
    from orchestrator.journal.imported import Imported, take
    from orchestrator.journal.store import SqliteJournal
    from orchestrator.paths import home
    from orchestrator.transcripts import files as transcripts
    from orchestrator.workspaces import open_project, remember

    named = [file for path in files for file in ([path] if str(path) == "-" else transcripts.found(path))]
    sources = {file: transcripts.source(file) for file in named if str(file) != "-"}
    place, where = open_project(project), home()
    done = Imported()
    total, before = sum(source.size for source in sources.values()), 0
    with SqliteJournal.open(where) as journal, Bar("Importing") as bar:
        remember(place, where)
        try:
            for file in named:
                read = 0

                def heard(count: int) -> None:
                    nonlocal read
                    read = count

                if str(file) == "-":
                    items, form = transcripts.of_lines(sys.stdin.buffer, "stdin"), "jsonl"
                else:
                    items, form = sources[file].items(heard), sources[file].format
                for _ in take(journal, place.id, items, form, done):
                    if total > 20_000_000:
                        bar.update(before + read, total)
                before += sources[file].size if file in sources else 0
        except KeyboardInterrupt:
            print(f"{_told(done)} Stopped; import again to go on.", file=sys.stderr)
            raise
    typer.echo(json.dumps(_counts(done)) if as_json else _told(done))


def _counts(done: Imported) -> dict[str, object]:
    return {
        "taken": done.taken,
        "sessions": len(done.sessions),
        "known": done.known,
        "undated": done.undated,
        "skipped": dict(done.skipped),
    }


def _told(done: Imported) -> str:
    told = f"{done.taken:,} turns of {len(done.sessions):,} sessions were taken in."
    if done.known:
        told += f" {done.known:,} were there already."
    if done.undated:
        told += f" {done.undated:,} have no time that is understood."
    if done.skipped:
        told += f" Skipped {sum(done.skipped.values()):,}: {_reasons(done.skipped)}."
    return told


def _reasons(skipped: Counter[str]) -> str:
    parts: Iterable[str] = (f"{count:,} {one_line(why)}" for why, count in skipped.most_common())
    return ", ".join(parts)
