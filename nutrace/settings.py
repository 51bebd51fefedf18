"""The settings of a traced process: a frozen dataclass, and where its values come from.

``NUTRACE_*`` variables come first (``nutrace run`` sets them from its flags), then ``[tool.nutrace]`` of the
nearest pyproject.toml, then the defaults.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Dict, Mapping, Optional

from nutrace.errors import SettingsError, did_you_mean
from nutrace.text_file import read_text

LEVELS = ("coarse", "normal", "fine")
DEEPCOPY_MODES = ("on", "detail", "off")

DEFAULT_HZ = 100.0
_HIGHEST_HZ = 1000
_RATES = f"use 1 (100 Hz), 0 (off), or a whole number of 2 to {_HIGHEST_HZ} Hz"

#: Variables that begin with NUTRACE_ and are not settings of tracing: for child processes, the speedups,
#: `nutrace verify`, the test suite and the OpenTelemetry exporters.
OTHER_VARIABLES = frozenset(
    {
        "NUTRACE_PARENT",
        "NUTRACE_SPEEDUPS",
        "NUTRACE_VERIFY",
        "NUTRACE_DEVKIT_PYTHON",
        "NUTRACE_DEVKIT_MATRIX",
        "NUTRACE_PLANNER_SOURCES",
        "NUTRACE_EXPORT_FILE",
    }
)

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True)
class Settings:
    """Options of a traced process: what its ``NUTRACE_*`` variables say, which docs/settings.md lists.

    >>> settings = nutrace.Settings(output="mine.json", level="coarse", sample=50)
    >>> settings.variables()["NUTRACE_LEVEL"]
    'coarse'

    Attributes
    ----------
    output:
        The run file; it is compressed if its name ends in ``.gz``.
    level:
        ``coarse``, ``normal`` or ``fine``: how much is traced.
    probes:
        A TOML file with probes of your own, "" for none.
    summary:
        Whether to print a summary at exit.
    flush_seconds:
        The longest time that spans stay in memory, in seconds.
    compress_us:
        Equal sibling spans that took less, in microseconds, are merged; 0 merges none.
    text_limit:
        The longest attribute text, in characters.
    deepcopy:
        Deep copies: ``on``, ``off``, or ``detail`` (with the types inside).
    sql_text:
        Whether the text of statements is written, or only their hashes.
    sample:
        Samples a second of the functions inside spans, in Hz: 0 for none, 1 means 100.
    sample_native:
        Whether C, C++ and Cython functions are sampled as well.

    Raises
    ------
    SettingsError
        If a value is out of range.
    """

    output: str = field(
        default="run.json",
        metadata={"help": "the run file; it is compressed if its name ends in .gz", "short": "-o"},
    )
    level: str = field(default="normal", metadata={"help": "coarse, normal or fine: how much is traced"})
    probes: str = field(default="", metadata={"help": "a TOML file with probes of your own"})
    summary: bool = field(default=True, metadata={"help": "print a summary at exit"})
    flush_seconds: float = field(default=1.0, metadata={"help": "longest time that spans stay in memory"})
    compress_us: float = field(
        default=200.0, metadata={"help": "merge equal sibling spans shorter than this; 0 merges none"}
    )
    text_limit: int = field(default=4096, metadata={"help": "longest attribute text, in characters"})
    deepcopy: str = field(
        default="on", metadata={"help": "deep copies: on, off, or detail (with the types inside)"}
    )
    sql_text: bool = field(
        default=True, metadata={"help": "write the text of statements; 0 writes only their hashes"}
    )
    sample: float = field(
        default=0.0,
        metadata={
            "help": "sample the functions inside spans: 1, or a rate in Hz (1 is 100 Hz)",
            "alone": ("HZ", "1"),  # the flag may stand alone, and means this then
        },
    )
    sample_native: bool = field(
        default=False, metadata={"help": "sample the C, C++ and Cython functions as well"}
    )

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise SettingsError(f"NUTRACE_LEVEL={self.level!r} is unknown: use {', '.join(LEVELS)}")
        if self.deepcopy not in DEEPCOPY_MODES:
            raise SettingsError(
                f"NUTRACE_DEEPCOPY={self.deepcopy!r} is unknown: use {', '.join(DEEPCOPY_MODES)}"
            )
        if not self.output:
            raise SettingsError("NUTRACE_OUTPUT is empty: name a file, for example run.json")
        if not 0.05 <= self.flush_seconds <= 3600:
            raise SettingsError("NUTRACE_FLUSH_SECONDS must lie between 0.05 and 3600")
        if not 0 <= self.compress_us <= 1e9:
            raise SettingsError("NUTRACE_COMPRESS_US must lie between 0 and 1e9")
        if not 16 <= self.text_limit <= 10_000_000:
            raise SettingsError("NUTRACE_TEXT_LIMIT must lie between 16 and 10000000")
        if self.sample != 0 and not (1 <= self.sample <= _HIGHEST_HZ and self.sample == int(self.sample)):
            raise SettingsError(f"NUTRACE_SAMPLE={self.sample:g} is no rate: {_RATES}")

    @property
    def sample_hz(self) -> float:
        """Samples per second (Hz), 0 for none.

        >>> nutrace.Settings(sample=1).sample_hz, nutrace.Settings(sample=50).sample_hz
        (100.0, 50)
        """
        return DEFAULT_HZ if self.sample == 1 else self.sample

    @classmethod
    def load(cls, environ: Optional[Mapping[str, str]] = None, folder: Optional[Path] = None) -> Settings:
        """Read the settings of this process.

        >>> nutrace.Settings.load({"NUTRACE_LEVEL": "fine", "NUTRACE_OUTPUT": "mine.json"}).level
        'fine'
        >>> nutrace.Settings.load({"NUTRACE_LEVLE": "fine"})
        Traceback (most recent call last):
            ...
        nutrace.errors.SettingsError: unknown variable NUTRACE_LEVLE: ... did you mean NUTRACE_LEVEL?

        Parameters
        ----------
        environ:
            Environment variables; the process's own by default.
        folder:
            Where the search for a pyproject.toml begins, upwards; the current directory by default.

        Raises
        ------
        SettingsError
            For an unknown variable or key, and for a value of the wrong type or out of range.
        """
        values = _from_pyproject(working_folder() if folder is None else folder)
        values.update(_from_environ(os.environ if environ is None else environ))
        return replace(cls(), **values)

    def variables(self) -> Dict[str, str]:
        """The variables that give a child process these settings, whatever directory it starts in.

        >>> nutrace.Settings(sample=50).variables()["NUTRACE_SAMPLE"]
        '50'
        """
        values = dict(vars(self), output=_absolute(self.output), probes=_absolute(self.probes))
        return {
            variable(name): str(int(value) if isinstance(value, bool) else value)
            for name, value in values.items()
        }


def variable(name: str) -> str:
    """Return the environment variable of a setting: NUTRACE_FLUSH_SECONDS for ``flush_seconds``."""
    return f"NUTRACE_{name.upper()}"


def _from_environ(environ: Mapping[str, str]) -> Dict[str, Any]:
    known = {variable(option.name): option for option in fields(Settings)}
    values: Dict[str, Any] = {}
    for key, text in environ.items():
        if not key.startswith("NUTRACE_") or key in OTHER_VARIABLES:
            continue
        option = known.get(key)
        if option is None:
            near = did_you_mean(key, known)
            raise SettingsError(f"unknown variable {key}: the settings are {', '.join(sorted(known))}{near}")
        values[option.name] = _convert(key, text, type(option.default))
    return values


def working_folder() -> Optional[Path]:
    """Return the current directory, or ``None`` if it was deleted."""
    try:
        return Path.cwd()
    except OSError:
        return None


def _absolute(path: str) -> str:
    folder = working_folder()
    return os.path.join(folder, path) if path and folder else path


def _from_pyproject(folder: Optional[Path]) -> Dict[str, Any]:
    for parent in (folder, *folder.parents) if folder else ():
        file = parent / "pyproject.toml"
        try:
            text = read_text(file)
        except (OSError, ValueError):
            continue
        if "[tool.nutrace" not in text:
            return {}
        table = _tool_table(file, text)
        known = {option.name: option for option in fields(Settings)}
        values: Dict[str, Any] = {}
        for key, value in table.items():
            if isinstance(value, list) and key == "probes":
                continue  # [[tool.nutrace.probes]]: declarations, read by the catalogue
            if key not in known:
                use = f"use {', '.join(sorted(known))}{did_you_mean(key, known)}"
                raise SettingsError(f"{file}: unknown key tool.nutrace.{key}: {use}")
            values[key] = _convert(f"tool.nutrace.{key}", value, type(known[key].default))
        return values
    return {}


def _tool_table(file: Path, text: str) -> Dict[str, Any]:
    import sys

    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        table = tomllib.loads(text).get("tool", {})
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file} is not valid TOML: {error}") from None
    table = table.get("nutrace", {}) if isinstance(table, dict) else {}
    if not isinstance(table, dict):
        raise SettingsError(f"{file}: tool.nutrace must be a table")
    return table


def _convert(key: str, value: Any, kind: type) -> Any:
    if kind is bool:
        text = str(value).lower()
        if text in _TRUE or text in _FALSE:
            return text in _TRUE
        raise SettingsError(f"{key}={value!r}: use 1 or 0")
    try:
        return kind(value)
    except (TypeError, ValueError):
        todo = f": {_RATES}" if key.lower().endswith("sample") else ""
        raise SettingsError(f"{key}={value!r} is not a number{todo}") from None
