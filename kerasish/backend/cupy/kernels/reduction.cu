// Sums and extrema along one axis of (outer, n, inner), in one stage or, where there are few results, in two; running
// sums and products. The order of additions depends on the shape alone.
#include "common.cuh"

__device__ inline int wide(int x) { return x; }
__device__ inline int wide(unsigned char x) { return x; }

struct Min {
    template <typename W>
    __device__ static W apply(W a, W b) {
        return (a < b || a != a) ? a : b;
    }
    template <typename W>
    __device__ static W neutral() {
        return W(__int_as_float(0x7f800000));
    }
};

struct Multiply {
    template <typename W>
    __device__ static W apply(W a, W b) {
        return a * b;
    }
    template <typename W>
    __device__ static W neutral() {
        return W(1);
    }
};

template <typename T>
struct AccumulatorOf {
    using type = Wide<T>;
};
template <>
struct AccumulatorOf<int> {
    using type = int;
};
template <>
struct AccumulatorOf<unsigned char> {
    using type = int;
};
template <typename T>
using Accumulator = typename AccumulatorOf<T>::type;

// A mean is a sum with a divisor.
template <typename O, typename A>
__device__ inline O finished(A value, A divisor) {
    return narrow<O>(divisor == A(0) ? value : value / divisor);
}

// y[row, part] of x[row, :], a part being `chunk` elements. A block of 256 threads takes a part of a row; a block of
// (lanes, 256 / lanes) takes as many rows, `lanes` a power of two up to 32. With `vectors`, rows and chunks are whole
// packs of 16 bytes.
template <typename T, typename O, typename OP>
__global__ void __launch_bounds__(256, 2) reduce_rows(const T* __restrict__ x, O* __restrict__ y, int64 rows, int64 n,
                                                   int64 chunk, int parts, int vectors, Accumulator<T> divisor) {
    using A = Accumulator<T>;
    constexpr int PACK = 16 / sizeof(T);
    const int64 task = int64(blockIdx.x) * blockDim.y + threadIdx.y;
    const int64 row = task / parts;
    const int64 start = (task - row * parts) * chunk;
    const int64 stop = row >= rows ? start : start + chunk < n ? start + chunk : n;
    const T* source = x + row * n;
    A value = OP::template neutral<A>();
    if (vectors) {
        for (int64 i = start + int64(threadIdx.x) * PACK; i < stop; i += int64(blockDim.x) * PACK) {
            const Vec<T, PACK> pack = load_vec<PACK>(source + i);
#pragma unroll
            for (int e = 0; e < PACK; ++e) {
                value = OP::apply(value, A(wide(pack[e])));
            }
        }
    } else {
        for (int64 i = start + threadIdx.x; i < stop; i += blockDim.x) {
            value = OP::apply(value, A(wide(source[i])));
        }
    }
    if (blockDim.x > 32) {
        value = block_reduce<OP>(value);
    } else {
        for (int offset = blockDim.x / 2; offset > 0; offset /= 2) {
            value = OP::apply(value, __shfl_xor_sync(0xffffffffu, value, offset));
        }
    }
    if (threadIdx.x == 0 && row < rows) {
        y[task] = finished<O>(value, divisor);
    }
}

// y[o, part, c] of x[o, :, c]. A block of (32, 8) threads takes 32 * N columns and one part of `chunk` rows.
template <typename T, typename O, typename OP, int N>
__global__ void __launch_bounds__(256, 2) reduce_columns(const T* __restrict__ x, O* __restrict__ y, int64 n, int64 inner,
                                                      int64 chunk, int64 column_blocks, Accumulator<T> divisor) {
    using A = Accumulator<T>;
    SHARED_2D(A, partial, 8, 32 * N);
    const int64 outer = int64(blockIdx.x) / column_blocks;
    const int64 column = (int64(blockIdx.x) - outer * column_blocks) * (32 * N) + int64(threadIdx.x) * N;
    const int64 start = int64(blockIdx.y) * chunk;
    const int64 stop = start + chunk < n ? start + chunk : n;
    A values[N];
#pragma unroll
    for (int e = 0; e < N; ++e) {
        values[e] = OP::template neutral<A>();
    }
    if (column < inner) {
        const T* source = x + outer * n * inner + column;
#pragma unroll 4
        for (int64 i = start + threadIdx.y; i < stop; i += 8) {
            const Vec<T, N> pack = load_vec<N>(source + i * inner);
#pragma unroll
            for (int e = 0; e < N; ++e) {
                values[e] = OP::apply(values[e], A(wide(pack[e])));
            }
        }
    }
#pragma unroll
    for (int e = 0; e < N; ++e) {
        partial[threadIdx.y][threadIdx.x * N + e] = values[e];
    }
    __syncthreads();
    const int64 parts = gridDim.y;
    const int linear = threadIdx.y * 32 + threadIdx.x;
    const int64 target = (int64(blockIdx.x) - outer * column_blocks) * (32 * N) + linear;
    if (linear < 32 * N && target < inner) {
        A value = partial[0][linear];
#pragma unroll
        for (int i = 1; i < 8; ++i) {
            value = OP::apply(value, partial[i][linear]);
        }
        y[(outer * parts + blockIdx.y) * inner + target] = finished<O>(value, divisor);
    }
}

// Running results along rows of n elements: a block of 256 threads a row, 1024 elements at a time.
template <typename T, typename OP>
__global__ void __launch_bounds__(256, 2) scan_rows(const T* __restrict__ x, T* __restrict__ y, int64 n) {
    using A = Wide<T>;
    SHARED(A, totals, 8);
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    const T* source = x + int64(blockIdx.x) * n;
    T* target = y + int64(blockIdx.x) * n;
    A carry = OP::template neutral<A>();
    for (int64 start = 0; start < n; start += 1024) {
        const int64 first = start + int64(threadIdx.x) * 4;
        A values[4];
#pragma unroll
        for (int e = 0; e < 4; ++e) {
            const A value = first + e < n ? A(wide(source[first + e])) : OP::template neutral<A>();
            values[e] = e ? OP::apply(values[e ? e - 1 : 0], value) : value;
        }
        A running = values[3];
#pragma unroll
        for (int offset = 1; offset < 32; offset *= 2) {
            const A other = __shfl_up_sync(0xffffffffu, running, offset);
            if (lane >= offset) {
                running = OP::apply(other, running);
            }
        }
        if (lane == 31) {
            totals[warp] = running;
        }
        const A left = __shfl_up_sync(0xffffffffu, running, 1);
        __syncthreads();
        A before = carry;
        for (int i = 0; i < warp; ++i) {
            before = OP::apply(before, totals[i]);
        }
        for (int i = 0; i < 8; ++i) {
            carry = OP::apply(carry, totals[i]);
        }
        if (lane > 0) {
            before = OP::apply(before, left);
        }
#pragma unroll
        for (int e = 0; e < 4; ++e) {
            if (first + e < n) {
                target[first + e] = narrow<T>(OP::apply(before, values[e]));
            }
        }
        // The next tile writes to the same memory.
        __syncthreads();
    }
}

// Running results along the middle of (outer, n, inner): a thread a column.
template <typename T, typename OP>
__global__ void scan_columns(const T* __restrict__ x, T* __restrict__ y, int64 outer, int64 n, int64 inner) {
    using A = Wide<T>;
    const int64 stride = int64(gridDim.x) * blockDim.x;
    for (int64 i = int64(blockIdx.x) * blockDim.x + threadIdx.x; i < outer * inner; i += stride) {
        const int64 start = i / inner * n * inner + i % inner;
        A value = OP::template neutral<A>();
        for (int64 step = 0; step < n; ++step) {
            value = OP::apply(value, A(wide(x[start + step * inner])));
            y[start + step * inner] = narrow<T>(value);
        }
    }
}
