"""What the benchmarks of the app run: `orch` in a home and project of its own, and an empty Textual app."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from in_pty.program import Program

PROMPT = "Ask, or / for commands"
"""What the app's prompt says while it is empty."""
EMPTY_PROMPT = "Nothing here"
EMPTY_APP = f"""
from textual.app import App
from textual.widgets import Input

class Empty(App):
    def compose(self):
        yield Input(placeholder={EMPTY_PROMPT!r})

Empty().run()
"""


class Scene:
    """A folder with a home and a project; `models` is a folder of models to use, if any.

    Python keeps its bytecode there too, so that no program is compiled anew each time it starts.
    """

    def __init__(self, root: Path, models: Path | None = None) -> None:
        self.home, self.project = root / "home", root / "heron"
        self._bytecode = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(root / "bytecode")}
        self.home.mkdir(parents=True)
        self.project.mkdir()
        (self.project / "README.md").write_text("# Heron\n\nBills calls by the second.\n", encoding="utf-8")
        if models:
            (self.home / "models").symlink_to(models)

    def scripted(self, *steps: dict[str, Any]) -> str:
        """The name of a model that says this."""
        path = self.home.parent / "script.json"
        path.write_text(json.dumps(steps), encoding="utf-8")
        return f"scripted:{path}"

    def configure(self, model: str) -> None:
        """What `orch` alone runs; answers may be long."""
        settings = f"[model]\nname = {json.dumps(model)}\nmax_answer_tokens = 100000\n"
        settings += '[snapshots]\nprewarm = "off"\n'  # it would take time from what is measured next
        (self.home / "config.toml").write_text(settings, encoding="utf-8")

    def orch(self, *arguments: str, columns: int = 120, rows: int = 40) -> Program:
        """`orch` in the project, on the model that was configured."""
        return Program(
            [str(Path(sys.executable).with_name("orch")), *arguments],
            cwd=self.project,
            environment={"ORCH_HOME": str(self.home), **self._bytecode},
            columns=columns,
            rows=rows,
        )

    def empty_app(self, columns: int = 120, rows: int = 40) -> Program:
        """One input line in a Textual app, and nothing else."""
        command = [sys.executable, "-c", EMPTY_APP]
        return Program(command, environment=self._bytecode, columns=columns, rows=rows)
