"""Which files a check writes itself, so that running it does not call for running it again. Pure.

Nobody can tell who wrote a file while a check ran: the check, or a person who went on working. So a check
during which files changed runs once more. What changes again then, and what comes anew then, is the check's
own; another file that was there before may be the person's, and calls for one more round. A check that
touches other files each time is known by the number of rounds.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.autonomy.tree_state import Writes

MOST = 4
"""Runs of a check in a row, after one change by a person."""


@dataclass(frozen=True, slots=True)
class Rounds:
    """`own` are files known to be the check's; `earlier` what changed in the runs before, `runs` how many
    there were since a person changed something."""

    own: frozenset[str] = frozenset()
    earlier: frozenset[str] = frozenset()
    runs: int = 0

    def begun(self) -> Rounds:
        """A person changed something: counting begins anew."""
        return Rounds(self.own)

    def ended(self, writes: Writes) -> tuple[Rounds, bool]:
        """After a run during which these files changed: what is known now, and whether to run again."""
        foreign = writes.all - self.own
        runs = self.runs + 1
        if not foreign:
            return Rounds(self.own, frozenset(), runs), False
        own = self.own
        if runs >= MOST:
            own |= foreign
        elif runs > 1:
            own |= foreign & (self.earlier | writes.created)
        return Rounds(own, self.earlier | foreign, runs), bool(foreign - own)
