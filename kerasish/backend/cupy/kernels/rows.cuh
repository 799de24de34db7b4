// Rows that are contiguous in memory, each shared by the threads of a team, in packs of 16 bytes where they are aligned.
//
// A row is read again for each pass over it: a team is so large that its rows stay in the first-level cache meanwhile.
#include "common.cuh"

template <typename T>
constexpr int PACK = 16 / static_cast<int>(sizeof(T));

template <int N>
struct Width {
    static constexpr int value = N;
};

// Neighbouring lanes of a warp, a power of two; a warp has several teams where rows are short.
struct Lanes {
    int rank, size;
    int64 row;
    __device__ explicit Lanes(int lanes)
        : rank(threadIdx.x & (lanes - 1)),
          size(lanes),
          row(static_cast<int64>(blockIdx.x) * (blockDim.x / lanes) + threadIdx.x / lanes) {}
    template <typename Op, typename W>
    __device__ W reduce(W value) const {
        for (int offset = size >> 1; offset > 0; offset >>= 1) {
            value = Op::apply(value, __shfl_xor_sync(0xffffffffu, value, offset));
        }
        return value;
    }
};

struct WholeBlock {
    int rank, size;
    int64 row;
    __device__ explicit WholeBlock(int) : rank(threadIdx.x), size(blockDim.x), row(blockIdx.x) {}
    template <typename Op, typename W>
    __device__ W reduce(W value) const {
        return block_reduce<Op>(value);
    }
};

// Every thread of the team gets the result; all must take part, also those of rows past the last one.
template <typename Team, typename W>
__device__ inline W sum(const Team& team, W value) {
    return team.template reduce<Add>(value);
}
template <typename Team, typename W>
__device__ inline W largest(const Team& team, W value) {
    return team.template reduce<Max>(value);
}

__device__ inline bool aligned(const void* pointer) { return (reinterpret_cast<uint64>(pointer) & 15) == 0; }

// The first index of begin..end from which on packs are aligned in both arrays; `end` if that is not worth while.
template <typename T>
__device__ inline int64 first_pack(const T* a, const T* b, int64 begin, int64 end) {
    const uint64 address = reinterpret_cast<uint64>(a + begin);
    if (((address ^ reinterpret_cast<uint64>(b + begin)) & 15) != 0 || end - begin < 16 * PACK<T>) {
        return end;
    }
    return begin + static_cast<int64>((16 - (address & 15)) & 15) / static_cast<int64>(sizeof(T));
}

// Calls f(Width<N>, index) for the packs from `head` on and f(Width<1>, index) for what lies before and behind them.
template <int N, typename Team, typename F>
__device__ inline void walk(const Team& team, int64 begin, int64 head, int64 end, F f) {
    for (int64 i = begin + team.rank; i < head; i += team.size) {
        f(Width<1>{}, i);
    }
    const int64 tail = head + (end - head) / N * N;
    const int64 step = static_cast<int64>(team.size) * N;
#pragma unroll 2
    for (int64 i = head + static_cast<int64>(team.rank) * N; i < tail; i += step) {
        f(Width<N>{}, i);
    }
    for (int64 i = tail + team.rank; i < end; i += team.size) {
        f(Width<1>{}, i);
    }
}

// An aligned pack in the wide type.
template <int N, typename T>
__device__ inline void read(const T* source, Wide<T> (&values)[N]) {
    const Vec<T, N> pack = load_vec<N>(source);
#pragma unroll
    for (int j = 0; j < N; ++j) {
        values[j] = wide(pack[j]);
    }
}

// Of a second array of another type P, whose packs may be larger or not aligned.
template <int N, typename P, typename W>
__device__ inline void read_parameters(const P* source, W (&values)[N], bool packed) {
    constexpr int M = N < PACK<P> ? N : PACK<P>;
    if (packed) {
#pragma unroll
        for (int k = 0; k < N; k += M) {
            const Vec<P, M> pack = load_vec<M>(source + k);
#pragma unroll
            for (int j = 0; j < M; ++j) {
                values[k + j] = static_cast<W>(wide(pack[j]));
            }
        }
    } else {
#pragma unroll
        for (int j = 0; j < N; ++j) {
            values[j] = static_cast<W>(wide(source[j]));
        }
    }
}

template <int N, typename T>
__device__ inline void write(T* target, const Wide<T> (&values)[N]) {
    Vec<T, N> pack;
#pragma unroll
    for (int j = 0; j < N; ++j) {
        pack[j] = narrow<T>(values[j]);
    }
    store_vec(target, pack);
}

template <typename W>
__device__ inline W infinity() {
    return W(__int_as_float(0x7f800000));
}

// The largest value so far, and the sum of the exponentials of the distances to it.
template <typename W>
struct MaxSum {
    W top = -infinity<W>();
    W total = W(0);

    // No value but -inf yet: its exponential is 0 at any finite shift.
    __device__ static W shift(W top) { return top == -infinity<W>() ? W(0) : top; }

    template <int N>
    __device__ void add(const W (&values)[N]) {
        W high = values[0];
#pragma unroll
        for (int j = 1; j < N; ++j) {
            high = fmax(high, values[j]);
        }
        if (high > top) {
            total *= exp(top - high);
            top = high;
        }
        const W distance = shift(top);
#pragma unroll
        for (int j = 0; j < N; ++j) {
            total += exp(values[j] - distance);
        }
    }

    __device__ void merge(W other_top, W other_total) {
        const W high = fmax(top, other_top);
        const W distance = shift(high);
        total = total * exp(top - distance) + other_total * exp(other_top - distance);
        top = high;
    }

    // Joins what the threads of a team have found.
    template <typename Team>
    __device__ void join(const Team& team) {
        const W high = largest(team, top);
        total = sum(team, total * exp(top - shift(high)));
        top = high;
    }
};

// Of a row in memory, or of a part of it; the team shares it.
template <typename Team, typename T>
__device__ inline MaxSum<Wide<T>> max_sum(const Team& team, const T* row, int64 begin, int64 end) {
    MaxSum<Wide<T>> found;
    walk<PACK<T>>(team, begin, first_pack(row, row, begin, end), end, [&](auto width, int64 i) {
        Wide<T> values[width.value];
        read(row + i, values);
        found.add(values);
    });
    found.join(team);
    return found;
}
