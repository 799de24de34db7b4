// Optimizer updates over flat buffers: one sweep that loads everything once and stores what changed, and one rule an
// optimizer. The order of the operations is that of the NumPy reference.
#include "common.cuh"

// A hyperparameter of any of the four types that device scalars come in; `kind` 0 is a number of the launch.
__device__ inline double hyperparameter(const unsigned char* pointer, int kind, double number) {
    switch (kind) {
        case 1: return *reinterpret_cast<const float*>(pointer);
        case 2: return *reinterpret_cast<const double*>(pointer);
        case 3: return *reinterpret_cast<const int*>(pointer);
        case 4: return static_cast<double>(*reinterpret_cast<const int64*>(pointer));
        default: return number;
    }
}

template <typename W>
__device__ inline W larger(W a, W b) {
    return Max::apply(a, b);
}
// The smaller one; NaN where either is.
template <typename W>
__device__ inline W smaller(W a, W b) {
    return (a < b || a != a) ? a : b;
}
template <typename W>
__device__ inline W between(W x, W low, W high) {
    return larger(smaller(x, high), low);
}
template <typename W>
__device__ inline W direction(W x) {
    return x > W(0) ? W(1) : x < W(0) ? W(-1) : x;  // NaN stays NaN
}
template <typename W>
__device__ inline W decayed(W average, W value, W rho, W rest) {
    return average * rho + value * rest;
}

// Of each rule: `prepare` turns hyperparameters `h` into constants `c`, once a block and in double precision; `apply`
// changes one parameter and its slots. SLOTS buffers are there always, OPTIONAL ones behind them may be null.
struct Plain {
    static constexpr int SLOTS = 0, OPTIONAL = 0;
    static constexpr bool GRAD = true;
};

struct Descend : Plain {
    __device__ static void prepare(const double* h, double* c) { c[0] = h[0]; }
    template <typename W>
    __device__ static void apply(const W* c, const bool*, W& p, W g, W*) {
        p -= g * c[0];
    }
};

struct Momentum : Plain {
    static constexpr int SLOTS = 1;
    __device__ static void prepare(const double* h, double* c) { c[0] = h[0], c[1] = h[1]; }
    template <typename W>
    __device__ static void apply(const W* c, const bool*, W& p, W g, W* s) {
        s[0] = s[0] * c[1] - g * c[0];
        p += s[0];
    }
};

struct Nesterov : Plain {
    static constexpr int SLOTS = 1;
    __device__ static void prepare(const double* h, double* c) { c[0] = h[0], c[1] = h[1]; }
    template <typename W>
    __device__ static void apply(const W* c, const bool*, W& p, W g, W* s) {
        const W t = g * c[0];
        s[0] = s[0] * c[1] - t;
        p = p - t + s[0] * c[1];
    }
};

// Slots: velocity, momentum buffer (may be null), average gradient (may be null).
struct RMSprop : Plain {
    static constexpr int SLOTS = 1, OPTIONAL = 2;
    __device__ static void prepare(const double* h, double* c) {
        c[0] = h[0], c[1] = h[1], c[2] = 1.0 - h[1], c[3] = h[2], c[4] = h[3];
    }
    template <typename W>
    __device__ static void apply(const W* c, const bool* given, W& p, W g, W* s) {
        s[0] = decayed(s[0], g * g, c[1], c[2]);
        W square = s[0];
        if (given[2]) {
            s[2] = decayed(s[2], g, c[1], c[2]);
            square = larger(square - s[2] * s[2], W(0));
        }
        W t = g / sqrt(square + c[4]) * c[0];
        if (given[1]) {
            t = s[1] = s[1] * c[3] + t;
        }
        p -= t;
    }
};

// Slots: first moment, second moment, largest second moment (may be null).
struct Adam : Plain {
    static constexpr int SLOTS = 2, OPTIONAL = 1;
    __device__ static void prepare(const double* h, double* c) {
        const double b1 = h[1], b2 = h[2], step = h[4];
        c[0] = h[0] * sqrt(1.0 - pow(b2, step)) / (1.0 - pow(b1, step));
        c[1] = 1.0 - b1, c[2] = 1.0 - b2, c[3] = h[3];
    }
    template <typename W>
    __device__ static void apply(const W* c, const bool* given, W& p, W g, W* s) {
        s[0] += (g - s[0]) * c[1];
        s[1] += (g * g - s[1]) * c[2];
        W v = s[1];
        if (given[2]) {
            v = s[2] = larger(s[2], v);
        }
        p -= s[0] / (sqrt(v) + c[3]) * c[0];
    }
};

struct Adagrad : Plain {
    static constexpr int SLOTS = 1;
    __device__ static void prepare(const double* h, double* c) { c[0] = h[0], c[1] = h[1]; }
    template <typename W>
    __device__ static void apply(const W* c, const bool*, W& p, W g, W* s) {
        s[0] += g * g;
        p -= g / sqrt(s[0] + c[1]) * c[0];
    }
};

// Slots: squares of gradients, squares of steps.
struct Adadelta : Plain {
    static constexpr int SLOTS = 2;
    __device__ static void prepare(const double* h, double* c) {
        c[0] = h[0], c[1] = h[1], c[2] = 1.0 - h[1], c[3] = h[2];
    }
    template <typename W>
    __device__ static void apply(const W* c, const bool*, W& p, W g, W* s) {
        s[0] = decayed(s[0], g * g, c[1], c[2]);
        const W delta = sqrt((s[1] + c[3]) / (s[0] + c[3])) * g;
        s[1] = decayed(s[1], delta * delta, c[1], c[2]);
        p -= delta * c[0];
    }
};

// Slots: first moment, infinity norm.
struct Adamax : Plain {
    static constexpr int SLOTS = 2;
    __device__ static void prepare(const double* h, double* c) {
        c[0] = h[0] / (1.0 - pow(h[1], h[4])), c[1] = 1.0 - h[1], c[2] = h[2], c[3] = h[3];
    }
    template <typename W>
    __device__ static void apply(const W* c, const bool*, W& p, W g, W* s) {
        s[0] += (g - s[0]) * c[1];
        s[1] = larger(s[1] * c[2], W(fabs(g)));
        p -= s[0] / (s[1] + c[3]) * c[0];
    }
};

// Slots: first moment, second moment.
struct Nadam : Plain {
    static constexpr int SLOTS = 2;
    __device__ static void prepare(const double* h, double* c) {
        const double rate = h[0], b1 = h[1], b2 = h[2], step = h[4], product = h[5];
        const double now = b1 * (1.0 - 0.5 * pow(0.96, step));
        const double after = b1 * (1.0 - 0.5 * pow(0.96, step + 1.0));
        c[0] = rate * after / (1.0 - product * after);
        c[1] = rate * (1.0 - now) / (1.0 - product);
        c[2] = 1.0 / (1.0 - pow(b2, step));
        c[3] = 1.0 - b1, c[4] = 1.0 - b2, c[5] = h[3];
    }
    template <typename W>
    __device__ static void apply(const W* c, const bool*, W& p, W g, W* s) {
        s[0] += (g - s[0]) * c[3];
        s[1] += (g * g - s[1]) * c[4];
        const W t = sqrt(s[1] * c[2]) + c[5];
        p = p - g * c[1] / t - s[0] * c[0] / t;
    }
};

struct Lion : Plain {
    static constexpr int SLOTS = 1;
    __device__ static void prepare(const double* h, double* c) {
        c[0] = h[0], c[1] = h[1], c[2] = 1.0 - h[1], c[3] = h[2], c[4] = 1.0 - h[2];
    }
    template <typename W>
    __device__ static void apply(const W* c, const bool*, W& p, W g, W* s) {
        p -= direction(decayed(s[0], g, c[1], c[2])) * c[0];
        s[0] = decayed(s[0], g, c[3], c[4]);
    }
};

// Slots: squares of gradients, linear term.
struct Ftrl : Plain {
    static constexpr int SLOTS = 2;
    __device__ static void prepare(const double* h, double* c) {
        const double rate = h[0];
        c[0] = 1.0 / rate, c[1] = -h[1], c[2] = h[2];
        c[3] = 2.0 * (h[3] + h[5] / (2.0 * rate)), c[4] = 2.0 * h[4];
    }
    template <typename W>
    __device__ static W power(W x, W exponent) {
        return exponent == W(0.5) ? W(sqrt(x)) : W(pow(x, exponent));
    }
    template <typename W>
    __device__ static void apply(const W* c, const bool*, W& p, W g, W* s) {
        W linear = s[1] + g + p * c[4];
        const W before = power(s[0], c[1]);
        s[0] += g * g;
        const W after = power(s[0], c[1]);
        linear -= (after - before) * c[0] * p;
        s[1] = linear;
        p = (between(linear, -c[2], c[2]) - linear) / (after * c[0] + c[3]);
    }
};

struct WeightDecay : Plain {
    static constexpr bool GRAD = false;
    __device__ static void prepare(const double* h, double* c) { c[0] = h[0]; }
    template <typename W>
    __device__ static void apply(const W* c, const bool*, W& p, W, W*) {
        p -= p * c[0];
    }
};

struct Average : Plain {
    __device__ static void prepare(const double* h, double* c) { c[0] = h[0], c[1] = 1.0 - h[0]; }
    template <typename W>
    __device__ static void apply(const W* c, const bool*, W& p, W g, W*) {
        p = decayed(p, g, c[0], c[1]);
    }
};

struct Accumulate : Plain {
    __device__ static void prepare(const double*, double*) {}
    template <typename W>
    __device__ static void apply(const W*, const bool*, W& p, W g, W*) {
        p += g;
    }
};

struct Scale : Plain {
    static constexpr bool GRAD = false;
    __device__ static void prepare(const double* h, double* c) { c[0] = h[0]; }
    template <typename W>
    __device__ static void apply(const W* c, const bool*, W& p, W, W*) {
        p *= c[0];
    }
};

struct Clip : Plain {
    static constexpr bool GRAD = false;
    __device__ static void prepare(const double* h, double* c) { c[0] = h[0]; }
    template <typename W>
    __device__ static void apply(const W* c, const bool*, W& p, W, W*) {
        p = between(p, -c[0], c[0]);
    }
};

// N neighbours at once: all loads before the first use, so that many are under way.
template <typename Rule, int N, typename T, typename G>
__device__ inline void update_pack(const Wide<T>* c, const bool* given, T* param, const G* grad, T* const* slots) {
    constexpr int SLOTS = Rule::SLOTS + Rule::OPTIONAL;
    Vec<T, N> p = load_vec<N>(param);
    Vec<G, N> g;
    Vec<T, N> s[SLOTS + 1];
    if (Rule::GRAD) {
        g = load_vec<N>(grad);
    }
#pragma unroll
    for (int k = 0; k < SLOTS; ++k) {
        if (k < Rule::SLOTS || given[k]) {
            s[k] = load_vec<N>(slots[k]);
        }
    }
#pragma unroll
    for (int i = 0; i < N; ++i) {
        Wide<T> value = wide(p[i]);
        Wide<T> state[SLOTS + 1];
#pragma unroll
        for (int k = 0; k < SLOTS; ++k) {
            state[k] = (k < Rule::SLOTS || given[k]) ? Wide<T>(wide(s[k][i])) : Wide<T>(0);
        }
        Rule::apply(c, given, value, Rule::GRAD ? Wide<T>(wide(g[i])) : Wide<T>(0), state);
        p[i] = narrow<T>(value);
#pragma unroll
        for (int k = 0; k < SLOTS; ++k) {
            s[k][i] = narrow<T>(state[k]);
        }
    }
    store_vec(param, p);
#pragma unroll
    for (int k = 0; k < SLOTS; ++k) {
        if (k < Rule::SLOTS || given[k]) {
            store_vec(slots[k], s[k]);
        }
    }
}

template <int N, typename T>
__device__ inline bool is_aligned(const T* pointer) {
    return reinterpret_cast<uint64>(pointer) % (sizeof(T) * N) == 0;
}

// The buffers of a stretch begin at one offset from their allocations: what comes before the first aligned element,
// and after the last whole pack, is done one by one. Buffers that are never aligned together are, too.
template <typename Rule, typename T, typename G>
__global__ void __launch_bounds__(256, 2) update(
    T* param, const G* grad, T* slot_0, T* slot_1, T* slot_2, int64 count,
    const unsigned char* pointer_0, int kind_0, double number_0,
    const unsigned char* pointer_1, int kind_1, double number_1,
    const unsigned char* pointer_2, int kind_2, double number_2,
    const unsigned char* pointer_3, int kind_3, double number_3,
    const unsigned char* pointer_4, int kind_4, double number_4,
    const unsigned char* pointer_5, int kind_5, double number_5) {
    constexpr int N = 16 / sizeof(T);
    SHARED(Wide<T>, shared, 6);
    if (threadIdx.x == 0) {
        const double h[6] = {
            hyperparameter(pointer_0, kind_0, number_0), hyperparameter(pointer_1, kind_1, number_1),
            hyperparameter(pointer_2, kind_2, number_2), hyperparameter(pointer_3, kind_3, number_3),
            hyperparameter(pointer_4, kind_4, number_4), hyperparameter(pointer_5, kind_5, number_5)};
        double constants[6] = {0, 0, 0, 0, 0, 0};
        Rule::prepare(h, constants);
#pragma unroll
        for (int i = 0; i < 6; ++i) {
            shared[i] = static_cast<Wide<T>>(constants[i]);
        }
    }
    __syncthreads();
    Wide<T> c[6];
#pragma unroll
    for (int i = 0; i < 6; ++i) {
        c[i] = shared[i];
    }
    T* const slots[3] = {slot_0, slot_1, slot_2};
    const bool given[3] = {slot_0 != nullptr, slot_1 != nullptr, slot_2 != nullptr};

    int64 head = (16 - reinterpret_cast<uint64>(param) % 16) % 16 / sizeof(T);
    bool together = head < count && (!Rule::GRAD || is_aligned<N>(grad + head));
#pragma unroll
    for (int k = 0; k < 3; ++k) {
        together = together && (!given[k] || is_aligned<N>(slots[k] + head));
    }
    if (!together) {
        head = count;
    }
    const int64 packs = (count - head) / N;
    const int64 tail = head + packs * N;
    const int64 first = static_cast<int64>(blockIdx.x) * blockDim.x + threadIdx.x;
    const int64 stride = static_cast<int64>(gridDim.x) * blockDim.x;
    for (int64 pack = first; pack < packs; pack += stride) {
        const int64 i = head + pack * N;
        T* const at[3] = {slot_0 + i, slot_1 + i, slot_2 + i};
        update_pack<Rule, N>(c, given, param + i, Rule::GRAD ? grad + i : grad, at);
    }
    for (int64 single = first; single < head + count - tail; single += stride) {
        const int64 i = single < head ? single : tail + single - head;
        T* const at[3] = {slot_0 + i, slot_1 + i, slot_2 + i};
        update_pack<Rule, 1>(c, given, param + i, Rule::GRAD ? grad + i : grad, at);
    }
}

// The sum of squares of a part for each block. The few squares of a pack are added in their own precision, everything
// beyond in double precision, so the relative error does not grow with the length.
template <typename T>
__global__ void __launch_bounds__(256) sum_squares_parts(const T* x, double* parts, int64 count) {
    constexpr int N = 16 / sizeof(T);
    const int64 head = is_aligned<N>(x) ? 0 : count;
    const int64 packs = (count - head) / N;
    const int64 tail = head + packs * N;
    const int64 first = static_cast<int64>(blockIdx.x) * blockDim.x + threadIdx.x;
    const int64 stride = static_cast<int64>(gridDim.x) * blockDim.x;
    double total = 0;
    for (int64 pack = first; pack < packs; pack += stride) {
        const Vec<T, N> values = load_vec<N>(x + pack * N);
        Wide<T> sums[N];
#pragma unroll
        for (int i = 0; i < N; ++i) {
            sums[i] = wide(values[i]) * wide(values[i]);
        }
#pragma unroll
        for (int half = N / 2; half > 0; half /= 2) {
#pragma unroll
            for (int i = 0; i < N / 2; ++i) {
                if (i < half) {
                    sums[i] += sums[i + half];
                }
            }
        }
        total += static_cast<double>(sums[0]);
    }
    for (int64 single = first; single < head + count - tail; single += stride) {
        const double value = static_cast<double>(wide(x[single < head ? single : tail + single - head]));
        total += value * value;
    }
    total = block_sum(total);
    if (threadIdx.x == 0) {
        parts[blockIdx.x] = total;
    }
}

template <typename W>
__global__ void __launch_bounds__(256) sum_squares_total(const double* parts, W* out, int count) {
    double total = 0;
    for (int i = threadIdx.x; i < count; i += blockDim.x) {
        total += parts[i];
    }
    total = block_sum(total);
    if (threadIdx.x == 0) {
        out[0] = static_cast<W>(total);
    }
}
