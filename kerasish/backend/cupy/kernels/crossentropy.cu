// Cross-entropies with their softmax or sigmoid. A team handles a row of logits or probabilities.
#include "activation.cuh"
#include "elementwise_map.cuh"

constexpr double LOWEST_PROBABILITY = 1e-7;
constexpr double HIGHEST_PROBABILITY = 1.0 - 1e-7;

template <typename W>
__device__ inline W clipped(W p) {
    return p < W(LOWEST_PROBABILITY) ? W(LOWEST_PROBABILITY) : p > W(HIGHEST_PROBABILITY) ? W(HIGHEST_PROBABILITY) : p;
}

template <typename W>
__device__ inline bool is_inside(W p) {
    return p > W(LOWEST_PROBABILITY) && p < W(HIGHEST_PROBABILITY);
}

// Of target classes in 32 or 64 bits, one pointer is null.
__device__ inline int64 read_class(const int* narrow_classes, const int64* classes, int64 row) {
    return classes == nullptr ? narrow_classes[row] : classes[row];
}

template <typename Team, typename T>
__device__ inline Wide<T> row_sum(const Team& team, const T* row, int64 count) {
    Wide<T> total = Wide<T>(0);
    walk<PACK<T>>(team, 0, first_pack(row, row, 0, count), count, [&](auto width, int64 i) {
        Wide<T> values[width.value];
        read(row + i, values);
#pragma unroll
        for (int j = 0; j < width.value; ++j) {
            total += values[j];
        }
    });
    return sum(team, total);
}

// Turns an output into its probability or, where LOG, into the logarithm of it; the probabilities are not clipped.
template <typename W, bool LOGITS, bool LOG>
struct Probability {
    W shift, normalizer;

    template <typename Team, typename T>
    __device__ Probability(const Team& team, const T* row, int64 count) {
        if constexpr (LOGITS) {
            const MaxSum<W> found = max_sum(team, row, 0, count);
            shift = found.top;
            normalizer = LOG ? log(found.total) : W(1) / found.total;
        } else {
            shift = W(0);
            normalizer = W(1) / row_sum(team, row, count);
        }
    }

    __device__ W operator()(W x) const {
        if constexpr (LOGITS) {
            return LOG ? x - shift - normalizer : exp(x - shift) * normalizer;
        } else {
            const W p = x * normalizer;
            return LOG ? log(clipped(p)) : p;
        }
    }
};

template <typename T, typename Team, bool LOGITS>
__global__ void __launch_bounds__(512, 1)
    sparse_loss(const int* __restrict__ narrow_classes, const int64* __restrict__ classes,
                const T* __restrict__ output, T* __restrict__ loss, int64 rows, int64 count, int lanes) {
    using W = Wide<T>;
    const Team team(lanes);
    const bool active = team.row < rows;
    const T* const row = output + (active ? team.row * count : 0);
    const Probability<W, LOGITS, true> log_probability(team, row, active ? count : 0);
    if (active && team.rank == 0) {
        const int64 target = read_class(narrow_classes, classes, team.row);
        const bool valid = target >= 0 && target < count;
        loss[team.row] = narrow<T>(valid ? -log_probability(wide(row[target])) : W(0));
    }
}

template <typename T, typename Team, bool LOGITS>
__global__ void __launch_bounds__(512, 1)
    sparse_backward(const T* __restrict__ dy, const int* __restrict__ narrow_classes,
                    const int64* __restrict__ classes, const T* __restrict__ output, T* __restrict__ dx, int64 rows,
                    int64 count, int lanes) {
    using W = Wide<T>;
    const Team team(lanes);
    const bool active = team.row < rows;
    const T* const row = output + (active ? team.row * count : 0);
    const int64 end = active ? count : 0;
    const Probability<W, LOGITS, false> probability(team, row, end);
    const int64 target = active ? read_class(narrow_classes, classes, team.row) : -1;
    const bool valid = target >= 0 && target < count;
    W weight = valid ? wide(dy[team.row]) : W(0);
    W at_target = weight;
    if constexpr (!LOGITS) {
        const W p = valid ? probability(wide(row[target])) : W(0);
        weight = valid && is_inside(p) ? weight * probability.normalizer : W(0);
        at_target = weight == W(0) ? W(0) : weight / p;
    }
    T* const gradients = dx + (row - output);
    walk<PACK<T>>(team, 0, first_pack(row, gradients, 0, end), end, [&](auto width, int64 i) {
        W values[width.value];
        if constexpr (LOGITS) {
            read(row + i, values);
        }
#pragma unroll
        for (int j = 0; j < width.value; ++j) {
            if constexpr (LOGITS) {
                values[j] = weight * (probability(values[j]) - (i + j == target ? W(1) : W(0)));
            } else {
                values[j] = weight - (i + j == target ? at_target : W(0));
            }
        }
        write(gradients + i, values);
    });
}

template <typename T, typename Team, bool LOGITS>
__global__ void __launch_bounds__(512, 1)
    categorical_loss(const T* __restrict__ target, const T* __restrict__ output, T* __restrict__ loss, int64 rows,
                     int64 count, int lanes) {
    using W = Wide<T>;
    const Team team(lanes);
    const bool active = team.row < rows;
    const int64 offset = active ? team.row * count : 0;
    const int64 end = active ? count : 0;
    const T* const row = output + offset;
    const T* const shares = target + offset;
    const Probability<W, LOGITS, true> log_probability(team, row, end);
    W total = W(0);
    walk<PACK<T>>(team, 0, first_pack(row, shares, 0, end), end, [&](auto width, int64 i) {
        W values[width.value], share[width.value];
        read(row + i, values);
        read(shares + i, share);
#pragma unroll
        for (int j = 0; j < width.value; ++j) {
            total += share[j] * log_probability(values[j]);
        }
    });
    total = sum(team, total);
    if (active && team.rank == 0) {
        loss[team.row] = narrow<T>(-total);
    }
}

template <typename T, typename Team, bool LOGITS>
__global__ void __launch_bounds__(512, 1)
    categorical_backward(const T* __restrict__ dy, const T* __restrict__ target, const T* __restrict__ output,
                         T* __restrict__ dx, int64 rows, int64 count, int lanes) {
    using W = Wide<T>;
    const Team team(lanes);
    const bool active = team.row < rows;
    const int64 offset = active ? team.row * count : 0;
    const int64 end = active ? count : 0;
    const T* const row = output + offset;
    const T* const shares = target + offset;
    T* const gradients = dx + offset;
    const Probability<W, LOGITS, false> probability(team, row, end);
    // From logits the sum of the target; else the sum over p of p times the slope of the loss, over the sum of the row.
    W total = W(0);
    if constexpr (LOGITS) {
        total = row_sum(team, shares, end);
    } else {
        walk<PACK<T>>(team, 0, first_pack(row, shares, 0, end), end, [&](auto width, int64 i) {
            W values[width.value], share[width.value];
            read(row + i, values);
            read(shares + i, share);
#pragma unroll
            for (int j = 0; j < width.value; ++j) {
                total -= is_inside(probability(values[j])) ? share[j] : W(0);
            }
        });
        total = sum(team, total) * probability.normalizer;
    }
    const W weight = active ? wide(dy[team.row]) : W(0);
    const int64 head = max(first_pack(row, gradients, 0, end), first_pack(shares, gradients, 0, end));
    walk<PACK<T>>(team, 0, head, end, [&](auto width, int64 i) {
        W values[width.value], share[width.value];
        read(row + i, values);
        read(shares + i, share);
#pragma unroll
        for (int j = 0; j < width.value; ++j) {
            const W p = probability(values[j]);
            if constexpr (LOGITS) {
                values[j] = weight * (p * total - share[j]);
            } else {
                values[j] = weight * ((is_inside(p) ? -share[j] / values[j] : W(0)) - total);
            }
        }
        write(gradients + i, values);
    });
}

template <bool LOGITS, typename W>
__device__ inline W binary_value(W target, W x) {
    if constexpr (LOGITS) {
        return (x < W(0) ? W(0) : x) + log1p(exp(-fabs(x))) - x * target;
    } else {
        const W p = clipped(x);
        return -(target * log(p) + (W(1) - target) * log(W(1) - p));
    }
}

template <bool LOGITS, typename W>
__device__ inline W binary_slope(W target, W x) {
    if constexpr (LOGITS) {
        return sigmoid(x) - target;
    } else {
        const W p = clipped(x);
        return (p - target) / (p * (W(1) - p)) * (is_inside(x) ? W(1) : W(0));
    }
}

template <typename T, bool LOGITS>
__global__ void __launch_bounds__(256)
    binary_loss(const T* __restrict__ target, const T* __restrict__ output, T* __restrict__ loss, int64 count) {
    using W = Wide<T>;
    map_elements([](W t, W x) { return binary_value<LOGITS>(t, x); }, loss, count, target, output);
}

template <typename T, bool LOGITS>
__global__ void __launch_bounds__(256)
    binary_backward(const T* __restrict__ dy, const T* __restrict__ target, const T* __restrict__ output,
                    T* __restrict__ dx, int64 count) {
    using W = Wide<T>;
    map_elements([](W g, W t, W x) { return g * binary_slope<LOGITS>(t, x); }, dx, count, dy, target, output);
}
