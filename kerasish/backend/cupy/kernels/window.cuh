// Windows over three spatial axes (shorter ones are filled with size 1), as in backend/contract/conv.py.
#include "common.cuh"

// How windows lie along one axis: input size, number of windows, width, stride, zeros before, dilation.
struct Span {
    int size, out, width, stride, before, dilation;

    // The place that element `tap` of window `o` reads; outside of [0, size) for padding.
    __device__ int place(int o, int tap) const { return o * stride + tap * dilation - before; }

    // The window whose element `tap` reads place `i`, or -1.
    __device__ int window(int i, int tap) const {
        const int reach = i + before - tap * dilation;
        if (reach < 0 || (stride > 1 && reach % stride)) {
            return -1;
        }
        const int o = reach / stride;
        return o < out ? o : -1;
    }
};

__device__ inline bool inside(int place, int size) {
    return static_cast<unsigned>(place) < static_cast<unsigned>(size);
}

#define SPAN_PARAMETERS(a) int a##_size, int a##_out, int a##_width, int a##_stride, int a##_before, int a##_dilation
#define WINDOW_PARAMETERS SPAN_PARAMETERS(d), SPAN_PARAMETERS(h), SPAN_PARAMETERS(w)
#define MAKE_SPAN(a) const Span a{a##_size, a##_out, a##_width, a##_stride, a##_before, a##_dilation}
#define MAKE_WINDOW \
    MAKE_SPAN(d);   \
    MAKE_SPAN(h);   \
    MAKE_SPAN(w)
