"""Rational approximations of the error function and its inverse, on contiguous float32 and float64 blocks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kerasish.backend.contract.types import Array

# erf(x) / x as a ratio of two polynomials in x**2 on |x| <= 3.95, fitted for the least relative error
# (2.1e-8). Highest power first, in this whole file.
_SINGLE_LIMIT = 3.95
_SINGLE_P = (
    2.025904076948999e-06,
    0.0002846881279834931,
    0.003808181472458768,
    0.05287550875250794,
    0.19155078462601818,
    1.1283791437383803,
)
_SINGLE_Q = (
    3.7831780186620485e-05,
    0.0011707304681075202,
    0.015055130052815955,
    0.11455981919871956,
    0.5030901384762175,
    1.0,
)

# W. J. Cody, "Rational Chebyshev approximations for the error function", Math. Comp. 23 (1969).
_CODY_SPLIT = 0.46875
_CODY_A = (
    1.85777706184603153e-1,
    3.16112374387056560e00,
    1.13864154151050156e02,
    3.77485237685302021e02,
    3.20937758913846947e03,
)
_CODY_B = (
    1.0,
    2.36012909523441209e01,
    2.44024637934444173e02,
    1.28261652607737228e03,
    2.84423683343917062e03,
)
_CODY_C = (
    2.15311535474403846e-8,
    5.64188496988670089e-1,
    8.88314979438837594e0,
    6.61191906371416295e01,
    2.98635138197400131e02,
    8.81952221241769090e02,
    1.71204761263407058e03,
    2.05107837782607147e03,
    1.23033935479799725e03,
)
_CODY_D = (
    1.0,
    1.57449261107098347e01,
    1.17693950891312499e02,
    5.37181101862009858e02,
    1.62138957456669019e03,
    3.29079923573345963e03,
    4.36261909014324716e03,
    3.43936767414372164e03,
    1.23033935480374942e03,
)

# M. J. Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied Statistics 37
# (1988).
_WICHURA_CENTRE = (
    (
        2.5090809287301226727e3,
        3.3430575583588128105e4,
        6.7265770927008700853e4,
        4.5921953931549871457e4,
        1.3731693765509461125e4,
        1.9715909503065514427e3,
        1.3314166789178437745e2,
        3.3871328727963666080e0,
    ),
    (
        5.2264952788528545610e3,
        2.8729085735721942674e4,
        3.9307895800092710610e4,
        2.1213794301586595867e4,
        5.3941960214247511077e3,
        6.8718700749205790830e2,
        4.2313330701600911252e1,
        1.0,
    ),
)
_WICHURA_MIDDLE = (
    (
        7.74545014278341407640e-4,
        2.27238449892691845833e-2,
        2.41780725177450611770e-1,
        1.27045825245236838258e0,
        3.64784832476320460504e0,
        5.76949722146069140550e0,
        4.63033784615654529590e0,
        1.42343711074968357734e0,
    ),
    (
        1.05075007164441684324e-9,
        5.47593808499534494600e-4,
        1.51986665636164571966e-2,
        1.48103976427480074590e-1,
        6.89767334985100004550e-1,
        1.67638483018380384940e0,
        2.05319162663775882187e0,
        1.0,
    ),
)
_WICHURA_TAIL = (
    (
        2.01033439929228813265e-7,
        2.71155556874348757815e-5,
        1.24266094738807843860e-3,
        2.65321895265761230930e-2,
        2.96560571828504891230e-1,
        1.78482653991729133580e0,
        5.46378491116411436990e0,
        6.65790464350110377720e0,
    ),
    (
        2.04426310338993978564e-15,
        1.42151175831644588870e-7,
        1.84631831751005468180e-5,
        7.86869131145613259100e-4,
        1.48753612908506148525e-2,
        1.36929880922735805310e-1,
        5.99832206555887937690e-1,
        1.0,
    ),
)


def _horner(coefficients: Sequence[float], z: Array, out: Array | None = None) -> Array:
    result = np.multiply(z, coefficients[0], out=out)
    result += coefficients[1]
    for coefficient in coefficients[2:]:
        result *= z
        result += coefficient
    return result


def erf_block(x: Array, out: Array) -> None:
    """Write `erf(x)` to `out`: one ratio of polynomials in float32, Cody's two ranges in float64."""
    if out.dtype == np.float32:
        bounded = np.minimum(x, _SINGLE_LIMIT)
        np.maximum(bounded, -_SINGLE_LIMIT, out=bounded)
        z = bounded * bounded
        _horner(_SINGLE_P, z, out)
        out *= bounded
        out /= _horner(_SINGLE_Q, z)
        np.minimum(out, 1, out=out)
        np.maximum(out, -1, out=out)
        return
    magnitude = np.abs(x)
    near = np.minimum(magnitude, _CODY_SPLIT)
    near *= near
    near = _horner(_CODY_A, near) / _horner(_CODY_B, near)
    near *= x.clip(-1, 1)
    far = magnitude.clip(_CODY_SPLIT, 6.0)
    far = 1 - np.exp(-far * far) * _horner(_CODY_C, far) / _horner(_CODY_D, far)
    np.copyto(out, np.where(magnitude <= _CODY_SPLIT, near, np.copysign(far, x)))


def erfinv_block(x: Array, out: Array) -> None:
    """Write `erfinv(x)` to `out`, from Wichura's quantile of the normal distribution, in float64."""
    half = x.astype(np.float64) * 0.5
    distance = np.abs(half)
    with np.errstate(divide="ignore", invalid="ignore"):
        tail = np.sqrt(-np.log(0.5 - distance))
        centre = np.maximum(0.180625 - half * half, 0)
        result = half * _ratio(_WICHURA_CENTRE, centre)
        middle = np.copysign(_ratio(_WICHURA_MIDDLE, np.minimum(tail, 5) - 1.6), half)
        far = np.copysign(_ratio(_WICHURA_TAIL, tail.clip(5, 40) - 5), half)
    result = np.where(distance <= 0.425, result, np.where(tail <= 5, middle, far))
    result *= np.sqrt(0.5)
    result[distance == 0.5] *= np.inf
    result[distance > 0.5] = np.nan
    out[...] = result


def _ratio(coefficients: tuple[Sequence[float], Sequence[float]], z: Array) -> Array:
    return _horner(coefficients[0], z) / _horner(coefficients[1], z)
