// Softmax and its logarithm. Rows are handled by teams; a long row can be split into chunks of one block each.
#include "rows.cuh"

template <bool LOG, typename W>
__device__ inline W softmax_value(W x, const MaxSum<W>& row, W normalizer) {
    return LOG ? x - row.top - normalizer : exp(x - row.top) * normalizer;
}

template <bool LOG, typename W>
__device__ inline W softmax_normalizer(W total) {
    return LOG ? log(total) : W(1) / total;
}

// Statistics of chunks: pairs (top, total) [row][chunk].
template <typename T>
__global__ void __launch_bounds__(512, 1)
    softmax_chunks(const T* __restrict__ x, Wide<T>* __restrict__ chunks, int64 count, int64 chunk) {
    const WholeBlock team(0);
    const int64 begin = blockIdx.y * chunk;
    const MaxSum<Wide<T>> found = max_sum(team, x + team.row * count, begin, min(count, begin + chunk));
    if (team.rank == 0) {
        Wide<T>* const pair = chunks + 2 * (team.row * gridDim.y + blockIdx.y);
        pair[0] = found.top;
        pair[1] = found.total;
    }
}

// Without `chunks` a team finds the statistics itself, and `chunk` is the whole row.
template <typename T, typename Team, bool LOG>
__global__ void __launch_bounds__(512, 1)
    softmax(const T* __restrict__ x, T* __restrict__ y, const Wide<T>* __restrict__ chunks, int64 rows, int64 count,
            int64 chunk, int lanes) {
    using W = Wide<T>;
    const Team team(lanes);
    const bool active = team.row < rows;
    const T* const source = x + (active ? team.row * count : 0);
    const int64 begin = blockIdx.y * chunk;
    const int64 end = active ? min(count, begin + chunk) : begin;
    MaxSum<W> found;
    if (chunks == nullptr) {
        found = max_sum(team, source, begin, end);
    } else {
        for (int64 k = team.rank; k < gridDim.y; k += team.size) {
            const W* const pair = chunks + 2 * (team.row * gridDim.y + k);
            found.merge(pair[0], pair[1]);
        }
        found.join(team);
    }
    const W normalizer = softmax_normalizer<LOG>(found.total);
    T* const target = y + (source - x);
    walk<PACK<T>>(team, begin, first_pack(source, target, begin, end), end, [&](auto width, int64 i) {
        W values[width.value];
        read(source + i, values);
#pragma unroll
        for (int j = 0; j < width.value; ++j) {
            values[j] = softmax_value<LOG>(values[j], found, normalizer);
        }
        write(target + i, values);
    });
}

// An axis inside: (outer, count, inner), a thread for each outer and inner position.
template <typename T, bool LOG>
__global__ void __launch_bounds__(256)
    softmax_inside(const T* __restrict__ x, T* __restrict__ y, int64 outer, int64 count, int64 inner) {
    using W = Wide<T>;
    const int64 position = static_cast<int64>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (position >= outer * inner) {
        return;
    }
    const int64 first = position / inner * count * inner + position % inner;
    const int64 last = first + count * inner;
    MaxSum<W> found;
#pragma unroll(sizeof(T) == 8 ? 1 : 4)
    for (int64 i = first; i < last; i += inner) {
        const W value[1] = {wide(x[i])};
        found.add(value);
    }
    const W normalizer = softmax_normalizer<LOG>(found.total);
#pragma unroll(sizeof(T) == 8 ? 1 : 4)
    for (int64 i = first; i < last; i += inner) {
        y[i] = narrow<T>(softmax_value<LOG>(wide(x[i]), found, normalizer));
    }
}

// The gradient from the output: each term is added up along the axis.
struct SoftmaxSlope {
    template <typename W>
    __device__ static W term(W dy, W y) {
        return dy * y;
    }
    template <typename W>
    __device__ static W slope(W dy, W y, W total) {
        return y * (dy - total);
    }
};

struct LogSoftmaxSlope {
    template <typename W>
    __device__ static W term(W dy, W) {
        return dy;
    }
    template <typename W>
    __device__ static W slope(W dy, W y, W total) {
        return dy - exp(y) * total;
    }
};

template <typename Slope, typename Team, typename T>
__device__ inline Wide<T> term_sum(const Team& team, const T* dy, const T* y, int64 begin, int64 end) {
    using W = Wide<T>;
    W total = W(0);
    walk<PACK<T>>(team, begin, first_pack(dy, y, begin, end), end, [&](auto width, int64 i) {
        W gradient[width.value], output[width.value];
        read(dy + i, gradient);
        read(y + i, output);
#pragma unroll
        for (int j = 0; j < width.value; ++j) {
            total += Slope::term(gradient[j], output[j]);
        }
    });
    return sum(team, total);
}

template <typename T, typename Slope>
__global__ void __launch_bounds__(512, 1)
    softmax_backward_chunks(const T* __restrict__ dy, const T* __restrict__ y, Wide<T>* __restrict__ chunks,
                            int64 count, int64 chunk) {
    const WholeBlock team(0);
    const int64 begin = blockIdx.y * chunk;
    const int64 row = team.row * count;
    const Wide<T> total = term_sum<Slope>(team, dy + row, y + row, begin, min(count, begin + chunk));
    if (team.rank == 0) {
        chunks[team.row * gridDim.y + blockIdx.y] = total;
    }
}

template <typename T, typename Team, typename Slope>
__global__ void __launch_bounds__(512, 1)
    softmax_backward(const T* __restrict__ dy, const T* __restrict__ y, T* __restrict__ dx,
                     const Wide<T>* __restrict__ chunks, int64 rows, int64 count, int64 chunk, int lanes) {
    using W = Wide<T>;
    const Team team(lanes);
    const bool active = team.row < rows;
    const int64 row = active ? team.row * count : 0;
    const int64 begin = blockIdx.y * chunk;
    const int64 end = active ? min(count, begin + chunk) : begin;
    W total = W(0);
    if (chunks == nullptr) {
        total = term_sum<Slope>(team, dy + row, y + row, begin, end);
    } else {
        for (int64 k = team.rank; k < gridDim.y; k += team.size) {
            total += chunks[team.row * gridDim.y + k];
        }
        total = sum(team, total);
    }
    const T* const gradients = dy + row;
    const T* const outputs = y + row;
    T* const target = dx + row;
    const int64 head = max(first_pack(gradients, target, begin, end), first_pack(outputs, target, begin, end));
    walk<PACK<T>>(team, begin, head, end, [&](auto width, int64 i) {
        W gradient[width.value], output[width.value];
        read(gradients + i, gradient);
        read(outputs + i, output);
#pragma unroll
        for (int j = 0; j < width.value; ++j) {
            output[j] = Slope::slope(gradient[j], output[j], total);
        }
        write(target + i, output);
    });
}

template <typename T, typename Slope>
__global__ void __launch_bounds__(256)
    softmax_backward_inside(const T* __restrict__ dy, const T* __restrict__ y, T* __restrict__ dx, int64 outer,
                            int64 count, int64 inner) {
    using W = Wide<T>;
    const int64 position = static_cast<int64>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (position >= outer * inner) {
        return;
    }
    const int64 first = position / inner * count * inner + position % inner;
    const int64 last = first + count * inner;
    W total = W(0);
#pragma unroll(sizeof(T) == 8 ? 1 : 4)
    for (int64 i = first; i < last; i += inner) {
        total += Slope::term(wide(dy[i]), wide(y[i]));
    }
#pragma unroll(sizeof(T) == 8 ? 1 : 4)
    for (int64 i = first; i < last; i += inner) {
        dx[i] = narrow<T>(Slope::slope(wide(dy[i]), wide(y[i]), total));
    }
}
