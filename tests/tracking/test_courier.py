import threading
import time

from autokd.tracking.courier import Courier
from tests.tracking.fakes import NotingTracker, some_results


def test_calls_come_in_their_order_and_from_one_other_thread() -> None:
    tracker, threads = NotingTracker(), set()
    courier = Courier("noting", tracker)
    results = some_results()
    for one in results:
        courier.send(lambda t, one=one: (threads.add(threading.current_thread()), t.tell(one)))
    courier.close(seconds=10)
    assert tracker.calls == [("tell", one) for one in results]
    assert len(threads) == 1
    assert threading.main_thread() not in threads
    assert courier.complaint() is None


def test_a_tracker_that_breaks_is_said_once_and_told_nothing_more() -> None:
    tracker = NotingTracker(fails_in="tell")
    courier = Courier("mlflow:http://host", tracker)
    courier.send(lambda t: t.open(None))
    for _ in range(3):
        courier.send(lambda t: t.tell(None))
    courier.send(lambda t: t.stop(interrupted=True))
    courier.close(seconds=10)
    assert tracker.calls == [("open", None)]
    said = courier.complaint()
    assert said.startswith(
        "--track mlflow:http://host: is given up (ConnectionError: the server is away)."
    )
    assert "\n" not in said
    assert "'autokd resume'" in said
    assert courier.complaint() is None


def test_a_fault_without_words_is_named_by_its_class() -> None:
    def fail(tracker):
        raise TimeoutError

    courier = Courier("noting", NotingTracker())
    courier.send(fail)
    courier.close(seconds=10)
    assert "(TimeoutError)" in courier.complaint()


def test_nobody_waits_for_a_tracker_that_hangs() -> None:
    let_go = threading.Event()
    courier = Courier("noting", NotingTracker())
    began = time.monotonic()
    courier.send(lambda t: let_go.wait(30))
    courier.send(lambda t: t.open(None))
    assert courier.complaint() is None
    courier.close(seconds=0.2)
    assert time.monotonic() - began < 5
    assert "it did not answer within 0.2 s, so not all has reached it" in courier.complaint()
    let_go.set()
