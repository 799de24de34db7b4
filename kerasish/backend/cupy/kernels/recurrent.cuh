// The cells of recurrent networks: what one unit of one sample does at one step, and its gradients.
#include "chosen.cuh"

enum Cell { SIMPLE_RNN, LSTM, GRU_RESET_AFTER, GRU_RESET_BEFORE };

__device__ inline int gates_of(int cell) { return cell == SIMPLE_RNN ? 1 : cell == LSTM ? 4 : 3; }

// How a sequence lies in memory: arrays (N, T, ...), where step `k` reads the input at `input(k)`. Outputs and caches
// are in the order of the steps; what meets the input, z and dz, is in the order of the input.
#define SEQUENCE_PARAMETERS                                                                                       \
    const bool *__restrict__ mask, int64 mask_sample, int64 mask_time, int samples, int steps, int units, int cell, \
        int activation, int recurrent_activation, int reverse, int zero_masked
#define SEQUENCE                                                                                       \
    Sequence {                                                                                         \
        mask, mask_sample, mask_time, samples, steps, units, cell, activation, recurrent_activation,   \
            reverse != 0, zero_masked != 0                                                             \
    }

struct Sequence {
    const bool* mask;
    int64 mask_sample, mask_time;
    int samples, steps, units, cell, activation, recurrent_activation;
    bool reverse, zero_masked;

    __device__ int input(int k) const { return reverse ? steps - 1 - k : k; }
    __device__ bool valid(int n, int k) const {
        return mask == nullptr || mask[n * mask_sample + input(k) * mask_time];
    }
    // Of (N, T, columns): the row of a step.
    __device__ int64 row(int n, int t, int columns) const { return (static_cast<int64>(n) * steps + t) * columns; }
};

// Pre-activations become gates. With the reset after the product, a[3] is the recurrent part of the candidate.
template <typename W>
__device__ inline void step_forward(const Sequence& s, W (&a)[4], W& h, W& c) {
    const int act = s.activation, rec = s.recurrent_activation;
    if (s.cell == SIMPLE_RNN) {
        a[0] = h = activate_chosen(act, a[0]);
    } else if (s.cell == LSTM) {
        a[0] = activate_chosen(rec, a[0]);
        a[1] = activate_chosen(rec, a[1]);
        a[2] = activate_chosen(act, a[2]);
        a[3] = activate_chosen(rec, a[3]);
        c = a[1] * c + a[0] * a[2];
        h = a[3] * activate_chosen(act, c);
    } else {
        if (s.cell == GRU_RESET_AFTER) {
            a[0] = activate_chosen(rec, a[0]);
            a[1] = activate_chosen(rec, a[1]);
            a[2] += a[1] * a[3];
        }
        a[2] = activate_chosen(act, a[2]);
        h = a[0] * (h - a[2]) + a[2];
    }
}

// The gradients of the pre-activations from the gates `a`. `dh` and `dc` become what passes to the step before without
// a product. `before` is the state before, `cells` the cell state before and after, `inner` that of the candidate.
// With the reset after the product, dz[3] is what reaches the recurrent part of the candidate; with the reset before
// it, dz[1] has to wait for the product.
template <typename W>
__device__ inline void step_backward(const Sequence& s, const W (&a)[4], W before, W cell_before, W cell_after, W inner,
                                     W (&dz)[4], W& dh, W& dc) {
    const int act = s.activation, rec = s.recurrent_activation;
    if (s.cell == SIMPLE_RNN) {
        dz[0] = dh * slope_chosen(act, a[0]);
        dh = W(0);
    } else if (s.cell == LSTM) {
        const W squashed = activate_chosen(act, cell_after);
        dc += dh * a[3] * slope_chosen(act, squashed);
        dz[0] = dc * a[2] * slope_chosen(rec, a[0]);
        dz[1] = dc * cell_before * slope_chosen(rec, a[1]);
        dz[2] = dc * a[0] * slope_chosen(act, a[2]);
        dz[3] = dh * squashed * slope_chosen(rec, a[3]);
        dc *= a[1];
        dh = W(0);
    } else {
        dz[0] = dh * (before - a[2]) * slope_chosen(rec, a[0]);
        dz[2] = dh * (W(1) - a[0]) * slope_chosen(act, a[2]);
        if (s.cell == GRU_RESET_AFTER) {
            dz[1] = dz[2] * inner * slope_chosen(rec, a[1]);
            dz[3] = dz[2] * a[1];
        }
        dh *= a[0];
    }
}
