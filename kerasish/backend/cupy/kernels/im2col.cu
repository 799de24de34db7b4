// The windows of an image as rows of a matrix.
#include "window.cuh"

using Chunk = Vec<unsigned int, 4>;

// `columns[row, tap, channel]` for the windows from `first` on, in elements E of any kind: their bits are copied.
template <typename E>
__global__ void __launch_bounds__(256)
    im2col(const E* __restrict__ x, E* __restrict__ columns, unsigned count, unsigned first, int channels,
           WINDOW_PARAMETERS) {
    MAKE_WINDOW;
    const unsigned step = gridDim.x * blockDim.x;
    for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step) {
        unsigned rest = i;
        const int channel = rest % channels;
        rest /= channels;
        const int kw = rest % w.width;
        rest /= w.width;
        const int kh = rest % h.width;
        rest /= h.width;
        const int kd = rest % d.width;
        rest = rest / d.width + first;
        const int ow = rest % w.out;
        rest /= w.out;
        const int oh = rest % h.out;
        rest /= h.out;
        const int od = rest % d.out;
        const int image = rest / d.out;
        const int id = d.place(od, kd), ih = h.place(oh, kh), iw = w.place(ow, kw);
        E value{};
        if (inside(id, d.size) && inside(ih, h.size) && inside(iw, w.size)) {
            value = x[(((int64(image) * d.size + id) * h.size + ih) * w.size + iw) * channels + channel];
        }
        columns[i] = value;
    }
}
