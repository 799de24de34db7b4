// Pooling and its gradients. One thread computes N neighbouring channels of one place; nothing is added up in memory,
// so that results never depend on the order of threads.
#include "window.cuh"

// A place of a channels-last array, counted over N channels at a time.
struct Place {
    int image, d, h, w, channel;
    __device__ Place(unsigned i, int packs, int width, int height, int depth, int lanes) {
        channel = static_cast<int>(i % packs) * lanes;
        i /= packs;
        w = i % width;
        i /= width;
        h = i % height;
        i /= height;
        d = i % depth;
        image = i / depth;
    }
};

__device__ inline int64 offset(int image, int d, int h, int w, int depth, int height, int width, int channels) {
    return (((int64(image) * depth + d) * height + h) * width + w) * channels;
}

// The elements [first, last) of window `o` that lie inside the array.
__device__ inline int first_tap(const Span& s, int o) { return max(0, s.before - o * s.stride); }
__device__ inline int last_tap(const Span& s, int o) { return min(s.width, s.size + s.before - o * s.stride); }

// The windows [first, last) that hold place `i`.
__device__ inline int first_window(const Span& s, int i) {
    const int reach = i + s.before - s.width;
    return reach < 0 ? 0 : reach / s.stride + 1;
}
__device__ inline int last_window(const Span& s, int i) {
    const int reach = i + s.before;
    return reach < 0 ? 0 : min(s.out, reach / s.stride + 1);
}

// Half precision as float; integers stay what they are.
template <typename T>
__device__ inline T comparable(T x) {
    return x;
}
__device__ inline float comparable(__half x) { return wide(x); }
__device__ inline float comparable(__nv_bfloat16 x) { return wide(x); }

template <typename T>
struct Lowest {
    __device__ static T value() { return narrow<T>(-__int_as_float(0x7f800000)); }
};
template <>
struct Lowest<int> {
    __device__ static int value() { return -2147483647 - 1; }
};
template <>
struct Lowest<long long> {
    __device__ static long long value() { return -9223372036854775807ll - 1; }
};
template <>
struct Lowest<unsigned long long> {
    __device__ static unsigned long long value() { return 0; }
};

template <typename T, int N>
__global__ void __launch_bounds__(256, 4)
    max_pool(const T* __restrict__ x, T* __restrict__ y, unsigned count, int channels, WINDOW_PARAMETERS) {
    MAKE_WINDOW;
    const unsigned step = gridDim.x * blockDim.x;
    for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step) {
        const Place o(i, channels / N, w.out, h.out, d.out, N);
        Vec<T, N> best;
#pragma unroll
        for (int lane = 0; lane < N; ++lane) {
            best[lane] = Lowest<T>::value();
        }
        const int kd_last = last_tap(d, o.d), kh_last = last_tap(h, o.h), kw_last = last_tap(w, o.w);
        for (int kd = first_tap(d, o.d); kd < kd_last; ++kd) {
            for (int kh = first_tap(h, o.h); kh < kh_last; ++kh) {
                const int kw_first = first_tap(w, o.w);
                const T* row = x + o.channel + offset(o.image, d.place(o.d, kd), h.place(o.h, kh),
                                                      w.place(o.w, kw_first), d.size, h.size, w.size, channels);
                for (int kw = kw_first; kw < kw_last; ++kw, row += channels) {
                    const Vec<T, N> values = load_vec<N>(row);
#pragma unroll
                    for (int lane = 0; lane < N; ++lane) {
                        const auto value = comparable(values[lane]);
                        if (value > comparable(best[lane]) || value != value) {
                            best[lane] = values[lane];
                        }
                    }
                }
            }
        }
        store_vec(y + int64(i) * N, best);
    }
}

// Whether an earlier element of window (od, oh, ow) than place (id, ih, iw) equals its maximum.
template <typename T, typename C>
__device__ inline bool found_before(const T* x, C best, const Span& d, const Span& h, const Span& w, int image, int od,
                                    int oh, int ow, int id, int ih, int iw, int channels) {
    const int d_first = max(0, od * d.stride - d.before);
    const int h_first = max(0, oh * h.stride - h.before);
    const int h_last = min(h.size, oh * h.stride - h.before + h.width);
    const int w_first = max(0, ow * w.stride - w.before);
    const int w_last = min(w.size, ow * w.stride - w.before + w.width);
    for (int a = d_first; a <= id; ++a) {
        const int b_last = a < id ? h_last : ih + 1;
        for (int b = h_first; b < b_last; ++b) {
            const int c_last = a < id || b < ih ? w_last : iw;
            const T* row = x + offset(image, a, b, w_first, d.size, h.size, w.size, channels);
            for (int c = w_first; c < c_last; ++c, row += channels) {
                if (comparable(*row) == best) {
                    return true;
                }
            }
        }
    }
    return false;
}

// Each place of the input collects from the windows of which it is the first maximum.
template <typename T, int N>
__global__ void __launch_bounds__(256, 2)
    max_pool_backward(const T* __restrict__ dy, const T* __restrict__ x, const T* __restrict__ y, T* __restrict__ dx,
                      unsigned count, int channels, WINDOW_PARAMETERS) {
    MAKE_WINDOW;
    using W = Wide<T>;
    const unsigned step = gridDim.x * blockDim.x;
    for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step) {
        const Place p(i, channels / N, w.size, h.size, d.size, N);
        const Vec<T, N> mine = load_vec<N>(x + int64(i) * N);
        W total[N];
#pragma unroll
        for (int lane = 0; lane < N; ++lane) {
            total[lane] = W(0);
        }
        const int od_last = last_window(d, p.d), oh_last = last_window(h, p.h), ow_last = last_window(w, p.w);
        for (int od = first_window(d, p.d); od < od_last; ++od) {
            for (int oh = first_window(h, p.h); oh < oh_last; ++oh) {
                for (int ow = first_window(w, p.w); ow < ow_last; ++ow) {
                    const int64 place = offset(p.image, od, oh, ow, d.out, h.out, w.out, channels) + p.channel;
                    const Vec<T, N> best = load_vec<N>(y + place);
                    const Vec<T, N> gradient = load_vec<N>(dy + place);
#pragma unroll
                    for (int lane = 0; lane < N; ++lane) {
                        if (wide(mine[lane]) == wide(best[lane]) &&
                            !found_before(x + p.channel + lane, wide(best[lane]), d, h, w, p.image, od, oh, ow, p.d,
                                          p.h, p.w, channels)) {
                            total[lane] += wide(gradient[lane]);
                        }
                    }
                }
            }
        }
        Vec<T, N> result;
#pragma unroll
        for (int lane = 0; lane < N; ++lane) {
            result[lane] = narrow<T>(total[lane]);
        }
        store_vec(dx + int64(i) * N, result);
    }
}

// One over the number of elements of a window that lie inside the array.
template <typename W>
__device__ inline W share(const Span& d, const Span& h, const Span& w, int od, int oh, int ow) {
    const int depth = max(1, last_tap(d, od) - first_tap(d, od));
    const int height = max(1, last_tap(h, oh) - first_tap(h, oh));
    const int width = max(1, last_tap(w, ow) - first_tap(w, ow));
    return W(1) / (W(depth) * W(height) * W(width));
}

template <typename T, int N>
__global__ void __launch_bounds__(256, 4)
    average_pool(const T* __restrict__ x, T* __restrict__ y, unsigned count, int channels, WINDOW_PARAMETERS) {
    MAKE_WINDOW;
    using W = Wide<T>;
    const unsigned step = gridDim.x * blockDim.x;
    for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step) {
        const Place o(i, channels / N, w.out, h.out, d.out, N);
        W total[N];
#pragma unroll
        for (int lane = 0; lane < N; ++lane) {
            total[lane] = W(0);
        }
        const int kd_last = last_tap(d, o.d), kh_last = last_tap(h, o.h), kw_last = last_tap(w, o.w);
        for (int kd = first_tap(d, o.d); kd < kd_last; ++kd) {
            for (int kh = first_tap(h, o.h); kh < kh_last; ++kh) {
                const int kw_first = first_tap(w, o.w);
                const T* row = x + o.channel + offset(o.image, d.place(o.d, kd), h.place(o.h, kh),
                                                      w.place(o.w, kw_first), d.size, h.size, w.size, channels);
                for (int kw = kw_first; kw < kw_last; ++kw, row += channels) {
                    const Vec<T, N> values = load_vec<N>(row);
#pragma unroll
                    for (int lane = 0; lane < N; ++lane) {
                        total[lane] += wide(values[lane]);
                    }
                }
            }
        }
        const W factor = share<W>(d, h, w, o.d, o.h, o.w);
        Vec<T, N> result;
#pragma unroll
        for (int lane = 0; lane < N; ++lane) {
            result[lane] = narrow<T>(total[lane] * factor);
        }
        store_vec(y + int64(i) * N, result);
    }
}

template <typename T, int N>
__global__ void __launch_bounds__(256, 4)
    average_pool_backward(const T* __restrict__ dy, T* __restrict__ dx, unsigned count, int channels,
                          WINDOW_PARAMETERS) {
    MAKE_WINDOW;
    using W = Wide<T>;
    const unsigned step = gridDim.x * blockDim.x;
    for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step) {
        const Place p(i, channels / N, w.size, h.size, d.size, N);
        W total[N];
#pragma unroll
        for (int lane = 0; lane < N; ++lane) {
            total[lane] = W(0);
        }
        const int od_last = last_window(d, p.d), oh_last = last_window(h, p.h), ow_last = last_window(w, p.w);
        for (int od = first_window(d, p.d); od < od_last; ++od) {
            for (int oh = first_window(h, p.h); oh < oh_last; ++oh) {
                for (int ow = first_window(w, p.w); ow < ow_last; ++ow) {
                    const W factor = share<W>(d, h, w, od, oh, ow);
                    const int64 place = offset(p.image, od, oh, ow, d.out, h.out, w.out, channels) + p.channel;
                    const Vec<T, N> gradient = load_vec<N>(dy + place);
#pragma unroll
                    for (int lane = 0; lane < N; ++lane) {
                        total[lane] += wide(gradient[lane]) * factor;
                    }
                }
            }
        }
        Vec<T, N> result;
#pragma unroll
        for (int lane = 0; lane < N; ++lane) {
            result[lane] = narrow<T>(total[lane]);
        }
        store_vec(dx + int64(i) * N, result);
    }
}
