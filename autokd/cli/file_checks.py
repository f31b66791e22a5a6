"""What ``autokd doctor --run`` looks at in the files of a winner: each is opened and run again."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from autokd.cli.checks import Finding
from autokd.errors import AutoKDError

if TYPE_CHECKING:
    from autokd.core.results import Report, Winner

_AGAIN = "Export it again: autokd export RUN --device D."


def check_files(report: "Report", run: Path) -> list[Finding]:
    """Judge the fp32 file of the best student: its bytes, its form, and what it computes."""
    if not report.winners:
        return []
    winner = report.winners[0]
    path = run / winner.export.file
    if not path.is_file():
        return [Finding("fail", "file", f"{path}: is missing", _AGAIN)]
    found = [_check_bytes(path, winner.export.sha256), _check_form(path, report.device)]
    if found[-1].level != "fail":
        found.append(_check_output(path, winner))
    return found


def _check_bytes(path: Path, sha256: str) -> Finding:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != sha256:
        text = f"{path}: SHA-256 {digest[:12]}, the report says {sha256[:12]}: it was changed"
        return Finding("fail", "file", text, _AGAIN)
    return Finding("ok", "file", f"{path}: as it was exported")


def _check_form(path: Path, device: str) -> Finding:
    """Check that the file is what the board's runtimes load."""
    from autokd.core.device import load_profile
    from autokd.errors import ProfileError
    from autokd.export.verify import check_file

    try:
        profile = load_profile(device)
        check_file(path, profile.export)
    except ProfileError as fault:
        advice = "Without the profile nobody can say what the board loads."
        return Finding("warn", "form of the file", str(fault), advice, is_device=True)
    except AutoKDError as fault:
        return Finding("fail", "form of the file", str(fault), _AGAIN, is_device=True)
    text = f"opset {profile.export.opset}, IR {profile.export.ir}, one file"
    if profile.runtime is not None:
        text += f"; {profile.runtime.package} {profile.runtime.version} there loads up to opset "
        text += f"{profile.runtime.max_opset} and IR {profile.runtime.max_ir}"
    return Finding("ok", "form of the file", text, is_device=True)


def _check_output(path: Path, winner: "Winner") -> Finding:
    """Check that the file still computes the logits that lie beside it."""
    from autokd.export.recheck import recheck

    try:
        parity = recheck(path)
    except AutoKDError as fault:
        return Finding("fail", "what it computes", str(fault), _AGAIN)
    text = f"{parity.images} images within {parity.max_error:.2g} of the student's logits"
    return Finding("ok", "what it computes", f"{text}, {winner.export.parity_images} then")
