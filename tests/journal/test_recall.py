"""What recall finds, in what order, within which budget; and that no question breaks it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.journal import ranking
from orchestrator.journal.excerpts import Recall, Recalled, Scope, shown
from orchestrator.journal.remembering import SessionRecall
from orchestrator.journal.store import SqliteJournal
from orchestrator.types import Entry, Kind, Recollection
from tests.journal.conftest import SteppedClock


def said(text: str, session: str = "aaaa01", role: str = "user", project: str = "p1", **body: Any) -> Entry:
    return Entry("message", {"role": role, "text": text, **body}, project, session)


def note(text: str, kind: Kind = "decision", **body: Any) -> Entry:
    return Entry(kind, {"text": text, "by": "user", "status": "confirmed", **body}, "p1", "bbbb01")


@pytest.fixture
def recall(journal: SqliteJournal) -> Recall:
    return Recall(journal)


def contents(found: Recalled) -> list[str]:
    return [excerpt.content for excerpt in found.excerpts]


TALK = ("Good morning.", "What is your dog called?", "Rex, like the old one.", "Nice.", "The bus was late.")


def test_a_turn_comes_with_those_around_it_in_the_order_they_were_said(
    journal: SqliteJournal, recall: Recall
) -> None:
    journal.append([said(text) for text in TALK])
    found = recall.ask("name of the dogs", 15)
    assert contents(found) == ["Good morning.", "What is your dog called?", "Rex, like the old one."]
    assert found.tokens == -(-sum(map(len, contents(found))) // 4) <= 15
    assert found.left_out == 1  # "Nice." is in a window that fits; nothing connects the bus


def test_the_middle_turn_is_packed_first(journal: SqliteJournal, recall: Recall) -> None:
    journal.append([said("first words"), said("the tortoise ate everything"), said("last words")])
    assert contents(recall.ask("tortoise", 7)) == ["the tortoise ate everything"]
    assert contents(recall.ask("tortoise", 10)) == ["first words", "the tortoise ate everything"]


def test_an_excerpt_says_who_when_and_where(
    journal: SqliteJournal, recall: Recall, clock: SteppedClock
) -> None:
    made = journal.append([said("hello tortoise", role="assistant"), note("buy a tortoise", because="calm")])
    spoken, decided = recall.ask("tortoise", 99).excerpts
    if spoken.kind != "message":
        spoken, decided = decided, spoken
    assert (spoken.role, spoken.kind, spoken.citation) == ("assistant", "message", "Saaaa#1")
    assert (spoken.id, spoken.source_id, spoken.timestamp) == (made[0].id, "", made[0].wall)
    assert (decided.role, decided.content) == ("decision", "buy a tortoise (because calm)")


def test_windows_end_with_their_session(journal: SqliteJournal, recall: Recall) -> None:
    journal.append([said("other talk", "aaaa01"), said("the tortoise", "aaaa02"), said("more", "aaaa03")])
    assert contents(recall.ask("tortoise", 99)) == ["the tortoise"]


def test_sessions_that_alternate_keep_their_own_neighbours(journal: SqliteJournal, recall: Recall) -> None:
    for number in range(4):
        journal.append([said(f"left {number}", "aaaa01"), said(f"right {number}", "aaaa02")])
    journal.append([said("the tortoise", "aaaa01")])
    assert contents(recall.ask("tortoise", 99)) == ["left 2", "left 3", "the tortoise"]


def test_what_a_model_said_again_comes_last(journal: SqliteJournal, recall: Recall) -> None:
    journal.append([said("The tortoise is  ill", f"aaaa{number:02}", "assistant") for number in range(9)])
    journal.append([said("a tortoise eats salad", "bbbb01")])
    assert sorted(contents(recall.ask("tortoise ill", 11))) == [
        "The tortoise is  ill",
        "a tortoise eats salad",
    ]
    assert len(recall.ask("tortoise ill", 999).excerpts) == 10


def test_notes_that_hold_no_more_are_not_recalled(journal: SqliteJournal, recall: Recall) -> None:
    old = journal.append([note("take SQLite for the ledger")])[0]
    new = journal.append([note("take Postgres for the ledger", supersedes=old.id)])[0]
    assert contents(recall.ask("ledger", 99)) == ["take Postgres for the ledger"]
    journal.append([Entry("tombstone", {}, "p1", "cccc01", entity=new.entity)])
    assert contents(recall.ask("ledger", 99)) == ["take SQLite for the ledger"]
    claim = note("take Redis for the ledger", supersedes=old.id, status="claimed")
    journal.append([claim])
    assert set(contents(recall.ask("ledger", 99))) == {
        "take SQLite for the ledger",
        "take Redis for the ledger",
    }


def test_filters(journal: SqliteJournal, recall: Recall, clock: SteppedClock) -> None:
    journal.append([said("tortoise one"), said("tortoise two", project="p2"), note("tortoise three")])
    middle = clock.now = clock.now + 60_000
    journal.append([said("tortoise four", "cccc01")])
    journal.append([said("tortoise five", "cccc02", time="2001-01-01T00:00:00")])
    secret = Entry("message", {"role": "user", "text": "tortoise six"}, "p1", "dddd01", private=True)
    journal.append([secret])

    def asked(**scope: Any) -> set[str]:
        return {
            text.removeprefix("tortoise ") for text in contents(recall.ask("tortoise", 99, Scope(**scope)))
        }

    assert asked() == {"one", "two", "three", "four", "five", "six"}
    assert asked(projects=("p1",)) == {"one", "three", "four", "five", "six"}
    assert asked(projects=("p2", "p1")) == asked()
    assert asked(projects=("nowhere",)) == asked(projects=()) == set()
    assert asked(kinds=("decision",)) == {"three"}
    assert asked(since_ms=middle) == {"four", "six"}
    assert asked(private=False, projects=("p1",)) == {"one", "three", "four", "five"}
    assert asked(without_session="cccc01", projects=("p1",)) == {"one", "three", "five", "six"}


def test_a_turn_larger_than_the_whole_budget_is_shown_where_it_was_asked_for(
    journal: SqliteJournal, recall: Recall
) -> None:
    journal.append([said("lorem ipsum " * 4000 + "the tortoise is called Otis " + "dolor sit " * 4000)])
    found = recall.ask("what is the tortoise called", 50)
    assert found.excerpts[0].cut
    assert "the tortoise is called Otis" in found.excerpts[0].content
    assert found.tokens <= 50


def test_dates_names_and_languages(journal: SqliteJournal, recall: Recall) -> None:
    journal.append(
        [
            said("We climbed it.", "a1", role="Mara", time="2024-03-09T10:00:00"),
            said("We climbed it again.", "a2", role="Jonas", time="2024-07-09T10:00:00"),
            said("Die Datenbanken stehen in Köln.", "a3"),
            said("会議は木曜日です。", "a4"),
            said("Use `hashSessionKey` from core/session_key.py", "a5"),
        ]
    )
    for question, session in {
        "what was climbed in March 2024": "a1",
        "what did Jonas climb": "a2",
        "Wo steht die Datenbank?": "a3",
        "koln": "a3",
        "会議は何曜日": "a4",
        "hash_session_key": "a5",
        "session key": "a5",
    }.items():
        assert recall.ask(question, 99).excerpts[0].session == session, question


QUESTIONS = st.one_of(
    st.text(),
    st.text(alphabet='"*-:^(){}+ \x00NEAROT\u200b😀é字ك', min_size=1),
    st.lists(
        st.sampled_from(["tortoise", '"', "NEAR(", "AND", "NOT", "words:", "*", "^", "OR", "recall_index"])
    ).map(" ".join),
)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recall]:
    from orchestrator.paths import Home

    with SqliteJournal.open(Home(tmp_path_factory.mktemp("home"))) as journal:
        journal.append(
            [said(f"tortoise {number} and near or not é字", f"s{number // 7}") for number in range(60)]
        )
        yield Recall(journal)


@settings(deadline=None)
@given(QUESTIONS, st.integers(1, 300))
def test_any_question_gets_an_answer_within_its_budget(filled: Recall, question: str, budget: int) -> None:
    found = filled.ask(question, budget)
    assert sum(map(len, contents(found))) <= 4 * budget
    assert len({excerpt.id for excerpt in found.excerpts}) == len(found.excerpts)


@pytest.mark.parametrize(
    "question",
    ["tortoise " * 120_000, " ".join(map(str, range(200_000))), '"' * 1_000_000],
    ids=["one word", "many words", "quotes"],
)
def test_a_question_of_a_megabyte(filled: Recall, question: str) -> None:
    assert len(question) >= 1_000_000
    filled.ask(question, 100)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(min_size=1))
def test_any_text_is_found_by_its_own_words(journal: SqliteJournal, text: str) -> None:
    from orchestrator.journal.turns import own_words
    from orchestrator.journal.words import query_words

    record = journal.append([said(text, "ffff01")])[0]
    stored = str((record.body or {})["text"])
    found = Recall(journal).ask(text, 10_000, Scope())
    if query_words(own_words(stored)) and len(stored) < 4000:
        assert any(stored.split() == one.content.split() for one in found.excerpts)


def test_where_all_words_are_frequent_the_turns_that_hold_them_all_are_found(
    journal: SqliteJournal, recall: Recall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranking, "MOST_TURNS", 20)
    rng = random.Random(5)
    entries = [said(rng.choice(("red", "green")) + " lamp", f"s{number}") for number in range(90)]
    entries[7] = said("red green lamp, the only one", "target")
    journal.append(entries)
    assert recall.ask("red green lamp", 8).excerpts[0].session == "target"


def test_frequent_words_are_left_out_where_a_rare_one_is_there(
    journal: SqliteJournal, recall: Recall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranking, "MOST_TURNS", 20)
    journal.append([said("red lamp", f"s{number}") for number in range(60)])
    journal.append([said("blue tortoise", "target")])
    assert [one.session for one in recall.ask("red lamp tortoise", 99).excerpts] == ["target"]


# --- nothing is evidence twice ------------------------------------------------------------------


def test_what_was_quoted_from_recall_is_not_evidence_again(journal: SqliteJournal, recall: Recall) -> None:
    journal.append([said("the tortoise is called Otis"), said("it likes salad,\n\nand naps")])
    found = recall.ask("tortoise", 99)
    pasted = "\n".join(shown(found.excerpts))
    framed = SessionRecall(journal, "p1").asked("tortoise", "other")
    assert "Otis" in framed
    journal.append([said(f"I found this:\n{pasted}\nIs it so?", "cccc01"), said(f"{framed}\n\nhm", "cccc02")])
    assert {one.session for one in recall.ask("tortoise Otis salad naps", 999).excerpts} == {"aaaa01"}
    assert recall.ask("is it so, I found", 999).excerpts[0].session == "cccc01"


def test_what_a_tool_printed_is_no_evidence(journal: SqliteJournal, recall: Recall) -> None:
    result = {"name": "recall", "ok": True, "text": "the tortoise is called Otis"}
    journal.append([Entry("tool_result", result, "p1", "aaaa01"), Entry("tool_call", result, "p1", "aaaa01")])
    assert not recall.ask("tortoise", 99).excerpts


# --- what goes into a prompt by itself ------------------------------------------------------------


@pytest.fixture
def memory(journal: SqliteJournal) -> SessionRecall:
    journal.append(
        [said(f"some chatter about lamps and buses {number}", f"s{number}") for number in range(50)]
    )
    journal.append(
        [
            said("The ledger exporter must never round before summing, the auditors complained", "t1"),
            said("Understood, I invented something about the ledger exporter rounding", "t1", "assistant"),
        ]
    )
    return SessionRecall(journal, "p1")


def test_a_prompt_about_something_said_before_earns_excerpts_once(memory: SessionRecall) -> None:
    text = memory.automatic("why must the ledger exporter never round before summing?", "now", "").text
    assert "auditors complained" in text
    assert "invented" not in text  # what a model once answered does not come back by itself
    assert not memory.automatic("why must the ledger exporter never round before summing?", "now", "").text


@pytest.mark.parametrize(
    "prompt",
    [
        "Hello!",
        "What is a mutex?",
        "run the tests",
        "the ledger",
        "lamps",
        "",
        "🎉",
        "what about round tables",
    ],
)
def test_other_prompts_earn_nothing(memory: SessionRecall, prompt: str) -> None:
    assert memory.automatic(prompt, "now", "") == Recollection()


def test_what_the_model_reads_anyway_or_said_itself_is_not_repeated(
    memory: SessionRecall, journal: SqliteJournal
) -> None:
    asked = "why must the ledger exporter never round before summing?"
    assert memory.automatic(asked, "t1", "") == Recollection()
    citation = Recall(journal).ask(asked, 99).excerpts[0].citation
    assert memory.automatic(asked, "now", f"- never round [{citation}]") == Recollection()
