"""Errors, named by the reaction they ask for.

::

    RollupError
    ├── InvalidInput      deterministic: reject the request, skip the item; never retry
    ├── TemporaryError    the same call may succeed later: retry with backoff
    ├── ResetError        L1 reorganised: rewind to the common ancestor and go on
    └── CriticalError     corruption or divergence: stop the process and call the operator

Every rule raises a leaf class of one of these four, so a caller can react
without knowing the rule.
"""


class RollupError(Exception):
    """Base of everything this package raises on purpose."""


class InvalidInput(RollupError):
    """The input breaks a rule; the same input breaks it again."""


class TemporaryError(RollupError):
    """An outside condition failed; the same call may succeed later."""


class ResetError(RollupError):
    """A view of L1 that was relied on is no longer canonical."""


class CriticalError(RollupError):
    """Continuing would do damage: stop and report."""
