"""The lock under which a process is patched, whichever thread installs, imports or makes a class."""

from __future__ import annotations

import os
import threading


def fork_safe_lock() -> threading.RLock:
    """A reentrant lock that is never left locked in a forked child.

    A thread that forks waits for it first: the child has none of the other threads, so nobody could release
    what one of them holds, nor finish what it has begun.
    """
    made = threading.RLock()
    os.register_at_fork(before=made.acquire, after_in_parent=made.release, after_in_child=made.release)
    return made


#: Reentrant because making a replacement may import a module, or make a class, that is patched too.
lock = fork_safe_lock()
