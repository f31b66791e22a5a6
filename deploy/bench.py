"""Times an ONNX model with onnxruntime and says what it found as one JSON object.

    python3 bench.py < job.json          the answer stands on stdout, between BEGIN and END
    python3 bench.py --probe < /dev/null facts about this host, without a model

Needs Python 3.6 or newer, numpy and onnxruntime, nothing else, and installs nothing. It stands
alone: it is copied to a board as it is.

The job, an object with exactly the keys of JOB below:

    model                path of the .onnx file
    model_sha256         what it must have, or null
    sample               path of a .npz whose first row of "image" is the input; null: noise
    reference            path of another .onnx, run in turns with the model; null: none
    providers            of onnxruntime, wanted one first
    threads              of one operator (intra_op); operators run one after another
    seconds              time to measure at least; 64 samples are taken in any case
    max_seconds          stop measuring then, with however many samples
    warmup_seconds       run that long before, until the median has settled
    max_warmup_seconds   but no longer than this
    sustained_seconds    go on that long afterwards, a median a minute; null: not at all
    arena                onnxruntime's memory arena
    memory_pattern       its plan of all blocks at once
    spinning             whether its threads wait by turning in circles
    seed                 of the noise

A measurement is valid when no rule of `judge` is broken. Percentiles are over all samples, none
is dropped. ``p90_early_stop`` is the 99 % upper bound on p90 of MLPerf's single-stream rules.
``reference_ratio`` is the model's time over that of the reference beside it, which stays where it
is when the speed of the machine moves; the memory is then that of both.
"""

import glob
import hashlib
import json
import math
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from array import array

VERSION = "3"
SCHEMA = "autokd.bench/1"
BEGIN = "-----BEGIN AUTOKD BENCH-----"
END = "-----END AUTOKD BENCH-----"
JOB = (
    "model model_sha256 sample reference providers threads seconds max_seconds warmup_seconds "
    "max_warmup_seconds sustained_seconds arena memory_pattern spinning seed"
).split()

MIN_WARMUP_RUNS = 10
SETTLED_BLOCKS = 5  # the medians of so many blocks must lie within SETTLED_FRACTION
SETTLED_FRACTION = 0.02
BLOCK_SECONDS = 0.05
TURN_SECONDS = 0.005  # short against what moves the speed of a machine for a while

CONFIDENCE = 0.99  # of the early-stopping bound
MIN_SAMPLES_P90 = 64  # fewer have no bound on p90 at that confidence, and so for p99 (MLPerf)
MIN_SAMPLES_P99 = 662
MAX_DRIFT_PCT = 5.0
MAX_NOISE_PCT = 25.0
MAX_VALUES = 1024  # of the output, in the answer

CPU = "CPUExecutionProvider"

FEATURES = set(
    "neon asimd asimdhp asimddp i8mm sve avx avx2 fma avx512f avx512_vnni avx_vnni".split()
)


class Refusal(Exception):  # noqa: N818 - an answer, not a defect
    """Ends the job with an answer that says why: ``kind`` for programs, the text for people."""

    def __init__(self, kind, message):
        Exception.__init__(self, message)
        self.kind = kind


def main(arguments, stdin, stdout):
    """Answer one job; the exit status is 0 when the model was timed, valid or not."""
    answer = {"schema": SCHEMA, "ok": False, "error": None, "runner": _runner()}
    try:
        answer.update(probe() if arguments == ["--probe"] else bench(read_job(stdin.read())))
        answer["ok"] = True
    except Exception as fault:
        kind, said = getattr(fault, "kind", None), str(fault)
        if "MemoryError" in repr(fault) or "bad_alloc" in said:
            kind, said = "memory", "there is not enough memory for this model here: %s" % said
        said = said if kind else repr(fault)
        answer["error"] = {"kind": kind or "internal", "message": said[:2000]}
    stdout.write("%s\n%s\n%s\n" % (BEGIN, json.dumps(answer, allow_nan=False), END))
    stdout.flush()
    return 0 if answer["ok"] else 1


def read_job(text):
    """Give the job as a dict; refuses one with other keys than JOB."""
    try:
        job = json.loads(text)
    except ValueError as fault:
        raise Refusal("job", "the job is not JSON: %s" % fault) from None
    if not isinstance(job, dict) or sorted(job) != sorted(JOB):
        found = sorted(job) if isinstance(job, dict) else type(job).__name__
        raise Refusal("job", "the job has %s; must have exactly %s" % (found, sorted(JOB)))
    return job


def probe():
    """Give the parts of an answer that need no model."""
    memory = {"start": _status_kb("VmRSS")}
    onnxruntime = _import_runtime()
    memory["after_import"] = _status_kb("VmHWM")
    runtime = {
        "name": "onnxruntime",
        "version": onnxruntime.__version__,
        "providers_available": onnxruntime.get_available_providers(),
    }
    return {"host": host(), "runtime": runtime, "memory_kb": memory, "state": {"before": state()}}


def bench(job):
    """Give the parts of an answer that time the model of ``job``."""
    answer = probe()
    size, digest = _check_model(job)
    session, create_seconds = _load(job["model"], job, answer["runtime"])
    memory = answer["memory_kb"]
    memory["after_session"] = _status_kb("VmHWM")
    feed, described = _make_input(session, job)

    started = time.perf_counter()
    output = _run(session, feed)
    first_ms = (time.perf_counter() - started) * 1e3
    memory["after_first_run"] = _status_kb("VmHWM")
    answer["output"] = _describe_output(output)
    warmup = _warm_up(session, feed, job)
    if job["reference"]:
        samples, seconds, compared = _measure_in_turns(session, feed, job, answer["runtime"])
    else:
        samples, seconds = _measure(session, feed, job)
        compared = {"reference_p50": None, "reference_ratio": None}
    memory["peak"] = _status_kb("VmHWM")
    memory["resident"] = _status_kb("VmRSS")
    memory["anonymous"] = _status_kb("RssAnon")

    answer["job"] = {
        "model_bytes": size,
        "model_sha256": digest,
        "input": described,
        "sample": job["sample"] is not None,
        "seed": job["seed"],
    }
    answer["latency_ms"] = summarise(samples, seconds)
    answer["latency_ms"].update(warmup, load=create_seconds * 1e3, first=first_ms, **compared)
    answer["state"]["after"] = state()
    reasons = judge(answer["latency_ms"], answer["state"])
    answer["validity"] = {"valid": not reasons, "reasons": reasons}
    if job["sustained_seconds"]:
        answer["sustained"] = _sustain(session, feed, job["sustained_seconds"])
    if job["providers"][0] != CPU:
        del session  # two engines may be more than an accelerator holds
        answer["runtime"]["node_placement"] = _placement(job, feed)
    return answer


def summarise(samples_ms, seconds):
    """Give the statistics of latencies in ms, taken one after another over ``seconds``."""
    import numpy as np

    values = np.asarray(samples_ms, dtype=np.float64)
    n = len(values)
    median = float(np.percentile(values, 50))
    tenths = [float(np.median(part)) for part in np.array_split(values, 10) if len(part)]
    third = max(1, len(tenths) // 3)
    early = sorted(tenths[:third])[third // 2]
    late = sorted(tenths[-third:])[third // 2]
    return {
        "n": n,
        "seconds": seconds,
        "min": float(values.min()),
        "mean": float(values.mean()),
        "std": float(values.std(ddof=1)) if n > 1 else 0.0,
        "p50": median,
        "p90": float(np.percentile(values, 90)),
        "p90_early_stop": early_stop(samples_ms, 0.90),
        "p99": float(np.percentile(values, 99)) if n >= MIN_SAMPLES_P99 else None,
        "max": float(values.max()),
        "drift_pct": (late / early - 1.0) * 100.0,
        "noise_pct": (max(tenths) - min(tenths)) / median * 100.0,
    }


def judge(latency, around):
    """Give the rules that a measurement breaks, as text; none makes it valid."""
    broken = []
    if latency["n"] < MIN_SAMPLES_P90:
        broken.append("too few samples: %d, p90 needs %d" % (latency["n"], MIN_SAMPLES_P90))
    if abs(latency["drift_pct"]) > MAX_DRIFT_PCT:
        broken.append(
            "drift: the last third is %+.1f %% off the first, at most %g %% allowed"
            % (latency["drift_pct"], MAX_DRIFT_PCT)
        )
    if latency["noise_pct"] > MAX_NOISE_PCT:
        broken.append(
            "noise: medians of tenths of the run spread over %.0f %%, at most %g %% allowed"
            % (latency["noise_pct"], MAX_NOISE_PCT)
        )
    # Bits 0 to 3 of the Raspberry Pi's word are about now; from 16 on they say it once happened.
    words = [around[when]["throttled"] or 0 for when in ("before", "after")]
    if any(word & 0xF for word in words):
        broken.append("throttled: the board says 0x%x (power or heat)" % max(words))
    if any(around[when]["cooling"] for when in ("before", "after")):
        broken.append("throttled: the system holds the clock down (heat)")
    counts = [around[when]["heat_events"] or 0 for when in ("before", "after")]
    if counts[1] > counts[0]:
        broken.append("throttled: the processor counts %d heat events" % (counts[1] - counts[0]))
    return broken


def early_stop(samples, fraction):
    """Give MLPerf's upper bound on a percentile, or None when there are too few samples.

    The t - 1 slowest of q samples are dropped and the slowest of the rest is given, for the largest
    t such that t or fewer samples above the percentile have probability 1 - CONFIDENCE at most.
    """
    q = len(samples)
    total, t = 0.0, 0
    while t <= q:
        log_choose = math.lgamma(q + 1) - math.lgamma(t + 1) - math.lgamma(q - t + 1)
        total += math.exp(log_choose + t * math.log(1 - fraction) + (q - t) * math.log(fraction))
        if total > 1 - CONFIDENCE:
            break
        t += 1
    return None if t < 2 else sorted(samples)[q - (t - 1)]


def host():
    """Give facts about this machine that do not change while it runs."""
    cpuinfo = _cpuinfo()
    features = (cpuinfo.get("flags") or cpuinfo.get("Features") or "").split()
    machine = platform.machine()
    return {
        "machine": machine,
        "cpu_model": cpuinfo.get("model name") or cpuinfo.get("Model") or cpuinfo.get("Hardware"),
        "cpu_features": sorted(FEATURES & set(features)),
        "board": _read("/proc/device-tree/model"),
        "nproc": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "mem_total_kb": _kb_line("/proc/meminfo", "MemTotal"),
        "os": _os_name(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "glibc": platform.libc_ver()[1] or None,
        "virtualised": _virtualised(machine, features),
    }


def state():
    """Give what changes while the machine runs and moves its speed."""
    cpufreq = "/sys/devices/system/cpu/cpu[0-9]*/cpufreq/"
    return {
        "governor": sorted(set(_read_all(cpufreq + "scaling_governor"))),
        "freq_khz": _ints(_read_all(cpufreq + "scaling_cur_freq")),
        "temp_mc": _ints(_read_all("/sys/class/thermal/thermal_zone*/temp")),
        "throttled": _throttled(),
        "heat_events": _heat_events(),
        "cooling": _cooling(),
        "utc_seconds": time.time(),
        "loadavg": list(os.getloadavg()),
        "mem_available_kb": _kb_line("/proc/meminfo", "MemAvailable"),
    }


def _import_runtime():
    try:
        import numpy as np  # noqa: F401 - so that a missing one is named here
        import onnxruntime
    except ImportError as fault:
        raise Refusal(
            "import", "%s; install numpy and onnxruntime for this Python" % fault
        ) from None
    if hasattr(onnxruntime, "disable_telemetry_events"):
        onnxruntime.disable_telemetry_events()  # 1.32 has some; a board reports to its owner alone
    return onnxruntime


def _check_model(job):
    try:
        digest, size = hashlib.sha256(), 0
        with open(job["model"], "rb") as stream:
            # In pieces: the whole file at once would count as memory that the model needs.
            for piece in iter(lambda: stream.read(65536), b""):
                digest.update(piece)
                size += len(piece)
    except OSError as fault:
        raise Refusal("model", "%s: cannot be read (%s)" % (job["model"], fault.strerror)) from None
    found = digest.hexdigest()
    if job["model_sha256"] not in (None, found):
        raise Refusal("sha256", "%s: sha256 is %s, not the one sent" % (job["model"], found))
    return size, found


def _options(job):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = job["threads"]
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    options.enable_cpu_mem_arena = job["arena"]
    options.enable_mem_pattern = job["memory_pattern"]
    spinning = "1" if job["spinning"] else "0"
    options.add_session_config_entry("session.intra_op.allow_spinning", spinning)
    return options


def _load(model, job, runtime):
    """Give the session and the seconds that it took, and write what runs into ``runtime``."""
    import onnxruntime

    wanted, options = job["providers"], _options(job)
    missing = [name for name in wanted if name not in runtime["providers_available"]]
    if missing:
        raise Refusal(
            "provider",
            "onnxruntime %s has no %s, only %s"
            % (runtime["version"], ", ".join(missing), ", ".join(runtime["providers_available"])),
        )
    started = time.perf_counter()
    try:
        session = onnxruntime.InferenceSession(model, options, providers=wanted)
    except Exception as fault:
        raise Refusal("load", "onnxruntime %s: %s" % (runtime["version"], fault)) from None
    seconds = time.perf_counter() - started
    active = session.get_providers()
    if active[:1] != wanted[:1]:
        raise Refusal("provider", "asked for %s, onnxruntime runs %s" % (wanted[0], active))
    runtime.update(providers_requested=wanted, providers_active=active)
    runtime.update((key, job[key]) for key in ("threads", "arena", "memory_pattern", "spinning"))
    return session, seconds


def _placement(job, feed):
    """Give how many nodes each provider ran; refuses when the wanted one ran none.

    Only the profile of a run says it, which slows the run down: so this is another session.
    """
    import onnxruntime

    folder = tempfile.mkdtemp(prefix="autokd-")
    try:
        options = _options(job)
        options.enable_profiling = True
        options.profile_file_prefix = os.path.join(folder, "profile")
        session = onnxruntime.InferenceSession(job["model"], options, providers=job["providers"])
        _run(session, feed)
        with open(session.end_profiling()) as stream:
            events = json.load(stream)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    ran = {}
    for event in events:
        name = event.get("args", {}).get("provider")
        if name and event.get("name", "").endswith("_kernel_time"):
            ran[name] = ran.get(name, 0) + 1
    wanted = job["providers"][0]
    if ran and wanted not in ran:
        shown = ", ".join("%d nodes on %s" % (ran[name], name) for name in sorted(ran))
        raise Refusal("provider", "asked for %s, onnxruntime ran %s" % (wanted, shown))
    return ran


def _make_input(session, job):
    """Give the feed, and dtype and shape of each input."""
    taken = session.get_inputs()
    dtypes = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}
    shape = [side for side in taken[0].shape if isinstance(side, int) and side > 0]
    if len(taken) != 1 or taken[0].type not in dtypes or len(shape) != len(taken[0].shape):
        found = [(one.name, one.type, one.shape) for one in taken]
        raise Refusal("input", "inputs %s; must be one of bytes or floats of a fixed shape" % found)
    dtype = dtypes[taken[0].type]
    value = _sample(job["sample"], shape, dtype) if job["sample"] else _noise(job, shape, dtype)
    return {taken[0].name: value}, {taken[0].name: {"dtype": dtype, "shape": shape}}


def _noise(job, shape, dtype):
    import numpy as np

    # Python's generator and not numpy's: it gives the same bytes in every version.
    count = int(np.prod(shape))
    drawn = random.Random(job["seed"]).getrandbits(8 * count)  # noqa: S311 - an image
    noise = np.frombuffer(drawn.to_bytes(count, "little"), dtype=np.uint8).reshape(shape)
    return noise if dtype == "uint8" else noise.astype(np.float32) / np.float32(255)


def _sample(path, shape, dtype):
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as archive:
            value = np.ascontiguousarray(archive["image"][:1])
    except Exception as fault:
        raise Refusal("input", "%s: no input can be read from it (%s)" % (path, fault)) from None
    if list(value.shape) != shape or value.dtype != dtype:
        found = "%s %s" % (value.dtype, list(value.shape))
        raise Refusal("input", "%s: has %s, the model takes %s %s" % (path, found, dtype, shape))
    return value


def _run(session, feed):
    try:
        return session.run(None, feed)[0]
    except Exception as fault:
        raise Refusal("run", "onnxruntime failed on the model: %s" % fault) from None


def _describe_output(output):
    import numpy as np

    if not np.isfinite(output).all():
        raise Refusal("output", "the model gives numbers that are not finite")
    flat = np.ascontiguousarray(output).reshape(-1)
    return {
        "sha256": hashlib.sha256(flat.tobytes()).hexdigest(),
        "argmax": int(flat.argmax()),
        "size": int(flat.size),
        "values": [float(value) for value in flat[:MAX_VALUES]],
    }


def _warm_up(session, feed, job):
    """Run until the median has settled; give the number of runs and whether it did."""
    runs, medians, settled = 0, [], False
    started = time.perf_counter()
    while True:
        block = _timed_for(session, feed, BLOCK_SECONDS)
        runs += len(block)
        medians.append(sorted(block)[len(block) // 2])
        medians = medians[-SETTLED_BLOCKS:]
        if len(medians) == SETTLED_BLOCKS:
            settled = max(medians) - min(medians) < SETTLED_FRACTION * min(medians)
        elapsed = time.perf_counter() - started
        enough = runs >= MIN_WARMUP_RUNS and elapsed >= job["warmup_seconds"]
        if (enough and settled) or elapsed >= job["max_warmup_seconds"]:
            return {"warmup_n": runs, "warmup_seconds": elapsed, "warmup_settled": settled}


def _measure(session, feed, job):
    """Give all latencies in ms, in order, and the seconds over which they were taken."""
    samples = array("d")  # a list takes four times the memory, which would count as the model's
    started = time.perf_counter()
    while True:
        samples.append(_timed(session, feed))
        elapsed = time.perf_counter() - started
        enough = elapsed >= job["seconds"] and len(samples) >= MIN_SAMPLES_P90
        if enough or elapsed >= job["max_seconds"]:
            return samples, elapsed


def _measure_in_turns(session, feed, job, runtime):
    """Give what `_measure` gives, and how it compares to the reference that runs in between.

    A turn of the model is held against the turns of the reference before and after it.
    """
    reference, _ = _load(job["reference"], job, dict(runtime))
    other, _ = _make_input(reference, dict(job, sample=None))
    for _ in range(MIN_WARMUP_RUNS):
        _run(reference, other)
    samples, paces, ratios = array("d"), [], []
    started = time.perf_counter()
    before = statistics.median(_take_turn(reference, other))
    while True:
        turn = _take_turn(session, feed)
        after = statistics.median(_take_turn(reference, other))
        samples.extend(turn)
        paces.append(after)
        ratios.append(2 * statistics.median(turn) / (before + after))
        before = after
        elapsed = time.perf_counter() - started
        enough = elapsed >= job["seconds"] and len(samples) >= MIN_SAMPLES_P90
        if enough or elapsed >= job["max_seconds"]:
            p50, ratio = statistics.median(paces), statistics.median(ratios)
            return samples, elapsed, {"reference_p50": p50, "reference_ratio": ratio}


def _take_turn(session, feed):
    _timed(session, feed)  # does not count: the caches are full of the other model
    return _timed_for(session, feed, TURN_SECONDS)


def _sustain(session, feed, seconds):
    """Give the course of time and heat over ``seconds``, in windows of a minute or a tenth."""
    import numpy as np

    window = min(60.0, seconds / 10.0)
    p50, counts, temp_mc, freq_khz = [], [], [], []
    started = time.perf_counter()
    while time.perf_counter() - started < seconds:
        samples = _timed_for(session, feed, window)
        now = state()
        p50.append(float(np.median(np.frombuffer(samples))))
        counts.append(len(samples))
        temp_mc.append(max(now["temp_mc"]) if now["temp_mc"] else None)
        freq_khz.append(min(now["freq_khz"]) if now["freq_khz"] else None)
    tenth = max(1, len(p50) // 10)
    slowdown = float(np.median(p50[-tenth:]) / np.median(p50[:tenth]) - 1.0)
    return {
        "seconds": time.perf_counter() - started,
        "window_seconds": window,
        "n": counts,
        "p50_ms": p50,
        "temp_mc": temp_mc,
        "freq_khz": freq_khz,
        "slowdown_pct": slowdown * 100.0,
    }


def _timed_for(session, feed, seconds):
    """Give the latencies in ms of runs one after another over so many seconds, of one at least."""
    samples = array("d")
    end = time.perf_counter() + seconds
    while not samples or time.perf_counter() < end:
        samples.append(_timed(session, feed))
    return samples


def _timed(session, feed):
    started = time.perf_counter()
    session.run(None, feed)
    return (time.perf_counter() - started) * 1e3


def _runner():
    with open(os.path.abspath(__file__), "rb") as stream:
        digest = hashlib.sha256(stream.read()).hexdigest()
    utc = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {"version": VERSION, "sha256": digest, "started_utc": utc, "clock": "perf_counter"}


def _cpuinfo():
    found = {}
    for line in (_read("/proc/cpuinfo") or "").splitlines():
        key, _, value = line.partition(":")
        found.setdefault(key.strip(), value.strip())
    return found


def _virtualised(machine, features):
    # User-mode emulation passes on the real processor's flags, the kernel's own machine and the
    # emulator's name; which of them depends on its version.
    foreign = machine == "aarch64" and "sse2" in features
    real = _read("/proc/sys/kernel/arch")
    program = (_read("/proc/self/status") or "").partition("\n")[0]
    if foreign or (real and real != machine) or program.startswith("Name:\tqemu-"):
        return "qemu-user"
    groups = _read("/proc/1/cgroup") or ""
    if any(os.path.exists(path) for path in ("/.dockerenv", "/run/.containerenv")) or any(
        word in groups for word in ("docker", "kubepods", "lxc", "containerd")
    ):
        return "container"
    vendor = _read("/sys/class/dmi/id/sys_vendor") or ""
    if "hypervisor" in features or os.path.exists("/sys/hypervisor/type") or "QEMU" in vendor:
        return "vm"
    return "none"


def _os_name():
    for line in (_read("/etc/os-release") or "").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return platform.system()


def _throttled():
    """Give the Raspberry Pi's word on power and heat; None elsewhere."""
    words = _read_all("/sys/devices/platform/soc*/soc*firmware/get_throttled")
    for text in words or [_ask(["vcgencmd", "get_throttled"]).partition("=")[2]]:
        try:
            return int(text, 16)
        except ValueError:
            pass
    return None


def _heat_events():
    """Give how often the processor slowed itself down since it was started; None if not told."""
    counters = "/sys/devices/system/cpu/cpu[0-9]*/thermal_throttle/*_throttle_count"
    counts = _ints(_read_all(counters))
    return sum(counts) if counts else None


def _cooling():
    """Give by how many steps the kernel holds the clock down for heat; None if it cannot."""
    steps = []
    for folder in sorted(glob.glob("/sys/class/thermal/cooling_device*")):
        if "cpufreq" in (_read(os.path.join(folder, "type")) or ""):
            steps += _ints(_read_all(os.path.join(folder, "cur_state")))
    return max(steps) if steps else None


def _ask(command):
    try:
        return subprocess.check_output(command, stderr=subprocess.DEVNULL, timeout=5).decode()
    except (OSError, ValueError, subprocess.SubprocessError):
        return ""


def _status_kb(key):
    return _kb_line("/proc/self/status", key)


def _kb_line(path, key):
    for line in (_read(path) or "").splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1])
    return None


def _read_all(pattern):
    return [text for text in (_read(path) for path in sorted(glob.glob(pattern))) if text]


def _ints(texts):
    return [int(text) for text in texts if text.lstrip("-").isdigit()]


def _read(path):
    try:
        with open(path, "rb") as stream:
            return stream.read().decode("utf-8", "replace").strip("\x00\n ")
    except OSError:
        return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdin, sys.stdout))
