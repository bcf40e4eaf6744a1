"""Commands in a pseudo-terminal: raw to the sink, plain to the model, every limit as without."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.config import ToolSettings
from orchestrator.tools import kept, pty, runner
from orchestrator.tools.sandbox import NoSandbox, probe
from orchestrator.tools.toolbox import Toolbox
from orchestrator.types import ToolCall
from tests.held import Held
from tests.tools.conftest import Bench
from tests.tools.test_commands import OURS, gone

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows runs commands with pipes")
Make = Callable[..., Bench]


@pytest.fixture(params=["bwrap", "none"])
def terminal(request: pytest.FixtureRequest, project: Path) -> Make:
    """Makes a toolbox whose commands have a terminal of 100 by 30, in each tier."""

    def make(**settings: int) -> Bench:
        sandbox = probe() if request.param == "bwrap" else NoSandbox("a test")
        assert sandbox.tier == request.param, sandbox.reason
        limits = ToolSettings(**settings)  # type: ignore[arg-type]
        toolbox = Toolbox(
            project,
            sandbox=sandbox,
            settings=limits,
            notes=lambda call: "S1#1",
            checkpoints=project / ".orchestrator" / "checkpoints",
            terminal=lambda: (100, 30),
        )
        return Bench(project, toolbox, limits, [])

    return make


def test_a_program_believes_it_has_a_terminal(terminal: Make) -> None:
    bench = terminal()
    code = (
        "import os, sys\n[s.isatty() for s in (sys.stdin, sys.stdout, sys.stderr)], os.get_terminal_size(1)"
    )
    assert bench("run", code=code).text == ("([False, True, True], os.terminal_size(columns=100, lines=30))")
    seen = bench("shell", command="env").text
    assert "TERM=xterm-256color" in seen
    assert "COLUMNS=100" in seen
    assert "PAGER=cat\n" in seen
    assert "GIT_PAGER=cat" in seen
    assert "NO_COLOR" not in seen


def test_the_users_wish_for_no_colour_stands(terminal: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert "NO_COLOR=1" in terminal()("shell", command="env").text


def test_colours_reach_the_sink_and_not_the_model(terminal: Make) -> None:
    bench = terminal()
    bench.file("needle.txt", "one needle\n")
    result = bench("shell", command="grep --color=auto needle needle.txt; printf 'p\\033[1mq\\n' >&2; exit 3")
    assert result.text == "one needle\npq\n[exit code 3]"
    assert "\x1b[01;31m" in "".join(bench.streamed)
    assert "p\x1b[1mq\n" in "".join(bench.streamed)


def test_a_progress_bar_is_one_line_for_the_model(terminal: Make) -> None:
    bench = terminal()
    code = "for i in range(5001): print(f'{i / 50:3.0f}% ' + '#' * (i // 100), end='\\r')\nprint('\\nready')"
    result = bench("run", code=code)
    assert result.text == "100% " + "#" * 50 + "\nready"
    assert not result.truncated
    assert "".join(bench.streamed).count("\r") > 5000


def test_there_is_no_terminal_to_ask_for_a_password(terminal: Make) -> None:
    bench = terminal()
    result = bench("shell", command="cat; (echo x > /dev/tty) 2>/dev/null || echo none")
    assert result.text == "none"


def test_the_end_of_the_terminal_is_the_end_of_the_output(terminal: Make) -> None:
    bench = terminal()
    assert bench("shell", command="seq 1 2000; exec >&- 2>&-; sleep 0.1; exit 4").exit_code == 4
    assert "".join(bench.streamed).endswith("1999\n2000\n")


def test_split_and_invalid_utf8(terminal: Make) -> None:
    bench = terminal()
    code = (
        "import os, sys, time\n"
        "for part in (b'a\\xe2', b'\\x82', b'\\xac\\xff', b'z\\n'): os.write(1, part); time.sleep(0.02)"
    )
    assert bench("run", code=code).text == "a€\ufffdz"
    assert "".join(bench.streamed) == "a€\ufffdz\n"


def test_a_flood_is_drained(terminal: Make) -> None:
    bench = terminal()
    result = bench("shell", command="echo first; yes | head -c 128M; echo last")
    assert result.ok, result.text
    assert result.truncated
    assert result.text.startswith("first\ny\n")
    assert result.text.endswith("y\nlast")
    assert len(result.text) <= 6000
    assert sum(map(len, bench.streamed)) < 2 * kept.STREAMED_CHARS
    assert "further output is not shown" in bench.streamed[-1]


def test_a_command_without_end_is_stopped(terminal: Make) -> None:
    bench = terminal(timeout_s=200)
    marker = f"never-ends-tty-{OURS}"
    result = bench.out_of_time("shell", "begun", command=f"echo begun; exec -a {marker} sleep 300")
    assert result.text == "begun\n[stopped after 200 s; exit code 124]"
    assert gone(marker)


@pytest.mark.parametrize("how", ["", "setsid "])
def test_children_left_behind_are_killed(terminal: Make, how: str) -> None:
    bench = terminal()
    marker = f"left-tty-{OURS}-" + ("s" if how else "p") + bench.toolbox.sandbox
    result = bench("shell", command=f"{how}bash -c 'exec -a {marker} sleep 300' & echo done")
    assert result.text == "done"
    assert gone(marker)


def test_cancel_kills_at_once_and_leaks_nothing(terminal: Make) -> None:
    bench = terminal()
    marker = f"cancelled-tty-{OURS}-" + bench.toolbox.sandbox
    begun = asyncio.Event()

    async def story() -> None:
        call = ToolCall("shell", {"command": f"bash -c 'exec -a {marker} sleep 300' & echo begun; wait"})
        task = asyncio.create_task(bench.toolbox.run(call, lambda text: begun.set()))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    bench("shell", command="true")
    before = Held.before()
    asyncio.run(story())
    assert gone(marker)
    assert not Held.now().more_than(before)


def test_a_program_that_does_not_start_leaks_nothing(project: Path) -> None:
    async def story() -> None:
        with pytest.raises(Exception, match="could not be started"):
            await runner.run(["/no/such/program"], cwd=project, timeout_s=300, sink=print, terminal=(80, 24))

    asyncio.run(story())
    before = Held.before()
    asyncio.run(story())
    assert not Held.now().more_than(before)


def test_a_sink_that_fails_ends_the_command(project: Path) -> None:
    def sink(text: str) -> None:
        raise ZeroDivisionError

    async def story() -> None:
        argv = ["sh", "-c", "echo x; exec sleep 0.2"]
        await runner.run(argv, cwd=project, timeout_s=300, sink=sink, terminal=(80, 24))

    with pytest.raises(ZeroDivisionError):
        asyncio.run(story())


def test_without_pseudo_terminals_there_are_pipes(terminal: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pty, "open_pty", lambda *size, **how: None)
    bench = terminal()
    assert bench("run", code="import sys\nsys.stdout.isatty()").text == "False"
    assert "TERM=dumb" in bench("shell", command="env").text


@pytest.mark.parametrize(("columns", "rows"), [(0, 0), (-1, 5), (100_000, 100_000)])
def test_any_size_is_made_possible(columns: int, rows: int) -> None:
    pair = pty.open_pty(columns, rows)
    assert pair is not None
    try:
        size = os.get_terminal_size(pair[1])
        assert 1 <= size.columns <= 9999
        assert 1 <= size.lines <= 9999
    finally:
        for descriptor in pair:
            os.close(descriptor)
