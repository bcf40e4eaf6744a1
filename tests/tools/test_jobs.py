"""Background jobs: real commands, confined, that outlive the call that started them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.errors import ToolError
from orchestrator.tools.jobs import MOST_RUNNING, Job, Jobs
from orchestrator.tools.sandbox import probe
from orchestrator.tools.shell_line import background
from tests.tools.conftest import Bench

FOREVER = "mkfifo gate; echo up; cat gate"
"""Says that it is there, and waits for a writer that never comes."""


@pytest.fixture
def jobs(project: Path) -> Iterator[Jobs]:
    made = Jobs(project, probe(), lambda: (80, 24))
    yield made
    made.close()


def ended(jobs: Jobs, job: Job) -> Job:
    assert asyncio.run(jobs.settled(job, 20))
    return job


@pytest.mark.parametrize(
    ("line", "what", "rest"),
    [
        ("make -j4 &", "start", "make -j4"),
        ("cd x && npm start > log 2>&1 &", "start", "cd x && npm start > log 2>&1"),
        ("jobs -l", "list", ()),
        ("jobs 2", "output", ("2",)),
        ("fg %1", "output", ("%1",)),
        ("kill -9 %1 %12", "stop", ("%1", "%12")),
    ],
)
def test_a_line_about_jobs(line: str, what: str, rest: object) -> None:
    found = background(line)
    assert found is not None
    assert (found.what, found.command if what == "start" else found.jobs) == (what, rest)


@pytest.mark.parametrize(
    "line", ["a && b", "a & b", "sleep 1 & sleep 2 &", "echo '&'", "echo \\&", "kill 7", "jobsx", "&", "a '&"]
)
def test_an_ordinary_line_is_a_command(line: str) -> None:
    assert background(line) is None


def test_a_job_ends_by_itself_and_the_model_hears_of_it_once(jobs: Jobs, project: Path) -> None:
    heard: list[str] = []
    jobs.listen(lambda job: heard.append(job.state))
    job = ended(jobs, jobs.start("echo one; test -t 1 && echo terminal; touch made; exit 3", "user"))
    assert (job.state, job.exit_code) == ("ended", 3)
    assert job.output.splitlines()[:2] == ["one", "terminal"]
    assert (project / "made").exists()
    assert heard == ["running", "ended"]
    assert jobs.news().startswith("[job 1 (echo one;")
    assert jobs.news() == ""


def test_a_job_is_confined(jobs: Jobs, project: Path) -> None:
    job = ended(jobs, jobs.start("echo x > /etc/orch-evil; touch .git/x; exit 5", "model"))
    assert job.exit_code == 5
    assert job.output.count("Read-only file system") == 2
    assert not (project / ".git").exists()  # the mask went with the job


def test_stopping_ends_all_that_it_started(jobs: Jobs) -> None:
    mark = f"31{os.getpid()}"
    job = jobs.start(f"trap '' TERM HUP; setsid sleep {mark} & echo up; sleep {mark}", "model")
    while "up" not in job.output:
        assert not asyncio.run(jobs.settled(job, 0.05))
    jobs.stop(job)
    assert (job.state, job.exit_code) == ("stopped", None)
    assert job.output.strip() == "up"
    commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not any(mark.encode() in command for command in commands)


def test_there_are_not_too_many_and_none_after_the_end(jobs: Jobs) -> None:
    running = [jobs.start(FOREVER.replace("gate", f"gate{n}"), "model") for n in range(MOST_RUNNING)]
    with pytest.raises(ToolError, match="run already"):
        jobs.start("true", "model")
    jobs.stop(running[0])
    ended(jobs, jobs.start("true", "model"))
    assert len(jobs.close()) == MOST_RUNNING - 1
    assert {job.state for job in running} == {"stopped"}
    with pytest.raises(ToolError, match="closed"):
        jobs.start("true", "model")


def test_the_output_is_capped_with_head_and_tail(jobs: Jobs) -> None:
    job = ended(jobs, jobs.start("echo first; seq 100000; echo last", "user"))
    assert job.output.startswith("first")
    assert job.output.rstrip().endswith("last")
    assert "bytes left out" in job.output
    assert len(job.output) < 150_000


def test_the_model_starts_sees_and_ends_a_job(confined: Bench) -> None:
    started = confined("shell", command=f"{FOREVER} &")
    assert started.ok
    assert "job 1 runs in the background" in started.text
    assert "up" in started.text
    assert "%1  running" in confined("shell", command="jobs").text
    assert "up" in confined("run", code="jobs %1").text
    assert "[job 1 stopped" in confined("shell", command="kill %1").text
    assert "no job '7'" in confined("shell", command="jobs 7").text
    failed = confined("shell", command="nonesuch &")
    assert (failed.ok, failed.exit_code) == (False, 127)
