"""When a question may take the keyboard, and which keys are answers. Pure: the clock is handed in.

A key pressed because of something else must answer nothing. So a question takes the keyboard only
when nobody typed for a while, keys pressed just after that still belong to the prompt, and a letter
followed at once by another is the beginning of a word and not an answer. Whoever turned to the
question on purpose is understood at once.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto

QUIET_S = 0.7
"""Nobody typed for so long, and the question was on screen for so long."""
GRACE_S = 0.5
"""So long after it took the keyboard by itself, keys are still the prompt's: one sees it first."""
SETTLE_S = 0.25
"""So long an answering letter waits for another one."""


class Meaning(Enum):
    TYPING = auto()
    """The key belongs to the prompt."""
    ANSWER = auto()
    PERHAPS = auto()
    """An answer, if `settled` becomes true before the next key."""


class Attention:
    """Of one question, from the moment it is on screen. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._shown = self._stirred = clock()
        self._taken: float | None = None
        self._pressed: float | None = None
        self._gave = False

    def stirred(self) -> None:
        """Somebody is typing, or is elsewhere."""
        self._stirred = self._clock()
        self._pressed = None

    def may_take(self) -> bool:
        """Whether it was quiet for long enough."""
        return self._clock() - max(self._shown, self._stirred) >= QUIET_S

    def took(self) -> None:
        """The question has the keyboard, by itself."""
        self._taken = self._clock()
        self._pressed = None
        self._gave = False

    def turned_to(self) -> None:
        """The question has the keyboard because somebody wanted it to."""
        self._taken = self._pressed = None
        self._gave = False

    def gave(self) -> None:
        """A key went back to the prompt: so do those that come before the keyboard has followed it."""
        self._pressed = None
        self._gave = True

    def pressed(self) -> Meaning:
        """What an answering letter means that was pressed just now."""
        now = self._clock()
        if self._gave or now - self._shown < QUIET_S:
            return Meaning.TYPING
        if self._taken is None:
            return Meaning.ANSWER
        if now - self._taken < GRACE_S or self._pressed is not None:
            return Meaning.TYPING
        self._pressed = now
        return Meaning.PERHAPS

    def settled(self) -> bool:
        """Whether the letter that was pressed stood alone."""
        return self._pressed is not None and self._clock() - self._pressed >= SETTLE_S

    def clicked(self) -> bool:
        """Whether a click just now can be meant for the question."""
        return self._clock() - self._shown >= QUIET_S
