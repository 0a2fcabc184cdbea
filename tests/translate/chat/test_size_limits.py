import pytest

from chat_requests import FOREIGN, NEWEST, OLD, assistant, call, planned, refused, result, user
from claif_cla.translate.chat import size_limits

ELSEWHERE = {"settings": {"official": False}}


def images(count):
    return [{"type": "image_url", "image_url": {"url": "https://e.x/a.png"}}] * count


@pytest.mark.parametrize(("model", "limit"), [(OLD, 100), (NEWEST, 600)])
def test_more_images_than_the_model_takes_are_refused(model, limit):
    assert len(planned(model=model, messages=[user(images(limit))])["messages"][0]["content"])
    caught = refused(model=model, messages=[user(images(limit + 1))])
    assert caught.param == "messages"
    assert f"{limit + 1} images" in caught.message


def test_images_in_results_count_as_well():
    messages = [user(images(60)), assistant(None, call()), result(content=images(60))]
    assert "120 images" in refused(model=OLD, messages=messages).message


def test_more_turns_than_the_api_takes_are_refused(monkeypatch):
    monkeypatch.setattr(size_limits, "MAX_MESSAGES", 3)
    turns = [user(), assistant("a"), user(), assistant("b"), user()]
    assert "5 turns" in refused(messages=turns).message
    assert len(planned(messages=turns[:3])["messages"]) == 3
    assert len(planned(messages=turns, model=FOREIGN)["messages"]) == 5


def test_a_request_too_large_for_anthropic_is_refused_before_it_is_sent(monkeypatch):
    monkeypatch.setattr(size_limits, "MAX_BODY_BYTES", 300)
    caught = refused(messages=[user("x" * 300)])
    assert (caught.param, caught.code) == ("messages", "request_too_large")
    assert planned(messages=[user("x" * 300)], **ELSEWHERE)
