"""The lock under which a process is patched, whichever thread installs, imports or makes a class."""

from __future__ import annotations

from nutrace.forks import LockOrder, fork_safe_lock

#: Reentrant because making a replacement may import a module, or make a class, that is patched too.
lock = fork_safe_lock(LockOrder.PATCHING)
