// Depthwise convolutions: output channel i * multiplier + m reads channel i alone.
#include "chosen.cuh"
#include "window.cuh"

// Places along a row that a thread computes together, so that the kernel is read once for all of them.
constexpr int STRIP = 4;

// Kernel positions that a thread of the kernel's gradient adds up at once.
constexpr int TAPS = 9;

// `count` threads, each with N output channels of STRIP places; N is 1 unless the multiplier is.
template <typename T, int N>
__global__ void __launch_bounds__(256, 2)
    depthwise(const T* __restrict__ x, const T* __restrict__ kernel, const T* __restrict__ bias, T* __restrict__ y,
              unsigned count, int channels, int multiplier, int activation, WINDOW_PARAMETERS) {
    MAKE_WINDOW;
    using W = Wide<T>;
    const int outputs = channels * multiplier;
    const int packs = outputs / N, strips = (w.out + STRIP - 1) / STRIP;
    const unsigned step = gridDim.x * blockDim.x;
    for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step) {
        unsigned rest = i;
        const int output = static_cast<int>(rest % packs) * N;
        rest /= packs;
        const int ow = static_cast<int>(rest % strips) * STRIP;
        rest /= strips;
        const int64 line = rest;
        const int oh = rest % h.out;
        rest /= h.out;
        const int od = rest % d.out;
        const int image = rest / d.out;
        const int channel = N > 1 ? output : output / multiplier;
        W total[STRIP][N];
#pragma unroll
        for (int s = 0; s < STRIP; ++s) {
#pragma unroll
            for (int lane = 0; lane < N; ++lane) {
                total[s][lane] = bias == nullptr ? W(0) : wide(bias[output + lane]);
            }
        }
        for (int kd = 0; kd < d.width; ++kd) {
            const int id = d.place(od, kd);
            for (int kh = 0; kh < h.width; ++kh) {
                const int ih = h.place(oh, kh);
                if (!inside(id, d.size) || !inside(ih, h.size)) {
                    continue;
                }
                const T* row = x + channel + ((int64(image) * d.size + id) * h.size + ih) * w.size * channels;
                const T* taps = kernel + output + int64(kd * h.width + kh) * w.width * outputs;
                for (int kw = 0; kw < w.width; ++kw, taps += outputs) {
                    const Vec<T, N> tap = load_vec<N>(taps);
#pragma unroll
                    for (int s = 0; s < STRIP; ++s) {
                        const int iw = w.place(ow + s, kw);
                        if (inside(iw, w.size)) {
                            const Vec<T, N> values = load_vec<N>(row + int64(iw) * channels);
#pragma unroll
                            for (int lane = 0; lane < N; ++lane) {
                                total[s][lane] += wide(values[lane]) * wide(tap[lane]);
                            }
                        }
                    }
                }
            }
        }
#pragma unroll
        for (int s = 0; s < STRIP; ++s) {
            if (ow + s < w.out) {
                Vec<T, N> result;
#pragma unroll
                for (int lane = 0; lane < N; ++lane) {
                    result[lane] = narrow<T>(activate_chosen(activation, total[s][lane]));
                }
                store_vec(y + (line * w.out + ow + s) * outputs + output, result);
            }
        }
    }
}

// Each place of the input collects from the windows that read it: N input channels of STRIP places a thread.
template <typename T, int N>
__global__ void __launch_bounds__(256, 2)
    depthwise_backward_input(const T* __restrict__ dy, const T* __restrict__ kernel, T* __restrict__ dx,
                             unsigned count, int channels, int multiplier, WINDOW_PARAMETERS) {
    MAKE_WINDOW;
    using W = Wide<T>;
    const int outputs = channels * multiplier;
    const int packs = channels / N, strips = (w.size + STRIP - 1) / STRIP;
    const unsigned step = gridDim.x * blockDim.x;
    for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step) {
        unsigned rest = i;
        const int channel = static_cast<int>(rest % packs) * N;
        rest /= packs;
        const int iw = static_cast<int>(rest % strips) * STRIP;
        rest /= strips;
        const int64 line = rest;
        const int ih = rest % h.size;
        rest /= h.size;
        const int id = rest % d.size;
        const int image = rest / d.size;
        W total[STRIP][N];
#pragma unroll
        for (int s = 0; s < STRIP; ++s) {
#pragma unroll
            for (int lane = 0; lane < N; ++lane) {
                total[s][lane] = W(0);
            }
        }
        for (int kd = 0; kd < d.width; ++kd) {
            const int od = d.window(id, kd);
            for (int kh = 0; kh < h.width; ++kh) {
                const int oh = h.window(ih, kh);
                if (od < 0 || oh < 0) {
                    continue;
                }
                const int64 row = ((int64(image) * d.out + od) * h.out + oh) * w.out;
                const int64 taps = int64(kd * h.width + kh) * w.width;
                for (int kw = 0; kw < w.width; ++kw) {
                    for (int m = 0; m < multiplier; ++m) {
                        const Vec<T, N> tap = load_vec<N>(kernel + (taps + kw) * outputs + channel * multiplier + m);
#pragma unroll
                        for (int s = 0; s < STRIP; ++s) {
                            const int ow = w.window(iw + s, kw);
                            if (ow >= 0) {
                                const Vec<T, N> values =
                                    load_vec<N>(dy + (row + ow) * outputs + channel * multiplier + m);
#pragma unroll
                                for (int lane = 0; lane < N; ++lane) {
                                    total[s][lane] += wide(values[lane]) * wide(tap[lane]);
                                }
                            }
                        }
                    }
                }
            }
        }
#pragma unroll
        for (int s = 0; s < STRIP; ++s) {
            if (iw + s < w.size) {
                Vec<T, N> result;
#pragma unroll
                for (int lane = 0; lane < N; ++lane) {
                    result[lane] = narrow<T>(total[s][lane]);
                }
                store_vec(dx + (line * w.size + iw + s) * channels + channel, result);
            }
        }
    }
}

// Blocks of x threads along the output channels (N each) and y along the places; block z takes TAPS kernel positions.
// `parts[block y, kernel position, output channel]` are then added up by `sum_parts`.
template <typename T, int N>
__global__ void __launch_bounds__(256, 2)
    depthwise_backward_kernel(const T* __restrict__ x, const T* __restrict__ dy, Wide<T>* __restrict__ parts,
                              unsigned places, int channels, int multiplier, WINDOW_PARAMETERS) {
    MAKE_WINDOW;
    using W = Wide<T>;
    SHARED(W, partial, 256 * N);
    const int outputs = channels * multiplier;
    const int output = (blockIdx.x * blockDim.x + threadIdx.x) * N;
    const bool active = output < outputs;
    const int channel = N > 1 ? output : output / multiplier;
    const int window = d.width * h.width * w.width;
    const int first = blockIdx.z * TAPS;
    int td[TAPS], th[TAPS], tw[TAPS];
#pragma unroll
    for (int t = 0; t < TAPS; ++t) {
        const int tap = first + t;
        tw[t] = tap % w.width * w.dilation - w.before;
        th[t] = tap / w.width % h.width * h.dilation - h.before;
        // A position past the last one reads no place.
        td[t] = tap < window ? tap / w.width / h.width * d.dilation - d.before : -(1 << 30);
    }
    W total[TAPS][N];
#pragma unroll
    for (int t = 0; t < TAPS; ++t) {
#pragma unroll
        for (int lane = 0; lane < N; ++lane) {
            total[t][lane] = W(0);
        }
    }
    if (active) {
        for (unsigned place = blockIdx.y * blockDim.y + threadIdx.y; place < places; place += gridDim.y * blockDim.y) {
            unsigned rest = place;
            const int ow = static_cast<int>(rest % w.out) * w.stride;
            rest /= w.out;
            const int oh = static_cast<int>(rest % h.out) * h.stride;
            rest /= h.out;
            const int od = static_cast<int>(rest % d.out) * d.stride;
            const int image = rest / d.out;
            const Vec<T, N> gradient = load_vec<N>(dy + int64(place) * outputs + output);
            const T* source = x + int64(image) * d.size * h.size * w.size * channels + channel;
#pragma unroll
            for (int t = 0; t < TAPS; ++t) {
                const int id = od + td[t], ih = oh + th[t], iw = ow + tw[t];
                if (inside(id, d.size) && inside(ih, h.size) && inside(iw, w.size)) {
                    const Vec<T, N> values =
                        load_vec<N>(source + ((int64(id) * h.size + ih) * w.size + iw) * channels);
#pragma unroll
                    for (int lane = 0; lane < N; ++lane) {
                        total[t][lane] += wide(values[lane]) * wide(gradient[lane]);
                    }
                }
            }
        }
    }
    W* const mine = partial + (threadIdx.y * blockDim.x + threadIdx.x) * N;
#pragma unroll
    for (int t = 0; t < TAPS; ++t) {
#pragma unroll
        for (int lane = 0; lane < N; ++lane) {
            mine[lane] = total[t][lane];
        }
        __syncthreads();
        if (threadIdx.y == 0 && active && first + t < window) {
#pragma unroll
            for (int lane = 0; lane < N; ++lane) {
                W sum = total[t][lane];
                for (int other = 1; other < blockDim.y; ++other) {
                    sum += mine[other * blockDim.x * N + lane];
                }
                parts[(int64(blockIdx.y) * window + first + t) * outputs + output + lane] = sum;
            }
        }
        __syncthreads();
    }
}
