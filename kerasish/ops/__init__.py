"""Differentiable functions of tensors, with the names and arguments of `keras.ops`."""

from kerasish.autodiff import custom_gradient, stop_gradient
from kerasish.ops import image as image
from kerasish.ops import linalg as linalg
from kerasish.ops import nn as nn
from kerasish.ops import operators as operators
from kerasish.ops.activation import (
    celu,
    elu,
    erf,
    erfc,
    erfinv,
    gelu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_swish,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    squareplus,
    swish,
    tanh_shrink,
    threshold,
)
from kerasish.ops.arithmetic import (
    add,
    arctan2,
    divide,
    divide_no_nan,
    floor_divide,
    fmod,
    gcd,
    heaviside,
    hypot,
    lcm,
    ldexp,
    logaddexp,
    logaddexp2,
    mod,
    multiply,
    nextafter,
    power,
    subtract,
    true_divide,
)
from kerasish.ops.attention import dot_product_attention
from kerasish.ops.blocks import depth_to_space, fold, space_to_depth, unfold
from kerasish.ops.choice import clip, fmax, fmin, maximum, minimum, where
from kerasish.ops.comparison import (
    allclose,
    bitwise_and,
    bitwise_invert,
    bitwise_left_shift,
    bitwise_not,
    bitwise_or,
    bitwise_right_shift,
    bitwise_xor,
    equal,
    greater,
    greater_equal,
    isclose,
    isfinite,
    isin,
    isinf,
    isnan,
    isneginf,
    isposinf,
    isreal,
    left_shift,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    not_equal,
    right_shift,
    signbit,
)
from kerasish.ops.control_flow import associative_scan, cond, fori_loop, map, scan, switch, vectorized_map, while_loop
from kerasish.ops.conv import conv, conv_bias, conv_transpose, depthwise_conv, separable_conv
from kerasish.ops.creation import (
    array,
    cast,
    convert_to_numpy,
    convert_to_tensor,
    copy,
    dtype,
    empty,
    empty_like,
    eye,
    full,
    full_like,
    identity,
    is_tensor,
    ndim,
    ones,
    ones_like,
    saturate_cast,
    shape,
    size,
    tri,
    tril,
    triu,
    zeros,
    zeros_like,
)
from kerasish.ops.crossentropy import binary_crossentropy, categorical_crossentropy, sparse_categorical_crossentropy
from kerasish.ops.decompositions import cholesky, eig, eigh, lu_factor, qr, svd
from kerasish.ops.dense import dense
from kerasish.ops.elementwise import (
    abs,
    absolute,
    cbrt,
    ceil,
    conj,
    conjugate,
    exp,
    exp2,
    expm1,
    fabs,
    floor,
    log,
    log1p,
    log2,
    log10,
    nan_to_num,
    negative,
    reciprocal,
    round,
    rsqrt,
    sign,
    sqrt,
    square,
    trunc,
)
from kerasish.ops.embedding import embedding
from kerasish.ops.encoding import multi_hot, one_hot
from kerasish.ops.flipping import flip, fliplr, flipud, roll, rot90
from kerasish.ops.indexing import get_item, scatter, scatter_update, slice, slice_update, take, take_along_axis
from kerasish.ops.joining import (
    append,
    array_split,
    concatenate,
    dsplit,
    dstack,
    hsplit,
    hstack,
    split,
    stack,
    unstack,
    vsplit,
    vstack,
)
from kerasish.ops.linalg import cholesky_inverse, jvp, lstsq, matrix_rank, norm, pinv
from kerasish.ops.matmul import einsum, matmul
from kerasish.ops.moments import moments
from kerasish.ops.normalization import (
    batch_normalization,
    batch_normalization_train,
    layer_normalization,
    normalize,
    rms_normalization,
)
from kerasish.ops.pool import adaptive_average_pool, adaptive_max_pool, average_pool, max_pool
from kerasish.ops.products import cross, diag, diagflat, diagonal, dot, inner, kron, outer, tensordot, trace, vdot
from kerasish.ops.recurrent import gru, lstm, simple_rnn
from kerasish.ops.reduction import (
    all,
    amax,
    amin,
    any,
    argmax,
    argmin,
    count_nonzero,
    cumprod,
    cumsum,
    max,
    mean,
    min,
    prod,
    ptp,
    sum,
)
from kerasish.ops.segments import bincount, segment_max, segment_sum
from kerasish.ops.shape import broadcast_to, expand_dims, moveaxis, ravel, reshape, squeeze, swapaxes, transpose
from kerasish.ops.softmax import log_softmax, softmax, sparsemax
from kerasish.ops.solvers import det, inv, logdet, slogdet, solve, solve_triangular
from kerasish.ops.sorting import argpartition, argsort, digitize, in_top_k, nonzero, searchsorted, sort, top_k, unique
from kerasish.ops.spacing import arange, geomspace, linspace, logspace
from kerasish.ops.statistics import (
    average,
    logsumexp,
    nanargmax,
    nanargmin,
    nancumprod,
    nancumsum,
    nanmax,
    nanmean,
    nanmin,
    nanprod,
    nanstd,
    nansum,
    nanvar,
    std,
    var,
)
from kerasish.ops.tiling import meshgrid, pad, repeat, tile
from kerasish.ops.trigonometry import (
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctanh,
    cos,
    cosh,
    deg2rad,
    rad2deg,
    sin,
    sinc,
    sinh,
    tan,
    tanh,
)

# One name a line would take several screens.
# fmt: off
__all__ = [
    "abs", "absolute", "adaptive_average_pool", "adaptive_max_pool", "add", "all", "allclose", "amax", "amin", "any",
    "append", "arange", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "argmax", "argmin",
    "argpartition", "argsort", "array", "array_split", "associative_scan", "average", "average_pool",
    "batch_normalization", "batch_normalization_train", "binary_crossentropy", "bincount", "bitwise_and",
    "bitwise_invert", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor",
    "broadcast_to", "cast", "categorical_crossentropy", "cbrt", "ceil", "celu", "cholesky", "cholesky_inverse", "clip",
    "concatenate", "cond", "conj", "conjugate", "conv", "conv_bias", "conv_transpose", "convert_to_numpy",
    "convert_to_tensor", "copy", "cos", "cosh", "count_nonzero", "cross", "cumprod", "cumsum", "custom_gradient",
    "deg2rad", "dense", "depth_to_space", "depthwise_conv", "det", "diag", "diagflat", "diagonal", "digitize", "divide",
    "divide_no_nan", "dot", "dot_product_attention", "dsplit", "dstack", "dtype", "eig", "eigh", "einsum", "elu",
    "embedding", "empty", "empty_like", "equal", "erf", "erfc", "erfinv", "exp", "exp2", "expand_dims", "expm1", "eye",
    "fabs", "flip", "fliplr", "flipud", "floor", "floor_divide", "fmax", "fmin", "fmod", "fold", "fori_loop", "full",
    "full_like", "gcd", "gelu", "geomspace", "get_item", "glu", "greater", "greater_equal", "gru", "hard_shrink",
    "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "heaviside", "hsplit", "hstack", "hypot", "identity",
    "in_top_k", "inner", "inv", "is_tensor", "isclose", "isfinite", "isin", "isinf", "isnan", "isneginf", "isposinf",
    "isreal", "jvp", "kron", "layer_normalization", "lcm", "ldexp", "leaky_relu", "left_shift", "less", "less_equal",
    "linalg", "linspace", "log", "log1p", "log2", "log10", "log_sigmoid", "log_softmax", "logaddexp", "logaddexp2",
    "logdet", "logical_and", "logical_not", "logical_or", "logical_xor", "logspace", "logsumexp", "lstm", "lstsq",
    "lu_factor", "map", "matmul", "matrix_rank", "max", "max_pool", "maximum", "mean", "meshgrid", "min", "minimum",
    "mod", "moments", "moveaxis", "multi_hot", "multiply", "nan_to_num", "nanargmax", "nanargmin", "nancumprod",
    "nancumsum", "nanmax", "nanmean", "nanmin", "nanprod", "nanstd", "nansum", "nanvar", "ndim", "negative",
    "nextafter", "nn", "nonzero", "norm", "normalize", "not_equal", "one_hot", "ones", "ones_like", "outer", "pad",
    "pinv", "power", "prod", "ptp", "qr", "rad2deg", "ravel", "reciprocal", "relu", "relu6", "repeat", "reshape",
    "right_shift", "rms_normalization", "roll", "rot90", "round", "rsqrt", "saturate_cast", "scan", "scatter",
    "scatter_update", "searchsorted", "segment_max", "segment_sum", "selu", "separable_conv", "shape", "sigmoid",
    "sign", "signbit", "silu", "simple_rnn", "sin", "sinc", "sinh", "size", "slice", "slice_update", "slogdet",
    "soft_shrink", "softmax", "softplus", "softsign", "solve", "solve_triangular", "sort", "space_to_depth",
    "sparse_categorical_crossentropy", "sparse_plus", "sparse_sigmoid", "sparsemax", "split", "sqrt", "square",
    "squareplus", "squeeze", "stack", "std", "stop_gradient", "subtract", "sum", "svd", "swapaxes", "swish", "switch",
    "take", "take_along_axis", "tan", "tanh", "tanh_shrink", "tensordot", "threshold", "tile", "top_k", "trace",
    "transpose", "tri", "tril", "triu", "true_divide", "trunc", "unfold", "unique", "unstack", "var", "vdot",
    "vectorized_map", "vsplit", "vstack", "where", "while_loop", "zeros", "zeros_like",
]
# fmt: on
