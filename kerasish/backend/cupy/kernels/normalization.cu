// Layer normalization (CENTRED) and root-mean-square normalization of rows.
#include "columns.cuh"

// P is the type of the parameters, which may be null.
template <typename T, typename P, typename Team, bool CENTRED>
__global__ void __launch_bounds__(512, 1)
    normalize_rows(const T* __restrict__ x, const P* __restrict__ gamma, const P* __restrict__ beta,
                   T* __restrict__ y, Wide<T>* __restrict__ means, Wide<T>* __restrict__ rstds, int64 rows,
                   int64 count, double epsilon, int lanes) {
    using W = Wide<T>;
    const Team team(lanes);
    const bool active = team.row < rows;
    const T* const source = x + (active ? team.row * count : 0);
    T* const target = y + (source - x);
    const int64 end = active ? count : 0;
    const int64 head = first_pack(source, target, 0, end);
    const W average = W(1) / static_cast<W>(max(count, int64(1)));
    W mean = W(0);
    if constexpr (CENTRED) {
        walk<PACK<T>>(team, 0, head, end, [&](auto width, int64 i) {
            W values[width.value];
            read(source + i, values);
#pragma unroll
            for (int j = 0; j < width.value; ++j) {
                mean += values[j];
            }
        });
        mean = sum(team, mean) * average;
    }
    W squares = W(0);
    walk<PACK<T>>(team, 0, head, end, [&](auto width, int64 i) {
        W values[width.value];
        read(source + i, values);
#pragma unroll
        for (int j = 0; j < width.value; ++j) {
            const W distance = values[j] - mean;
            squares += distance * distance;
        }
    });
    const W rstd = W(1) / sqrt(sum(team, squares) * average + static_cast<W>(epsilon));
    if (active && team.rank == 0) {
        if constexpr (CENTRED) {
            means[team.row] = mean;
        }
        rstds[team.row] = rstd;
    }
    const bool packed = (gamma == nullptr || aligned(gamma + head)) && (beta == nullptr || aligned(beta + head));
    walk<PACK<T>>(team, 0, head, end, [&](auto width, int64 i) {
        W values[width.value], parameters[width.value];
        read(source + i, values);
#pragma unroll
        for (int j = 0; j < width.value; ++j) {
            values[j] = (values[j] - mean) * rstd;
        }
        if (gamma != nullptr) {
            read_parameters(gamma + i, parameters, packed);
#pragma unroll
            for (int j = 0; j < width.value; ++j) {
                values[j] *= parameters[j];
            }
        }
        if (beta != nullptr) {
            read_parameters(beta + i, parameters, packed);
#pragma unroll
            for (int j = 0; j < width.value; ++j) {
                values[j] += parameters[j];
            }
        }
        write(target + i, values);
    });
}

template <typename T, typename P, typename Team, bool CENTRED>
__global__ void __launch_bounds__(512, 1)
    normalize_rows_backward(const T* __restrict__ dy, const T* __restrict__ x, const P* __restrict__ gamma,
                            const Wide<T>* __restrict__ means, const Wide<T>* __restrict__ rstds,
                            T* __restrict__ dx, int64 rows, int64 count, int lanes) {
    using W = Wide<T>;
    const Team team(lanes);
    const bool active = team.row < rows;
    const int64 row = active ? team.row * count : 0;
    const T* const gradients = dy + row;
    const T* const source = x + row;
    T* const target = dx + row;
    const int64 end = active ? count : 0;
    const int64 head = max(first_pack(gradients, target, 0, end), first_pack(source, target, 0, end));
    const bool packed = gamma != nullptr && aligned(gamma + head);
    const W mean = CENTRED && active ? means[team.row] : W(0);
    const W rstd = active ? rstds[team.row] : W(0);
    // The gradient before the parameters, and the normalized input.
    const auto read_both = [&](auto width, int64 i, auto& g, auto& xhat) {
        read(gradients + i, g);
        read(source + i, xhat);
        if (gamma != nullptr) {
            W parameters[width.value];
            read_parameters(gamma + i, parameters, packed);
#pragma unroll
            for (int j = 0; j < width.value; ++j) {
                g[j] *= parameters[j];
            }
        }
#pragma unroll
        for (int j = 0; j < width.value; ++j) {
            xhat[j] = (xhat[j] - mean) * rstd;
        }
    };
    W level = W(0), tilt = W(0);
    walk<PACK<T>>(team, 0, head, end, [&](auto width, int64 i) {
        W g[width.value], xhat[width.value];
        read_both(width, i, g, xhat);
#pragma unroll
        for (int j = 0; j < width.value; ++j) {
            if constexpr (CENTRED) {
                level += g[j];
            }
            tilt += g[j] * xhat[j];
        }
    });
    const W average = W(1) / static_cast<W>(max(count, int64(1)));
    if constexpr (CENTRED) {
        level = sum(team, level) * average;
    }
    tilt = sum(team, tilt) * average;
    walk<PACK<T>>(team, 0, head, end, [&](auto width, int64 i) {
        W g[width.value], xhat[width.value];
        read_both(width, i, g, xhat);
#pragma unroll
        for (int j = 0; j < width.value; ++j) {
            g[j] = rstd * (g[j] - level - xhat[j] * tilt);
        }
        write(target + i, g);
    });
}

// Partial gradients of the parameters, for chunks of rows.
template <typename T, bool PACKED, bool CENTRED>
__global__ void __launch_bounds__(256)
    normalize_rows_parameters(const T* __restrict__ dy, const T* __restrict__ x, const Wide<T>* __restrict__ means,
                              const Wide<T>* __restrict__ rstds, Wide<T>* __restrict__ partial_dgamma,
                              Wide<T>* __restrict__ partial_dbeta, int64 rows, int64 count, int64 chunk) {
    using W = Wide<T>;
    constexpr int V = PACKED ? PACK<T> : 1;
    const Columns<V> columns(rows, count, chunk);
    W dgamma[V], dbeta[V];
#pragma unroll
    for (int j = 0; j < V; ++j) {
        dgamma[j] = dbeta[j] = W(0);
    }
#pragma unroll 4
    for (int64 row = columns.first; row < columns.last; row += columns.step) {
        const int64 offset = row * count + columns.column;
        const W mean = CENTRED ? means[row] : W(0);
        const W rstd = rstds[row];
        W g[V], values[V];
        read(dy + offset, g);
        read(x + offset, values);
#pragma unroll
        for (int j = 0; j < V; ++j) {
            dgamma[j] += g[j] * ((values[j] - mean) * rstd);
            if constexpr (CENTRED) {
                dbeta[j] += g[j];
            }
        }
    }
    sum_down(dgamma);
    store_partial(columns, dgamma, partial_dgamma);
    if constexpr (CENTRED) {
        sum_down(dbeta);
        store_partial(columns, dbeta, partial_dbeta);
    }
}

// Joins the partial gradients of each parameter; P is the type of the result. The second pair may be null.
template <typename W, typename P>
__global__ void __launch_bounds__(128)
    join_parameters(const W* __restrict__ partial_dgamma, const W* __restrict__ partial_dbeta,
                    P* __restrict__ dgamma, P* __restrict__ dbeta, int64 count, int chunks) {
    const Lanes team(32);
    const bool active = team.row < count;
    const int64 offset = active ? team.row * chunks : 0;
    const W first = join_partials(team, partial_dgamma + offset, chunks);
    const W second = partial_dbeta == nullptr ? W(0) : join_partials(team, partial_dbeta + offset, chunks);
    if (active && team.rank == 0) {
        dgamma[team.row] = narrow<P>(first);
        if (partial_dbeta != nullptr) {
            dbeta[team.row] = narrow<P>(second);
        }
    }
}
