// An activation that is chosen at the launch: the branch is the same for all threads.
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
        default:
            return x;
    }
}
