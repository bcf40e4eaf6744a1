"""What earlier sessions said stands before a prompt that earns it, and is not recorded as said anew."""

from __future__ import annotations

from orchestrator.errors import JournalError
from orchestrator.events import Answer, Notice
from orchestrator.journal.remembering import SessionRecall
from orchestrator.journal.store import SqliteJournal
from orchestrator.paths import Home
from orchestrator.types import Entry, Recollection
from tests.agent.test_session import of, played, world

FACT = "The ledger exporter must never round before summing, the auditors complained"
ASKED = "Why must the ledger exporter never round before summing?"


def earlier(home: Home) -> None:
    with SqliteJournal.open(home) as journal:
        texts = [*(f"chatter about lamps and buses {number}" for number in range(40)), FACT]
        journal.append([Entry("message", {"role": "user", "text": text}, "p1", "7f3a01") for text in texts])


def recalling(journal: SqliteJournal) -> SessionRecall:
    return SessionRecall(journal, "p1")


def test_a_prompt_that_earns_it_gets_excerpts_once(orch_home: Home) -> None:
    earlier(orch_home)
    here = world(orch_home, ["They complained.", "As said."], memory=recalling)
    events = played(here, ASKED, ASKED)
    first, second = (
        message.text for message in here.session._conversation.messages if message.role == "user"
    )
    assert first.endswith(f"    {FACT}\n</recalled>\n\n{ASKED}")
    assert "[S7f3a#41]" in first
    assert second == ASKED
    (notice,) = of(events, Notice)
    assert notice.text.startswith("Recalled from earlier sessions: ")
    assert "S7f3a#41" in notice.text
    assert notice.text.count("#") <= 3  # the best window alone
    said = [
        r.body["text"]
        for r in here.records()
        if r.kind == "message" and r.session == here.session.id and r.body
    ]
    assert said == [ASKED, "They complained.", ASKED, "As said."]


def test_another_prompt_stands_alone(orch_home: Home) -> None:
    earlier(orch_home)
    here = world(orch_home, ["Hello."], memory=recalling)
    assert not of(played(here, "Hello there, how are you?"), Notice)
    assert here.session._conversation.messages[0].text == "Hello there, how are you?"


def test_that_the_same_was_asked_before_is_no_evidence(orch_home: Home) -> None:
    with SqliteJournal.open(orch_home) as journal:
        texts = [*(f"chatter about lamps and buses {number}" for number in range(40)), ASKED]
        journal.append([Entry("message", {"role": "user", "text": text}, "p1", "7f3a01") for text in texts])
    here = world(orch_home, ["No idea."], memory=recalling)
    played(here, ASKED)
    assert ASKED not in here.session._conversation.messages[0].text.removesuffix(ASKED)


class Broken:
    def automatic(self, prompt: str, session: str, known: str) -> Recollection:
        raise JournalError("The journal is damaged.", "Rebuild it.")


def test_a_journal_that_cannot_be_asked_costs_no_answer(orch_home: Home) -> None:
    events = played(world(orch_home, ["Yes."], memory=lambda _: Broken()), ASKED)
    assert [answer.text for answer in of(events, Answer)] == ["Yes."]
    assert [notice.text for notice in of(events, Notice)] == ["The journal is damaged. Rebuild it."]
