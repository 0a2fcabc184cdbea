from __future__ import annotations

import pytest

from claif_cla.errors import MalformedAnswer
from claif_cla.translate.chat.response import annotation, completion, joint, refusal_text
from random_messages import LEGACY, TOOLS

USE = {"type": "tool_use", "id": "toolu_1", "name": "plain", "input": {"a": 1}}
SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
THOUGHT = {"type": "thinking", "thinking": "x \n", "signature": "S"}
HIDDEN = {"type": "thinking", "thinking": "", "signature": "S2"}
REDACTED = {"type": "redacted_thinking", "data": "XYZ"}


def text(value, *citations):
    return {"type": "text", "text": value, "citations": list(citations) or None}


def web(url, title="T"):
    return {"type": "web_search_result_location", "url": url, "title": title}


def answer(*blocks, tools=TOOLS, **more):
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-5-5",
        "content": list(blocks),
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 1, "output_tokens": 2},
        **more,
    }
    return completion(message, tools, 7)


def choice_of(*blocks, **more):
    return answer(*blocks, **more)["choices"][0]


def said(*blocks, **more):
    return choice_of(*blocks, **more)["message"]


def test_an_answer_has_openais_frame():
    whole = answer(text("hi"))
    assert whole["id"] == "chatcmpl-msg_1"
    assert (whole["object"], whole["created"]) == ("chat.completion", 7)
    assert whole["model"] == "claude-opus-5-5"
    assert whole["system_fingerprint"] is None
    assert whole["usage"]["total_tokens"] == 3
    assert "service_tier" not in whole
    assert len(whole["choices"]) == 1


def test_the_service_tier_is_told_where_it_is_known():
    assert answer(usage={"service_tier": "standard"})["service_tier"] == "default"


@pytest.mark.parametrize(
    ("blocks", "content"),
    [
        ([], ""),
        ([text("")], ""),
        ([text("a"), text("b")], "ab"),
        ([text("a"), SEARCH, text("b")], "a\n\nb"),
        ([text("a "), SEARCH, text("b")], "a b"),
        ([text("a"), SEARCH, text("\nb")], "a\nb"),
        ([text("a"), SEARCH, text(""), SEARCH, text("b"), text("c")], "a\n\nbc"),
        ([SEARCH, text("a")], "a"),
        ([{"type": "compaction", "content": "c"}, text("ok")], "ok"),
        ([{"type": "text", "text": None}, text("ok")], "ok"),
        ([USE], None),
        ([text("t"), USE], "t"),
        ([REDACTED, text("ok")], "ok"),
    ],
)
def test_content_is_all_text(blocks, content):
    assert said(*blocks)["content"] == content


def test_calls_are_listed_in_order_and_left_out_when_there_are_none():
    calls = said(USE, text("t"), {**USE, "id": "toolu_2"})["tool_calls"]
    assert [call["id"] for call in calls] == ["toolu_1", "toolu_2"]
    assert "tool_calls" not in said(text("t"), SEARCH)


def test_legacy_functions_get_their_first_call():
    choice = choice_of(USE, {**USE, "id": "toolu_2", "input": {}}, tools=LEGACY)
    assert choice["message"]["function_call"] == {"name": "plain", "arguments": '{"a":1}'}
    assert "tool_calls" not in choice["message"]
    assert choice["finish_reason"] == "function_call"


@pytest.mark.parametrize("stop_reason", ["end_turn", "tool_use", None])
def test_calls_finish_with_tool_calls_whatever_upstream_says(stop_reason):
    assert choice_of(USE, stop_reason=stop_reason)["finish_reason"] == "tool_calls"
    assert choice_of(text("t"), stop_reason=stop_reason)["finish_reason"] == "stop"


def test_thinking_is_told_as_text_and_as_signed_blocks():
    message = said(THOUGHT, REDACTED, HIDDEN, {**THOUGHT, "thinking": "y"}, text("ok"))
    assert message["reasoning_content"] == "x \n\n\ny"
    assert message["thinking_blocks"] == [THOUGHT, REDACTED, HIDDEN, {**THOUGHT, "thinking": "y"}]


def test_hidden_thinking_has_blocks_and_no_text():
    message = said(HIDDEN, text("ok"))
    assert message["thinking_blocks"] == [HIDDEN]
    assert "reasoning_content" not in message


def test_an_answer_without_thinking_has_neither():
    assert not {"thinking_blocks", "reasoning_content"} & set(said(text("ok")))


def test_content_blocks_are_the_whole_content_in_order():
    blocks = [THOUGHT, text("a"), SEARCH, {"type": "new", "x": [1]}, USE]
    assert said(*blocks)["content_blocks"] == blocks


def test_the_note_on_a_cut_call_stays_among_us():
    cut = {**USE, "input": {}, "partial_json": '{"a'}
    message = said(cut, stop_reason="max_tokens")
    assert message["content_blocks"] == [{**USE, "input": {}}]
    assert message["tool_calls"][0]["function"]["arguments"] == '{"a'


def test_citations_of_the_web_stand_at_their_text():
    message = said(text("See: "), text("fact", web("https://e.x"), web("http://b.x", None)))
    assert message["annotations"] == [
        {
            "type": "url_citation",
            "url_citation": {"start_index": 5, "end_index": 9, "title": title, "url": url},
        }
        for url, title in (("https://e.x", "T"), ("http://b.x", ""))
    ]


def test_offsets_count_what_stands_between_texts():
    message = said(text("a"), SEARCH, text("fact", web("https://e.x")))
    place = message["annotations"][0]["url_citation"]
    assert message["content"][place["start_index"] : place["end_index"]] == "fact"


def test_a_citation_of_no_text_is_none():
    assert "annotations" not in said(text("", web("https://e.x")))


@pytest.mark.parametrize(
    ("citation", "url"),
    [
        ({"source": "https://e.x/s", "title": "T"}, "https://e.x/s"),
        ({"url": "https://e.x/u", "source": "s"}, "https://e.x/u"),
    ],
)
def test_a_citation_with_an_address_is_a_url_citation(citation, url):
    assert annotation(citation, 0, 1)["url_citation"]["url"] == url


@pytest.mark.parametrize(
    "citation", [{"type": "char_location"}, {"source": "doc.pdf"}, {"url": 7}, None, "https://e.x"]
)
def test_a_citation_without_one_is_none(citation):
    assert annotation(citation, 0, 1) is None


@pytest.mark.parametrize(
    ("before", "after", "between"),
    [("a", "b", "\n\n"), ("a\n", "b", ""), ("a", " b", ""), ("a", "", "\n\n")],
)
def test_texts_are_parted_by_a_blank_line_or_their_own_space(before, after, between):
    assert joint(before, after) == between


def test_a_refusal_finishes_with_content_filter_and_says_so():
    details = {"type": "refusal", "category": "cyber", "explanation": None}
    choice = choice_of(stop_reason="refusal", stop_details=details)
    assert choice["finish_reason"] == "content_filter"
    assert choice["message"]["content"] is None
    assert choice["message"]["refusal"] == "Claude declined to answer (category: cyber)."
    assert choice["stop_details"] == details


def test_a_refusal_in_the_middle_keeps_what_was_said():
    assert said(text("so far"), stop_reason="refusal")["content"] == "so far"


@pytest.mark.parametrize(
    ("details", "refusal"),
    [
        ({"explanation": "Because."}, "Because."),
        ({"explanation": "", "category": "bio"}, "Claude declined to answer (category: bio)."),
        ({"explanation": 7}, "Claude declined to answer."),
        (None, "Claude declined to answer."),
        ("odd", "Claude declined to answer."),
    ],
)
def test_a_refusal_has_a_text(details, refusal):
    assert refusal_text(details) == refusal


def test_the_stop_sequence_is_told():
    choice = choice_of(stop_reason="stop_sequence", stop_sequence="END")
    assert choice["stop_sequence"] == "END"
    assert "stop_sequence" not in choice_of(stop_sequence=None)


@pytest.mark.parametrize(
    "message",
    [
        None,
        [],
        "message",
        {},
        {"type": "error"},
        {"type": "message"},
        {"type": "message", "content": "text"},
        {"type": "message", "content": [None]},
        {"type": "message", "content": [{"type": "text", "text": 5}]},
        {"type": "message", "content": [{"type": "tool_use"}]},
        {"type": "message", "content": [], "usage": [1]},
        {"type": "something", "content": []},
    ],
)
def test_what_is_no_message_is_malformed(message):
    with pytest.raises(MalformedAnswer):
        completion(message, TOOLS, 7)
