"""What the prompt of the running turn names: the tools look there first and forgive with its help.

A small model drops the folder of a path, changes the line beside the one that was meant and searches
for the commonest of the words it was given. The prompt has the path, the name and the rare word. Words
count as the recall index cuts them (`journal.words`), so parts of identifiers match words of a sentence.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Sequence

from orchestrator.journal.words import query_words, words
from orchestrator.tools.quotes import Quotes
from orchestrator.tools.wording import wording

_FEW = 4
"""Lines of a file in which a telling word of the prompt may stand, at most."""
_CLOSE, _NEARLY, _MOSTLY = 2, 0.7, 0.8
"""Lines between which words support each other; shares of the best score that are good enough."""
_FOCUSED = 4
"""Lines shown once more because the prompt means them."""
ABOVE, BELOW = 0.5, 0.2
"""What words of the lines above and below count for a line: a heading says more than what follows."""


class Asked:
    """The prompt of the turn that runs; before the first turn, nothing."""

    def __init__(self) -> None:
        self.begin("")

    def begin(self, prompt: str) -> None:
        self.wording = wording(prompt)
        self.words = tuple(query_words(self.wording.bare))
        self.quotes = Quotes()
        self.warned: set[str] = set()
        """What has been said once in this turn."""
        self._warning: set[str] = set()

    def warn(self, about: str) -> None:
        """A refusal of the call at hand is about this; it counts as said when the model is told."""
        self._warning.add(about)

    def made(self) -> None:
        """A call is made, whatever was said of others."""
        self._warning.clear()

    def told(self) -> None:
        """The model was told why its newest call is refused."""
        self.warned |= self._warning
        self._warning.clear()

    def spared(self, touched: str, *, all_files: bool = False) -> str:
        """Once a turn: a file that is to stay as it is, if a call would change these; else empty."""
        for path in self.wording.kept:
            if f"kept {path}" not in self.warned and (all_files or bounded(path, touched)):
                self.warn(f"kept {path}")
                return path
        return ""

    def path(self, given: str) -> str:
        """The path as the prompt has it, where `given` is that without its folder."""
        name = given.strip("`'\" ").removeprefix("./")
        longer = [path for path in self.wording.paths if path.endswith(f"/{name}")]
        return longer[0] if len(longer) == 1 and name not in self.wording.paths else given

    def lines_of(self, content: str, share: float = _NEARLY) -> list[int]:
        """Numbers (from 1) of the lines that the prompt means, as far as its telling words say: names,
        values and words that stand in few lines, there or close by. Those with `share` of the best score.
        """
        lines = content.split("\n")
        own: dict[int, float] = defaultdict(float)
        for wanted in (*self.wording.code, *self.wording.literals):
            _score(own, [n for n, line in enumerate(lines, 1) if bounded(wanted, line)], 2.0)
        cut = [tuple(words(line)) for line in lines]
        for word in self.words:
            _score(own, [n for n, found in enumerate(cut, 1) if any(alike(word, one) for one in found)], 1.0)
        scores = {
            n: score
            + ABOVE * sum(own.get(n - off, 0.0) for off in range(1, _CLOSE + 1))
            + BELOW * sum(own.get(n + off, 0.0) for off in range(1, _CLOSE + 1))
            for n, score in list(own.items())
        }
        best = max(scores.values(), default=0.0)
        return sorted(number for number, score in scores.items() if score >= best * share)

    def focus(self, content: str) -> str:
        """The numbered lines that the prompt means most, with those beside them; may be empty."""
        lines = content.split("\n")
        wide = {near for n in self.lines_of(content, _MOSTLY)[:_FOCUSED] for near in (n - 1, n, n + 1)}
        shown = sorted(n for n in wide if 1 <= n <= len(lines) and lines[n - 1].strip())
        return "\n".join(f"{n}: {lines[n - 1][:200]}" for n in shown)

    def saw(self, path: str, content: str) -> None:
        """A file was read: its lines that the prompt means may be quoted below the answer."""
        lines = content.split("\n")
        self.quotes.lines(path, [(n, lines[n - 1]) for n in self.lines_of(content, _MOSTLY)[:_FOCUSED]])

    def missing(self, content: str, new: str) -> str:
        """A value that the prompt wants in a file, or a name where something is to be added, if it is neither
        there nor in `new`.
        """
        wishes = (self.wording.values, self.wording.code) if self.wording.adds else (self.wording.values,)
        for wanted in wishes:
            absent: list[str] = [value for value in wanted if not bounded(value, content)]
            if absent and not any(value.lower() in new.lower() for value in absent):
                return absent[0]
        return ""


def _score(scores: dict[int, float], found: Sequence[int], worth: float) -> None:
    if 0 < len(found) <= _FEW:
        for number in found:
            scores[number] += worth / math.sqrt(len(found))


def bounded(wanted: str, text: str) -> bool:
    """Whether `wanted` stands in `text` as a whole, whatever its case: `14` not in `142` or `1.14`."""
    pattern = (
        rf"(?<![\w.]){re.escape(wanted)}(?!\w|\.\d)"
        if wanted[:1].isdigit()
        else rf"(?<!\w){re.escape(wanted)}(?!\w)"
    )
    return re.search(pattern, text, re.IGNORECASE) is not None


def alike(word: str, other: str) -> bool:
    """Equal but for an ending: `cherries` and `cherry`, `limite` and `limit`."""
    if word == other:
        return True
    if len(word) < 7 and len(other) < 7 and _stem(word) == _stem(other):
        return True
    shorter = min(len(word), len(other))
    if shorter == 3 and len(word) > 3:  # `mem` for memory, `conf` for configuration
        return word.startswith(other) and len(other) == 3
    if shorter >= 5 and word.endswith(other):  # `subcommands`
        return True
    return (
        shorter >= 4
        and abs(len(word) - len(other)) <= 4
        and word[: max(4, shorter - 1)] == other[: max(4, shorter - 1)]
    )


def _stem(word: str) -> str:
    """Without an English ending, where three letters are left: `owns`, `owner` and `owned` are alike."""
    return re.sub(r"(?<=\w{3})(ing|ers?|ed|e?s)$", "", word)
