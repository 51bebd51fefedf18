"""The optional packages: what to install for the features that need more than nutrace does."""

from __future__ import annotations

import shlex

#: Of each extra, what pyproject.toml requires for it. A message names these and not the extra: they can be
#: installed by these names wherever nutrace came from.
EXTRAS = {
    "jupyter": ("pandas>=1.3", "ipython>=7.16", "matplotlib>=3.3.3"),
    "sql": ("sqlglot>=25",),
    "sample": ("py-spy>=0.4",),
    "compare": ("scipy>=1.7", "numpy>=1.20"),
    "history": ("plotly>=5", "ruptures>=1.1.7", "scipy>=1.7", "numpy>=1.20"),
    "maps": ("geopandas>=0.12.1", "pyogrio>=0.5"),
    "parquet": ("pyarrow>=15",),
}


def install(extra: str) -> str:
    """The command that installs an extra's packages."""
    return "pip install " + " ".join(map(shlex.quote, EXTRAS[extra]))
