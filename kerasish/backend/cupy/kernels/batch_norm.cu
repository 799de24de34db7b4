// Batch normalization. Channels last: a matrix (rows, channels), walked by columns. Channels before other axes: planes of
// `inner` neighbours, one plane for each outer position and channel.
#include "columns.cuh"

__device__ inline int64 quotient(int64 a, int64 b) {
    // Divisions of 32 bits take a third of the time.
    return ((a | b) >> 31) == 0 ? static_cast<int64>(static_cast<unsigned>(a) / static_cast<unsigned>(b)) : a / b;
}

// One value for each of V neighbouring channels, in a pack where the array is aligned.
template <int V, typename P, typename W>
__device__ inline void read_channels(const P* source, int64 channel, W absent, W (&values)[V]) {
    if (source != nullptr) {
        read_parameters(source + channel, values, aligned(source + channel));
    } else {
#pragma unroll
        for (int j = 0; j < V; ++j) {
            values[j] = absent;
        }
    }
}

// The packs of one channel, numbered over all its planes.
template <int V>
struct Planes {
    int64 channel, channels, inner, per_plane;
    __device__ Planes(int64 channel, int64 channels, int64 inner)
        : channel(channel), channels(channels), inner(inner), per_plane(inner / V) {}
    __device__ int64 offset(int64 pack) const {
        const int64 outer = quotient(pack, per_plane);
        return (outer * channels + channel) * inner + (pack - outer * per_plane) * V;
    }
};

// Mean and sum of the squared distances to it, by Welford's updates, for V neighbours at a time.
template <typename W, int V>
struct Moments {
    W mean[V], squares[V];
    W count = W(0);
    __device__ Moments() {
#pragma unroll
        for (int j = 0; j < V; ++j) {
            mean[j] = squares[j] = W(0);
        }
    }
    __device__ void add(const W (&values)[V]) {
        count += W(1);
        const W share = W(1) / count;
#pragma unroll
        for (int j = 0; j < V; ++j) {
            const W distance = values[j] - mean[j];
            mean[j] += distance * share;
            squares[j] += distance * (values[j] - mean[j]);
        }
    }
};

template <typename T, bool PACKED>
__global__ void __launch_bounds__(256, 1)
    columns_moments(const T* __restrict__ x, Wide<T>* __restrict__ partial_mean,
                    Wide<T>* __restrict__ partial_squares, int64 rows, int64 channels, int64 chunk) {
    using W = Wide<T>;
    constexpr int V = PACKED ? PACK<T> : 1;
    const Columns<V> columns(rows, channels, chunk);
    Moments<W, V> found;
#pragma unroll 4
    for (int64 row = columns.first; row < columns.last; row += columns.step) {
        W values[V];
        read(x + row * channels + columns.column, values);
        found.add(values);
    }
    const W total = static_cast<W>(max(min(rows - columns.chunk_begin, chunk), int64(1)));
    W mean[V];
#pragma unroll
    for (int j = 0; j < V; ++j) {
        mean[j] = found.mean[j] * (found.count / total);
    }
    sum_down(mean);
#pragma unroll
    for (int j = 0; j < V; ++j) {
        const W distance = found.mean[j] - mean[j];
        found.squares[j] += found.count * distance * distance;
    }
    sum_down(found.squares);
    store_partial(columns, mean, partial_mean);
    store_partial(columns, found.squares, partial_squares);
}

// Chunks are of packs here.
template <typename T, bool PACKED>
__global__ void __launch_bounds__(256, 1)
    planes_moments(const T* __restrict__ x, Wide<T>* __restrict__ partial_mean,
                   Wide<T>* __restrict__ partial_squares, int64 outer, int64 channels, int64 inner, int64 chunk) {
    using W = Wide<T>;
    constexpr int V = PACKED ? PACK<T> : 1;
    const Planes<V> planes(blockIdx.x, channels, inner);
    const int64 begin = blockIdx.y * chunk;
    const int64 end = min(outer * planes.per_plane, begin + chunk);
    Moments<W, V> found;
#pragma unroll 4
    for (int64 pack = begin + threadIdx.x; pack < end; pack += blockDim.x) {
        W values[V];
        read(x + planes.offset(pack), values);
        found.add(values);
    }
    const W total = static_cast<W>(max((end - begin) * V, int64(1)));
    W mean = W(0);
#pragma unroll
    for (int j = 0; j < V; ++j) {
        mean += found.mean[j] * (found.count / total);
    }
    mean = block_sum(mean);
    W squares = W(0);
#pragma unroll
    for (int j = 0; j < V; ++j) {
        const W distance = found.mean[j] - mean;
        squares += found.squares[j] + found.count * distance * distance;
    }
    squares = block_sum(squares);
    if (threadIdx.x == 0) {
        partial_mean[blockIdx.x * static_cast<int64>(gridDim.y) + blockIdx.y] = mean;
        partial_squares[blockIdx.x * static_cast<int64>(gridDim.y) + blockIdx.y] = squares;
    }
}

// Joins the moments of chunks, of `chunk` values each but for the last one; `count` values a channel altogether.
template <typename W>
__global__ void __launch_bounds__(128)
    join_moments(const W* __restrict__ partial_mean, const W* __restrict__ partial_squares, W* __restrict__ means,
                 W* __restrict__ variances, W* __restrict__ rstds, int64 channels, int64 count, int64 chunk,
                 int chunks, double epsilon) {
    const Lanes team(32);
    const bool active = team.row < channels;
    const int64 offset = active ? team.row * chunks : 0;
    const W total = static_cast<W>(max(count, int64(1)));
    W mean = W(0);
    for (int k = team.rank; k < chunks; k += team.size) {
        mean += partial_mean[offset + k] * (static_cast<W>(min(chunk, count - k * chunk)) / total);
    }
    mean = sum(team, mean);
    W squares = W(0);
    for (int k = team.rank; k < chunks; k += team.size) {
        const W distance = partial_mean[offset + k] - mean;
        squares += partial_squares[offset + k] + static_cast<W>(min(chunk, count - k * chunk)) * distance * distance;
    }
    squares = sum(team, squares);
    if (active && team.rank == 0) {
        const W variance = squares / total;
        means[team.row] = mean;
        variances[team.row] = variance;
        rstds[team.row] = W(1) / sqrt(variance + static_cast<W>(epsilon));
    }
}

// y = (x - mean) * factor + offset for V neighbouring channels.
template <typename W, int V>
struct Lines {
    W mean[V], factor[V], offset[V];
    template <typename P>
    __device__ Lines(const P* gamma, const P* beta, const W* means, const W* rstds, int64 channel) {
        W rstd[V];
        read_channels(means, channel, W(0), mean);
        read_channels(rstds, channel, W(0), rstd);
        read_channels(gamma, channel, W(1), factor);
        read_channels(beta, channel, W(0), offset);
#pragma unroll
        for (int j = 0; j < V; ++j) {
            factor[j] *= rstd[j];
        }
    }
    __device__ W at(int j, W x) const { return (x - mean[j]) * factor[j] + offset[j]; }
};

// P is the type of the parameters, which may be null.
template <typename T, typename P, bool PACKED>
__global__ void __launch_bounds__(256, 1)
    columns_normalize(const T* __restrict__ x, const P* __restrict__ gamma, const P* __restrict__ beta,
                      const Wide<T>* __restrict__ means, const Wide<T>* __restrict__ rstds, T* __restrict__ y,
                      int64 rows, int64 channels, int64 chunk) {
    using W = Wide<T>;
    constexpr int V = PACKED ? PACK<T> : 1;
    const Columns<V> columns(rows, channels, chunk);
    const Lines<W, V> lines(gamma, beta, means, rstds, columns.inside ? columns.column : 0);
#pragma unroll 4
    for (int64 row = columns.first; row < columns.last; row += columns.step) {
        const int64 offset = row * channels + columns.column;
        W values[V];
        read(x + offset, values);
#pragma unroll
        for (int j = 0; j < V; ++j) {
            values[j] = lines.at(j, values[j]);
        }
        write(y + offset, values);
    }
}

// A thread for each pack of the whole array, `size` elements.
template <typename T, typename P, bool PACKED>
__global__ void __launch_bounds__(256, 1)
    planes_normalize(const T* __restrict__ x, const P* __restrict__ gamma, const P* __restrict__ beta,
                     const Wide<T>* __restrict__ means, const Wide<T>* __restrict__ rstds, T* __restrict__ y,
                     int64 size, int64 channels, int64 inner) {
    using W = Wide<T>;
    constexpr int V = PACKED ? PACK<T> : 1;
    const int64 offset = (static_cast<int64>(blockIdx.x) * blockDim.x + threadIdx.x) * V;
    if (offset >= size) {
        return;
    }
    const int64 plane = quotient(offset, inner);
    const Lines<W, 1> line(gamma, beta, means, rstds, plane - quotient(plane, channels) * channels);
    W values[V];
    read(x + offset, values);
#pragma unroll
    for (int j = 0; j < V; ++j) {
        values[j] = line.at(0, values[j]);
    }
    write(y + offset, values);
}

// Partial sums of dy and of dy * (x - mean).
template <typename T, bool PACKED>
__global__ void __launch_bounds__(256, 1)
    columns_slopes(const T* __restrict__ dy, const T* __restrict__ x, const Wide<T>* __restrict__ means,
                   Wide<T>* __restrict__ partial_dgamma, Wide<T>* __restrict__ partial_dbeta, int64 rows,
                   int64 channels, int64 chunk) {
    using W = Wide<T>;
    constexpr int V = PACKED ? PACK<T> : 1;
    const Columns<V> columns(rows, channels, chunk);
    W mean[V], dgamma[V], dbeta[V];
    read_channels(means, columns.inside ? columns.column : 0, W(0), mean);
#pragma unroll
    for (int j = 0; j < V; ++j) {
        dgamma[j] = dbeta[j] = W(0);
    }
#pragma unroll 4
    for (int64 row = columns.first; row < columns.last; row += columns.step) {
        const int64 offset = row * channels + columns.column;
        W g[V], values[V];
        read(dy + offset, g);
        read(x + offset, values);
#pragma unroll
        for (int j = 0; j < V; ++j) {
            dbeta[j] += g[j];
            dgamma[j] += g[j] * (values[j] - mean[j]);
        }
    }
    sum_down(dgamma);
    store_partial(columns, dgamma, partial_dgamma);
    sum_down(dbeta);
    store_partial(columns, dbeta, partial_dbeta);
}

template <typename T, bool PACKED>
__global__ void __launch_bounds__(256, 1)
    planes_slopes(const T* __restrict__ dy, const T* __restrict__ x, const Wide<T>* __restrict__ means,
                  Wide<T>* __restrict__ partial_dgamma, Wide<T>* __restrict__ partial_dbeta, int64 outer,
                  int64 channels, int64 inner, int64 chunk) {
    using W = Wide<T>;
    constexpr int V = PACKED ? PACK<T> : 1;
    const Planes<V> planes(blockIdx.x, channels, inner);
    const int64 begin = blockIdx.y * chunk;
    const int64 end = min(outer * planes.per_plane, begin + chunk);
    const W mean = means[blockIdx.x];
    W dgamma = W(0), dbeta = W(0);
#pragma unroll 4
    for (int64 pack = begin + threadIdx.x; pack < end; pack += blockDim.x) {
        const int64 offset = planes.offset(pack);
        W g[V], values[V];
        read(dy + offset, g);
        read(x + offset, values);
#pragma unroll
        for (int j = 0; j < V; ++j) {
            dbeta += g[j];
            dgamma += g[j] * (values[j] - mean);
        }
    }
    dgamma = block_sum(dgamma);
    dbeta = block_sum(dbeta);
    if (threadIdx.x == 0) {
        partial_dgamma[blockIdx.x * static_cast<int64>(gridDim.y) + blockIdx.y] = dgamma;
        partial_dbeta[blockIdx.x * static_cast<int64>(gridDim.y) + blockIdx.y] = dbeta;
    }
}

// Joins the sums of chunks to the gradients of the parameters, in the wide type.
template <typename W>
__global__ void __launch_bounds__(128)
    join_slopes(const W* __restrict__ partial_dgamma, const W* __restrict__ partial_dbeta,
                const W* __restrict__ rstds, W* __restrict__ dgamma, W* __restrict__ dbeta, int64 channels,
                int chunks) {
    const Lanes team(32);
    const bool active = team.row < channels;
    const int64 offset = active ? team.row * chunks : 0;
    const W first = join_partials(team, partial_dgamma + offset, chunks);
    const W second = join_partials(team, partial_dbeta + offset, chunks);
    if (active && team.rank == 0) {
        dgamma[team.row] = first * rstds[team.row];
        dbeta[team.row] = second;
    }
}

// dx = (dy - (x - mean) * tilt - level) * factor for V neighbouring channels; `share` is one over their values.
template <typename W, int V>
struct Slopes {
    W mean[V], tilt[V], level[V], factor[V];
    template <typename P>
    __device__ Slopes(const P* gamma, const W* means, const W* rstds, const W* dgamma, const W* dbeta, W share,
                      int64 channel) {
        W rstd[V];
        read_channels(means, channel, W(0), mean);
        read_channels(rstds, channel, W(0), rstd);
        read_channels(dgamma, channel, W(0), tilt);
        read_channels(dbeta, channel, W(0), level);
        read_channels(gamma, channel, W(1), factor);
#pragma unroll
        for (int j = 0; j < V; ++j) {
            tilt[j] *= share * rstd[j];
            level[j] *= share;
            factor[j] *= rstd[j];
        }
    }
    __device__ W at(int j, W dy, W x) const { return (dy - (x - mean[j]) * tilt[j] - level[j]) * factor[j]; }
};

template <typename T, typename P, bool PACKED>
__global__ void __launch_bounds__(256, 1)
    columns_backward(const T* __restrict__ dy, const T* __restrict__ x, const P* __restrict__ gamma,
                     const Wide<T>* __restrict__ means, const Wide<T>* __restrict__ rstds,
                     const Wide<T>* __restrict__ dgamma, const Wide<T>* __restrict__ dbeta, T* __restrict__ dx,
                     int64 rows, int64 channels, int64 chunk) {
    using W = Wide<T>;
    constexpr int V = PACKED ? PACK<T> : 1;
    const Columns<V> columns(rows, channels, chunk);
    const W share = W(1) / static_cast<W>(rows);
    const Slopes<W, V> slopes(gamma, means, rstds, dgamma, dbeta, share, columns.inside ? columns.column : 0);
#pragma unroll 2
    for (int64 row = columns.first; row < columns.last; row += columns.step) {
        const int64 offset = row * channels + columns.column;
        W g[V], values[V];
        read(dy + offset, g);
        read(x + offset, values);
#pragma unroll
        for (int j = 0; j < V; ++j) {
            values[j] = slopes.at(j, g[j], values[j]);
        }
        write(dx + offset, values);
    }
}

template <typename T, typename P, bool PACKED>
__global__ void __launch_bounds__(256, 1)
    planes_backward(const T* __restrict__ dy, const T* __restrict__ x, const P* __restrict__ gamma,
                    const Wide<T>* __restrict__ means, const Wide<T>* __restrict__ rstds,
                    const Wide<T>* __restrict__ dgamma, const Wide<T>* __restrict__ dbeta, T* __restrict__ dx,
                    int64 size, int64 channels, int64 inner) {
    using W = Wide<T>;
    constexpr int V = PACKED ? PACK<T> : 1;
    const int64 offset = (static_cast<int64>(blockIdx.x) * blockDim.x + threadIdx.x) * V;
    if (offset >= size) {
        return;
    }
    const int64 plane = quotient(offset, inner);
    const W share = W(1) / static_cast<W>(size / channels);
    const Slopes<W, 1> slopes(gamma, means, rstds, dgamma, dbeta, share,
                              plane - quotient(plane, channels) * channels);
    W g[V], values[V];
    read(dy + offset, g);
    read(x + offset, values);
#pragma unroll
    for (int j = 0; j < V; ++j) {
        values[j] = slopes.at(0, g[j], values[j]);
    }
    write(dx + offset, values);
}
