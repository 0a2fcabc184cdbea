from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from claif_cla.gateway.usage_tap import UsageTap
from claif_cla.gateway.visit import Visit
from loopback import error_event, message, sse, stream_of, text_block, usage_of

EVENTS = sse(stream_of([text_block("x" * 300)], usage=usage_of(5, 600)))


def tapped(*pieces):
    visit = Visit("req_1", model="asked")
    tap = UsageTap(visit, "handle")
    for piece in pieces:
        tap.feed(piece)
    return tap, visit.usages.get("handle")


@given(st.lists(st.integers(0, len(EVENTS)), max_size=8))
def test_how_bytes_are_cut_does_not_change_what_was_used(cuts):
    at = [0, *sorted(cuts), len(EVENTS)]
    tap, usage = tapped(*(EVENTS[a:b] for a, b in pairwise(at)))
    assert tap.complete
    assert usage.complete
    assert (usage.counts["input_tokens"], usage.counts["output_tokens"]) == (5, 600)


def test_a_stream_that_is_left_tells_what_it_read_and_about_how_much_it_said():
    tap, usage = tapped(EVENTS[: EVENTS.index(b"event: message_delta")])
    assert not tap.complete
    assert not usage.complete
    assert usage.counts["input_tokens"] == 5
    assert usage.characters > 0


def test_what_is_no_event_counts_nothing():
    for odd in (b'data: {"usage"', b'data: {"usage": 1\n', b'data: ["usage"]\n', b"data: 1\n"):
        assert tapped(odd, b"\n")[1] is None
    assert tapped(sse([error_event("overloaded_error", '"usage"')]))[1] is None


def test_a_whole_message_counts():
    visit = Visit("req_1")
    UsageTap(visit, "h").message(message([], usage=usage_of(1, 2)))
    assert visit.usages["h"].complete
    UsageTap(visit, "h").message({"model": 1, "usage": None})
    assert visit.usages["h"].counts == {}


def test_an_error_ends_the_stream_and_names_its_kind():
    visit = Visit("req_1")
    tap = UsageTap(visit, "h")
    tap.feed(sse([error_event("overloaded_error", "Overloaded")]))
    assert tap.complete
    assert visit.code == "overloaded_error"
    assert tap.rare


def test_words_are_not_rare():
    text = EVENTS[EVENTS.index(b"event: content_block_delta") :]
    tap, _ = tapped(text[: text.index(b"event: content_block_stop")])
    assert not tap.rare
