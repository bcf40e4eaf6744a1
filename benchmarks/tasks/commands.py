"""Commands that a check runs in what a run left: in a copy, and as confined as the agent's own."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import shorten

from orchestrator.tools import runner
from orchestrator.tools.sandbox import probe
from tasks.facts import Fact, missing, present
from tasks.task import Check, Left

TIMEOUT_S = 60


def prints(
    command: Sequence[str],
    *facts: Fact,
    never: tuple[Fact, ...] = (),
    exactly: str | None = None,
    code: int = 0,
    given: Mapping[str, str] | None = None,
) -> Check:
    """`command` ends with `code`, and its output (stderr too) holds `facts` and nothing of `never`.

    `exactly` compares the whole of it, white space aside. `given` are files put there before.
    """

    def check(left: Left) -> str:
        ended, output = _run(left.project, command, given or {})
        shown = shorten(" ".join(command), 70, placeholder=" …")
        if ended != code:
            return f"`{shown}` ended with {ended}: {' '.join(output.split())[-200:]}"
        if exactly is not None and output.split() != exactly.split():
            return f"`{shown}` printed {output[:200]!r}, not {exactly!r}"
        if lacking := missing(output, facts):
            return f"the output of `{shown}` has no {', '.join(lacking)}: {output[-200:]!r}"
        if wrong := present(output, never):
            return f"the output of `{shown}` has {', '.join(wrong)}"
        return ""

    return check


def python(code: str, *facts: Fact, **options: object) -> Check:
    """Python `code`, run in the project, prints `facts`; options as of `prints`."""
    return prints(["python3", "-c", code], *facts, **options)  # type: ignore[arg-type]


def suite_passes(command: Sequence[str] = ("python3", "-m", "unittest")) -> Check:
    """The repository's own tests pass, and at least one ran."""
    return prints(command, never=(re.compile(r"Ran 0 tests|NO TESTS RAN|tests 0\b"),))


def _run(project: Path, command: Sequence[str], given: Mapping[str, str]) -> tuple[int, str]:
    with tempfile.TemporaryDirectory(prefix="check-") as folder:
        copy = Path(folder) / project.name
        shutil.copytree(project, copy, symlinks=True)
        for name, text in given.items():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_text(text, encoding="utf-8")
        argv = probe().wrap(list(command), project=copy, writable=True)
        try:
            done = subprocess.run(
                argv,
                cwd=copy,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=TIMEOUT_S,
                check=False,
                env=runner.environment(),
            )
        except subprocess.TimeoutExpired:
            return 124, f"not done within {TIMEOUT_S} s"
        except OSError as error:
            return 127, str(error)
    return done.returncode, done.stdout.decode("utf-8", "replace")
