"""Another machine, as far as a Python process can tell: its name, its boot and its clock are other ones."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path

_START = '''
"""Imported before nutrace's own start-up file: it has to be another machine by then."""
import builtins, io, socket, time

_time_ns, _time, _open = time.time_ns, time.time, builtins.open
time.time_ns = lambda: _time_ns() + {shift_ns}
time.time = lambda: _time() + {shift_ns} / 1e9
socket.gethostname = lambda: {name!r}

def _opened(file, *args, **kwargs):
    if file == "/proc/sys/kernel/random/boot_id":
        return io.StringIO("boot of {name}")
    return _open(file, *args, **kwargs)

builtins.open = _opened
'''


def python_of(folder: Path, name: str, shift_s: float = 0.0, python: str = sys.executable) -> str:
    """A Python interpreter on a machine called `name`, whose clock is `shift_s` seconds ahead.

    It has the packages of `python`, which is this one or an environment of the same version.
    """
    packages = sysconfig.get_paths()["purelib"]
    if python != sys.executable:
        (packages,) = map(str, Path(python).parents[1].glob("lib/python*/site-packages"))
    version = Path(packages).parent.name
    own = folder / "lib" / version / "site-packages"
    own.mkdir(parents=True)
    (own / "machine_of_a_test.py").write_text(
        _START.format(name=name, shift_ns=round(shift_s * 1e9)), encoding="utf-8"
    )
    (own / "0.pth").write_text(
        f"import machine_of_a_test\nimport site; site.addsitedir({packages!r})\n", encoding="utf-8"
    )
    base = os.path.realpath(python)
    (folder / "pyvenv.cfg").write_text(
        f"home = {os.path.dirname(base)}\ninclude-system-site-packages = false\n", encoding="utf-8"
    )
    executable = folder / "bin" / "python"
    executable.parent.mkdir()
    executable.symlink_to(base)
    return str(executable)
