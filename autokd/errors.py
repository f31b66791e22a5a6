"""Every error that autokd raises on purpose, with the exit code of the command that meets it.

* AutoKDError
  + InputError              2    an option, a file or data that a person gave is wrong
    - ConfigError           2    autokd.toml or an option
    - ProfileError          2    a device profile
    - PluginError           2    a plug-in that was named
    - DataError             2    images or labels
    - TeacherError          2    the teacher's file, or what it scores
      . UntrustedCodeError  2    the file would run code when loaded
  + InfeasibleError         3    no student of the space meets the limits
  + GateError               4    a gate set by the person failed
  + DeviceError             5    device, target or provider
  + ExportError             6    the exported file is not what the board needs
    - ParityError           6    it does not compute what the student computes
  + MeasurementError        7    a measurement that does not count
  + StoppedError            75   stopped early; ``autokd resume`` goes on
  + StorageError            75   the disk is full or cannot be written; ``autokd resume`` goes on
  + InterruptedRunError     130  Ctrl-C (143 for SIGTERM); ``autokd resume`` goes on
  + TrainingError           1    a student's loss is not finite; ends its trial, never a run
"""

from collections.abc import Mapping

EXIT_NAMES: Mapping[int, str] = {
    0: "done",
    1: "defect",
    2: "input",
    3: "infeasible",
    4: "gate_failed",
    5: "device",
    6: "export",
    7: "measurement_invalid",
    75: "stopped",
    130: "interrupted",
    143: "terminated",
}


class AutoKDError(Exception):
    """Base class: catch this to tell what autokd says on purpose from a defect."""

    exit_code = 1


class InputError(AutoKDError, ValueError):
    """Something that a person gave is wrong; nothing was started."""

    exit_code = 2


class ConfigError(InputError):
    """``autokd.toml`` or an option is wrong."""


class ProfileError(InputError):
    """A device profile is missing, malformed or at odds with itself."""


class PluginError(InputError):
    """A plug-in that was named is missing, of another version, or does not work."""


class DataError(InputError):
    """Images or labels cannot be used."""


class TeacherError(InputError):
    """The teacher's file cannot be used, or scores near chance."""


class UntrustedCodeError(TeacherError):
    """Loading the file would run code from it, and nobody allowed that."""


class InfeasibleError(AutoKDError):
    """No student of the space meets the limits."""

    exit_code = 3


class GateError(AutoKDError):
    """A gate that the person set failed."""

    exit_code = 4


class DeviceError(AutoKDError):
    """Device, target or execution provider cannot be used."""

    exit_code = 5


class ExportError(AutoKDError):
    """The exported file is not what the board needs."""

    exit_code = 6


class ParityError(ExportError):
    """The exported file does not compute what the student computes."""


class MeasurementError(AutoKDError):
    """A measurement that does not count; the message names the rule."""

    exit_code = 7


class StoppedError(AutoKDError):
    """Stopped before the end; ``autokd resume`` goes on from here."""

    exit_code = 75


class StorageError(AutoKDError, OSError):
    """A file cannot be written, because the disk is full or refuses."""

    exit_code = 75


class InterruptedRunError(AutoKDError):
    """A person or the system interrupted the run; its state is on disk.

    Attributes:
        exit_code: 130 after SIGINT, 143 after SIGTERM.
    """

    exit_code = 130

    def __init__(self, message: str, *, exit_code: int = 130) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class TrainingError(AutoKDError):
    """A student's loss is no longer finite."""
