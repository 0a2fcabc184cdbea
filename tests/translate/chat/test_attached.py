import base64

import pytest

from chat_requests import FOREIGN, OLD, assistant, call, planned, receipts, refused, result, user

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(9)).decode()
JPEG = base64.b64encode(b"\xff\xd8\xff\xe0" + bytes(9)).decode()
PDF = base64.b64encode(b"%PDF-1.7 ").decode()
STRICT = {"settings": {"compat": "strict"}}
LENIENT = {"settings": {"compat": "lenient"}}
ELSEWHERE = {"settings": {"official": False}}
WIDE = base64.b64encode(
    b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR" + (9000).to_bytes(4, "big") + bytes(40)
).decode()


def image_url(url, **more):
    return {"type": "image_url", "image_url": {"url": url, **more}}


def image(**source):
    return {"type": "image", "source": source}


def document(title="", **source):
    return {"type": "document", "source": source} | ({"title": title} if title else {})


def file(**fields):
    return {"type": "file", "file": fields}


def blocks(*parts, **more):
    return planned(messages=[user(list(parts))], **more)["messages"][0]["content"]


def notes(*parts, **more):
    return receipts(messages=[user(list(parts))], **more)


def refusal(*parts, **more):
    return refused(messages=[user(list(parts))], **more)


# Images


@pytest.mark.parametrize("url", ["https://e.x/a.png", "HTTPS://e.x"])
def test_an_images_url_is_passed_on(url):
    assert blocks(image_url(url)) == [image(type="url", url=url)]


def test_white_space_around_a_url_is_no_part_of_it():
    assert blocks(image_url(" https://e.x/a.png\n")) == [image(type="url", url="https://e.x/a.png")]


@pytest.mark.parametrize("url", ["http://e.x/a.png", "http://169.254.169.254/latest"])
def test_a_url_that_anthropic_would_not_fetch_is_refused(url):
    caught = refusal(image_url(url))
    assert (caught.param, caught.code) == (
        "messages[0].content[0].image_url.url",
        "invalid_image_url",
    )
    assert blocks(image_url(url), **ELSEWHERE) == [image(type="url", url=url)]


def test_an_image_may_be_a_plain_string():
    part = {"type": "image_url", "image_url": "https://e.x/a.png"}
    assert blocks(part) == [image(type="url", url="https://e.x/a.png")]


@pytest.mark.parametrize("part", [image_url("file_011"), {"type": "image_url"}], ids=["url", "own"])
def test_an_image_may_be_a_file_id(part):
    part = {"image_url": {"file_id": "file_011"}, **part}
    assert blocks(part) == [image(type="file", file_id="file_011")]


@pytest.mark.parametrize("detail", [None, "auto", "high"])
def test_claude_looks_as_closely_as_it_can(detail):
    assert notes(image_url("https://e.x", detail=detail), **STRICT) == []


@pytest.mark.parametrize("detail", ["low", "original"])
def test_another_detail_is_dropped_with_a_receipt(detail):
    part = image_url("https://e.x", detail=detail)
    assert notes(part) == [("messages[].content[].image_url.detail", "dropped")]
    assert refusal(part, **STRICT).param == "messages[0].content[0].image_url.detail"


def test_a_wrongly_declared_image_leaves_a_receipt():
    part = image_url(f"data:image/png;base64,{JPEG}")
    assert blocks(part) == [image(type="base64", media_type="image/jpeg", data=JPEG)]
    assert notes(part) == [("messages[].content[].image_url.url", "adapted")]
    assert refusal(part, **STRICT).param == "messages[0].content[0].image_url.url"


def test_an_image_too_large_for_any_claude_is_refused_before_it_is_sent():
    part = image_url(f"data:image/png;base64,{WIDE}")
    for model in (OLD, "claude-zeta-9"):
        assert refusal(part, model=model).code == "image_too_large"
    assert blocks(part, model=FOREIGN)[0]["source"]["data"] == WIDE


@pytest.mark.parametrize(
    ("part", "where"),
    [
        ({"type": "image_url"}, ""),
        ({"type": "image_url", "image_url": {}}, ".url"),
        (image_url("ftp://e.x"), ".url"),
        (image_url(""), ".url"),
        (image_url("/home/me/cat.png"), ".url"),
        (image_url("data:image/svg+xml;base64,PHN2Zy8+"), ".url"),
        (image_url("https://e.x", detail="ultra"), ".detail"),
        ({"type": "image_url", "image_url": {"file_id": ""}}, ".file_id"),
        ({"type": "image_url", "image_url": {"file_id": 5}}, ".file_id"),
    ],
)
def test_a_malformed_image_is_refused_with_its_place(part, where):
    assert refusal(part).param == f"messages[0].content[0].image_url{where}"


# Files


def test_a_file_becomes_a_document_with_its_title():
    made = document("a.pdf", type="base64", media_type="application/pdf", data=PDF)
    given = file(filename="a.pdf", file_data=f"data:application/pdf;base64,{PDF}")
    assert blocks(given) == [made]
    assert notes(given, **STRICT) == []


def test_a_file_that_is_an_image_becomes_one():
    [block] = blocks(file(filename="a.png", file_data=PNG))
    assert block == image(type="base64", media_type="image/png", data=PNG)
    wrong = file(file_data=f"data:image/png;base64,{JPEG}")
    assert notes(wrong) == [("messages[].content[].file.file_data", "adapted")]


@pytest.mark.parametrize("title", ["", "a.pdf"])
def test_a_file_id_becomes_a_file_source(title):
    given = file(file_id="file_1", **({"filename": title} if title else {}))
    assert blocks(given) == [document(title, type="file", file_id="file_1")]


@pytest.mark.parametrize("told", [{"filename": "a.PNG"}, {"format": "image/png"}])
def test_a_file_id_of_an_image_is_one_where_the_caller_says_so(told):
    assert blocks(file(file_id="file_1", **told)) == [image(type="file", file_id="file_1")]


@pytest.mark.parametrize("field", ["file_url", "file_data", "file_id"])
def test_a_document_may_lie_at_an_address(field):
    made = document("a.pdf", type="url", url="https://e.x/a.pdf")
    assert blocks(file(filename="a.pdf", **{field: "https://e.x/a.pdf"})) == [made]


def test_the_type_of_bare_data_may_be_told_beside_it():
    data = base64.b64encode(b"{}").decode()
    assert blocks(file(file_data=data, format="application/json"))[0]["source"]["data"] == "{}"


@pytest.mark.parametrize("enabled", [True, False])
def test_citations_can_be_asked_for(enabled):
    [block] = blocks(file(file_id="file_1", citations=enabled))
    assert block["citations"] == {"enabled": enabled}


def test_an_image_has_nothing_to_cite():
    assert "citations" not in blocks(file(file_data=PNG, citations=True))[0]


def test_of_two_sources_the_second_leaves_a_receipt():
    given = file(file_id="file_1", file_data=PDF)
    assert blocks(given) == [document(type="file", file_id="file_1")]
    assert notes(given) == [("messages[].content[].file.file_data", "dropped")]


def test_a_file_may_stand_in_a_tools_result():
    messages = [user(), assistant(None, call()), result(content=[file(file_id="file_1")])]
    [block] = planned(messages=messages)["messages"][2]["content"]
    assert block["content"] == [document(type="file", file_id="file_1")]


@pytest.mark.parametrize(
    ("part", "where"),
    [
        ({"type": "file"}, ""),
        (file(filename="a"), ""),
        (file(filename=5), ".filename"),
        (file(format=5, file_id="f"), ".format"),
        (file(file_id=5), ".file_id"),
        (file(file_id=""), ".file_id"),
        (file(file_data=5), ".file_data"),
        (file(file_data="UEsDBA==", filename="a.docx"), ".file_data"),
        (file(file_url="ftp://e.x"), ".file_url"),
        (file(file_url="http://e.x/a.pdf"), ".file_url"),
        (file(file_id="f", citations="yes"), ".citations"),
    ],
)
def test_a_malformed_file_is_refused_with_its_place(part, where):
    assert refusal(part).param == f"messages[0].content[0].file{where}"
