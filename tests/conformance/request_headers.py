"""What travels beside the body: keys, versions, betas, native fields."""

from __future__ import annotations

from conformance.bench import MID, NEW, OLD, Bench
from conformance.registry import check, expects
from conformance.subjects import KEY


@check("wire.key_is_sent_in_one_header", needs="key")
def _(bench: Bench) -> None:
    bench.ask()
    assert [value for value in bench.headers.values() if KEY in value] in ([KEY], [f"Bearer {KEY}"])


@check("wire.path_is_messages")
def _(bench: Bench) -> None:
    bench.ask()
    assert bench.requests[-1].path == "/v1/messages"


@check("wire.version_is_sent")
def _(bench: Bench) -> None:
    bench.ask()
    assert bench.headers["anthropic-version"] in ("2023-06-01", "2026-10-21")


@check("wire.body_is_json")
def _(bench: Bench) -> None:
    bench.ask()
    assert bench.headers["content-type"].startswith("application/json")
    assert "stream_options" not in bench.wire


@check("wire.openai_headers_stay_here", 114, ours=True)
def _(bench: Bench) -> None:
    bench.ask(extra_headers={"OpenAI-Organization": "org-x", "OpenAI-Project": "p-x"})
    assert not [name for name in bench.headers if name.startswith("openai")]


@check("wire.beta_header_passes", 114)
def _(bench: Bench) -> None:
    asked = ["context-management-2025-06-27", "files-api-2025-04-14"]
    bench.ask(extra_headers={"anthropic-beta": ",".join(asked)})
    sent = [beta.strip() for beta in bench.headers["anthropic-beta"].split(",")]
    assert set(asked) <= set(sent)
    assert len(set(sent)) == len(sent)


@check("wire.betas_of_body_and_header_are_one_header", 114, ours=True)
def _(bench: Bench) -> None:
    bench.ask(extra_headers={"anthropic-beta": "a,b"}, extra_body={"betas": ["b", "c"]})
    sent = [beta.strip() for beta in bench.headers["anthropic-beta"].split(",")]
    assert sorted(sent) == ["a", "b", "c"]
    assert "betas" not in bench.wire


EDITS = {"edits": [{"type": "clear_tool_uses_20250919"}]}
for label, fields in {
    "context_management": {"context_management": EDITS},
    "service_tier": {"service_tier": "standard_only"},
    "inference_geo": {"inference_geo": "us"},
    "container": {"container": "container_01"},
}.items():

    @check(f"wire.native_{label}_passes", 114)
    def _(bench: Bench, fields: dict[str, object] = fields) -> None:
        bench.ask(model=MID, extra_body=fields)
        for name, value in fields.items():
            assert bench.sent(name) == value


@check("wire.unknown_field_of_a_beta_passes", 114)
def _(bench: Bench) -> None:
    beta = "context-management-2025-06-27"
    bench.ask(extra_body={"field_of_next_year": {"x": 1}}, extra_headers={"anthropic-beta": beta})
    assert bench.sent("field_of_next_year") == {"x": 1}


expects(
    "wire.native_metadata_user_id_passes",
    metadata={"user_id": "u-1"},
    wire={"metadata": {"user_id": "u-1"}},
)
expects(
    "wire.native_thinking_wins",
    model=OLD,
    max_tokens=10_000,
    extra_body={"thinking": {"type": "enabled", "budget_tokens": 4_000}},
    wire={"thinking.type": "enabled", "thinking.budget_tokens": 4_000},
)
expects(
    "wire.native_effort_passes",
    model=NEW,
    extra_body={"output_config": {"effort": "low"}},
    wire={"output_config.effort": "low"},
)


@check("wire.own_headers_pass", 114)
def _(bench: Bench) -> None:
    bench.ask(extra_headers={"x-team": "blue"})
    assert bench.headers["x-team"] == "blue"


@check("wire.hop_by_hop_headers_stay_here", 114, ours=True)
def _(bench: Bench) -> None:
    bench.ask(extra_headers={"Idempotency-Key": "i", "OpenAI-Beta": "x"})
    assert not {"idempotency-key", "openai-beta"} & set(bench.headers)
