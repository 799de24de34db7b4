// The attention of half precision on tensor cores: 8 warps with 16 rows each, the other side streamed in tiles.
#include "attention.cuh"
#include "mma.cuh"

#if HAS_MMA
// The rows that a block keeps: 16 for each warp.
#define OWN (ATTENTION_THREADS / 32 * 16)

template <typename T>
__device__ inline bool vectors(const T* pointer, int columns) {
    return (columns & 7) == 0 && (reinterpret_cast<uint64>(pointer) & 15) == 0;
}

template <int N>
__device__ inline void clear_sums(float (&c)[N][4]) {
#pragma unroll
    for (int i = 0; i < N; ++i) {
#pragma unroll
        for (int j = 0; j < 4; ++j) {
            c[i][j] = 0.0f;
        }
    }
}

// c (16 x 8N) += rows of `own` times the transposed rows of `other`.
template <int D, int N, typename T>
__device__ inline void multiply_transposed(float (&c)[N][4], const T* own, int row, const T* other) {
#pragma unroll
    for (int k = 0; k < D / 16; ++k) {
        uint32 a[4];
        load_a<D>(a, own, row, k);
#pragma unroll
        for (int n = 0; n < N; n += 2) {
            uint32 b[4];
            load_b_transposed<D>(b, other, n * 8, k);
            mma<T>(c[n], a, b[0], b[1]);
            mma<T>(c[n + 1], a, b[2], b[3]);
        }
    }
}

// c (16 x D) += weights (16 x 8N, rounded to T) times the rows of `other`.
template <int D, int N, typename T>
__device__ inline void multiply_weights(float (&c)[D / 8][4], const float (&weights)[N][4], const T* other) {
#pragma unroll
    for (int k = 0; k < N / 2; ++k) {
        const uint32 a[4] = {pack_pair<T>(weights[2 * k][0], weights[2 * k][1]),
                             pack_pair<T>(weights[2 * k][2], weights[2 * k][3]),
                             pack_pair<T>(weights[2 * k + 1][0], weights[2 * k + 1][1]),
                             pack_pair<T>(weights[2 * k + 1][2], weights[2 * k + 1][3])};
#pragma unroll
        for (int n = 0; n < D / 16; ++n) {
            uint32 b[4];
            load_b<D>(b, other, k * 16, n);
            mma<T>(c[2 * n], a, b[0], b[1]);
            mma<T>(c[2 * n + 1], a, b[2], b[3]);
        }
    }
}

// Rows g and g + 8 of c, times one factor each.
template <int D, typename T>
__device__ inline void store_rows(const float (&c)[D / 8][4], T* low, T* high, int columns, float low_factor,
                                  float high_factor) {
    const int q = threadIdx.x & 3;
    const bool pairs = (columns & 1) == 0;
#pragma unroll
    for (int n = 0; n < D / 8; ++n) {
        const int column = n * 8 + q * 2;
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            T* row = half ? high : low;
            const float factor = half ? high_factor : low_factor;
            if (row != nullptr && column < columns) {
                Vec<T, 2> pack;
                pack[0] = narrow<T>(c[n][2 * half] * factor);
                pack[1] = narrow<T>(c[n][2 * half + 1] * factor);
                if (pairs) {
                    store_vec(row + column, pack);
                } else {
                    row[column] = pack[0];
                    if (column + 1 < columns) {
                        row[column + 1] = pack[1];
                    }
                }
            }
        }
    }
}

template <typename Op>
__device__ inline float quad_reduce(float value) {
    value = Op::apply(value, __shfl_xor_sync(0xffffffffu, value, 1));
    return Op::apply(value, __shfl_xor_sync(0xffffffffu, value, 2));
}

// Whether nothing in a tile of t0.. x s0.. is masked or outside.
template <typename T>
__device__ inline bool untouched(const Problem<T>& p, int t0, int times, int s0, int sources) {
    return !p.masked() && t0 + times <= p.time && s0 + sources <= p.source && (!p.causal || s0 + sources - 1 <= t0);
}

template <int D, typename T>
__device__ inline void forward_mma(const Problem<T>& p, T* out, float* logsumexp) {
    constexpr int STREAM = 64, N = STREAM / 8;
    DYNAMIC_SHARED(T, memory);
    T *queries = memory, *keys = queries + OWN * D, *values = keys + STREAM * D;
    const int warp = threadIdx.x >> 5, g = (threadIdx.x & 31) >> 2, q = threadIdx.x & 3;
    const int tiles = (p.time + OWN - 1) / OWN;
    const RowTile at = row_tile(blockIdx.x, tiles, p.heads, OWN, true);
    const int group = p.key_head(at.head);
    const int64 mask = p.mask_at(at.b, at.head);
    const int64 query_stride = static_cast<int64>(p.heads) * p.depth;
    const int64 key_stride = static_cast<int64>(p.groups) * p.depth, value_stride = static_cast<int64>(p.groups) * p.width;
    const T* key = p.key + p.key_row(at.b, group, 0, p.depth);
    const T* value = p.value + p.key_row(at.b, group, 0, p.width);
    const bool query_vectors = vectors(p.query, p.depth), key_vectors = vectors(p.key, p.depth);
    const bool value_vectors = vectors(p.value, p.width);
    load_tile<D, OWN, ATTENTION_THREADS>(queries, p.query + p.query_row(at.b, at.head, at.start, p.depth),
                                         query_stride, p.time - at.start, p.depth, query_vectors);
    load_tile<D, STREAM, ATTENTION_THREADS>(keys, key, key_stride, p.source, p.depth, key_vectors);
    commit_copies();
    float o[D / 8][4], top[2] = {Limits<float>::fill, Limits<float>::fill}, sum[2] = {0.0f, 0.0f};
    clear_sums(o);
    const int t_first = at.start + warp * 16;
    for (int s0 = 0; s0 < p.source; s0 += STREAM) {
        if (p.causal && s0 >= at.start + OWN) {
            // Later sources count only for queries that may attend to nothing at all.
            float lost = 0.0f;
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                lost = top[half] <= Limits<float>::fill && t_first + g + 8 * half < p.time ? 1.0f : lost;
            }
            if (!p.masked() || block_max(lost) == 0.0f) {
                break;
            }
        }
        wait_copies<0>();
        // The keys are there, and nobody reads the values any more.
        __syncthreads();
        load_tile<D, STREAM, ATTENTION_THREADS>(values, value + s0 * value_stride, value_stride, p.source - s0, p.width,
                                                value_vectors);
        commit_copies();
        float x[N][4];
        clear_sums(x);
        multiply_transposed<D>(x, queries, warp * 16, keys);
        wait_copies<0>();
        // The values are there, and nobody reads the keys any more.
        __syncthreads();
        if (s0 + STREAM < p.source) {
            load_tile<D, STREAM, ATTENTION_THREADS>(keys, key + (s0 + STREAM) * key_stride, key_stride,
                                                    p.source - s0 - STREAM, p.depth, key_vectors);
        }
        commit_copies();
        const bool plain = untouched(p, t_first, 16, s0, STREAM);
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            float largest = top[half];
#pragma unroll
            for (int n = 0; n < N; ++n) {
#pragma unroll
                for (int e = 0; e < 2; ++e) {
                    float& y = x[n][2 * half + e];
                    bool forbidden;
                    y = plain ? y * p.scale
                              : p.logit(y, mask, t_first + g + 8 * half, s0 + n * 8 + q * 2 + e, forbidden);
                    largest = fmax(largest, y);
                }
            }
            largest = quad_reduce<Max>(largest);
            const float shrink = exponential(top[half] - largest);
            top[half] = largest;
            sum[half] *= shrink;
#pragma unroll
            for (int n = 0; n < D / 8; ++n) {
                o[n][2 * half] *= shrink;
                o[n][2 * half + 1] *= shrink;
            }
#pragma unroll
            for (int n = 0; n < N; ++n) {
#pragma unroll
                for (int e = 0; e < 2; ++e) {
                    x[n][2 * half + e] = exponential(x[n][2 * half + e] - largest);
                    sum[half] += x[n][2 * half + e];
                }
            }
        }
        multiply_weights<D>(o, x, values);
    }
    wait_copies<0>();
    T* rows[2];
    float factor[2];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
        const int t = t_first + g + 8 * half;
        const float total = quad_reduce<Add>(sum[half]);
        factor[half] = total == 0.0f ? 0.0f : 1.0f / total;
        rows[half] = t < p.time ? out + p.query_row(at.b, at.head, t, p.width) : nullptr;
        if (t < p.time && q == 0) {
            logsumexp[(static_cast<int64>(at.b) * p.heads + at.head) * p.time + t] = top[half] + log(total);
        }
    }
    store_rows<D>(o, rows[0], rows[1], p.width, factor[0], factor[1]);
}

// Two stages of two streamed tiles, beside the two tiles of the block's own rows.
template <int D>
constexpr int BACKWARD_STREAM = D == 64 ? 64 : 32;

// For the gradients of keys and values, which are summed up in twice as many registers, Blackwell has none to spare.
template <int D>
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 1000
constexpr int KEY_STREAM = 32;
#else
constexpr int KEY_STREAM = BACKWARD_STREAM<D>;
#endif

template <int D, typename T>
__device__ inline void query_gradient_mma(const Problem<T>& p, const T* dy, const Rows<float>& r, T* dquery) {
    constexpr int STREAM = BACKWARD_STREAM<D>, N = STREAM / 8;
    DYNAMIC_SHARED(T, memory);
    T *queries = memory, *gradients = queries + OWN * D, *streamed = gradients + OWN * D;
    const int warp = threadIdx.x >> 5, g = (threadIdx.x & 31) >> 2, q = threadIdx.x & 3;
    const int tiles = (p.time + OWN - 1) / OWN;
    const RowTile at = row_tile(blockIdx.x, tiles, p.heads, OWN, true);
    const int group = p.key_head(at.head), t_first = at.start + warp * 16;
    const int64 mask = p.mask_at(at.b, at.head);
    const int64 key_stride = static_cast<int64>(p.groups) * p.depth, value_stride = static_cast<int64>(p.groups) * p.width;
    const T* key = p.key + p.key_row(at.b, group, 0, p.depth);
    const T* value = p.value + p.key_row(at.b, group, 0, p.width);
    const bool key_vectors = vectors(p.key, p.depth), value_vectors = vectors(p.value, p.width);
    const int end = p.causal ? min(p.source, at.start + OWN) : p.source;
    load_tile<D, OWN, ATTENTION_THREADS>(queries, p.query + p.query_row(at.b, at.head, at.start, p.depth),
                                         static_cast<int64>(p.heads) * p.depth, p.time - at.start, p.depth,
                                         vectors(p.query, p.depth));
    load_tile<D, OWN, ATTENTION_THREADS>(gradients, dy + p.query_row(at.b, at.head, at.start, p.width),
                                         static_cast<int64>(p.heads) * p.width, p.time - at.start, p.width,
                                         vectors(dy, p.width));
    load_tile<D, STREAM, ATTENTION_THREADS>(streamed, key, key_stride, end, p.depth, key_vectors);
    load_tile<D, STREAM, ATTENTION_THREADS>(streamed + STREAM * D, value, value_stride, end, p.width, value_vectors);
    commit_copies();
    float dq[D / 8][4], logsumexp[2], delta[2], correction[2];
    clear_sums(dq);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
        const int64 row = (static_cast<int64>(at.b) * p.heads + at.head) * p.time + min(t_first + g + 8 * half, p.time - 1);
        logsumexp[half] = r.logsumexp[row];
        delta[half] = r.delta[row];
        correction[half] = r.correction[row];
    }
    for (int s0 = 0, stage = 0; s0 < end; s0 += STREAM, stage ^= 1) {
        const T *keys = streamed + stage * 2 * STREAM * D, *values = keys + STREAM * D;
        if (s0 + STREAM < end) {
            const int next = s0 + STREAM;
            T* target = streamed + (stage ^ 1) * 2 * STREAM * D;
            load_tile<D, STREAM, ATTENTION_THREADS>(target, key + next * key_stride, key_stride, end - next, p.depth,
                                                    key_vectors);
            load_tile<D, STREAM, ATTENTION_THREADS>(target + STREAM * D, value + next * value_stride, value_stride,
                                                    end - next, p.width, value_vectors);
        }
        commit_copies();
        wait_copies<1>();
        __syncthreads();
        float x[N][4], dp[N][4];
        clear_sums(x);
        clear_sums(dp);
        multiply_transposed<D>(x, queries, warp * 16, keys);
        multiply_transposed<D>(dp, gradients, warp * 16, values);
        const bool plain = untouched(p, t_first, 16, s0, STREAM);
#pragma unroll
        for (int n = 0; n < N; ++n) {
#pragma unroll
            for (int e = 0; e < 4; ++e) {
                const int half = e >> 1;
                bool forbidden = false;
                const float y = plain ? x[n][e] * p.scale
                                      : p.logit(x[n][e], mask, t_first + g + 8 * half, s0 + n * 8 + q * 2 + (e & 1),
                                                forbidden);
                x[n][e] = forbidden ? 0.0f
                                    : exponential(y - logsumexp[half]) * correction[half] * (dp[n][e] - delta[half]);
            }
        }
        multiply_weights<D>(dq, x, keys);
        // The next round loads into what was read here.
        __syncthreads();
    }
    wait_copies<0>();
    T* rows[2];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
        const int t = t_first + g + 8 * half;
        rows[half] = t < p.time ? dquery + p.query_row(at.b, at.head, t, p.depth) : nullptr;
    }
    store_rows<D>(dq, rows[0], rows[1], p.depth, p.scale, p.scale);
}

template <int D, typename T>
__device__ inline void key_gradients_mma(const Problem<T>& p, const T* dy, const Rows<float>& r, T* dkey, T* dvalue) {
    constexpr int STREAM = KEY_STREAM<D>, N = STREAM / 8;
    DYNAMIC_SHARED(T, memory);
    T *keys = memory, *values = keys + OWN * D, *streamed = values + OWN * D;
    const int warp = threadIdx.x >> 5, g = (threadIdx.x & 31) >> 2, q = threadIdx.x & 3;
    const int tiles = (p.source + OWN - 1) / OWN, row_tiles = (p.time + TILE - 1) / TILE;
    const int parts = (p.time + STREAM - 1) / STREAM, shared_by = p.heads / p.groups, steps = shared_by * parts;
    const RowTile at = row_tile(blockIdx.x, tiles, p.groups, OWN, false);
    const int s_first = at.start + warp * 16;
    const int64 query_stride = static_cast<int64>(p.heads) * p.depth, dy_stride = static_cast<int64>(p.heads) * p.width;
    const bool query_vectors = vectors(p.query, p.depth), dy_vectors = vectors(dy, p.width);
    load_tile<D, OWN, ATTENTION_THREADS>(keys, p.key + p.key_row(at.b, at.head, at.start, p.depth),
                                         static_cast<int64>(p.groups) * p.depth, p.source - at.start, p.depth,
                                         vectors(p.key, p.depth));
    load_tile<D, OWN, ATTENTION_THREADS>(values, p.value + p.key_row(at.b, at.head, at.start, p.width),
                                         static_cast<int64>(p.groups) * p.width, p.source - at.start, p.width,
                                         vectors(p.value, p.width));
    // The first step from this one on whose queries attend to some of these keys.
    const auto needed = [&](int step) {
        while (step < steps) {
            const int t0 = step % parts * STREAM;
            const int64 sequence = static_cast<int64>(at.b) * p.heads + at.head * shared_by + step / parts;
            if (!p.causal || t0 + STREAM > at.start || r.lost[sequence * row_tiles + t0 / TILE]) {
                break;
            }
            ++step;
        }
        return step;
    };
    const auto load = [&](int step, T* target) {
        const int head = at.head * shared_by + step / parts, t0 = step % parts * STREAM;
        load_tile<D, STREAM, ATTENTION_THREADS>(target, p.query + p.query_row(at.b, head, t0, p.depth), query_stride,
                                                p.time - t0, p.depth, query_vectors);
        load_tile<D, STREAM, ATTENTION_THREADS>(target + STREAM * D, dy + p.query_row(at.b, head, t0, p.width),
                                                dy_stride, p.time - t0, p.width, dy_vectors);
    };
    float dk[D / 8][4], dv[D / 8][4];
    clear_sums(dk);
    clear_sums(dv);
    int step = needed(0);
    if (step < steps) {
        load(step, streamed);
    }
    commit_copies();
    for (int stage = 0; step < steps; stage ^= 1) {
        const T *queries = streamed + stage * 2 * STREAM * D, *gradients = queries + STREAM * D;
        const int next = needed(step + 1);
        if (next < steps) {
            load(next, streamed + (stage ^ 1) * 2 * STREAM * D);
        }
        commit_copies();
        wait_copies<1>();
        __syncthreads();
        const int head = at.head * shared_by + step / parts, t0 = step % parts * STREAM;
        const int64 mask = p.mask_at(at.b, head), first = (static_cast<int64>(at.b) * p.heads + head) * p.time;
        float x[N][4], dp[N][4];
        clear_sums(x);
        clear_sums(dp);
        multiply_transposed<D>(x, keys, warp * 16, queries);
        multiply_transposed<D>(dp, values, warp * 16, gradients);
        const bool plain = untouched(p, t0, STREAM, s_first, 16);
#pragma unroll
        for (int n = 0; n < N; ++n) {
#pragma unroll
            for (int e = 0; e < 2; ++e) {
                const int t = t0 + n * 8 + q * 2 + e;
                const int64 row = first + min(t, p.time - 1);
                const float logsumexp = r.logsumexp[row], correction = r.correction[row], delta = r.delta[row];
#pragma unroll
                for (int half = 0; half < 2; ++half) {
                    float& y = x[n][2 * half + e];
                    float& ds = dp[n][2 * half + e];
                    bool forbidden = false;
                    y = plain ? y * p.scale : p.logit(y, mask, t, s_first + g + 8 * half, forbidden);
                    y = t < p.time ? exponential(y - logsumexp) * correction : 0.0f;
                    ds = forbidden ? 0.0f : y * (ds - delta);
                }
            }
        }
        multiply_weights<D>(dv, x, gradients);
        multiply_weights<D>(dk, dp, queries);
        // The next round loads into what was read here.
        __syncthreads();
        step = next;
    }
    wait_copies<0>();
    T *key_rows[2], *value_rows[2];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
        const int s = s_first + g + 8 * half;
        key_rows[half] = s < p.source ? dkey + p.key_row(at.b, at.head, s, p.depth) : nullptr;
        value_rows[half] = s < p.source ? dvalue + p.key_row(at.b, at.head, s, p.width) : nullptr;
    }
    store_rows<D>(dk, key_rows[0], key_rows[1], p.depth, p.scale, p.scale);
    store_rows<D>(dv, value_rows[0], value_rows[1], p.width, 1.0f, 1.0f);
}
#endif  // HAS_MMA
