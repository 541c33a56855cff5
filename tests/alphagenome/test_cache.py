"""Answers kept on disk."""

from __future__ import annotations

import asyncio
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from alphagenome.protos import tensor_pb2
from alphagenome.protos.v1 import dna_model_pb2 as pb
from alphagenome.protos.v1 import dna_model_service_pb2 as service

from workspace_api.alphagenome import answers
from workspace_api.alphagenome.answers import IncomingAnswer, Room
from workspace_api.alphagenome.cache import AnswerCache, RecentAnswers
from workspace_api.alphagenome.framing import BrokenAnswerError

ROOM = 10_000_000
KEY = "ab" + "0" * 62
DAY = 86_400


def answer(chunks: int = 2, size: int = 1000) -> list[bytes]:
    """A prediction of one output, whose bytes no compressor makes smaller."""
    tensor = tensor_pb2.Tensor(shape=[1], chunk_count=chunks)
    output = pb.Output(output_type=pb.OUTPUT_TYPE_DNASE, track_data=pb.TrackData(values=tensor))
    parts = [tensor_pb2.TensorChunk(data=os.urandom(size)) for _ in range(chunks)]
    messages = [service.PredictIntervalResponse(output=output)]
    messages += [service.PredictIntervalResponse(tensor_chunk=part) for part in parts]
    return [message.SerializeToString() for message in messages]


def keep(cache: AnswerCache, key: str, messages: list[bytes]) -> None:
    recording = cache.record("PredictInterval")
    try:
        for message in messages:
            recording.add(message)
        cache.keep(recording, key)
    finally:
        recording.close()


@pytest.fixture
def cache(tmp_path) -> AnswerCache:
    return AnswerCache(tmp_path, ROOM, 30)


@pytest.mark.parametrize("size", [10, 3_000_000], ids=["small", "larger than is read at once"])
def test_what_was_kept_is_given_as_it_was(cache, size):
    messages = answer(size=size)
    keep(cache, KEY, messages)

    assert list(cache.open(KEY)) == messages
    assert cache.open("cd" + KEY[2:]) is None


def test_what_was_read_before_is_given_without_reading_it_again(cache, tmp_path):
    messages = answer()
    keep(cache, KEY, messages)
    assert cache.recall(KEY) is None
    cache.open(KEY)

    assert list(cache.recall(KEY)) == list(cache.recall(KEY)) == messages


def test_what_was_read_before_is_not_given_when_its_file_was_removed_or_replaced(cache, tmp_path):
    keep(cache, KEY, answer())
    cache.open(KEY)
    other = answer()
    keep(AnswerCache(tmp_path, ROOM, 30), KEY, other)

    assert cache.recall(KEY) is None
    assert list(cache.open(KEY)) == other
    (tmp_path / "ab" / KEY).unlink()
    assert cache.recall(KEY) is None


def test_what_was_read_before_is_not_given_when_it_has_become_too_old(cache, tmp_path):
    keep(cache, KEY, answer())
    path = tmp_path / "ab" / KEY
    os.utime(path, (time.time(), time.time() - 30 * DAY + 0.3))
    assert cache.open(KEY) is not None
    time.sleep(0.4)

    assert cache.recall(KEY) is None


def test_answers_that_were_read_before_are_remembered_up_to_their_bytes(cache, tmp_path):
    recent = RecentAnswers(max_bytes=100)
    stat = tmp_path.stat()
    for key in ("one", "two"):
        recent.put(key, stat, b"x" * 50)
    recent.get("one", stat)  # asked for just now
    recent.put("three", stat, b"x" * 50)
    recent.put("three", stat, b"x" * 50)

    assert [recent.get(key, stat) is not None for key in ("one", "two", "three")] == [True, False, True]


def test_what_is_being_written_is_read_by_several_at_once(cache):
    recording = cache.record("GetMetadata")
    messages = [
        service.MetadataResponse(output_metadata=[pb.OutputMetadata(output_type=at % 12)] * 3000)
        for at in range(60)
    ]
    serialised = [message.SerializeToString() for message in messages]
    places = [recording.add(message) for message in serialised]
    with ThreadPoolExecutor(8) as readers:
        assert list(readers.map(recording.read, places * 20)) == serialised * 20
    recording.close()


def test_another_process_finds_what_one_has_kept(cache, tmp_path):
    messages = answer()
    keep(cache, KEY, messages)

    assert list(AnswerCache(tmp_path, ROOM, 30).open(KEY)) == messages


@pytest.mark.parametrize("place", [0, 10, 500, -1])
def test_a_byte_that_changed_anywhere_removes_an_answer_also_one_that_was_read_before(cache, tmp_path, place):
    keep(cache, KEY, answer())
    assert cache.open(KEY) is not None
    path = tmp_path / "ab" / KEY
    content = bytearray(path.read_bytes())
    content[place] ^= 0x10
    path.write_bytes(content)

    assert cache.recall(KEY) is None
    assert cache.open(KEY) is None
    assert not path.exists()


@pytest.mark.parametrize("length", [0, 3, 100])
def test_a_file_that_was_cut_off_is_removed(cache, tmp_path, length):
    keep(cache, KEY, answer())
    path = tmp_path / "ab" / KEY
    path.write_bytes(path.read_bytes()[:length])

    assert cache.open(KEY) is None
    assert not path.exists()


def test_answers_under_way_go_to_disk_when_all_together_hold_too_much(cache, tmp_path, monkeypatch):
    monkeypatch.setattr(answers, "ALL_IN_MEMORY", 3000)
    messages = answer()  # some 2,000 bytes

    async def work():
        room = Room()
        with ThreadPoolExecutor(1) as disk:
            one, other = (IncomingAnswer("PredictInterval", cache, disk, room) for _ in range(2))
            for message in messages:
                await one.add(message)
            assert room.held == sum(map(len, messages))
            assert list((tmp_path / "parts").iterdir()) == []

            for message in messages:
                await other.add(message)
            assert room.held == sum(map(len, messages))
            assert len(list((tmp_path / "parts").iterdir())) == 1

            for each in (one, other):
                await each.end()
                assert [message async for message in each.read()] == messages
                await each.close()
            assert room.held == 0

    asyncio.run(work())


def test_an_answer_without_its_last_chunk_is_not_kept(cache):
    with pytest.raises(BrokenAnswerError, match="1 chunks too early"):
        keep(cache, KEY, answer()[:-1])

    assert cache.open(KEY) is None


@pytest.mark.parametrize(
    "messages",
    [[], answer()[1:], [*answer(), b"\xff\xff\xff"], answer() + answer()[1:2]],
    ids=["nothing", "chunks alone", "no message", "a chunk too many"],
)
def test_what_is_no_answer_is_not_kept(cache, messages):
    with pytest.raises(BrokenAnswerError):
        keep(cache, KEY, messages)

    assert cache.open(KEY) is None


def test_what_was_used_least_recently_goes_first(tmp_path):
    cache = AnswerCache(tmp_path, 30_000, 30)
    keys = [f"{number:02x}" + KEY[2:] for number in range(4)]
    for at, key in enumerate(keys[:3]):
        keep(cache, key, answer(size=4000))
        os.utime(tmp_path / key[:2] / key, (at, time.time()))
    assert cache.open(keys[0]) is not None  # used just now
    keep(cache, keys[3], answer(size=4000))

    assert [cache.open(key) is not None for key in keys] == [True, False, True, True]


def test_an_answer_that_is_too_old_is_not_given(cache, tmp_path):
    keep(cache, KEY, answer())
    path = tmp_path / "ab" / KEY
    os.utime(path, (time.time(), time.time() - 31 * DAY))

    assert cache.open(KEY) is None
    assert not path.exists()


def test_an_answer_larger_than_all_the_room_is_not_kept(tmp_path):
    cache = AnswerCache(tmp_path, 1000, 30)
    keep(cache, KEY, answer())

    assert cache.open(KEY) is None


def test_what_a_killed_process_left_half_written_is_removed_after_a_while(tmp_path):
    cache = AnswerCache(tmp_path, ROOM, 30)
    left, new = (cache.record("PredictInterval").path for _ in range(2))
    os.utime(left, (0, 0))
    AnswerCache(tmp_path, ROOM, 30)

    assert [path.exists() for path in (left, new)] == [False, True]


def test_of_two_processes_one_has_a_keys_lock(tmp_path):
    one, other = AnswerCache(tmp_path, ROOM, 30), AnswerCache(tmp_path, ROOM, 30)
    with one.try_lock(KEY) as first, other.try_lock(KEY) as second:
        assert (first, second) == (True, False)
    with other.try_lock(KEY) as again:
        assert again
    assert list((tmp_path / "locks").iterdir()) == []


def test_a_disk_on_which_no_lock_can_be_made_keeps_nobody_from_asking(cache, tmp_path):
    locks = next(tmp_path.glob("**/locks"))
    locks.rmdir()

    with cache.try_lock("aa00") as held:
        assert held
