"""The four documents of one project: read for a prompt, written from the journal.

Where the project cannot be written, its log and briefing are kept in the node's home instead and
are read from both places.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

from orchestrator.documents import files, regions, tiers
from orchestrator.documents.plain import flat
from orchestrator.documents.tiers import BRIEFING, LOG, PORTFOLIO, PROJECT, Tier, Warn, warn_in_log
from orchestrator.errors import DocumentError
from orchestrator.handoff import evidence, render, session_log
from orchestrator.handoff.evidence import CitingJournal
from orchestrator.handoff.human import HumanText, VersionedJournal
from orchestrator.handoff.templates import Templates
from orchestrator.paths import PROJECT_FOLDER, Home
from orchestrator.types import Record, TierText
from orchestrator.workspaces import Project, workspace_of

T = TypeVar("T")


class DocumentedJournal(CitingJournal, VersionedJournal, Protocol):
    """A journal that documents are written from, and that keeps what people wrote into them."""


class ProjectTiers:
    """The documents of one project, to be read only: needs no journal and writes nothing."""

    def __init__(self, project: Project, home: Home, warn: Warn = warn_in_log) -> None:
        self._project = project
        self._warn = warn
        self._folder = project.root if project.writable else home.logs_of(project.id)
        self.workspace = workspace_of(project)

    @property
    def paths(self) -> tuple[Path, ...]:
        """Where the four are, or would be."""
        portfolio = [folder / PORTFOLIO.filename for folder in (self.workspace, self._project.root) if folder]
        own = [
            folder / tier.filename
            for tier in (BRIEFING, LOG)
            for folder in {self._project.root, self._folder}
        ]
        return (*portfolio, self._project.root / PROJECT.filename, *own)

    def tiers(self) -> tuple[TierText, ...]:
        found = {tier.tier: tier for tier in tiers.read_tiers(self._project.root, self.workspace, self._warn)}
        if self._folder != self._project.root:
            for tier in (BRIEFING, LOG):
                if own := tiers.read_tier(tier, self._folder, self._warn):
                    found[tier.number] = _joined(
                        found.get(tier.number), tier, self._folder / tier.filename, own
                    )
        return tuple(found[number] for number in sorted(found))


class ProjectDocuments(ProjectTiers):
    """Implements `ports.Documents`. `warn` gets one sentence for what was left out or kept."""

    def __init__(
        self, project: Project, journal: DocumentedJournal, home: Home, warn: Warn = warn_in_log
    ) -> None:
        super().__init__(project, home, warn)
        self._journal = journal
        self._lock = (project.root / PROJECT_FOLDER if project.writable else self._folder) / "documents.lock"
        self._templates = Templates(project.root, warn)

    def refresh(self, *, create: bool = False) -> str:
        """Bring SESSION_BRIEFING.md up to date; "created", "updated" or "unchanged".

        Without `create` an empty journal makes no file. A region edited by hand is kept, with a warning.
        """
        facts = evidence.collect_briefing(self._journal, self._project.id, self._project.name)
        path = self._folder / BRIEFING.filename
        if facts.empty and not create and files.read(path, (self._folder,), 1) is None:
            return "unchanged"
        rendered = render.briefing(facts, self._templates)
        return write_regions(path, self._folder, rendered, self._guard(), self._warn)

    def close_session(self, session: str, reason: str) -> None:
        facts = evidence.collect_session(self._journal, self._project.id, session, reason)
        if not facts.empty or facts.ended:
            entry = render.session_entry(facts, self._templates)
            path = self._folder / LOG.filename
            with self._guard():
                session_log.add_entry(path, (self._folder,), self._name, session, entry)
        self.refresh()
        self.human.keep(session)

    def catch_up(self) -> list[str]:
        """After records came from other devices: the text of people, log and briefing as these give them.

        Names of the documents that changed.
        """
        with self._guard():
            changed = self.human.take_over()
        ends = self._journal.records(project=self._project.id, kinds=("session",))
        reasons = {one.session: str(one.body.get("reason")) for one in ends if _is_end(one) and one.body}
        path = self._folder / LOG.filename
        there = session_log.sessions(path, (self._folder,))
        entries = {one: self.entry(one) for one in reasons if not session_log.is_there(one, there)}
        if entries:
            with self._guard():
                session_log.insert_entries(path, (self._folder,), self._name, list(reasons), entries)
            changed.append(LOG.filename)
        if self.refresh() != "unchanged":
            changed.append(BRIEFING.filename)
        return list(dict.fromkeys(changed))

    @property
    def root(self) -> Path:
        return self._project.root

    @property
    def human(self) -> HumanText:
        """What people wrote into the project's own documents; a workspace's portfolio is not among them."""
        own = [self._project.root / PROJECT.filename, self._folder / BRIEFING.filename]
        if self.workspace is None:
            own.insert(0, self._project.root / PORTFOLIO.filename)
        within = (self._project.root, self._folder)
        return HumanText(self._project.id, own, within, self._journal, self._warn)

    def entry(self, session: str) -> str:
        """The session's log entry as its records give it now."""
        ends = self._journal.records(session=session, kinds=("session",), newest_first=True, limit=1)
        reason = str((ends[0].body or {}).get("reason", "done")) if ends else "done"
        facts = evidence.collect_session(self._journal, self._project.id, session, reason)
        return render.session_entry(facts, self._templates)

    def forget(self, entries: Mapping[str, str]) -> None:
        """After records lost their bodies: bring the log entries of their sessions and the briefing up to
        date. `entries` holds each session's entry as it was before, from `entry`."""
        path = self._folder / LOG.filename
        for session, before in entries.items():
            with self._guard():
                session_log.without(path, (self._folder,), session, before, self.entry(session))
        self.refresh()

    def files(self) -> list[Path]:
        """The documents that orch writes in this project, where they are."""
        found = [self._folder / tier.filename for tier in (PROJECT, BRIEFING, LOG)]
        return [path for path in found if path.is_file()]

    def create_log(self) -> str:
        """Make SESSION_LOG.md with its title; "created" or "unchanged"."""
        with self._guard():
            made = session_log.create(self._folder / LOG.filename, (self._folder,), self._name)
        return "created" if made else "unchanged"

    def write_project(self, values: Mapping[str, Any], template: str) -> str:
        """Make PROJECT_CONTEXT.md, or bring its generated region up to date.

        A file that a person wrote without such a region is left alone: "kept".
        """
        path = self._folder / PROJECT.filename
        rendered = self._templates.render(template, values)
        return write_regions(path, self._folder, rendered, self._guard(), self._warn, adopt=False)

    @property
    def _name(self) -> str:
        return flat(self._project.name, 80)

    def _guard(self) -> AbstractContextManager[None]:
        return files.locked(self._lock)


def _is_end(record: Record) -> bool:
    return record.stream != "private" and (record.body or {}).get("event") == "end"


def write_portfolio(workspace: Path, rendered: str, warn: Warn = warn_in_log) -> str:
    """Make the workspace's PORTFOLIO_CONTEXT.md or bring its region up to date; hold a lock around."""
    from contextlib import nullcontext

    return write_regions(workspace / PORTFOLIO.filename, workspace, rendered, nullcontext(), warn)


def write_regions(
    path: Path,
    folder: Path,
    rendered: str,
    guard: AbstractContextManager[None],
    warn: Warn,
    *,
    adopt: bool = True,
) -> str:
    """Merge a freshly rendered document into the one on disk: "created", "updated", "kept", "unchanged".

    With `adopt` a document without regions gets them at its end.
    """
    state = "unchanged"

    def edit(old: bytes | None) -> bytes:
        nonlocal state
        if old is not None and not adopt and not _named(old, path):
            state = "kept"
            return old
        merged = _naming(path, lambda: regions.merge(old, rendered))
        for name in merged.edited:
            warn(f"{path.name}: the region {name} was edited by hand and is kept as it is.")
        state = "created" if old is None else "updated"
        return merged.data

    with guard:
        changed = files.rewrite(path, (folder,), edit)
    return state if changed or state == "kept" else "unchanged"


def _named(old: bytes, path: Path) -> bool:
    return bool(_naming(path, lambda: regions.parse(old)))


def _naming(path: Path, work: Callable[[], T]) -> T:
    try:
        return work()
    except DocumentError as error:
        raise DocumentError(f"{path} is left as it is. {error.message}", error.remedy) from error


def _joined(old: TierText | None, tier: Tier, path: Path, own: str) -> TierText:
    if old is None:
        return TierText(tier.number, tier.name, str(path), own)
    return replace(old, text=f"{old.text}\n\n{own}")
