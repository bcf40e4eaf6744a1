"""Recall for a session: what a model may ask for, and what goes into a prompt by itself."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.journal.excerpts import Excerpt, Recall, Scope, shown
from orchestrator.journal.store import SqliteJournal
from orchestrator.journal.turns import CLOSE, OPEN
from orchestrator.types import Recollection

TOOL_TOKENS = 1024
TOOL_PAGES = 50
"""Of an older journal that one call indexes: about ten seconds."""
AUTOMATIC_TOKENS = 256
QUESTION = 300
"""Characters up to which a message that ends with a question mark is nothing but a question."""
SHARE = 0.55
"""Of what a prompt asks, weighed by how rare its words are, that one window must hold."""
HELD = 3
"""Words of the prompt that one window must hold: fewer meet by chance."""
NEAR = 0.8
"""Of the best window's score: what scores less is not worth its prefill."""

_NOT_ALL = "The newest of an older journal is not indexed yet. `orch recall` does it, or ask again."


class SessionRecall:
    """`ports.Recall` over the journal, for one project. Private records never leave it.

    Automatic recall takes what people said and noted, not what a model once answered unchecked.
    """

    def __init__(self, journal: SqliteJournal, project: str) -> None:
        self._recall = Recall(journal)
        self._project = project
        self._given: set[str] = set()

    def asked(self, query: str, session: str) -> str:
        """Excerpts for the model's own question, "" where nothing fits."""
        whole = self._recall.build(pages=TOOL_PAGES)
        found = _framed(self._recall.ask(query, TOOL_TOKENS, self._scope(session)).excerpts)
        return found if whole else f"{found}\n{_NOT_ALL}".strip()

    def automatic(self, prompt: str, session: str, known: str) -> Recollection:
        """Excerpts that a prompt earns, each once in a session; mostly none.

        `known` is what the model reads anyway: what is cited there is not repeated. Indexes one page
        of an older journal, not all of it: a prompt does not wait for that.
        """
        self._recall.build(pages=1)
        scope = self._scope(session, near=NEAR)
        found = self._recall.ask(prompt, AUTOMATIC_TOKENS, scope)
        if found.share < SHARE or found.held < HELD:
            return Recollection()
        new = [
            one
            for one in found.excerpts
            if one.role != "assistant" and not _asks(one) and f"{one.citation}]" not in known
        ]
        self._given.update(one.id for one in new)
        return Recollection(_framed(new), tuple(one.citation for one in new))

    def _scope(self, session: str, near: float = 0.0) -> Scope:
        return Scope(
            projects=(self._project,),
            private=False,
            without=frozenset(self._given) if near else frozenset(),
            without_session=session,
            least=near,
        )


def _asks(one: Excerpt) -> bool:
    """Whether it is only a question: that it was asked before says nothing about its answer."""
    return (
        one.kind == "message" and len(one.content) <= QUESTION and one.content.rstrip().endswith(("?", "?"))
    )


def _framed(found: Iterable[Excerpt]) -> str:
    """The excerpts in a frame that tells them from what is said now."""
    text = "\n".join(shown(found)).replace(CLOSE, "").replace(OPEN, "")
    return f"{OPEN}\n{text}\n{CLOSE}" if text else ""
