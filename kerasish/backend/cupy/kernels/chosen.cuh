// Activations that are chosen at the launch: the branch is the same for all threads.
#include "activation.cuh"

template <typename W>
__device__ inline W activate_chosen(int activation, W x) {
    switch (activation) {
        case RELU:
            return activate<RELU>(x);
        case SIGMOID:
            return activate<SIGMOID>(x);
        case TANH:
            return activate<TANH>(x);
        case HARD_SIGMOID:
            return activate<HARD_SIGMOID>(x);
        default:
            return x;
    }
}

template <typename W>
__device__ inline W slope_chosen(int activation, W y) {
    switch (activation) {
        case RELU:
            return slope_from_output<RELU>(y);
        case SIGMOID:
            return slope_from_output<SIGMOID>(y);
        case TANH:
            return slope_from_output<TANH>(y);
        case HARD_SIGMOID:
            return slope_from_output<HARD_SIGMOID>(y);
        default:
            return W(1);
    }
}
