"""Whether the documents of a project are true to what they cite: every generated line, one after the other.

A line is right when the renderers yield it from what it cites (`rerender`), and what it cites still holds
(`stale`). Nothing is written, no model is asked, and what people wrote is not judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from orchestrator.documents import citations
from orchestrator.documents.citations import Evidence, Line
from orchestrator.documents.plain import flat
from orchestrator.documents.tiers import BRIEFING, LOG, PORTFOLIO, PROJECT, Warn, warn_in_log
from orchestrator.errors import VcsError
from orchestrator.handoff import evidence, git_state, history, reachable, stale, templates
from orchestrator.handoff.contradictions import Pair, contradictions
from orchestrator.handoff.document import Document, read
from orchestrator.handoff.evidence import NOTES, Look
from orchestrator.handoff.portfolio import rendered
from orchestrator.handoff.rerender import Rerender, Told, facts_in
from orchestrator.handoff.stale import Claim, Sources
from orchestrator.handoff.survey import survey
from orchestrator.handoff.templates import Templates
from orchestrator.handoff.writer import ProjectTiers
from orchestrator.journal.cited import Cited, cited
from orchestrator.journal.naming import decision
from orchestrator.paths import Home
from orchestrator.types import Record
from orchestrator.vcs import Commit, Wrap
from orchestrator.workspaces import Project

MOST_GIT = 12
"""Commits that git is asked about one by one, where a line is not of the newest."""
STATUS = "git status"
_OF_FILES = (templates.PORTFOLIO, templates.PROJECT)
_ANEW = "Run `orch handoff`: it makes the line anew."
_BY_HAND = "The region was edited by hand: correct the line, or delete the region and run `orch handoff`."


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a line. `number` counts from 1; 0: it is about no line.

    `what`: dangling, ambiguous, forgotten, swapped, gone, stale, outdated, uncited, altered,
    unreadable or contradiction. A `warning` is for a person to settle; everything else fails a check.
    """

    document: str
    number: int
    line: str
    citation: str
    what: str
    says: str
    remedy: str
    warning: bool = False

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def check(
    documents: Iterable[Document],
    sources: Sources,
    name: str,
    portfolio: Callable[[Path], str] | None = None,
) -> tuple[Finding, ...]:
    """What is wrong with the documents of the project `name`, in order. Raises `OrchError`.

    `portfolio` renders tier 1 of a workspace anew; without it only its files and records are looked up.
    """
    checker = _Checker(sources, name, Templates(sources.root), portfolio)
    found = [finding for document in documents for finding in checker.document(document)]
    return (*found, *checker.contradictions())


def of_project(
    project: Project, home: Home, warn: Warn = warn_in_log, wrap: Wrap | None = None
) -> tuple[Finding, ...]:
    """What is wrong with the documents of a project. Raises `OrchError` where it cannot be found out."""
    documents = ProjectTiers(project, home, warn, wrap)
    with documents.sources() as sources:
        anew = partial(rendered, home=home, journal=sources.journal, warn=warn)
        return check(read(documents.paths, (project.root,)), sources, project.name, anew)


def _moves(told: Evidence) -> bool:
    """Counts of files and commits, branches and last sessions: nobody reads them as of today."""
    if told.records or any(".git/" in place.path for place in told.places):
        return True
    counts = all(cite.startswith(("git ls-files", "counted in ")) for cite in told.cites)
    return counts or (bool(told.commits) and not history.SUBJECT.search(told.text))


class _Checker:
    def __init__(
        self, sources: Sources, name: str, own: Templates, portfolio: Callable[[Path], str] | None
    ) -> None:
        self._sources = sources
        self._portfolio = portfolio
        self._name = name
        self._templates = own
        self._rerender = Rerender(sources.journal, sources.project, name)
        self._git: dict[tuple[str, ...], Told] = {}

    def document(self, document: Document) -> list[Finding]:
        if error := document.unreadable:
            name = document.path.name
            return [Finding(name, 0, "", "", "unreadable", error.message, error.remedy)]
        lines = citations.generated(document.text)
        told = [line for line in lines if line.evidence]
        cites = {cite for line in told for cite in citations.whole(line).records}
        named = cited(self._sources.journal, cites)
        claims = [_claim(document, line) for line in told]
        reasons = {
            line.number: reason
            for line, reason in zip(told, stale.reasons(claims, self._sources), strict=True)
        }
        renderer = self._renderer(document, told)
        found: list[Finding] = []
        unknown: set[str] = set()
        for line in lines:
            if line.session in unknown:
                continue
            finding = self._line(document, line, named, reasons.get(line.number, ""), renderer)
            found += [finding] if finding else []
            if line.session and finding and finding.what == "dangling" and self._unknown(line.session):
                unknown.add(line.session)  # said once, and not for each of its lines
        return found

    def contradictions(self) -> list[Finding]:
        """Decisions that hold and do not go together, for a person to settle."""
        notes = self._sources.journal.live_notes(self._sources.project, NOTES)
        decisions = [note for note in notes if note.kind == "decision" and note.stream != "private"]
        cite = self._sources.journal.cite
        return [
            Finding(
                BRIEFING.filename,
                0,
                "",
                f"{cite(pair.older)}, {cite(pair.newer)}",
                "contradiction",
                pair.says,
                settling(pair, cite),
                warning=True,
            )
            for pair in contradictions(decisions)
        ]

    def _unknown(self, session: str) -> bool:
        return not cited(self._sources.journal, [f"S{session}"])[f"S{session}"]

    def _renderer(self, document: Document, told: Sequence[Line]) -> _Renderer:
        sources = self._sources
        if document.tier is PROJECT:
            return _Renderer(self._surveyed(told), templates.PROJECT)
        if document.tier is PORTFOLIO and self._portfolio:
            lines = citations.generated(self._portfolio(document.path.parent))
            return _Renderer(Told.of_lines(lines), templates.PORTFOLIO)
        if document.tier is not BRIEFING:
            return _Renderer(None, templates.ENTRY)
        commits: dict[str, Commit] = {}
        look: Look = evidence.no_git
        if repository := sources.repository:
            ids = [cite for line in told for cite in line.evidence.commits]
            commits = reachable.named(repository, ids)
            look = lambda since: git_state.read(repository, since)  # noqa: E731
        now = evidence.collect_briefing(sources.journal, sources.project, self._name, look)
        return _Renderer(
            Told([*facts_in(now), *map(git_state.commit_fact, commits.values())]), templates.BRIEFING
        )

    def _surveyed(self, told: Sequence[Line]) -> Told:
        """What the survey says now, and what git says of the commits that are cited."""
        sources = self._sources
        facts = facts_in(survey(sources.root, self._name, sources.repository))
        ids = [cite for line in told for cite in line.evidence.commits]
        commits = history.named(sources.repository, ids) if sources.repository else []
        return Told([*facts, *map(history.commit_fact, commits)])

    def _line(
        self,
        document: Document,
        line: Line,
        named: Mapping[str, Cited],
        reason: str,
        renderer: _Renderer,
    ) -> Finding | None:
        told = line.evidence
        if not told:
            return _uncited(document, line)
        for cite in citations.whole(line).records:
            if not named[cite]:
                return self._dangling(document, line, cite, named[cite])
        if reason and not (told.stale and not line.edited):
            what = "forgotten" if "forgotten" in reason else "gone" if reason.endswith("gone") else "stale"
            if document.tier is not LOG or what == "forgotten":
                return _finding(document, line, what, f"{_upper(reason)}.")
        if not self._right(line, renderer):
            return self._swapped(document, line)
        return self._supersedes(document, line)

    def _supersedes(self, document: Document, line: Line) -> Finding | None:
        """A note may replace one that has not arrived here: then that one is not out of the way yet."""
        journal = self._sources.journal
        for cite in line.evidence.supersedes:
            if not cited(journal, [cite])[cite] and not decision(journal, self._sources.project, cite):
                text = f"It supersedes {cite}, which is not in this journal."
                remedy = "Sync with the device that recorded it, or note again what it replaces."
                return _finding(document, line, "dangling", text, remedy, citation=cite, warning=True)
        return None

    def _right(self, line: Line, renderer: _Renderer) -> bool:
        """Whether the renderers yield the line from what it cites; True where none could tell."""
        told, prefixes = line.evidence, self._templates.prefixes(renderer.template)
        if line.session:
            return self._rerender.session(line.session).has(told, prefixes)
        if renderer.now is None or renderer.now.has(told, prefixes):
            return True
        if renderer.template in _OF_FILES and _moves(told):
            return not renderer.now.elsewhere(told, prefixes)
        if told.records and len(told.records) == len(told.cites):
            return self._rerender.yields(told.records).has(told, prefixes)
        if told.commits and not told.records:
            return self._git_said(told).has(told, prefixes)
        return False

    def _git_said(self, told: Evidence) -> Told:
        """What git alone says of the commits that a line cites, as it was when the first was the newest."""
        key = told.commits[:2]
        if key not in self._git and len(self._git) < MOST_GIT:
            repository = self._sources.repository
            try:
                state = git_state.at(repository, *key) if repository else git_state.GitState()
                self._git[key] = Told(git_state.commit_facts(state))
            except VcsError:
                self._git[key] = Told(())
        return self._git.get(key, Told(()))

    def _altered(self, document: Document, line: Line, shown: str) -> Finding:
        """A line of the log, which is never made anew: an older orch may have put it otherwise."""
        prefixes = self._templates.prefixes(templates.ENTRY)
        if self._rerender.session(line.session).elsewhere(line.evidence, prefixes):
            return _finding(document, line, "swapped", f"{shown} does not say this, another record does.")
        text = f"{shown} says it otherwise: the line was edited, or written by another version of orch."
        return _finding(document, line, "altered", text, warning=True)

    def _dangling(self, document: Document, line: Line, cite: str, named: Cited) -> Finding:
        if named.ambiguous:
            text = f"{cite} has become ambiguous: it names more than one record."
            return _finding(document, line, "ambiguous", text, citation=cite)
        remedy = "Sync with the device that ran it, or import its records."
        if line.session and self._unknown(line.session):
            text = f"The session {line.session[:12]} is not in this journal."
            return _finding(document, line, "dangling", text, remedy, citation=f"S{line.session}")
        text = f"There is no {cite} in this journal."
        elsewhere = cite.startswith("S") and self._unknown(cite[1:].partition("#")[0])
        return _finding(document, line, "dangling", text, remedy if elsewhere else "", citation=cite)

    def _swapped(self, document: Document, line: Line) -> Finding:
        told = line.evidence
        shown = ", ".join(told.cites)
        anew = "Run `orch init`: it reads the project again." if document.tier is PROJECT else ""
        if not (told.records or told.commits or told.places) or STATUS in told.cites:
            return _finding(document, line, "outdated", f"Not so any more, by {shown}.", anew, warning=True)
        if not told.records:
            return _finding(document, line, "swapped", f"{shown} does not say this (now).", anew)
        if line.session:
            return self._altered(document, line, shown)
        says = self._rerender.yields(told.records).of(told.records)
        if own := next(
            (one for one in says if one.status != told.status and told.text.endswith(one.text)), None
        ):
            is_ = own.status or "without a status"
            return _finding(
                document, line, "swapped", f"{shown} is {is_}, not {told.status or 'without one'}."
            )
        known = f' It says: "{flat(says[0].text, 120)}".' if says else ""
        return _finding(document, line, "swapped", f"{shown} does not say this.{known}")


@dataclass(frozen=True, slots=True)
class _Renderer:
    """What a document would say `now`, where there is one to ask, and the template of its lines."""

    now: Told | None
    template: str


def settling(pair: Pair, cite: Callable[[Record], str]) -> str:
    """What a person types to say which of two decisions holds."""
    older, newer = cite(pair.older), cite(pair.newer)
    command = f"orch note confirm {newer} --supersedes {older}"
    return f"If {newer} holds: `{command}`; else the other way round."


def _claim(document: Document, line: Line) -> Claim:
    folder = document.path.parent if document.tier is PORTFOLIO else None
    return Claim(line.text, citations.whole(line), dated=document.tier is LOG, folder=folder)


def _uncited(document: Document, line: Line) -> Finding | None:
    """An item without evidence. Headings, sentences about the document and the log's "None." need none, nor
    a project in a list of projects."""
    if (
        document.tier is PORTFOLIO
        or line.edited
        or line.session
        or not line.text.lstrip().startswith(("- ", "* "))
    ):
        return None
    return _finding(document, line, "uncited", "The line says what it rests on nowhere.", warning=True)


def _finding(
    document: Document,
    line: Line,
    what: str,
    says: str,
    remedy: str = "",
    *,
    citation: str = "",
    warning: bool = False,
) -> Finding:
    if line.session:
        remedy = (
            remedy or "The log is not made anew: correct the entry by hand; `orch log` has what happened."
        )
    return Finding(
        document=document.path.name,
        number=line.number + document.before,
        line=flat(line.text, 400),
        citation=citation or ", ".join(line.evidence.cites),
        what=what,
        says=says,
        remedy=remedy or (_BY_HAND if line.edited else _ANEW),
        warning=warning,
    )


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
