"""Whether a file that was exported once still computes what lies beside it."""

import zipfile
from pathlib import Path

import numpy as np

from autokd.errors import ExportError
from autokd.export.package import SAMPLE_FILE
from autokd.export.verify import Parity, compare, run_onnx


def recheck(model: Path) -> Parity:
    """Run a winner's fp32 file on the images beside it, against the logits beside it.

    Raises:
        ExportError: File or sample cannot be read or run.
        ParityError: The logits are others.
    """
    sample = model.with_name(SAMPLE_FILE)
    try:
        with np.load(sample, allow_pickle=False) as arrays:
            fed, logits = arrays["image"], arrays["logits"]
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as fault:
        msg = f"{sample}: cannot be read ({fault}); export it again."
        raise ExportError(msg) from None
    pixels = fed if fed.dtype == np.uint8 else np.rint(fed * 255).astype(np.uint8)
    images = np.ascontiguousarray(pixels.transpose(0, 2, 3, 1))
    return compare(logits, run_onnx(model, images), where=str(model))
