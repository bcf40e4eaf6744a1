"""Prefill within a session: how much of each prompt comes from the cache, over twenty turns.

    python benchmarks/turns.py [MODEL] [--turns 20] [--models FOLDER]

A real session in a project of its own, with searches, reads, edits and a document that somebody
changes now and then; the model chooses what it calls. For each generation: tokens of the prompt
before it, how many of those were reused, and how many were prefilled. Budget: at least 98 % of each
previous prompt. Exit code 1 when it is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from orchestrator import wiring
from orchestrator.agent.approval import Always
from orchestrator.events import Answer, PrefillProgress, SessionStart, ToolCallEvent
from orchestrator.paths import home
from orchestrator.types import Mode

BUDGET = 0.98
FILES = {
    "quota.py": "class QuotaExceeded(Exception):\n    pass\n\n\ndef charge(account, amount):\n"
    "    if account.left < amount:\n        raise QuotaExceeded(account.name)\n    account.left -= amount\n",
    "settings.toml": 'port = 8080\nretries = 3\nname = "heron"\n',
    "README.md": "# Heron\n\nBills calls by the second.\n",
}
PROMPTS = (
    "Which function raises QuotaExceeded?",
    "Read settings.toml and tell me the port.",
    "In settings.toml set retries to 5 instead of 3.",
    "What is a mutex?",
    "Compute 17 * 23 with Python.",
    "Search for account.left",
    "What does README.md say?",
    "Show my uncommitted changes.",
)


async def prompts(turns: int) -> AsyncIterator[tuple[int, int, str]]:
    """Of each generation: tokens of its prompt, how many of them were cached, and which turn it is in."""
    options = wiring.Options(Path.cwd(), model=None, mode=Mode.WORKSPACE, max_steps=3)
    async with wiring.desktop(options, Always()) as desktop:
        session = desktop.session
        async for event in session.open():
            if isinstance(event, SessionStart):
                print(f"{event.model}, sandbox {event.sandbox}", flush=True)
        for number in range(turns):
            if number % 6 == 5:
                _edit(number)
            async for event in session.turn(f"{PROMPTS[number % len(PROMPTS)]} (question {number + 1})"):
                if isinstance(event, PrefillProgress) and event.done == 0:
                    yield event.cached + event.total, event.cached, f"turn {number + 1}"
                elif isinstance(event, ToolCallEvent | Answer):
                    what = event.name if isinstance(event, ToolCallEvent) else "answer"
                    print(f"    {what}", flush=True)
        await session.close("done")


def _edit(number: int) -> None:
    """Somebody changes a document under the session."""
    with Path("PROJECT_CONTEXT.md").open("a", encoding="utf-8") as file:
        file.write(f"\n- Carrier {number} is billed by the minute.\n")


async def measure(turns: int) -> float:
    """The smallest share of a previous prompt that was reused."""
    before, worst = 0, 1.0
    async for prompt, cached, where in prompts(turns):
        share = min(cached, before) / before if before else 1.0
        worst = min(worst, share)
        print(
            f"{where:<8} prompt {prompt:>6,}  reused {share:>7.2%}  prefilled {prompt - cached:>5,}",
            flush=True,
        )
        before = prompt
    return worst


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("model", nargs="?", default="qwen2.5-coder-0.5b")
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--models", type=Path, default=home().models, help="folder of models")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "home").mkdir()
        (root / "home" / "models").symlink_to(given.models.resolve())
        settings = f'[model]\nname = "{given.model}"\nmax_answer_tokens = 64\n[snapshots]\nprewarm = "off"\n'
        (root / "home" / "config.toml").write_text(settings, encoding="utf-8")
        os.environ["ORCH_HOME"] = str(root / "home")
        (root / "heron").mkdir()
        for name, text in FILES.items():
            (root / "heron" / name).write_text(text, encoding="utf-8")
        os.chdir(root / "heron")
        worst = asyncio.run(measure(given.turns))
        os.chdir("/")
    print(f"least reused of a previous prompt: {worst:.2%} (budget {BUDGET:.0%})")
    return 0 if worst >= BUDGET else 1


if __name__ == "__main__":
    raise SystemExit(main())
