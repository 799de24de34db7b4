// Random numbers and dropout: one thread a Philox block, that is 8 numbers of 32 bits or 4 of 64.
#include "common.cuh"
#include "philox.cuh"

// How many numbers of a type a block gives.
template <typename T>
struct PerBlock {
    static constexpr int value = 8;
};
template <>
struct PerBlock<double> {
    static constexpr int value = 4;
};

// Uniform numbers in the dtype of the result, and the source of everything derived from them.
struct Bits {
    template <int N>
    __device__ static void fill(const PhiloxBlock& block, Vec<unsigned int, N>& out) {
#pragma unroll
        for (int i = 0; i < N; ++i) {
            out[i] = philox_half(block, i);
        }
    }
};

struct Uniform {
    template <int N>
    __device__ static void fill(const PhiloxBlock& block, Vec<float, N>& out) {
#pragma unroll
        for (int i = 0; i < N; ++i) {
            out[i] = uniform_float(philox_half(block, i));
        }
    }
    template <int N>
    __device__ static void fill(const PhiloxBlock& block, Vec<__half, N>& out) {
#pragma unroll
        for (int i = 0; i < N; ++i) {
            out[i] = narrow<__half>(static_cast<float>(philox_half(block, i) >> 21) * 4.8828125e-4f);  // 2^-11
        }
    }
    template <int N>
    __device__ static void fill(const PhiloxBlock& block, Vec<double, N>& out) {
#pragma unroll
        for (int i = 0; i < N; ++i) {
            out[i] = uniform_double(block.words[i]);
        }
    }
};

// Element i of the uniforms that a result of type T starts from, in double precision.
template <typename T>
__device__ inline double source_uniform(const PhiloxBlock& block, int i) {
    if constexpr (sizeof(T) == 8) {
        return uniform_double(block.words[i]);
    } else {
        return static_cast<double>(uniform_float(philox_half(block, i)));
    }
}

// Rounded once: half precision by way of float would be rounded twice.
template <typename T>
__device__ inline T rounded(double x) {
    return static_cast<T>(x);
}
template <>
__device__ inline __half rounded<__half>(double x) {
    return __double2half(x);
}

// Box and Muller.
struct Normal {
    template <typename T, int N>
    __device__ static void fill(const PhiloxBlock& block, Vec<T, N>& out) {
#pragma unroll
        for (int i = 0; i < N; i += 2) {
            const double radius = sqrt(-2.0 * log(1.0 - source_uniform<T>(block, i)));
            const double angle = source_uniform<T>(block, i + 1) * 6.283185307179586232;
            out[i] = rounded<T>(radius * cos(angle));
            out[i + 1] = rounded<T>(radius * sin(angle));
        }
    }
};

// The result is a fresh array, so its packs are aligned.
template <typename T, int N>
__device__ inline void store_block(T* out, const Vec<T, N>& values, int64 start, int64 count) {
    constexpr int PART = sizeof(T) * N > 16 ? 16 / sizeof(T) : N;
    if (start + N <= count) {
#pragma unroll
        for (int part = 0; part < N; part += PART) {
            Vec<T, PART> pack;
#pragma unroll
            for (int i = 0; i < PART; ++i) {
                pack[i] = values[part + i];
            }
            store_vec(out + start + part, pack);
        }
    } else {
#pragma unroll
        for (int i = 0; i < N; ++i) {
            if (start + i < count) {
                out[start + i] = values[i];
            }
        }
    }
}

template <typename Draw, typename T>
__global__ void __launch_bounds__(256) draw(
    T* out, int64 count, uint64 seed, uint64 stream, const unsigned char* pointer, int kind, uint64 number) {
    constexpr int N = PerBlock<T>::value;
    const uint64 step = philox_step(pointer, kind, number);
    const int64 stride = static_cast<int64>(gridDim.x) * blockDim.x;
    for (int64 block = static_cast<int64>(blockIdx.x) * blockDim.x + threadIdx.x; block * N < count; block += stride) {
        Vec<T, N> values;
        Draw::fill(philox_block(seed, stream, step, block), values);
        store_block(out, values, block * N, count);
    }
}

template <int N>
__device__ inline double horner(const double (&coefficients)[N], double z) {
    double result = coefficients[0];
#pragma unroll
    for (int i = 1; i < N; ++i) {
        result = result * z + coefficients[i];
    }
    return result;
}

// The inverse error function inside of (-1, 1), from the quantile of the normal distribution: M. J. Wichura,
// "Algorithm AS 241", Applied Statistics 37 (1988). The last range of the algorithm is not reached by what is drawn.
__device__ inline double inverse_erf(double x) {
    const double half = x * 0.5;
    const double distance = fabs(half);
    double result;
    if (distance <= 0.425) {
        const double p[] = {
            2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4, 4.5921953931549871457e4,
            1.3731693765509461125e4, 1.9715909503065514427e3, 1.3314166789178437745e2, 3.3871328727963666080e0};
        const double q[] = {
            5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4, 2.1213794301586595867e4,
            5.3941960214247511077e3, 6.8718700749205790830e2, 4.2313330701600911252e1, 1.0};
        const double z = 0.180625 - half * half;
        result = half * (horner(p, z) / horner(q, z));
    } else {
        const double p[] = {
            7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1,
            1.27045825245236838258e0, 3.64784832476320460504e0, 5.76949722146069140550e0,
            4.63033784615654529590e0, 1.42343711074968357734e0};
        const double q[] = {
            1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2,
            1.48103976427480074590e-1, 6.89767334985100004550e-1, 1.67638483018380384940e0,
            2.05319162663775882187e0, 1.0};
        const double z = sqrt(-log(0.5 - distance)) - 1.6;
        const double quantile = horner(p, z) / horner(q, z);
        result = half < 0.0 ? -quantile : quantile;
    }
    return result * 0.7071067811865475727;
}

template <typename T>
__global__ void __launch_bounds__(256) draw_truncated(
    T* out, int64 count, uint64 seed, uint64 stream, const unsigned char* pointer, int kind, uint64 number) {
    constexpr int N = PerBlock<T>::value;
    const uint64 step = philox_step(pointer, kind, number);
    const int64 stride = static_cast<int64>(gridDim.x) * blockDim.x;
    for (int64 block = static_cast<int64>(blockIdx.x) * blockDim.x + threadIdx.x; block * N < count; block += stride) {
        const PhiloxBlock words = philox_block(seed, stream, step, block);
        Vec<T, N> values;
#pragma unroll
        for (int i = 0; i < N; ++i) {
            // erf(sqrt(2)), then sqrt(2).
            const double u = (source_uniform<T>(words, i) * 2.0 - 1.0) * 0.954499736103641583;
            const double z = inverse_erf(u) * 1.4142135623730951455;
            values[i] = rounded<T>(z < -2.0 ? -2.0 : z > 2.0 ? 2.0 : z);
        }
        store_block(out, values, block * N, count);
    }
}

// Eight elements a thread. Half precision is multiplied in float and rounded once, as its own product is.
template <typename T>
__global__ void __launch_bounds__(256) dropout_blocks(
    const T* x, T* y, int64 count, double factor, unsigned int threshold, uint64 seed, uint64 stream,
    const unsigned char* pointer, int kind, uint64 number) {
    constexpr int PART = sizeof(T) == 2 ? 8 : 16 / sizeof(T);
    const uint64 step = philox_step(pointer, kind, number);
    const Wide<T> scale = static_cast<Wide<T>>(factor);
    const bool aligned = reinterpret_cast<uint64>(x) % 16 == 0;
    const int64 stride = static_cast<int64>(gridDim.x) * blockDim.x;
    for (int64 block = static_cast<int64>(blockIdx.x) * blockDim.x + threadIdx.x; block * 8 < count; block += stride) {
        const int64 start = block * 8;
        Vec<T, 8> values;
        if (aligned && start + 8 <= count) {
#pragma unroll
            for (int part = 0; part < 8; part += PART) {
                const Vec<T, PART> pack = load_vec<PART>(x + start + part);
#pragma unroll
                for (int i = 0; i < PART; ++i) {
                    values[part + i] = pack[i];
                }
            }
        } else {
#pragma unroll
            for (int i = 0; i < 8; ++i) {
                values[i] = start + i < count ? x[start + i] : narrow<T>(0.0f);
            }
        }
        const PhiloxBlock words = philox_block(seed, stream, step, block);
#pragma unroll
        for (int i = 0; i < 8; ++i) {
            const bool keep = philox_half(words, i) >= threshold;
            values[i] = narrow<T>(keep ? Wide<T>(wide(values[i]) * scale) : Wide<T>(0));
        }
        store_block(y, values, start, count);
    }
}

// Bits that broadcast to `x`: up to four dimensions, of which each has its size and its stride in the bits. Divisions
// in 32 bits take a fraction of the time, so the type of an index is one of the kernel's.
template <typename T, typename Index>
__global__ void __launch_bounds__(256, 2) dropout_broadcast(
    const T* x, const unsigned int* bits, T* y, int64 count, double factor, unsigned int threshold,
    int64 size_1, int64 size_2, int64 size_3, int64 stride_0, int64 stride_1, int64 stride_2, int64 stride_3) {
    const Wide<T> scale = static_cast<Wide<T>>(factor);
    const Index s1 = static_cast<Index>(size_1), s2 = static_cast<Index>(size_2), s3 = static_cast<Index>(size_3);
    const int64 stride = static_cast<int64>(gridDim.x) * blockDim.x;
    for (int64 i = static_cast<int64>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += stride) {
        const Index at = static_cast<Index>(i);
        const Index q3 = at / s3;
        int64 position = static_cast<int64>(at - q3 * s3) * stride_3;
        const Index q2 = q3 / s2;
        position += static_cast<int64>(q3 - q2 * s2) * stride_2;
        const Index q1 = q2 / s1;
        position += static_cast<int64>(q2 - q1 * s1) * stride_1 + static_cast<int64>(q1) * stride_0;
        y[i] = narrow<T>(bits[position] >= threshold ? Wide<T>(wide(x[i]) * scale) : Wide<T>(0));
    }
}
