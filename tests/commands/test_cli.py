"""The command line as a whole: help everywhere, lazy imports, errors as one sentence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.cli import COMMANDS, __version__
from tests.commands.orch import run

HEAVY = ("textual", "git", "ollama", "llama_cpp", "numpy", "httpx", "jinja2", "tinydb", "rich", "asyncio")


def test_version_imports_nothing_heavy() -> None:
    code = (
        "import sys; from orchestrator.cli import app\n"
        "try: app(['--version'])\n"
        "except SystemExit: pass\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"orch {__version__}", "[]"]


def test_help_lists_every_command(tmp_path: Path) -> None:
    done = run("--help", cwd=tmp_path)
    assert done.returncode == 0
    assert all(f"  {name} " in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name: str, tmp_path: Path) -> None:
    done = run(name, "--help", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Example" in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(
    "args", [["nonsense"], ["ask", "--mode", "wild", "x"], ["ask", "--nonsense"], ["ask", ""]]
)
def test_wrong_usage_exits_2_without_a_traceback(args: list[str], tmp_path: Path) -> None:
    done = run(*args, cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_no_command_without_a_terminal_says_what_to_do(tmp_path: Path) -> None:
    done = run(cwd=tmp_path)
    assert done.returncode == 2
    assert "orch ask" in done.stderr


def test_an_unexpected_error_is_one_sentence_and_a_file(tmp_path: Path) -> None:
    code = (
        "import sys, orchestrator.cli as cli\n"
        "def broken(): raise KeyError('[/red]\\x1b[31m')\n"
        "cli.app = broken\n"
        "cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "\x1b" not in done.stderr
    assert "Traceback" in Path(done.stderr.split("details are in ")[1].strip().rstrip(".")).read_text()


def test_changelog_knows_this_version() -> None:
    root = Path(__file__).parents[2]
    assert f"## [{__version__}]" in (root / "CHANGELOG.md").read_text(encoding="utf-8")
