"""The background jobs of a session: recorded as they start and end, told to the person and to the model."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.agent.recorder import Recorder
from orchestrator.errors import OrchError, UsageError
from orchestrator.events import Notice
from orchestrator.tools.jobs import Job, Jobs, Told
from orchestrator.tools.shell import listing, told

USAGE = "/jobs lists them, /jobs N shows the output, /jobs stop N ends one, /jobs run COMMAND starts one."


class BackgroundJobs:
    """`jobs` is None in a session without commands. What happens to a job is heard in the jobs' thread."""

    def __init__(
        self, jobs: Jobs | None, recorder: Callable[[], Recorder], tell: Callable[[Notice], None]
    ) -> None:
        self._jobs = jobs
        self._recorder = recorder
        self._tell = tell
        self._private: set[int] = set()
        if jobs is not None:
            jobs.listen(self._happened)

    @property
    def all(self) -> Jobs:
        """Raises `UsageError` where there cannot be any."""
        if self._jobs is None:
            raise UsageError("No command runs in this session.", "Background jobs need a desktop.")
        return self._jobs

    def listen(self, told: Told) -> None:
        """`told` hears of each start and end, in the jobs' thread or the caller's."""
        if self._jobs is not None:
            self._jobs.listen(told)

    def news(self) -> str:
        """What ended since the last turn, for the model."""
        return self._jobs.news() if self._jobs else ""

    def end(self) -> None:
        """With the session, whatever still runs."""
        for job in self._jobs.close() if self._jobs else ():
            self._tell(Notice(f"Job {job.number} ({job.command}) was ended with the session."))

    def command(self, rest: str) -> str:
        """What `/jobs REST` says and does. Raises `OrchError`."""
        word, _, more = rest.partition(" ")
        if not word:
            return f"{listing(self.all)}\n{USAGE}"
        if word == "run" and more.strip():
            job = self.all.start(more.strip().removesuffix("&").rstrip(), "user")
            return f"Job {job.number} runs in the background."
        if word == "stop" and more.strip():
            job = self.all.find(more)
            self.all.stop(job)
            return f"Job {job.number} {job.told()}."
        if word in ("run", "stop"):
            raise UsageError(f"/jobs {word} needs to know what.", USAGE)
        return told(self.all.find(word))

    def _happened(self, job: Job) -> None:
        recorder = self._recorder()
        if recorder.private and job.state == "running":
            self._private.add(job.number)
        try:
            recorder.job(job, private=job.number in self._private)
        except OrchError as error:
            self._tell(Notice(f"Job {job.number} could not be recorded: {error}", "warning"))
        if job.state in ("ended", "failed"):
            self._tell(Notice(f"Job {job.number} ({job.command}) {job.told()}."))
