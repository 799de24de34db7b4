"""cuDNN as an option: convolutions and attention through the graph API of the package nvidia-cudnn-frontend.

`pip install 'kerasish[cudnn]'` installs it, for CUDA 13: a download of more than 700 MB.

Without that package, or with `KERASISH_CUDNN=0` in the environment, nothing here is used and nothing is imported. For
every problem a plan is made once and kept; what cuDNN has no plan for is computed by this backend's own kernels. Only
plans are taken that add up in a fixed order, and that multiply float32 in full unless TF32 is enabled.

Arrays keep their channels-last layout, which is told by strides. Filters alone are rearranged, as cuDNN reads them
outputs first.
"""

from __future__ import annotations

import os
import threading
import warnings
from functools import cache
from importlib.util import find_spec
from math import prod
from typing import Any, NamedTuple

import numpy as np

from kerasish import config
from kerasish.backend.contract.types import Array, Padding
from kerasish.backend.cupy._device import cp
from kerasish.backend.cupy._launch import contiguous

_DATA_TYPES = {"float16": "HALF", "bfloat16": "BFLOAT16", "float32": "FLOAT"}
_OFF = ("", "0", "false", "off", "no")
_MANY_PLANS = 2048
_WIDEST_HEAD = 256


class Convolution(NamedTuple):
    """A convolution ("forward") or its gradient toward the "input" or the "kernel", on one device."""

    kind: str
    dtype: str
    batch: int
    inputs: int
    outputs: int
    groups: int
    sizes: tuple[int, ...]
    out: tuple[int, ...]
    window: tuple[int, ...]
    strides: tuple[int, ...]
    padding: Padding
    dilation: tuple[int, ...]
    tf32: bool
    device: int


class Attention(NamedTuple):
    """Attention without a mask, or causal ("forward"), or its gradients ("backward"), on one device."""

    kind: str
    dtype: str
    batch: int
    time: int
    source: int
    heads: int
    groups: int
    depth: int
    width: int
    scale: float
    causal: bool
    device: int


def _import() -> Any:
    """The module `cudnn` together with its library, or None where the option is not installed.

    A package without its library is reported once, and not used.
    """
    if find_spec("cudnn") is None:
        return None
    try:
        import cudnn

        cudnn.backend_version()
    except (ImportError, OSError, RuntimeError) as error:
        warnings.warn(
            "The package nvidia-cudnn-frontend is installed, but cuDNN cannot be used: pip install 'kerasish[cudnn]' "
            f"installs both, and KERASISH_CUDNN=0 switches them off. Received: {error}",
            RuntimeWarning,
            stacklevel=2,
        )
        return None
    return cudnn


@cache
def _module() -> Any:
    if os.environ.get("KERASISH_CUDNN", "1").strip().lower() in _OFF:
        return None
    return _import()


def available() -> bool:
    """Whether cuDNN is installed and not switched off; settled when it is first asked."""
    return _module() is not None


class _Device:
    """The handle of a device. One thread at a time sets its stream and sends work there."""

    _all: dict[int, _Device] = {}

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.handle = _module().create_handle()

    @classmethod
    def current(cls) -> _Device:
        number = cp.cuda.runtime.getDevice()
        device = cls._all.get(number)
        if device is None:
            device = cls._all[number] = cls()
        return device


class Plan:
    """A built graph. A call puts it on the current stream, with its operands in the order of their numbers."""

    def __init__(self, graph: Any, device: _Device) -> None:
        self._graph, self._device = graph, device
        self._workspace = int(graph.get_workspace_size())

    def __call__(self, *operands: Array) -> None:
        """Run it on contiguous arrays whose addresses are multiples of 16."""
        pointers = {number: int(operand.data.ptr) for number, operand in enumerate(operands, 1)}
        # From the allocator of the moment: in a recording it becomes part of the graph's own memory.
        workspace = cp.empty(self._workspace, np.uint8) if self._workspace else None
        address = None if workspace is None else int(workspace.data.ptr)
        device = self._device
        with device.lock:
            _module().set_stream(handle=device.handle, stream=int(cp.cuda.get_current_stream().ptr))
            self._graph.execute(pointers, workspace=address, handle=device.handle)


plans: dict[Convolution | Attention, Plan | None] = {}
"""What was planned so far, None where cuDNN has no plan; emptied when it has grown too large."""

refusals: dict[Convolution | Attention, str] = {}
"""Why there is no plan, in the words of cuDNN."""


def plan(problem: Convolution | Attention) -> Plan | None:
    """The plan for a problem, made when it is first asked for, or None: cuDNN does not compute it."""
    try:
        return plans[problem]
    except KeyError:
        pass
    if len(plans) >= _MANY_PLANS:
        plans.clear()
        refusals.clear()
    cudnn, made = _module(), None
    device = _Device.current()
    try:
        with device.lock:
            made = Plan(_built(cudnn, problem, device.handle), device)
    except (cudnn.cudnnGraphNotSupportedError, RuntimeError, ValueError) as error:
        # What a version or a GPU does not support is told by any of the three.
        refusals[problem] = str(error)
    plans[problem] = made
    return made


def _built(cudnn: Any, problem: Convolution | Attention, handle: Any) -> Any:
    graph = describe(cudnn, problem, handle)
    graph.validate()
    graph.build_operation_graph()
    graph.create_execution_plans([cudnn.heur_mode.A, cudnn.heur_mode.FALLBACK])
    note = cudnn.numerical_note
    if isinstance(problem, Convolution):
        unwanted = [note.NONDETERMINISTIC]
        if problem.dtype == "float32" and not problem.tf32:
            unwanted += [note.TENSOR_CORE, note.DOWN_CONVERT_INPUTS]
        graph.deselect_numeric_notes(unwanted)
    graph.check_support()
    graph.build_plans()
    return graph


def describe(cudnn: Any, problem: Convolution | Attention, handle: Any) -> Any:
    """The graph of a problem, not yet planned. Its operands are numbered from 1 on, results last."""
    graph = cudnn.pygraph(
        io_data_type=getattr(cudnn.data_type, _DATA_TYPES[problem.dtype]),
        intermediate_data_type=cudnn.data_type.FLOAT,
        compute_data_type=cudnn.data_type.FLOAT,
        handle=handle,
    )
    if isinstance(problem, Convolution):
        _describe_convolution(cudnn, graph, problem)
    else:
        _describe_attention(cudnn, graph, problem)
    return graph


class _Operands:
    """Tensors of a graph, numbered in the order in which they are declared."""

    def __init__(self, cudnn: Any, graph: Any, dtype: str) -> None:
        self._graph, self._count = graph, 0
        self._type = getattr(cudnn.data_type, _DATA_TYPES[dtype])

    def source(self, layout: tuple[list[int], list[int]], data_type: Any = None) -> Any:
        self._count += 1
        return self._graph.tensor(
            dim=layout[0], stride=layout[1], data_type=data_type or self._type, uid=self._count, name=f"x{self._count}"
        )

    def result(self, tensor: Any, layout: tuple[list[int], list[int]], data_type: Any = None) -> None:
        self._count += 1
        tensor.set_output(True).set_dim(layout[0]).set_stride(layout[1])
        tensor.set_data_type(data_type or self._type).set_uid(self._count)


def _row_major(shape: tuple[int, ...]) -> list[int]:
    return [prod(shape[axis + 1 :]) for axis in range(len(shape))]


def _channels_last(count: int, channels: int, sizes: tuple[int, ...]) -> tuple[list[int], list[int]]:
    """Sizes and strides in cuDNN's order, channels second, of `(count, *sizes, channels)` in row-major order."""
    strides = _row_major((count, *sizes, channels))
    return [count, channels, *sizes], [strides[0], strides[-1], *strides[1:-1]]


def _describe_convolution(cudnn: Any, graph: Any, problem: Convolution) -> None:
    # cuDNN knows no convolution over one axis: an axis of size 1 is put before it.
    more = 1 if len(problem.window) == 1 else 0
    ones = (1,) * more
    images = _channels_last(problem.batch, problem.inputs, ones + problem.sizes)
    results = _channels_last(problem.batch, problem.outputs, ones + problem.out)
    # How many groups there are follows from the channels of the images and of the filters.
    filters = _channels_last(problem.outputs, problem.inputs // problem.groups, ones + problem.window)
    attributes = {
        "pre_padding": [0] * more + [before for before, _ in problem.padding],
        "post_padding": [0] * more + [after for _, after in problem.padding],
        "stride": list(ones + problem.strides),
        "dilation": list(ones + problem.dilation),
        "compute_data_type": cudnn.data_type.FLOAT,
    }
    operands = _Operands(cudnn, graph, problem.dtype)
    if problem.kind == "forward":
        image, weight = operands.source(images), operands.source(filters)
        operands.result(graph.conv_fprop(image=image, weight=weight, **attributes), results)
    elif problem.kind == "input":
        loss, weight = operands.source(results), operands.source(filters)
        operands.result(graph.conv_dgrad(loss=loss, filter=weight, **attributes), images)
    else:
        image, loss = operands.source(images), operands.source(results)
        operands.result(graph.conv_wgrad(image=image, loss=loss, **attributes), filters)


def _heads(batch: int, time: int, heads: int, depth: int) -> tuple[list[int], list[int]]:
    """Sizes and strides in cuDNN's order, heads second, of `(batch, time, heads, depth)` in row-major order."""
    strides = _row_major((batch, time, heads, depth))
    return [batch, heads, time, depth], [strides[0], strides[2], strides[1], strides[3]]


def _describe_attention(cudnn: Any, graph: Any, problem: Attention) -> None:
    query = _heads(problem.batch, problem.time, problem.heads, problem.depth)
    key = _heads(problem.batch, problem.source, problem.groups, problem.depth)
    value = _heads(problem.batch, problem.source, problem.groups, problem.width)
    out = _heads(problem.batch, problem.time, problem.heads, problem.width)
    shape = (problem.batch, problem.heads, problem.time, 1)
    statistics = list(shape), _row_major(shape)
    operands, single = _Operands(cudnn, graph, problem.dtype), cudnn.data_type.FLOAT
    attributes = {
        "attn_scale": problem.scale,
        "use_causal_mask": problem.causal,
        "compute_data_type": single,
    }
    given = dict(zip("qkv", [operands.source(layout) for layout in (query, key, value)]))
    if problem.kind == "forward":
        o, stats = graph.sdpa(**given, generate_stats=True, **attributes)
        operands.result(o, out)
        operands.result(stats, statistics, single)
        return
    given["o"], given["dO"] = operands.source(out), operands.source(out)
    given["stats"] = operands.source(statistics, single)
    gradients = graph.sdpa_backward(**given, use_deterministic_algorithm=True, **attributes)
    for gradient, layout in zip(gradients, (query, key, value)):
        operands.result(gradient, layout)


def convolution(
    kind: str,
    dtype: Any,
    batch: int,
    channels: tuple[int, int],
    groups: int,
    sizes: tuple[int, ...],
    out: tuple[int, ...],
    window: tuple[int, ...],
    strides: tuple[int, ...],
    padding: Padding,
    dilation: tuple[int, ...],
) -> Convolution | None:
    """The problem, if cuDNN is there and may know it: half precision or float32, nothing cropped.

    Args:
        kind: "forward", "input" or "kernel".
        dtype: Of all arrays.
        batch: How many images there are.
        channels: Of all groups, of the images and of the results.
        groups: Into how many parts both are cut.
        sizes: The spatial axes of the images.
        out: Those of the results.
        window: Those of the kernel.
        strides: Of the windows.
        padding: Before and after each axis.
        dilation: The distance between elements of a window.
    """
    name = np.dtype(dtype).name
    if name not in _DATA_TYPES or not available() or any(side < 0 for sides in padding for side in sides):
        return None
    return Convolution(
        kind,
        name,
        int(batch),
        *channels,
        groups,
        _integers(sizes),
        _integers(out),
        _integers(window),
        _integers(strides),
        tuple([(int(before), int(after)) for before, after in padding]),
        _integers(dilation),
        name == "float32" and config.tf32_enabled(),
        cp.cuda.runtime.getDevice(),
    )


def _integers(numbers: tuple[int, ...]) -> tuple[int, ...]:
    return tuple([int(number) for number in numbers])


def attention(
    kind: str, query: Array, key: Array, value: Array, mask: Array | None, scale: float, causal: bool
) -> Attention | None:
    """The problem, if cuDNN is there and may know it: half precision, heads of a multiple of 8 elements, no mask."""
    batch, time, heads, depth = query.shape
    source, groups, width = value.shape[1:]
    dtype = query.dtype.name
    if mask is not None or dtype not in ("float16", "bfloat16") or not available():
        return None
    if depth % 8 or width % 8 or max(depth, width) > _WIDEST_HEAD or not (query.size and value.size and key.size):
        return None
    device = cp.cuda.runtime.getDevice()
    sizes = (batch, time, source, heads, groups, depth, width)
    return Attention(kind, dtype, *sizes, float(scale), bool(causal), device)


def aligned(x: Array) -> Array:
    """The array, or a copy of it, in row-major order at an address that all plans take."""
    x = contiguous(x)
    return x if x.data.ptr % 16 == 0 else x.copy()


def _outputs_first(kernel: Array) -> Array:
    """`(*window, inputs, outputs)` as `(outputs, *window, inputs)`."""
    last = kernel.ndim - 1
    return aligned(kernel.transpose(last, *range(last)))


def conv(problem: Convolution, x: Array, kernel: Array, y: Array) -> None:
    """Fill `y`, without bias or activation. There must be a plan."""
    _planned(problem)(aligned(x), _outputs_first(kernel), y)


def conv_backward_input(problem: Convolution, dy: Array, kernel: Array, dx: Array) -> None:
    """Fill `dx`. There must be a plan."""
    _planned(problem)(aligned(dy), _outputs_first(kernel), dx)


def conv_backward_kernel(problem: Convolution, x: Array, dy: Array) -> Array:
    """The gradient `(*window, inputs, outputs)`. There must be a plan."""
    inputs = problem.inputs // problem.groups
    result = cp.empty((problem.outputs, *problem.window, inputs), x.dtype)
    _planned(problem)(aligned(x), aligned(dy), result)
    return contiguous(result.transpose(*range(1, result.ndim), 0))


def _planned(problem: Convolution | Attention) -> Plan:
    made = plan(problem)
    if made is None:
        raise ValueError(f"cuDNN has no plan for this problem ({refusals[problem]}). Received: {problem}")
    return made


def scaled_dot_product_attention(problem: Attention, query: Array, key: Array, value: Array) -> tuple[Array, Array]:
    """`(out, logsumexp)`. There must be a plan."""
    out = cp.empty((problem.batch, problem.time, problem.heads, problem.width), query.dtype)
    logsumexp = cp.empty((problem.batch, problem.heads, problem.time), np.float32)
    _planned(problem)(aligned(query), aligned(key), aligned(value), out, logsumexp)
    return out, logsumexp


def scaled_dot_product_attention_backward(
    problem: Attention, dy: Array, query: Array, key: Array, value: Array, out: Array, logsumexp: Array
) -> tuple[Array, Array, Array]:
    """`(dquery, dkey, dvalue)`. There must be a plan."""
    gradients = (
        cp.empty(query.shape, query.dtype),
        cp.empty(key.shape, query.dtype),
        cp.empty(value.shape, query.dtype),
    )
    given = [aligned(x) for x in (query, key, value, out, dy.astype(query.dtype, copy=False), logsumexp)]
    _planned(problem)(*given, *gradients)
    return gradients
