import base64
import struct

import pytest

from claif_cla.errors import Refusal, Unsendable
from claif_cla.translate.chat.media import (
    MAX_IMAGE_BASE64,
    MAX_PIXELS,
    Media,
    check_size,
    document_block,
    image_block,
    parse_data_url,
    parse_file_data,
    type_of_name,
)


def b64(data):
    return base64.b64encode(data).decode()


PNG, JPEG = b"\x89PNG\r\n\x1a\n" + bytes(60), b"\xff\xd8\xff\xe0" + bytes(60)
GIF, WEBP = b"GIF89a" + bytes(60), b"RIFF\x00\x00\x00\x00WEBPVP8 " + bytes(60)
LATIN = "hé".encode("latin-1")
PDF = b"%PDF-1.7\n" + bytes(60)


def image(url):
    block, note = image_block(parse_data_url(url, "p"), "p")
    return block["source"], note


def document(data, filename=""):
    return document_block(parse_file_data(data, filename, "p"), filename, "p")


def refusal_of(function, *arguments):
    with pytest.raises(Refusal) as caught:
        function(*arguments)
    assert caught.value.param == "p"
    return caught.value


@pytest.mark.parametrize(
    ("kind", "data"),
    [("png", PNG), ("jpeg", JPEG), ("gif", GIF), ("gif", b"GIF87a" + bytes(9)), ("webp", WEBP)],
)
def test_an_image_keeps_its_type_and_bytes(kind, data):
    source = {"type": "base64", "media_type": f"image/{kind}", "data": b64(data)}
    assert image(f"data:image/{kind};base64,{b64(data)}") == (source, None)


@pytest.mark.parametrize(
    ("declared", "data", "real"),
    [
        ("image/jpg", JPEG, "image/jpeg"),
        ("IMAGE/PNG", PNG, "image/png"),
        ("image/x-png", PNG, "image/png"),
    ],
)
def test_other_spellings_of_a_type_are_no_adaptation(declared, data, real):
    source, note = image(f"data:{declared};base64,{b64(data)}")
    assert (source["media_type"], note) == (real, None)


def test_the_bytes_own_type_wins_with_a_note():
    source, note = image(f"data:image/png;base64,{b64(JPEG)}")
    assert source["media_type"] == "image/jpeg"
    assert "image/png" in note
    assert "image/jpeg" in note


def test_bytes_of_no_known_type_keep_the_declared_one():
    source, note = image(f"data:image/png;base64,{b64(b'something else')}")
    assert (source["media_type"], note) == ("image/png", None)


def test_a_missing_type_is_seen_in_the_bytes():
    assert image(f"data:;base64,{b64(PNG)}")[0]["media_type"] == "image/png"


@pytest.mark.parametrize(
    "kind", ["image/svg+xml", "image/bmp", "image/x-icon", "image/heic", "application/pdf", ""]
)
def test_other_types_are_refused_by_name(kind):
    refusal = refusal_of(image, f"data:{kind};base64,{b64(b'BM something')}")
    assert refusal.code == "invalid_image_format"
    assert (kind or "unknown") in refusal.message


@pytest.mark.parametrize(
    ("data", "real"),
    [
        (b"\0\0\0\x18ftypheic" + bytes(40), "image/heic"),
        (b"\0\0\0\x18ftypmif1" + bytes(40), "image/heic"),
        (b"\0\0\0\x18ftypavif" + bytes(40), "image/avif"),
        (b"\0\0\0\x18ftypisom" + bytes(40), "video/mp4"),
        (b"II*\0" + bytes(40), "image/tiff"),
        (b"MM\0*" + bytes(40), "image/tiff"),
        (b"BM\x36\0\0\0" + bytes(40), "image/bmp"),
    ],
)
def test_a_photograph_under_a_false_name_is_refused_by_its_own(data, real):
    refusal = refusal_of(image, f"data:image/jpeg;base64,{b64(data)}")
    assert real in refusal.message
    assert isinstance(refusal, Unsendable)


@pytest.mark.parametrize("given", ["application/octet-stream", "image/png; charset=utf-8"])
def test_a_type_that_says_nothing_is_no_wrong_one(given):
    source, note = image(f"data:{given};base64,{b64(PNG)}")
    assert (source["media_type"], note) == ("image/png", None)


def test_a_pdf_is_no_image_whatever_it_says():
    assert "application/pdf" in refusal_of(image, f"data:image/png;base64,{b64(PDF)}").message


@pytest.mark.parametrize(
    "data", ["!!!", "abcde", "ü", "\ud800", "ab=c", "=", b64(PNG) + "!!!", b64(PNG)[:-4] + "=A=="]
)
def test_what_is_no_base64_is_refused(data):
    assert refusal_of(image, f"data:image/png;base64,{data}").code == "invalid_base64"


LARGE = b64(PNG + bytes(range(256)) * 800)


def test_large_data_travels_as_it_came():
    assert image(f"data:image/png;base64,{LARGE}")[0]["data"] == LARGE


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (LARGE.replace("+", "-").replace("/", "_"), LARGE),
        (f"{LARGE[:150_000]}\r\n{LARGE[150_000:]}", LARGE),
        (LARGE.rstrip("="), LARGE),
    ],
    ids=["another alphabet", "lines", "no padding"],
)
def test_large_data_is_mended_like_any_other(given, sent):
    assert image(f"data:image/png;base64,{given}")[0]["data"] == sent


@pytest.mark.parametrize("at", [0, 1, -1])
def test_large_data_that_begins_or_ends_wrongly_is_refused(at):
    data = LARGE.rstrip("=")[: 4 * 60_000]
    wrong = f"{data[:at]}!{data[at:][1:]}" if at >= 0 else f"{data[:-1]}!"
    assert refusal_of(image, f"data:image/png;base64,{wrong}").code == "invalid_base64"


@pytest.mark.parametrize("url", ["data:image/png;base64,", "data:image/png;base64, \n", "data:,"])
def test_no_data_is_refused(url):
    assert "no data" in refusal_of(image, url).message


def test_a_data_url_needs_a_comma():
    assert "comma" in refusal_of(image, "data:image/png;base64").message


def test_white_space_in_base64_is_left_out():
    data = b64(PNG)
    assert image(f"data:image/png;base64,{data[:10]}\n {data[10:]}")[0]["data"] == data


@pytest.mark.parametrize("ending", ["", "=", "=="])
def test_padding_is_made_right(ending):
    data = b64(PNG).rstrip("=")
    assert len(data) % 4 == 3
    assert image(f"data:image/png;base64,{data}{ending}")[0]["data"] == b64(PNG)


def test_the_alphabet_for_urls_becomes_the_common_one():
    raw = PNG + b"\xff\xef\xfb\xff"
    data = base64.urlsafe_b64encode(raw).decode()
    assert data != b64(raw)
    assert image(f"data:image/png;base64,{data}")[0]["data"] == b64(raw)


def test_valid_data_is_passed_on_without_a_copy():
    data = b64(PNG)
    assert parse_file_data(data, "", "p").data is data


def test_percent_encoded_base64_is_unquoted():
    data = b64(PNG)
    quoted = data.replace("/", "%2F").replace("+", "%2B").replace("=", "%3D")
    assert quoted != data
    assert image(f"data:image/png;base64,{quoted}")[0]["data"] == data


def test_a_percent_encoded_data_url_is_encoded_anew():
    assert document("data:text/plain,caf%C3%A9")["source"]["data"] == "café"


def test_a_lone_surrogate_in_a_data_url_is_refused():
    assert refusal_of(document, "data:text/plain,\ud800").code == "unsupported_file"


@pytest.mark.parametrize(
    ("data", "filename"),
    [
        (f"data:application/pdf;base64,{b64(PDF)}", ""),
        (b64(PDF), ""),
        (b64(PDF), "a.pdf"),
        (b64(PDF), "a.txt"),
        (b64(b"no magic"), "a.PDF"),
        (f"DATA:application/pdf;base64,{b64(PDF)}", ""),
    ],
)
def test_a_pdf_is_a_document_in_base64(data, filename):
    block = document(data, filename)
    assert block["type"] == "document"
    assert block["source"]["media_type"] == "application/pdf"
    assert block["source"]["type"] == "base64"
    assert block.get("title", "") == filename


@pytest.mark.parametrize(
    ("data", "filename"),
    [
        (f"data:text/markdown;base64,{b64(b'hello')}", ""),
        (f"data:application/json;base64,{b64(b'hello')}", ""),
        (b64(b"hello"), ""),
        (b64(b"hello"), "a.md"),
        (b64(b"\xef\xbb\xbfhello"), "a.csv"),
        (b64("hello".encode("utf-16")), "a.txt"),
        (f"data:text/plain;charset=UTF-16LE;base64,{b64('hello'.encode('utf-16-le'))}", ""),
        (f"data:text/plain;charset=utf-8;base64,{b64(b'hello')}", ""),
        (f"data:application/ld+json;base64,{b64(b'hello')}", ""),
        (f"data:application/x-sh;base64,{b64(b'hello')}", ""),
        (f"data:application/octet-stream;base64,{b64(b'hello')}", "a.bin"),
    ],
)
def test_text_is_a_document_in_text(data, filename):
    source = {"type": "text", "media_type": "text/plain", "data": "hello"}
    assert document(data, filename)["source"] == source


@pytest.mark.parametrize(
    ("data", "filename", "code"),
    [
        ("data:application/zip;base64,UEsDBA==", "a.docx", "unsupported_file"),
        (b64(b"\xff\xfe\x00"), "a.txt", "unsupported_file"),
        (b64(b"\xff\xfe\x00"), "", "unsupported_file"),
        (b64(b"a\0b"), "a.txt", "unsupported_file"),
        (f"data:text/plain;charset=klingon;base64,{b64(b'hello')}", "", "unsupported_file"),
        (f"data:text/plain;charset=ascii;base64,{b64(LATIN)}", "", "unsupported_file"),
        (f"data:application/rtf;base64,{b64(b'{rtf1}')}", "a.rtf", "unsupported_file"),
        (b64(b" \n"), "a.txt", "invalid_value"),
        ("!!!", "a.txt", "invalid_base64"),
        ("", "a.txt", "invalid_value"),
    ],
)
def test_other_files_are_refused(data, filename, code):
    assert refusal_of(document, data, filename).code == code


def test_a_refusal_names_the_type_that_the_caller_gave():
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    assert kind in refusal_of(document, f"data:{kind};base64,UEsDBA==").message


def test_a_declared_charset_is_read():
    url = f"data:text/plain;charset=ISO-8859-1;base64,{b64(LATIN)}"
    assert document(url)["source"]["data"] == "hé"


def sized(width, height):
    head = PNG[:8] + struct.pack(">I", 13) + b"IHDR" + struct.pack(">II", width, height)
    return Media("image/png", b64(head + bytes(40)))


@pytest.mark.parametrize("size", [(MAX_PIXELS + 1, 1), (1, MAX_PIXELS + 1)])
def test_an_image_of_too_many_pixels_is_refused_by_its_size(size):
    refusal = refusal_of(check_size, sized(*size), "p")
    assert refusal.code == "image_too_large"
    assert f"{size[0]} x {size[1]} pixels" in refusal.message


def test_an_image_of_too_many_bytes_is_refused():
    refusal = refusal_of(check_size, Media("", "A" * (MAX_IMAGE_BASE64 + 4)), "p")
    assert refusal.code == "image_too_large"
    assert "10,485,764 bytes" in refusal.message


@pytest.mark.parametrize(
    "media", [sized(MAX_PIXELS, MAX_PIXELS), Media("", "A" * MAX_IMAGE_BASE64)]
)
def test_an_image_at_the_limit_is_not_refused(media):
    assert check_size(media, "p") is None


@pytest.mark.parametrize(
    ("filename", "kind"),
    [("a.JPG", "image/jpeg"), ("a.b.webp", "image/webp"), ("notes.md", "text/plain"), ("a", "")],
)
def test_a_name_tells_a_type_by_its_ending(filename, kind):
    assert type_of_name(filename) == kind


@pytest.mark.parametrize(("filename", "kind"), [("a.png", "image/png"), ("a.gif", "image/gif")])
def test_the_name_tells_an_images_type_where_the_bytes_do_not(filename, kind):
    assert parse_file_data(b64(b"something"), filename, "p").declared == kind
