"""`KerasTensor`: a tensor with a shape and a dtype but no values, out of which Functional models are built."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from kerasish import tree
from kerasish.autodiff.naming import auto_name
from kerasish.autodiff.primitive import dummy
from kerasish.autodiff.state import abstract_mode
from kerasish.autodiff.tensor import Tensor
from kerasish.backend.dtypes import numpy_dtype, standardize_dtype

if TYPE_CHECKING:
    from kerasish.autodiff.operation import KerasHistory

# Sizes that stand for an unknown dimension: what differs between two runs is unknown in the output too.
# The large primes let windows fit; the later pairs serve code that needs divisible or tiny sizes.
_FILLS = ((83, 89), (64, 128), (960, 1920), (1, 2))


class KerasTensor:
    """The input of a model, or the result of a layer or an operation called on one.

    Args:
        shape: The sizes; None where a size is not known yet.
        dtype: The dtype.
        sparse: Kept for Keras's signature; sparse tensors are refused.
        ragged: Likewise.
        record_history: Kept for Keras's signature.
        name: A name.

    >>> KerasTensor((None, 3)).shape
    (None, 3)
    """

    def __init__(
        self,
        shape: Any,
        dtype: Any = "float32",
        sparse: bool = False,
        ragged: bool = False,
        record_history: bool = True,
        name: str | None = None,
    ) -> None:
        if sparse or ragged:
            raise ValueError(f"Sparse and ragged tensors are not supported. Received: {sparse=}, {ragged=}")
        self.shape = standardize_shape(shape)
        self.dtype = standardize_dtype(dtype)
        self.name = name or auto_name("keras_tensor")
        self._keras_history: KerasHistory | None = None
        self._keras_mask: Any = None

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def sparse(self) -> bool:
        """False: sparse tensors are not supported."""
        return False

    def _refuse(self, what: str) -> TypeError:
        return TypeError(
            f"A KerasTensor has no values, so it cannot be {what}: it stands for an input of a model that is "
            "being built. Use kerasish.ops on it, or a layer with a `call` of your own. "
            f"Received: {self!r}"
        )

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise self._refuse("converted to a NumPy array")

    def __bool__(self) -> bool:
        raise self._refuse("used as a condition")

    def __int__(self) -> int:
        raise self._refuse("converted to an int")

    def __float__(self) -> float:
        raise self._refuse("converted to a float")

    def __iter__(self) -> Any:
        raise self._refuse("iterated over")

    __array_ufunc__ = None

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"


def standardize_shape(shape: Any) -> tuple[int | None, ...]:
    """A tuple of non-negative ints and None, or an error."""
    if shape is None or isinstance(shape, (str, bytes)) or not isinstance(shape, Iterable):
        raise ValueError(f"Expected a shape: a tuple of ints and None. Received: shape={shape!r}")
    sizes: list[int | None] = []
    for size in shape:
        if size is None:
            sizes.append(None)
            continue
        try:
            whole = size.__index__()
        except (AttributeError, TypeError):
            whole = -1
        if whole < 0:
            raise ValueError(f"Expected a shape of non-negative ints and None. Received: shape={tuple(shape)!r}")
        sizes.append(whole)
    return tuple(sizes)


def is_symbolic(values: Any) -> bool:
    """Whether a KerasTensor is among the values, at any depth."""
    for value in values:
        if isinstance(value, KerasTensor):
            return True
        if isinstance(value, dict):
            if is_symbolic(value.values()):
                return True
        elif isinstance(value, (list, tuple)) and is_symbolic(value):
            return True
    return False


def infer_output(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What a function returns for KerasTensors, as KerasTensors, without computing on data."""
    leaves = tree.flatten((args, kwargs))
    unknown = any(isinstance(leaf, KerasTensor) and None in leaf.shape for leaf in leaves)
    if not unknown:
        return tree.map_structure(_spec, _run(function, args, kwargs, 1))
    error: Exception | None = None
    for first, second in _FILLS:
        try:
            a = _run(function, args, kwargs, first)
            b = _run(function, args, kwargs, second)
        except Exception as failure:  # the next pair of sizes may suit the function
            error = error or failure
            continue
        return tree.map_structure(_merge, a, b)
    assert error is not None
    shapes = [leaf.shape for leaf in leaves if isinstance(leaf, KerasTensor)]
    error.add_note(
        f"This arose when the shapes of outputs were sought, with {_FILLS[0][0]} in the place of each unknown size. "
        f"Received: KerasTensors of shapes {shapes}"
    )
    raise error


def _run(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], fill: int) -> Any:
    def stand_in(leaf: Any) -> Any:
        if not isinstance(leaf, KerasTensor):
            return leaf
        shape = tuple([fill if size is None else size for size in leaf.shape])
        tensor = Tensor(dummy(shape, numpy_dtype(leaf.dtype)))
        if leaf._keras_mask is not None:
            tensor._keras_mask = stand_in(leaf._keras_mask)
        return tensor

    args, kwargs = tree.map_structure(stand_in, (args, kwargs))
    with abstract_mode():
        return function(*args, **kwargs)


def _spec(value: Any) -> Any:
    return KerasTensor(value.shape, value.dtype) if isinstance(value, Tensor) else value


def _merge(a: Any, b: Any) -> Any:
    if not isinstance(a, Tensor):
        return a
    if len(a.shape) != len(b.shape):
        raise ValueError("The number of dimensions of the output depends on the size of an unknown dimension.")
    return KerasTensor([x if x == y else None for x, y in zip(a.shape, b.shape, strict=True)], a.dtype)
