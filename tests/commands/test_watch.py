"""orch watch: what wakes it, what it says, how it ends; and that a check's own writes never wake it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.autonomy.rounds import MOST, Rounds
from orchestrator.autonomy.tree_state import Writes
from orchestrator.handoff.suite_command import suite_command
from tests.commands.orch import ORCH, run

LATE_S = 120
NAMES = st.frozensets(st.sampled_from("abcdef"), max_size=4)


@settings(deadline=None)
@given(st.lists(NAMES, min_size=MOST + 1), st.lists(NAMES, min_size=MOST + 1), NAMES)
def test_whatever_a_check_writes_it_comes_to_rest(
    changed: list[frozenset[str]], new: list[frozenset[str]], own: frozenset[str]
) -> None:
    rounds, again, runs = Rounds(own), True, 0
    while again:
        created = frozenset(f"{name}{runs}" for name in new[runs])
        rounds, again = rounds.ended(Writes(created, changed[runs]))
        runs += 1
    assert runs <= MOST
    assert rounds.begun().ended(Writes(frozenset(), rounds.own))[1] is False, "what is known wakes nobody"


@settings(deadline=None)
@given(NAMES, NAMES)
def test_what_a_person_saves_meanwhile_is_checked(own: frozenset[str], saved: frozenset[str]) -> None:
    rounds, again = Rounds(own).ended(Writes(frozenset(), own | saved))
    assert again is bool(saved - own)
    assert rounds.own == own, "nobody knows yet whose it is"
    rounds, again = rounds.ended(Writes(frozenset(), own))
    assert (rounds.own, again) == (own, False), "it was the person's"


# --- the real program -----------------------------------------------------------------------------


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "heron"
    (folder / "tests").mkdir(parents=True)
    save(folder / "charge.py", "RATE = 2\n")
    save(folder / ".gitignore", "*.log\n")
    save(
        folder / "tests" / "test_charge.py",
        "import unittest\nimport charge\n\n\nclass ChargeTest(unittest.TestCase):\n"
        "    def test_rate(self):\n        self.assertEqual(charge.RATE, 1)\n",
    )
    save(folder / "tests" / "__init__.py", "")
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    return folder


def save(path: Path, text: str) -> None:
    """As an editor does: at once."""
    path.with_suffix(".new").write_text(text)
    os.replace(path.with_suffix(".new"), path)


@contextmanager
def watching(place: Path, *given: str) -> Iterator[subprocess.Popen[str]]:
    command = [*ORCH, "watch", "--debounce", "0.2", *given]
    with subprocess.Popen(
        command,
        cwd=place,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> Any:
    assert process.stdout
    return json.loads(process.stdout.readline())


def test_one_line_when_the_state_turns_and_no_run_for_its_own_writes(place: Path) -> None:
    check = "date >> runs.txt; echo x > seen.log; python3 -m unittest -q"
    with watching(place, "--check", check, "--json") as process:
        first = said(process)
        assert (first["state"], first["exit_code"], first["failed"]) == ("failing", 1, 1)
        assert first["changed"] == []
        assert "charge.py" in first["uncommitted"], "a run would not have it"
        assert first["command"] == f"orch run 'Make the check pass: `{check}`' --check '{check}'"
        save(place / "noise.log", "ignored")
        save(place / "charge.py", "RATE = 1\n")
        passes = said(process)
        assert (passes["state"], passes["changed"]) == ("passing", ["charge.py"])
        assert "command" not in passes
        save(place / "charge.py", "RATE = 3\n")
        assert said(process)["state"] == "failing"
        runs = len((place / "runs.txt").read_text().splitlines())
        assert runs == 4, "twice at first, to learn what it writes; then once a change"
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert process.stdout
        assert process.stdout.read() == ""
    found = json.loads(run("goals", "--json", cwd=place).stdout)["goals"]
    assert [(goal["kind"], goal["check"]) for goal in found] == [("failing test", check)]
    assert len(json.loads(run("log", "--kind", "test", "--json", "--limit", "1", cwd=place).stdout)) > 0


def test_a_check_that_never_ends_is_cut_off_and_ends_with_the_watch(place: Path) -> None:
    with watching(place, "--check", "sleep 7331", "--timeout", "1") as process:
        assert process.stdout
        line = process.stdout.readline()
        assert "The check did not end in time. A run starts from the last commit, without " in line
        assert line.endswith(" --check 'sleep 7331'\n")
        os.mkfifo(place / "begun")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    with watching(place, "--check", "echo now > begun; sleep 7332") as process:
        assert (place / "begun").read_text() == "now\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert process.stdout
        assert process.stdout.read() == "", "it said nothing of a check that it ended itself"
    left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert "sleep 733" not in left


def test_the_tests_are_the_check_where_they_are_known(place: Path) -> None:
    unknown = run("watch", cwd=place)
    assert unknown.returncode == 2
    assert "Give --check" in unknown.stderr
    save(place / "README.md", "# heron\n\nTests: `python3 -m unittest -q`, never `pytest | tail`.\n")
    assert suite_command(place, None) == "python3 -m unittest -q"
    save(place / "PROJECT_CONTEXT.md", "# heron\n\nRun `TZ=UTC python3 -m unittest` here.\n")
    assert suite_command(place, None) == "TZ=UTC python3 -m unittest"
    assert run("config", "set", "tools.sandbox", "none", cwd=place).returncode == 0
    refused = run("watch", "--check", "true", cwd=place)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "The check was not run. See `orch sandbox --status`." in refused.stderr
