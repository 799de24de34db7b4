// Scaled dot-product attention. D = 0: any depth, plain arithmetic. D = 64 or 128: half precision on tensor cores,
// depth and width up to D; empty, and never launched, for GPUs without those.
#include "attention_mma.cuh"

template <typename T, int D>
__global__ void __launch_bounds__(ATTENTION_THREADS, 1) attention_forward(PROBLEM_PARAMETERS, T* out, Wide<T>* logsumexp) {
#if HAS_MMA
    if constexpr (D != 0) {
        forward_mma<D>(PROBLEM, out, logsumexp);
    }
#endif
    if constexpr (D == 0) {
        forward_plain(PROBLEM, out, logsumexp);
    }
}

// What the backward kernels need to know of each row: delta = sum(dy * out), the factor that makes the probabilities
// recovered from `logsumexp` sum to one, and of each tile of rows whether one of them may attend to nothing.
template <typename T>
__global__ void __launch_bounds__(ATTENTION_THREADS, 1)
    attention_rows(PROBLEM_PARAMETERS, const T* __restrict__ dy, const T* __restrict__ out,
                   const Wide<T>* __restrict__ logsumexp, Wide<T>* __restrict__ delta, Wide<T>* __restrict__ correction,
                   int* __restrict__ lost) {
    using W = Wide<T>;
    SHARED(W, slices, 2 * SLICE<W> * PITCH);
    const Problem<T> p = PROBLEM;
    const int tiles = (time + TILE - 1) / TILE;
    const RowTile at = row_tile(blockIdx.x, tiles, heads, TILE, false);
    const int rows = min(TILE, time - at.start), lane = threadIdx.x & 31;
    const int64 first = (static_cast<int64>(at.b) * heads + at.head) * time + at.start;
    for (int row = threadIdx.x >> 5; row < rows; row += ATTENTION_THREADS / 32) {
        const int64 offset = p.query_row(at.b, at.head, at.start + row, width);
        W sum = W(0);
        for (int column = lane; column < width; column += 32) {
            sum = fma(wide(dy[offset + column]), wide(out[offset + column]), sum);
        }
        sum = warp_sum(sum);
        if (lane == 0) {
            delta[first + row] = sum;
        }
    }
    // From here on, the rounding of a float's logarithm shows in the probabilities that are recovered from it.
    const W large = W(64);
    float is_lost = 0.0f, is_large = 0.0f;
    if (threadIdx.x < rows) {
        const W top = logsumexp[first + threadIdx.x];
        const bool nothing = top < W(0.5) * Limits<W>::fill;
        is_lost = nothing ? 1.0f : 0.0f;
        is_large = (top > large || top < -large) && !(nothing && !p.biased()) ? 1.0f : 0.0f;
        correction[first + threadIdx.x] = nothing ? W(1) / W(source) : W(1);
    }
    is_lost = block_max(is_lost);
    is_large = block_max(is_large);
    if (threadIdx.x == 0) {
        lost[blockIdx.x] = is_lost != 0.0f;
    }
    if (is_large != 0.0f) {
        const int tx = threadIdx.x & 15, ty = threadIdx.x >> 4, group = p.key_head(at.head);
        const int end = causal && is_lost == 0.0f ? min(source, at.start + TILE) : source;
        W sum[4] = {W(0), W(0), W(0), W(0)}, x[4][4];
        for (int s0 = 0; s0 < end; s0 += TILE) {
            multiply_rows(x, query + p.query_row(at.b, at.head, at.start, depth), static_cast<int64>(heads) * depth,
                          rows, key + p.key_row(at.b, group, s0, depth), static_cast<int64>(groups) * depth,
                          source - s0, depth, slices);
#pragma unroll
            for (int i = 0; i < 4; ++i) {
                const int t = ty * 4 + i;
                const W top = t < rows ? logsumexp[first + t] : W(0);
#pragma unroll
                for (int j = 0; j < 4; ++j) {
                    bool forbidden;
                    sum[i] += exponential(
                        p.logit(x[i][j], p.mask_at(at.b, at.head), at.start + t, s0 + tx * 4 + j, forbidden) - top);
                }
            }
        }
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            const int t = ty * 4 + i;
            const W total = row_reduce<Add>(sum[i]);
            if (tx == 0 && t < rows) {
                const W top = logsumexp[first + t];
                if (top > large || top < -large) {
                    correction[first + t] = W(1) / total;
                }
            }
        }
    }
}

template <typename T, int D>
__global__ void __launch_bounds__(ATTENTION_THREADS, 1)
    attention_query_gradient(PROBLEM_PARAMETERS, const T* __restrict__ dy, const Wide<T>* __restrict__ logsumexp,
                             const Wide<T>* __restrict__ delta, const Wide<T>* __restrict__ correction,
                             const int* __restrict__ lost, T* __restrict__ dquery) {
    const Rows<Wide<T>> rows{logsumexp, delta, correction, lost};
#if HAS_MMA
    if constexpr (D != 0) {
        query_gradient_mma<D>(PROBLEM, dy, rows, dquery);
    }
#endif
    if constexpr (D == 0) {
        query_gradient_plain(PROBLEM, dy, rows, dquery);
    }
}

template <typename T, int D>
__global__ void __launch_bounds__(ATTENTION_THREADS, 1)
    attention_key_gradients(PROBLEM_PARAMETERS, const T* __restrict__ dy, const Wide<T>* __restrict__ logsumexp,
                            const Wide<T>* __restrict__ delta, const Wide<T>* __restrict__ correction,
                            const int* __restrict__ lost, T* __restrict__ dkey, T* __restrict__ dvalue) {
    const Rows<Wide<T>> rows{logsumexp, delta, correction, lost};
#if HAS_MMA
    if constexpr (D != 0) {
        key_gradients_mma<D>(PROBLEM, dy, rows, dkey, dvalue);
    }
#endif
    if constexpr (D == 0) {
        key_gradients_plain(PROBLEM, dy, rows, dkey, dvalue);
    }
}
