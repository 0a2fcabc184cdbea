import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claif_cla.wire.image_size import image_size, image_type

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR"
JPEG = b"\xff\xd8\xff\xe0\x00\x04\0\0\xff\xc0\x00\x11\x08" + struct.pack(">HH", 30, 40) + b"\0" * 9
GIF = b"GIF89a" + struct.pack("<HH", 40, 30)
LOSSY = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 40, 30)
LOSSLESS = b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f" + struct.pack("<I", 39 | (29 << 14))
EXTENDED = b"RIFF\0\0\0\0WEBPVP8X" + b"\0" * 8 + b"\x27\0\0\x1d\0\0"
NO_FRAME = b"\xff\xd8\xff\xe0\x00\x02" + b"\xff\xe1\x00\x02" * 4


@pytest.mark.parametrize(
    ("data", "kind", "size"),
    [
        (PNG + struct.pack(">II", 40, 30), "image/png", (40, 30)),
        (JPEG, "image/jpeg", (40, 30)),
        (GIF, "image/gif", (40, 30)),
        (LOSSY, "image/webp", (40, 30)),
        (LOSSLESS, "image/webp", (40, 30)),
        (EXTENDED, "image/webp", (40, 30)),
        (PNG, "image/png", None),
        (b"\xff\xd8\xff", "image/jpeg", None),
        (b"\xff\xd8\xff\xe0\x00\x02XX" + b"\0" * 20, "image/jpeg", None),
        (NO_FRAME, "image/jpeg", None),
        (b"RIFF\0\0\0\0WEBPnone", "image/webp", None),
        (b"BM", None, None),
        (b"", None, None),
    ],
)
def test_type_and_size_of_images(data, kind, size):
    assert (image_type(data), image_size(data)) == (kind, size)


@given(st.binary(max_size=60))
def test_any_bytes_have_a_size_or_none(data):
    for head in (b"", PNG, JPEG[:4], GIF[:6], EXTENDED[:16]):
        image_size(head + data)
