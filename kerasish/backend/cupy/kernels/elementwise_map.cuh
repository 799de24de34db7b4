// One result for each element, from any number of equally shaped arrays: 16 bytes a thread.
#include "rows.cuh"

template <typename F, typename T, int N, typename... In>
__device__ inline void map_pack(F f, T* target, const Vec<In, N>&... packs) {
    Vec<T, N> result;
#pragma unroll
    for (int j = 0; j < N; ++j) {
        result[j] = narrow<T>(f(wide(packs[j])...));
    }
    store_vec(target, result);
}

// Calls f with the wide elements. Without a barrier.
template <typename F, typename T, typename... In>
__device__ inline void map_elements(F f, T* target, int64 count, const In*... sources) {
    constexpr int N = PACK<T>;
    const int64 begin = (static_cast<int64>(blockIdx.x) * blockDim.x + threadIdx.x) * N;
    if (begin + N <= count && (aligned(target) && ... && aligned(sources))) {
        map_pack<F, T, N>(f, target + begin, load_vec<N>(sources + begin)...);
    } else {
        for (int64 i = begin; i < min(count, begin + N); ++i) {
            target[i] = narrow<T>(f(wide(sources[i])...));
        }
    }
}
