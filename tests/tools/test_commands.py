"""run and shell, in the sandbox and without."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.tools import kept, runner
from orchestrator.tools.run import interpreter
from orchestrator.types import ToolCall
from tests.tools.conftest import Bench

Make = Callable[..., Bench]
OURS = f"{os.getpid()}"
"""In the marks of commands: other test runs on this machine have theirs."""
PATIENCE_S = 120.0
"""A limit for what is never killed, not a measurement."""


def alive(marker: str) -> list[str]:
    """Command lines that hold the marker, of all processes."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if marker in line:
            found.append(line)
    return found


def gone(marker: str) -> bool:
    """Killed processes vanish once their parent has collected them: wait for that, bounded."""
    until = time.monotonic() + PATIENCE_S
    while alive(marker) and time.monotonic() < until:
        os.sched_yield()
    return not alive(marker)


def test_pipes_exit_codes_and_order(commands: Make) -> None:
    bench = commands()
    result = bench("shell", command="echo one | tr a-z A-Z; echo err >&2; echo two; exit 3")
    assert result.text == "ONE\nerr\ntwo\n[exit code 3]"
    assert (result.ok, result.exit_code) == (False, 3)
    assert "".join(bench.streamed) == "ONE\nerr\ntwo\n"


def test_the_working_folder_is_the_project(commands: Make) -> None:
    bench = commands()
    assert bench("shell", command="pwd").text == str(bench.root)
    assert bench("shell", command="echo x > made.txt").text == "[no output; exit code 0]"
    assert (bench.root / "made.txt").read_text() == "x\n"


@pytest.mark.parametrize("given", ["$ echo hi", "```bash\necho hi\n```"])
def test_a_command_may_be_dressed_up(commands: Make, given: str) -> None:
    assert commands()("shell", command=given).text == "hi"


def test_python_answers_like_a_repl(commands: Make) -> None:
    bench = commands()
    bench.file("mine.py", "answer = 42\n")
    assert bench("run", code="from mine import answer\nanswer").text == "42"
    assert bench("run", code="print('x')\nNone").text == "x"
    assert bench("run", code="```python\n1 + 1\n```").text == "2"
    assert not list(bench.root.rglob("__pycache__"))


def test_python_errors_show_their_own_lines_only(commands: Make) -> None:
    bench = commands()
    result = bench("run", code="def f():\n    raise ValueError('no')\nf()")
    assert result.exit_code == 1
    assert "line 2, in f\n    raise ValueError('no')\nValueError: no" in result.text
    assert "exec(" not in result.text
    assert "SyntaxError" in bench("run", code="def f(:").text
    assert bench("run", code="import sys\nsys.exit(7)").exit_code == 7


def test_stdin_is_closed(commands: Make) -> None:
    assert commands()("shell", command="cat; echo done").text == "done"


def test_a_command_without_end_is_stopped(commands: Make) -> None:
    bench = commands(timeout_s=200)
    marker = f"never-ends-{OURS}"
    result = bench.out_of_time("shell", "begun", command=f"echo begun; exec -a {marker} sleep 300")
    assert result.text == "begun\n[stopped after 200 s; exit code 124]"
    assert (result.ok, result.exit_code) == (False, runner.TIMED_OUT)
    assert gone(marker)


def test_one_that_ignores_term_is_killed(commands: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "TERM_GRACE_S", 0.1)
    code = "import signal\nsignal.signal(15, signal.SIG_IGN)\nprint('deaf')\nwhile True: signal.pause()"
    assert commands(timeout_s=200).out_of_time("run", "deaf", code=code).exit_code == 124


def test_a_gigabyte_is_drained(commands: Make) -> None:
    bench = commands()
    result = bench("shell", command="echo first; yes | head -c 1G; echo last")
    assert result.ok, result.text
    assert result.truncated
    assert result.text.startswith("first\ny\n")
    assert result.text.endswith("y\nlast")
    assert len(result.text) <= 6000
    assert sum(map(len, bench.streamed)) < 2 * kept.STREAMED_CHARS
    assert "further output is not shown" in bench.streamed[-1]


@pytest.mark.parametrize("how", ["", "setsid "])
def test_children_left_behind_are_killed(commands: Make, how: str) -> None:
    bench = commands()
    marker = f"left-behind-{OURS}-" + ("s" if how else "p") + bench.toolbox.sandbox
    result = bench("shell", command=f"{how}bash -c 'exec -a {marker} sleep 300' & echo done")
    assert result.text == "done"
    assert gone(marker)


def test_cancel_kills_at_once(commands: Make) -> None:
    bench = commands()
    marker = f"cancelled-{OURS}-" + bench.toolbox.sandbox
    begun = asyncio.Event()

    async def story() -> None:
        command = f"bash -c 'exec -a {marker} sleep 300' & echo begun; wait"
        call = ToolCall("shell", {"command": command})
        task = asyncio.create_task(bench.toolbox.run(call, lambda text: begun.set()))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(story())
    assert gone(marker)


def test_secrets_of_the_environment_stay_here(commands: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "GITHUB_TOKEN",
        "OPENAI_API_KEY",
        "LD_PRELOAD",
        "GIT_EXTERNAL_DIFF",
        "AWS_SECRET",
        "BASH_ENV",
    ):
        monkeypatch.setenv(name, "canary")
    bench = commands()
    seen = bench("shell", command="env").text
    assert "canary" not in seen
    assert "TERM=dumb" in seen
    assert "canary" not in bench("run", code="import os\ndict(os.environ)").text


def test_hostile_output_is_neutral(commands: Make) -> None:
    result = commands()("shell", command=r"printf '\033]0;x\007\033[31m[red]\377\000\n'")
    assert result.text == "[red]\ufffd"


def test_a_missing_program_is_an_exit_code(commands: Make) -> None:
    assert commands()("shell", command="no-such-program").exit_code == 127


def test_what_cannot_be_started_is_said(commands: Make) -> None:
    bench = commands()
    assert "too long" in bench("run", code="x" * 200_000).text
    assert "NUL" in bench("shell", command="echo \0").text
    assert "empty" in bench("shell", command=" ").text


def test_the_projects_own_python_is_used(commands: Make) -> None:
    bench = commands()
    assert interpreter(bench.root) == "python3"
    own = bench.root / ".venv/bin/python"
    own.parent.mkdir(parents=True)
    own.symlink_to(sys.executable)
    assert interpreter(bench.root) == str(own)
    assert bench("run", code="6 * 7").text == "42"


def test_the_network_is_open_for_one_command_and_off_for_the_next(confined: Bench) -> None:
    def interfaces(**call: str) -> str:
        return confined(
            "shell", command="ls -A /sys/class/net | wc -l; cut -d: -f1 -s /proc/net/dev", **call
        ).text

    off = interfaces()
    confined.toolbox.open_network()
    on = interfaces()
    assert on.endswith("[the network was open for this command]")
    assert len(on.splitlines()) > len(off.splitlines()) + 1
    assert interfaces() == off
    confined.toolbox.open_network()
    assert not confined("shell", command=" ").ok  # no command came of it
    assert interfaces() == off
    confined.toolbox.open_network()
    confined("read", path=".")
    assert interfaces() == off
