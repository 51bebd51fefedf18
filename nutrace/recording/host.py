"""This machine: what tells it from the others that processes of a run may be on."""

from __future__ import annotations

import re
import socket
from typing import NamedTuple

from nutrace.text_file import read_text

_BOOT_ID = "/proc/sys/kernel/random/boot_id"


class Host(NamedTuple):
    """A machine, or a container on it.

    Attributes
    ----------
    name:
        The host name.
    boot:
        The boot of its system, as Linux numbers it: processes of one boot read one monotonic clock. Where the
        system does not say, "".
    """

    name: str
    boot: str


UNKNOWN = Host("", "")


def this_host() -> Host:
    """The host that this process is on."""
    try:
        boot = read_text(_BOOT_ID).strip()
    except (OSError, ValueError):
        boot = ""
    return Host(socket.gethostname(), boot)


def in_file_names(host: str) -> str:
    """A host's name as names of files have it."""
    return re.sub(r"[^A-Za-z0-9_.]", "_", host)[:60]
