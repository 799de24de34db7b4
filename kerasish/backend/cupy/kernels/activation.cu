// Elementwise activations, each a formula in the wide type, and the slopes of gelu.
#include "activation.cuh"
#include "elementwise_map.cuh"

// Polynomials have the highest power first.
template <int N>
__device__ inline double horner(const double (&coefficients)[N], double z) {
    double result = coefficients[0];
#pragma unroll
    for (int i = 1; i < N; ++i) {
        result = fma(result, z, coefficients[i]);
    }
    return result;
}

// M. J. Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied Statistics 37 (1988).
__device__ inline double normal_quantile_centre(double half) {
    const double p[8] = {2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4,
                         4.5921953931549871457e4, 1.3731693765509461125e4, 1.9715909503065514427e3,
                         1.3314166789178437745e2, 3.3871328727963666080e0};
    const double q[8] = {5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4,
                         2.1213794301586595867e4, 5.3941960214247511077e3, 6.8718700749205790830e2,
                         4.2313330701600911252e1, 1.0};
    const double z = 0.180625 - half * half;
    return half * horner(p, z) / horner(q, z);
}

__device__ inline double normal_quantile_middle(double z) {
    const double p[8] = {7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1,
                         1.27045825245236838258e0,  3.64784832476320460504e0,  5.76949722146069140550e0,
                         4.63033784615654529590e0,  1.42343711074968357734e0};
    const double q[8] = {1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2,
                         1.48103976427480074590e-1, 6.89767334985100004550e-1, 1.67638483018380384940e0,
                         2.05319162663775882187e0,  1.0};
    return horner(p, z) / horner(q, z);
}

__device__ inline double normal_quantile_tail(double z) {
    const double p[8] = {2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3,
                         2.65321895265761230930e-2, 2.96560571828504891230e-1, 1.78482653991729133580e0,
                         5.46378491116411436990e0,  6.65790464350110377720e0};
    const double q[8] = {2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5,
                         7.86869131145613259100e-4,  1.48753612908506148525e-2, 1.36929880922735805310e-1,
                         5.99832206555887937690e-1,  1.0};
    return horner(p, z) / horner(q, z);
}

constexpr double SQRT_HALF = 0.70710678118654752440;
constexpr double SQRT_TWO_OVER_PI = 0.79788456080286535588;
constexpr double CUBIC = 0.044715;
// Past this distance from 0, gelu and its slope have reached their limits in every type.
constexpr double GELU_LIMIT = 40.0;

// Comparisons rather than fmax and fmin, which lose a NaN.
template <typename W>
__device__ inline W at_least(W x, W low) {
    return x < low ? low : x;
}
template <typename W>
__device__ inline W at_most(W x, W high) {
    return x > high ? high : x;
}

struct Relu {
    template <typename W>
    __device__ static W value(W x, W) {
        return activate<RELU>(x);
    }
};

struct Sigmoid {
    template <typename W>
    __device__ static W value(W x, W) {
        return activate<SIGMOID>(x);
    }
};

struct Softplus {
    template <typename W>
    __device__ static W value(W x, W) {
        return at_least(x, W(0)) + log1p(exp(-fabs(x)));
    }
};

struct GeluErf {
    template <typename W>
    __device__ static W value(W x, W) {
        return W(0.5) * at_least(x, W(-GELU_LIMIT)) * (W(1) + erf(x * W(SQRT_HALF)));
    }
    template <typename W>
    __device__ static W slope(W x) {
        const W bounded = at_most(at_least(x, W(-GELU_LIMIT)), W(GELU_LIMIT));
        const W density = W(0.5 * SQRT_TWO_OVER_PI) * exp(W(-0.5) * bounded * bounded);
        return W(0.5) * (W(1) + erf(bounded * W(SQRT_HALF))) + bounded * density;
    }
};

struct GeluTanh {
    template <typename W>
    __device__ static W value(W x, W) {
        const W bounded = at_most(at_least(x, W(-GELU_LIMIT)), W(GELU_LIMIT));
        return W(0.5) * at_least(x, W(-GELU_LIMIT)) * (W(1) + tanh(cubic(bounded)));
    }
    template <typename W>
    __device__ static W slope(W x) {
        const W bounded = at_most(at_least(x, W(-GELU_LIMIT)), W(GELU_LIMIT));
        const W t = tanh(cubic(bounded));
        const W inner = W(SQRT_TWO_OVER_PI) + W(3 * CUBIC * SQRT_TWO_OVER_PI) * bounded * bounded;
        return W(0.5) * (W(1) + t) * (W(1) + bounded * inner * (W(1) - t));
    }
    template <typename W>
    __device__ static W cubic(W x) {
        return x * (W(SQRT_TWO_OVER_PI) + W(CUBIC * SQRT_TWO_OVER_PI) * x * x);
    }
};

struct Silu {
    // The denominator may be infinite, so the numerator must be finite.
    template <typename W>
    __device__ static W value(W x, W) {
        return at_least(x, W(-1000)) / (W(1) + exp(-x));
    }
};

struct Elu {
    template <typename W>
    __device__ static W value(W x, W alpha) {
        return x > W(0) ? x : alpha * expm1(x);
    }
};

struct Erf {
    template <typename W>
    __device__ static W value(W x, W) {
        return erf(x);
    }
};

struct Erfinv {
    template <typename W>
    __device__ static W value(W x, W) {
        const double half = 0.5 * static_cast<double>(x);
        const double distance = fabs(half);
        double result;
        if (distance <= 0.425) {
            result = normal_quantile_centre(half);
        } else {
            // Infinite at the ends, NaN beyond them.
            const double tail = sqrt(-log(0.5 - distance));
            result = tail <= 5.0 ? normal_quantile_middle(tail - 1.6)
                     : distance == 0.5 ? infinity<double>()
                                       : normal_quantile_tail(tail - 5.0);
            result = half < 0.0 ? -result : result;
        }
        return static_cast<W>(SQRT_HALF * result);
    }
};

template <typename T, typename Formula>
__global__ void __launch_bounds__(256)
    activation(const T* __restrict__ x, T* __restrict__ y, int64 count, double parameter) {
    using W = Wide<T>;
    const W constant = static_cast<W>(parameter);
    map_elements([=](W value) { return Formula::value(value, constant); }, y, count, x);
}

template <typename T, typename Formula>
__global__ void __launch_bounds__(256)
    activation_backward(const T* __restrict__ dy, const T* __restrict__ x, T* __restrict__ dx, int64 count) {
    using W = Wide<T>;
    map_elements([=](W gradient, W value) { return gradient * Formula::slope(value); }, dx, count, dy, x);
}
