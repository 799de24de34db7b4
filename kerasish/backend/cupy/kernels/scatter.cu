// Sums of rows by their ids, always in the same order: the ids are sorted by a stable sort (by rank where they are few,
// by digits where they are many); then chunks of the sorted rows are summed, and what crosses chunks is joined in order.
#include "common.cuh"

using uint = unsigned int;

// An id as a key: ids outside of [0, count) become `count`, which sorts behind all others and is left out.
template <typename Index>
__global__ void __launch_bounds__(256) keys_of_ids(const Index* ids, uint* keys, int n, int64 count, int wrap) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        int64 id = static_cast<int64>(ids[i]);
        id += wrap && id < 0 ? count : 0;
        keys[i] = static_cast<uint>(id >= 0 && id < count ? id : count);
    }
}

// For each key, how many come before it: the keys pass by in tiles of shared memory.
__global__ void __launch_bounds__(256) sort_by_rank(const uint* keys, uint* sorted, int* order, int n) {
    SHARED(uint, tile, 256);
    const int i = blockIdx.x * 256 + threadIdx.x;
    const uint own = i < n ? keys[i] : 0;
    int rank = 0;
    for (int start = 0; start < n; start += 256) {
        tile[threadIdx.x] = start + static_cast<int>(threadIdx.x) < n ? keys[start + threadIdx.x] : 0xffffffffu;
        __syncthreads();
#pragma unroll 8
        for (int k = 0; k < 256; ++k) {
            // No key is the largest number, so the filling of the last tile counts for nothing.
            rank += (tile[k] < own || (tile[k] == own && start + k < i)) ? 1 : 0;
        }
        __syncthreads();
    }
    if (i < n) {
        sorted[rank] = own;
        order[rank] = i;
    }
}

// One pass of a sort by digits of 8 bits, least significant first: how often each digit occurs in each tile, ...
constexpr int DIGITS = 256;
constexpr int WARPS = 8;
constexpr int ITEMS = 8;
constexpr int TILE = 32 * WARPS * ITEMS;

__global__ void __launch_bounds__(256) count_digits(const uint* keys, int* counts, int n, int tiles, int shift) {
    SHARED(int, histogram, 256);
    histogram[threadIdx.x] = 0;
    __syncthreads();
#pragma unroll
    for (int item = 0; item < ITEMS; ++item) {
        const int i = blockIdx.x * TILE + item * 256 + threadIdx.x;
        if (i < n) {
            atomicAdd(&histogram[(keys[i] >> shift) & 255u], 1);
        }
    }
    __syncthreads();
    counts[static_cast<int64>(threadIdx.x) * tiles + blockIdx.x] = histogram[threadIdx.x];
}

// The sum of the values of the threads before this one; `total` becomes the sum of all 256.
__device__ inline int sum_before(int value, int& total) {
    SHARED(int, sums, 8);
    const int lane = threadIdx.x & 31;
    const int warp = threadIdx.x >> 5;
    int running = value;
#pragma unroll
    for (int offset = 1; offset < 32; offset *= 2) {
        const int other = __shfl_up_sync(0xffffffffu, running, offset);
        running += lane >= offset ? other : 0;
    }
    if (lane == 31) {
        sums[warp] = running;
    }
    __syncthreads();
    int before = 0;
    total = 0;
#pragma unroll
    for (int i = 0; i < WARPS; ++i) {
        before += i < warp ? sums[i] : 0;
        total += sums[i];
    }
    // The next call writes to the same memory.
    __syncthreads();
    return before + running - value;
}

// ... how many of a digit are in the tiles before, one block a digit, ...
__global__ void __launch_bounds__(256) scan_digits(int* counts, int* totals, int tiles) {
    int* row = counts + static_cast<int64>(blockIdx.x) * tiles;
    int before = 0;
    for (int start = 0; start < tiles; start += 256) {
        const int i = start + threadIdx.x;
        int total;
        const int sum = sum_before(i < tiles ? row[i] : 0, total);
        if (i < tiles) {
            row[i] = before + sum;
        }
        before += total;
    }
    if (threadIdx.x == 0) {
        totals[blockIdx.x] = before;
    }
}

// ... and where each key goes: behind the smaller digits, the tiles before, the warps before, and its equals before.
__global__ void __launch_bounds__(256) move_keys(
    const uint* keys, const int* order, uint* new_keys, int* new_order, const int* counts, const int* totals, int n,
    int tiles, int shift) {
    SHARED_2D(int, place, WARPS, DIGITS);
    const int lane = threadIdx.x & 31;
    const int warp = threadIdx.x >> 5;
#pragma unroll
    for (int w = 0; w < WARPS; ++w) {
        place[w][threadIdx.x] = 0;
    }
    __syncthreads();
    uint key[ITEMS];
    int rank[ITEMS];
#pragma unroll
    for (int item = 0; item < ITEMS; ++item) {
        const int i = blockIdx.x * TILE + (warp * ITEMS + item) * 32 + lane;
        const bool there = i < n;
        key[item] = there ? keys[i] : 0;
        const uint digit = (key[item] >> shift) & 255u;
        uint equals = __ballot_sync(0xffffffffu, there);
#pragma unroll
        for (int bit = 0; bit < 8; ++bit) {
            const uint set = __ballot_sync(0xffffffffu, (digit >> bit) & 1u);
            equals &= (digit >> bit) & 1u ? set : ~set;
        }
        const int before = __popc(equals & ((1u << lane) - 1u));
        rank[item] = place[warp][digit] + before;
        __syncwarp();
        if (there && before == 0) {
            place[warp][digit] += __popc(equals);
        }
        __syncwarp();
    }
    __syncthreads();
    int unused;
    const int digit = threadIdx.x;
    int start = sum_before(totals[digit], unused) + counts[static_cast<int64>(digit) * tiles + blockIdx.x];
#pragma unroll
    for (int w = 0; w < WARPS; ++w) {
        const int own = place[w][digit];
        place[w][digit] = start;
        start += own;
    }
    __syncthreads();
#pragma unroll
    for (int item = 0; item < ITEMS; ++item) {
        const int i = blockIdx.x * TILE + (warp * ITEMS + item) * 32 + lane;
        if (i < n) {
            const int target = place[warp][(key[item] >> shift) & 255u] + rank[item];
            new_keys[target] = key[item];
            new_order[target] = order == nullptr ? i : order[i];
        }
    }
}

// What sums are taken in: float for half precision, integers in themselves.
template <typename T>
struct SumOf {
    using type = Wide<T>;
};
template <>
struct SumOf<int> {
    using type = int;
};
template <>
struct SumOf<int64> {
    using type = int64;
};
template <typename T>
using Sum = typename SumOf<T>::type;

template <typename T>
__device__ inline Sum<T> summand(T x) {
    return wide(x);
}
__device__ inline int summand(int x) { return x; }
__device__ inline int64 summand(int64 x) { return x; }

// One thread for each chunk of `length` sorted rows and each N neighbouring columns. A run of equal keys that lies in
// the chunk is done with; one that comes from the chunk before leaves its part in the chunk's row of `heads`, one that
// begins here and goes on behind leaves it in `tails`.
template <typename T, int N>
__global__ void __launch_bounds__(128) sum_chunks(
    const T* rows, const uint* keys, const int* order, T* out, Sum<T>* heads, Sum<T>* tails, int n, int64 width,
    uint count, int length, int chunks) {
    constexpr int AHEAD = 4;
    const int64 packs = width / N;
    const int64 thread = static_cast<int64>(blockIdx.x) * blockDim.x + threadIdx.x;
    const int chunk = static_cast<int>(thread / packs);
    if (chunk >= chunks) {
        return;
    }
    const int64 column = (thread - chunk * packs) * N;
    const int first = chunk * length;
    const int stop = n - first < length ? n : first + length;
    uint key = keys[first];
    bool from_before = first > 0 && keys[first - 1] == key;
    Vec<Sum<T>, N> sum;
#pragma unroll
    for (int c = 0; c < N; ++c) {
        sum[c] = 0;
    }
    for (int base = first; base < stop && key < count; base += AHEAD) {
        Vec<T, N> loaded[AHEAD];
        uint next[AHEAD];
#pragma unroll
        for (int a = 0; a < AHEAD; ++a) {
            const int j = base + a;
            if (j < stop) {
                loaded[a] = load_vec<N>(rows + order[j] * width + column);
            }
            next[a] = j + 1 < n ? keys[j + 1] : 0xffffffffu;
        }
#pragma unroll
        for (int a = 0; a < AHEAD; ++a) {
            const int j = base + a;
            if (j < stop && key < count) {
#pragma unroll
                for (int c = 0; c < N; ++c) {
                    sum[c] += summand(loaded[a][c]);
                }
                const bool goes_on = next[a] == key;
                if (!goes_on || j + 1 == stop) {
                    if (from_before || goes_on) {
                        store_vec((from_before ? heads : tails) + chunk * width + column, sum);
                    } else {
                        Vec<T, N> result;
#pragma unroll
                        for (int c = 0; c < N; ++c) {
                            result[c] = narrow<T>(sum[c]);
                        }
                        store_vec(out + key * width + column, result);
                    }
                    from_before = false;
#pragma unroll
                    for (int c = 0; c < N; ++c) {
                        sum[c] = 0;
                    }
                }
                key = next[a];
            }
        }
    }
}

// A run that begins in a chunk and goes on behind it: its tail there, and the heads of the chunks that it reaches.
template <typename T, int N>
__global__ void __launch_bounds__(128) join_chunks(
    const uint* keys, T* out, const Sum<T>* heads, const Sum<T>* tails, int64 width, uint count, int length,
    int chunks) {
    const int64 packs = width / N;
    const int64 thread = static_cast<int64>(blockIdx.x) * blockDim.x + threadIdx.x;
    const int chunk = static_cast<int>(thread / packs);
    if (chunk >= chunks - 1) {
        return;
    }
    const int64 column = (thread - chunk * packs) * N;
    const int next = (chunk + 1) * length;
    const uint key = keys[next];
    if (key >= count || keys[next - 1] != key || (chunk > 0 && keys[chunk * length - 1] == key)) {
        return;
    }
    Vec<Sum<T>, N> sum = load_vec<N>(tails + chunk * width + column);
    for (int c = chunk + 1; c < chunks && keys[c * length] == key; ++c) {
        const Vec<Sum<T>, N> head = load_vec<N>(heads + c * width + column);
#pragma unroll
        for (int i = 0; i < N; ++i) {
            sum[i] += head[i];
        }
    }
    Vec<T, N> result;
#pragma unroll
    for (int i = 0; i < N; ++i) {
        result[i] = narrow<T>(sum[i]);
    }
    store_vec(out + key * width + column, result);
}
