// Sorting of rows by whole-number keys: equal keys keep their order because the position is part of what is compared.
#include "common.cuh"

// A whole number that orders as the value does: zeros are equal, every NaN is the largest.
__device__ inline uint64 ordered(float x) {
    const unsigned int bits = static_cast<unsigned int>(__float_as_int(x));
    const unsigned int size = bits & 0x7fffffffu;
    if (size > 0x7f800000u) {
        return 0xffffffffu;
    }
    return size == 0 ? 0x80000000u : bits >> 31 ? ~bits : bits | 0x80000000u;
}
__device__ inline uint64 ordered(double x) {
    const uint64 bits = static_cast<uint64>(__double_as_longlong(x));
    const uint64 sign = 1ull << 63, size = bits & ~sign;
    if (size > 0x7ff0000000000000ull) {
        return ~0ull;
    }
    return size == 0 ? sign : bits >> 63 ? ~bits : bits | sign;
}
__device__ inline uint64 ordered(long long x) { return static_cast<uint64>(x) ^ (1ull << 63); }
__device__ inline uint64 ordered(unsigned long long x) { return x; }

__device__ inline bool before(uint64 key, int place, uint64 other, int other_place) {
    return key < other || (key == other && place < other_place);
}

// The rows of x, filled up to `padded` elements with what comes last.
template <typename T>
__global__ void encode(const T* __restrict__ x, uint64* __restrict__ keys, int* __restrict__ places, int64 rows, int n,
                       int padded) {
    const int64 stride = int64(gridDim.x) * blockDim.x;
    for (int64 i = int64(blockIdx.x) * blockDim.x + threadIdx.x; i < rows * padded; i += stride) {
        const int place = int(i & (padded - 1));
        keys[i] = place < n ? ordered(x[i / padded * n + place]) : ~0ull;
        places[i] = place;
    }
}

// Steps of the bitonic network that stay within a chunk of 2 * blockDim.x elements, at most 2048. Both `padded` and
// the chunk are powers of two, so that pairs meet within one row.
__global__ void __launch_bounds__(1024) sort_chunks(uint64* __restrict__ keys, int* __restrict__ places, int64 total,
                                                     int padded, int first, int last) {
    SHARED(uint64, key, 2048);
    SHARED(int, place, 2048);
    const int size = 2 * blockDim.x;
    const int64 start = int64(blockIdx.x) * size;
    for (int i = threadIdx.x; i < size; i += blockDim.x) {
        if (start + i < total) {
            key[i] = keys[start + i];
            place[i] = places[start + i];
        }
    }
    __syncthreads();
    for (int64 k = first; k <= last; k *= 2) {
        for (int j = int(k / 2 < size / 2 ? k / 2 : size / 2); j > 0; j /= 2) {
            const int a = 2 * int(threadIdx.x) - (int(threadIdx.x) & (j - 1));
            const int b = a + j;
            if (start + b < total) {
                const bool ascending = ((start + a) & (padded - 1) & k) == 0;
                if (before(key[b], place[b], key[a], place[a]) == ascending) {
                    const uint64 kept = key[a];
                    const int kept_place = place[a];
                    key[a] = key[b];
                    place[a] = place[b];
                    key[b] = kept;
                    place[b] = kept_place;
                }
            }
            __syncthreads();
        }
    }
    for (int i = threadIdx.x; i < size; i += blockDim.x) {
        if (start + i < total) {
            keys[start + i] = key[i];
            places[start + i] = place[i];
        }
    }
}

// One step of the network between elements that are further apart.
__global__ void exchange(uint64* __restrict__ keys, int* __restrict__ places, int64 total, int padded, int k, int j) {
    const int64 stride = int64(gridDim.x) * blockDim.x;
    for (int64 i = int64(blockIdx.x) * blockDim.x + threadIdx.x; i < total / 2; i += stride) {
        const int64 a = 2 * i - (i & (j - 1));
        const int64 b = a + j;
        const bool ascending = (a & (padded - 1) & k) == 0;
        const uint64 key_a = keys[a], key_b = keys[b];
        const int place_a = places[a], place_b = places[b];
        if (before(key_b, place_b, key_a, place_a) == ascending) {
            keys[a] = key_b;
            keys[b] = key_a;
            places[a] = place_b;
            places[b] = place_a;
        }
    }
}

// The places of the k largest of each row of n elements, the lower place first among equals: a block a row, which
// looks k times for the largest after the one found before.
template <typename T>
__global__ void __launch_bounds__(256, 2) largest_few(const T* __restrict__ x, int* __restrict__ places, int64 rows,
                                                    int n, int k) {
    SHARED(uint64, keys, 256);
    SHARED(int, found, 256);
    for (int64 row = blockIdx.x; row < rows; row += gridDim.x) {
        uint64 last_key = 0;
        int last_place = -1;
        for (int rank = 0; rank < k; ++rank) {
            uint64 best = ~0ull;
            int best_place = 0x7fffffff;
            for (int i = threadIdx.x; i < n; i += blockDim.x) {
                const uint64 key = ~ordered(x[row * n + i]);
                if (before(last_key, last_place, key, i) && before(key, i, best, best_place)) {
                    best = key;
                    best_place = i;
                }
            }
            keys[threadIdx.x] = best;
            found[threadIdx.x] = best_place;
            __syncthreads();
            for (int half = blockDim.x / 2; half > 0; half /= 2) {
                const int other = threadIdx.x + half;
                if (int(threadIdx.x) < half &&
                    before(keys[other], found[other], keys[threadIdx.x], found[threadIdx.x])) {
                    keys[threadIdx.x] = keys[other];
                    found[threadIdx.x] = found[other];
                }
                __syncthreads();
            }
            last_key = keys[0];
            last_place = found[0];
            if (threadIdx.x == 0) {
                places[row * k + rank] = last_place;
            }
            // The next round writes to the same memory.
            __syncthreads();
        }
    }
}
