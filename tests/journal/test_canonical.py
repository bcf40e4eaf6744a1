"""The format is fixed: these vectors hold for every implementation and every version 1 record."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import JournalError
from orchestrator.journal.canonical import (
    body_bytes,
    body_sha,
    canonical,
    parse_canonical,
    parse_record,
    plain,
    record_id,
    record_json,
    record_line,
)
from orchestrator.types import Record

BODY = {
    "text": "Größe\n\u2028\x1b",
    "because": None,
    "n": [1, 1.0, 1e-5, 1e16, True],
    "Z": "\U0001f600",
    "a": {},
}
BODY_TEXT = (
    '{"Z":"\U0001f600","a":{},"because":null,"n":[1,1.0,1e-05,1e+16,true],"text":"Größe\\n\u2028\\u001b"}'
)
SALT = "00112233445566778899aabbccddeeff"
BODY_SHA = "81f2a7979e53496cec2c81b22ebede99e9f8114e19674771fc28a53d7fc4cc27"
ID = "e25b8b2da03f0f0739c0493a98f2508fa37e049184d93d20296093f5577814bd"
RECORD = Record(
    1, "d" * 32, 1, "p1", 7, (1_760_000_000_000, 3), "2025-10-09T10:53:20.000+02:00", "p1", "7f3a", "note",
    "7f3a#7", ("ab" * 32,), BODY, SALT, BODY_SHA, ID,
)  # fmt: skip

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec=None)), inner),
    max_leaves=20,
)


def test_vector_of_a_body() -> None:
    assert canonical(BODY) == BODY_TEXT.encode()
    assert body_sha(BODY, SALT) == BODY_SHA


def test_vector_of_a_record() -> None:
    assert record_id(record_json(RECORD)) == ID


def test_a_redaction_keeps_the_id() -> None:
    bare = replace(RECORD, body=None, salt=None)
    assert record_id(record_json(bare)) == ID
    assert parse_record(json.loads(record_line(bare))) == bare


def test_lone_surrogates_and_numbers_that_json_lacks() -> None:
    assert plain({"a\ud800": ["\udfff", float("nan"), float("-inf"), (1,)]}) == {
        "a\ufffd": ["\ufffd", None, None, [1]]
    }


@given(values)
def test_plain_values_have_one_form_and_come_back(value: object) -> None:
    made = plain(value)
    text = canonical(made)
    assert b"\n" not in text
    assert json.loads(text) == made
    assert canonical(json.loads(text)) == text
    assert plain(made) == made


@given(st.dictionaries(st.text(), st.integers(), min_size=2))
def test_the_order_of_keys_does_not_matter(value: dict[str, int]) -> None:
    assert canonical(dict(reversed(value.items()))) == canonical(value)


@pytest.mark.parametrize("value", [b"bytes", {"x": object()}, {1, 2}])
def test_what_json_lacks_is_refused(value: object) -> None:
    with pytest.raises(JournalError, match="cannot hold"):
        plain(value)


def test_deep_and_endless_values_are_refused() -> None:
    deep: list[object] = []
    deep.append(deep)
    with pytest.raises(JournalError, match="deeper"):
        plain(deep)
    with pytest.raises(JournalError, match="number"):
        canonical(10**5000)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seq", 8), ("seq", True), ("ts", [1]), ("ts", None), ("parents", "x"), ("parents", [1]),
        ("kind", "x"), ("v", 2), ("body", {"text": "other"}), ("body", None), ("salt", None), ("salt", 5),
        ("dev", 1), ("wall", "later"), ("id", "0" * 64),
    ],
)  # fmt: skip
def test_a_changed_record_is_not_read(field: str, value: object) -> None:
    assert parse_record(record_json(RECORD)) == RECORD
    with pytest.raises(ValueError, match=r"record|number|text|version|belong|match"):
        parse_record({**record_json(RECORD), field: value})


@given(values)
def test_anything_else_is_not_read(value: object) -> None:
    with pytest.raises(ValueError, match="fields"):
        parse_record(value)


# Texts that look like the pieces by which a line is taken apart.
sly = st.sampled_from(
    [
        "",
        '","body_sha":"',
        '"id":"',
        f'"id":"{ID}",',
        f'"salt":"{SALT}",',
        '"salt":null,',
        "\\",
        '\\"',
        "Größe",
        SALT,
        "0",
    ]
)


@given(
    body=st.none() | st.dictionaries(sly | st.just("body_sha"), sly | st.lists(sly), max_size=3),
    salt=sly,
    texts=st.tuples(sly, sly, sly),
    parents=st.lists(sly, max_size=2),
    broken=st.sampled_from(["", "id", "body_sha", "entity", "salt"]),
    value=sly,
)
def test_a_line_is_read_as_its_fields_are(
    body: dict[str, object] | None,
    salt: str,
    texts: tuple[str, str, str],
    parents: list[str],
    broken: str,
    value: str,
) -> None:
    made = replace(
        RECORD, body=body, salt=salt if body is not None else None, parents=tuple(parents),
        entity=texts[0], session=texts[1], wall=texts[2], body_sha=body_sha(body or {}, salt),
    )  # fmt: skip
    fields = record_json(made)
    fields["id"] = record_id(fields)
    if broken:
        fields[broken] = value
    line = canonical(fields)
    try:
        wanted: object = parse_record(fields)
    except ValueError as error:
        wanted = str(error)
    try:
        found: object = parse_canonical(line, fields)
    except ValueError as error:
        found = str(error)
    assert found == wanted
    if isinstance(found, Record) and body is not None:
        assert body_bytes(line) == canonical(body)
