// Convolutions as products of matrices of which one, the patches, is never in memory: its addresses are computed while
// tiles are loaded. A block computes BM x BN elements; tiles wait in shared memory in STAGES buffers.
//
// With groups apart, and (tap, channel) a kernel position with a channel:
//   FORWARD  y[window, output]      = sum over (tap, input)  x[window, tap, input]   kernel[tap, input, output]
//   INPUT    dx[place, input]       = sum over (tap, output) dy[place, tap, output]  kernel[tap, input, output]
//   KERNEL   dk[(tap, input), output] = sum over windows     x[window, tap, input]   dy[window, output]
// For INPUT, place and kernel position fit only if they agree modulo the stride. So the places fall into "phases", one
// for each remainder; within a phase windows are read without gaps, as by a convolution with unit strides.
#include "activation.cuh"
#include "mma.cuh"
#include "window.cuh"

enum Mode { FORWARD, INPUT, KERNEL };

constexpr int THREADS = 256;
constexpr int STAGES = 3;
constexpr int ROW = 64;  // bytes of a tile along the summed axis

// Chunks of 16 bytes are what is copied at a time: channels of a group come in multiples of them.
template <typename T>
constexpr int CHUNK = 16 / sizeof(T);
template <typename T>
constexpr int DEPTH = ROW / sizeof(T);

// Along one axis: which places a matrix row may stand for and which taps are summed. Row a and tap t read
// `a * step + t * tap_step + offset` if it lies in [0, bound); the row is place `first + a * spread` and the tap is
// number `tap_first + t * tap_spread`.
struct Lattice {
    int rows, step, offset, bound, taps, tap_step, first, spread, tap_first, tap_spread;
};

template <int MODE>
__device__ inline Lattice lattice(const Span& s, int phase) {
    if constexpr (MODE != INPUT) {
        return Lattice{s.out, s.stride, -s.before, s.size, s.width, s.dilation, 0, 1, 0, 1};
    } else {
        int tap = 0;
        while (tap < s.width && tap < s.stride && tap * s.dilation % s.stride != phase) {
            ++tap;
        }
        const bool none = tap >= s.width || tap >= s.stride;
        int spread = 1;
        while (spread * s.dilation % s.stride) {
            ++spread;
        }
        const int first = ((phase - s.before) % s.stride + s.stride) % s.stride;
        Lattice result;
        result.rows = s.size > first ? (s.size - first + s.stride - 1) / s.stride : 0;
        result.step = 1;
        result.offset = none ? 0 : (first + s.before - phase) / s.stride - (tap * s.dilation - phase) / s.stride;
        result.bound = s.out;
        result.taps = none ? 0 : (s.width - tap + spread - 1) / spread;
        result.tap_step = -(spread * s.dilation / s.stride);
        result.first = first;
        result.spread = s.stride;
        result.tap_first = tap;
        result.tap_spread = spread;
        return result;
    }
}

#if HAS_MMA
__device__ inline void commit_tile() { commit_copies(); }
__device__ inline void wait_tile() { wait_copies<STAGES - 2>(); }
__device__ inline void copy_chunk(void* shared, const void* global, bool valid) { copy_async(shared, global, valid); }
#else
__device__ inline void commit_tile() {}
__device__ inline void wait_tile() {}
__device__ inline void copy_chunk(void* shared, const void* global, bool valid) {
    *static_cast<uint4*>(shared) = valid ? *static_cast<const uint4*>(global) : make_uint4(0, 0, 0, 0);
}
#endif

// A tile of one operand in shared memory: SIZE rows or columns of the result by DEPTH. With ALONG the summed axis is
// contiguous, else the other one. A chunk more than needed in each line keeps neighbouring lines in different banks.
template <typename T, int SIZE, bool ALONG>
struct Layout {
    static constexpr int LINE = (ALONG ? DEPTH<T> : SIZE) + CHUNK<T>;
    static constexpr int ELEMENTS = (ALONG ? SIZE : DEPTH<T>)*LINE;
    __device__ static int at(int i, int k) { return ALONG ? i * LINE + k : k * LINE + i; }
};

// Sums in the registers of each thread, by fused multiply-adds: a square of (BM / 16) x (BN / 16).
template <typename T, typename A, typename B, int BM, int BN>
struct PlainTile {
    static constexpr int TM = BM / 16, TN = BN / 16, N = sizeof(T) == 8 ? 2 : 4;
    Wide<T> sums[TM][TN];

    // Which of the 16 threads' rows (or columns) number i is: neighbours are loaded together where they are contiguous.
    template <bool ALONG>
    __device__ static int place(int thread, int i) {
        return ALONG ? thread + 16 * i : (i / N * 16 + thread) * N + i % N;
    }
    template <typename L, bool ALONG, int SIZE>
    __device__ static void load(T (&part)[SIZE][N], const T* tile, int thread, int k) {
        if constexpr (ALONG) {
#pragma unroll
            for (int i = 0; i < SIZE; ++i) {
                const Vec<T, N> pack = load_vec<N>(tile + L::at(place<true>(thread, i), k));
#pragma unroll
                for (int e = 0; e < N; ++e) {
                    part[i][e] = pack[e];
                }
            }
        } else {
#pragma unroll
            for (int e = 0; e < N; ++e) {
#pragma unroll
                for (int i = 0; i < SIZE; i += N) {
                    const Vec<T, N> pack = load_vec<N>(tile + L::at(place<false>(thread, i), k + e));
#pragma unroll
                    for (int j = 0; j < N; ++j) {
                        part[i + j][e] = pack[j];
                    }
                }
            }
        }
    }

    __device__ void clear() {
#pragma unroll
        for (int i = 0; i < TM; ++i) {
#pragma unroll
            for (int j = 0; j < TN; ++j) {
                sums[i][j] = Wide<T>(0);
            }
        }
    }
    template <bool A_ALONG, bool B_ALONG>
    __device__ void add(const T* a, const T* b) {
        const int tx = threadIdx.x & 15, ty = threadIdx.x >> 4;
#pragma unroll 1
        for (int k = 0; k < DEPTH<T>; k += N) {
            T left[TM][N], right[TN][N];
            load<A, A_ALONG>(left, a, ty, k);
            load<B, B_ALONG>(right, b, tx, k);
#pragma unroll
            for (int e = 0; e < N; ++e) {
#pragma unroll
                for (int i = 0; i < TM; ++i) {
#pragma unroll
                    for (int j = 0; j < TN; ++j) {
                        sums[i][j] += wide(left[i][e]) * wide(right[j][e]);
                    }
                }
            }
        }
    }
    // For each row `at = locate(row)`, then `store(at, column, first, second, both)` for its elements: with `both`, two in
    // neighbouring columns.
    template <bool A_ALONG, bool B_ALONG, typename Locate, typename Store>
    __device__ void each(const Locate& locate, const Store& store) const {
        const int tx = threadIdx.x & 15, ty = threadIdx.x >> 4;
#pragma unroll
        for (int i = 0; i < TM; ++i) {
            const int64 at = locate(place<A_ALONG>(ty, i));
#pragma unroll
            for (int j = 0; j < TN; j += B_ALONG ? 1 : 2) {
                store(at, place<B_ALONG>(tx, j), sums[i][j], sums[i][B_ALONG ? j : j + 1], !B_ALONG);
            }
        }
    }
};

#if HAS_MMA
// Sums in the fragments of eight warps.
template <typename T, typename A, typename B, int BM, int BN>
struct TensorTile {
    static constexpr int WARPS_N = BN / 32, WARPS_M = THREADS / 32 / WARPS_N;
    static constexpr int MT = BM / WARPS_M / 16, NT = 4;
    float sums[MT][NT][4];

    __device__ static int row() { return threadIdx.x / 32 / WARPS_N * MT * 16; }
    __device__ static int column() { return threadIdx.x / 32 % WARPS_N * 32; }

    __device__ void clear() {
#pragma unroll
        for (int i = 0; i < MT; ++i) {
#pragma unroll
            for (int j = 0; j < NT; ++j) {
#pragma unroll
                for (int e = 0; e < 4; ++e) {
                    sums[i][j][e] = 0.0f;
                }
            }
        }
    }
    template <bool A_ALONG, bool B_ALONG>
    __device__ void add(const T* a, const T* b) {
        const int lane = threadIdx.x & 31, inner = lane & 7, low = (lane >> 3) & 1, high = lane >> 4;
#pragma unroll
        for (int k = 0; k < DEPTH<T>; k += 16) {
            uint32 left[MT][4], right[NT / 2][4];
#pragma unroll
            for (int i = 0; i < MT; ++i) {
                load_matrices<!A_ALONG>(left[i], a + A::at(row() + i * 16 + low * 8 + (A_ALONG ? inner : 0),
                                                           k + high * 8 + (A_ALONG ? 0 : inner)));
            }
#pragma unroll
            for (int j = 0; j < NT / 2; ++j) {
                load_matrices<!B_ALONG>(right[j], b + B::at(column() + j * 16 + high * 8 + (B_ALONG ? inner : 0),
                                                            k + low * 8 + (B_ALONG ? 0 : inner)));
            }
#pragma unroll
            for (int i = 0; i < MT; ++i) {
#pragma unroll
                for (int j = 0; j < NT; ++j) {
                    mma<T>(sums[i][j], left[i], right[j / 2][j % 2 * 2], right[j / 2][j % 2 * 2 + 1]);
                }
            }
        }
    }
    template <bool A_ALONG, bool B_ALONG, typename Locate, typename Store>
    __device__ void each(const Locate& locate, const Store& store) const {
        const int lane = threadIdx.x & 31;
#pragma unroll
        for (int i = 0; i < MT; ++i) {
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                const int64 at = locate(row() + i * 16 + half * 8 + lane / 4);
#pragma unroll
                for (int j = 0; j < NT; ++j) {
                    store(at, column() + j * 8 + lane % 4 * 2, sums[i][j][half * 2], sums[i][j][half * 2 + 1], true);
                }
            }
        }
    }
};
#endif

template <typename T, typename A, typename B, int BM, int BN>
struct TileOf {
    using type = PlainTile<T, A, B, BM, BN>;
};
#if HAS_MMA
template <typename A, typename B, int BM, int BN>
struct TileOf<__half, A, B, BM, BN> {
    using type = TensorTile<__half, A, B, BM, BN>;
};
template <typename A, typename B, int BM, int BN>
struct TileOf<__nv_bfloat16, A, B, BM, BN> {
    using type = TensorTile<__nv_bfloat16, A, B, BM, BN>;
};
#endif

// Where a thread is on the summed axis of patches: kernel position and channel of its next chunk.
struct Taps {
    int d, h, w, channel;

    __device__ Taps(int k, int channels, const Lattice& ld, const Lattice& lh, const Lattice& lw) {
        const int counted = max(channels, 1), width = max(lw.taps, 1), height = max(lh.taps, 1);
        channel = k % counted;
        k /= counted;
        w = k % width;
        k /= width;
        h = k % height;
        d = lw.taps && lh.taps ? k / height : ld.taps;
    }
    __device__ void advance(int by, int channels, const Lattice& lh, const Lattice& lw) {
        channel += by;
        while (channel >= channels) {
            channel -= channels;
            if (++w == lw.taps) {
                w = 0;
                if (++h == lh.taps) {
                    h = 0;
                    ++d;
                }
            }
        }
    }
};

// `source` holds the patches (x, for INPUT dy), `other` the kernel (for KERNEL dy). Groups have `inputs` and `outputs`
// channels in them, multiples of CHUNK; in the result `columns` a group, and for KERNEL `rows` input channels. With
// `parts` the grid's blocks share the sum: each of `splits` writes its part, which `sum_parts` adds up and finishes.
// Grid: tiles; and groups x phases x splits along z.
template <typename T, int MODE, int BM, int BN>
__global__ void __launch_bounds__(256, 2)
    implicit_gemm(const T* __restrict__ source, const T* __restrict__ other, const T* __restrict__ bias,
                  T* __restrict__ target, Wide<T>* __restrict__ parts, int images, int groups, int inputs, int outputs,
                  int rows, int columns, int splits, int relu, WINDOW_PARAMETERS) {
    MAKE_WINDOW;
    constexpr bool A_ALONG = MODE != KERNEL, B_ALONG = MODE == INPUT;
    constexpr int V = CHUNK<T>, K = DEPTH<T>;
    using A = Layout<T, BM, A_ALONG>;
    using B = Layout<T, BN, B_ALONG>;
    DYNAMIC_SHARED(T, buffer);
    const int split = blockIdx.z % splits;
    const int group = blockIdx.z / splits % groups;
    const int phase = blockIdx.z / splits / groups;
    const Lattice lw = lattice<MODE>(w, phase % w.stride);
    const Lattice lh = lattice<MODE>(h, phase / w.stride % h.stride);
    const Lattice ld = lattice<MODE>(d, phase / w.stride / h.stride);

    const int places = images * ld.rows * lh.rows * lw.rows;
    const int taps = ld.taps * lh.taps * lw.taps;
    const int channels = MODE == INPUT ? outputs : inputs;
    const int height = MODE == KERNEL ? taps * inputs : places;
    const int depth = MODE == KERNEL ? places : taps * channels;
    const int width = MODE == INPUT ? inputs : outputs;
    const int across = (columns + BN - 1) / BN;
    const int first_row = static_cast<int>(blockIdx.x) / across * BM;
    const int first_column = static_cast<int>(blockIdx.x) % across * BN;
    if (first_row >= height) {
        return;
    }
    const int whole = (depth + K - 1) / K, share = (whole + splits - 1) / splits;
    const int begin = min(split * share, whole), end = min(begin + share, whole);

    // What this thread copies of A: a chunk at `a_k` of rows `a_row`, `a_row` + 64, …; or for KERNEL a chunk of rows from
    // `a_row` on of summed elements `a_k`, `a_k` + A_STEP, ….
    constexpr int A_COPIES = BM * K / V / THREADS, A_ACROSS = BM / V, A_STEP = THREADS / A_ACROSS;
    const int a_row = A_ALONG ? threadIdx.x / 4 : threadIdx.x % A_ACROSS * V;
    const int a_k = A_ALONG ? threadIdx.x % 4 * V : threadIdx.x / A_ACROSS;
    constexpr int B_COPIES = BN * K / V / THREADS, B_ACROSS = BN / V, B_STEP = THREADS / B_ACROSS;
    const int b_column = B_ALONG ? threadIdx.x / 4 : threadIdx.x % B_ACROSS * V;
    const int b_k = B_ALONG ? threadIdx.x % 4 * V : threadIdx.x / B_ACROSS;
    const int stride = groups * channels;

    // For patches by rows: where the windows start. A row past the end starts where nothing is inside.
    constexpr int STARTS = A_ALONG ? A_COPIES : 1;
    int image[STARTS], id[STARTS], ih[STARTS], iw[STARTS];
    if constexpr (A_ALONG) {
#pragma unroll
        for (int i = 0; i < A_COPIES; ++i) {
            int m = first_row + a_row + i * 64;
            const bool valid = m < height;
            iw[i] = m % lw.rows * lw.step + lw.offset;
            m /= lw.rows;
            ih[i] = m % lh.rows * lh.step + lh.offset;
            m /= lh.rows;
            id[i] = valid ? m % ld.rows * ld.step + ld.offset : -(1 << 30);
            image[i] = m / ld.rows * ld.bound;
        }
    }
    Taps tap(A_ALONG ? begin * K + a_k : first_row + a_row, channels, ld, lh, lw);

    const auto load = [&](int tile) {
        T* const a = buffer + tile % STAGES * (A::ELEMENTS + B::ELEMENTS);
        T* const b = a + A::ELEMENTS;
        if constexpr (A_ALONG) {
            const bool some = tap.d < ld.taps;
            const int at_d = tap.d * ld.tap_step, at_h = tap.h * lh.tap_step, at_w = tap.w * lw.tap_step;
#pragma unroll
            for (int i = 0; i < A_COPIES; ++i) {
                const int pd = id[i] + at_d, ph = ih[i] + at_h, pw = iw[i] + at_w;
                const bool valid = some && inside(pd, ld.bound) && inside(ph, lh.bound) && inside(pw, lw.bound);
                const int place = ((image[i] + pd) * lh.bound + ph) * lw.bound + pw;
                copy_chunk(a + A::at(a_row + i * 64, a_k),
                           valid ? source + (int64(place) * stride + group * channels + tap.channel) : source, valid);
            }
        } else {
#pragma unroll
            for (int i = 0; i < A_COPIES; ++i) {
                int k = tile * K + a_k + i * A_STEP;
                const bool some = k < depth && tap.d < ld.taps;
                const int pw = k % lw.rows * lw.step + lw.offset + tap.w * lw.tap_step;
                k /= lw.rows;
                const int ph = k % lh.rows * lh.step + lh.offset + tap.h * lh.tap_step;
                k /= lh.rows;
                const int pd = k % ld.rows * ld.step + ld.offset + tap.d * ld.tap_step;
                k /= ld.rows;
                const bool valid = some && inside(pd, ld.bound) && inside(ph, lh.bound) && inside(pw, lw.bound);
                const int place = ((k * ld.bound + pd) * lh.bound + ph) * lw.bound + pw;
                copy_chunk(a + A::at(a_row, a_k + i * A_STEP),
                           valid ? source + (int64(place) * stride + group * channels + tap.channel) : source, valid);
            }
        }
        if constexpr (B_ALONG) {
            const int number = ((ld.tap_first + tap.d * ld.tap_spread) * h.width + lh.tap_first + tap.h * lh.tap_spread) *
                                   w.width + lw.tap_first + tap.w * lw.tap_spread;
#pragma unroll
            for (int i = 0; i < B_COPIES; ++i) {
                const int n = first_column + b_column + i * 64;
                const bool valid = tap.d < ld.taps && n < width;
                copy_chunk(b + B::at(b_column + i * 64, b_k),
                           valid ? other + ((int64(number) * inputs + n) * stride + group * outputs + tap.channel)
                                 : other,
                           valid);
            }
        } else {
            const int n = first_column + b_column;
#pragma unroll
            for (int i = 0; i < B_COPIES; ++i) {
                const int k = tile * K + b_k + i * B_STEP;
                const bool valid = k < depth && n < width;
                copy_chunk(b + B::at(b_column, b_k + i * B_STEP),
                           valid ? other + (int64(k) * (groups * outputs) + group * outputs + n) : other, valid);
            }
        }
        if constexpr (A_ALONG) {
            tap.advance(K, channels, lh, lw);
        }
    };

    typename TileOf<T, A, B, BM, BN>::type sums;
    sums.clear();
#pragma unroll
    for (int ahead = 0; ahead < STAGES - 1; ++ahead) {
        if (begin + ahead < end) {
            load(begin + ahead);
        }
        commit_tile();
    }
    for (int tile = begin; tile < end; ++tile) {
        wait_tile();
        // Also: everyone is through with the buffer that is filled next.
        __syncthreads();
        if (tile + STAGES - 1 < end) {
            load(tile + STAGES - 1);
        }
        commit_tile();
        const T* const a = buffer + tile % STAGES * (A::ELEMENTS + B::ELEMENTS);
        sums.template add<A_ALONG, B_ALONG>(a, a + A::ELEMENTS);
    }

    const int line = groups * columns;
    const int64 count = int64(MODE == FORWARD  ? places
                              : MODE == INPUT ? images * d.size * h.size * w.size
                                              : taps * rows) * line;
    const auto locate = [&](int row) {
        int m = first_row + row;
        if (m >= height) {
            return int64(-1);
        }
        if constexpr (MODE == INPUT) {
            const int pw = lw.first + m % lw.rows * lw.spread;
            m /= lw.rows;
            const int ph = lh.first + m % lh.rows * lh.spread;
            m /= lh.rows;
            const int pd = ld.first + m % ld.rows * ld.spread;
            m = ((m / ld.rows * d.size + pd) * h.size + ph) * w.size + pw;
        } else if constexpr (MODE == KERNEL) {
            const int input = m % inputs;
            if (input >= rows) {
                return int64(-1);
            }
            m = m / inputs * rows + input;
        }
        return int64(m) * line + group * columns;
    };
    const auto store = [&](int64 at, int column, Wide<T> one, Wide<T> two, bool both) {
        column += first_column;
        if (at < 0 || column >= columns) {
            return;
        }
        both = both && column + 1 < columns;
        if (parts != nullptr) {
            Wide<T>* const part = parts + split * count + at + column;
            part[0] = one;
            if (both) {
                part[1] = two;
            }
            return;
        }
        if constexpr (MODE == FORWARD) {
            if (bias != nullptr) {
                one += wide(bias[group * columns + column]);
                two += both ? wide(bias[group * columns + column + 1]) : Wide<T>(0);
            }
            if (relu) {
                one = activate<RELU>(one);
                two = activate<RELU>(two);
            }
        }
        if (both && columns % 2 == 0) {
            Vec<T, 2> pair;
            pair[0] = narrow<T>(one);
            pair[1] = narrow<T>(two);
            store_vec(target + at + column, pair);
        } else {
            target[at + column] = narrow<T>(one);
            if (both) {
                target[at + column + 1] = narrow<T>(two);
            }
        }
    };
    sums.template each<A_ALONG, B_ALONG>(locate, store);
}
