// Products of matrices of integers and booleans, which the library does not multiply.
#include "common.cuh"

// Sums modulo 2^64, of which the low bits are those of any narrower type.
template <typename T>
struct Ring {
    using type = unsigned long long;
    __device__ static type load(T x) { return static_cast<type>(static_cast<int64>(x)); }
    __device__ static type add(type sum, type a, type b) { return sum + a * b; }
    __device__ static T store(type sum) { return static_cast<T>(sum); }
};
// Integers of up to 32 bits: half the work.
template <typename T>
struct ShortRing {
    using type = unsigned int;
    __device__ static type load(T x) { return static_cast<type>(static_cast<int>(x)); }
    __device__ static type add(type sum, type a, type b) { return sum + a * b; }
    __device__ static T store(type sum) { return static_cast<T>(sum); }
};
template <>
struct Ring<int> : ShortRing<int> {};
template <>
struct Ring<unsigned int> : ShortRing<unsigned int> {};
template <>
struct Ring<short> : ShortRing<short> {};
template <>
struct Ring<unsigned short> : ShortRing<unsigned short> {};
template <>
struct Ring<signed char> : ShortRing<signed char> {};
template <>
struct Ring<unsigned char> : ShortRing<unsigned char> {};
// Or of ands.
template <>
struct Ring<bool> {
    using type = unsigned int;
    __device__ static type load(bool x) { return x ? 1u : 0u; }
    __device__ static type add(type sum, type a, type b) { return sum | (a & b); }
    __device__ static bool store(type sum) { return sum != 0u; }
};

// c (batch, m, n) = a (batch, m, k) b (batch, k, n), row-major; a_batch and b_batch are 0 where one matrix serves all.
// Blocks of 16 x 16 threads, one element of c each.
template <typename T>
__global__ void __launch_bounds__(256)
    gemm_plain(const T* a, const T* b, T* c, int64 batch, int64 m, int64 n, int64 k, int64 a_batch, int64 b_batch) {
    using R = Ring<T>;
    using Sum = typename R::type;
    constexpr int SIDE = 16;
    SHARED_2D(Sum, tile_a, SIDE, SIDE + 1);
    SHARED_2D(Sum, tile_b, SIDE, SIDE + 1);
    const int x = threadIdx.x, y = threadIdx.y;
    const int64 column = static_cast<int64>(blockIdx.x) * SIDE + x;
    for (int64 number = blockIdx.z; number < batch; number += gridDim.z) {
        const T* matrix_a = a + number * a_batch;
        const T* matrix_b = b + number * b_batch;
        for (int64 top = static_cast<int64>(blockIdx.y) * SIDE; top < m; top += static_cast<int64>(gridDim.y) * SIDE) {
            const int64 row = top + y;
            Sum sum = 0;
            for (int64 start = 0; start < k; start += SIDE) {
                tile_a[y][x] = row < m && start + x < k ? R::load(matrix_a[row * k + start + x]) : Sum(0);
                tile_b[y][x] = column < n && start + y < k ? R::load(matrix_b[(start + y) * n + column]) : Sum(0);
                __syncthreads();
#pragma unroll
                for (int i = 0; i < SIDE; ++i) {
                    sum = R::add(sum, tile_a[y][i], tile_b[i][x]);
                }
                __syncthreads();
            }
            if (row < m && column < n) {
                c[(number * m + row) * n + column] = R::store(sum);
            }
        }
    }
}
