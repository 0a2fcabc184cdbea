import hashlib

import pytest

from chat_requests import planned, receipts, refused


@pytest.mark.parametrize("name", ["user", "safety_identifier"])
def test_an_opaque_id_is_sent_as_it_is(name):
    assert planned(**{name: "u-17"})["metadata"] == {"user_id": "u-17"}
    assert receipts(**{name: "u-17"}) == []


@pytest.mark.parametrize("name", ["user", "safety_identifier"])
@pytest.mark.parametrize(
    "value", ["ann@example.com", "Ann Smith", "+1 (555) 010-9999", "5550109999", "x" * 257]
)
def test_what_looks_personal_or_long_is_hashed_with_a_receipt(name, value):
    digest = hashlib.sha256(value.encode()).hexdigest()
    assert planned(**{name: value})["metadata"] == {"user_id": digest}
    assert receipts(**{name: value}) == [(name, "adapted")]


def test_a_lone_surrogate_is_hashed_too():
    assert len(planned(user="\ud800 x")["metadata"]["user_id"]) == 64


def test_of_both_the_safety_identifier_wins_with_a_receipt():
    given = {"user": "a", "safety_identifier": "b"}
    assert planned(**given)["metadata"] == {"user_id": "b"}
    assert receipts(**given) == [("user", "dropped")]


def test_the_same_value_twice_is_no_loss():
    given = {"user": "a", "safety_identifier": "a"}
    assert planned(**given)["metadata"] == {"user_id": "a"}
    assert receipts(**given) == []


def test_an_empty_user_is_nobody():
    assert "metadata" not in planned(user="")


@pytest.mark.parametrize("name", ["user", "safety_identifier"])
def test_a_user_must_be_a_string(name):
    assert refused(**{name: 5}).param == name


def test_labels_are_dropped_with_a_receipt():
    assert "metadata" not in planned(metadata={"job": "x"})
    assert receipts(metadata={"job": "x"}) == [("metadata", "dropped")]


def test_no_labels_are_silent():
    assert "metadata" not in planned(metadata={})
    assert receipts(metadata={}) == []


def test_anthropics_own_metadata_passes_and_wins():
    given = {"metadata": {"user_id": "m"}, "user": "u"}
    assert planned(**given)["metadata"] == {"user_id": "m"}


@pytest.mark.parametrize("metadata", [{"user_id": 5}, {"user_id": "m", "job": "x"}])
def test_other_metadata_is_never_forwarded(metadata):
    assert "metadata" not in planned(metadata=metadata)


def test_metadata_must_be_an_object():
    assert refused(metadata=["x"]).param == "metadata"
