// Memory bandwidth of one thread: a = b + s c on arrays of float64, in bytes read and written per second.
//
//     stream BYTES...
//
// BYTES are the total of the three arrays. One number per line, the maximum of as many passes as fit in a second.
// After J. D. McCalpin's STREAM (1995): the read before a store is not counted.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>

int main(int count, char **words) {
    using clock = std::chrono::steady_clock;
    for (int n = 1; n < count; ++n) {
        const size_t size = std::atoll(words[n]) / 24;
        std::unique_ptr<double[]> a(new double[size]), b(new double[size]), c(new double[size]);
        std::fill_n(a.get(), size, 0.0), std::fill_n(b.get(), size, 1.0), std::fill_n(c.get(), size, 2.0);
        double fastest = 1e30, spent = 0.0;
        for (double factor = 3.0; spent < 1.0 || factor < 8.0; factor += 1.0) {
            double *__restrict to = a.get();
            const double *one = b.get(), *other = c.get();
            const auto start = clock::now();
            for (size_t i = 0; i < size; ++i) to[i] = one[i] + factor * other[i];
            asm volatile("" : : "r"(to) : "memory");  // keeps the loop
            const double seconds = std::chrono::duration<double>(clock::now() - start).count();
            fastest = std::min(fastest, seconds), spent += seconds;
        }
        std::printf("%.6g\n", 24.0 * size / fastest);
    }
    return 0;
}
