import platform

import pytest

from autokd.errors import ConfigError, DeviceError, InputError, PluginError
from autokd.measure.local import LocalTarget
from autokd.measure.protocol import parse_answer
from autokd.measure.ssh import SshTarget
from autokd.measure.target import measure_on, open_target, require_board
from tests.measure.answers import an_answer, changed, wrapped


class Remembering:
    """A target that gives scripted answers and remembers its jobs."""

    name = "ssh://board"

    def __init__(self, answer, *, is_device=True):
        self.answer = parse_answer(wrapped(answer), where=self.name)
        self.is_device = is_device
        self.jobs = []

    def probe(self):
        return self.answer

    def bench(self, job, *, model, sample=None, reference=None):
        self.jobs.append(job)
        facts = self.answer.job.model_copy(update={"model_sha256": job.model_sha256})
        return self.answer.model_copy(update={"job": facts})


def test_local_is_the_board_only_for_a_profile_of_the_host(profile):
    assert not open_target("local", profile).is_device
    host = profile.model_copy(update={"kind": "host"})
    target = open_target("local", host)
    assert isinstance(target, LocalTarget)
    assert target.is_device


def test_an_address_opens_a_board_and_connects_to_nothing(profile):
    target = open_target("ssh://pi@192.0.2.1:2222", profile, accept_host_key="SHA256:" + "a" * 43)
    assert isinstance(target, SshTarget)
    assert target.name == "ssh://pi@192.0.2.1:2222"
    assert target.is_device
    target.close()
    target.close()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no target; give 'local', ssh://"),
        ("Local", "is no target"),
        ("pi@board", "is no target"),
        ("adb://R58M", "adb is not supported, since it was never tried on a phone"),
        ("ssh://-x", "no name of a host"),
    ],
)
def test_anything_else_is_no_target(profile, text, words):
    with pytest.raises(ConfigError, match=words):
        open_target(text, profile)


def test_an_unknown_scheme_may_be_a_plug_in_that_is_missing(profile):
    with pytest.raises(PluginError, match="there is no target 'http'"):
        open_target("http://board", profile)


def test_a_host_key_goes_with_ssh_and_has_its_form(profile):
    with pytest.raises(ConfigError, match="'local' has no host key"):
        open_target("local", profile, accept_host_key="SHA256:" + "a" * 43)
    with pytest.raises(ConfigError, match="must be SHA256:"):
        open_target("ssh://board", profile, accept_host_key="yes")


def test_the_job_is_of_the_profile_as_far_as_the_board_goes(profile, make_model):
    model = make_model()
    runtime = profile.runtimes[0].model_copy(
        update={"threads": 6, "providers": ("CPUExecutionProvider", "OtherExecutionProvider")}
    )
    wide = profile.model_copy(update={"runtimes": (runtime,)})
    target = Remembering(an_answer())
    measure_on(target, model, wide, seconds=2.0, seed=3, sustained_seconds=600)
    (job,) = target.jobs
    assert job.threads == 4  # the board has four processors
    assert job.providers == runtime.providers
    assert (job.seconds, job.max_seconds, job.seed, job.sustained_seconds) == (2.0, 60.0, 3, 600.0)
    assert (job.warmup_seconds, job.max_warmup_seconds) == (1.0, 5.0)
    assert len(job.model_sha256) == 64
    measure_on(target, model, wide, seconds=30.0, threads=2, max_warmup_seconds=0.5)
    assert target.jobs[1].threads == 2
    assert target.jobs[1].max_seconds == 120.0
    assert target.jobs[1].warmup_seconds == target.jobs[1].max_warmup_seconds == 0.5


def test_another_machine_is_not_asked_for_the_boards_provider(profile, make_model):
    runtime = profile.runtimes[0].model_copy(update={"providers": ("CUDAExecutionProvider",)})
    other = profile.model_copy(update={"runtimes": (runtime,)})
    target = Remembering(an_answer(), is_device=False)
    assert not measure_on(target, make_model(), other).is_device
    assert target.jobs[0].providers == ("CPUExecutionProvider",)


def test_a_machine_of_another_architecture_is_not_the_board(profile):
    answer = changed("host", machine="x86_64")
    with pytest.raises(DeviceError, match="is a x86_64 machine, and the profile 'board' is of aar"):
        require_board(Remembering(answer), parse_answer(wrapped(answer), where="x"), profile)
    free = profile.model_copy(update={"cpu": profile.cpu.model_copy(update={"arch": "any"})})
    target = Remembering(answer)
    assert require_board(target, target.answer, free).machine == "x86_64"
    target = Remembering(answer, is_device=False)
    assert require_board(target, target.answer, profile).machine == "x86_64"


def test_an_emulated_board_is_refused_before_anything_is_timed(profile, make_model):
    target = Remembering(changed("host", virtualised="qemu-user"))
    with pytest.raises(DeviceError, match="its latency is not taken"):
        measure_on(target, make_model(), profile)
    assert target.jobs == []


def test_a_missing_model_is_the_persons_input(profile, tmp_path):
    with pytest.raises(InputError, match=r"no\.onnx: cannot be read"):
        measure_on(Remembering(an_answer()), tmp_path / "no.onnx", profile)


def test_this_host_answers_a_probe_once(profile):
    with open_target("local", profile) as target:
        first = target.probe()
        assert target.probe() is first
    assert first.host.machine == platform.machine()
