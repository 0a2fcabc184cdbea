from __future__ import annotations

import pytest

from claif_cla.translate.flow import Answer


def empty():
    yield from ()


@pytest.mark.parametrize(("body", "streams"), [({}, False), ([], False), (empty(), True)])
def test_an_answer_streams_if_its_body_is_a_flow(body, streams):
    assert Answer(200, {}, body).is_stream is streams
