"""Conversations over two years between two people each, with planted facts and questions about them."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from recall_set.facts import FACTS, MENTIONS, NAMES, POOLS, TALK

SESSIONS = 24
TURNS = (18, 28)
_MONTHS_TEXT = "January February March April May June July August September October November December"
_MONTH_NAMES = _MONTHS_TEXT.split()


@dataclass(frozen=True, slots=True)
class Turn:
    """One line of `orch import`."""

    id: str
    session: str
    timestamp: str
    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Question:
    """`evidence` are ids of turns of this conversation; `kind` is the fact's number."""

    text: str
    evidence: tuple[str, ...]
    kind: int


@dataclass(frozen=True, slots=True)
class Conversation:
    name: str
    turns: tuple[Turn, ...]
    questions: tuple[Question, ...]


def conversations(seed: int, count: int) -> Iterator[Conversation]:
    for number in range(count):
        yield _Writer(random.Random(f"{seed}/{number}"), f"c{number}").write()


class _Writer:
    def __init__(self, rng: random.Random, name: str) -> None:
        self._rng = rng
        self._name = name
        self._people = rng.sample(NAMES, 2)
        self._turns: list[Turn] = []
        self._questions: list[Question] = []
        self._used: dict[tuple[str, str], set[str]] = {}

    def write(self) -> Conversation:
        start = datetime(2024, 1, 3, 18, 30)
        kinds = [kind for kind in range(len(FACTS)) for _ in range(_times(kind))]
        self._rng.shuffle(kinds)
        for session in range(SESSIONS):
            when = start + timedelta(days=session * 30 + self._rng.randrange(20))
            self._session(session, when, kinds[session::SESSIONS])
        return Conversation(self._name, tuple(self._turns), tuple(self._questions))

    def _session(self, number: int, when: datetime, facts: list[int]) -> None:
        length = self._rng.randint(*TURNS)
        planted = dict(zip(self._rng.sample(range(2, length - 4, 4), len(facts)), facts, strict=True))
        place = 0
        while place < length:
            if place in planted:
                place += self._plant(number, place, when, planted[place])
            else:
                self._say(number, place, when, self._rng.choice(self._people), self._chatter())
                place += 1

    def _plant(self, session: int, place: int, when: datetime, kind: int) -> int:
        said, asked = FACTS[kind]
        first, second = self._rng.sample(self._people, 2)
        filled = self._filled(FACTS[kind][1])
        camel = filled["camel"]
        filled |= {
            "A": first,
            "snake": re.sub("([A-Z])", r"_\1", camel).lower(),
            "spaced": re.sub("([A-Z])", r" \1", camel).lower(),
            "stem": filled["path"].rsplit("/", 1)[1].split(".")[0],
            "monthname": f"{_MONTH_NAMES[when.month - 1]} {when.year}",
        }
        evidence = []
        for step, line in enumerate(said):
            speaker = second if line.startswith("B:") else first
            text = line.removeprefix("B:")
            marked, text = text.startswith("*"), text.removeprefix("*").format(**filled)
            turn = self._say(session, place + step, when, speaker, text)
            evidence += [turn.id] if marked else []
        self._questions.append(Question(asked.format(**filled), tuple(evidence), kind))
        return len(said)

    def _filled(self, asked: str) -> dict[str, str]:
        """A choice from each pool; what the question names is not used for another question like it."""
        filled = {name: self._rng.choice(pool) for name, pool in POOLS.items()}
        for name in _slots(asked):
            used = self._used.setdefault((asked, name), set())
            filled[name] = self._rng.choice([word for word in POOLS[name] if word not in used])
            used.add(filled[name])
        return filled

    def _say(self, session: int, place: int, when: datetime, role: str, content: str) -> Turn:
        turn = Turn(
            f"{self._name}:{session}:{place}",
            f"{self._name}/session-{session}",
            (when + timedelta(minutes=place)).isoformat(),
            role,
            content,
        )
        self._turns.append(turn)
        return turn

    def _chatter(self) -> str:
        if self._rng.random() < 0.3:
            filled = {name: self._rng.choice(pool) for name, pool in POOLS.items()}
            return self._rng.choice(MENTIONS).format(**filled, A=self._people[0], B=self._people[1])
        topic = self._rng.choice(("home", "work", "free", "life", "reply"))
        text = self._rng.choice(TALK[topic])
        if topic != "reply" and self._rng.random() < 0.5:
            text += " " + self._rng.choice(TALK[self._rng.choice(("home", "work", "free", "life"))])
        if self._rng.random() < 0.2:
            text = f"Hey {self._rng.choice(self._people)}! {text}"
        return text


def _slots(asked: str) -> list[str]:
    """Pools that a question's words come from, those that an identifier is written from included."""
    meant = {"snake": "camel", "spaced": "camel", "stem": "path"}
    names = (meant.get(name, name) for name in re.findall(r"{(\w+)}", asked))
    return [name for name in dict.fromkeys(names) if name in POOLS]


def _times(kind: int) -> int:
    """How often a fact is planted: more than once only where its question says which one is meant."""
    return 3 if _slots(FACTS[kind][1]) else 1
