from __future__ import annotations

import json

import pytest

from claif_cla import ClaudeClient
from claif_cla.cli import explain as explain_module
from loopback import json_answer, message, text_block

_REQUEST = {
    "model": "claude-opus-4-6",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Grüße"}],
}


@pytest.fixture
def explain(cli, tmp_path):
    def run(request, *argv):
        path = tmp_path / "request.json"
        path.write_bytes(request if isinstance(request, bytes) else json.dumps(request).encode())
        return cli("explain", str(path), *argv)

    return run


def _shown(outcome):
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


def test_request_is_shown_as_it_would_be_sent(explain):
    outcome = explain(_REQUEST)
    head, _, rest = outcome.out.partition("\n\n")
    body, _, adaptations = rest.partition("\n\n")
    assert head.splitlines() == [
        "POST /v1/messages",
        "anthropic-version: 2026-10-21",
        "content-type: application/json",
    ]
    assert json.loads(body) == {
        "model": "claude-opus-4-6",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Grüße"}]}],
    }
    assert adaptations == "Adaptations: none\n"
    assert (outcome.code, outcome.err) == (0, "")


def test_shown_body_is_what_the_client_sends(explain, cli, server, monkeypatch):
    request = {**_REQUEST, "temperature": 0.3, "stop": ["END"], "user": "someone"}
    server.enqueue(json_answer(message([text_block("Hi")])))
    with ClaudeClient(api_key="k", base_url=server.url) as client:
        client.chat.completions.create(**request)
    shown = _shown(explain(request, "--json", "--base-url", server.url))["request"]
    assert shown["body"] == server.last.json
    assert shown["path"] == server.last.target
    assert shown["headers"].items() <= server.last.headers.items()


def test_each_adaptation_is_shown(explain):
    outcome = explain({**_REQUEST, "seed": 1, "store": True})
    lines = outcome.out.partition("Adaptations:\n")[2].splitlines()
    assert [line.split(":")[0] for line in lines] == ["  `seed` dropped", "  `store` dropped"]


def test_json_has_request_adaptations_and_remarks(explain):
    shown = _shown(explain({**_REQUEST, "seed": 1, "model": "claude-sonnet-4-5"}, "--json"))
    assert set(shown) == {"request", "adaptations", "remarks"}
    assert set(shown["request"]) == {"method", "path", "headers", "body"}
    assert [set(receipt) for receipt in shown["adaptations"]] == [{"param", "action", "detail"}]
    assert "is deprecated" in shown["remarks"][0]


def test_remark_is_shown(explain):
    assert (
        "Remark: `claude-sonnet-4-5` is" in explain({**_REQUEST, "model": "claude-sonnet-4-5"}).out
    )


def test_key_of_the_environment_is_not_shown(explain, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-secret")
    assert "secret" not in explain(_REQUEST).out


def test_model_option_wins(explain):
    shown = _shown(explain(_REQUEST, "--json", "-m", "opus"))
    assert shown["request"]["body"]["model"] != _REQUEST["model"]


def test_environment_gives_the_default_model(explain, monkeypatch):
    monkeypatch.setenv("CLAIF_CLA_MODEL", "claude-opus-4-8")
    request = {key: value for key, value in _REQUEST.items() if key != "model"}
    assert _shown(explain(request, "--json"))["request"]["body"]["model"] == "claude-opus-4-8"


@pytest.mark.parametrize(
    ("argv", "env", "replaced"),
    [
        ((), {}, True),
        (("--base-url", "https://api.anthropic.com/v1"), {}, True),
        (("--base-url", "http://proxy.example"), {}, False),
        ((), {"ANTHROPIC_BASE_URL": "http://proxy.example"}, False),
        (("--base-url", "http://proxy.example", "--backend", "simulator"), {}, True),
        ((), {"CLAIF_CLA_BACKEND": "simulator", "ANTHROPIC_BASE_URL": "http://h"}, True),
    ],
)
def test_retired_model_is_replaced_only_on_anthropics_own_api(
    explain, monkeypatch, argv, env, replaced
):
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    shown = _shown(explain({**_REQUEST, "model": "claude-3-opus-20240229"}, "--json", *argv))
    assert (shown["request"]["body"]["model"] != "claude-3-opus-20240229") == replaced


def test_refusal_names_param_and_code(explain, one_line):
    outcome = explain({**_REQUEST, "logprobs": True})
    assert (outcome.code, outcome.out) == (1, "")
    assert "refused (`logprobs`, unsupported_parameter): " in one_line(outcome.err)


def test_refusal_as_json(explain):
    outcome = explain({**_REQUEST, "logprobs": True}, "--json")
    shown = json.loads(outcome.out)
    assert (outcome.code, outcome.err, shown["request"]) == (1, "", None)
    assert (shown["refusal"]["param"], shown["refusal"]["code"]) == (
        "logprobs",
        "unsupported_parameter",
    )


def test_compat_decides_what_is_refused(explain):
    assert explain({**_REQUEST, "seed": 1}, "--compat", "strict").code == 1
    assert explain({**_REQUEST, "logprobs": True}, "--compat", "lenient").code == 0


def test_request_nested_too_deeply_is_refused(explain, one_line, monkeypatch):
    # How deep is too deep depends on the interpreter; that it runs out of stack is what counts.
    def overflow(call):
        raise RecursionError

    monkeypatch.setattr(explain_module, "plan_request", overflow)
    outcome = explain(_REQUEST)
    assert outcome.code == 1
    assert "refused (invalid_value): the request is nested too deeply" in one_line(outcome.err)


def test_senseless_backend_of_the_environment_is_named(explain, monkeypatch, one_line):
    monkeypatch.setenv("CLAIF_CLA_BACKEND", "nonsense")
    outcome = explain(_REQUEST)
    assert outcome.code == 2
    assert one_line(outcome.err).startswith("claif-cla: CLAIF_CLA_BACKEND: unknown backend")


def test_request_may_come_from_stdin(cli):
    outcome = cli("explain", "-", "--json", stdin=json.dumps(_REQUEST).encode())
    assert _shown(outcome)["request"]["method"] == "POST"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (b'{"messages": [\n  {"role":}\n]}', ":2:11: no JSON: Expecting value"),
        (b"", ":1:1: no JSON"),
        (b"[]", ":1:1: expected a JSON object"),
        (b'"text"', ":1:1: expected a JSON object"),
        ('{"é":\n"ü'.encode() + b'\xff"}', ":2:3: no UTF-8 text"),
        (b"[" * 200_000, ":1:1: JSON nested too deeply"),
    ],
    ids=["syntax", "empty", "array", "string", "bytes", "deep"],
)
def test_file_that_is_no_json_object_is_told_with_line_and_column(explain, one_line, text, where):
    outcome = explain(text)
    assert (outcome.code, outcome.out) == (2, "")
    assert f"request.json{where}" in one_line(outcome.err)


def test_byte_order_mark_is_no_error(explain):
    assert explain(b"\xef\xbb\xbf" + json.dumps(_REQUEST).encode()).code == 0


def test_absent_file_is_told(cli, one_line):
    outcome = cli("explain", "no-such-file.json")
    assert outcome.code == 2
    assert "cannot read no-such-file.json: No such file" in one_line(outcome.err)


def test_endless_file_is_refused(cli, one_line, monkeypatch, tmp_path):
    monkeypatch.setattr(explain_module, "MAX_REQUEST_BYTES", 1 << 20)
    path = tmp_path / "long.json"
    path.write_bytes(b" " * ((1 << 20) + 1))
    outcome = cli("explain", str(path))
    assert outcome.code == 2
    assert "longer than the 1 MB" in one_line(outcome.err)


def test_nothing_heavy_is_imported(python, tmp_path):
    path = tmp_path / "request.json"
    path.write_text(json.dumps(_REQUEST))
    code = (
        "import sys; from claif_cla.cli.__main__ import main; main(['explain', sys.argv[1]]);"
        "print(sorted({'openai', 'httpx', 'httpx2', 'anyio'} & set(sys.modules)))"
    )
    with python("-c", code, str(path)) as process:
        out, err = process.communicate(timeout=30)
    assert out.decode().splitlines()[-1] == "[]", err.decode()
