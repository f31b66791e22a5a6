"""Code that runs the best student as it is: for Python, and for C++ with onnxruntime."""

from pathlib import PurePosixPath

from autokd.core.measurement import SessionOptions
from autokd.core.results import Winner


def student_file(winner: Winner) -> str:
    """Give the file for the board, relative to the run folder."""
    chosen = winner.chosen_variant
    return winner.export.file if chosen is None else str(chosen.file)


def run_code(winner: Winner) -> str:
    """Give Python code that runs the student on its sample, from inside the run folder."""
    export = winner.export
    sample = PurePosixPath(export.file).with_name("sample.npz")
    compared = "np.abs(logits - expected).max()"
    if winner.cost.latency_interval_ms is None:  # a full-integer file, whose logits are bytes
        compared = '"as before" if best == expected.argmax() else "another before"'
    settings = _session_settings(winner)
    options = "\n".join(["options = ort.SessionOptions()", *settings, ""]) if settings else ""
    given = "sess_options=options, " if settings else ""
    return f"""\
import numpy as np
import onnxruntime as ort

{options}session = ort.InferenceSession(
    {student_file(winner)!r}, {given}providers=["CPUExecutionProvider"]
)
name = session.get_inputs()[0].name
sample = np.load({str(sample)!r})
names = sample["class_names"]

# {_input_words(winner)}, (images, channels, height, width); the model normalises by itself
for image, expected in zip(sample["image"], sample["logits"]):
    logits = session.run(None, {{name: image[None]}})[0][0]
    best = int(logits.argmax())
    print(names[best] if len(names) else best, {compared})
"""


def cpp_code(winner: Winner) -> str:
    """Give a C++ program that names the class of an image; empty where onnxruntime does not run.

    It takes a binary PGM or PPM of the student's size, and uses only what onnxruntime has had
    since 1.8, so that it builds with the release of an old board too.
    """
    if winner.cost.latency_interval_ms is None:
        return ""
    channels, px = winner.genotype.image_channels, winner.genotype.input_px
    suffix, magic = ("pgm", "P5") if channels == 1 else ("ppm", "P6")
    is_bytes = winner.export.input == "uint8"
    number, scale = ("std::uint8_t", "") if is_bytes else ("float", " / 255.f")
    found = _measured_options(winner)
    threads = "" if found is None else f"\n  options.SetIntraOpNumThreads({found[0]});"
    if found is not None and not found[1].arena:
        threads += "\n  options.DisableCpuMemArena();"
    if found is not None and not found[1].memory_pattern:
        threads += "\n  options.DisableMemPattern();"
    return _CPP.format(
        channels=channels,
        px=px,
        suffix=suffix,
        magic=magic,
        number=number,
        scale=scale,
        threads=threads,
        file=student_file(winner),
        words=_input_words(winner),
    )


def _input_words(winner: Winner) -> str:
    kind = winner.export.input
    return f"{kind}, {'0 to 255' if kind == 'uint8' else '0 to 1'}"


def _measured_options(winner: Winner) -> tuple[int, SessionOptions] | None:
    """Give the threads and the session with which the chosen file was timed."""
    chosen = winner.chosen_variant
    found = winner.measurement if chosen is None else chosen.measurement
    return None if found is None else (found.threads, found.session)


def _session_settings(winner: Winner) -> list[str]:
    found = _measured_options(winner)
    if found is None:
        return []
    threads, session = found
    lines = [f"options.intra_op_num_threads = {threads}  # as it was timed"]
    if not session.arena:
        lines.append("options.enable_cpu_mem_arena = False")
    if not session.memory_pattern:
        lines.append("options.enable_mem_pattern = False")
    if not session.spinning:
        lines.append('options.add_session_config_entry("session.intra_op.allow_spinning", "0")')
    return lines


_CPP = """\
// g++ -std=c++17 -O2 student.cpp -I$ORT/include -L$ORT/lib -lonnxruntime -o student
// convert photo.jpg -resize '{px}x{px}!' -depth 8 photo.{suffix}
// ./student {file} photo.{suffix}
#include <onnxruntime_cxx_api.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

constexpr std::size_t kChannels = {channels}, kSide = {px}, kPlane = kSide * kSide;

// Reads a binary image of 8 bits: {words}, (channels, height, width).
std::vector<{number}> read_image(const char* path) {{
  std::ifstream file(path, std::ios::binary);
  std::string magic;
  std::size_t width = 0, height = 0, most = 0;
  file >> magic >> width >> height >> most;
  file.get();
  if (!file || magic != "{magic}" || width != kSide || height != kSide || most != 255)
    throw std::runtime_error(std::string(path) + ": not a binary .{suffix} of {px} x {px}");
  std::vector<char> bytes(kChannels * kPlane);
  if (!file.read(bytes.data(), static_cast<std::streamsize>(bytes.size())))
    throw std::runtime_error(std::string(path) + ": ends too early");
  std::vector<{number}> planes(bytes.size());
  for (std::size_t i = 0; i < bytes.size(); ++i)
    planes[i % kChannels * kPlane + i / kChannels] = static_cast<std::uint8_t>(bytes[i]){scale};
  return planes;
}}

int main(int count, char** words) try {{
  if (count != 3) throw std::runtime_error("usage: student MODEL IMAGE");
  Ort::Env env(ORT_LOGGING_LEVEL_WARNING, "student");
  Ort::SessionOptions options;{threads}
  Ort::Session session(env, words[1], options);

  auto image = read_image(words[2]);
  const std::int64_t shape[] = {{1, kChannels, kSide, kSide}};
  auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  auto input = Ort::Value::CreateTensor<{number}>(memory, image.data(), image.size(), shape, 4);

  const char* inputs[] = {{"image"}};
  const char* outputs[] = {{"logits"}};
  auto found = session.Run(Ort::RunOptions{{nullptr}}, inputs, &input, 1, outputs, 1);
  const float* logits = found[0].GetTensorMutableData<float>();
  const std::size_t classes = found[0].GetTensorTypeAndShapeInfo().GetElementCount();
  const float* best = std::max_element(logits, logits + classes);
  std::cout << "class " << best - logits << " of " << classes << ", logit " << *best << '\\n';
}} catch (const std::exception& fault) {{
  std::cerr << fault.what() << '\\n';
  return 1;
}}
"""
