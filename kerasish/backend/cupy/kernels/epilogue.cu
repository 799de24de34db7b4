// Bias and activation in place on the rows of a matrix: what the epilogue of a product cannot do.
#include "common.cuh"
#include "chosen.cuh"

// y (batch, rows, columns), strides in elements; the bias (columns,) or null. Threads run along the columns, so each
// one loads its part of the bias once. With VECTOR, all strides are multiples of 16 bytes and so are the addresses.
template <typename T, bool VECTOR>
__global__ void __launch_bounds__(256, 4)
    bias_activation(T* y, const T* bias, int64 batch, int64 rows, int64 columns, int64 batch_stride, int64 row_stride,
                    int activation) {
    constexpr int N = VECTOR ? 16 / sizeof(T) : 1;
    const int64 column = (static_cast<int64>(blockIdx.x) * blockDim.x + threadIdx.x) * N;
    if (column < columns) {
        Wide<T> shift[N];
#pragma unroll
        for (int i = 0; i < N; ++i) {
            shift[i] = Wide<T>(0);
        }
        if (bias != nullptr) {
            const Vec<T, N> pack = load_vec<N>(bias + column);
#pragma unroll
            for (int i = 0; i < N; ++i) {
                shift[i] = wide(pack[i]);
            }
        }
        const int64 first = static_cast<int64>(blockIdx.y) * blockDim.y + threadIdx.y;
        const int64 step = static_cast<int64>(gridDim.y) * blockDim.y;
        for (int64 b = blockIdx.z; b < batch; b += gridDim.z) {
            for (int64 row = first; row < rows; row += step) {
                T* place = y + b * batch_stride + row * row_stride + column;
                Vec<T, N> pack = load_vec<N>(static_cast<const T*>(place));
#pragma unroll
                for (int i = 0; i < N; ++i) {
                    pack[i] = narrow<T>(activate_chosen(activation, wide(pack[i]) + shift[i]));
                }
                store_vec(place, pack);
            }
        }
    }
}
