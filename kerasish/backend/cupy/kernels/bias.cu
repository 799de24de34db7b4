// Gradients before an activation and of a bias; sums over parts that other kernels leave.
#include "chosen.cuh"

// Blocks of 32 x 8 threads: along x elements of the result, along y every eighth part.
template <typename T>
__global__ void __launch_bounds__(256)
    sum_parts(const Wide<T>* __restrict__ parts, const T* __restrict__ bias, T* __restrict__ target, int64 count,
              int columns, int splits, int activation) {
    using W = Wide<T>;
    SHARED_2D(W, partial, 8, 32);
    for (int64 base = int64(blockIdx.x) * 32; base < count; base += int64(gridDim.x) * 32) {
        const int64 i = base + threadIdx.x;
        W total = W(0);
        if (i < count) {
#pragma unroll 4
            for (int split = threadIdx.y; split < splits; split += 8) {
                total += parts[split * count + i];
            }
        }
        partial[threadIdx.y][threadIdx.x] = total;
        __syncthreads();
        if (threadIdx.y == 0 && i < count) {
#pragma unroll
            for (int y = 1; y < 8; ++y) {
                total += partial[y][threadIdx.x];
            }
            if (bias != nullptr) {
                total += wide(bias[i % columns]);
            }
            target[i] = narrow<T>(activate_chosen(activation, total));
        }
        __syncthreads();
    }
}

// Blocks of x threads along the columns (N each) and y along the rows. `dpre` and `parts` may be null.
template <typename T, int N>
__global__ void __launch_bounds__(256)
    bias_activation_backward(const T* __restrict__ dy, const T* __restrict__ y, T* __restrict__ dpre,
                             Wide<T>* __restrict__ parts, int64 rows, int columns, int activation) {
    using W = Wide<T>;
    SHARED(W, partial, 256 * N);
    const int column = (blockIdx.x * blockDim.x + threadIdx.x) * N;
    const bool active = column < columns;
    W sums[N];
#pragma unroll
    for (int i = 0; i < N; ++i) {
        sums[i] = W(0);
    }
    if (active) {
        const int64 step = int64(gridDim.y) * blockDim.y;
#pragma unroll 2
        for (int64 row = int64(blockIdx.y) * blockDim.y + threadIdx.y; row < rows; row += step) {
            const int64 place = row * columns + column;
            const Vec<T, N> upper = load_vec<N>(dy + place);
            W values[N];
#pragma unroll
            for (int i = 0; i < N; ++i) {
                values[i] = wide(upper[i]);
            }
            if (activation != LINEAR) {
                const Vec<T, N> output = load_vec<N>(y + place);
                Vec<T, N> result;
#pragma unroll
                for (int i = 0; i < N; ++i) {
                    const W v = wide(output[i]);
                    const W slope = activation == RELU      ? slope_from_output<RELU>(v)
                                    : activation == SIGMOID ? slope_from_output<SIGMOID>(v)
                                                            : slope_from_output<TANH>(v);
                    values[i] *= slope;
                    result[i] = narrow<T>(values[i]);
                }
                store_vec(dpre + place, result);
            }
#pragma unroll
            for (int i = 0; i < N; ++i) {
                sums[i] += values[i];
            }
        }
    }
    if (parts == nullptr) {
        return;
    }
    W* const mine = partial + (threadIdx.y * blockDim.x + threadIdx.x) * N;
#pragma unroll
    for (int i = 0; i < N; ++i) {
        mine[i] = sums[i];
    }
    __syncthreads();
    if (threadIdx.y == 0 && active) {
        for (int other = 1; other < blockDim.y; ++other) {
#pragma unroll
            for (int i = 0; i < N; ++i) {
                sums[i] += mine[other * blockDim.x * N + i];
            }
        }
#pragma unroll
        for (int i = 0; i < N; ++i) {
            parts[int64(blockIdx.y) * columns + column + i] = sums[i];
        }
    }
}
