"""`messages`: who speaks when, and nothing lost on the way."""

from __future__ import annotations

from types import MappingProxyType

from conformance.bench import MID, NEW, OLD, Bench, blocks_of
from conformance.registry import check, expects, refuses
from conformance.samples import ASKED, user

SYSTEM = {"role": "system", "content": "S"}
DEVELOPER = {"role": "developer", "content": "D"}
LATER = [
    ASKED,
    {"role": "assistant", "content": "a"},
    {"role": "system", "content": "from now on French"},
    user("q2"),
]


def text(role: str, content: object) -> dict[str, object]:
    return {"role": role, "content": content}


def said(bench: Bench, role: str) -> str:
    """All text of a role, joined with bars."""
    made = [b["text"] for who, bs in bench.turns for b in bs if who == role and b["type"] == "text"]
    return "|".join(made)


@check("messages.user_text_arrives")
def _(bench: Bench) -> None:
    bench.ask([user("Hello, Claude.")])
    assert bench.turns == [("user", [{"type": "text", "text": "Hello, Claude."}])]
    bench.legal()


@check("messages.unicode_arrives_unchanged")
def _(bench: Bench) -> None:
    bench.ask([user("héllo 漢字 👩‍👩‍👧 \u2028 \x7f")])
    assert said(bench, "user") == "héllo 漢字 👩‍👩‍👧 \u2028 \x7f"


@check("messages.user_parts_keep_their_order")
def _(bench: Bench) -> None:
    bench.ask([user([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])])
    assert "".join(said(bench, "user").split("|")).replace("\n", "") == "ab"
    bench.legal()


@check("messages.system_is_the_system_prompt", 78)
def _(bench: Bench) -> None:
    bench.ask([text("system", "Start with SYSOK:"), user("hi")])
    assert bench.system == "Start with SYSOK:"
    assert [role for role, _ in bench.turns] == ["user"]


@check("messages.developer_is_the_system_prompt", 77)
def _(bench: Bench) -> None:
    bench.ask([DEVELOPER, SYSTEM, ASKED])
    assert "D" in bench.system
    assert "S" in bench.system
    assert bench.system.index("D") < bench.system.index("S")
    bench.legal()


@check("messages.system_parts_arrive")
def _(bench: Bench) -> None:
    parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    bench.ask([text("system", parts), ASKED])
    assert bench.system.replace("\n", "") == "onetwo"
    bench.legal()


for label, content in {"empty": "", "blank": " \n", "no_parts": []}.items():
    expects(
        f"messages.{label}_system_is_left_out",
        83,
        messages=[text("system", content), ASKED],
        without="system",
    )


@check("messages.system_alone_is_answered", 79)
def _(bench: Bench) -> None:
    assert bench.ask([text("system", "Write a haiku.")]).text == "ok"
    assert "Write a haiku." in bench.system + said(bench, "user")
    bench.legal()


@check("messages.conversation_may_begin_with_the_assistant", 80)
def _(bench: Bench) -> None:
    bench.ask([text("system", "s"), text("assistant", "Arrgh, I am a pirate"), user("hi")])
    assert "Arrgh, I am a pirate" in said(bench, "assistant")
    bench.legal()


@check("messages.neighbours_of_one_role_lose_nothing", 81)
def _(bench: Bench) -> None:
    bench.ask(
        [
            {"role": "user", "content": "alpha", "name": "ann"},
            {"role": "user", "content": "beta", "name": "bob"},
            text("assistant", "gamma"),
            text("assistant", "delta"),
            user("epsilon"),
        ]
    )
    order = ["alpha", "beta", "gamma", "delta", "epsilon"]
    spoken = " ".join(block["text"] for _, made in bench.turns for block in made)
    assert [spoken.count(word) for word in order] == [1] * 5
    assert sorted(order, key=spoken.index) == order
    bench.legal()


@check("messages.neighbours_of_one_role_are_one_turn", 81, ours=True)
def _(bench: Bench) -> None:
    bench.ask([user("a"), user("b"), text("assistant", "c"), text("assistant", "d"), user("e")])
    assert [role for role, _ in bench.turns] == ["user", "assistant", "user"]


@check("messages.blank_assistant_text_is_dropped_and_neighbours_joined", 71)
def _(bench: Bench) -> None:
    bench.ask([user("q"), text("assistant", "\n"), user("go")])
    assert said(bench, "user").replace("\n", "|").split("|") == ["q", "go"]
    bench.legal()


@check("messages.blank_part_beside_text_is_no_fault", 71)
def _(bench: Bench) -> None:
    bench.ask([user([{"type": "text", "text": " "}, {"type": "text", "text": "real"}])])
    assert "real" in said(bench, "user")
    if bench.own:
        bench.legal()  # the API is said to take it; ours are to be safe


@check("messages.blank_user_text_alone_is_never_sent", 71)
def _(bench: Bench) -> None:
    try:
        bench.ask([user(" ")])
    except Exception as error:  # noqa: BLE001  # to refuse it is right as well
        bench.is_refusal(error)
    else:
        bench.legal()


@check("messages.empty_assistant_text_is_dropped")
def _(bench: Bench) -> None:
    bench.ask([user("a"), text("assistant", ""), user("b")])
    bench.legal()
    if bench.own:
        assert not said(bench, "assistant"), "words were put into Claude's mouth"


@check("messages.assistant_parts_arrive")
def _(bench: Bench) -> None:
    parts = [{"type": "text", "text": "one"}, {"type": "refusal", "refusal": "no"}]
    bench.ask([ASKED, text("assistant", parts), user("b")])
    assert "one" in said(bench, "assistant")
    assert "no" in said(bench, "assistant")
    bench.legal()


@check("messages.assistant_refusal_field_arrives_as_text")
def _(bench: Bench) -> None:
    message = {"role": "assistant", "content": None, "refusal": "I can't."}
    bench.ask([ASKED, message, user("why?")])
    assert said(bench, "assistant") == "I can't."
    bench.legal()


@check("messages.content_is_not_wrapped_twice", 82)
def _(bench: Bench) -> None:
    bench.ask([user([{"type": "text", "text": "what is it?"}])])
    (block,) = blocks_of(bench.wire["messages"][0]["content"])
    assert block["text"] == "what is it?"


@check("messages.system_in_the_middle_stays_there_where_the_model_takes_it", 76)
def _(bench: Bench) -> None:
    bench.ask(LATER, model=NEW)
    spoken = [(role, block["text"]) for role, made in bench.turns for block in made]
    assert ("system", "from now on French") in spoken
    assert "French" not in bench.system
    bench.legal()


for label, model in {"old": OLD, "mid": MID, "new": NEW}.items():

    @check(f"messages.system_in_the_middle_is_legal_and_kept.{label}", 76)
    def _(bench: Bench, model: str = model) -> None:
        bench.ask(LATER, model=model)
        everything = bench.system + "".join(b["text"] for _, made in bench.turns for b in made)
        assert everything.count("from now on French") == 1
        bench.legal()
        if model != NEW:
            assert "system" not in [role for role, _ in bench.turns]


@check("messages.system_in_the_middle_is_not_hoisted", 76, ours=True)
def _(bench: Bench) -> None:
    bench.ask(LATER, model=MID)
    assert "French" not in bench.system, "hoisting changes its meaning and the cached prefix"


@check("messages.system_in_the_middle_leaves_the_prefix_alone", 76, ours=True)
def _(bench: Bench) -> None:
    bench.ask([text("system", "s"), *LATER[:2], user("x")], model=MID)
    before = (bench.system, bench.turns[:1])
    bench.ask([text("system", "s"), *LATER], model=MID)
    assert (bench.system, bench.turns[:1]) == before


for label, model in {"mid": MID, "new": NEW}.items():

    @check(f"messages.prefill_is_never_sent_to_a_model_that_refuses_it.{label}", 74)
    def _(bench: Bench, model: str = model) -> None:
        history = [ASKED, text("assistant", "Answer:")]
        try:
            bench.ask(history, model=model)
        except Exception as error:  # noqa: BLE001  # to refuse it is a choice
            bench.is_refusal(error)
        else:
            assert bench.turns[-1][0] == "user"
            assert "Answer:" in said(bench, "assistant")
            bench.legal()


@check("messages.prefill_goes_to_a_model_that_takes_it", 74)
def _(bench: Bench) -> None:
    bench.ask([ASKED, text("assistant", "Answer: ")], model=OLD)
    assert bench.turns[-1] == ("assistant", [{"type": "text", "text": "Answer:"}])
    bench.legal()


@check("messages.blank_last_word_of_the_user_is_no_prefill", 71, 74)
def _(bench: Bench) -> None:
    try:
        bench.ask([ASKED, text("assistant", "Answer:"), user("")], model=OLD)
    except Exception as error:  # noqa: BLE001  # to refuse it is right as well
        bench.is_refusal(error)
    else:
        assert bench.turns[-1][0] == "user"
        bench.legal()


@check("messages.system_after_the_last_answer_is_legal_and_kept", 76)
def _(bench: Bench) -> None:
    for model in (OLD, MID, NEW):
        bench.ask([ASKED, text("assistant", "a"), text("system", "now French")], model=model)
        everything = bench.system + "".join(b["text"] for _, made in bench.turns for b in made)
        assert everything.count("now French") == 1
        bench.legal()


@check("messages.unknown_field_is_not_lost_in_silence", 9, ours=True)
def _(bench: Bench) -> None:
    answer = bench.ask([{"role": "user", "content": "hi", "mood": "good"}])
    assert "mood" not in bench.wire["messages"][0]
    assert "messages[].mood" in str(answer.dump["adaptations"])


refuses("messages.none_at_all_is_refused", param="messages", messages=[])
refuses("messages.unknown_role_is_refused", param="messages", messages=[text("robot", "x")])


@check("messages.name_does_not_reach_the_wire", 81)
def _(bench: Bench) -> None:
    bench.ask([{"role": "user", "content": "hi", "name": "ann"}])
    assert set(bench.wire["messages"][0]) == {"role", "content"}
    bench.legal()


@check("messages.dumped_message_is_taken_back")
def _(bench: Bench) -> None:
    dumped = {
        "role": "assistant",
        "content": "a",
        "refusal": None,
        "annotations": [],
        "audio": None,
        "function_call": None,
        "tool_calls": None,
    }
    bench.ask([ASKED, dumped, user("b")])
    assert said(bench, "assistant") == "a"
    bench.legal()


@check("messages.native_thinking_part_passes")
def _(bench: Bench) -> None:
    block = {"type": "thinking", "thinking": "hm", "signature": "S"}
    bench.ask([ASKED, text("assistant", [block, {"type": "text", "text": "a"}]), user("b")])
    assert bench.blocks("thinking") == [block]


@check("messages.native_document_part_passes")
def _(bench: Bench) -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "body"}
    bench.ask([user([{"type": "document", "source": source}, {"type": "text", "text": "?"}])])
    assert bench.blocks("document") == [{"type": "document", "source": source}]
    bench.legal()


@check("messages.callers_objects_are_left_alone", 164)
def _(bench: Bench) -> None:
    messages = [text("system", "s"), user("q")]
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    before = repr((messages, tools))
    bench.ask(messages, tools=tools)
    first = bench.requests[-1].body
    bench.ask(messages, tools=tools)
    assert repr((messages, tools)) == before
    assert bench.requests[-1].body == first


@check("messages.tuples_and_read_only_mappings_are_taken", 164)
def _(bench: Bench) -> None:
    frozen = MappingProxyType({"role": "user", "content": ({"type": "text", "text": "q"},)})
    function_ = MappingProxyType({"name": "f", "parameters": MappingProxyType({"type": "object"})})
    bench.ask((frozen,), tools=(MappingProxyType({"type": "function", "function": function_}),))
    assert said(bench, "user") == "q"
    assert bench.sent("tools.0.name") == "f"
    bench.legal()


@check("messages.callers_extra_body_is_left_alone", 164)
def _(bench: Bench) -> None:
    extra = {
        "metadata": {"user_id": "u"},
        "betas": ["b"],
        "system": [{"type": "text", "text": "s"}],
    }
    before = repr(extra)
    for _ in range(2):
        bench.ask(extra_body=extra)
    assert repr(extra) == before
    assert bench.requests[0].body == bench.requests[1].body
