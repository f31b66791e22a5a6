from collections.abc import Callable

import pytest

from tests.measure.conftest import board  # noqa: F401 - a fixture of these tests, too
from tools.runtimes.places import HOW
from tools.runtimes.running import Release


@pytest.fixture
def need() -> Callable[[Release], Release]:
    """Skip a test on a machine without the release that it is about."""

    def check(release: Release) -> Release:
        if not release.is_there:
            pytest.skip(f"onnxruntime {release.name} is not there; {HOW}")
        return release

    return check
