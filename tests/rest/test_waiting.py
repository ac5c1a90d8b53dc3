"""Nobody has to ask again and again: reads wait, and the stream tells."""

import asyncio
import json
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, cast

import pytest

from remedyd.errors import Throttled
from remedyd.server.waiting import Moved, Streams
from remedyd.service import Service
from support.running import Running
from support.ways import Listening, proposed


def _in_background(call: Any) -> tuple[threading.Thread, list[Any]]:
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(call()))
    thread.start()
    return thread, answers


def test_a_read_waits_for_the_next_move(running: Running) -> None:
    """It answers as soon as the proposal moves, long before its time is up."""
    made = proposed(running)
    viewer = running.client("viewer")
    path = f"/v1/proposals/{made['id']}?wait=30&version={made['version']}"
    began = time.monotonic()
    thread, answers = _in_background(lambda: viewer.get(path, timeout=40))
    running.client("proposer").post(f"/v1/proposals/{made['id']}/reject")
    thread.join(20)
    assert answers[0].json()["state"] == "Rejected"
    assert time.monotonic() - began < 10


def test_a_wait_ends_with_what_is_there(running: Running) -> None:
    """When nothing moves in the time, the proposal is shown as it stands."""
    made = proposed(running)
    answer = running.client("viewer").get(f"/v1/proposals/{made['id']}?wait=0.2")
    assert answer.json()["version"] == made["version"]


def test_a_list_waits_for_its_first_item(running: Running) -> None:
    """With `wait`, a list that would be empty answers when something fits."""
    made = proposed(running)
    viewer = running.client("viewer")
    path = f"/v1/proposals?state=Superseded&since={made['created_at']}&wait=0.2"
    assert viewer.get(path, timeout=40).json()["items"] == []
    path = "/v1/proposals?state=Rejected&wait=30&namespace=shop&limit=200"
    thread, answers = _in_background(lambda: viewer.get(path, timeout=40))
    running.client("proposer").post(f"/v1/proposals/{made['id']}/reject")
    thread.join(20)
    assert answers[0].json()["items"]


def test_the_stream_tells_of_every_move(running: Running) -> None:
    """Each event comes with its position, its action and what it is about."""
    listening = Listening(running.client("viewer"), "/v1/events?seconds=3")
    made = proposed(running)
    event = listening.wait_for("propose", made["id"])
    data = json.loads(event["data"])
    assert (data["position"], data["namespace"]) == (int(event["id"]), "shop")
    running.client("proposer").post(f"/v1/proposals/{made['id']}/reject")
    listening.wait_for("reject", made["id"])
    listening.join()


def test_a_stream_goes_on_where_it_broke(running: Running) -> None:
    """With Last-Event-ID nothing in between is lost, and nothing comes twice."""
    viewer = running.client("viewer")
    last = viewer.get("/v1/trail?limit=1").json()["items"]
    position = str(last[0]["position"] if last else 0)
    made = proposed(running)
    running.client("proposer").post(f"/v1/proposals/{made['id']}/reject")
    path = f"/v1/events?seconds=2&proposal={made['id']}"
    listening = Listening(viewer, path, {"Last-Event-ID": position})
    listening.wait_for("reject", made["id"])
    listening.join()
    assert [event["event"] for event in listening.events] == ["propose", "reject"]


def test_a_stream_keeps_to_the_namespaces_of_its_reader(running: Running) -> None:
    """A caller limited to other namespaces hears nothing of these."""
    listening = Listening(running.client("elsewhere"), "/v1/events?seconds=1")
    proposed(running)
    listening.join()
    assert listening.events == []


def test_a_made_up_position_is_explained(running: Running) -> None:
    """Last-Event-ID has to be one that was handed out."""
    answer = running.client("viewer").get("/v1/events", headers={"Last-Event-ID": "x"})
    assert answer.status_code == 422


def test_one_reader_leaves_streams_to_the_others() -> None:
    """So many are open at most, and of one principal a part of them."""
    streams = Streams()
    with ExitStack() as opened:
        for number in range(64):
            streams.check(f"reader-{number // 16}")
            opened.enter_context(streams.opened(f"reader-{number // 16}"))
            if number == 15:
                with pytest.raises(Throttled, match="reader-0 has 16"):
                    streams.check("reader-0")
        with pytest.raises(Throttled, match="64 event streams"):
            streams.check("another")
    streams.check("reader-0")


def test_a_move_after_the_end_of_the_server_harms_nobody() -> None:
    """Whoever moved the proposal must not hear that somebody who waited is gone."""

    class Quiet:
        def listen(self, told: object) -> Callable[[], None]:
            return lambda: None

    async def waiting() -> Moved:
        return Moved(cast(Service, Quiet()), Streams())

    asyncio.run(waiting()).wake()
