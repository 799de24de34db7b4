// What every kernel file uses: wide types of half precision, vector access, reductions in a warp and a block.
#ifdef KERASISH_HOST
#include <kerasish_host.h>  // the emulator of the tests
#else
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#define SHARED(type, name, size) __shared__ type name[size]
#define SHARED_2D(type, name, rows, columns) __shared__ type name[rows][columns]
#define DYNAMIC_SHARED(type, name)                             \
    extern __shared__ __align__(16) unsigned char dynamic_shared[]; \
    type* name = reinterpret_cast<type*>(dynamic_shared)
#define CHECK_ALIGNED(pointer, bytes)
#endif

using int64 = long long;
using uint64 = unsigned long long;

// The type in which a value is computed with: double for double, float for everything else.
template <typename T>
struct WideOf {
    using type = float;
};
template <>
struct WideOf<double> {
    using type = double;
};
template <typename T>
using Wide = typename WideOf<T>::type;

__device__ inline float wide(float x) { return x; }
__device__ inline double wide(double x) { return x; }
__device__ inline float wide(__half x) { return __half2float(x); }
__device__ inline float wide(__nv_bfloat16 x) { return __bfloat162float(x); }

template <typename T>
struct Narrow {
    template <typename W>
    __device__ static T from(W x) {
        return static_cast<T>(x);
    }
};
template <>
struct Narrow<__half> {
    template <typename W>
    __device__ static __half from(W x) {
        return __float2half_rn(static_cast<float>(x));
    }
};
template <>
struct Narrow<__nv_bfloat16> {
    template <typename W>
    __device__ static __nv_bfloat16 from(W x) {
        return __float2bfloat16_rn(static_cast<float>(x));
    }
};
template <typename T, typename W>
__device__ inline T narrow(W x) {
    return Narrow<T>::from(x);
}

// N neighbours of one type, loaded and stored by one instruction where they fill 4, 8 or 16 bytes.
template <typename T, int N>
struct __align__(sizeof(T) * N) Vec {
    T values[N];
    __device__ T& operator[](int i) { return values[i]; }
    __device__ const T& operator[](int i) const { return values[i]; }
};

template <int N, typename T>
__device__ inline Vec<T, N> load_vec(const T* source) {
    CHECK_ALIGNED(source, sizeof(T) * N);
    return *reinterpret_cast<const Vec<T, N>*>(source);
}

template <typename T, int N>
__device__ inline void store_vec(T* target, const Vec<T, N>& pack) {
    CHECK_ALIGNED(target, sizeof(T) * N);
    *reinterpret_cast<Vec<T, N>*>(target) = pack;
}

// A hyperparameter: on the device where a pointer is given, else a number of the launch.
template <typename S>
__device__ inline S read_scalar(const S* pointer, S number) {
    return pointer == nullptr ? number : *pointer;
}

struct Add {
    template <typename W>
    __device__ static W apply(W a, W b) {
        return a + b;
    }
    template <typename W>
    __device__ static W neutral() {
        return W(0);
    }
};

// The larger one; NaN where either is.
struct Max {
    template <typename W>
    __device__ static W apply(W a, W b) {
        return (a > b || a != a) ? a : b;
    }
    template <typename W>
    __device__ static W neutral() {
        return W(-__int_as_float(0x7f800000));
    }
};

// Every lane of the warp gets the result; all 32 must take part.
template <typename Op, typename W>
__device__ inline W warp_reduce(W value) {
#pragma unroll
    for (int offset = 16; offset > 0; offset >>= 1) {
        value = Op::apply(value, __shfl_xor_sync(0xffffffffu, value, offset));
    }
    return value;
}
template <typename W>
__device__ inline W warp_sum(W value) {
    return warp_reduce<Add>(value);
}
template <typename W>
__device__ inline W warp_max(W value) {
    return warp_reduce<Max>(value);
}

// Every thread of the block gets the result; all must take part. The block is a multiple of 32, at most 1024 threads.
template <typename Op, typename W>
__device__ inline W block_reduce(W value) {
    SHARED(W, partial, 32);
    const int linear = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
    const int warps = (blockDim.x * blockDim.y * blockDim.z) >> 5;
    const int lane = linear & 31;
    value = warp_reduce<Op>(value);
    if (warps == 1) {
        return value;
    }
    if (lane == 0) {
        partial[linear >> 5] = value;
    }
    __syncthreads();
    W result = warp_reduce<Op>(lane < warps ? partial[lane] : Op::template neutral<W>());
    // The next reduction writes to the same memory.
    __syncthreads();
    return result;
}
template <typename W>
__device__ inline W block_sum(W value) {
    return block_reduce<Add>(value);
}
template <typename W>
__device__ inline W block_max(W value) {
    return block_reduce<Max>(value);
}
