from __future__ import annotations

import errno
import json
import os

import pytest

from claif_cla.gateway.ledger import journal
from claif_cla.gateway.ledger.entry import Entry, line_of
from claif_cla.gateway.ledger.journal import Journal, adopted, batches, segments


@pytest.fixture
def ledger(tmp_path):
    return tmp_path / "ledger.db"


@pytest.fixture
def started(ledger):
    journals = []

    def start():
        journals.append(Journal(ledger))
        return journals[-1]

    yield start
    for one in journals:
        one.close()


def line(name):
    return line_of(Entry(name, 1.0))


def ids(path):
    with path.open("rb") as file:
        return [entry[0] for batch in batches(file) for entry in json.loads(batch.text)]


def test_a_line_is_in_the_file_when_append_returns(ledger, started):
    started().append(line("a"))
    (path,) = segments(ledger)
    assert ids(path) == ["a"]


def test_files_are_for_their_owner_alone(ledger, started):
    started()
    assert segments(ledger)[0].stat().st_mode & 0o777 == 0o600


def test_rotation_hands_out_what_was_written_and_goes_on_in_another_file(ledger, started):
    one = started()
    one.append(line("a"))
    done = one.rotate()
    one.append(line("b"))
    assert ids(done) == ["a"]
    (current,) = set(segments(ledger)) - {done}
    assert ids(current) == ["b"]


def test_there_is_no_rotation_without_a_line(ledger, started):
    one = started()
    assert one.rotate() is None
    assert len(segments(ledger)) == 1


def test_a_living_processs_segment_cannot_be_adopted(ledger, started):
    started().append(line("a"))
    assert adopted(segments(ledger)[0]) is None


def test_a_segment_that_nobody_writes_is_adopted_once(ledger, started):
    one = started()
    one.append(line("a"))
    done = one.rotate()
    with adopted(done) as file:
        assert adopted(done) is None
        assert [json.loads(batch.text)[0][0] for batch in batches(file)] == ["a"]


def test_a_segment_that_is_gone_is_not_adopted(ledger):
    assert adopted(ledger.with_name("ledger.db.journal-1-ab-1")) is None


def test_a_segment_that_was_removed_meanwhile_is_not_adopted(ledger, started, monkeypatch):
    one = started()
    one.append(line("a"))
    done = one.rotate()
    flock = journal.fcntl.flock

    def removed_before(file, how):
        done.unlink(missing_ok=True)
        flock(file, how)

    monkeypatch.setattr(journal.fcntl, "flock", removed_before)
    assert adopted(done) is None


def test_a_new_segment_that_is_taken_for_an_orphan_is_not_written(ledger, started, monkeypatch):
    flock = journal.fcntl.flock
    stolen = []

    def taken_before(file, how):
        if not stolen:
            stolen.extend(segments(ledger))
            stolen[0].unlink()
        flock(file, how)

    monkeypatch.setattr(journal.fcntl, "flock", taken_before)
    started().append(line("a"))
    assert [ids(path) for path in segments(ledger)] == [["a"]]


def test_where_every_segment_is_taken_away_the_start_ends(ledger, monkeypatch):
    def taken(file, how):
        raise BlockingIOError

    monkeypatch.setattr(journal.fcntl, "flock", taken)
    with pytest.raises(OSError, match="take the journal away"):
        Journal(ledger)


def test_a_file_system_without_locks_is_an_error_that_leaves_no_file(ledger, monkeypatch):
    def unsupported(file, how):
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(journal.fcntl, "flock", unsupported)
    with pytest.raises(OSError, match="no locks"):
        Journal(ledger)
    assert segments(ledger) == []


def test_closing_leaves_no_empty_file(ledger):
    one = Journal(ledger)
    one.close()
    assert segments(ledger) == []


def test_closing_leaves_what_was_written(ledger):
    one = Journal(ledger)
    one.append(line("a"))
    one.close()
    assert ids(segments(ledger)[0]) == ["a"]
    with pytest.raises(OSError, match="Bad file"):
        one.append(line("b"))


def test_a_segment_has_a_bound(started, monkeypatch):
    one = started()
    monkeypatch.setattr(journal, "MAX_SEGMENT_BYTES", 2 * len(line("a")))
    one.append(line("a"))
    one.append(line("b"))
    with pytest.raises(OSError, match="full length"):
        one.append(line("c"))
    one.rotate()
    one.append(line("c"))


# Torn lines


@pytest.mark.parametrize("kept", [1, 10, -1], ids=["a byte", "a part", "all but the newline"])
def test_a_torn_last_line_is_left_out(ledger, started, kept):
    one = started()
    one.append(line("a"))
    done = one.rotate()
    with done.open("ab") as file:
        file.write(line("torn")[:kept])
    assert ids(done) == ["a"]


@pytest.mark.parametrize("junk", [b"\x00" * 50, b'["open', b"NaN", b"\xff\xfe"])
def test_lines_that_are_none_are_left_out_and_counted(started, junk):
    one = started()
    one.append(line("a"))
    one.append(junk + b"\n")
    one.append(line("b"))
    done = one.rotate()
    with done.open("rb") as file:
        (batch,) = batches(file)
    assert batch.unreadable == 1
    assert ids(done) == ["a", "b"]


def test_a_large_segment_comes_in_batches(started, monkeypatch):
    monkeypatch.setattr(journal, "BATCH_BYTES", 1_000)
    one = started()
    names = [f"req_{number}" for number in range(200)]
    for name in names:
        one.append(line(name))
    done = one.rotate()
    with done.open("rb") as file:
        assert len(list(batches(file))) > 10
    assert ids(done) == names


class ShortWrites:
    """`os.write` on a disk with room for so many bytes more."""

    def __init__(self, monkeypatch, room):
        self.room = room
        self._write = os.write
        monkeypatch.setattr(journal.os, "write", self)

    def __call__(self, file, data):
        piece = data[: self.room]
        self.room -= len(piece)
        return self._write(file, piece) if piece else 0


def test_a_line_that_the_disk_took_half_of_is_taken_back(ledger, started, monkeypatch):
    one = started()
    one.append(line("a"))
    disk = ShortWrites(monkeypatch, 10)
    with pytest.raises(OSError, match="full"):
        one.append(line("b"))
    disk.room = 10_000
    one.append(line("c"))
    (path,) = segments(ledger)
    assert path.read_bytes() == line("a") + line("c")


def test_a_half_line_that_cannot_be_taken_back_spoils_no_other(ledger, started, monkeypatch):
    one = started()
    one.append(line("a"))
    disk = ShortWrites(monkeypatch, 10)

    def refused(file, size):
        raise OSError(errno.EIO, "input/output error")

    monkeypatch.setattr(journal.os, "ftruncate", refused)
    with pytest.raises(OSError, match="full"):
        one.append(line("b"))
    disk.room = 10_000
    one.append(line("c"))
    one.append(line("d"))
    assert ids(segments(ledger)[0]) == ["a", "c", "d"]
