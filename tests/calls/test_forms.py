"""A form takes the answers it asked for, names what is wrong, and knows what is missing."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianyan.calls.forms import (
    Form,
    Option,
    Question,
    Refused,
    Said,
    Section,
    accept,
    answer,
    form_hash,
    missing,
    read,
    write,
)
from lianyan.calls.presets import standard_form
from lianyan.core.canonical import canonical
from lianyan.core.words import say

TERMS = {"sectors": {"EDU", "HLT", "MET", "COM"}, "fields": {"02", "04"}}
WORD = Said("词", "word")
MATERIAL = {"title", "aims", "starts", "months", "data_terms", "ip_terms"}


def question(kind, **rules):
    return Question("q", kind, WORD, ["team"], **rules)


def refusal(asked, value):
    with pytest.raises(Refused) as caught:
        answer(asked, value, TERMS)
    for locale in ("zh", "en"):
        assert say(locale, caught.value.code, **caught.value.params)
    return caught.value.code


def part(name):
    found = standard_form().section(name)
    assert found is not None
    return found


def full():
    return {
        "title": "城市内涝实时孪生与公众预警",
        "sectors": ["EDU", "MET"],
        "fields": ["04"],
        "project_type": "key",
        "starts": "2027-03",
        "months": 24,
        "summary": "摘要",
        "aims": "目标",
        "methods": "方法",
        "schedule": "进度",
        "outputs": "成果",
        "data_terms": "数据",
        "ip_terms": "知识产权",
        "human_subjects": "none",
        "personal_data": "none",
    }


def test_the_standard_form_has_its_six_sections_and_material_questions():
    form = standard_form()
    assert [s.id for s in form.sections] == [
        "basics", "aims", "methods", "contributions", "terms", "ethics",
    ]  # fmt: skip
    ids = [q.id for _, q in form.questions()]
    assert len(set(ids)) == len(ids)
    assert set(ids) >= MATERIAL
    assert part("contributions").shows == "contributions"
    assert form.section("nowhere") is None


def test_every_text_of_the_standard_form_is_in_both_languages():
    def texts(node):
        if isinstance(node, dict):
            if set(node) == {"zh", "en"}:
                yield node
            else:
                for child in node.values():
                    yield from texts(child)
        elif isinstance(node, list):
            for child in node:
                yield from texts(child)

    found = list(texts(write(standard_form())))
    assert len(found) > 50
    assert all(t["zh"].strip() and t["en"].strip() for t in found)
    assert all(q.visible_to for _, q in standard_form().questions())


def test_a_stored_form_reads_back_as_the_same_form():
    document = json.loads(json.dumps(write(standard_form())))
    assert read(document) == standard_form()
    assert form_hash(read(document)) == form_hash(standard_form())
    changed = json.loads(json.dumps(document))
    changed["sections"][0]["questions"][0]["limit"] = 41
    assert form_hash(read(changed)) != form_hash(standard_form())
    with pytest.raises(msgspec.ValidationError):
        read({**document, "surprise": 1})


def test_canonical_json_knows_no_order():
    assert canonical({"b": 1, "a": "中"}) == '{"a":"中","b":1}'.encode()


def test_a_complete_proposal_misses_nothing():
    assert missing(standard_form(), full(), TERMS) == []


def test_what_is_missing_is_named_in_the_forms_order():
    gaps = missing(standard_form(), {}, TERMS)
    assert [g.field for g in gaps] == [q.id for _, q in standard_form().questions() if q.required]
    assert {g.code for g in gaps} == {"form.required"}
    assert gaps[0].section == "basics"


@pytest.mark.parametrize("answers", [{"human_subjects": "survey"}, {"personal_data": "sensitive"}])
def test_a_yes_to_ethics_asks_for_the_note(answers):
    gaps = missing(standard_form(), full() | answers, TERMS)
    assert [(g.section, g.field, g.code) for g in gaps] == [
        ("ethics", "ethics_note", "form.required")
    ]
    assert missing(standard_form(), full() | answers | {"ethics_note": "说明"}, TERMS) == []


def test_an_option_that_was_taken_away_is_named_again():
    gaps = missing(standard_form(), full() | {"sectors": ["GONE"]}, TERMS)
    assert [(g.field, g.code) for g in gaps] == [("sectors", "form.not_an_option")]


def test_a_section_is_saved_unfinished_but_never_wrong():
    basics = part("basics")
    stored, errors = accept(basics, {"title": "  题目 ", "summary": " ", "sectors": []}, TERMS)
    assert (stored, errors) == ({"title": "题目", "summary": None, "sectors": None}, [])
    stored, errors = accept(
        basics,
        {"title": "长" * 41, "aims": "x", "months": 5, "sectors": ["EDU"] * 2, "starts": "2027-13"},
        TERMS,
    )
    assert stored == {}
    assert [(e.field, e.code) for e in errors] == [
        ("title", "text.too_long"),
        ("aims", "form.unknown_question"),
        ("months", "form.out_of_range"),
        ("sectors", "form.chosen_twice"),
        ("starts", "form.not_a_month"),
    ]
    assert errors[0].params == {"count": 41, "limit": 40}


def test_c01_the_summary_counts_han_and_not_blanks():
    basics = part("basics")
    han = ("元宇宙协同创新研究" * 50)[:400]
    stored, errors = accept(basics, {"summary": han}, TERMS)
    assert (errors[0].code, errors[0].params) == ("text.too_long", {"count": 400, "limit": 300})
    spaced = "\u3000".join(han[:300])
    stored, errors = accept(basics, {"summary": spaced}, TERMS)
    assert (stored, errors) == ({"summary": spaced}, [])


def test_c57_a_title_is_one_line():
    basics = part("basics")
    _, errors = accept(basics, {"title": "智慧医疗\r\nBcc: x@evil.example"}, TERMS)
    assert [e.code for e in errors] == ["text.line_break_in_line"]


@pytest.mark.parametrize(
    "asked, value, code",
    [
        (question("text"), 3, "form.wrong_type"),
        (question("text"), "a\x00b", "text.nul"),
        (question("choice", options=[Option("a", WORD)]), "b", "form.not_an_option"),
        (question("choice", options=[Option("a", WORD)]), ["a"], "form.wrong_type"),
        (question("many", source="sectors"), "EDU", "form.wrong_type"),
        (question("many", source="sectors"), [["EDU"]], "form.wrong_type"),
        (question("many", source="sectors", max=1), ["EDU", "HLT"], "form.too_many"),
        (question("number"), True, "form.not_a_whole_number"),
        (question("number"), 1.5, "form.not_a_whole_number"),
        (question("number"), "１２", "form.not_a_whole_number"),
        (question("number"), float("nan"), "form.not_a_whole_number"),
        (question("number"), 2**63, "form.out_of_range"),
        (question("number"), -1, "form.out_of_range"),
        (question("number", min=6, max=36), 37, "form.out_of_range"),
        (question("amount"), 1e308, "form.not_a_whole_number"),
        (question("amount"), 2**53, "form.out_of_range"),
        (question("date"), "2027-02-29", "form.not_a_date"),
        (question("date"), "20270228", "form.not_a_date"),
        (question("date"), "2027-W01-1", "form.not_a_date"),
        (question("date"), "0000-01-01", "form.not_a_date"),
        (question("date"), 20270228, "form.not_a_date"),
        (question("month"), "2027-00", "form.not_a_month"),
        (question("month"), "2027-3", "form.not_a_month"),
        (question("month"), "2027W01", "form.not_a_month"),
        (question("table", columns=[question("number")]), [{"x": 1}], "form.wrong_type"),
        (question("table", columns=[question("number")]), [{"q": 1}] * 51, "form.too_many"),
    ],
)  # fmt: skip
def test_a_wrong_answer_is_refused_by_name(asked, value, code):
    assert refusal(asked, value) == code


@pytest.mark.parametrize(
    "asked, value",
    [
        (question("choice", options=[Option("a", WORD)]), "a"),
        (question("number"), 0),
        (question("amount"), 20_000_000),
        (question("date"), "2028-02-29"),
        (question("month"), "9999-12"),
        (question("table", columns=[question("number")]), [{"q": 1}, {"q": None}]),
    ],
)
def test_a_right_answer_is_stored_as_given(asked, value):
    assert answer(asked, value, TERMS) == value


def test_a_wrong_cell_is_named_by_row_and_column():
    table = question("table", columns=[question("number")])
    section = Section("s", WORD, WORD, [table])
    _, errors = accept(section, {"q": [{"q": 1}, {"q": -1}]}, TERMS)
    assert [(e.field, e.code) for e in errors] == [("q.1.q", "form.out_of_range")]


def test_a_table_misses_rows_and_cells():
    cell = question("number", required=True)
    form = Form(WORD, [Section("s", WORD, WORD, [question("table", min=2, columns=[cell])])])
    assert [g.code for g in missing(form, {"q": [{"q": 1}]}, TERMS)] == ["form.too_few"]
    assert [g.code for g in missing(form, {"q": [{"q": 1}, {}]}, TERMS)] == ["form.row_unfinished"]
    assert missing(form, {"q": [{"q": 1}, {"q": 0}]}, TERMS) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(JSON)
def test_no_value_breaks_a_question(value):
    for _, asked in standard_form().questions():
        try:
            stored = answer(asked, value, TERMS)
        except Refused:
            continue
        assert answer(asked, stored, TERMS) == stored
