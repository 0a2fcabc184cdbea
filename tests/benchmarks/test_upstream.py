"""The canned upstream says on both wires, whole and streamed, what it says it says."""

from __future__ import annotations

import json
import os
import socket

import anthropic
import openai
import pytest
from benchmarks.ambient import clean_environment
from benchmarks.canned import text_size
from benchmarks.payloads import IMAGE_BYTES, messages
from benchmarks.upstream import running_upstream

HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture(scope="module")
def url():
    with running_upstream() as url:
        yield url


def claude(url, path):
    return anthropic.Anthropic(api_key="any", base_url=f"{url}{path}", max_retries=0)


def gpt(url, path):
    return openai.OpenAI(api_key="any", base_url=f"{url}{path}/v1", max_retries=0)


def test_both_wires_carry_the_same_whole_text(url):
    with claude(url, "/whole") as one, gpt(url, "/whole") as other:
        message = one.messages.create(model="any", max_tokens=9, messages=HELLO)
        completion = other.chat.completions.create(model="any", messages=HELLO)
    assert message.content[0].text == completion.choices[0].message.content
    assert len(message.content[0].text) == text_size(0)


@pytest.mark.parametrize("chunks", [1, 100, 250])
def test_both_wires_carry_the_same_deltas(url, chunks):
    with claude(url, f"/stream-{chunks}") as one, gpt(url, f"/stream-{chunks}") as other:
        events = one.messages.create(model="any", max_tokens=9, messages=HELLO, stream=True)
        texts = [event.delta.text for event in events if event.type == "content_block_delta"]
        parts = other.chat.completions.create(model="any", messages=HELLO, stream=True)
        contents = [part.choices[0].delta.content for part in parts]
    assert texts == [content for content in contents if content]
    assert len(texts) == chunks
    assert sum(map(len, texts)) == text_size(chunks)


def test_a_connection_is_kept_and_a_large_body_read_to_its_end(url):
    large = json.dumps({"messages": messages(1, "openai", image=True)})
    assert len(large) > IMAGE_BYTES - 100
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        answers = []
        for body in (b"{}", large.encode(), b"{}"):
            head = f"POST /whole/v1/messages HTTP/1.1\r\ncontent-length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body)
            answers.append(_answer(connection))
    assert len(set(answers)) == 1
    assert json.loads(answers[0])["type"] == "message"


def _answer(connection):
    with connection.makefile("rb") as file:
        assert file.readline() == b"HTTP/1.1 200 OK\r\n"
        length = 0
        while (line := file.readline()) != b"\r\n":
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return file.read(length)


def test_an_unknown_path_is_not_found(url):
    with claude(url, "/elsewhere") as client, pytest.raises(anthropic.NotFoundError):
        client.messages.create(model="any", max_tokens=9, messages=HELLO)


def test_processes_get_no_credentials(monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-real")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")
    environment = clean_environment()
    assert not {"ANTHROPIC_API_KEY", "HTTPS_PROXY"} & environment.keys()
    assert environment["HOME"] != os.path.expanduser("~")  # noqa: PTH111


@pytest.mark.parametrize("count", [2, 3, 20])
def test_messages_end_with_the_user(count):
    made = messages(count, "openai")
    assert len(made) == count
    assert made[-1]["role"] == "user"
    assert [one["role"] for one in made].count("assistant") == (count - 1) // 2
