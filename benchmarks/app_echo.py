"""From a key press to its echo in the app, and what the app costs while nobody types.

    python benchmarks/app_echo.py [--keys 300] [--messages 10000] [--idle 20]

`orch` runs in a pseudo terminal of 120 × 40 with its panes in view. The time is from writing a character
to the terminal until output has come that shows it in the prompt.

- History: a session of 10,000 messages and one of 10 are shown by two apps, which are typed into in turn.
  Budget: p99 at 10,000 ≤ 2 × p99 at 10.
- Streaming: a scripted model writes Markdown at 200 tokens/s; before it, the same app is idle.
  Budget: p99 < idle p99 + 50 ms.
- Idle: processor time of the app with a session open. Budget: 1 % of a core.

Exit code 1 above a budget. Linux only: it reads /proc.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from in_pty.program import Hung, Program
from in_pty.scene import PROMPT, Scene

HISTORY_BUDGET = 2.0
STREAMING_BUDGET_MS = 50.0
IDLE_BUDGET = 0.01
FEW = 10
TOKENS_PER_SECOND = 200
PAUSE_S = 0.08
"""Between an echo and the next key; a little more each time, to meet every phase of a timer."""
LINE = 50
"""Characters typed before the prompt is emptied."""
READY = "A fresh instance"
SHOWN = "This is how it was."
LETTERS = itertools.cycle("the quick brown fox jumps over the lazy dog ".replace(" ", ""))
SECTION = """## Part {0}

The account **{0}** is charged by the second, see `quota.py`. It holds:

- a limit, which is never exceeded,
- what is *left* of it, and the time at which it was charged last.

```python
def charge(account: Account, amount: int) -> int:
    if account.left < amount + {0}:
        raise QuotaExceeded(account.name)
    account.left -= amount
    return account.left
```

"""


class Typist:
    """Types into the prompt of one app, and takes the time until each character is seen there."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._line = ""

    def key(self) -> float:
        """Milliseconds."""
        if len(self._line) == LINE:
            self._program.send("\x15")  # to the start of the line
            self._line = ""
            self._program.wait(lambda screen: PROMPT in screen)
            self._program.read_for(PAUSE_S)
        self._line += next(LETTERS)
        sent = self._program.send(self._line[-1])
        return (self._program.wait_for_echo(self._line) - sent) * 1000

    def keys(self, count: int) -> list[float]:
        found = []
        for number in range(count):
            found.append(self.key())
            self._program.read_for(pause(number))
        return found


def pause(number: int) -> float:
    return PAUSE_S + number % 7 * 0.01


def percentile(times: list[float], share: float) -> float:
    return sorted(times)[min(int(len(times) * share), len(times) - 1)]


def told(name: str, times: list[float]) -> float:
    """Print the times; returns their p99."""
    p50, p99 = percentile(times, 0.5), percentile(times, 0.99)
    print(f"{name}: {len(times)} keys, median {p50:.1f} ms, p99 {p99:.1f} ms, worst {max(times):.1f} ms")
    return p99


# --- history --------------------------------------------------------------------------------------


def recorded(scene: Scene, messages: int) -> None:
    """Write a session of so many messages to the scene's journal: prompts, calls and answers."""
    from orchestrator.journal.store import SqliteJournal
    from orchestrator.paths import Home
    from orchestrator.types import Entry
    from orchestrator.workspaces import open_project, remember

    home = Home(scene.home)
    project = open_project(scene.project)
    remember(project, home)
    session = "f" * 32

    def entries() -> Iterator[Entry]:
        yield Entry("session", {"event": "start", "model": "scripted"}, project.id, session)
        for number in range(messages // 2):
            asked = {"role": "user", "text": f"What is part {number}?"}
            answered = {"role": "assistant", "text": SECTION.format(number)}
            call = {"name": "search", "arguments": {"query": f"part {number}"}}
            found = {"name": "search", "ok": True, "text": f"quota.py:{number}: # part {number}"}
            yield Entry("message", asked, project.id, session)
            yield Entry("tool_call", call, project.id, session)
            yield Entry("tool_result", found, project.id, session)
            yield Entry("message", answered, project.id, session)
        yield Entry("session", {"event": "end", "reason": "done"}, project.id, session)

    with SqliteJournal.open(home) as journal:
        everything = list(entries())
        for start in range(0, len(everything), 1000):
            journal.append(everything[start : start + 1000])


def resumed(scene: Scene) -> Program:
    """The app, showing the recorded session."""
    program = scene.orch()
    program.wait_for(READY)
    program.send("\x0f")  # ctrl+o: earlier sessions
    program.wait_for("What is part 0?")
    program.send("\x1b[B")  # the one below that which is open
    program.read_for(1)
    program.send("o")
    program.wait_for(SHOWN)
    program.read_for(2)
    return program


def history(root: Path, messages: int, keys: int) -> bool:
    times: dict[int, list[float]] = {FEW: [], messages: []}
    with ExitStack() as running:
        typists = {}
        for count in times:
            scene = Scene(root / str(count))
            scene.configure(scene.scripted({"answer": "Yes."}))
            recorded(scene, count)
            typists[count] = Typist(running.enter_context(resumed(scene)))
        for number in range(keys):
            for count, typist in typists.items():
                times[count].append(typist.key())
                time.sleep(pause(number) / 2)
    few, many = (told(f"{count:,} messages", found) for count, found in times.items())
    print(f"p99 {many / few:.2f} × (budget {HISTORY_BUDGET:.0f} ×)")
    return many <= HISTORY_BUDGET * few


# --- streaming and idling -------------------------------------------------------------------------


def alive(root: Path, keys: int, seconds: float) -> bool:
    """Idle, then typed into while nothing streams, then while an answer does."""
    scene = Scene(root / "alive")
    answer = "".join(SECTION.format(number) for number in range(keys))
    scene.configure(scene.scripted({"answer": answer, "tokens_per_second": TOKENS_PER_SECOND}))
    with scene.orch() as program:
        program.wait_for(READY)
        program.read_for(3)
        before, start = program.cpu_seconds(), time.perf_counter()
        program.read_for(seconds)
        busy = (program.cpu_seconds() - before) / (time.perf_counter() - start)
        print(f"idle for {seconds:.0f} s: {busy:.2%} of a core (budget {IDLE_BUDGET:.0%})")

        idle = told("idle", Typist(program).keys(keys))
        program.send("\x15")
        program.wait_for(PROMPT)
        program.send("Explain.\r")
        program.wait_for("Part 0")
        streaming = told("streaming", Typist(program).keys(keys))
        if "tok/s" in program.text():
            raise Hung("The answer was over before the typing was.")
    print(f"p99 {streaming - idle:+.1f} ms while streaming (budget +{STREAMING_BUDGET_MS:.0f} ms)")
    return streaming - idle < STREAMING_BUDGET_MS and busy <= IDLE_BUDGET


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--keys", type=int, default=300)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--idle", type=float, default=20.0, help="seconds")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        met = alive(Path(folder), options.keys, options.idle)
        met = history(Path(folder), options.messages, options.keys) and met
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
