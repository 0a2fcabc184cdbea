"""The token count: deterministic, and growing with what it counts."""

from __future__ import annotations

import base64
import struct

from hypothesis import given
from hypothesis import strategies as st

from claif_cla.backends.simulator.conversation import turns_of
from claif_cla.backends.simulator.tokens import count_text, count_tokens

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR"


def counted(*content, **more):
    payload = {"messages": [{"role": "user", "content": list(content)}], **more}
    return count_tokens(payload, turns_of(payload["messages"]))


def image(data):
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(data).decode()}
    return {"type": "image", "source": source}


@given(st.text(max_size=50), st.text(min_size=1, max_size=50))
def test_more_text_is_at_least_as_many_tokens(text, more):
    assert count_text(text) <= count_text(text + more)
    assert (count_text(text) == 0) == (text == "")


def test_a_string_and_a_text_block_count_alike():
    turns = turns_of([{"role": "user", "content": "Hello there"}])
    assert count_tokens({}, turns) == counted({"type": "text", "text": "Hello there"})


def test_cache_control_counts_nothing():
    block = {"type": "text", "text": "Hello"}
    marked = {**block, "cache_control": {"type": "ephemeral"}}
    assert counted(block) == counted(marked)


def test_tools_and_system_count():
    block = {"type": "text", "text": "Hello"}
    tool = {"name": "t", "input_schema": {"type": "object"}}
    assert counted(block) < counted(block, system="Be brief.") < counted(block, tools=[tool])


def test_larger_images_count_more_up_to_a_bound():
    small = counted(image(PNG + struct.pack(">II", 100, 100)))
    large = counted(image(PNG + struct.pack(">II", 1000, 1000)))
    huge = counted(image(PNG + struct.pack(">II", 8000, 8000)))
    assert small < large < huge < 2000


def test_documents_count_by_page_and_by_text():
    def document(source):
        return {"type": "document", "source": source}

    def pdf(data):
        data = base64.b64encode(data).decode()
        return document({"type": "base64", "media_type": "application/pdf", "data": data})

    one = counted(pdf(b"%PDF- /Type /Pages /Type /Page "))
    two = counted(pdf(b"%PDF- /Type /Pages /Type /Page /Type /Page "))
    assert two - one == 1500
    text = document({"type": "text", "media_type": "text/plain", "data": "x" * 4000})
    blocks = document({"type": "content", "content": [{"type": "text", "text": "x" * 4000}]})
    assert counted(text) == counted(blocks) > 1000
