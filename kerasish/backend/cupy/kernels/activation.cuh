// The activations that follow a product or stand in a recurrent cell, and their slopes by their outputs.
#include "common.cuh"

enum Activation { LINEAR, RELU, SIGMOID, TANH, HARD_SIGMOID };

// Where the exponential overflows, its reciprocal is the right limit.
template <typename W>
__device__ inline W sigmoid(W x) {
    return W(1) / (W(1) + exp(-x));
}

// In the wide type. NaN stays NaN.
template <Activation A, typename W>
__device__ inline W activate(W x) {
    if constexpr (A == RELU) {
        return x < W(0) ? W(0) : x;
    } else if constexpr (A == SIGMOID) {
        return sigmoid(x);
    } else if constexpr (A == TANH) {
        return tanh(x);
    } else if constexpr (A == HARD_SIGMOID) {
        const W y = x * W(1.0 / 6.0) + W(0.5);
        return y < W(0) ? W(0) : y > W(1) ? W(1) : y;
    } else {
        return x;
    }
}

template <Activation A, typename W>
__device__ inline W slope_from_output(W y) {
    if constexpr (A == RELU) {
        return y > W(0) ? W(1) : W(0);
    } else if constexpr (A == SIGMOID) {
        return (W(1) - y) * y;
    } else if constexpr (A == TANH) {
        return W(1) - y * y;
    } else if constexpr (A == HARD_SIGMOID) {
        return y > W(0) && y < W(1) ? W(1.0 / 6.0) : W(0);
    } else {
        return W(1);
    }
}
