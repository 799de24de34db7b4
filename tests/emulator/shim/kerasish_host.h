// CUDA C on the host: the threads of a block are fibers of one host thread, run in a scrambled order.
//
// A fiber runs until it finishes or meets a barrier, so code which lacks a barrier reads what was not written yet:
// shared memory is filled with 0xFF (NaN) before each block. Barriers count arrivals; one that not every thread (or
// lane) reaches is reported as an error. Dialect: kernels/common.cuh.
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifndef __x86_64__
#include <ucontext.h>
#endif

#include <algorithm>
#include <cmath>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#undef __launch_bounds__
#undef __global__
#undef __device__
#undef __host__
#undef __constant__
#undef __forceinline__
#undef __align__
#undef __restrict__
#define __launch_bounds__(...)
#define __global__
#define __device__
#define __host__
#define __constant__ static const
#define __forceinline__ inline __attribute__((always_inline))
#define __align__(n) alignas(n)
#define __restrict__ __restrict

#ifdef __x86_64__
// Saves the registers that a call keeps on this stack, and goes on where the other stack was left.
extern "C" void kerasish_switch(void** from, void* to);
asm(R"(
.text
kerasish_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
)");
#endif

namespace host {

// A place in a program that can be left and come back to.
struct Context {
#ifdef __x86_64__
    void* at = nullptr;
    void go_to(Context& other) { kerasish_switch(&at, other.at); }
    void prepare(unsigned char* stack, size_t size, void (*entry)()) {
        // A function begins 8 bytes off the alignment of 16, as after a call.
        void** top = reinterpret_cast<void**>(reinterpret_cast<uintptr_t>(stack + size) & ~uintptr_t(15)) - 2;
        top[0] = reinterpret_cast<void*>(entry);
        top[1] = nullptr;
        at = top - 6;
    }
#else
    ucontext_t at;
    void go_to(Context& other) { swapcontext(&at, &other.at); }
    void prepare(unsigned char* stack, size_t size, void (*entry)()) {
        getcontext(&at);
        at.uc_stack.ss_sp = stack;
        at.uc_stack.ss_size = size;
        at.uc_link = nullptr;
        makecontext(&at, entry, 0);
    }
#endif
};

constexpr size_t STACK = 64 * 1024;
constexpr size_t GUARD = 64;
constexpr unsigned char POISON = 0xFF;
constexpr unsigned char FENCE = 0xA5;

enum class Wait { NONE, BLOCK, WARP };

// A stack serves thread after thread: one that finishes parks it, ready to run the next.
struct Stack {
    unsigned char* memory = nullptr;
    size_t offset = 0;  // stacks of one alignment would meet in the same lines of the cache
    bool started = false;
    Context context;
};

struct Fiber {
    Stack* stack = nullptr;
    uint3 thread{0, 0, 0};
    int linear = 0;
    bool finished = false;
    Wait wait = Wait::NONE;
    unsigned mask = 0;       // the lanes that the barrier of a warp waits for
    unsigned long long slot = 0;  // what this lane gives to a shuffle
};

struct SharedBlock {
    const void* tag;
    unsigned char* memory;
    size_t size;
};

struct Machine {
    dim3 grid, block;
    uint3 block_index{0, 0, 0};
    std::vector<Fiber> fibers;
    std::vector<Stack*> stacks;
    std::vector<Stack*> free_stacks;
    Fiber* current = nullptr;
    Context scheduler;
    bool abandoned = false;
    int at_barrier = 0;  // threads that wait in __syncthreads
    int runnable = 0;    // threads that a warp operation let go after their turn in this round
    void (*body)(void*) = nullptr;
    void* arguments = nullptr;
    std::vector<int> whole_warps;  // for each warp, how many lanes wait with a full mask
    std::vector<SharedBlock> shared;
    std::vector<unsigned char> dynamic;
    size_t dynamic_size = 0;
    std::string error;
};

inline Machine the_machine;
inline Machine& machine() { return the_machine; }

inline void fail(const std::string& text) {
    if (machine().error.empty()) {
        machine().error = text;
    }
}

inline void yield() {
    Machine& m = machine();
    m.current->stack->context.go_to(m.scheduler);
}

[[noreturn]] inline void abandon() {
    // The rest of the block is given up: its stacks are begun anew by the next launch.
    machine().abandoned = true;
    yield();
    abort();
}

inline void enter() {
    Machine& m = machine();
    for (;;) {
        m.body(m.arguments);
        m.current->finished = true;
        // Comes back with another thread to run.
        yield();
    }
}

inline void resume(Fiber& fiber) {
    Machine& m = machine();
    if (fiber.stack == nullptr) {
        if (m.free_stacks.empty()) {
            Stack* made = new Stack;
            made->memory = static_cast<unsigned char*>(aligned_alloc(64, STACK));
            made->offset = m.stacks.size() * 7 % 64 * 192;
            m.stacks.push_back(made);
            m.free_stacks.push_back(made);
        }
        fiber.stack = m.free_stacks.back();
        m.free_stacks.pop_back();
        if (!fiber.stack->started) {
            fiber.stack->started = true;
            fiber.stack->context.prepare(fiber.stack->memory, STACK - fiber.stack->offset, enter);
        }
    }
    m.scheduler.go_to(fiber.stack->context);
}

inline std::string where() {
    Machine& m = machine();
    char text[96];
    snprintf(text, sizeof text, " (block %u,%u,%u, thread %d)", m.block_index.x, m.block_index.y, m.block_index.z,
             m.current ? m.current->linear : -1);
    return text;
}

inline int warp_of(const Fiber& f) { return f.linear >> 5; }

// Lets go of the threads whose barrier is complete. Returns whether any thread can run.
inline bool release() {
    Machine& m = machine();
    if (m.at_barrier == static_cast<int>(m.fibers.size())) {
        m.at_barrier = 0;
        for (Fiber& f : m.fibers) {
            f.wait = Wait::NONE;
        }
        return true;
    }
    if (m.runnable > 0) {
        return true;
    }
    const int warps = (static_cast<int>(m.fibers.size()) + 31) / 32;
    bool released = false;
    for (int warp = 0; warp < warps; ++warp) {
        const int begin = warp * 32, end = std::min<int>(begin + 32, m.fibers.size());
        for (int i = begin; i < end; ++i) {
            if (m.fibers[i].finished || m.fibers[i].wait != Wait::WARP) {
                continue;
            }
            const unsigned mask = m.fibers[i].mask;
            if (mask == 0xffffffffu) {
                continue;
            }
            unsigned arrived = 0;
            for (int j = begin; j < end; ++j) {
                const Fiber& f = m.fibers[j];
                if (!f.finished && f.wait == Wait::WARP && f.mask == mask) {
                    arrived |= 1u << (j & 31);
                }
            }
            if ((arrived & mask) == mask) {
                for (int j = begin; j < end; ++j) {
                    if (mask >> (j & 31) & 1) {
                        m.fibers[j].wait = Wait::NONE;
                    }
                }
                released = true;
            }
        }
    }
    return released;
}

inline void run_block() {
    Machine& m = machine();
    const int count = static_cast<int>(m.fibers.size());
    for (SharedBlock& s : m.shared) {
        memset(s.memory, POISON, s.size);
    }
    if (m.dynamic_size) {
        memset(m.dynamic.data() + GUARD, POISON, m.dynamic_size);
    }
    m.whole_warps.assign((count + 31) / 32, 0);
    unsigned round = m.block_index.x * 7u + m.block_index.y * 3u + m.block_index.z;
    // Every thread is visited once a round, in an order that is neither rising nor falling.
    int stride = std::max(1, static_cast<int>(count * 0.6180339887));
    while (std::__gcd(stride, count) != 1) {
        ++stride;
    }
    int left = count;
    while (left > 0) {
        int position = static_cast<int>((round * 13u + 5u) % static_cast<unsigned>(count));
        ++round;
        m.runnable = 0;
        for (int visited = 0; visited < count; ++visited, position += position + stride < count ? stride : stride - count) {
            Fiber& fiber = m.fibers[position];
            if (fiber.finished || fiber.wait != Wait::NONE) {
                continue;
            }
            m.current = &fiber;
            resume(fiber);
            if (m.abandoned) {
                return;
            }
            if (fiber.finished) {
                m.free_stacks.push_back(fiber.stack);
                fiber.stack = nullptr;
                --left;
            }
        }
        m.current = nullptr;
        if (left > 0 && !release()) {
            int block_waits = 0, warp_waits = 0;
            for (const Fiber& f : m.fibers) {
                block_waits += !f.finished && f.wait == Wait::BLOCK;
                warp_waits += !f.finished && f.wait == Wait::WARP;
            }
            char text[256];
            snprintf(text, sizeof text,
                     "a barrier that not all threads reach: of %d threads %d wait in __syncthreads, %d in a warp "
                     "operation, %d have returned (block %u,%u,%u)",
                     count, block_waits, warp_waits, count - block_waits - warp_waits, m.block_index.x,
                     m.block_index.y, m.block_index.z);
            fail(text);
            return;
        }
    }
    for (const SharedBlock& s : m.shared) {
        for (size_t i = 0; i < GUARD; ++i) {
            if (s.memory[s.size + i] != FENCE || s.memory[-static_cast<long>(i) - 1] != FENCE) {
                fail("a write beyond an array in shared memory" + where());
                return;
            }
        }
    }
    for (size_t i = 0; i < GUARD && m.dynamic_size; ++i) {
        if (m.dynamic[i] != FENCE || m.dynamic[GUARD + m.dynamic_size + i] != FENCE) {
            fail("a write beyond the dynamic shared memory" + where());
            return;
        }
    }
}

inline void* shared_memory(const void* tag, size_t size) {
    Machine& m = machine();
    for (SharedBlock& s : m.shared) {
        if (s.tag == tag) {
            return s.memory;
        }
    }
    unsigned char* whole = static_cast<unsigned char*>(aligned_alloc(64, (2 * GUARD + size + 63) / 64 * 64));
    memset(whole, FENCE, 2 * GUARD + size);
    memset(whole + GUARD, POISON, size);
    m.shared.push_back({tag, whole + GUARD, size});
    return whole + GUARD;
}

inline void* dynamic_memory() {
    Machine& m = machine();
    if (!m.dynamic_size) {
        fail("dynamic shared memory is used, but the launch gave none");
        abandon();
    }
    return m.dynamic.data() + GUARD;
}

inline void check_aligned(const void* pointer, size_t bytes) {
    if (reinterpret_cast<uintptr_t>(pointer) % std::min<size_t>(bytes, 16)) {
        fail("a vector access that is not aligned to its size" + where());
        abandon();
    }
}

inline void wait_warp(unsigned mask) {
    Machine& m = machine();
    Fiber& me = *m.current;
    if (!(mask >> (me.linear & 31) & 1)) {
        fail("a warp operation whose mask leaves out the calling lane" + where());
        abandon();
    }
    me.mask = mask;
    if (mask == 0xffffffffu && ++m.whole_warps[warp_of(me)] == 32) {
        // The last lane to come lets the others go, and goes on itself.
        m.whole_warps[warp_of(me)] = 0;
        const int begin = warp_of(me) * 32;
        for (int lane = 0; lane < 32; ++lane) {
            m.fibers[begin + lane].wait = Wait::NONE;
        }
        m.runnable = 1;
        return;
    }
    me.wait = Wait::WARP;
    yield();
}

template <typename W>
inline W read_slot(int lane) {
    Machine& m = machine();
    const int index = (warp_of(*m.current) << 5) + lane;
    if (index >= static_cast<int>(m.fibers.size())) {
        fail("a shuffle from a lane that the block does not have" + where());
        abandon();
    }
    W value;
    memcpy(&value, &m.fibers[index].slot, sizeof(W));
    return value;
}

template <typename W>
inline W shuffle(unsigned mask, W value, int source) {
    static_assert(sizeof(W) <= 8, "shuffles move up to eight bytes");
    memcpy(&machine().current->slot, &value, sizeof(W));
    wait_warp(mask);
    const W result = read_slot<W>(source);
    // Nobody overwrites his slot before all have read.
    wait_warp(mask);
    return result;
}

template <typename... A, size_t... I>
void call(void (*kernel)(A...), void** arguments, std::index_sequence<I...>) {
    kernel(*static_cast<std::remove_cv_t<A>*>(arguments[I])...);
}

template <typename... A>
struct Bound {
    void (*kernel)(A...);
    void** arguments;
    static void run(void* self) {
        Bound* bound = static_cast<Bound*>(self);
        call(bound->kernel, bound->arguments, std::index_sequence_for<A...>{});
    }
};

// Runs a grid. Returns null, or what went wrong.
template <typename... A>
const char* launch(void (*kernel)(A...), void** arguments, const unsigned* grid, const unsigned* block, size_t shared) {
    Machine& m = machine();
    Bound<A...> bound{kernel, arguments};
    m.error.clear();
    m.abandoned = false;
    m.at_barrier = 0;
    m.grid = dim3{grid[0], grid[1], grid[2]};
    m.block = dim3{block[0], block[1], block[2]};
    m.body = Bound<A...>::run;
    m.arguments = &bound;
    m.dynamic_size = shared;
    if (shared) {
        m.dynamic.assign(shared + 2 * GUARD, FENCE);
    }
    for (SharedBlock& s : m.shared) {
        free(s.memory - GUARD);
    }
    m.shared.clear();
    const unsigned threads = block[0] * block[1] * block[2];
    m.fibers.resize(threads);
    for (unsigned z = 0; z < grid[2]; ++z) {
        for (unsigned y = 0; y < grid[1]; ++y) {
            for (unsigned x = 0; x < grid[0]; ++x) {
                m.block_index = uint3{x, y, z};
                unsigned linear = 0;
                for (unsigned tz = 0; tz < block[2]; ++tz) {
                    for (unsigned ty = 0; ty < block[1]; ++ty) {
                        for (unsigned tx = 0; tx < block[0]; ++tx, ++linear) {
                            Fiber& f = m.fibers[linear];
                            f.stack = nullptr;
                            f.thread = uint3{tx, ty, tz};
                            f.linear = static_cast<int>(linear);
                            f.finished = false;
                            f.wait = Wait::NONE;
                        }
                    }
                }
                run_block();
                if (!m.error.empty()) {
                    // What waits on them is given up.
                    for (Stack* stack : m.stacks) {
                        stack->started = false;
                    }
                    m.free_stacks = m.stacks;
                    return m.error.c_str();
                }
            }
        }
    }
    return nullptr;
}

}  // namespace host

#define threadIdx (host::machine().current->thread)
#define blockIdx (host::machine().block_index)
#define blockDim (host::machine().block)
#define gridDim (host::machine().grid)
constexpr int warpSize = 32;

#define SHARED(type, name, size)       \
    static const char name##_tag = 0;  \
    type* const name = static_cast<type*>(host::shared_memory(&name##_tag, sizeof(type) * (size)))
#define SHARED_2D(type, name, rows, columns) \
    static const char name##_tag = 0;        \
    type(*const name)[columns] =             \
        static_cast<type(*)[columns]>(host::shared_memory(&name##_tag, sizeof(type) * (rows) * (columns)))
#define DYNAMIC_SHARED(type, name) type* const name = static_cast<type*>(host::dynamic_memory())
#define CHECK_ALIGNED(pointer, bytes) host::check_aligned(pointer, bytes)

inline void __syncthreads() {
    host::machine().current->wait = host::Wait::BLOCK;
    ++host::machine().at_barrier;
    host::yield();
}
inline void __syncwarp(unsigned mask = 0xffffffffu) { host::wait_warp(mask); }
inline void __threadfence() {}
inline void __threadfence_block() {}

template <typename W>
inline W __shfl_sync(unsigned mask, W value, int source, int width = 32) {
    const int lane = host::machine().current->linear & 31;
    return host::shuffle(mask, value, (lane & ~(width - 1)) + (source & (width - 1)));
}
template <typename W>
inline W __shfl_xor_sync(unsigned mask, W value, int offset, int width = 32) {
    const int lane = host::machine().current->linear & 31;
    const int source = lane ^ offset;
    return host::shuffle(mask, value, source / width == lane / width || source < lane ? source : lane);
}
template <typename W>
inline W __shfl_down_sync(unsigned mask, W value, unsigned offset, int width = 32) {
    const int lane = host::machine().current->linear & 31;
    const int source = lane + static_cast<int>(offset);
    return host::shuffle(mask, value, (lane & (width - 1)) + static_cast<int>(offset) < width ? source : lane);
}
template <typename W>
inline W __shfl_up_sync(unsigned mask, W value, unsigned offset, int width = 32) {
    const int lane = host::machine().current->linear & 31;
    const int source = lane - static_cast<int>(offset);
    return host::shuffle(mask, value, (lane & (width - 1)) >= static_cast<int>(offset) ? source : lane);
}
inline unsigned __ballot_sync(unsigned mask, int predicate) {
    host::machine().current->slot = predicate != 0;
    host::wait_warp(mask);
    unsigned result = 0;
    for (int lane = 0; lane < 32; ++lane) {
        if (mask >> lane & 1) {
            result |= static_cast<unsigned>(host::read_slot<unsigned long long>(lane) & 1) << lane;
        }
    }
    host::wait_warp(mask);
    return result;
}
inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
inline int __all_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) == mask; }

template <typename W>
inline W atomicAdd(W* target, W value) {
    const W old = *target;
    *target = old + value;
    return old;
}
template <typename W>
inline W atomicMax(W* target, W value) {
    const W old = *target;
    *target = std::max(old, value);
    return old;
}
template <typename W>
inline W atomicMin(W* target, W value) {
    const W old = *target;
    *target = std::min(old, value);
    return old;
}
template <typename W>
inline W atomicExch(W* target, W value) {
    const W old = *target;
    *target = value;
    return old;
}
template <typename W>
inline W atomicCAS(W* target, W compare, W value) {
    const W old = *target;
    if (old == compare) {
        *target = value;
    }
    return old;
}

template <typename W>
inline W __ldg(const W* source) {
    return *source;
}
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    return static_cast<unsigned long long>((static_cast<unsigned __int128>(a) * b) >> 64);
}
inline unsigned __umulhi(unsigned a, unsigned b) {
    return static_cast<unsigned>((static_cast<unsigned long long>(a) * b) >> 32);
}
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __clz(int x) { return x ? __builtin_clz(static_cast<unsigned>(x)) : 32; }
template <typename To, typename From>
inline To bits_as(From x) {
    To y;
    memcpy(&y, &x, sizeof y);
    return y;
}
inline int __float_as_int(float x) { return bits_as<int>(x); }
inline unsigned __float_as_uint(float x) { return bits_as<unsigned>(x); }
inline float __int_as_float(int x) { return bits_as<float>(x); }
inline float __uint_as_float(unsigned x) { return bits_as<float>(x); }
inline long long __double_as_longlong(double x) { return bits_as<long long>(x); }
inline double __longlong_as_double(long long x) { return bits_as<double>(x); }
inline float __fdividef(float a, float b) { return a / b; }
inline float __expf(float x) { return std::exp(x); }
inline float __logf(float x) { return std::log(x); }
inline float __frcp_rn(float x) { return 1.0f / x; }
inline float __fsqrt_rn(float x) { return std::sqrt(x); }
inline double __dsqrt_rn(double x) { return std::sqrt(x); }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fadd_rn(float a, float b) { return a + b; }
inline double __dmul_rn(double a, double b) { return a * b; }
inline double __dadd_rn(double a, double b) { return a + b; }

using std::abs;
using std::acos;
using std::cos;
using std::erf;
using std::erfc;
using std::exp;
using std::exp2;
using std::expm1;
using std::fabs;
using std::floor;
using std::fma;
using std::fmax;
using std::fmin;
using std::isfinite;
using std::isinf;
using std::isnan;
using std::log;
using std::log1p;
using std::log2;
using std::max;
using std::min;
using std::pow;
using std::sin;
using std::sqrt;
using std::tanh;
inline float rsqrt(float x) { return 1.0f / std::sqrt(x); }
inline double rsqrt(double x) { return 1.0 / std::sqrt(x); }
inline void sincospi(double x, double* s, double* c) {
    *s = std::sin(3.14159265358979323846 * x);
    *c = std::cos(3.14159265358979323846 * x);
}
inline void sincos(float x, float* s, float* c) {
    *s = std::sin(x);
    *c = std::cos(x);
}
template <typename A, typename B>
inline auto min(A a, B b) -> std::enable_if_t<!std::is_same_v<A, B>, std::common_type_t<A, B>> {
    return a < b ? a : b;
}
template <typename A, typename B>
inline auto max(A a, B b) -> std::enable_if_t<!std::is_same_v<A, B>, std::common_type_t<A, B>> {
    return a > b ? a : b;
}
