import json

import pytest

from autokd.errors import DeviceError
from autokd.measure.protocol import (
    BEGIN,
    MAX_ANSWER_BYTES,
    BenchJob,
    parse_answer,
    strip_control,
)
from tests.measure.answers import an_answer, changed, wrapped


def test_an_answer_among_other_output_is_read():
    answer = parse_answer(wrapped(an_answer()), where="board")
    assert answer.host.machine == "aarch64"
    assert answer.latency_ms.p90_early_stop == 2.6
    assert answer.state.after.throttled is None


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (b"", "gave no whole answer, but: nothing"),
        (b"bash: python3: \x1b[1mnot found", r"but: bash: python3: \[1mnot found"),
        (BEGIN + b"{}", "gave no whole answer"),
        (b"x" * (MAX_ANSWER_BYTES + 1), "answered 1048577 bytes; at most 1048576"),
        (wrapped(b"{"), "is not JSON"),
        (wrapped(b"[" * 100_000), "is not JSON"),
        (wrapped(b"\xff"), "is not JSON"),
        (wrapped(b"[]"), r"the answer's \(whole answer\) is wrong"),
        (wrapped(json.dumps(an_answer()).replace("12.5", "NaN").encode()), "NaN is not a number"),
        (wrapped(json.dumps(an_answer()).replace("12.5", "1e999").encode()), "latency_ms.load"),
        (wrapped(an_answer(more=1)), "the answer's more is wrong: Extra inputs"),
        (wrapped(an_answer(schema="autokd.bench/2")), "the answer's schema is wrong"),
        (wrapped(changed("latency_ms", p50="2")), "the answer's latency_ms.p50 is wrong"),
        (wrapped(changed("latency_ms", p50=-1.0)), "the answer's latency_ms.p50 is wrong"),
        (wrapped(changed("latency_ms", n=0)), "the answer's latency_ms.n is wrong"),
        (wrapped(changed("output", sha256="/etc/passwd")), "the answer's output.sha256 is wrong"),
        (wrapped(changed("host", cpu_model="x" * 5000)), "the answer's host.cpu_model is wrong"),
        (wrapped(changed("runtime", providers_active=[])), "a part of a measurement only"),
        (wrapped(an_answer(validity=None)), "a part of a measurement only"),
        (wrapped(an_answer(host=None)), "host facts are missing"),
        (wrapped(an_answer(ok=False)), "says not ok, without an error"),
    ],
)  # fmt: skip
def test_anything_else_is_a_device_error(output, words):
    with pytest.raises(DeviceError, match=f"^board: .*{words}"):
        parse_answer(output, where="board")


def test_text_from_a_board_cannot_steer_the_terminal():
    answer = parse_answer(wrapped(changed("host", cpu_model="a\x1b]0;x\x07b\u202ec")), where="x")
    assert answer.host.cpu_model == "a ]0;x b c"
    assert strip_control("\r\nplain\x9b ü\n") == "plain ü"


def test_a_job_refuses_what_the_agent_would_not_understand():
    with pytest.raises(ValueError, match="threads"):
        BenchJob(model="m", threads=0, seconds=1, max_seconds=2)
    job = BenchJob(model="m", threads=1, seconds=1, max_seconds=2)
    assert job.longest_seconds == 7.0
