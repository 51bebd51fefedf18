"""``python -m nutrace`` is the ``nutrace`` command."""

from __future__ import annotations

import sys

from nutrace.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
