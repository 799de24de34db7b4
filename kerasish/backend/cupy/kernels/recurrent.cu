// Recurrent networks: a step for all samples, or a whole sequence of a few samples by one block, whose shared memory
// keeps the recurrent kernel.
#include "recurrent.cuh"

constexpr int STEP_THREADS = 256;
constexpr int SEQUENCE_THREADS = 512;
constexpr int SAMPLES = 4;  // of a block that goes through a whole sequence

// For each step the latest valid step before it, or -1.
__global__ void __launch_bounds__(STEP_THREADS) recurrent_previous(SEQUENCE_PARAMETERS, int* __restrict__ previous) {
    const Sequence s = SEQUENCE;
    const int n = blockIdx.x * blockDim.x + threadIdx.x;
    if (n < samples) {
        int latest = -1;
        for (int k = 0; k < steps; ++k) {
            previous[s.row(n, k, 1)] = latest;
            latest = s.valid(n, k) ? k : latest;
        }
    }
}

// One unit of one sample: reads its pre-activations, writes gates, states and outputs of step k.
template <typename T>
struct Forward {
    T *gates, *outputs, *states, *inner;

    __device__ void store(const Sequence& s, int n, int k, int u, bool valid, const Wide<T> (&a)[4], Wide<T> h,
                          Wide<T> c) const {
        const int count = gates_of(s.cell);
        if (s.cell != SIMPLE_RNN) {
            T* row = gates + s.row(n, k, count * s.units);
#pragma unroll
            for (int g = 0; g < 4; ++g) {
                if (g < count) {
                    row[g * s.units + u] = narrow<T>(a[g]);
                }
            }
        }
        if (s.cell == GRU_RESET_AFTER) {
            inner[s.row(n, k, s.units) + u] = narrow<T>(a[3]);
        }
        const int64 at = s.row(n, k, s.units) + u;
        states[at] = narrow<T>(s.cell == LSTM ? c : h);
        if (outputs != states) {
            if (valid) {
                outputs[at] = narrow<T>(h);
            } else {
                outputs[at] = s.zero_masked || k == 0 ? narrow<T>(Wide<T>(0)) : outputs[at - s.units];
            }
        }
    }
};

// `z` (N, T, gates units) are the pre-activations, where `product` is null or the candidate's is told apart; `h`, `c`
// (N, units) the states so far, `hidden` h in the type of the products. With the reset before the product, phase 0
// finds two gates and r * h, which goes to `inner` and, for the product, to `hidden`; phase 1 the rest.
template <typename T>
__global__ void __launch_bounds__(STEP_THREADS)
    recurrent_step(SEQUENCE_PARAMETERS, Wide<T>* z, const Wide<T>* product, Wide<T>* h, Wide<T>* c, T* hidden, T* gates,
                   T* outputs, T* states, T* inner, int k, int phase) {
    using W = Wide<T>;
    const Sequence s = SEQUENCE;
    const int64 index = static_cast<int64>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (index >= static_cast<int64>(samples) * units) {
        return;
    }
    const int n = static_cast<int>(index / units), u = static_cast<int>(index % units), count = gates_of(cell);
    W* row = z + s.row(n, s.input(k), count * units);
    W a[4] = {W(0), W(0), W(0), W(0)};
#pragma unroll
    for (int g = 0; g < 4; ++g) {
        a[g] = g < count ? row[g * units + u] : W(0);
    }
    if (cell == GRU_RESET_BEFORE && phase == 0) {
        row[u] = activate_chosen(recurrent_activation, a[0]);
        const W r = activate_chosen(recurrent_activation, a[1]);
        row[units + u] = r;
        const T reset = narrow<T>(r * h[index]);
        inner[s.row(n, k, units) + u] = reset;
        hidden[index] = reset;
        return;
    }
    if (cell == GRU_RESET_AFTER) {
        const W* part = product + static_cast<int64>(n) * 3 * units + u;
        a[0] += part[0];
        a[1] += part[units];
        a[3] = part[2 * units];
    }
    const bool valid = s.valid(n, k);
    W state = h[index], memory = cell == LSTM ? c[index] : W(0), new_state = state, new_memory = memory;
    step_forward(s, a, new_state, new_memory);
    if (valid) {
        state = new_state;
        memory = new_memory;
    }
    h[index] = state;
    hidden[index] = narrow<T>(state);
    if (cell == LSTM) {
        c[index] = memory;
    }
    Forward<T>{gates, outputs, states, inner}.store(s, n, k, u, valid, a, state, memory);
}

template <typename T, typename W>
__device__ inline void add_column(W (&sum)[SAMPLES], const W* left, const T* column, int stride, int count) {
#pragma unroll 4
    for (int u = 0; u < count; ++u) {
        const W r = wide(column[u * stride]);
#pragma unroll
        for (int i = 0; i < SAMPLES; ++i) {
            sum[i] = fma(left[u * SAMPLES + i], r, sum[i]);
        }
    }
}

// All steps of SAMPLES samples. `z` (N, T, gates units): the projected inputs; `bias`: that of the recurrent product.
template <typename T>
__global__ void __launch_bounds__(SEQUENCE_THREADS, 1)
    recurrent_sequence(SEQUENCE_PARAMETERS, const Wide<T>* z, const T* __restrict__ recurrent,
                       const T* __restrict__ bias, const T* __restrict__ h0, const T* __restrict__ c0, T* gates,
                       T* outputs, T* states, T* inner, T* h_last, T* c_last) {
    using W = Wide<T>;
    const Sequence s = SEQUENCE;
    const int columns = gates_of(cell) * units, first = blockIdx.x * SAMPLES, pairs = SAMPLES * units;
    DYNAMIC_SHARED(W, memory);
    // Of each unit the samples lie together: a product reads them at once.
    W *h = memory, *c = h + pairs, *reset = c + pairs, *sums = reset + pairs;
    T* weights = reinterpret_cast<T*>(sums + SAMPLES * (columns + units));
    for (int i = threadIdx.x; i < units * columns; i += blockDim.x) {
        weights[i] = recurrent[i];
    }
    for (int i = threadIdx.x; i < pairs; i += blockDim.x) {
        const int n = first + i % SAMPLES, u = i / SAMPLES;
        const int64 at = static_cast<int64>(n) * units + u;
        h[i] = n < samples ? wide(h0[at]) : W(0);
        c[i] = n < samples && cell == LSTM ? wide(c0[at]) : W(0);
    }
    const int j = threadIdx.x;
    const bool works = j < columns, late = j >= 2 * units;
    W next[SAMPLES] = {};
    const auto fetch = [&](int k) {
#pragma unroll
        for (int i = 0; i < SAMPLES; ++i) {
            if (works && k < steps && first + i < samples) {
                next[i] = z[s.row(first + i, s.input(k), columns) + j];
            }
        }
    };
    fetch(0);
    const W shift = works && bias != nullptr ? wide(bias[j]) : W(0);
    for (int k = 0; k < steps; ++k) {
        W given[SAMPLES];
#pragma unroll
        for (int i = 0; i < SAMPLES; ++i) {
            given[i] = next[i];
        }
        // The next step's inputs are on their way while this one computes.
        fetch(k + 1);
        __syncthreads();
        if (works && !(cell == GRU_RESET_BEFORE && late)) {
            W sum[SAMPLES];
#pragma unroll
            for (int i = 0; i < SAMPLES; ++i) {
                sum[i] = shift;
            }
            add_column(sum, h, weights + j, columns, units);
            const bool apart = cell == GRU_RESET_AFTER && late;
#pragma unroll
            for (int i = 0; i < SAMPLES; ++i) {
                sums[(apart ? j + units : j) * SAMPLES + i] = apart ? sum[i] : sum[i] + given[i];
                if (apart) {
                    sums[j * SAMPLES + i] = given[i];
                }
            }
        }
        __syncthreads();
        if (cell == GRU_RESET_BEFORE) {
            for (int i = threadIdx.x; i < pairs; i += blockDim.x) {
                const int n = first + i % SAMPLES, u = i / SAMPLES;
                sums[i] = activate_chosen(recurrent_activation, sums[i]);
                const W r = activate_chosen(recurrent_activation, sums[pairs + i]);
                sums[pairs + i] = r;
                reset[i] = r * h[i];
                if (n < samples) {
                    inner[s.row(n, k, units) + u] = narrow<T>(reset[i]);
                }
            }
            __syncthreads();
            if (works && late) {
                add_column(given, reset, weights + j, columns, units);
#pragma unroll
                for (int i = 0; i < SAMPLES; ++i) {
                    sums[j * SAMPLES + i] = given[i];
                }
            }
            __syncthreads();
        }
        for (int i = threadIdx.x; i < pairs; i += blockDim.x) {
            const int n = first + i % SAMPLES, u = i / SAMPLES;
            if (n < samples) {
                W a[4];
#pragma unroll
                for (int g = 0; g < 4; ++g) {
                    const bool there = g < gates_of(cell) || (g == 3 && cell == GRU_RESET_AFTER);
                    a[g] = there ? sums[g * pairs + i] : W(0);
                }
                const bool valid = s.valid(n, k);
                W state = h[i], cell_state = c[i];
                step_forward(s, a, state, cell_state);
                if (valid) {
                    h[i] = state;
                    c[i] = cell_state;
                }
                Forward<T>{gates, outputs, states, inner}.store(s, n, k, u, valid, a, h[i], c[i]);
            }
        }
    }
    __syncthreads();
    for (int i = threadIdx.x; i < pairs; i += blockDim.x) {
        const int n = first + i % SAMPLES, u = i / SAMPLES;
        if (n < samples) {
            const int64 at = static_cast<int64>(n) * units + u;
            h_last[at] = narrow<T>(h[i]);
            if (cell == LSTM) {
                c_last[at] = narrow<T>(c[i]);
            }
        }
    }
}

// What the backward kernels read of the forward pass, and what they write for the products that follow: `dz`
// (N, T, gates units) and `before`, the state before each step, in the order of the input. `drecurrent` is dz of the
// recurrent product where that differs. `states` are the cell states of an LSTM.
#define TRACE_PARAMETERS                                                                                         \
    const T *__restrict__ doutputs, const int *__restrict__ previous, const T *__restrict__ h0,                  \
        const T *__restrict__ c0, const T *__restrict__ outputs, const T *__restrict__ states,                   \
        const T *__restrict__ gates, const T *__restrict__ inner, T *dz, T *drecurrent, T *before
#define TRACE                                                                                              \
    Trace<T> {                                                                                             \
        doutputs, previous, h0, c0, outputs, states, gates, inner, dz, drecurrent, before                  \
    }

template <typename T>
struct Trace {
    using W = Wide<T>;
    const T* doutputs;
    const int* previous;
    const T *h0, *c0, *outputs, *states, *gates, *inner;
    T *dz, *drecurrent, *before;

    __device__ W state_before(const Sequence& s, int n, int k, int u) const {
        const bool masked_lstm = s.cell == LSTM && s.mask != nullptr;
        const int from = masked_lstm ? previous[s.row(n, k, 1)] : k - 1;
        if (from < 0) {
            return wide(h0[static_cast<int64>(n) * s.units + u]);
        }
        const int64 at = s.row(n, from, s.units) + u;
        if (masked_lstm) {
            // The outputs may be zeros: the state is found anew from what is kept of the latest valid step.
            const W o = wide(gates[s.row(n, from, 4 * s.units) + 3 * s.units + u]);
            return o * activate_chosen(s.activation, wide(states[at]));
        }
        return wide(s.cell == LSTM ? outputs[at] : states[at]);
    }

    // The gradients of one unit's pre-activations at step k, for the product in `product`.
    __device__ void step(const Sequence& s, int n, int k, int u, W& dh, W& dc, W (&product)[4]) const {
        const int count = gates_of(s.cell), units = s.units;
        const bool valid = s.valid(n, k);
        const int64 at = s.row(n, k, units) + u;
        if (doutputs != nullptr && (valid || (!s.zero_masked && previous[s.row(n, k, 1)] >= 0))) {
            dh += wide(doutputs[at]);
        }
        const W state = state_before(s, n, k, u);
        before[s.row(n, s.input(k), units) + u] = narrow<T>(state);
        W gradient[4] = {W(0), W(0), W(0), W(0)};
        if (valid) {
            W a[4] = {W(0), W(0), W(0), W(0)}, cell_before = W(0), cell_after = W(0), inside = W(0);
            if (s.cell == SIMPLE_RNN) {
                a[0] = wide(states[at]);
            } else {
                const T* row = gates + s.row(n, k, count * units) + u;
#pragma unroll
                for (int g = 0; g < 4; ++g) {
                    a[g] = g < count ? wide(row[g * units]) : W(0);
                }
            }
            if (s.cell == LSTM) {
                cell_after = wide(states[at]);
                cell_before = wide(k > 0 ? states[at - units] : c0[static_cast<int64>(n) * units + u]);
            } else if (s.cell == GRU_RESET_AFTER) {
                inside = wide(inner[at]);
            }
            step_backward(s, a, state, cell_before, cell_after, inside, gradient, dh, dc);
        }
        const int64 row = s.row(n, s.input(k), count * units) + u;
#pragma unroll
        for (int g = 0; g < 4; ++g) {
            product[g] = gradient[g];
            if (g < count && !(g == 1 && s.cell == GRU_RESET_BEFORE)) {
                dz[row + g * units] = narrow<T>(gradient[g]);
            }
        }
        if (s.cell == GRU_RESET_AFTER) {
            product[2] = gradient[3];
#pragma unroll
            for (int g = 0; g < 3; ++g) {
                drecurrent[row + g * units] = narrow<T>(product[g]);
            }
        }
    }

    // The reset gate's gradient where it acts before the product, from that of r * h. `dh` gets what passes through.
    __device__ W reset_step(const Sequence& s, int n, int k, int u, W dinner, W& dh) const {
        W gradient = W(0);
        if (s.valid(n, k)) {
            const W r = wide(gates[s.row(n, k, 3 * s.units) + s.units + u]);
            gradient = dinner * state_before(s, n, k, u) * slope_chosen(s.recurrent_activation, r);
            dh += dinner * r;
        }
        dz[s.row(n, s.input(k), 3 * s.units) + s.units + u] = narrow<T>(gradient);
        return gradient;
    }
};

// Step k back for all samples. `dh`, `dc` (N, units): the gradients of the states after it, then, without the product
// that is to follow, before it. `dinner` is read in phase 1, after the product of the candidate.
template <typename T>
__global__ void __launch_bounds__(STEP_THREADS)
    recurrent_step_back(SEQUENCE_PARAMETERS, TRACE_PARAMETERS, Wide<T>* dh, Wide<T>* dc, const Wide<T>* dinner, int k,
                        int phase) {
    using W = Wide<T>;
    const Sequence s = SEQUENCE;
    const Trace<T> trace = TRACE;
    const int64 index = static_cast<int64>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (index >= static_cast<int64>(samples) * units) {
        return;
    }
    const int n = static_cast<int>(index / units), u = static_cast<int>(index % units);
    W dstate = dh[index], dmemory = cell == LSTM ? dc[index] : W(0);
    if (phase == 0) {
        W product[4];
        trace.step(s, n, k, u, dstate, dmemory, product);
    } else {
        trace.reset_step(s, n, k, u, dinner[index], dstate);
    }
    dh[index] = dstate;
    if (cell == LSTM) {
        dc[index] = dmemory;
    }
}

// All steps of SAMPLES samples, from the last to the first.
template <typename T>
__global__ void __launch_bounds__(SEQUENCE_THREADS, 1)
    recurrent_sequence_back(SEQUENCE_PARAMETERS, TRACE_PARAMETERS, const T* __restrict__ recurrent,
                            const T* __restrict__ dh_last, const T* __restrict__ dc_last, T* dh0, T* dc0) {
    using W = Wide<T>;
    const Sequence s = SEQUENCE;
    const Trace<T> trace = TRACE;
    const int count = gates_of(cell), columns = count * units, first = blockIdx.x * SAMPLES, pairs = SAMPLES * units;
    DYNAMIC_SHARED(W, memory);
    W *dh = memory, *dc = dh + pairs, *gradients = dc + pairs, *parts = gradients + SAMPLES * columns;
    T* weights = reinterpret_cast<T*>(parts + SAMPLES * columns);
    // Transposed: neighbouring threads read neighbouring units.
    for (int i = threadIdx.x; i < units * columns; i += blockDim.x) {
        weights[(i % columns) * units + i / columns] = recurrent[i];
    }
    for (int i = threadIdx.x; i < pairs; i += blockDim.x) {
        const int n = first + i % SAMPLES;
        const int64 at = static_cast<int64>(n) * units + i / SAMPLES;
        dh[i] = n < samples && dh_last != nullptr ? wide(dh_last[at]) : W(0);
        dc[i] = n < samples && dc_last != nullptr ? wide(dc_last[at]) : W(0);
    }
    for (int i = threadIdx.x; i < SAMPLES * columns; i += blockDim.x) {
        gradients[i] = W(0);
        parts[i] = W(0);
    }
    __syncthreads();
    const int gate = threadIdx.x / units, unit = threadIdx.x % units;
    // Of the product with the transposed kernel each gate's part is found apart.
    const auto multiply = [&](bool works) {
        if (works && gate < count) {
            W sum[SAMPLES] = {};
            add_column(sum, gradients + gate * pairs, weights + gate * units * units + unit, units, units);
#pragma unroll
            for (int i = 0; i < SAMPLES; ++i) {
                parts[gate * pairs + unit * SAMPLES + i] = sum[i];
            }
        }
    };
    const bool before_product = cell == GRU_RESET_BEFORE;
    const int summed = before_product ? 2 : count;
    for (int k = steps - 1; k >= 0; --k) {
        for (int i = threadIdx.x; i < pairs; i += blockDim.x) {
            const int n = first + i % SAMPLES, u = i / SAMPLES;
            if (n < samples) {
                W dstate = dh[i], dmemory = dc[i], product[4];
                for (int g = 0; g < summed; ++g) {
                    dstate += parts[g * pairs + i];
                }
                trace.step(s, n, k, u, dstate, dmemory, product);
                dh[i] = dstate;
                dc[i] = dmemory;
#pragma unroll
                for (int g = 0; g < 4; ++g) {
                    if (g < count) {
                        gradients[g * pairs + i] = product[g];
                    }
                }
            }
        }
        __syncthreads();
        if (before_product) {
            multiply(gate == 2);
            __syncthreads();
            for (int i = threadIdx.x; i < pairs; i += blockDim.x) {
                const int n = first + i % SAMPLES, u = i / SAMPLES;
                if (n < samples) {
                    gradients[pairs + i] = trace.reset_step(s, n, k, u, parts[2 * pairs + i], dh[i]);
                }
            }
            __syncthreads();
        }
        multiply(gate < summed);
        __syncthreads();
    }
    for (int i = threadIdx.x; i < pairs; i += blockDim.x) {
        const int n = first + i % SAMPLES;
        if (n < samples) {
            const int64 at = static_cast<int64>(n) * units + i / SAMPLES;
            W dstate = dh[i];
            for (int g = 0; g < summed; ++g) {
                dstate += parts[g * pairs + i];
            }
            dh0[at] = narrow<T>(dstate);
            if (cell == LSTM) {
                dc0[at] = narrow<T>(dc[i]);
            }
        }
    }
}
