"""`temperature`, `top_p` and `top_k`: sent where the model takes them, and nowhere else."""

from __future__ import annotations

from conformance.bench import MID, NEW, NEWEST, OLD, Bench
from conformance.registry import check, expects, refuses

NONE = "temperature top_p top_k"

for label, model in (("old", OLD), ("mid", MID)):
    expects(
        f"sampling.temperature.{label}", model=model, temperature=0.2, wire={"temperature": 0.2}
    )
    expects(f"sampling.top_p.{label}", model=model, top_p=0.9, wire={"top_p": 0.9})

    @check(f"sampling.both_send_one.{label}", 107)
    def _(bench: Bench, model: str = model) -> None:
        bench.ask(model=model, temperature=0.2, top_p=0.9)
        assert ("temperature" in bench.wire) + ("top_p" in bench.wire) == 1
        bench.legal()

    @check(f"sampling.defaults_are_neutral.{label}", 107)
    def _(bench: Bench, model: str = model) -> None:
        bench.ask(model=model, temperature=1, top_p=1)
        assert not ("temperature" in bench.wire and "top_p" in bench.wire)
        bench.legal()


for label, model in (("new", NEW), ("newest", NEWEST)):
    for name, params in {
        "temperature": {"temperature": 0.2},
        "top_p": {"top_p": 0.5},
        "both": {"temperature": 0.2, "top_p": 0.5},
        "zero": {"temperature": 0},
    }.items():
        expects(
            f"sampling.{name}_is_not_sent_to_a_model_that_refuses_it.{label}",
            model=model,
            without=NONE,
            **params,
        )

expects("sampling.zero_is_sent_as_zero", 108, temperature=0, wire={"temperature": 0})
expects("sampling.null_is_not_sent", 107, temperature=None, top_p=None, without=NONE)


@check("sampling.above_one_is_one", 108)
def _(bench: Bench) -> None:
    bench.ask(temperature=1.7)
    assert bench.sent("temperature") in (None, 1), "1 is also what the API takes when it is absent"
    bench.legal()


refuses("sampling.temperature_above_two_is_refused", 108, param="temperature", temperature=2.5)
refuses("sampling.temperature_below_zero_is_refused", 108, param="temperature", temperature=-0.1)
refuses("sampling.top_p_above_one_is_refused", param="top_p", top_p=1.5)
expects(
    "sampling.temperature_wins_over_top_p",
    107,
    temperature=0.2,
    top_p=0.9,
    wire={"temperature": 0.2},
    without="top_p",
)


@check("sampling.not_beside_budgeted_thinking")
def _(bench: Bench) -> None:
    bench.ask(model=OLD, temperature=0.2, reasoning_effort="high", max_tokens=20_000)
    assert bench.sent("thinking.type") != "enabled" or bench.sent("temperature") in (None, 1)
    bench.legal()


@check("sampling.version_is_one_that_has_the_parameter")
def _(bench: Bench) -> None:
    bench.ask(model=OLD, temperature=0.2)
    assert bench.headers["anthropic-version"] == "2023-06-01"


@check("sampling.top_k_passes_as_a_native_field", 114)
def _(bench: Bench) -> None:
    bench.ask(model=OLD, extra_body={"top_k": 5})
    assert bench.sent("top_k") == 5
    bench.legal()
