// A warp's matrix instructions: fragments of 16 x 8 x 16 products, in half precision with sums in float.
//
// With g = lane / 4 and q = lane % 4 a lane holds of A (16 x 16): rows g and g + 8, columns 2q, 2q + 1 and those plus 8,
// as {(g, low), (g + 8, low), (g, high), (g + 8, high)}; of B (16 x 8): column g, rows 2q, 2q + 1 and those plus 8; of
// C (16 x 8): {(g, 2q), (g, 2q + 1), (g + 8, 2q), (g + 8, 2q + 1)}. Source: PTX ISA, "Matrix fragments for mma.m16n8k16".
#include "common.cuh"

#if defined(KERASISH_HOST) || (defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800)
#define HAS_MMA 1
#else
#define HAS_MMA 0
#endif

#if HAS_MMA
using uint32 = unsigned int;

#ifdef KERASISH_HOST
// On the host the lanes exchange fragments through memory.
struct Lanes {
    const void* rows[1024];
    uint32 a[1024][4];
    uint32 b[1024][2];
};
template <typename T>
inline float element(uint32 pair, int which) {
    T both[2];
    memcpy(both, &pair, 4);
    return wide(both[which]);
}
#endif

template <typename T>
struct IsHalf {
    static constexpr bool value = false;
};
template <>
struct IsHalf<__half> {
    static constexpr bool value = true;
};

template <typename T>
__device__ inline uint32 pack_pair(float low, float high) {
    Vec<T, 2> pair;
    pair[0] = narrow<T>(low);
    pair[1] = narrow<T>(high);
    uint32 bits;
    memcpy(&bits, &pair, 4);
    return bits;
}

// c += a b
template <typename T>
__device__ inline void mma(float (&c)[4], const uint32 (&a)[4], uint32 b0, uint32 b1) {
#ifdef KERASISH_HOST
    SHARED(Lanes, lanes, 1);
    const int me = threadIdx.x, first = me & ~31, g = (me & 31) >> 2, q = me & 3;
    memcpy(lanes[0].a[me], a, 16);
    lanes[0].b[me][0] = b0;
    lanes[0].b[me][1] = b1;
    __syncwarp();
    for (int k = 0; k < 16; ++k) {
        const int high = k >> 3, pair = (k & 7) >> 1, which = k & 1;
        for (int i = 0; i < 4; ++i) {
            const uint32 left = lanes[0].a[first + g * 4 + pair][2 * high + (i >> 1)];
            const uint32 right = lanes[0].b[first + (2 * q + (i & 1)) * 4 + pair][high];
            c[i] += element<T>(left, which) * element<T>(right, which);
        }
    }
    __syncwarp();
#else
    if constexpr (IsHalf<T>::value) {
        asm volatile(
            "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
            : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
            : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
    } else {
        asm volatile(
            "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
            : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
            : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
    }
#endif
}

// Four 8 x 8 matrices; lane l names row l % 8 of matrix l / 8. A lane gets (g, 2q), (g, 2q + 1) of each, or of its
// transpose.
template <bool TRANSPOSED, typename T>
__device__ inline void load_matrices(uint32 (&r)[4], const T* row) {
#ifdef KERASISH_HOST
    SHARED(Lanes, lanes, 1);
    const int me = threadIdx.x, first = me & ~31, g = (me & 31) >> 2, q = me & 3;
    CHECK_ALIGNED(row, 16);
    lanes[0].rows[me] = row;
    __syncwarp();
    for (int i = 0; i < 4; ++i) {
        T pair[2];
        for (int e = 0; e < 2; ++e) {
            const int line = TRANSPOSED ? 2 * q + e : g, column = TRANSPOSED ? g : 2 * q + e;
            pair[e] = static_cast<const T*>(lanes[0].rows[first + i * 8 + line])[column];
        }
        memcpy(&r[i], pair, 4);
    }
    __syncwarp();
#else
    const uint32 address = static_cast<uint32>(__cvta_generic_to_shared(row));
    if constexpr (TRANSPOSED) {
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                     : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                     : "r"(address)
                     : "memory");
    } else {
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                     : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                     : "r"(address)
                     : "memory");
    }
#endif
}

// 16 bytes from global to shared memory without a detour by registers; zeros where not `valid`.
__device__ inline void copy_async(void* shared, const void* global, bool valid) {
    CHECK_ALIGNED(shared, 16);
    CHECK_ALIGNED(global, 16);
#ifdef KERASISH_HOST
    if (valid) {
        memcpy(shared, global, 16);
    } else {
        memset(shared, 0, 16);
    }
#else
    const uint32 address = static_cast<uint32>(__cvta_generic_to_shared(shared));
    const int bytes = valid ? 16 : 0;
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(address), "l"(global), "r"(bytes) : "memory");
#endif
}

// What was asked for since the last call becomes one group.
__device__ inline void commit_copies() {
#ifndef KERASISH_HOST
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

// Until at most PENDING of the latest groups are under way.
template <int PENDING>
__device__ inline void wait_copies() {
#ifndef KERASISH_HOST
    asm volatile("cp.async.wait_group %0;" ::"n"(PENDING) : "memory");
#endif
}

// A tile of rows of D elements, in chunks of eight that are permuted within each row so that the eight rows of a
// matrix lie in different banks.
template <int D>
__device__ inline int swizzled(int row, int chunk) {
    return row * D + ((chunk ^ (row & 7)) << 3);
}

// Rows 0 to `rows` - 1 of `columns` elements, `stride` apart, zeros around them.
template <int D, int ROWS, int THREADS, typename T>
__device__ inline void load_tile(T* tile, const T* global, int64 stride, int rows, int columns, bool aligned) {
    for (int i = threadIdx.x; i < ROWS * (D / 8); i += THREADS) {
        const int row = i / (D / 8), chunk = i % (D / 8);
        T* target = tile + swizzled<D>(row, chunk);
        if (aligned) {
            const bool valid = row < rows && chunk * 8 < columns;
            copy_async(target, valid ? global + row * stride + chunk * 8 : global, valid);
        } else {
#pragma unroll 1
            for (int e = 0; e < 8; ++e) {
                const int column = chunk * 8 + e;
                target[e] = row < rows && column < columns ? global[row * stride + column] : narrow<T>(0.0f);
            }
        }
    }
}

// A: 16 rows from `row`, 16 columns from 16 `k`.
template <int D, typename T>
__device__ inline void load_a(uint32 (&a)[4], const T* tile, int row, int k) {
    const int lane = threadIdx.x & 31;
    load_matrices<false>(a, tile + swizzled<D>(row + (lane & 15), 2 * k + (lane >> 4)));
}

// Two neighbouring fragments of B = tile^T: 16 rows of the tile from `row`, 16 columns from 16 `k`.
template <int D, typename T>
__device__ inline void load_b_transposed(uint32 (&b)[4], const T* tile, int row, int k) {
    const int lane = threadIdx.x & 31;
    load_matrices<false>(b, tile + swizzled<D>(row + (lane & 7) + ((lane >> 4) << 3), 2 * k + ((lane >> 3) & 1)));
}

// Two neighbouring fragments of B = tile: 16 rows of the tile from `row`, 16 columns from 16 `n`.
template <int D, typename T>
__device__ inline void load_b(uint32 (&b)[4], const T* tile, int row, int n) {
    const int lane = threadIdx.x & 31;
    load_matrices<true>(b, tile + swizzled<D>(row + (lane & 15), 2 * n + (lane >> 4)));
}
#endif  // HAS_MMA
