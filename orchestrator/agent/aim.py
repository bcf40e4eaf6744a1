"""What a turn is about, as far as the prompt's words tell: what they ask for is likelier until it was tried.

A small model that was told to change a line finds it and is content. As long as the words plainly ask
for a call (`context.first_call`) and none such has been made, an answer has to be wanted strongly.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from orchestrator.context.first_call import NAMES, prior
from orchestrator.types import ANSWER, Effect, ToolCall, ToolResult

PLAIN, SURE = 0.75, 0.95
"""Share of the chances from which words ask plainly; and where a question is asked, too."""
HARDLY = 0.1
"""Chance of a tool with an effect below which nobody asked for it."""
TRIES = 6
"""Calls after which the model may give up."""
EARLY, HALFWAY, WANTED, UNASKED, UNSEEN, NOTED = -10.0, -4.0, 2.0, -4.0, -4.0, 3.0
"""Added to the log-probabilities of an answer that comes before anything asked for is done, and before
all is; of what is asked for; of what is not; and of an answer about something of the project of which nothing
has been seen. And by how much an answer that a document holds is likelier than any call."""
FAMILIES = (
    frozenset({"edit", "write"}),
    frozenset({"run", "shell"}),
    frozenset({"git"}),
    frozenset({"note"}),
)
"""Tools that serve the same wish, and without which it is not fulfilled."""
_POLITE = r"(?:please |bitte |por favor |then |dann |now |also )*"
_VERBS = (
    r"(?:create|make|add)(?! a (?:new )?(?:branch|tag|commit))|write|change|set|update|correct|fix|rename|"
    r"replace|upgrade|bump|repair|mend|remove|delete|ändere|setze|korrigiere|behebe|ersetze|entferne|erstelle|schreibe|"
    r"füge|cambia|pon|corrige|actualiza|quita|crea|escribe|añade|modifie|remplace|supprime|crée|écris|ajoute|"
    r"muda|altera|atualiza|cria|escreve|acrescenta|imposta|correggi|scrivi|aggiungi",
    r"run|execute|führe|starte|ejecuta|corre|exécute|lance|executa|esegui|(?:use|using|with) python",
    r"commit|tag|stash|merge|committe",
)
"""Of the first families: how a clause begins that asks for them, whatever has to be looked up before."""
_BEGINNINGS = tuple(
    (names, re.compile(rf"{_POLITE}(?:{verbs})\b", re.IGNORECASE))
    for names, verbs in zip(FAMILIES, _VERBS, strict=False)
)
_CLAUSE = re.compile(
    r"[.;:!?]\s+|,\s+|\s+(?:and|then|und|dann|et|puis|y|luego|e|depois|poi|i|potem)\s+", re.IGNORECASE
)
_WORDS = 3
"""Fewer words are no clause."""
_CLAUSES = 8


_CHANGING = frozenset({"note", "write", "edit", "git"})
"""Calls that leave something behind: unasked, they are likelier a mistake than help."""


class Aim:
    """Of one turn; an empty prompt aims at nothing."""

    def __init__(self, prompt: str, *, known: bool = False, noted: bool = False) -> None:
        """`known`: the prompt names something of the project, so that answering unseen would be guessing.

        `noted`: a document answers it.
        """
        self._first = dict(prior(prompt)) if prompt.strip() else {}
        self._chances = {name: math.exp(value) for name, value in self._first.items()}
        if noted and self._first:
            self._first[ANSWER] = max(self._first.values()) + NOTED
        elif known:
            self._first[ANSWER] += UNSEEN
        clauses = [part for part in _CLAUSE.split(prompt) if len(part.split()) >= _WORDS][:_CLAUSES]
        plain = SURE if "?" in prompt else PLAIN
        asked = [self._asked_by(part, plain) for part in (clauses or [prompt])] if self._first else []
        parts = _CLAUSE.split(prompt)
        asked += [names for part in parts for names, verbs in _BEGINNINGS if verbs.match(part)]
        self._wanted = [names for names in dict.fromkeys(asked) if names]
        self._question = "?" in prompt
        self._unasked = frozenset(NAMES).difference(*asked) if any(asked) else frozenset(("note", "write"))
        self._failed = self._done = False
        self._calls = 0

    def weights(self) -> Mapping[str, float]:
        """What to add to the model's log-probabilities of the next call, by name; may be empty."""
        if not self._calls:
            return self._first
        return {name: self._weight(name) for name in NAMES} if self._first else {}

    def made(self, call: ToolCall, effect: Effect, result: ToolResult, *, denied: bool) -> None:
        """A call was made. One that a person denied ends the aim; one that failed does not reach it.

        What a command of the shell says is an answer, whatever its exit code, unless it was wrongly called.
        """
        self._calls += 1
        self._failed = not result.ok and effect == "command"
        if denied:
            self._wanted = []
        elif result.ok or (call.name == "shell" and not result.again):
            left = [names for names in self._wanted if call.name not in names]
            self._done, self._wanted = self._done or len(left) < len(self._wanted), left

    def _asked_by(self, clause: str, plain: float) -> frozenset[str]:
        """The tools that a clause asks for, if the whole prompt may ask for them, too."""
        names = _family(clause, plain)
        return names if sum(self._chances[name] for name in names) >= HARDLY else frozenset()

    def _weight(self, name: str) -> float:
        pending = self._calls < TRIES * max(1, len(self._wanted)) and bool(self._wanted)
        if name == ANSWER:
            return (HALFWAY if self._done else EARLY) if pending else 0.0
        if pending and any(name in names for names in self._wanted):
            return WANTED
        asked = self._chances[name] >= HARDLY
        doubtful = ("note", "write", "edit", "git") if self._question or self._failed else self._unasked
        return UNASKED if name in doubtful and name in _CHANGING and not asked else 0.0


def _family(text: str, plain: float) -> frozenset[str]:
    chances = {name: math.exp(value) for name, value in prior(text).items()}
    return next(
        (names for names in FAMILIES if sum(chances[name] for name in names) >= plain), frozenset[str]()
    )
