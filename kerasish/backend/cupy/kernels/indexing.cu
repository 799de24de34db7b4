// Picking rows and putting them back. Values are moved as units of 1 to 16 bytes, whatever their dtype.
#include "common.cuh"

using Unit16 = Vec<unsigned long long, 2>;

template <typename U>
struct Filled {
    __device__ static U with(uint64 bits) { return U(bits); }
};
template <>
struct Filled<Unit16> {
    __device__ static Unit16 with(uint64 bits) {
        Unit16 unit;
        unit[0] = bits;
        unit[1] = bits;
        return unit;
    }
};

// The row that an index means, or -1 where there is none.
__device__ inline int64 inside(int64 index, int64 size, int wrap) {
    if (wrap && index < 0) {
        index += size;
    }
    return index >= 0 && index < size ? index : -1;
}

// y[o, j, :] = x[o, indices[j], :]; a row of `units`. What is out of bounds is filled.
template <typename U, typename I>
__global__ void gather_rows(const U* __restrict__ x, const I* __restrict__ indices, U* __restrict__ y, int64 outer,
                            int64 size, int64 picked, int64 units, int wrap, uint64 fill) {
    const int64 stride = int64(gridDim.x) * blockDim.y;
    for (int64 row = int64(blockIdx.x) * blockDim.y + threadIdx.y; row < outer * picked; row += stride) {
        const int64 lead = outer == 1 ? 0 : row / picked;
        const int64 index = inside(int64(indices[row - lead * picked]), size, wrap);
        const U* source = x + (lead * size + index) * units;
        U* target = y + row * units;
        for (int64 unit = threadIdx.x; unit < units; unit += blockDim.x) {
            target[unit] = index < 0 ? Filled<U>::with(fill) : source[unit];
        }
    }
}

// y[o, j, w] = x[o, indices[o, j, w], w]
template <typename U, typename I>
__global__ void gather_along(const U* __restrict__ x, const I* __restrict__ indices, U* __restrict__ y, int64 size,
                             int64 picked, int64 inner, int64 count, uint64 fill) {
    const int64 stride = int64(gridDim.x) * blockDim.x;
    for (int64 i = int64(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += stride) {
        const int64 above = i / inner;
        const int64 index = inside(int64(indices[i]), size, 1);
        y[i] = index < 0 ? Filled<U>::with(fill) : x[(above / picked * size + index) * inner + (i - above * inner)];
    }
}

// One more dimension of flat positions: ids * size + index, or -1 where an index is out of bounds.
template <typename I>
__global__ void combine_ids(const I* __restrict__ indices, int64 step, const int64* __restrict__ before,
                            int64* __restrict__ ids, int64 count, int64 size) {
    const int64 stride = int64(gridDim.x) * blockDim.x;
    for (int64 i = int64(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += stride) {
        const int64 index = inside(int64(indices[i * step]), size, 1);
        const int64 lead = before == nullptr ? 0 : before[i];
        ids[i] = lead < 0 || index < 0 ? -1 : lead * size + index;
    }
}

// The last of the updates that go to a row wins, whatever order the threads come in.
__global__ void elect_last(const int64* __restrict__ ids, int* __restrict__ winners, int64 count) {
    const int64 stride = int64(gridDim.x) * blockDim.x;
    for (int64 i = int64(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += stride) {
        if (ids[i] >= 0) {
            atomicMax(winners + ids[i], int(i));
        }
    }
}

template <typename U>
__global__ void put_rows(const int64* __restrict__ ids, const int* __restrict__ winners, const U* __restrict__ rows,
                         U* __restrict__ y, int64 count, int64 units) {
    const int64 stride = int64(gridDim.x) * blockDim.y;
    for (int64 row = int64(blockIdx.x) * blockDim.y + threadIdx.y; row < count; row += stride) {
        const int64 id = ids[row];
        if (id >= 0 && winners[id] == int(row)) {
            for (int64 unit = threadIdx.x; unit < units; unit += blockDim.x) {
                y[id * units + unit] = rows[row * units + unit];
            }
        }
    }
}

enum Combination { MULTIPLY, LARGER, SMALLER };

__device__ inline long long wide(long long x) { return x; }
__device__ inline unsigned long long wide(unsigned long long x) { return x; }

template <typename V>
__device__ inline V combined(V value, V other, int combination) {
    if (combination == MULTIPLY) {
        return value * other;
    }
    if (value != value) {
        return value;
    }
    const bool takes = combination == LARGER ? other > value : other < value;
    return takes || other != other ? other : value;
}

// Runs of sorted ids, each combined in order with what is in its row. Ids past the rows of y are left out.
template <typename T>
__global__ void combine_runs(const unsigned int* __restrict__ ids, const int* __restrict__ order,
                             const T* __restrict__ rows, T* __restrict__ y, int64 count, int64 width,
                             int64 rows_of_y, int combination) {
    const int64 stride = int64(gridDim.x) * blockDim.x;
    for (int64 i = int64(blockIdx.x) * blockDim.x + threadIdx.x; i < count * width; i += stride) {
        const int64 first = i / width, column = i - first * width;
        const unsigned int id = ids[first];
        if (id >= rows_of_y || (first > 0 && ids[first - 1] == id)) {
            continue;
        }
        auto value = wide(y[id * width + column]);
        for (int64 next = first; next < count && ids[next] == id; ++next) {
            value = combined(value, wide(rows[order[next] * width + column]), combination);
        }
        y[id * width + column] = narrow<T>(value);
    }
}
