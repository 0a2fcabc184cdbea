"""Images, PDFs and texts in messages."""

from __future__ import annotations

import base64
import socket

from conformance.bench import Bench
from conformance.registry import check, expects, refuses
from conformance.samples import PDF, PNG, function, image, user

JPEG = base64.b64encode(b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(40)).decode()
GIF = base64.b64encode(b"GIF89a" + bytes(40)).decode()
WEBP = base64.b64encode(b"RIFF\x24\x00\x00\x00WEBPVP8 " + bytes(40)).decode()
BMP = base64.b64encode(b"BM" + bytes(40)).decode()
SVG = base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg'/>").decode()
ICO = base64.b64encode(b"\x00\x00\x01\x00" + bytes(40)).decode()
HEIC = base64.b64encode(b"\x00\x00\x00\x18ftypheic" + bytes(40)).decode()


def picture(kind: str, data: str) -> list[dict[str, object]]:
    return [user(image(f"data:{kind};base64,{data}"))]


def file(**fields: str) -> list[dict[str, object]]:
    return [user([{"type": "text", "text": "?"}, {"type": "file", "file": fields}])]


for label, declared, kind, data, reports in (
    ("png", "image/png", "image/png", PNG, ()),
    ("jpeg", "image/jpeg", "image/jpeg", JPEG, ()),
    ("gif", "image/gif", "image/gif", GIF, ()),
    ("webp", "image/webp", "image/webp", WEBP, ()),
    ("jpg_is_jpeg", "image/jpg", "image/jpeg", JPEG, (117,)),
    ("upper_case_type", "IMAGE/PNG", "image/png", PNG, (117,)),
    ("wrongly_declared_type_follows_the_bytes", "image/jpeg", "image/png", PNG, ()),
):
    expects(
        f"media.{label}",
        *reports,
        messages=picture(declared, data),
        wire={
            "messages.0.content.1": {
                "type": "image",
                "source": {"type": "base64", "media_type": kind, "data": data},
            }
        },
    )
expects(
    "media.data_url_is_not_wrapped_twice",
    82,
    messages=picture("image/png", PNG),
    tools=[function()],
    wire={"messages.0.content.0.text": "?", "messages.0.content.1.type": "image"},
)
for label, data in {"svg+xml": SVG, "bmp": BMP, "x-icon": ICO, "heic": HEIC}.items():
    refuses(
        f"media.{label}_is_refused_not_relabelled",
        118,
        param="messages[0].content[1]",
        late=False,
        messages=picture(f"image/{label}", data),
    )
for label, raw in {
    "heic": b"\x00\x00\x00\x18ftypheic",
    "avif": b"\x00\x00\x00\x18ftypavif",
    "tiff": b"II*\x00",
}.items():
    refuses(
        f"media.{label}_under_a_false_name_is_refused",
        118,
        param="messages[0].content[1]",
        ours=True,
        messages=picture("image/jpeg", base64.b64encode(raw + bytes(40)).decode()),
    )
WIDE = base64.b64encode(
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR" + (9000).to_bytes(4, "big") + bytes(40)
).decode()
for label, data in {"bytes": PNG + "A" * (10 * 1024 * 1024), "pixels": WIDE}.items():
    refuses(
        f"media.image_of_too_many_{label}_is_refused",
        param="messages[0].content[1]",
        ours=True,
        messages=picture("image/png", data),
    )
refuses(
    "media.more_images_than_the_model_takes_are_refused",
    param="messages",
    ours=True,
    messages=[
        user([{"type": "image_url", "image_url": {"url": "https://images.test/cat.png"}}] * 601)
    ],
)
for label, data in {
    "url_safe_alphabet": base64.urlsafe_b64encode(base64.b64decode(PNG)).decode(),
    "no_padding": PNG.rstrip("="),
    "line_breaks": PNG[:8] + "\r\n" + PNG[8:],
}.items():
    expects(
        f"media.base64_with_{label}_is_made_right",
        messages=picture("image/png", data),
        wire={"messages.0.content.1.source.data": PNG},
        ours=True,
    )
refuses("media.broken_base64_is_refused", param="messages", messages=picture("image/png", "%%%"))
for detail in ("low", "high", "auto"):
    expects(
        f"media.detail_{detail}_is_taken",
        messages=[user(image(f"data:image/png;base64,{PNG}", detail=detail))],
        wire={"messages.0.content.1.source.data": PNG},
        without="messages.0.content.1.detail messages.0.content.1.source.detail",
    )
for label, url in {
    "https": "https://images.test/cat.png",
    "with_a_query": "https://images.test/cat?size=1&x=%20",
}.items():
    expects(
        f"media.url_passes.{label}",
        120,
        messages=[user(image(url))],
        wire={"messages.0.content.1": {"type": "image", "source": {"type": "url", "url": url}}},
    )


@check("media.url_is_never_fetched", 120)
def _(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)  # the name of the parameter is `flag`
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/latest/meta-data"
        try:
            bench.ask([user(image(url))])
        except Exception as error:  # noqa: BLE001  # plain http may be refused
            bench.is_refusal(error)
        try:
            listener.accept()
        except BlockingIOError:
            return
    raise AssertionError("the subject fetched the image itself")


@check("media.file_id_of_an_image_passes")
def _(bench: Bench) -> None:
    bench.ask([user(image("file_011CNha8iCJcU1wXNR6q4V8w"))])
    source = bench.sent("messages.0.content.1.source")
    assert source == {"type": "file", "file_id": "file_011CNha8iCJcU1wXNR6q4V8w"}


PDF_SOURCE = {"type": "base64", "media_type": "application/pdf", "data": PDF}
expects(
    "media.pdf",
    121,
    messages=file(filename="a.pdf", file_data=f"data:application/pdf;base64,{PDF}"),
    wire={"messages.0.content.1.type": "document", "messages.0.content.1.source": PDF_SOURCE},
)
expects(
    "media.pdf_keeps_its_name",
    121,
    messages=file(filename="a.pdf", file_data=f"data:application/pdf;base64,{PDF}"),
    wire={"messages.0.content.1.title": "a.pdf"},
)
expects(
    "media.pdf_in_bare_base64",
    121,
    messages=file(filename="a.pdf", file_data=PDF),
    wire={"messages.0.content.1.source": PDF_SOURCE},
)
expects(
    "media.text_file",
    121,
    messages=file(
        filename="n.txt", file_data=f"data:text/plain;base64,{base64.b64encode(b'noon').decode()}"
    ),
    wire={
        "messages.0.content.1.type": "document",
        "messages.0.content.1.source": {"type": "text", "media_type": "text/plain", "data": "noon"},
    },
)


@check("media.file_id_passes_or_is_refused_clearly", 121)
def _(bench: Bench) -> None:
    try:
        bench.ask(file(file_id="file_011CNha8iCJcU1wXNR6q4V8w"))
    except Exception as error:  # noqa: BLE001  # a clear refusal is right as well
        bench.is_refusal(error)
    else:
        assert b"file_011CNha8iCJcU1wXNR6q4V8w" in bench.requests[-1].body


@check("media.image_in_a_file_part_is_an_image")
def _(bench: Bench) -> None:
    bench.ask(file(filename="a.png", file_data=f"data:image/png;base64,{PNG}"))
    assert bench.blocks("image")[0]["source"]["data"] == PNG
    bench.legal()


expects(
    "media.document_at_an_address",
    ours=True,
    messages=file(filename="a.pdf", file_url="https://files.test/a.pdf"),
    wire={
        "messages.0.content.1": {
            "type": "document",
            "source": {"type": "url", "url": "https://files.test/a.pdf"},
            "title": "a.pdf",
        }
    },
)
ZIP = base64.b64encode(b"PK\x03\x04" + bytes(40)).decode()
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
refuses(
    "media.word_file_is_refused",
    121,
    param="messages[0].content[1]",
    messages=file(filename="a.docx", file_data=f"data:{WORD};base64,{ZIP}"),
)
refuses(
    "media.audio_is_refused",
    param="messages[0].content[0]",
    messages=[user([{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}])],
)
refuses(
    "media.unknown_part_is_refused",
    param="messages[0].content[0]",
    messages=[user([{"type": "video_url", "video_url": {"url": "https://v.test/a.mp4"}}])],
)
