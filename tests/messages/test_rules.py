"""A message says where, what, and what to do; read from the source, so none is left out."""

import re

import pytest

from tests.messages.sites import CHOICES, HOLE, Message, messages

MESSAGES = messages()

# Words that tell a person what to do, or what a value must be.
ADVICE = re.compile(
    r"\b(add|begin|bring|calibrate|call|check|choose|compare|copy|correct|did you mean|end|export|"
    r"free|give|go on|install|keep|known|label|leave|look|looks for|make|mark|measure|move|must|"
    r"name|needs?|probe|put|raise|remove|rename|resize|run|save|say|says|see|set|start|take|test|transpose|"
    r"uninstall|unpack|use|wait|write|is the board on)\b",
    re.IGNORECASE,
)
# A place: a value that is filled in, an option, a keyword, or what a command has one of.
PLACE = re.compile(rf"{HOLE}|^--|^[a-z_]+=?:|\bthe target\b|the agent's")

# Of an error that ends a trial and never a run; `autokd status` shows it beside the trial.
ENDS_A_TRIAL = {"TrainingError"}
# Caught on the spot: the connection is made anew, and in the end `UnreachableError` says all of it.
TRIED_AGAIN = {"ConnectionLostError"}
# The text comes from elsewhere, where it is whole.
PASSED_ON = {
    "autokd/cli/bench.py": f"--sustained: {HOLE}",
    "autokd/cli/main.py": f"stopped by SIGTERM. {HOLE}",
    "autokd/core/settings.py": f"{HOLE} {HOLE}: {HOLE}.",
    "autokd/data/archive.py": f"{HOLE}: {HOLE}{HOLE}",
    "autokd/measure/ssh.py": f"{HOLE}: {HOLE} on the board. {HOLE}",
    "autokd/measure/ssh_hostkeys.py": f"{HOLE}: the key {HOLE} was accepted before, and now "
    f"{HOLE} is given. {HOLE}",
    "autokd/teacher/file.py": f"{HOLE}: {HOLE}",
}
# The run that it is about is the only one there is.
ABOUT_THE_RUN = "no finalist could be trained at full length"


def passed_on(message: Message) -> bool:
    return PASSED_ON.get(message.place.partition(":")[0]) == message.text


def judged() -> list[Message]:
    left = ENDS_A_TRIAL | TRIED_AGAIN
    return [m for m in MESSAGES if m.error not in left and not passed_on(m)]


def test_the_messages_of_the_tree_are_found():
    assert len(MESSAGES) > 250
    texts = {message.text for message in MESSAGES}
    assert f"{HOLE}: there is no such file; check --teacher." in texts
    assert any(message.text.endswith(CHOICES + ".") for message in MESSAGES)


@pytest.mark.parametrize("message", judged(), ids=lambda m: m.place)
def test_a_message_says_where_and_what_to_do(message):
    assert PLACE.search(message.text) or message.text.startswith(ABOUT_THE_RUN), message.text
    assert ADVICE.search(message.text), message.text
    assert message.text.strip().endswith((".", "?", HOLE, '"')), message.text


def test_no_exception_is_left_that_nothing_needs():
    texts = {(m.place.partition(":")[0], m.text) for m in MESSAGES}
    assert set(PASSED_ON.items()) <= texts
    assert {m.error for m in MESSAGES} >= ENDS_A_TRIAL | TRIED_AGAIN
    assert any(m.text.startswith(ABOUT_THE_RUN) for m in MESSAGES)
