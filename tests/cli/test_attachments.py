from __future__ import annotations

import base64
from pathlib import Path

import pytest

from claif_cla.cli import attachments
from claif_cla.cli.attachments import media_type, parts_of
from claif_cla.cli.console import UsageError

_MEDIA = {
    "image/png": b"\x89PNG\r\n\x1a\n rest",
    "image/jpeg": b"\xff\xd8\xff\xe0 rest",
    "image/gif": b"GIF89a rest",
    "image/webp": b"RIFF\x00\x00\x00\x00WEBPVP8 ",
    "application/pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3",
}


def _file(tmp_path, name, data):
    path = tmp_path / name
    path.write_bytes(data)
    return str(path)


def _data(part):
    kind = part["type"]
    url = part[kind]["url" if kind == "image_url" else "file_data"]
    head, _, data = url.partition(",")
    return head, base64.b64decode(data, validate=True)


@pytest.mark.parametrize("kind", _MEDIA)
def test_media_is_known_by_its_bytes_whatever_its_name(tmp_path, kind):
    (part,) = parts_of([_file(tmp_path, "file.txt", _MEDIA[kind])])
    assert media_type(_MEDIA[kind]) == kind
    assert _data(part) == (f"data:{kind};base64", _MEDIA[kind])
    assert part["type"] == ("file" if kind == "application/pdf" else "image_url")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"plain", "plain"),
        ("naïve → 🙂".encode(), "naïve → 🙂"),
        ("\ufeffwith a mark".encode(), "with a mark"),
        ("PowerShell ü".encode("utf-16"), "PowerShell ü"),
        ("big ü".encode("utf-16-be").join((b"\xfe\xff", b"")), "big ü"),
    ],
)
def test_text_becomes_a_file_part_in_utf_8(tmp_path, data, text):
    (part,) = parts_of([_file(tmp_path, "notes.md", data)])
    assert part["file"]["filename"] == "notes.md"
    assert _data(part) == ("data:text/plain;base64", text.encode())


@pytest.mark.parametrize(
    "data", [b"\x7fELF\x02\x00", b"caf\xe9", b"BM\x00\x01", b"\xff\xfe\x00\xd8"]
)
def test_unknown_binary_is_an_error_that_names_the_file(tmp_path, data):
    path = _file(tmp_path, "thing.bin", data)
    with pytest.raises(UsageError, match="nothing that Claude reads") as caught:
        parts_of([path])
    assert path in str(caught.value)


@pytest.mark.parametrize("data", [b"", b" \n\t"])
def test_empty_file_is_an_error_that_names_it(tmp_path, data):
    path = _file(tmp_path, "void.txt", data)
    with pytest.raises(UsageError, match=r"void\.txt is empty"):
        parts_of([path])


def test_unreadable_files_are_errors_that_name_them(tmp_path):
    for path in (str(tmp_path / "absent"), str(tmp_path), "null\0byte"):
        with pytest.raises(UsageError, match="cannot read") as caught:
            parts_of([path])
        assert path in str(caught.value)


def test_files_keep_their_order_and_the_pipe_comes_last(tmp_path):
    paths = [_file(tmp_path, name, name.encode()) for name in ("b.txt", "a.txt")]
    parts = parts_of(paths, b"piped")
    assert [part["file"]["filename"] for part in parts] == ["b.txt", "a.txt", "stdin"]


def test_piped_image_is_an_image():
    (part,) = parts_of([], _MEDIA["image/png"])
    assert part["type"] == "image_url"


@pytest.mark.parametrize("piped", [b"", b"\n"])
def test_empty_pipe_is_nothing(piped):
    assert parts_of([], piped) == []


def test_all_together_are_bounded_as_the_api_bounds_them(tmp_path, monkeypatch):
    monkeypatch.setattr(attachments, "MAX_REQUEST_BYTES", 1 << 20)
    half = _file(tmp_path, "half.txt", b"x" * (1 << 19))
    assert len(parts_of([half, half])) == 2
    with pytest.raises(UsageError, match=r"half\.txt is too large: a request may have 1 MB"):
        parts_of([half, half, half])
    with pytest.raises(UsageError, match="stdin is too large"):
        parts_of([half, half], b"x")


def test_media_counts_with_its_base64(tmp_path, monkeypatch):
    monkeypatch.setattr(attachments, "MAX_REQUEST_BYTES", 1 << 20)
    image = _file(tmp_path, "big.png", _MEDIA["image/png"] + b"x" * 900_000)
    with pytest.raises(UsageError, match=r"big\.png is too large.*a third more"):
        parts_of([image])


def test_endless_file_is_read_no_further_than_the_bound(monkeypatch):
    if not Path("/dev/zero").exists():
        pytest.skip("no /dev/zero here")
    monkeypatch.setattr(attachments, "MAX_REQUEST_BYTES", 1 << 20)
    with pytest.raises(UsageError, match="/dev/zero is too large"):
        parts_of(["/dev/zero"])
