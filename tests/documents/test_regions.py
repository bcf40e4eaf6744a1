import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from orchestrator.documents import regions
from orchestrator.errors import DocumentError

BEGIN, END = b"<!-- orch:begin", b"<!-- orch:end"
lines = st.binary(max_size=40).filter(lambda data: b"\0" not in data and b"orch:" not in data)
human = st.lists(st.tuples(lines, st.sampled_from([b"\n", b"\r\n", b"", b"\r"])), max_size=8).map(
    lambda parts: b"".join(a + b for a, b in parts)
)
content = st.text(max_size=200).filter(lambda text: "orch:" not in text and "\0" not in text)


def acceptable(data: bytes) -> bool:
    return not data.startswith((b"\xff\xfe", b"\xfe\xff")) and b"<<<<<<<" not in data


@given(human, human, content, content, st.sampled_from([b"", b"\xef\xbb\xbf"]))
@example(b"\xbf", b"", "", "", b"")  # a piece of a byte-order mark is text
def test_human_text_survives_any_regeneration(
    before: bytes, after: bytes, first: str, second: str, bom: bytes
) -> None:
    before = bom + before
    assume(acceptable(before))
    made = regions.regenerate(before, {"summary": first or "x"}).data
    assert made.startswith(before)
    document = made + after
    again = regions.regenerate(document, {"summary": second})
    assert again.edited == ()
    region = regions.parse(again.data)[0]
    assert again.data.startswith(before)
    assert again.data.endswith(after)
    assert again.data[: region.begin] == document[: region.begin]
    assert regions.regenerate(again.data, {"summary": second}).data == again.data


@given(human, content)
def test_one_missing_region_is_added_once(before: bytes, text: str) -> None:
    assume(acceptable(before))
    made = regions.regenerate(before, {"summary": text}).data
    assert regions.regenerate(made, {"summary": text}).data == made
    assert made.count(BEGIN) == made.count(END) == (1 if text else 0)


def test_the_documented_markers_are_understood() -> None:
    data = b"<!-- orch:begin summary -->\n<!-- orch:end -->\nmine"
    made = regions.regenerate(data, {"summary": "new"}).data
    assert made.startswith(b"<!-- orch:begin summary sha=")
    assert made.endswith(b" -->\nnew\n<!-- orch:end -->\nmine")


def test_an_edit_by_hand_is_kept_and_reported() -> None:
    made = regions.regenerate(b"", {"summary": "generated", "other": "one"}).data
    edited = made.replace(b"generated", b"generated, and corrected by Ines")
    merged = regions.regenerate(edited, {"summary": "newer", "other": "two"})
    assert merged.edited == ("summary",)
    assert b"corrected by Ines" in merged.data
    assert b"newer" not in merged.data
    assert b"two" in merged.data


def test_content_without_a_digest_belongs_to_its_writer() -> None:
    data = b"<!-- orch:begin summary -->\nby hand\n<!-- orch:end -->\n"
    merged = regions.regenerate(data, {"summary": "new"})
    assert merged == regions.Merged(data, ("summary",))


def test_line_ends_converted_by_git_are_no_edit() -> None:
    made = regions.regenerate(b"mine\n", {"summary": "a\nb"}).data.replace(b"\n", b"\r\n")
    merged = regions.regenerate(made, {"summary": "c\nd"})
    assert merged.edited == ()
    assert merged.data.count(b"\n") == merged.data.count(b"\r\n")
    assert b"c\r\nd\r\n" in merged.data


@pytest.mark.parametrize(
    "damage",
    [
        b"<!-- orch:begin a -->\ntext",
        b"<!-- orch:end -->\n",
        b"<!-- orch:begin a -->\n<!-- orch:begin b -->\n<!-- orch:end -->\n<!-- orch:end -->\n",
        b"<!-- orch:begin a -->\n<!-- orch:end -->\n<!-- orch:begin a -->\n<!-- orch:end -->\n",
        b"text\n<<<<<<< HEAD\nours\n=======\ntheirs\n>>>>>>> branch\n",
        "\ufeffutf-16".encode("utf-16-le"),
        b"binary\0",
    ],
)
def test_damage_is_refused(damage: bytes) -> None:
    with pytest.raises(DocumentError) as caught:
        regions.regenerate(damage, {"a": "new"})
    assert caught.value.remedy


def test_generated_text_cannot_hold_markers() -> None:
    with pytest.raises(DocumentError):
        regions.regenerate(b"", {"a": "x\n<!-- orch:end -->\nfree"})


def test_merge_takes_regions_and_leaves_the_rest() -> None:
    rendered = "# Title\n\n<!-- orch:begin facts -->\none\n<!-- orch:end -->\n\nhint\n"
    made = regions.merge(None, rendered).data
    assert made.startswith(b"# Title\n\n<!-- orch:begin facts sha=")
    mine = made.replace(b"hint", b"my own words").replace(b"# Title", b"# My title")
    merged = regions.merge(mine, rendered.replace("one", "two")).data
    assert b"my own words" in merged
    assert b"# My title" in merged
    assert b"\ntwo\n" in merged
