"""A target of a plug-in: any other way to a machine that runs the agent."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from autokd.core.closing import Closing
from autokd.core.device import DeviceProfile
from autokd.core.plugin_record import Plugin
from autokd.core.plugins import blaming, load_plugin, scheme_of
from autokd.errors import DeviceError, PluginError
from autokd.measure.protocol import BenchAnswer, BenchJob


class Machine(Protocol):
    """What a plug-in gives for an address.

    Attributes:
        name: For people.
        is_device: Whether a timing there counts as the board's.
        on_this_host: Whether it shares the processor with the training, which is then held back
            while a model is timed.
    """

    name: str
    is_device: bool
    on_this_host: bool

    def probe(self) -> BenchAnswer:
        """Run the agent with ``--probe`` there, and give what `parse_answer` makes of its answer.

        Raises:
            DeviceError: The machine cannot be reached, or the agent does not run there.
        """
        ...

    def bench(
        self,
        job: BenchJob,
        *,
        model: Path,
        sample: Path | None = None,
        reference: Path | None = None,
    ) -> BenchAnswer:
        """Run the agent there with ``job`` as JSON on its standard input, and give its answer.

        Args:
            job: ``model``, ``sample`` and ``reference`` must be set to where the files lie there.
            model: The ONNX file here.
            sample: The ``sample.npz`` here whose first image is the input; noise when None.
            reference: Another ONNX file here, which the agent runs in turns with the model.

        Raises:
            DeviceError: The machine cannot be reached, or the agent failed.
            MeasurementError: It did not end within ``job.longest_seconds`` and some to start.
        """
        ...

    def close(self) -> None:
        """Let go of the machine, and remove what was put there; may be called twice."""
        ...


# Called with what stands behind ``NAME://``, and with what the target is taken to be.
OpenMachine = Callable[[str, DeviceProfile], Machine]


class PluginTarget(Closing):
    """A `Machine` as a target.

    What fails inside is a `DeviceError`: a search goes on by prediction, as with any board that
    does not answer.

    Attributes:
        name: Of the machine.
        is_device: Of the machine.
        on_this_host: Of the machine.
    """

    def __init__(self, plugin: Plugin, machine: Machine) -> None:
        self.name = str(machine.name)
        self.is_device = bool(machine.is_device)
        self.on_this_host = bool(machine.on_this_host)
        self._plugin = plugin
        self._machine = machine
        self._probed: BenchAnswer | None = None

    def probe(self) -> BenchAnswer:
        """Give facts about the machine; asked once and remembered.

        Raises:
            DeviceError: It cannot be reached, the agent does not run there, or the plug-in failed.
        """
        if self._probed is None:
            with blaming(self._plugin, doing="asking the machine", error=DeviceError):
                self._probed = self._accepted(self._machine.probe())
        return self._probed

    def bench(
        self,
        job: BenchJob,
        *,
        model: Path,
        sample: Path | None = None,
        reference: Path | None = None,
    ) -> BenchAnswer:
        """Run the agent on ``job``; see `Target`.

        Raises:
            DeviceError: The machine cannot be reached, the agent or the plug-in failed.
            MeasurementError: It did not end in time.
        """
        with blaming(self._plugin, doing=f"timing {model.name}", error=DeviceError):
            given = self._machine.bench(job, model=model, sample=sample, reference=reference)
            return self._accepted(given)

    def close(self) -> None:
        """Let go of the machine; may be called twice.

        Raises:
            DeviceError: The plug-in failed.
        """
        with blaming(self._plugin, doing="being closed", error=DeviceError):
            self._machine.close()

    def _accepted(self, answer: object) -> BenchAnswer:
        if not isinstance(answer, BenchAnswer):
            msg = f"it gave a {type(answer).__name__}, not the BenchAnswer of parse_answer"
            raise TypeError(msg)
        if answer.error is not None:
            msg = answer.error.in_words(self.name)
            raise DeviceError(msg)
        return answer


def open_plugin_target(text: str, profile: DeviceProfile) -> PluginTarget:
    """Give the target of an address ``NAME://...``, which the plug-in of that name opens.

    Raises:
        PluginError: There is no such plug-in, it cannot be imported, or it gives no machine.
        AutoKDError: The plug-in refuses the address.
    """
    plugin, given = load_plugin("target", scheme_of(text))
    if not callable(given):
        msg = (
            f"{plugin}: is a {type(given).__name__}; its entry point must name a class or function "
            "that is called with (address, profile)."
        )
        raise PluginError(msg)
    with blaming(plugin, doing=f"opening {text!r}"):
        return PluginTarget(plugin, given(text.partition("://")[2], profile))
