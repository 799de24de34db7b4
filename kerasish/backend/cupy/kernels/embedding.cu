// Rows of a table by index. A row is moved in units of up to 16 bytes, whatever its dtype is.
#include "common.cuh"

struct __align__(16) Sixteen {
    uint64 low, high;
};

// A negative index counts from the end. Rows that an index names outside of the table are zeros: nothing can be
// raised here, and nothing beyond the table is read.
template <typename Unit, typename Index>
__global__ void __launch_bounds__(256) gather_rows(
    const Unit* table, const Index* indices, Unit* out, int64 total, int64 units, int64 rows) {
    const int64 stride = static_cast<int64>(gridDim.x) * blockDim.x;
    for (int64 i = static_cast<int64>(blockIdx.x) * blockDim.x + threadIdx.x; i < total; i += stride) {
        // Divisions in 32 bits take a fraction of the time.
        const int64 row = total <= 0xffffffffll
                              ? static_cast<int64>(static_cast<unsigned int>(i) / static_cast<unsigned int>(units))
                              : i / units;
        int64 index = static_cast<int64>(indices[row]);
        index += index < 0 ? rows : 0;
        out[i] = index >= 0 && index < rows ? table[index * units + i - row * units] : Unit{};
    }
}
