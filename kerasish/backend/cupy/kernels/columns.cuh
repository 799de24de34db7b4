// Sums down the columns of a matrix (rows, count): blocks of blockDim.x * V columns and of a chunk of rows leave partial
// results [column][chunk], and a second kernel joins them, always in the same order.
#include "rows.cuh"

// What a thread does: V neighbouring columns of the rows first, first + step, ... before last.
template <int V>
struct Columns {
    int64 column, chunk_begin, first, last;
    int step;
    bool inside;
    __device__ Columns(int64 rows, int64 count, int64 chunk)
        : column((static_cast<int64>(blockIdx.x) * blockDim.x + threadIdx.x) * V),
          chunk_begin(blockIdx.y * chunk),
          first(chunk_begin + threadIdx.y),
          last(min(rows, chunk_begin + chunk)),
          step(blockDim.y),
          inside(column < count) {
        if (!inside) {
            last = first;
        }
    }
};

// Adds up the values of the threads above each other; all get the result and all must take part. The block has 256
// threads, and a power of two of them above each other.
template <int V, typename W>
__device__ inline void sum_down(W (&values)[V]) {
    SHARED(W, tile, 256 * V);
    const int place = threadIdx.y * blockDim.x + threadIdx.x;
#pragma unroll
    for (int j = 0; j < V; ++j) {
        tile[j * 256 + place] = values[j];
    }
    __syncthreads();
    for (int half = blockDim.y >> 1; half > 0; half >>= 1) {
        if (static_cast<int>(threadIdx.y) < half) {
#pragma unroll
            for (int j = 0; j < V; ++j) {
                tile[j * 256 + place] += tile[j * 256 + place + half * blockDim.x];
            }
        }
        __syncthreads();
    }
#pragma unroll
    for (int j = 0; j < V; ++j) {
        values[j] = tile[j * 256 + threadIdx.x];
    }
    // The next sum writes to the same memory.
    __syncthreads();
}

// The thread at the top of each column leaves its result for the chunk of the block.
template <int V, typename W>
__device__ inline void store_partial(const Columns<V>& columns, const W (&values)[V], W* partial) {
    if (columns.inside && threadIdx.y == 0) {
#pragma unroll
        for (int j = 0; j < V; ++j) {
            partial[(columns.column + j) * gridDim.y + blockIdx.y] = values[j];
        }
    }
}

// The sum of the partial results of one column, by a team of lanes.
template <typename W>
__device__ inline W join_partials(const Lanes& team, const W* partial, int chunks) {
    W total = W(0);
    for (int k = team.rank; k < chunks; k += team.size) {
        total += partial[k];
    }
    return sum(team, total);
}
