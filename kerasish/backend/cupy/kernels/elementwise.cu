// What CuPy computes otherwise than NumPy: division of floats with a remainder, the next float, values not finite.
#include "common.cuh"

enum Binary { FLOOR_DIVIDE, MOD, NEXT_AFTER };

template <typename W>
__device__ inline W floor_divide(W a, W b) {
    if (b == W(0)) {
        return a / b;
    }
    const W rest = fmod(a, b);
    W quotient = (a - rest) / b;
    if (rest != W(0) && (b < W(0)) != (rest < W(0))) {
        quotient -= W(1);
    }
    if (quotient == W(0)) {
        return copysign(W(0), a / b);
    }
    // The quotient is a whole number but for rounding.
    const W below = floor(quotient);
    return quotient - below > W(0.5) ? below + W(1) : below;
}

template <typename W>
__device__ inline W remainder_of_floor(W a, W b) {
    const W rest = fmod(a, b);
    if (rest == W(0)) {
        return copysign(W(0), b);
    }
    return rest == rest && (b < W(0)) != (rest < W(0)) ? rest + b : rest;
}

template <int BYTES>
struct Bits;
template <>
struct Bits<2> {
    using type = unsigned short;
};
template <>
struct Bits<4> {
    using type = unsigned int;
};
template <>
struct Bits<8> {
    using type = unsigned long long;
};

// By the bits alone: comparisons of floats may take the smallest ones for zero.
template <typename T>
__device__ inline T next_after(T from, T to) {
    using B = typename Bits<sizeof(T)>::type;
    const B sign = B(B(1) << (8 * sizeof(T) - 1));
    const B a = *reinterpret_cast<const B*>(&from);
    const B b = *reinterpret_cast<const B*>(&to);
    const B size_a = B(a & B(~sign)), size_b = B(b & B(~sign));
    B result;
    if (wide(from) != wide(from)) {
        result = a;
    } else if (wide(to) != wide(to) || a == b || (size_a == 0 && size_b == 0)) {
        result = b;
    } else if (size_a == 0) {
        result = B((b & sign) | B(1));
    } else {
        const bool away = (a & sign) == (b & sign) && size_b > size_a;
        result = away ? B(a + 1) : B(a - 1);
    }
    return *reinterpret_cast<const T*>(&result);
}

// An operand is an array of n elements (step 1), one element on the device (step 0), or a number (null).
template <typename T, Binary OP>
__global__ void binary(const T* __restrict__ a, const T* __restrict__ b, T* __restrict__ y, Wide<T> a_number,
                       Wide<T> b_number, int a_step, int b_step, int64 n) {
    const int64 stride = int64(gridDim.x) * blockDim.x;
    for (int64 i = int64(blockIdx.x) * blockDim.x + threadIdx.x; i < n; i += stride) {
        const T left = a == nullptr ? narrow<T>(a_number) : a[i * a_step];
        const T right = b == nullptr ? narrow<T>(b_number) : b[i * b_step];
        if constexpr (OP == NEXT_AFTER) {
            y[i] = next_after(left, right);
        } else if constexpr (OP == MOD) {
            y[i] = narrow<T>(remainder_of_floor(wide(left), wide(right)));
        } else {
            y[i] = narrow<T>(floor_divide(wide(left), wide(right)));
        }
    }
}

template <typename T>
__global__ void replace_nonfinite(const T* __restrict__ x, T* __restrict__ y, Wide<T> nan, Wide<T> posinf,
                                  Wide<T> neginf, int64 n) {
    const int64 stride = int64(gridDim.x) * blockDim.x;
    for (int64 i = int64(blockIdx.x) * blockDim.x + threadIdx.x; i < n; i += stride) {
        const Wide<T> value = wide(x[i]);
        if (value != value) {
            y[i] = narrow<T>(nan);
        } else if (value - value == Wide<T>(0)) {
            y[i] = x[i];
        } else {
            y[i] = narrow<T>(value > Wide<T>(0) ? posinf : neginf);
        }
    }
}
