// Philox4x64-10 (Salmon et al., 2011), block by block as numpy.random.Philox counts.

struct PhiloxBlock {
    uint64 words[4];
};

// The step: a number of the launch, or, where `kind` is not 0, an integer on the device.
__device__ inline uint64 philox_step(const unsigned char* pointer, int kind, uint64 number) {
    switch (kind) {
        case 1: return static_cast<uint64>(static_cast<int64>(*reinterpret_cast<const int*>(pointer)));
        case 2: return *reinterpret_cast<const unsigned int*>(pointer);
        case 3: return *reinterpret_cast<const uint64*>(pointer);  // int64 has the same bits
        default: return number;
    }
}

// NumPy counts up before it draws: block 0 has the counter 1.
__device__ inline PhiloxBlock philox_block(uint64 seed, uint64 stream, uint64 step, uint64 block) {
    uint64 c0 = block + 1, c1 = 0, c2 = step, c3 = 0;
    uint64 k0 = seed, k1 = stream;
#pragma unroll
    for (int round = 0; round < 10; ++round) {
        const uint64 low_0 = 0xD2E7470EE14C6C93ull * c0, high_0 = __umul64hi(0xD2E7470EE14C6C93ull, c0);
        const uint64 low_2 = 0xCA5A826395121157ull * c2, high_2 = __umul64hi(0xCA5A826395121157ull, c2);
        c0 = high_2 ^ c1 ^ k0;
        c1 = low_2;
        c2 = high_0 ^ c3 ^ k1;
        c3 = low_0;
        k0 += 0x9E3779B97F4A7C15ull;
        k1 += 0xBB67AE8584CAA73Bull;
    }
    return {{c0, c1, c2, c3}};
}

// Half `i` of the eight of a block: the low 32 bits of a word come first.
__device__ inline unsigned int philox_half(const PhiloxBlock& block, int i) {
    return static_cast<unsigned int>(block.words[i >> 1] >> ((i & 1) * 32));
}

__device__ inline float uniform_float(unsigned int half) {
    return static_cast<float>(half >> 8) * 5.9604644775390625e-8f;  // 2^-24
}

__device__ inline double uniform_double(uint64 word) {
    return static_cast<double>(word >> 11) * 1.1102230246251565404e-16;  // 2^-53
}
