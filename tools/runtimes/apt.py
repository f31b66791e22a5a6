"""Debian packages of another architecture, fetched with apt into a state of its own.

The sources and keys are this machine's; its package lists, cache and installed packages are neither
read nor changed, so no right of root is needed.
"""

from pathlib import Path

from tools.runtimes.installing import Commands, UnavailableError


class ForeignPackages:
    """Fetches packages for an architecture into a folder, as if nothing were installed."""

    def __init__(self, commands: Commands, state: Path, architecture: str) -> None:
        """Read the lists of this machine's sources for its own and for ``architecture``.

        Raises:
            UnavailableError: There is no apt, or no time was left.
        """
        self._commands = commands
        self._archives = state / "cache" / "archives"
        self.host = commands.run(["dpkg", "--print-architecture"]).strip()
        settings = {
            "APT::Architecture": architecture,
            "APT::Architectures::": architecture,
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "root",  # the user of apt may not write into a person's folder
            "Acquire::Languages": "none",
            "Debug::NoLocking": "true",
            "Dir::Cache": state / "cache",
            "Dir::State": state,
            "Dir::State::lists": state / "lists",
            "Dir::State::status": state / "status",
        }
        self._options = [f"-o{key}={value}" for key, value in settings.items()]
        self._options.append(f"-oAPT::Architectures::={self.host}")
        self._fault = ""
        read = state / "lists_are_read"
        if not read.exists():
            for folder in (state / "lists" / "partial", self._archives / "partial"):
                folder.mkdir(parents=True, exist_ok=True)
            (state / "status").touch()
            try:
                self._get("update")
            except UnavailableError as fault:
                # One source without this architecture is a fault, too; what counts comes later.
                self._fault = f" ({fault})"
            else:
                read.touch()

    def unpack(self, folder: Path, *names: str) -> None:
        """Unpack packages and all that they depend on; none of their scripts is run.

        Args:
            folder: Where their files go.
            names: Of packages; ``name:amd64`` for one of another architecture.

        Raises:
            UnavailableError: The sources have not all of them, or cannot be reached.
        """
        try:
            self._get("install", "--download-only", *names)
        except UnavailableError as fault:
            msg = f"{fault}{self._fault}"
            raise UnavailableError(msg) from None
        for package in sorted(self._archives.glob("*.deb")):
            self._commands.run(["dpkg-deb", "-x", package, folder])
            package.unlink()

    def _get(self, *arguments: str) -> None:
        self._commands.run(["apt-get", "--quiet", "--yes", *self._options, *arguments])
