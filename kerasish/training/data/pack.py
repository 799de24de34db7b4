"""The tuples x, (x, y) and (x, y, sample_weight) in which data travels."""

from __future__ import annotations

from typing import Any


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """The tuple that a step takes: x alone, (x, y) or (x, y, sample_weight).

    Args:
        x: Inputs. Without targets, a list or tuple of inputs is wrapped in a tuple of one.
        y: Targets, or None.
        sample_weight: Weights of the samples, or None.

    >>> pack_x_y_sample_weight("x", "y")
    ('x', 'y')
    """
    if y is None and sample_weight is None:
        return (x,) if isinstance(x, (list, tuple)) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """The inputs, targets and sample weights of what `pack_x_y_sample_weight` gave; None for what is absent.

    Args:
        data: x, or a tuple (or list) of one to three members.

    Raises:
        ValueError: If there are more members.

    >>> unpack_x_y_sample_weight(("x", "y"))
    ('x', 'y', None)
    """
    if not isinstance(data, (list, tuple)):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ValueError(
            "Expected data to be x, (x,), (x, y) or (x, y, sample_weight). "
            f"Received: a {type(data).__name__} of {len(data)} members"
        )
    x, y, sample_weight = (*data, None, None)[:3]
    return x, y, sample_weight
