"""A cuDNN that computes with NumPy on the memory of the emulated device: what the backend uses of the module `cudnn`.

Names and parameters are those of nvidia-cudnn-frontend. Layouts that the library does not take are refused; plans
carry the notes that it gives them, and those that nobody should want compute what can be told apart.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import ml_dtypes
import numpy as np

data_type = enum.Enum("data_type", ["NOT_SET", "FLOAT", "HALF", "BFLOAT16"])
heur_mode = enum.Enum("heur_mode", ["A", "FALLBACK"])
numerical_note = enum.Enum("numerical_note", ["TENSOR_CORE", "DOWN_CONVERT_INPUTS", "NONDETERMINISTIC"])

NUMPY = {
    data_type.FLOAT: np.dtype(np.float32),
    data_type.HALF: np.dtype(np.float16),
    data_type.BFLOAT16: np.dtype(ml_dtypes.bfloat16),
}
_WORKSPACE = 256

calls: Counter[str] = Counter()
"""How often what was done: "build" and "execute" by the name of the operation, "pygraph", "create_handle"."""


class cudnnGraphNotSupportedError(Exception):
    """There is no plan for the graph."""


@dataclass
class Handle:
    stream: int = 0


def backend_version() -> int:
    return 91900


def create_handle() -> Handle:
    calls["create_handle"] += 1
    return Handle()


def set_stream(handle: Handle, stream: int) -> None:
    if not isinstance(handle, Handle) or type(stream) is not int:
        raise TypeError(f"a handle and the number of a stream are expected: {handle!r}, {stream!r}")
    handle.stream = stream


@dataclass(eq=False)
class Tensor:
    graph: pygraph
    dim: list[int]
    stride: list[int]
    data_type: Any
    uid: int = -1
    output: bool = False

    def set_output(self, value: bool) -> Tensor:
        self.output = value
        return self

    def set_dim(self, dim: list[int]) -> Tensor:
        self.dim = list(dim)
        return self

    def set_stride(self, stride: list[int]) -> Tensor:
        self.stride = list(stride)
        return self

    def set_data_type(self, dtype: Any) -> Tensor:
        self.data_type = dtype
        return self

    def set_uid(self, uid: int) -> Tensor:
        if uid in self.graph.tensors:
            raise ValueError(f"the uid {uid} is taken")
        self.uid = uid
        self.graph.tensors[uid] = self
        return self

    @property
    def dtype(self) -> np.dtype:
        return NUMPY[self.data_type]

    @property
    def strides(self) -> tuple[int, ...]:
        return tuple(stride * self.dtype.itemsize for stride in self.stride)

    @property
    def extent(self) -> int:
        return sum((n - 1) * s for n, s in zip(self.dim, self.strides)) + self.dtype.itemsize


def _supported(condition: bool, reason: str) -> None:
    if not condition:
        raise cudnnGraphNotSupportedError(reason)


def _valid(condition: bool, reason: str) -> None:
    if not condition:
        raise ValueError(reason)


def _packed(sizes: list[int]) -> list[int]:
    return [int(np.prod(sizes[axis + 1 :])) for axis in range(len(sizes))]


def _is_channels_last(tensor: Tensor) -> bool:
    count, channels, *sizes = tensor.dim
    packed = _packed([count, *sizes, channels])
    return tensor.stride == [packed[0], packed[-1], *packed[1:-1]]


def _tf32(x: np.ndarray) -> np.ndarray:
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    return ((bits + 0x1000) & np.uint32(0xFFFFE000)).view(np.float32)


@dataclass
class Engine:
    notes: frozenset[Any] = frozenset()
    barred: bool = False


@dataclass
class Operation:
    """A node: its operands and results by name, and what computes the results from NumPy arrays in float32."""

    name: str
    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]
    check: Callable[[], None]
    compute: Callable[..., tuple[np.ndarray, ...]]
    workspace: int = 0
    engines: list[Engine] = field(default_factory=list)


class pygraph:
    """One operation, through the steps from its description to its execution."""

    STEPS = ("described", "validated", "lowered", "planned", "supported", "built")

    def __init__(
        self,
        name: str = "test_graph",
        io_data_type: Any = None,
        intermediate_data_type: Any = None,
        compute_data_type: Any = None,
        handle: Any = None,
    ) -> None:
        calls["pygraph"] += 1
        self.io, self.intermediate, self.compute = io_data_type, intermediate_data_type, compute_data_type
        self.handle = handle
        self.tensors: dict[int, Tensor] = {}
        self.operation: Operation | None = None
        self._step = 0

    def _advance(self, step: str) -> None:
        _valid(self._step == self.STEPS.index(step) - 1, f"{step} after {self.STEPS[self._step]}")
        self._step += 1

    # The description

    def tensor(
        self,
        dim: list[int],
        stride: list[int] | None = None,
        data_type: Any = None,
        name: str = "",
        uid: int | None = None,
    ) -> Tensor:
        return Tensor(self, list(dim), list(stride or _packed(dim)), data_type or self.io).set_uid(
            -1 if uid is None else uid
        )

    def _result(self, dim: list[int] | None = None) -> Tensor:
        return Tensor(self, dim or [], [], self.io)

    def conv_fprop(
        self, image: Tensor, weight: Tensor, *, pre_padding: list[int], post_padding: list[int], stride: list[int],
        dilation: list[int], compute_data_type: Any = None,
    ) -> Tensor:  # fmt: skip
        window = _Window(image, weight, self._result(), pre_padding, post_padding, stride, dilation)
        return self._convolution("conv_fprop", window, {"image": image, "weight": weight}, window.y, window.forward)

    def conv_dgrad(
        self, loss: Tensor, filter: Tensor, *, pre_padding: list[int], post_padding: list[int], stride: list[int],
        dilation: list[int], compute_data_type: Any = None,
    ) -> Tensor:  # fmt: skip
        window = _Window(self._result(), filter, loss, pre_padding, post_padding, stride, dilation)
        return self._convolution("conv_dgrad", window, {"loss": loss, "filter": filter}, window.x, window.toward_input)

    def conv_wgrad(
        self, image: Tensor, loss: Tensor, *, pre_padding: list[int], post_padding: list[int], stride: list[int],
        dilation: list[int], compute_data_type: Any = None,
    ) -> Tensor:  # fmt: skip
        window = _Window(image, self._result(), loss, pre_padding, post_padding, stride, dilation)
        return self._convolution("conv_wgrad", window, {"image": image, "loss": loss}, window.w, window.toward_kernel)

    def _convolution(
        self, name: str, window: _Window, inputs: dict[str, Tensor], result: Tensor, compute: Callable[..., Any]
    ) -> Tensor:
        engines = [Engine(frozenset([numerical_note.NONDETERMINISTIC]))]
        if self.io is data_type.FLOAT:
            engines.append(Engine(frozenset([numerical_note.TENSOR_CORE, numerical_note.DOWN_CONVERT_INPUTS])))
        engines.append(Engine())
        workspace = _WORKSPACE if name == "conv_wgrad" else 0
        self.operation = Operation(name, inputs, {"result": result}, window.check, compute, workspace, engines)
        return result

    def sdpa(
        self, q: Tensor, k: Tensor, v: Tensor, *, generate_stats: bool, attn_scale: float = 1.0,
        use_causal_mask: bool = False, compute_data_type: Any = None,
    ) -> list[Tensor]:  # fmt: skip
        attention = _Attention(q, k, v, attn_scale, use_causal_mask)
        outputs = {"O": self._result(), "Stats": self._result()}
        _supported(generate_stats, "only the forward pass of a training is emulated")

        def check() -> None:
            attention.check()
            attention.check_results(outputs["O"], outputs["Stats"])

        inputs = {"q": q, "k": k, "v": v}
        self.operation = Operation("sdpa", inputs, outputs, check, attention.forward, 0, [Engine()])
        return list(outputs.values())

    def sdpa_backward(
        self, q: Tensor, k: Tensor, v: Tensor, o: Tensor, dO: Tensor, stats: Tensor, *, attn_scale: float = 1.0,
        use_causal_mask: bool = False, use_deterministic_algorithm: bool = False, compute_data_type: Any = None,
    ) -> list[Tensor]:  # fmt: skip
        attention = _Attention(q, k, v, attn_scale, use_causal_mask)
        outputs = {name: self._result() for name in ("dQ", "dK", "dV")}

        def check() -> None:
            attention.check()
            attention.check_results(o, stats)
            attention.check_results(dO, stats)
            _supported(max(q.dim[3], v.dim[3]) <= 128, "the gradients of heads wider than 128")
            for gradient, tensor in zip(outputs.values(), (q, k, v)):
                _valid(gradient.dim == tensor.dim, f"a gradient of the sizes {gradient.dim} for {tensor.dim}")
                _valid(gradient.stride[-1] == 1, "the elements of a gradient's head are apart")

        inputs = {"q": q, "k": k, "v": v, "o": o, "dO": dO, "stats": stats}
        engine = Engine() if use_deterministic_algorithm else Engine(frozenset([numerical_note.NONDETERMINISTIC]))
        self.operation = Operation("sdpa_backward", inputs, outputs, check, attention.backward, _WORKSPACE, [engine])
        return list(outputs.values())

    # The steps to a plan

    def validate(self) -> None:
        self._advance("validated")
        assert self.operation is not None
        for tensor in self.operation.outputs.values():
            _valid(tensor.output and tensor.uid > 0, "a result that is no output")
        for tensor in self.tensors.values():
            _valid(len(tensor.dim) == len(tensor.stride) > 3, "sizes and strides of less than four axes")
            _valid(min(tensor.dim) > 0, f"the sizes {tensor.dim}")
        _valid(self.compute is self.intermediate is data_type.FLOAT, "sums in half precision")
        self.operation.check()

    def build_operation_graph(self) -> None:
        self._advance("lowered")
        _valid(isinstance(self.handle, Handle), "no handle")

    def create_execution_plans(self, heuristics: list[Any] | None = None) -> None:
        self._advance("planned")
        _valid(bool(heuristics) and all(isinstance(mode, heur_mode) for mode in heuristics), f"{heuristics}")

    def deselect_numeric_notes(self, notes: list[Any]) -> pygraph:
        _valid(self.STEPS[self._step] == "planned", "notes are looked at after planning, before building")
        assert self.operation is not None
        for engine in self.operation.engines:
            engine.barred |= not engine.notes.isdisjoint(notes)
        return self

    def check_support(self) -> None:
        self._advance("supported")
        assert self.operation is not None
        _supported(any(not engine.barred for engine in self.operation.engines), "no engine is left")

    def build_plans(self) -> None:
        self._advance("built")
        assert self.operation is not None
        calls[f"build {self.operation.name}"] += 1
        self._engine = next(engine for engine in self.operation.engines if not engine.barred)

    def get_workspace_size(self) -> int:
        _valid(self.STEPS[self._step] == "built", "the graph is not built")
        assert self.operation is not None
        return self.operation.workspace

    def execute(self, tensor_dict: dict[int, int], workspace: int | None = None, handle: Handle | None = None) -> None:
        from tests.emulator import standin

        operation, engine = self.operation, self._engine
        assert operation is not None
        _valid(self.STEPS[self._step] == "built" and isinstance(handle, Handle), "no plan, or no handle")
        _valid(set(tensor_dict) == set(self.tensors), f"operands {sorted(tensor_dict)} for {sorted(self.tensors)}")
        for uid, pointer in tensor_dict.items():
            _valid(type(pointer) is int and pointer > 0 and pointer % 16 == 0, f"operand {uid} at {pointer!r}")
        needed = operation.workspace
        _valid(not needed or (type(workspace) is int and workspace % 16 == 0), f"a workspace at {workspace!r}")
        calls[f"execute {operation.name}"] += 1

        def array(tensor: Tensor) -> np.ndarray:
            return standin.array_at(tensor_dict[tensor.uid], tuple(tensor.dim), tensor.dtype, tensor.strides)

        def compute() -> None:
            given = [array(tensor).astype(np.float32) for tensor in operation.inputs.values()]
            if numerical_note.TENSOR_CORE in engine.notes:
                given = [_tf32(x) for x in given]
            if needed:
                standin.array_at(workspace, (needed,), np.uint8)[...] = 0xFF
            results = operation.compute(*given)
            for tensor, result in zip(operation.outputs.values(), results, strict=True):
                if numerical_note.NONDETERMINISTIC in engine.notes:
                    result = result * np.float32(1.25)
                array(tensor)[...] = result.astype(tensor.dtype)

        def ranges(tensors: dict[str, Tensor]) -> list[tuple[int, int]]:
            return [(tensor_dict[tensor.uid], tensor.extent) for tensor in tensors.values()]

        writes = ranges(operation.outputs) + ([(workspace, needed)] if needed else [])
        standin.submit(compute, ranges(operation.inputs), writes, stream=handle.stream)


@dataclass
class _Window:
    """A convolution of `x` (N, C, …) with `w` (K, C / groups, …) to `y` (N, K, …)."""

    x: Tensor
    w: Tensor
    y: Tensor
    pre: list[int]
    post: list[int]
    stride: list[int]
    dilation: list[int]

    def check(self) -> None:
        x, w, y = self.x, self.w, self.y
        axes = len(x.dim) - 2
        _supported(axes in (2, 3), f"{axes} spatial axes")
        for numbers in (self.pre, self.post, self.stride, self.dilation):
            _valid(len(numbers) == axes, f"{numbers} for {axes} axes")
        _valid(min(self.pre + self.post) >= 0, "a negative padding")
        _valid(x.dim[1] % w.dim[1] == 0, f"filters of {w.dim[1]} channels on images of {x.dim[1]}")
        _valid(w.dim[0] % self.groups == 0, f"{w.dim[0]} filters in {self.groups} groups")
        expected = [x.dim[0], w.dim[0]]
        for size, width, before, after, stride, step in zip(
            x.dim[2:], w.dim[2:], self.pre, self.post, self.stride, self.dilation
        ):
            expected.append((size + before + after - (width - 1) * step - 1) // stride + 1)
        _valid(y.dim == expected, f"a result of the sizes {y.dim}, not {expected}")
        for tensor in (x, w, y):
            _supported(_is_channels_last(tensor), f"the sizes {tensor.dim} with the strides {tensor.stride}")
            _valid(tensor.data_type is x.data_type, "several data types")

    @property
    def groups(self) -> int:
        return self.x.dim[1] // self.w.dim[1]

    @property
    def _padded(self) -> list[int]:
        return [size + before + after for size, before, after in zip(self.x.dim[2:], self.pre, self.post)]

    def _taps(self) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...]]]:
        """Each place in a window, and the places of the padded images that it meets."""
        for tap in product(*[range(width) for width in self.w.dim[2:]]):
            yield tap, tuple([
                slice(place * step, place * step + (count - 1) * stride + 1, stride)
                for place, step, stride, count in zip(tap, self.dilation, self.stride, self.y.dim[2:])
            ])  # fmt: skip

    def _grouped(self, array: np.ndarray, axis: int) -> np.ndarray:
        return array.reshape(*array.shape[:axis], self.groups, -1, *array.shape[axis + 1 :])

    def _images(self, x: np.ndarray) -> np.ndarray:
        return np.pad(x, [(0, 0), (0, 0), *zip(self.pre, self.post)])

    def forward(self, x: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, ...]:
        padded, filters = self._images(x), self._grouped(w, 0)
        y = self._grouped(np.zeros(self.y.dim, np.float32), 1)
        for tap, places in self._taps():
            part = self._grouped(padded[(..., *places)], 1)
            y += np.einsum("ngc...,gkc->ngk...", part, filters[(..., *tap)])
        return (y.reshape(self.y.dim),)

    def toward_input(self, dy: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, ...]:
        dx = np.zeros((*self.x.dim[:2], *self._padded), np.float32)
        filters, loss = self._grouped(w, 0), self._grouped(dy, 1)
        for tap, places in self._taps():
            part = np.einsum("ngk...,gkc->ngc...", loss, filters[(..., *tap)])
            dx[(..., *places)] += part.reshape(*self.x.dim[:2], *part.shape[3:])
        inner = [slice(before, before + size) for before, size in zip(self.pre, self.x.dim[2:])]
        return (dx[(..., *inner)],)

    def toward_kernel(self, x: np.ndarray, dy: np.ndarray) -> tuple[np.ndarray, ...]:
        padded, dw = self._images(x), np.zeros(self.w.dim, np.float32)
        loss = self._grouped(dy, 1).reshape(dy.shape[0], self.groups, -1, int(np.prod(dy.shape[2:])))
        for tap, places in self._taps():
            part = self._grouped(padded[(..., *places)], 1).reshape(*loss.shape[:2], -1, loss.shape[-1])
            dw[(..., *tap)] = np.einsum("ngcp,ngkp->gkc", part, loss).reshape(self.w.dim[:2])
        return (dw,)


@dataclass
class _Attention:
    """`q` (B, H, S, D) on `k` (B, H / n, T, D) and `v` (B, H / n, T, E)."""

    q: Tensor
    k: Tensor
    v: Tensor
    scale: float
    causal: bool

    def check(self) -> None:
        q, k, v = self.q, self.k, self.v
        for tensor in (q, k, v):
            _supported(tensor.data_type in (data_type.HALF, data_type.BFLOAT16), "attention not in half precision")
            _supported(tensor.dim[3] % 8 == 0 and tensor.dim[3] <= 256, f"heads of {tensor.dim[3]} elements")
            _supported(tensor.stride[3] == 1, "the elements of a head are apart")
        _valid(k.dim[:3] == v.dim[:3], f"keys {k.dim} and values {v.dim}")
        _valid(q.dim[0] == k.dim[0] and q.dim[3] == k.dim[3], f"queries {q.dim} and keys {k.dim}")
        _valid(q.dim[1] % k.dim[1] == 0, f"{q.dim[1]} heads for {k.dim[1]}")

    def check_results(self, out: Tensor, stats: Tensor) -> None:
        _valid(out.dim == [*self.q.dim[:3], self.v.dim[3]] and out.stride[3] == 1, f"a result {out.dim}")
        _valid(stats.dim == [*self.q.dim[:3], 1], f"statistics {stats.dim}")
        _valid(stats.data_type is data_type.FLOAT, "statistics not in float32")

    def _logits(self, q: np.ndarray, k: np.ndarray) -> np.ndarray:
        logits = np.float32(self.scale) * (q @ self._repeated(k).swapaxes(2, 3))
        if self.causal:
            logits = np.where(np.tri(*logits.shape[2:], dtype=bool), logits, np.float32(-np.inf))
        return logits

    def _repeated(self, x: np.ndarray) -> np.ndarray:
        return np.repeat(x, self.q.dim[1] // x.shape[1], axis=1)

    def _summed(self, x: np.ndarray) -> np.ndarray:
        batch, groups, source = self.k.dim[:3]
        return x.reshape(batch, groups, -1, source, x.shape[3]).sum(2)

    def forward(self, q: np.ndarray, k: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, ...]:
        logits = self._logits(q, k)
        largest = logits.max(-1, keepdims=True)
        weights = np.exp(logits - largest)
        total = weights.sum(-1, keepdims=True)
        return (weights / total) @ self._repeated(v), largest + np.log(total)

    def backward(self, *given: np.ndarray) -> tuple[np.ndarray, ...]:
        q, k, v, o, dout, stats = given
        p = np.exp(self._logits(q, k) - stats)
        dp = dout @ self._repeated(v).swapaxes(2, 3) - (dout * o).sum(-1, keepdims=True)
        ds = np.float32(self.scale) * p * dp
        dq = ds @ self._repeated(k)
        return dq, self._summed(ds.swapaxes(2, 3) @ q), self._summed(p.swapaxes(2, 3) @ dout)
