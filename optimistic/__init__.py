"""An optimistic rollup for derivatives settlement."""

__version__ = "0.1.0"
