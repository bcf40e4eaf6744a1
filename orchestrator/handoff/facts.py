"""What documents say, as values: each fact with the records it rests on."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.types import NOTE_KINDS, Kind

VERIFIED = "verified"
"""A tool did it or saw it: paths, exit codes, counts."""
CLAIMED = "claimed"
"""A model said it."""
CONFIRMED = "confirmed"
"""A person said it, or confirmed it."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One line: plain text, citations without brackets ("S7f3a#3"), and how sure it is."""

    text: str
    cites: tuple[str, ...] = ()
    status: str = ""

    @property
    def line(self) -> str:
        """The text and its evidence, as it stands in a document."""
        evidence = ", ".join((*self.cites, self.status) if self.status else self.cites)
        return f"{self.text} [{evidence}]" if evidence else self.text


@dataclass(frozen=True, slots=True)
class Work:
    """One prompt of the user, and what came of it."""

    asked: Fact
    results: tuple[Fact, ...] = ()
    lessons: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """One session as its records tell it; `ended` says so when it was cut off."""

    session: str
    title: str
    ended: Fact | None = None
    starting: tuple[Fact, ...] = ()
    work: tuple[Work, ...] = ()
    decisions: tuple[Fact, ...] = ()
    dead_ends: tuple[Fact, ...] = ()
    changes: tuple[Fact, ...] = ()
    blockers: tuple[Fact, ...] = ()
    next_steps: tuple[Fact, ...] = ()
    tests: tuple[Fact, ...] = ()

    @property
    def empty(self) -> bool:
        """True when nothing was asked, done or noted."""
        noted = (self.decisions, self.blockers, self.next_steps, self.dead_ends, self.changes, self.tests)
        return not (self.work or any(noted))


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, its facts newest first, and the share of the budget that is its own.

    `rising` ones are shown oldest first: what is added then changes nothing before it. `kinds` are the
    records that hold what there was no room for; `more`: there are older ones that were not looked at.
    """

    title: str
    facts: tuple[Fact, ...]
    share: float
    what: str
    rising: bool = False
    kinds: tuple[Kind, ...] = ()
    more: bool = False
    order: tuple[int, ...] = ()
    """Indexes of `facts`, the first to be kept first; empty: as they stand."""

    @property
    def noted(self) -> bool:
        """Whether it holds what somebody noted, and not what a tool or git saw."""
        return bool(self.kinds) and self.kinds[0] in NOTE_KINDS


@dataclass(frozen=True, slots=True)
class BriefingFacts:
    """What a fresh instance needs. `sections` from what seldom changes to what each session changes:
    all before the first change is read back from the KV cache."""

    name: str
    newest: str = ""
    where: Fact | None = None
    goal: Fact | None = None
    next_step: Fact | None = None
    sections: tuple[Section, ...] = ()
    left_out: str = ""
    more: str = ""
    """How to see what was left out."""
    recorded: bool = True
    """False: there is git's word only, and no record."""

    @property
    def empty(self) -> bool:
        return not self.recorded
