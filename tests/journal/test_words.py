"""The words of a text: identifiers by their parts, languages, dates; the same for text and question."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.journal.stop_words import STOP
from orchestrator.journal.words import date_words, day_words, query_words, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("getUserName", "getusername user name"),
        ("get_user_name", "user name getusername"),
        ("HTTPServer2", "httpserver2 http server"),
        ("src/heron/quota.py", "src heron quota py"),
        ("--max-size=10", "max size 10"),
        ("Größe und Café", "grosse und cafe"),
        ("Ｆｕｌｌ ｗｉｄｔｈ", "full width"),
        ("東京で会議", "東京 京で で会 会議"),
        ("カフェ", "カフ フェ"),
        ("हिन्दी में", "हिन्दी में"),
        ("Привет, мир", "привет мир"),
        ("don't the of", ""),
        ("🎉 \x00 ' \" *", ""),
        ("x" * 65 + " kept", "kept"),
    ],
)
def test_words(text: str, found: str) -> None:
    assert " ".join(words(text)) == unicodedata.normalize("NFC", found)


def test_an_identifier_meets_its_other_spellings() -> None:
    spellings = ["parseQuotaHeader", "parse_quota_header", "ParseQuotaHeader", "parse-quota-header"]
    assert set.intersection(*(set(words(text)) for text in spellings)) == {"parse", "quota", "header"}
    assert "parsequotaheader" in set(words("parse_quota_header")) & set(words("ParseQuotaHeader"))


@given(st.text())
def test_a_word_is_one_token_of_the_full_text_tokenizer(text: str) -> None:
    """SQLite's ascii tokenizer splits at ASCII characters that are no letters or digits, and only there."""
    for word in words(text):
        assert word
        assert all(not char.isascii() or char.isalnum() for char in word)
        assert word not in STOP


@given(st.text())
def test_every_question_is_understood(text: str) -> None:
    assert len(query_words(text)) == len(set(query_words(text)))


def test_a_question_in_another_language_loses_its_function_words() -> None:
    assert query_words("Wohin wurde der Server mit der Datenbank verlegt?") == [
        *("wohin", "server", "datenbank", "verlegt"),
    ]
    assert query_words("my son and the pour") == ["son", "pour"]
    assert query_words("can it") == ["can", "it"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("on 2024-05-08", ["orchdate20240508"]),
        ("in 2024-05", ["orchdate202405"]),
        ("on 8 May 2024 or May 9th, 2024", ["orchdate20240508", "orchdate20240509"]),
        ("im März 2025", ["orchdate202503"]),
        ("el 3 de abril de 2023", ["orchdate20230403"]),
        ("may 100 people come", []),
    ],
)
def test_dates_of_a_question(text: str, found: list[str]) -> None:
    assert date_words(text) == found


def test_a_turn_is_found_by_its_day_and_its_month() -> None:
    assert day_words("2024-05-08T10:00:00+02:00") == ("orchdate20240508", "orchdate202405")
    assert day_words("yesterday") == ()


@pytest.mark.parametrize(
    "text",
    ["a_" * 500_000, "aB" * 500_000, "1 " * 500_000, "may " + " " * 900_000, "may 1 " * 200_000],
    ids=["snake", "camel", "digits", "spaces", "dates"],
)
def test_a_hostile_text_takes_no_longer(text: str) -> None:
    """Only the beginning of a text counts, and every pattern is linear: this ends."""
    assert len(query_words(text)) < 5
