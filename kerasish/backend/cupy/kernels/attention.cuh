// Attention by tiles that never form the whole matrix of logits (Dao 2023, "FlashAttention-2", arXiv:2307.08691).
//
// Layouts: query, dy, out (B, T, N, .), key, value (B, S, K, .), logsumexp and what belongs to rows (B, N, T).
#include "common.cuh"

// 64 x 64 tiles by 16 x 16 threads with 4 x 4 elements each.
constexpr int TILE = 64;
constexpr int PITCH = 68;
constexpr int ATTENTION_THREADS = 256;
template <typename W>
constexpr int SLICE = sizeof(W) == 8 ? 8 : 16;

template <typename W>
struct Limits {
    static constexpr float fill = static_cast<float>(-0.7 * 3.4028234663852886e38);
};
template <>
struct Limits<double> {
    static constexpr double fill = -0.7 * 1.7976931348623157e308;
};

__device__ inline double exponential(double x) { return exp(x); }
__device__ inline float exponential(float x) {
#ifdef __CUDA_ARCH__
    return __expf(x);
#else
    return exp(x);
#endif
}
__device__ inline double infinity(double) { return static_cast<double>(__int_as_float(0x7f800000)); }
__device__ inline float infinity(float) { return __int_as_float(0x7f800000); }

// The inputs that all kernels share. A mask is booleans, or is added, in the type of the query or the wide one; it is
// read at batch, head, time and source times its strides.
#define PROBLEM_PARAMETERS                                                                                           \
    const T *__restrict__ query, const T *__restrict__ key, const T *__restrict__ value,                             \
        const bool *__restrict__ allowed, const T *__restrict__ bias, const Wide<T> *__restrict__ wide_bias,         \
        int64 mask_batch, int64 mask_head, int64 mask_time, int64 mask_source, int batch, int heads, int groups,     \
        int time, int source, int depth, int width, double scale, int causal
#define PROBLEM                                                                                                      \
    Problem<T> {                                                                                                     \
        query, key, value, allowed, bias, wide_bias, mask_batch, mask_head, mask_time, mask_source, batch, heads,    \
            groups, time, source, depth, width, static_cast<Wide<T>>(scale), causal != 0                             \
    }

template <typename T>
struct Problem {
    using W = Wide<T>;
    const T *query, *key, *value;
    const bool* allowed;
    const T* bias;
    const W* wide_bias;
    int64 mask_batch, mask_head, mask_time, mask_source;
    int batch, heads, groups, time, source, depth, width;
    W scale;
    bool causal;

    __device__ bool masked() const { return allowed != nullptr || biased(); }
    __device__ bool biased() const { return bias != nullptr || wide_bias != nullptr; }
    __device__ int key_head(int head) const { return head / (heads / groups); }
    // Rows of one head: the row `t` of the query, or of arrays shaped like it with `columns` in place of the depth.
    __device__ int64 query_row(int b, int head, int t, int columns) const {
        return ((static_cast<int64>(b) * time + t) * heads + head) * columns;
    }
    __device__ int64 key_row(int b, int group, int s, int columns) const {
        return ((static_cast<int64>(b) * source + s) * groups + group) * columns;
    }
    __device__ int64 mask_at(int b, int head) const { return b * mask_batch + head * mask_head; }

    // The logit of a scaled product. `lost` tells whether it was forbidden; outside of the arrays it is -inf.
    __device__ W logit(W product, int64 mask, int t, int s, bool& forbidden) const {
        forbidden = true;
        if (t >= time || s >= source) {
            return -infinity(W());
        }
        if (causal && s > t) {
            return Limits<W>::fill;
        }
        const int64 at = mask + t * mask_time + s * mask_source;
        if (allowed != nullptr && !allowed[at]) {
            return Limits<W>::fill;
        }
        forbidden = false;
        W x = product * scale;
        if (biased()) {
            x += bias != nullptr ? wide(bias[at]) : wide_bias[at];
            x = x < Limits<W>::fill ? Limits<W>::fill : x;
        }
        return x;
    }
};

template <typename W>
__device__ inline void load_four(W (&values)[4], const W* source) {
    constexpr int N = 16 / sizeof(W);
#pragma unroll
    for (int i = 0; i < 4; i += N) {
        const Vec<W, N> pack = load_vec<N>(source + i);
#pragma unroll
        for (int j = 0; j < N; ++j) {
            values[i + j] = pack[j];
        }
    }
}

template <typename W>
__device__ inline void clear(W (&c)[4][4]) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
#pragma unroll
        for (int j = 0; j < 4; ++j) {
            c[i][j] = W(0);
        }
    }
}

template <typename W>
__device__ inline void add_outer_products(W (&c)[4][4], const W* left, const W* right) {
    const int tx = threadIdx.x & 15, ty = threadIdx.x >> 4;
#pragma unroll(sizeof(W) == 8 ? 1 : 2)
    for (int k = 0; k < SLICE<W>; ++k) {
        W a[4], b[4];
        load_four(a, left + k * PITCH + ty * 4);
        load_four(b, right + k * PITCH + tx * 4);
#pragma unroll
        for (int i = 0; i < 4; ++i) {
#pragma unroll
            for (int j = 0; j < 4; ++j) {
                c[i][j] = fma(a[i], b[j], c[i][j]);
            }
        }
    }
}

// c = a b^T of two tiles of rows in global memory. `slices` holds 2 * SLICE * PITCH elements.
template <typename T, typename W>
__device__ inline void multiply_rows(W (&c)[4][4], const T* a, int64 a_stride, int a_rows, const T* b, int64 b_stride,
                                     int b_rows, int depth, W* slices) {
    W* left = slices;
    W* right = slices + SLICE<W> * PITCH;
    clear(c);
    for (int start = 0; start < depth; start += SLICE<W>) {
        __syncthreads();
#pragma unroll(sizeof(W) == 8 ? 1 : 2)
        for (int i = threadIdx.x; i < TILE * SLICE<W>; i += ATTENTION_THREADS) {
            const int row = i / SLICE<W>, k = i % SLICE<W>;
            const bool inside = start + k < depth;
            left[k * PITCH + row] = inside && row < a_rows ? wide(a[row * a_stride + start + k]) : W(0);
            right[k * PITCH + row] = inside && row < b_rows ? wide(b[row * b_stride + start + k]) : W(0);
        }
        __syncthreads();
        add_outer_products(c, left, right);
    }
}

// c += m^T b: `matrix` [k][row] in shared memory, visible to all; rows k of b in global memory.
template <typename T, typename W>
__device__ inline void multiply_matrix(W (&c)[4][4], const W* matrix, const T* b, int64 b_stride, int b_rows,
                                       int b_columns, W* slices) {
    // The rows beyond the last one are zeros.
    const int end = min(TILE, b_rows);
    for (int start = 0; start < end; start += SLICE<W>) {
        __syncthreads();
#pragma unroll(sizeof(W) == 8 ? 1 : 2)
        for (int i = threadIdx.x; i < TILE * SLICE<W>; i += ATTENTION_THREADS) {
            const int k = i / TILE, column = i % TILE;
            const bool inside = start + k < b_rows && column < b_columns;
            slices[k * PITCH + column] = inside ? wide(b[(start + k) * b_stride + column]) : W(0);
        }
        __syncthreads();
        add_outer_products(c, matrix + start * PITCH, slices);
    }
}

// A thread's elements into a matrix [row][column] or its transpose.
template <bool TRANSPOSED, typename W>
__device__ inline void keep_own(W* matrix, const W (&c)[4][4]) {
    const int tx = threadIdx.x & 15, ty = threadIdx.x >> 4;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
#pragma unroll
        for (int j = 0; j < 4; ++j) {
            const int row = ty * 4 + i, column = tx * 4 + j;
            matrix[TRANSPOSED ? column * PITCH + row : row * PITCH + column] = c[i][j];
        }
    }
}

// Over the 16 threads that hold a row.
template <typename Op, typename W>
__device__ inline W row_reduce(W value) {
#pragma unroll
    for (int offset = 8; offset > 0; offset >>= 1) {
        value = Op::apply(value, __shfl_xor_sync(0xffffffffu, value, offset));
    }
    return value;
}

struct RowTile {
    int b, head, start;
};

// The tiles of one head follow each other; with `backwards` the later ones, longer under `causal`, come first.
__device__ inline RowTile row_tile(int64 index, int tiles, int heads, int size, bool backwards) {
    const int64 sequence = index / tiles;
    const int tile = static_cast<int>(index - sequence * tiles);
    return {static_cast<int>(sequence / heads), static_cast<int>(sequence % heads),
            (backwards ? tiles - 1 - tile : tile) * size};
}

template <typename T>
__device__ inline void forward_plain(const Problem<T>& p, T* out, Wide<T>* logsumexp) {
    using W = Wide<T>;
    SHARED(W, slices, 2 * SLICE<W> * PITCH);
    SHARED(W, matrix, TILE * PITCH);
    const int tx = threadIdx.x & 15, ty = threadIdx.x >> 4;
    const int tiles = (p.time + TILE - 1) / TILE, chunks = (p.width + TILE - 1) / TILE;
    const int64 count = static_cast<int64>(p.batch) * p.heads * tiles;
    for (int64 index = blockIdx.x; index < count; index += gridDim.x) {
        const RowTile at = row_tile(index, tiles, p.heads, TILE, true);
        const int group = p.key_head(at.head), rows = min(TILE, p.time - at.start);
        const int64 mask = p.mask_at(at.b, at.head);
        for (int chunk = blockIdx.y; chunk < max(chunks, 1); chunk += gridDim.y) {
            W top[4], sum[4], o[4][4], x[4][4];
            clear(o);
#pragma unroll
            for (int i = 0; i < 4; ++i) {
                top[i] = Limits<W>::fill;
                sum[i] = W(0);
            }
            for (int s0 = 0; s0 < p.source; s0 += TILE) {
                if (p.causal && s0 >= at.start + TILE) {
                    // Later sources count only for queries that may attend to nothing at all.
                    float lost = 0.0f;
#pragma unroll
                    for (int i = 0; i < 4; ++i) {
                        lost = top[i] <= Limits<W>::fill && ty * 4 + i < rows ? 1.0f : lost;
                    }
                    if (!p.masked() || block_max(lost) == 0.0f) {
                        break;
                    }
                }
                multiply_rows(x, p.query + p.query_row(at.b, at.head, at.start, p.depth),
                              static_cast<int64>(p.heads) * p.depth, rows,
                              p.key + p.key_row(at.b, group, s0, p.depth), static_cast<int64>(p.groups) * p.depth,
                              p.source - s0, p.depth, slices);
#pragma unroll
                for (int i = 0; i < 4; ++i) {
                    W largest = top[i];
#pragma unroll
                    for (int j = 0; j < 4; ++j) {
                        bool forbidden;
                        x[i][j] = p.logit(x[i][j], mask, at.start + ty * 4 + i, s0 + tx * 4 + j, forbidden);
                        largest = fmax(largest, x[i][j]);
                    }
                    largest = row_reduce<Max>(largest);
                    const W shrink = exponential(top[i] - largest);
                    top[i] = largest;
                    sum[i] *= shrink;
#pragma unroll
                    for (int j = 0; j < 4; ++j) {
                        o[i][j] *= shrink;
                        const W e = exponential(x[i][j] - largest);
                        sum[i] += e;
                        matrix[(tx * 4 + j) * PITCH + ty * 4 + i] = e;
                    }
                }
                multiply_matrix(o, matrix, p.value + p.key_row(at.b, group, s0, p.width) + chunk * TILE,
                                static_cast<int64>(p.groups) * p.width, p.source - s0, p.width - chunk * TILE, slices);
                // The next tile writes to the matrix: all must have read it.
                __syncthreads();
            }
#pragma unroll
            for (int i = 0; i < 4; ++i) {
                const W total = row_reduce<Add>(sum[i]);
                const int t = at.start + ty * 4 + i;
                if (t < p.time) {
                    T* row = out + p.query_row(at.b, at.head, t, p.width);
#pragma unroll
                    for (int j = 0; j < 4; ++j) {
                        const int column = chunk * TILE + tx * 4 + j;
                        if (column < p.width) {
                            row[column] = narrow<T>(total == W(0) ? W(0) : o[i][j] / total);
                        }
                    }
                    if (tx == 0 && chunk == 0) {
                        logsumexp[(static_cast<int64>(at.b) * p.heads + at.head) * p.time + t] = top[i] + log(total);
                    }
                }
            }
        }
    }
}

// What the backward kernels know of the rows: see attention_rows.
template <typename W>
struct Rows {
    const W *logsumexp, *delta, *correction;
    const int* lost;
};

template <typename T>
__device__ inline void query_gradient_plain(const Problem<T>& p, const T* dy, const Rows<Wide<T>>& r, T* dquery) {
    using W = Wide<T>;
    SHARED(W, slices, 2 * SLICE<W> * PITCH);
    SHARED(W, matrix, TILE * PITCH);
    const int tx = threadIdx.x & 15, ty = threadIdx.x >> 4;
    const int tiles = (p.time + TILE - 1) / TILE, chunks = (p.depth + TILE - 1) / TILE;
    const int64 count = static_cast<int64>(p.batch) * p.heads * tiles;
    for (int64 index = blockIdx.x; index < count; index += gridDim.x) {
        const RowTile at = row_tile(index, tiles, p.heads, TILE, true);
        const int group = p.key_head(at.head), rows = min(TILE, p.time - at.start);
        const int64 mask = p.mask_at(at.b, at.head);
        const int64 first = (static_cast<int64>(at.b) * p.heads + at.head) * p.time + at.start;
        const int end = p.causal ? min(p.source, at.start + TILE) : p.source;
        for (int chunk = blockIdx.y; chunk < chunks; chunk += gridDim.y) {
            W dq[4][4], x[4][4];
            clear(dq);
            for (int s0 = 0; s0 < end; s0 += TILE) {
                multiply_rows(x, p.query + p.query_row(at.b, at.head, at.start, p.depth),
                              static_cast<int64>(p.heads) * p.depth, rows,
                              p.key + p.key_row(at.b, group, s0, p.depth), static_cast<int64>(p.groups) * p.depth,
                              p.source - s0, p.depth, slices);
                keep_own<true>(matrix, x);
#pragma unroll(sizeof(W) == 8 ? 1 : 2)
                for (int i = 0; i < 16; ++i) {
                    const int t = ty * 4 + (i >> 2), s = tx * 4 + (i & 3);
                    W& e = matrix[s * PITCH + t];
                    bool forbidden;
                    const W y = p.logit(e, mask, at.start + t, s0 + s, forbidden);
                    e = forbidden ? W(0) : exponential(y - r.logsumexp[first + t]) * r.correction[first + t];
                }
                multiply_rows(x, dy + p.query_row(at.b, at.head, at.start, p.width),
                              static_cast<int64>(p.heads) * p.width, rows,
                              p.value + p.key_row(at.b, group, s0, p.width), static_cast<int64>(p.groups) * p.width,
                              p.source - s0, p.width, slices);
#pragma unroll
                for (int i = 0; i < 4; ++i) {
                    const int t = ty * 4 + i;
                    const W delta = t < rows ? r.delta[first + t] : W(0);
#pragma unroll
                    for (int j = 0; j < 4; ++j) {
                        W& e = matrix[(tx * 4 + j) * PITCH + t];
                        e *= x[i][j] - delta;
                    }
                }
                multiply_matrix(dq, matrix, p.key + p.key_row(at.b, group, s0, p.depth) + chunk * TILE,
                                static_cast<int64>(p.groups) * p.depth, p.source - s0, p.depth - chunk * TILE, slices);
                __syncthreads();
            }
#pragma unroll
            for (int i = 0; i < 4; ++i) {
                const int t = at.start + ty * 4 + i;
#pragma unroll
                for (int j = 0; j < 4; ++j) {
                    const int column = chunk * TILE + tx * 4 + j;
                    if (t < p.time && column < p.depth) {
                        dquery[p.query_row(at.b, at.head, t, p.depth) + column] = narrow<T>(dq[i][j] * p.scale);
                    }
                }
            }
        }
    }
}

template <typename T>
__device__ inline void key_gradients_plain(const Problem<T>& p, const T* dy, const Rows<Wide<T>>& r, T* dkey,
                                           T* dvalue) {
    using W = Wide<T>;
    SHARED(W, slices, 2 * SLICE<W> * PITCH);
    SHARED(W, matrix, TILE * PITCH);
    const int tx = threadIdx.x & 15, ty = threadIdx.x >> 4;
    const int tiles = (p.source + TILE - 1) / TILE, row_tiles = (p.time + TILE - 1) / TILE;
    const int chunks = (max(p.depth, p.width) + TILE - 1) / TILE, shared_by = p.heads / p.groups;
    const int64 count = static_cast<int64>(p.batch) * p.groups * tiles;
    for (int64 index = blockIdx.x; index < count; index += gridDim.x) {
        const RowTile at = row_tile(index, tiles, p.groups, TILE, false);
        const int sources = min(TILE, p.source - at.start);
        for (int chunk = blockIdx.y; chunk < chunks; chunk += gridDim.y) {
            W dk[4][4], dv[4][4], x[4][4];
            clear(dk);
            clear(dv);
            for (int step = 0; step < shared_by * row_tiles; ++step) {
                const int head = at.head * shared_by + step / row_tiles, t0 = step % row_tiles * TILE;
                const int64 sequence = static_cast<int64>(at.b) * p.heads + head;
                if (p.causal && t0 + TILE <= at.start && !r.lost[sequence * row_tiles + t0 / TILE]) {
                    continue;
                }
                const int rows = min(TILE, p.time - t0);
                const int64 mask = p.mask_at(at.b, head), first = sequence * p.time + t0;
                const T* q = p.query + p.query_row(at.b, head, t0, p.depth);
                const T* g = dy + p.query_row(at.b, head, t0, p.width);
                multiply_rows(x, q, static_cast<int64>(p.heads) * p.depth, rows,
                              p.key + p.key_row(at.b, at.head, at.start, p.depth),
                              static_cast<int64>(p.groups) * p.depth, sources, p.depth, slices);
                unsigned lost = 0;
                keep_own<false>(matrix, x);
#pragma unroll(sizeof(W) == 8 ? 1 : 2)
                for (int i = 0; i < 16; ++i) {
                    const int t = ty * 4 + (i >> 2), s = tx * 4 + (i & 3);
                    W& e = matrix[t * PITCH + s];
                    bool forbidden;
                    const W y = p.logit(e, mask, t0 + t, at.start + s, forbidden);
                    lost |= forbidden ? 1u << i : 0u;
                    e = t < rows ? exponential(y - r.logsumexp[first + t]) * r.correction[first + t] : W(0);
                }
                multiply_matrix(dv, matrix, g + chunk * TILE, static_cast<int64>(p.heads) * p.width, rows,
                                p.width - chunk * TILE, slices);
                multiply_rows(x, g, static_cast<int64>(p.heads) * p.width, rows,
                              p.value + p.key_row(at.b, at.head, at.start, p.width),
                              static_cast<int64>(p.groups) * p.width, sources, p.width, slices);
                // Without columns the product has no barrier.
                __syncthreads();
#pragma unroll
                for (int i = 0; i < 4; ++i) {
                    const int t = ty * 4 + i;
                    const W delta = t < rows ? r.delta[first + t] : W(0);
#pragma unroll
                    for (int j = 0; j < 4; ++j) {
                        W& e = matrix[t * PITCH + tx * 4 + j];
                        e = lost >> (i * 4 + j) & 1u ? W(0) : e * (x[i][j] - delta);
                    }
                }
                multiply_matrix(dk, matrix, q + chunk * TILE, static_cast<int64>(p.heads) * p.depth, rows,
                                p.depth - chunk * TILE, slices);
                __syncthreads();
            }
#pragma unroll
            for (int i = 0; i < 4; ++i) {
                const int s = at.start + ty * 4 + i;
#pragma unroll
                for (int j = 0; j < 4; ++j) {
                    const int column = chunk * TILE + tx * 4 + j;
                    if (s < p.source && column < p.depth) {
                        dkey[p.key_row(at.b, at.head, s, p.depth) + column] = narrow<T>(dk[i][j] * p.scale);
                    }
                    if (s < p.source && column < p.width) {
                        dvalue[p.key_row(at.b, at.head, s, p.width) + column] = narrow<T>(dv[i][j]);
                    }
                }
            }
        }
    }
}
