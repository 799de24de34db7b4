from __future__ import annotations

import numpy as np
import pytest

ACT = {
    "tanh": np.tanh,
    "relu": lambda v: np.maximum(v, 0),
    "sigmoid": lambda v: 1 / (1 + np.exp(-v)),
    "linear": lambda v: v,
    "hard_sigmoid": lambda v: np.clip((v + 3) / 6, 0, 1),
}
GATES = {"simple_rnn": 1, "lstm": 4, "gru": 3}
RECURRENT = ["sigmoid", "hard_sigmoid", "tanh", "relu", "linear"]
TOLERANCE = {"float16": 4e-3, "float32": 2e-6, "float64": 1e-12}
CASES = [("simple_rnn", None), ("lstm", None), ("gru", True), ("gru", False)]
MASKS = ["none", "scattered", "leading", "all"]


def make_mask(kind, n, t):
    if kind == "none":
        return None
    mask = np.random.default_rng(3).random((n, t)) > 0.4
    if kind == "leading":
        mask[:, :2] = False
    if kind == "all":
        mask[0] = False
    return mask


def make_inputs(kernel, reset_after, *, n=3, t=5, d=4, u=3, bias=True, dtype="float64", mask="none"):
    rng = np.random.default_rng(7)
    gates = GATES[kernel]
    state = [rng.normal(size=(n, u)) for _ in range(2 if kernel == "lstm" else 1)]
    shift = rng.normal(size=(2, gates * u) if reset_after else gates * u) if bias else None
    arrays = [
        rng.normal(size=(n, t, d)),
        *state,
        rng.normal(size=(d, gates * u)) * 0.7,
        rng.normal(size=(u, gates * u)) * 0.7,
        shift,
    ]
    return [a if a is None else a.astype(dtype) for a in arrays] + [make_mask(mask, n, t)]


def attributes(kernel, reset_after, activation="tanh", recurrent="sigmoid", reverse=False, zero=False):
    attrs = {"activation": activation, "reverse": reverse, "zero_output_for_mask": zero}
    if kernel != "simple_rnn":
        attrs["recurrent_activation"] = recurrent
    if kernel == "gru":
        attrs["reset_after"] = reset_after
    return attrs


def reference(kernel, inputs, attrs):
    """One sample and one time step at a time, in float64: outputs and the last states."""
    inputs = [a if a is None or a.dtype == bool else a.astype("float64") for a in inputs]
    x, *states, w, r, b, mask = inputs
    act = ACT[attrs["activation"]]
    rec = ACT[attrs.get("recurrent_activation", "linear")]
    n, t, _ = x.shape
    u = r.shape[0]
    outputs = np.zeros((n, t, u))
    last = [s.copy() for s in states]
    for sample in range(n):
        shown = np.zeros(u)
        for k, step in enumerate(reversed(range(t)) if attrs["reverse"] else range(t)):
            h = last[0][sample].copy()
            if mask is not None and not mask[sample, step]:
                outputs[sample, k] = 0 if attrs["zero_output_for_mask"] else shown
                continue
            a = x[sample, step] @ w
            if kernel == "simple_rnn":
                h = act(a + h @ r + (0 if b is None else b))
            elif kernel == "lstm":
                i, f, g, o = np.split(a + h @ r + (0 if b is None else b), 4)
                last[1][sample] = rec(f) * last[1][sample] + rec(i) * act(g)
                h = rec(o) * act(last[1][sample])
            else:
                b_in, b_rec = (0, np.zeros(3 * u)) if b is None else (b if attrs["reset_after"] else (b, 0 * b))
                az, ar, ah = np.split(a + b_in, 3)
                bz, br, bh = np.split(b_rec, 3)
                rz, rr, rh = np.split(r, 3, axis=1)
                z, reset = rec(az + h @ rz + bz), rec(ar + h @ rr + br)
                inner = reset * (h @ rh + bh) if attrs["reset_after"] else (reset * h) @ rh
                h = z * h + (1 - z) * act(ah + inner)
            last[0][sample] = outputs[sample, k] = shown = h
    return outputs, *last


def run(kernels, kernel, inputs, attrs):
    return getattr(kernels, kernel)(*inputs, **attrs)


def check_forward(kernels, kernel, inputs, attrs, dtype="float64"):
    before = [a if a is None else a.copy() for a in inputs]
    results = run(kernels, kernel, inputs, attrs)
    for got, wanted in zip(results, reference(kernel, inputs, attrs)):
        assert got.dtype == dtype
        np.testing.assert_allclose(got, wanted, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    assert all(r.dtype == dtype for r in results)
    for was, now in zip(before, inputs):
        np.testing.assert_array_equal(was, now)


def gradients(kernels, kernel, inputs, attrs, *upstream):
    results = run(kernels, kernel, inputs, attrs)
    return getattr(kernels, kernel + "_backward")(*upstream, *inputs, *results, **attrs)


def check_gradients(kernels, kernel, inputs, attrs, missing=()):
    rng = np.random.default_rng(11)
    count = 3 if kernel == "lstm" else 2
    upstream = [rng.normal(size=a.shape) for a in run(kernels, kernel, inputs, attrs)[:count]]
    upstream = [None if i in missing else a for i, a in enumerate(upstream)]

    def objective():
        results = run(kernels, kernel, inputs, attrs)
        return sum((r * g).sum() for r, g in zip(results, upstream) if g is not None)

    got = gradients(kernels, kernel, inputs, attrs, *upstream)
    assert len(got) == len(inputs) - 1
    for value, gradient in zip(inputs, got):
        if value is None:
            assert gradient is None
            continue
        numeric = np.empty_like(value)
        for index in np.ndindex(value.shape):
            kept, ends = value[index], []
            for shift in (1e-6, -1e-6):
                value[index] = kept + shift
                ends.append(objective())
            value[index] = kept
            numeric[index] = (ends[0] - ends[1]) / 2e-6
        np.testing.assert_allclose(gradient, numeric, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("kernel", "reset_after"), CASES)
@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("mask", MASKS)
class TestMasks:
    def test_sequence_equals_the_loop(self, kernels, kernel, reset_after, mask, reverse, zero):
        inputs = make_inputs(kernel, reset_after, mask=mask)
        check_forward(kernels, kernel, inputs, attributes(kernel, reset_after, reverse=reverse, zero=zero))

    def test_gradients_equal_numeric_differences(self, kernels, kernel, reset_after, mask, reverse, zero):
        inputs = make_inputs(kernel, reset_after, mask=mask, n=2, t=4, d=2, u=2)
        check_gradients(kernels, kernel, inputs, attributes(kernel, reset_after, reverse=reverse, zero=zero))


@pytest.mark.parametrize(("kernel", "reset_after"), CASES)
@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "linear"])
@pytest.mark.parametrize("recurrent", RECURRENT)
def test_every_activation_has_its_value_and_its_gradient(kernels, kernel, reset_after, activation, recurrent):
    if kernel == "simple_rnn" and recurrent != "sigmoid":
        pytest.skip("a simple RNN has no gates")
    inputs = make_inputs(kernel, reset_after, n=2, t=3, d=2, u=2)
    attrs = attributes(kernel, reset_after, activation, recurrent)
    check_forward(kernels, kernel, inputs, attrs)
    check_gradients(kernels, kernel, inputs, attrs)


@pytest.mark.parametrize(("kernel", "reset_after"), CASES)
class TestConformance:
    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
    def test_dtype_is_kept(self, kernels, kernel, reset_after, dtype):
        inputs = make_inputs(kernel, reset_after, dtype=dtype, mask="scattered")
        attrs = attributes(kernel, reset_after)
        check_forward(kernels, kernel, inputs, attrs, dtype)
        ones = np.ones((3, 5, 3), dtype)
        rest = [None] * (2 if kernel == "lstm" else 1)
        got = gradients(kernels, kernel, inputs, attrs, ones, *rest)
        doubles = [a if a is None or a.dtype == bool else a.astype("float64") for a in inputs]
        wanted = gradients(kernels, kernel, doubles, attrs, ones.astype("float64"), *rest)
        for a, b in zip(got, wanted):
            assert a.dtype == dtype
            np.testing.assert_allclose(a, b, rtol=20 * TOLERANCE[dtype], atol=10 * TOLERANCE[dtype])

    @pytest.mark.parametrize(("n", "t", "d", "u"), [(0, 3, 2, 2), (1, 1, 1, 1), (2, 1, 3, 1), (2, 0, 2, 3)])
    def test_empty_and_single_sizes_keep_their_shapes(self, kernels, kernel, reset_after, n, t, d, u):
        inputs = make_inputs(kernel, reset_after, n=n, t=t, d=d, u=u)
        attrs = attributes(kernel, reset_after)
        check_forward(kernels, kernel, inputs, attrs)
        rest = [None] * (2 if kernel == "lstm" else 1)
        got = gradients(kernels, kernel, inputs, attrs, np.ones((n, t, u)), *rest)
        assert [g.shape for g in got] == [a.shape for a in inputs[:-1]]

    def test_missing_bias_and_missing_upstream_gradients_count_as_zero(self, kernels, kernel, reset_after):
        inputs = make_inputs(kernel, reset_after, bias=False, n=2, t=3, d=2, u=2)
        attrs = attributes(kernel, reset_after)
        check_forward(kernels, kernel, inputs, attrs)
        check_gradients(kernels, kernel, inputs, attrs, missing=(0,))
        check_gradients(kernels, kernel, inputs, attrs, missing=(1, 2))

    def test_non_contiguous_arrays_give_the_same(self, kernels, kernel, reset_after):
        inputs = make_inputs(kernel, reset_after, mask="scattered")
        attrs = attributes(kernel, reset_after)
        strided = [a if a is None else np.repeat(a, 2, axis=-1)[..., ::2] for a in inputs]
        ones, state = np.ones((3, 5, 6))[..., ::2], [np.ones((3, 6))[:, ::2]] * (2 if kernel == "lstm" else 1)
        check_forward(kernels, kernel, strided, attrs)
        for a, b in zip(
            gradients(kernels, kernel, strided, attrs, ones, *state),
            gradients(kernels, kernel, inputs, attrs, ones, *state),
        ):
            np.testing.assert_allclose(a, b, rtol=1e-12)

    def test_last_states_own_their_memory(self, kernels, kernel, reset_after):
        outputs, *last = run(kernels, kernel, make_inputs(kernel, reset_after), attributes(kernel, reset_after))
        assert not np.shares_memory(outputs, last[0])

    def test_backward_leaves_its_inputs_alone(self, kernels, kernel, reset_after):
        inputs = make_inputs(kernel, reset_after, mask="scattered")
        attrs = attributes(kernel, reset_after)
        upstream = [np.ones((3, 5, 3)), *[np.ones((3, 3))] * (2 if kernel == "lstm" else 1)]
        given = [*upstream, *inputs, *run(kernels, kernel, inputs, attrs)]
        before = [a.copy() for a in given]
        getattr(kernels, kernel + "_backward")(*given, **attrs)
        for was, now in zip(before, given):
            np.testing.assert_array_equal(was, now)

    def test_large_arguments_saturate_without_a_warning(self, kernels, kernel, reset_after):
        inputs = make_inputs(kernel, reset_after, dtype="float32")
        inputs[0] *= np.float32(1e4)
        assert all(np.isfinite(r).all() for r in run(kernels, kernel, inputs, attributes(kernel, reset_after))[:1])

    def test_unknown_activation_is_named(self, kernels, kernel, reset_after):
        inputs = make_inputs(kernel, reset_after)
        with pytest.raises(ValueError, match=r"expected activation to be one of.*Received: activation='gelu'"):
            run(kernels, kernel, inputs, attributes(kernel, reset_after, "gelu"))
        if kernel != "simple_rnn":
            with pytest.raises(ValueError, match=r"Received: recurrent_activation='gelu'"):
                run(kernels, kernel, inputs, attributes(kernel, reset_after, recurrent="gelu"))
