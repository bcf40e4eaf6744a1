"""The four documents of one project: read for a prompt, written from the journal.

Where the project cannot be written, its log and briefing are kept in the node's home instead and
are read from both places.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import replace as replaced
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from orchestrator.documents import files, nearness, regions, tiers
from orchestrator.documents.plain import flat
from orchestrator.documents.tiers import AGENTS, BRIEFING, LOG, PORTFOLIO, PROJECT, Tier, Warn, warn_in_log
from orchestrator.errors import DocumentError, VcsError
from orchestrator.handoff import agents_md, carried, evidence, git_state, loading, polish, render
from orchestrator.handoff.facts import BriefingFacts
from orchestrator.handoff.git_state import GitState
from orchestrator.handoff.human import HumanText
from orchestrator.handoff.pen import PEN, Pen
from orchestrator.handoff.project_log import ProjectLog
from orchestrator.handoff.stale import Sources
from orchestrator.handoff.telling import telling
from orchestrator.handoff.templates import PROJECT as PROJECT_TEMPLATE
from orchestrator.handoff.templates import Templates
from orchestrator.journal.cited import cited
from orchestrator.journal.reader import JournalReader
from orchestrator.paths import PROJECT_FOLDER, Home
from orchestrator.types import HandoverLine, TierText
from orchestrator.vcs import Repository, Wrap
from orchestrator.workspaces import Project, workspace_of

if TYPE_CHECKING:
    from orchestrator.journal.store import SqliteJournal

T = TypeVar("T")
REGION = b"orch:begin handoff"
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_SHORT_LINE = 80


class ProjectTiers:
    """The documents of one project, to be read only: writes nothing.

    `wrap` confines git. Without `git` it is not asked: a light node has none, and a hub no repository.
    """

    def __init__(
        self,
        project: Project,
        home: Home,
        warn: Warn = warn_in_log,
        wrap: Wrap | None = None,
        *,
        git: bool = True,
    ) -> None:
        self._project = project
        self._home = home
        self._warn = warn
        self.folder = project.root if project.writable else home.logs_of(project.id)
        """Where the project's own three are written."""
        self._wrap = wrap
        self._git = git
        self._templates = Templates(project.root, warn)
        self._checked = loading.Checked(project.name, self._templates, warn)
        self.workspace = workspace_of(project)

    @property
    def paths(self) -> tuple[Path, ...]:
        """Where the four are, or would be."""
        portfolio = [folder / PORTFOLIO.filename for folder in (self.workspace, self._project.root) if folder]
        own = [
            folder / tier.filename for tier in (BRIEFING, LOG) for folder in {self._project.root, self.folder}
        ]
        return (*portfolio, *(self._project.root / tier.filename for tier in (PROJECT, AGENTS)), *own)

    def tiers(self) -> tuple[TierText, ...]:
        """The documents without lines whose evidence no longer holds; `left_out` of each says which."""
        return tuple(map(self._near, self._checked.of(self._read(), self.sources)))

    def _near(self, tier: TierText) -> TierText:
        """The portfolio with the nearest projects first."""
        if tier.name != PORTFOLIO.name:
            return tier
        place = self._project.root.relative_to(Path(tier.path).parent).as_posix()
        return replaced(tier, text=nearness.near(tier.text, "" if place == "." else place))

    @contextmanager
    def sources(self) -> Iterator[Sources]:
        """Where the evidence of these documents is looked up."""
        from orchestrator.journal.store import SqliteJournal

        with SqliteJournal.open(self._home) as journal:
            yield self._sources(journal)

    def _sources(self, journal: JournalReader) -> Sources:
        root = self._project.root
        return Sources(journal, self._project.id, root, self._repository())

    def _repository(self) -> Repository | None:
        """The project's repository, if it has one. Raises `VcsError`."""
        return Repository.find(self._project.root, self._wrap) if self._git else None

    def _read(self) -> tuple[TierText, ...]:
        read = tiers.read_tiers(self._project.root, self.workspace, self._warn)
        found = {(tier.tier, tier.name): tier for tier in read}
        if self.folder != self._project.root:
            for tier in (BRIEFING, LOG):
                if own := tiers.read_tier(tier, self.folder, self._warn):
                    key = tier.number, tier.name
                    found[key] = _joined(found.get(key), tier, self.folder / tier.filename, own)
        return tuple(sorted(found.values(), key=lambda tier: tier.tier))


class ProjectDocuments(ProjectTiers):
    """Implements `ports.Documents`. `warn` gets one sentence for what was left out or kept.

    `wrap` confines git; `pen` writes, or only notes what it would write.
    """

    def __init__(
        self,
        project: Project,
        journal: SqliteJournal,
        home: Home,
        warn: Warn = warn_in_log,
        *,
        wrap: Wrap | None = None,
        git: bool = True,
        pen: Pen = PEN,
    ) -> None:
        super().__init__(project, home, warn, wrap, git=git)
        self._journal = journal
        self._pen = pen
        self._lock = (project.root / PROJECT_FOLDER if project.writable else self.folder) / "documents.lock"
        self.log = ProjectLog(project, self.folder, journal, self._templates, self._guard, pen)

    @contextmanager
    def sources(self) -> Iterator[Sources]:
        yield self._sources(self._journal)

    def refresh(
        self, *, create: bool = False, budget: int = render.BRIEFING_CHARS, replace: bool = False
    ) -> str:
        """Bring SESSION_BRIEFING.md up to date; "created", "updated" or "unchanged".

        `budget` in characters. Without `create` an empty journal makes no file. A region edited by hand is
        kept, with a warning, unless `replace` says otherwise. What people wrote meanwhile is recorded.
        """
        self._checked.forget()
        if self._pen is PEN:
            self.human.keep()
        path = self.folder / BRIEFING.filename
        old = tiers.read_tier(BRIEFING, self.folder, self._warn)
        facts = self.briefing_facts(old, max(evidence.NOTES, budget // _SHORT_LINE))
        if facts.empty and (not create if not old else carried.strange(old, self._unknown)):
            return "unchanged"  # nothing to say, or another device said it
        return self._write(path, self.rendered(facts, budget), replace=replace)

    def briefing_facts(self, old: str = "", most: int = evidence.NOTES) -> BriefingFacts:
        """What there is to say; the briefing says as much of it as fits. `old` is the document as it is."""
        project = self._project
        found = evidence.collect_briefing(self._journal, project.id, project.name, self._look, most)
        with self.sources() as sources:
            flagged = loading.flagged(telling(found), sources, self._warn)
        return carried.joined(flagged, old, self._unknown)

    def _unknown(self, cites: Iterable[str]) -> set[str]:
        """Those whose session this journal has no record of."""
        sessions = {cite: cite.partition("#")[0] for cite in cites}
        known = cited(self._journal, set(sessions.values()))
        # one that has become ambiguous is of this journal: made anew, its line is cited at more length
        return {cite for cite, name in sessions.items() if not known[name] and not known[name].ambiguous}

    def rendered(self, facts: BriefingFacts, budget: int = render.BRIEFING_CHARS) -> str:
        """SESSION_BRIEFING.md as these facts make it."""
        return render.briefing(
            polish.applied(facts, polish.load(self.polished_path)), self._templates, budget
        )

    def shown(self, budget: int = render.BRIEFING_CHARS) -> BriefingFacts:
        """What the briefing has room for, in its original words."""
        return render.fit(self.briefing_facts(tiers.read_tier(BRIEFING, self.folder, self._warn)), budget)

    @property
    def polished_path(self) -> Path:
        """Holds the original text of a line → what a model made of it: `polish.load`."""
        return self._home.polished_of(self._project.id)

    def add_below(self, heading: str, lines: Sequence[str]) -> None:
        """Add lines of a person's to the end of SESSION_BRIEFING.md, where no regeneration changes them."""

        def edit(old: bytes | None) -> bytes:
            newline = b"\r\n" if old and b"\r\n" in old else b"\n"
            gap = b"" if not old else newline if old.endswith(b"\n") else newline * 2
            text = "\n".join((f"## {flat(heading, 200)}", *lines, ""))
            return (old or b"") + gap + text.encode("utf-8", "replace").replace(b"\n", newline)

        with self._guard():
            self._pen.rewrite(self.folder / BRIEFING.filename, (self.folder,), edit)

    def _look(self, since: str) -> GitState | None:
        """Where git stands; a repository that cannot be read is left out, with a warning."""
        try:
            repository = self._repository()
            return git_state.read(repository, since) if repository else None
        except VcsError as error:
            self._warn(f"The briefing says nothing of git. {error}")
            return None

    def _write(self, path: Path, rendered: str, *, adopt: bool = True, replace: bool = False) -> str:
        return write_regions(
            path,
            self.folder,
            rendered,
            self._guard(),
            self._warn,
            adopt=adopt,
            replace=replace,
            pen=self._pen,
        )

    def done(self, session: str) -> tuple[HandoverLine, ...]:
        return self.log.done(session)

    def close_session(self, session: str, reason: str) -> None:
        self.human.keep(session)
        self.log.close(session, reason)
        self.refresh()

    def catch_up(self) -> list[str]:
        """After records came from other devices: the text of people, log and briefing as these give them.

        Names of the documents that changed.
        """
        with self._guard():
            changed = self.human.take_over()
        if self.log.insert_missing():
            changed.append(LOG.filename)
        if self.refresh() in ("created", "updated"):
            changed.append(BRIEFING.filename)
        return list(dict.fromkeys(changed))

    @property
    def root(self) -> Path:
        return self._project.root

    @property
    def human(self) -> HumanText:
        """What people wrote into the project's own documents; a workspace's portfolio is not among them."""
        own = [self._project.root / PROJECT.filename, self.folder / BRIEFING.filename]
        if self.workspace is None:
            own.insert(0, self._project.root / PORTFOLIO.filename)
        within = (self._project.root, self.folder)
        return HumanText(self._project.id, own, within, self._journal, self._warn)

    def forget(self, entries: Mapping[str, str]) -> None:
        """After records lost their bodies: bring the log entries of their sessions and the briefing up to
        date. `entries` holds each session's entry as it was before, from `log.entry`."""
        with suppress(OSError):
            self.polished_path.unlink(missing_ok=True)
        for session, before in entries.items():
            self.log.redo(session, before)
        self.refresh()

    @contextmanager
    def rewriting(self, sessions: Iterable[str]) -> Iterator[None]:
        """What is recorded inside takes something back: bring the entries of these sessions, and the
        briefing, up to date with it."""
        before = {session: self.log.entry(session) for session in sessions}
        yield
        self.forget(before)

    def files(self) -> list[Path]:
        """The documents that orch writes in this project, where they are."""
        found = [self.folder / tier.filename for tier in (PROJECT, BRIEFING, LOG)]
        return [path for path in found if path.is_file()]

    def write_project(self, values: Mapping[str, Any], template: str, *, replace: bool = False) -> str:
        """Make PROJECT_CONTEXT.md, or bring its generated region up to date.

        A file that a person wrote without such a region is left alone: "kept".
        """
        path = self.folder / PROJECT.filename
        rendered = self._templates.render(template, values)
        return self._write(path, rendered, adopt=False, replace=replace)

    def refresh_project(self, *, replace: bool = False, chars: int | None = None) -> str:
        """Survey the project anew and bring PROJECT_CONTEXT.md up to date; as `write_project`.

        `chars` is the room of tier 2: what people wrote in PROJECT_CONTEXT.md and AGENTS.md takes its part
        of it, and the survey the rest.
        """
        from orchestrator.handoff import survey  # 10 ms, and a session surveys nothing

        root = self._project.root
        written = regions.by_hand(tiers.read_tier(PROJECT, root)) + tiers.read_agents(root)
        room = max((chars or survey.CHARS) - len(_COMMENT.sub("", written).strip()), survey.LEAST_CHARS)
        try:
            repository = self._repository()
        except VcsError as error:
            self._warn(f"Nothing is said of git. {error}")
            repository = None
        found = survey.survey(root, self._project.name, repository, keep=self._pen.writes)
        return self.write_project({"p": survey.fitted(found, room)}, PROJECT_TEMPLATE, replace=replace)

    def write_agents(self, *, create: bool = True, replace: bool = False) -> str:
        """Keep the region of AGENTS.md that points other tools to the tiers; as `write_regions`.

        Without `create` only where the region is there already; "unchanged" where nothing was done.
        """
        path = self._project.root / AGENTS.filename
        if not create and REGION not in (
            self._pen.read(path, (self._project.root,), tiers.HEAD_BYTES) or b""
        ):
            return "unchanged"
        text = agents_md.rendered(self._project.root, self._name, self.workspace, self._templates)
        return write_regions(
            path, self._project.root, text, self._guard(), self._warn, replace=replace, pen=self._pen
        )

    @property
    def _name(self) -> str:
        return flat(self._project.name, 80)

    def _guard(self) -> AbstractContextManager[None]:
        return files.locked(self._lock) if self._pen.writes else nullcontext()


def write_portfolio(
    workspace: Path, rendered: str, warn: Warn = warn_in_log, *, replace: bool = False, pen: Pen = PEN
) -> str:
    """Make the workspace's PORTFOLIO_CONTEXT.md or bring its region up to date; hold a lock around."""
    path = workspace / PORTFOLIO.filename
    return write_regions(path, workspace, rendered, nullcontext(), warn, replace=replace, pen=pen)


def write_regions(
    path: Path,
    folder: Path,
    rendered: str,
    guard: AbstractContextManager[None],
    warn: Warn,
    *,
    adopt: bool = True,
    replace: bool = False,
    pen: Pen = PEN,
) -> str:
    """Merge a freshly rendered document into the one on disk: "created", "updated", "kept", "unchanged".

    With `adopt` a document without regions gets them at its end. With `replace` what was edited by hand
    inside a region is made anew, too.
    """
    state = "unchanged"

    def edit(old: bytes | None) -> bytes:
        nonlocal state
        if old and not adopt and not _named(old, path):
            state = "kept"
            return old
        merged = _naming(path, lambda: regions.merge(old, rendered, replace=replace))
        for name in merged.edited:
            warn(f"{path.name}: the region {name} was edited by hand and is kept as it is.")
        state = "updated" if old else "created"
        if merged.edited and merged.data == old:
            state = "kept"
        return merged.data

    with guard:
        changed = pen.rewrite(path, (folder,), edit)
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
    return replaced(old, text=f"{old.text}\n\n{own}")
