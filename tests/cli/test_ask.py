from __future__ import annotations

import base64
import json

import pytest

from loopback import (
    Ending,
    error_body,
    error_event,
    json_answer,
    message,
    sse,
    stream_of,
    streamed,
    text_block,
    usage_of,
)

_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture
def ask(cli, server, monkeypatch):
    """`ask` with a key, at the loopback server."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-test")

    def run(*argv, **options):
        return cli("ask", "--base-url", server.url, *argv, **options)

    return run


def _streams(server, text="Hello.", **options):
    headers = {"request-id": "req_1"}
    server.enqueue(streamed(sse(stream_of([text_block(text)], **options)), headers=headers))


# The answer


def test_answer_is_all_of_stdout_and_stderr_is_empty(simulated):
    outcome = simulated("Hello")
    assert outcome.code == 0
    assert outcome.out == ("This is the claif_cla simulator, not a model. You said: Hello\n")
    assert outcome.err == ""


def test_whole_answer_is_the_streamed_one(simulated):
    assert simulated("--no-stream", "Hello") == simulated("Hello")


@pytest.mark.parametrize("text", ["Hi", "Hi\n", "Hi\n\n\n"])
@pytest.mark.parametrize("flags", [(), ("--no-stream",)])
def test_answer_ends_with_exactly_one_newline(ask, server, text, flags):
    if flags:
        server.enqueue(json_answer(message([text_block(text)])))
    else:
        _streams(server, text)
    # A small limit, so that the whole answer is not streamed upstream.
    assert ask("--max-tokens", "100", *flags, "Hello").out == "Hi\n"


@pytest.mark.parametrize(("tty", "shown"), [(True, "[2JHi"), (False, "\x1b[2JHi")])
def test_answer_is_verbatim_but_on_a_terminal(ask, server, tty, shown):
    _streams(server, "\x1b[2JHi")
    assert ask("Hello", tty=tty).out == f"{shown}\n"


def test_stream_is_asked_for_unless_told(ask, server):
    _streams(server)
    ask("Hello")
    assert server.last.json["stream"] is True
    server.enqueue(json_answer(message([text_block("Hi")])))
    ask("--max-tokens", "100", "--no-stream", "Hello")
    assert "stream" not in server.last.json


def test_json_is_the_whole_completion(simulated):
    outcome = simulated("--json", "Hello")
    completion = json.loads(outcome.out)
    assert outcome.code == 0
    assert completion["object"] == "chat.completion"
    assert completion["choices"][0]["message"]["content"].endswith("You said: Hello")
    assert completion["usage"]["prompt_tokens"] > 0


def test_json_holds_the_adaptations(simulated):
    completion = json.loads(simulated("--json", "--temperature", "0.5", "Hello").out)
    assert completion["adaptations"][0]["param"] == "temperature"


# What is sent


def test_options_travel(ask, server):
    _streams(server)
    outcome = ask("-m", "claude-opus-4-6", "-s", "Be brief.", "--max-tokens", "77", "Hello")
    assert outcome.code == 0
    body = server.last.json
    assert (body["model"], body["max_tokens"]) == ("claude-opus-4-6", 77)
    assert body["system"] == [{"type": "text", "text": "Be brief."}]
    assert body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}]
    assert server.last.headers["authorization"] == "Bearer sk-ant-test"


def test_effort_and_temperature_travel(ask, server):
    _streams(server)
    ask("-m", "claude-opus-4-6", "--effort", "low", "Hello")
    assert server.last.json["output_config"] == {"effort": "low"}
    _streams(server)
    ask("-m", "claude-opus-4-6", "--temperature", "0.5", "Hello")
    assert server.last.json["temperature"] == 0.5


def test_short_name_and_environment_choose_the_model(ask, server, monkeypatch):
    monkeypatch.setenv("CLAIF_CLA_MODEL", "claude-opus-4-6")
    _streams(server)
    ask("Hello")
    assert server.last.json["model"] == "claude-opus-4-6"
    _streams(server)
    ask("-m", "haiku", "Hello")
    assert "haiku" in server.last.json["model"]


def test_environment_chooses_backend_and_address(cli, server, monkeypatch):
    monkeypatch.setenv("CLAIF_CLA_BACKEND", "simulator")
    assert "simulator" in cli("ask", "Hello").out
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "token")
    _streams(server, "from the server")
    assert cli("ask", "--backend", "anthropic", "Hello").out == "from the server\n"


# Prompt and pipe


@pytest.mark.parametrize("argv", [(), ("-",)])
def test_pipe_is_the_prompt(simulated, argv):
    assert simulated(*argv, stdin="Grüße\n".encode()).out.endswith("You said: Grüße\n")


def test_pipe_beside_a_prompt_is_a_document_before_it(ask, server):
    _streams(server)
    assert ask("Sum up.", stdin=b"line 1\nline 2\n").code == 0
    assert server.last.json["messages"][0]["content"] == [
        {
            "type": "document",
            "source": {"type": "text", "media_type": "text/plain", "data": "line 1\nline 2\n"},
            "title": "stdin",
        },
        {"type": "text", "text": "Sum up."},
    ]


def test_empty_pipe_beside_a_prompt_adds_nothing(ask, server):
    _streams(server)
    ask("Hello", stdin=b"")
    assert server.last.json["messages"][0]["content"] == [{"type": "text", "text": "Hello"}]


def test_attachments_come_before_the_pipe_and_the_prompt(ask, server, tmp_path):
    (tmp_path / "dot.png").write_bytes(_PNG)
    (tmp_path / "doc.pdf").write_bytes(b"%PDF-1.4 tiny")
    _streams(server)
    files = ("-a", str(tmp_path / "dot.png"), "-a", str(tmp_path / "doc.pdf"))
    assert ask(*files, "What?", stdin=b"piped").code == 0
    content = server.last.json["messages"][0]["content"]
    assert [block["type"] for block in content] == ["image", "document", "document", "text"]
    assert content[0]["source"]["media_type"] == "image/png"
    assert base64.b64decode(content[0]["source"]["data"]) == _PNG
    assert content[1]["source"]["media_type"] == "application/pdf"
    assert content[1]["title"] == "doc.pdf"


@pytest.mark.parametrize(
    ("argv", "stdin", "complaint"),
    [
        ((), None, "no prompt: give PROMPT"),
        ((), b"", "the prompt is empty"),
        (("-",), b" \n", "the prompt is empty"),
        (("  ",), None, "the prompt is empty"),
        (("-",), b"caf\xe9", "stdin is nothing that Claude reads"),
        ((), _PNG, "stdin is an image or a PDF; give PROMPT beside it"),
        (("Hello",), b"\x7fELF\0\0", "stdin is nothing that Claude reads"),
        (("-a", "no-such-file", "Hello"), None, "cannot read no-such-file: No such file"),
    ],
)
def test_prompts_that_cannot_be_sent_are_wrong_usage(simulated, one_line, argv, stdin, complaint):
    outcome = simulated(*argv, stdin=stdin)
    assert (outcome.code, outcome.out) == (2, "")
    assert complaint in one_line(outcome.err)


# What is told beside the answer


@pytest.mark.parametrize("flags", [(), ("--no-stream",)])
def test_adaptations_are_one_line_each_on_stderr(simulated, one_line, flags):
    outcome = simulated("--temperature", "0.5", *flags, "Hello")
    assert outcome.code == 0
    assert one_line(outcome.err).startswith("claif-cla: `temperature` was dropped: ")


def test_strict_refuses_what_would_be_adapted(simulated, one_line):
    outcome = simulated("--compat", "strict", "--temperature", "0.5", "Hello")
    assert (outcome.code, outcome.out) == (1, "")
    assert "error 400 unsupported_value: `temperature`" in one_line(outcome.err)


def test_retired_model_is_told_with_its_date(simulated, one_line):
    outcome = simulated("-m", "claude-3-opus-20240229", "Hello")
    assert outcome.code == 0
    assert "was retired on 2026-01-05" in one_line(outcome.err)


@pytest.mark.parametrize("flags", [(), ("--no-stream",)])
def test_model_that_will_retire_is_told(simulated, one_line, flags):
    outcome = simulated(*flags, "-m", "claude-sonnet-4-5", "Hello")
    assert outcome.code == 0
    assert "`claude-sonnet-4-5` is deprecated" in one_line(outcome.err)


@pytest.mark.parametrize("flags", [(), ("--no-stream",)])
def test_verbose_tells_model_usage_and_request_id(ask, server, one_line, flags):
    usage = usage_of(11, 7, cache_read_input_tokens=80)
    if flags:
        answer = message([text_block("Hi")], usage=usage)
        server.enqueue(json_answer(answer, headers={"request-id": "req_1"}))
    else:
        _streams(server, usage=usage)
    outcome = ask("-v", "--max-tokens", "100", *flags, "Hello")
    assert one_line(outcome.err) == (
        "claif-cla: claude-opus-5-5: stop; tokens: 91 in (80 from the cache), 7 out; request req_1"
    )


def test_answer_at_the_token_limit_is_told_and_fine(ask, server, one_line):
    _streams(server, "cut", stop_reason="max_tokens")
    outcome = ask("Hello")
    assert (outcome.code, outcome.out) == (0, "cut\n")
    assert "cut off at its token limit" in one_line(outcome.err)


@pytest.mark.parametrize("flags", [(), ("--no-stream",)])
def test_empty_answer_is_told_and_fine(simulated, one_line, flags):
    outcome = simulated(*flags, "[[simulator:empty]]")
    assert (outcome.code, outcome.out) == (0, "")
    assert one_line(outcome.err) == "claif-cla: the answer is empty"


# What goes wrong


@pytest.mark.parametrize("flags", [(), ("--no-stream",)])
def test_refusal_is_exit_code_1_with_one_line(simulated, one_line, flags):
    outcome = simulated(*flags, "[[simulator:refusal=bio]]")
    assert (outcome.code, outcome.out) == (1, "")
    line = one_line(outcome.err)
    assert line.startswith("claif-cla: Claude declined to answer, content_filter")
    assert "(request req_" in line


def test_refusal_in_the_middle_keeps_what_was_shown(simulated):
    outcome = simulated("[[simulator:late-refusal]]")
    assert outcome.code == 1
    assert outcome.out.endswith("\n")
    assert outcome.out.strip()


def test_refusal_as_json_is_the_completion_and_exit_code_1(simulated):
    outcome = simulated("--json", "[[simulator:refusal]]")
    assert outcome.code == 1
    assert json.loads(outcome.out)["choices"][0]["finish_reason"] == "content_filter"


@pytest.mark.parametrize("flags", [(), ("--no-stream",), ("--json",)])
def test_api_error_names_status_code_message_and_request_id(ask, server, one_line, flags):
    body = error_body("not_found_error", "model: claude-none\nis not there")
    server.enqueue(json_answer(body, 404, {"request-id": "req_9"}))
    outcome = ask(*flags, "Hello")
    assert (outcome.code, outcome.out) == (1, "")
    assert one_line(outcome.err) == (
        "claif-cla: error 404 model_not_found: model: claude-none is not there (request req_9)"
    )


def test_wrong_key_is_told(ask, server, one_line):
    body = error_body("authentication_error", "invalid x-api-key")
    server.enqueue(json_answer(body, 401, {"request-id": "req_2"}))
    outcome = ask("Hello")
    assert outcome.code == 1
    assert "error 401 invalid_api_key: invalid x-api-key (request req_2)" in one_line(outcome.err)


def test_error_that_drives_terminals_is_shown_without_controls(ask, server, one_line):
    server.enqueue(json_answer(error_body("invalid_request_error", "\x1b[2Jgone\x07"), 400))
    assert "[2Jgone" in one_line(ask("Hello").err)
    server.enqueue(json_answer(error_body("invalid_request_error", "\x1b[2Jgone\x07"), 400))
    assert "\x1b" not in ask("Hello").err


def test_error_in_the_middle_of_a_stream_ends_the_line(ask, server, one_line):
    events = stream_of([text_block("Half an answer")])[:-2]
    events.append(error_event("overloaded_error", "Overloaded"))
    server.enqueue(streamed(sse(events), headers={"request-id": "req_3"}))
    outcome = ask("Hello")
    assert (outcome.code, outcome.out) == (1, "Half an answer\n")
    line = one_line(outcome.err)
    assert "overloaded: Overloaded" in line
    assert "(request req_3)" in line


def test_cut_stream_is_no_answer(ask, server, one_line):
    events = sse(stream_of([text_block("Half an answer")])[:-2])
    server.enqueue(streamed(events, ending=Ending.CLOSE))
    outcome = ask("Hello")
    assert (outcome.code, outcome.out) == (1, "Half an answer\n")
    assert "stream broke" in one_line(outcome.err)


def test_server_that_cannot_be_reached_is_named(cli, refused_url, monkeypatch, one_line):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    monkeypatch.setattr("openai._base_client.BaseClient._calculate_retry_timeout", lambda *_: 0.0)
    outcome = cli("ask", "--base-url", f"{refused_url}/v1", "Hello")
    assert (outcome.code, outcome.out) == (1, "")
    assert f"cannot reach {refused_url}: " in one_line(outcome.err)


def test_without_a_key_the_way_out_is_shown(cli, one_line):
    outcome = cli("ask", "Hello")
    assert (outcome.code, outcome.out) == (2, "")
    line = one_line(outcome.err)
    assert "ANTHROPIC_API_KEY" in line
    assert "--backend simulator" in line


def test_openai_key_is_no_key(cli, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-openai")
    assert cli("ask", "Hello").code == 2


@pytest.mark.parametrize(
    ("name", "value"), [("CLAIF_CLA_BACKEND", "nonsense"), ("ANTHROPIC_BASE_URL", "nonsense")]
)
def test_senseless_environment_is_named(cli, monkeypatch, one_line, name, value):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    monkeypatch.setenv(name, value)
    outcome = cli("ask", "Hello")
    assert outcome.code == 2
    assert name in one_line(outcome.err)


def test_key_is_never_shown(ask, server):
    server.enqueue(json_answer(error_body("authentication_error", "invalid x-api-key"), 401))
    outcome = ask("-v", "Hello")
    assert "sk-ant-test" not in outcome.out + outcome.err
