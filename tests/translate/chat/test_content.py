import base64

import pytest

from chat_requests import assistant, call, planned, receipts, refused, result, system, user

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(9)).decode()
PDF = base64.b64encode(b"%PDF-1.7 ").decode()
LENIENT = {"settings": {"compat": "lenient"}}
MARKER = {"type": "ephemeral"}


def text(content, **more):
    return {"type": "text", "text": content, **more}


def image_url(url, **more):
    return {"type": "image_url", "image_url": {"url": url, **more}}


def file(**fields):
    return {"type": "file", "file": fields}


def blocks(*parts, **more):
    return planned(messages=[user(list(parts))], **more)["messages"][0]["content"]


def notes(*parts, **more):
    return receipts(messages=[user(list(parts))], **more)


def refusal(*parts, **more):
    return refused(messages=[user(list(parts))], **more)


@pytest.mark.parametrize(
    ("content", "made"),
    [
        ("Hi", [text("Hi")]),
        (" Hi \n", [text(" Hi \n")]),
        ([text("a"), text("b")], [text("a"), text("b")]),
        (["a", text("b")], [text("a"), text("b")]),
        ([text(" "), text("real")], [text("real")]),
        ([{"text": "a"}], [text("a")]),
        ([{"type": "input_text", "text": "a"}], [text("a")]),
    ],
)
def test_text_becomes_text_blocks_without_blank_ones(content, made):
    assert planned(messages=[user(content)])["messages"] == [{"role": "user", "content": made}]


def test_an_images_data_becomes_a_base64_source():
    source = {"type": "base64", "media_type": "image/png", "data": PNG}
    assert blocks(image_url(f"data:image/png;base64,{PNG}")) == [
        {"type": "image", "source": source}
    ]


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image", "source": {"type": "url", "url": "https://e.x"}},
        {
            "type": "document",
            "source": {"type": "url", "url": "https://e.x"},
            "citations": {"enabled": True},
        },
        {"type": "search_result", "source": "s", "title": "t", "content": [text("a")]},
        {"type": "container_upload", "file_id": "f"},
    ],
)
def test_anthropics_own_blocks_pass_as_they_are(part):
    assert blocks(part) == [part]


def test_openais_own_marks_are_taken_off_native_blocks():
    source = {"type": "url", "url": "https://e.x"}
    marked = {"index": 0, "prompt_cache_breakpoint": {"mode": "explicit"}}
    [block] = blocks({"type": "image", "source": source, **marked})
    assert block == {"type": "image", "source": source, "cache_control": MARKER}


@pytest.mark.parametrize(
    "part", [text("a"), image_url("https://e.x"), file(file_id="f")], ids=["text", "image", "file"]
)
def test_a_breakpoint_on_a_part_stands_on_its_block(part):
    assert blocks({**part, "cache_control": MARKER})[0]["cache_control"] == MARKER


def test_a_breakpoint_on_a_blank_part_falls_away():
    assert blocks(text("a"), text("", cache_control=MARKER)) == [text("a")]


@pytest.mark.parametrize("content", ["long", [text("first"), text("long")]])
def test_a_breakpoint_on_a_message_stands_on_its_last_block(content):
    made = planned(messages=[user(content, cache_control=MARKER)])["messages"][0]
    assert made.keys() == {"role", "content"}
    assert made["content"][-1] == text("long", cache_control=MARKER)


def test_a_breakpoint_is_never_put_on_thinking():
    thinking = {"type": "thinking", "thinking": "t", "signature": "s"}
    message = assistant("a", thinking_blocks=[thinking], cache_control=MARKER)
    body = planned(messages=[user(), message, user()])
    assert body["messages"][1]["content"] == [thinking, text("a", cache_control=MARKER)]


def test_a_message_of_thinking_alone_takes_no_breakpoint():
    thinking = {"type": "thinking", "thinking": "t", "signature": "s"}
    message = assistant("", thinking_blocks=[thinking], cache_control=MARKER)
    made = planned(messages=[user(), message, assistant("a"), user()])["messages"][1]["content"]
    assert made == [thinking, text("a")]


CITED = text("a", citations=[{"type": "char_location"}])


def test_citations_stay_on_the_assistants_text():
    body = planned(messages=[user(), assistant([CITED]), user()])
    assert body["messages"][1]["content"] == [CITED]


@pytest.mark.parametrize(
    "messages",
    [
        [user([CITED])],
        [system([CITED]), user()],
        [user(), assistant(None, call()), result(content=[CITED])],
    ],
)
def test_citations_are_taken_off_other_text_with_a_receipt(messages):
    assert "citations" not in str(planned(messages=messages))
    assert receipts(messages=messages) == [("messages[].content[].citations", "dropped")]


OURS = [
    text("a"),
    {"type": "output_text", "text": "a", "annotations": [{"type": "url_citation"}]},
    {"type": "refusal", "refusal": "a", "index": 0},
    text("a", citations=None),
    text("a", citations=[]),
]


@pytest.mark.parametrize("part", OURS)
def test_what_answers_carry_leaves_no_receipt(part):
    assert receipts(messages=[user(), assistant([part]), user()]) == []


@pytest.mark.parametrize(
    ("part", "param"),
    [
        (text("a", id="msg_1"), "messages[].content[].id"),
        (image_url("https://e.x") | {"alt": "cat"}, "messages[].content[].alt"),
        (file(file_id="f") | {"citations": {"enabled": True}}, "messages[].content[].citations"),
    ],
)
def test_a_field_that_nobody_reads_leaves_a_receipt(part, param):
    assert notes(part) == [(param, "dropped")]
    assert refusal(part, settings={"compat": "strict"}).param == param.replace("[]", "[0]")


@pytest.mark.parametrize(
    "part",
    [
        {"type": "hologram"},
        {"type": "refusal", "refusal": "no"},
        image_url("data:image/svg+xml;base64,PHN2Zy8+"),
        file(file_data="UEsDBA==", filename="a.docx"),
    ],
)
def test_lenient_leaves_out_what_claude_does_not_take(part):
    assert blocks(text("a"), part, **LENIENT) == [text("a")]
    [(param, action)] = notes(text("a"), part, **LENIENT)
    assert param.startswith("messages[0].content[1].")
    assert action == "dropped"


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"type": "input_audio", "input_audio": {"data": "x", "format": "wav"}}, "audio"),
        ({"type": "video_url", "video_url": {"url": "https://e.x"}}, "video"),
    ],
)
def test_sound_and_film_are_refused_and_in_lenient_left_out(part, words):
    caught = refusal(text("a"), part)
    assert (caught.param, caught.code) == ("messages[0].content[1]", "unsupported_value")
    assert words in caught.message
    assert blocks(text("a"), part, **LENIENT) == [text("a")]
    assert notes(text("a"), part, **LENIENT) == [("messages[0].content[1]", "dropped")]


@pytest.mark.parametrize(
    ("part", "where"),
    [
        (5, ""),
        ({}, ".type"),
        ({"type": "hologram"}, ".type"),
        ({"type": ["text"]}, ".type"),
        ({"type": "refusal", "refusal": "no"}, ".type"),
        ({"type": "text"}, ".text"),
        ({"type": "text", "text": 5}, ".text"),
    ],
)
def test_a_malformed_part_is_refused_with_its_place(part, where):
    assert refusal(text("a"), part).param == f"messages[0].content[1]{where}"


@pytest.mark.parametrize(
    ("message", "place"),
    [
        (system([image_url("https://e.x")]), "system messages"),
        (assistant([image_url("https://e.x")]), "assistant messages"),
        (user([{"type": "thinking", "thinking": "t", "signature": "s"}]), "user messages"),
    ],
)
def test_a_part_in_the_wrong_place_is_refused(message, place):
    assert place in refused(messages=[message, user()]).message


@pytest.mark.parametrize(
    "content",
    [5, None, {"type": "text", "text": "a"}, True],
    ids=["number", "null", "part", "bool"],
)
@pytest.mark.parametrize("role", ["user", "system", "developer"])
def test_content_must_be_text_or_parts(role, content):
    caught = refused(messages=[{"role": role, "content": content}])
    assert caught.param == "messages[0].content"
    assert "a string or an array of parts" in caught.message
