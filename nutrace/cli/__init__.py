"""The ``nutrace`` command: one module for each of its commands, listed in :mod:`nutrace.cli.commands`."""
