"""Errors as a person meets them: through the command line, on a screen of 80 columns.

Each case makes the fault occur and reads what is said of it: place, value, rule, what to do. Show
all of them with ``pytest tests/messages -rP``.
"""

import pytest

from tests.messages.test_rules import ADVICE

GIVEN = "--teacher @teacher.pt --data @good.npz --device jetson-nano"
TAUGHT = "--data @good.npz --device jetson-nano --dry-run"
SEEN = "--teacher @teacher.pt --device jetson-nano --dry-run"
TIMED = "--device host"
# Every architecture of torchvision is looked at, which takes half a minute, once.
OWN = f"compress {TAUGHT} --teacher @own.pt"

# What is typed, the exit code, and words of the message: place, value, what to do.
CASES = [
    # What is missing or misspelt.
    ("compres", 2, ("'compres'", "did you mean 'compress'?")),
    ("compress", 2, ("no teacher", "--teacher FILE", "autokd.toml")),
    ("compress --teacher @teacher.pt", 2, ("no device", "--device D", "devices list")),
    ("compress --tacher x", 2, ("--tacher", "--teacher", "--help")),
    (f"compress {GIVEN} --budget soon", 2, ("--budget soon", "30m")),
    (f"compress {GIVEN} --max-size 3parsecs", 2, ("--max-size 3parsecs", "300kB")),
    (f"compress {GIVEN} --max-params -5", 2, ("--max-params -5", "must be greater than 0")),
    (f"compress {GIVEN} --views 0", 2, ("--views 0", "must be greater than or equal to 1")),
    (f"compress {GIVEN} --mean a,b", 2, ("'a,b'", "0.485,0.456,0.406")),
    (f"compress {GIVEN} --class-names cat", 2, ("'cat'", "cat,dog")),
    (f"compress {GIVEN} --class-names cat,,dog", 2, ("'cat,,dog'", "comma")),
    (f"compress {GIVEN} --class-names @zero.pt", 2, ("zero.pt", "one class name a line")),
    (f"compress {GIVEN} --class-names @cut.pt", 2, ("cut.pt", "cannot be read as text")),
    (f"compress {GIVEN} --epochs 3", 2, ("--epochs", "--trials")),
    (f"compress {GIVEN} --trials 3 --warm-start @begun --strategy bohb", 2, ("bohb",)),
    (f"compress {GIVEN} --config none.toml", 2, ("none.toml", "check the path")),
    (f"compress {GIVEN} --config @broken.json", 2, ("broken.json", "not valid TOML", "correct")),
    (f"compress {GIVEN} --out @teacher.pt", 2, ("teacher.pt", "is a file", "folder")),
    (f"compress {GIVEN} --out @not-a-run", 2, ("is not empty", "autokd resume")),
    (f"compress {GIVEN} --save-config @list.json", 2, ("exists already", "another name")),
    (f"compress {GIVEN} --accept-host-key SHA256:x", 2, ("--accept-host-key", "ssh://")),
    # Devices and targets.
    (f"compress {GIVEN} --device jetson-nan", 2, ("'jetson-nan'", "did you mean 'jetson-nano'")),
    (f"compress {GIVEN} --device none.toml", 2, ("none.toml", "check the path")),
    (f"compress {GIVEN} --device stm32h7 --max-latency-ms 5 --dry-run", 2, ("--max-latency-ms",)),
    (f"compress {GIVEN} --precision fp16 --dry-run", 2, ("--precision fp16", "fp32")),
    (f"compress {GIVEN} --train-on cuda --dry-run", 2, ("--train-on cuda", "use")),
    (f"compress {GIVEN} --target board", 2, ("'board'", "ssh://")),
    (f"compress {GIVEN} --target adb://x", 2, ("adb", "ssh://")),
    (f"compress {GIVEN} --target ssh://", 2, ("'ssh://'", "must be ssh://")),
    (f"compress {GIVEN} --target ssh://b --accept-host-key x", 2, ("'x'", "ssh-keygen")),
    (f"compress {GIVEN} --target ssh://me@127.0.0.1:1", 5, ("127.0.0.1:1", "cannot be reached")),
    ("devices check @list.json", 2, ("list.json", ".toml")),
    ("devices check none.toml", 2, ("none.toml", "check the path")),
    ("devices show nobody", 2, ("'nobody'", "devices list")),
    ("devices calibrate esp32-s3 --target local", 2, ("esp32-s3", "ESP-DL", "Give a device")),
    ("devices new Board --target local", 2, ("'Board'", "lower-case")),
    ("devices new board --target nowhere", 2, ("'nowhere'", "ssh://")),
    # Teachers.
    (f"compress {TAUGHT} --teacher none.pt", 2, ("none.pt", "no such file", "--teacher")),
    (f"compress {TAUGHT} --teacher @hollow", 2, ("hollow", "is a folder")),
    (f"compress {TAUGHT} --teacher @zero.pt", 2, ("zero.pt", "0 bytes", "copy it again")),
    (f"compress {TAUGHT} --teacher @cut.pt", 2, ("cut.pt", "cut short", "copy or save")),
    (f"compress {TAUGHT} --teacher @notes.pt", 2, ("notes.pt", "Accepted are")),
    (f"compress {TAUGHT} --teacher @lfs.pt", 2, ("lfs.pt", "git lfs pull")),
    (f"compress {TAUGHT} --teacher @keras.pt", 2, ("keras.pt", "export the model to ONNX")),
    (f"compress {TAUGHT} --teacher @packed.pt", 2, ("packed.pt", "unpack it first")),
    (f"compress {TAUGHT} --teacher @photos.pt", 2, ("photos.pt", "not one that torch writes")),
    (f"compress {TAUGHT} --teacher @outside.pt", 2, ("'../data.pkl'", "save it again")),
    (f"compress {TAUGHT} --teacher @nan.pt", 2, ("fc.bias", "earlier checkpoint")),
    (f"compress {TAUGHT} --teacher @bare.pt", 2, ("'epoch'", "model.state_dict()")),
    (f"compress {TAUGHT} --teacher @trap.pt", 2, ("trap.pt", "--trust-code")),
    (f"compress {TAUGHT} --teacher @text.onnx", 2, ("text.onnx", "save it again")),
    (f"compress {TAUGHT} --teacher @model.onnx", 2, ("model.onnx",)),
    (f"compress {TAUGHT} --teacher @teacher.pt --arch resnet18", 2, ("'resnet18'", "NAME")),
    (f"compress {TAUGHT} --teacher @teacher.pt --arch torchvision:resnet81", 2, ("did you mean",)),
    (f"compress {TAUGHT} --teacher @teacher.pt --arch torchvision:resnet18", 2, ("resnet18",)),
    (f"compress {TAUGHT} --teacher @teacher.pt --arch nowhere:net", 2, ("'nowhere'", "folder")),
    (f"compress {TAUGHT} --teacher @teacher.pt --arch json:nets", 2, ("'nets'", "no callable")),
    (f"compress {TAUGHT} --teacher @teacher.pt --arch os:getcwd", 2, ("os:getcwd",)),
    (f"compress {TAUGHT} --teacher @teacher.pt --mean 0.5", 2, ("mean", "std", "both")),
    (f"compress {TAUGHT} --teacher @teacher.pt --mean 0 --std 0", 2, ("std", "above 0")),
    (f"compress {TAUGHT} --teacher @teacher.pt --mean 0,0 --std 1,1", 2, ("give 1 or",)),
    (f"compress {TAUGHT} --teacher @teacher.pt --class-names a,b", 2, ("4 outputs", "each output")),
    (f"compress {TAUGHT} --teacher @teacher.pt --data @two.npz", 2, ("4 classes", "2")),
    # Images.
    (f"compress {SEEN}", 2, ("data", "no such folder or file", "--data")),
    (f"compress {SEEN} --data @data.csv", 2, ("data.csv", ".npz")),
    (f"compress {SEEN} --data @hollow", 2, ("no images", ".heic", "put image files")),
    (f"compress {SEEN} --data @single", 2, ("only one class", "'cat'")),
    (f"compress {SEEN} --data @stranger", 2, ("'dgo'", "did you mean 'dog'")),
    (f"compress {SEEN} --data @damaged", 2, ("cannot be read", "copy them again")),
    (f"compress {SEEN} --data @twice", 2, ("val", "keep one")),
    (f"compress {SEEN} --data @untrained", 2, ("no train/", "add it")),
    (f"compress {SEEN} --data @lone.npz", 2, ("only 1 image", "add images")),
    (f"compress {SEEN} --data @empty.npz", 2, ("0 bytes", "write it again")),
    (f"compress {SEEN} --data @text.npz", 2, ("text.npz", "savez_compressed")),
    (f"compress {SEEN} --data @floats.npz", 2, ("float64", "must be uint8")),
    (f"compress {SEEN} --data @first.npz", 2, ("channels first", "transpose")),
    (f"compress {SEEN} --data @flat.npz", 2, ("(120, 256)", "must be")),
    (f"compress {SEEN} --data @none.npz", 2, ("(0, 16, 16)", "give some")),
    (f"compress {SEEN} --data @named.npz", 2, ("pixels", "rename")),
    (f"compress {SEEN} --data @halves.npz", 2, ("float64", "integers")),
    (f"compress {SEEN} --data @short.npz", 2, ("(119,)", "must be (120,)")),
    (f"compress {SEEN} --data @target.npz", 2, ("targets", "rename")),
    (f"compress {SEEN} --data @wrong.npz", 2, ("label",)),
    (f"compress {SEEN} --data @object.npz", 2, ("Python objects", "save it as")),
    (f"compress {SEEN} --data @names.npz", 2, ("classes", "list of names")),
    (f"compress {SEEN} --data @words.npz", 2, ("split", "'train'")),
    (f"compress {SEEN} --data @odd.npz", 2, ("'trian'", "did you mean 'train'")),
    (f"compress {SEEN} --data @notrain.npz", 2, ("no 'train'", "mark some")),
    (f"compress {SEEN} --data torchvision:MNIST", 2, ("torchvision:NAME@ROOT",)),
    (f"compress {SEEN} --data torchvision:MIST@x", 2, ("'MIST'", "did you mean")),
    (f"compress {SEEN} --data torchvision:MNIST@x", 2, ("not on disk", "root")),
    # What cannot be done.
    (f"compress {GIVEN} --max-params 100 --dry-run", 3, ("parameters", "Raise a limit")),
    # Runs.
    ("status none", 2, ("none", "no such run folder")),
    ("status @not-a-run", 2, ("not-a-run", "config.toml", "--out")),
    ("status @damaged-run", 2, ("ledger.sqlite", "Put back a copy")),
    ("status @foreign", 2, ("version 99", "start a new run")),
    ("resume @not-a-run", 2, ("not-a-run", "--out")),
    ("report @begun", 2, ("results.json", "autokd status")),
    ("report @broken-run", 2, ("results.json", "missing key", "add it")),
    ("export @begun --device jetson-nano", 2, ("results.json", "autokd resume")),
    ("export @begun --device nobody", 2, ("'nobody'", "devices list")),
    ("demo @not-a-run", 2, ("not-a-run", "new one")),
    # Timing and comparing.
    (f"bench none.onnx {TIMED}", 2, ("none.onnx", "give the path")),
    (f"bench @text.onnx {TIMED}", 5, ("(load)", "export it")),
    (f"bench @model.onnx {TIMED} --sustained soon", 2, ("--sustained: 'soon'", "30m")),
    (f"bench @model.onnx {TIMED} --accept-host-key SHA256:x", 2, ("'local'", "leave it out")),
    ("bench @model.onnx --device stm32h7 --threads 0", 2, ("--threads", "1<=x<=256")),
    ("compare none.json none.json", 2, ("none.json", "give a run folder")),
    ("compare @data.csv @data.csv", 2, ("data.csv", "give a run folder")),
    ("compare @broken.json @broken.json", 2, ("broken.json", "give a run folder")),
    ("compare @list.json @list.json", 2, ("neither results nor measurements", "give")),
    ("compare @timings.json @timings.json", 2, ("2 models", "give one each")),
    ("compare x y --max-latency-regression 5", 2, ("5", "5%")),
    ("compare x y --max-latency-regression 0", 2, ("0", "1%")),
    ("doctor --run none", 2, ("none", "no such run folder")),
    ("doctor --target board", 2, ("'board'", "ssh://")),
]


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        *(pytest.param(*case, id=case[0]) for case in CASES),
        pytest.param(OWN, 2, ("own.pt", "--arch"), id=OWN, marks=pytest.mark.slow),
    ],
)
def test_an_error_is_told_in_words(say, line, code, words):
    said = say(line)
    assert said.code == code, said.message
    for word in words:
        assert word in said.message, said.message
    assert said.message.endswith((".", "?", ".)")), said.message
    assert "?." not in said.message
    assert ADVICE.search(said.message), said.message
    assert all(len(shown) <= 80 or " " not in shown for shown in said.lines)
    assert said.place, "nothing of the tree raised it"
