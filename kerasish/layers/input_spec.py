"""`InputSpec`: what a layer demands of its inputs, checked before it is called."""

from __future__ import annotations

from typing import Any

from kerasish import tree
from kerasish.autodiff import standardize_shape
from kerasish.backend.dtypes import standardize_dtype


class InputSpec:
    """What one input must look like.

    Args:
        dtype: Its dtype.
        shape: Its shape; None where any size will do.
        ndim: Its number of dimensions.
        max_ndim: The most dimensions it may have.
        min_ndim: The fewest.
        axes: Sizes that some axes must have: `{axis: size}`.
        allow_last_axis_squeeze: Whether a last axis of size 1 may be missing or too many.
        name: The key, for inputs given as a dict.
        optional: Whether it may be None.

    >>> InputSpec(ndim=2, axes={-1: 8})
    InputSpec(ndim=2, axes={-1: 8})
    """

    def __init__(
        self,
        dtype: Any = None,
        shape: Any = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: dict[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ) -> None:
        self.dtype = standardize_dtype(dtype) if dtype is not None else None
        self.shape = None if shape is None else standardize_shape(shape)
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = {int(axis): size for axis, size in (axes or {}).items()}
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.name = name
        self.optional = optional
        bound = self.ndim if self.ndim is not None else self.max_ndim
        if self.axes and bound is not None and max(self.axes) >= bound:
            raise ValueError(f"An axis lies outside the {bound} dimensions of the input. Received: axes={axes}")

    def get_config(self) -> dict[str, Any]:
        """The arguments to make it again."""
        return {
            "dtype": self.dtype,
            "shape": self.shape,
            "ndim": self.ndim,
            "max_ndim": self.max_ndim,
            "min_ndim": self.min_ndim,
            "axes": self.axes,
            "name": self.name,
            "optional": self.optional,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> InputSpec:
        """The spec of a config."""
        return cls(**config)

    def __repr__(self) -> str:
        fields = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
        held = [f"{field}={getattr(self, field)}" for field in fields if getattr(self, field) not in (None, {})]
        return f"InputSpec({', '.join(held)})"


def assert_input_compatibility(input_spec: Any, inputs: Any, layer_name: str) -> None:
    """Raise a ValueError that names the layer unless the inputs match its specs."""
    if not input_spec:
        return
    specs = tree.flatten(input_spec)
    if isinstance(inputs, dict) and all(spec is not None and spec.name is not None for spec in specs):
        missing = [spec.name for spec in specs if spec.name not in inputs]
        if missing:
            raise ValueError(
                f"The layer {layer_name!r} lacks the inputs {missing}. Received: inputs with keys {list(inputs)}"
            )
        values = [inputs[spec.name] for spec in specs]
    else:
        values = tree.flatten(inputs)
    if len(values) != len(specs):
        raise ValueError(
            f"The layer {layer_name!r} expects {len(specs)} input(s). Received: {len(values)} input(s), "
            f"of shapes {[getattr(x, 'shape', None) for x in values]}"
        )
    for position, (x, spec) in enumerate(zip(values, specs, strict=True)):
        if spec is None or (x is None and spec.optional):
            continue
        if x is None:
            raise ValueError(f"Input {position} of the layer {layer_name!r} must not be None.")
        problem = _problem(spec, tuple(x.shape), standardize_dtype(x.dtype))
        if problem:
            raise ValueError(
                f"Input {position} of the layer {layer_name!r} does not fit: expected {problem}. "
                f"Received: shape={tuple(x.shape)}, dtype={standardize_dtype(x.dtype)}"
            )


def _problem(spec: InputSpec, shape: tuple[int | None, ...], dtype: str) -> str | None:
    """What the spec asks for and the input is not, in words."""
    ndim = len(shape)
    squeezable = spec.allow_last_axis_squeeze
    if spec.ndim is not None and ndim != spec.ndim and not (squeezable and abs(ndim - spec.ndim) == 1):
        return f"ndim={spec.ndim}"
    if spec.max_ndim is not None and ndim > spec.max_ndim:
        return f"max_ndim={spec.max_ndim}"
    if spec.min_ndim is not None and ndim < spec.min_ndim:
        return f"min_ndim={spec.min_ndim}"
    if spec.dtype is not None and dtype != spec.dtype:
        return f"dtype={spec.dtype}"
    for axis, size in spec.axes.items():
        if -ndim <= axis < ndim and size is not None and shape[axis] not in (size, None):
            return f"axis {axis} to have size {size}"
    if spec.shape is not None:
        wanted, got = spec.shape, shape
        if squeezable:
            wanted = wanted[:-1] if wanted and wanted[-1] == 1 and len(wanted) > len(got) else wanted
            got = got[:-1] if got and got[-1] == 1 and len(got) > len(wanted) else got
        if len(wanted) != len(got) or any(
            a is not None and b is not None and a != b for a, b in zip(wanted, got, strict=True)
        ):
            return f"shape={spec.shape}"
    return None
