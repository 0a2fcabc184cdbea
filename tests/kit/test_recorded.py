from __future__ import annotations

import recorded
from recorded import needs_recordings


@needs_recordings
def test_index_is_read_once_and_files_when_used():
    assert recorded.recordings() is recorded.recordings()
    assert len(recorded.recordings()) > 2000


@needs_recordings
def test_streams_have_bytes_and_whole_answers_have_a_body():
    stream = recorded.anthropic_answers(streaming=True)[0]
    whole = recorded.anthropic_answers(streaming=False)[0]
    assert stream.sse.startswith(b"event: message_start\ndata: ")
    assert (stream.body, whole.sse) == (None, b"")
    assert whole.body["type"] == "message"


@needs_recordings
def test_errors_are_not_among_the_answers():
    assert {e.status for e in recorded.anthropic_errors()} >= {400, 401, 404, 429}
    assert {a.status for a in recorded.anthropic_answers()} == {200}


@needs_recordings
def test_requests_have_bodies():
    assert all(r.request_body is not None for r in recorded.openai_chat_requests())
    assert all("messages" in r.request_body for r in recorded.anthropic_requests())
    assert len(recorded.openai_chat_answers()) > 500
    assert len(recorded.openai_response_requests()) > 500


@needs_recordings
def test_batches_hold_every_recording_once():
    mark = recorded.recorded_params("batch", recorded.anthropic_answers, batches=7)
    name, params = mark.args
    assert (name, len(params)) == ("batch", 7)
    files = [r.file for param in params for r in param.values[0]]
    assert sorted(files) == sorted(r.file for r in recorded.anthropic_answers())


def test_absent_recordings_give_one_skipped_test(monkeypatch, tmp_path):
    monkeypatch.setattr(recorded, "FOLDER", tmp_path)
    mark = recorded.recorded_params("batch", recorded.anthropic_answers)
    (param,) = mark.args[1]
    assert param.marks[0].name == "skip"
    assert "not at" in param.marks[0].kwargs["reason"]
