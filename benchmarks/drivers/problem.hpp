// Input and output of the drivers: one conductance per face, the right-hand side, and the settings.
//
//     driver PROBLEM ANSWERS REPEAT TOLERANCE[,TOLERANCE...] [KEY=VALUE ...]
//
// PROBLEM contains nz, ny, nx (int64), then g_x, g_y, g_z, boundary and rhs (float64, x fastest), then dx and dy.
// One line of JSON per run goes to standard output; the solutions of the last run, a field per tolerance, go to
// ANSWERS. There are REPEAT runs, fewer where they take more than MAX_TOTAL_SECONDS.
#pragma once
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

using Values = std::vector<double>;

constexpr double MAX_TOTAL_SECONDS = 60.0;  // s

struct Problem {
    int64_t nz, ny, nx;
    Values g_x, g_y, g_z, boundary, rhs;

    explicit Problem(const char *path) {
        std::ifstream file(path, std::ios::binary);
        if (!file) throw std::runtime_error(std::string("cannot read ") + path);
        file.read(reinterpret_cast<char *>(&nz), 8).read(reinterpret_cast<char *>(&ny), 8);
        file.read(reinterpret_cast<char *>(&nx), 8);
        read(file, g_x, nz * ny * (nx - 1));
        read(file, g_y, nz * (ny - 1) * nx);
        read(file, g_z, (nz - 1) * ny * nx);
        read(file, boundary, cells());
        read(file, rhs, cells());
    }

    int64_t cells() const { return nz * ny * nx; }

    // Conductance to the next cell along x, y or z, zero behind the last.
    double x(int64_t k, int64_t j, int64_t i) const { return i + 1 < nx ? g_x[(k * ny + j) * (nx - 1) + i] : 0.0; }
    double y(int64_t k, int64_t j, int64_t i) const { return j + 1 < ny ? g_y[(k * (ny - 1) + j) * nx + i] : 0.0; }
    double z(int64_t k, int64_t j, int64_t i) const { return k + 1 < nz ? g_z[(k * ny + j) * nx + i] : 0.0; }

    double diagonal(int64_t k, int64_t j, int64_t i) const {
        return boundary[(k * ny + j) * nx + i] + x(k, j, i) + y(k, j, i) + z(k, j, i) + (i ? x(k, j, i - 1) : 0.0) +
               (j ? y(k, j - 1, i) : 0.0) + (k ? z(k - 1, j, i) : 0.0);
    }

private:
    static void read(std::ifstream &file, Values &values, int64_t count) {
        values.resize(count);
        if (!file.read(reinterpret_cast<char *>(values.data()), 8 * count)) throw std::runtime_error("problem cut off");
    }
};

struct Task {
    std::string answers;
    int repeat;
    std::vector<double> tolerances;
    std::map<std::string, std::string> settings;

    Task(int count, char **words) {
        if (count < 5) throw std::runtime_error("driver PROBLEM ANSWERS REPEAT TOLERANCES [KEY=VALUE ...]");
        answers = words[2];
        repeat = std::atoi(words[3]);
        for (char *word = std::strtok(words[4], ","); word; word = std::strtok(nullptr, ","))
            tolerances.push_back(std::atof(word));
        for (int n = 5; n < count; ++n) {
            const std::string word(words[n]);
            const size_t sign = word.find('=');
            settings[word.substr(0, sign)] = word.substr(sign + 1);
        }
    }

    std::string text(const char *key, const char *otherwise) const {
        const auto found = settings.find(key);
        return found == settings.end() ? otherwise : found->second;
    }
    double number(const char *key, double otherwise) const {
        const auto found = settings.find(key);
        return found == settings.end() ? otherwise : std::atof(found->second.c_str());
    }
    int integer(const char *key, int otherwise) const { return static_cast<int>(number(key, otherwise)); }
};

inline double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Maximum memory so far ("VmHWM") or present memory ("VmRSS") in bytes.
inline int64_t bytes_held(const char *row) {
    std::ifstream file("/proc/self/status");
    for (std::string line; std::getline(file, line);)
        if (line.compare(0, std::strlen(row), row) == 0) return 1024 * std::atoll(line.c_str() + std::strlen(row) + 1);
    return 0;
}

inline void reset_peak_memory() { std::ofstream("/proc/self/clear_refs") << "5"; }

// Result of one run: the time of the set-up, then of each solution, and its iterations.
struct Run {
    double setup = 0.0;
    std::vector<double> solve;
    std::vector<int> iterations;
    std::vector<Values> fields;
};

inline double sum(const std::vector<double> &values) {
    double total = 0.0;
    for (double value : values) total += value;
    return total;
}

inline void print(const Run &run, int64_t bytes) {
    std::printf("{\"setup_s\": %.6f, \"bytes\": %lld, \"solve_s\": [", run.setup, static_cast<long long>(bytes));
    for (size_t n = 0; n < run.solve.size(); ++n) std::printf("%s%.6f", n ? ", " : "", run.solve[n]);
    std::printf("], \"iterations\": [");
    for (size_t n = 0; n < run.iterations.size(); ++n) std::printf("%s%d", n ? ", " : "", run.iterations[n]);
    std::printf("]}\n");
    std::fflush(stdout);
}

inline void save(const Run &run, const std::string &path) {
    std::ofstream file(path, std::ios::binary);
    for (const Values &field : run.fields) file.write(reinterpret_cast<const char *>(field.data()), 8 * field.size());
}

// Runs REPEAT times, until the time limit.
template <class Work>
void run_all(const Task &task, int64_t bytes_before, Work work) {
    Run run;
    double spent = 0.0;
    for (int n = 0; n < task.repeat && spent < MAX_TOTAL_SECONDS; ++n) {
        run = Run();  // frees the memory of the last one
        run = work();
        spent += run.setup + sum(run.solve);
        print(run, bytes_held("VmHWM") - bytes_before);
    }
    save(run, task.answers);
}
