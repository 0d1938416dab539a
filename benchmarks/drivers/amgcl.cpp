// AMGCL's conjugate gradients with an AMG preconditioner, hierarchy in float64 or float32.
//
// Settings are AMGCL's own parameters, as precond.relax.type=ilu0; `hierarchy=single` stores the AMG in float32.
// Its copy of the matrix is part of the set-up, as its interface requires.
#include <boost/range.hpp>
#include <amgcl/adapter/crs_tuple.hpp>
#include <amgcl/make_solver.hpp>
#include <amgcl/runtime.hpp>
#include <amgcl/solver/cg.hpp>
#include <boost/make_shared.hpp>
#include <boost/property_tree/ptree.hpp>
#include <boost/range/iterator_range.hpp>

#include "problem.hpp"

struct Rows {
    std::vector<ptrdiff_t> starts, columns;
    Values values;

    explicit Rows(const Problem &p) {
        const int64_t plane = p.ny * p.nx, line = p.nx;
        starts.reserve(p.cells() + 1), columns.reserve(7 * p.cells()), values.reserve(7 * p.cells());
        starts.push_back(0);
        for (int64_t k = 0; k < p.nz; ++k)
            for (int64_t j = 0; j < p.ny; ++j)
                for (int64_t i = 0; i < p.nx; ++i) {
                    const int64_t row = k * plane + j * line + i;
                    const auto set = [&](int64_t column, double value) {
                        if (value != 0.0) columns.push_back(column), values.push_back(value);
                    };
                    if (k) set(row - plane, -p.z(k - 1, j, i));
                    if (j) set(row - line, -p.y(k, j - 1, i));
                    if (i) set(row - 1, -p.x(k, j, i - 1));
                    set(row, p.diagonal(k, j, i));
                    set(row + 1, -p.x(k, j, i));
                    set(row + line, -p.y(k, j, i));
                    set(row + plane, -p.z(k, j, i));
                    starts.push_back(static_cast<ptrdiff_t>(values.size()));
                }
    }
};

template <class Real>
static Run solve(const Problem &p, const Rows &a, const Task &task) {
    typedef amgcl::backend::builtin<double> Outer;
    typedef amgcl::backend::builtin<Real> Inner;
    typedef amgcl::runtime::amg<Inner> Precondition;
    boost::property_tree::ptree settings;
    for (const auto &item : task.settings)
        if (item.first != "hierarchy") settings.put(item.first, item.second);
    Run run;
    const double start = now();
    const auto rows = boost::make_tuple(static_cast<size_t>(p.cells()), boost::make_iterator_range(a.starts),
                                        boost::make_iterator_range(a.columns), boost::make_iterator_range(a.values));
    Precondition precondition(rows, settings);
    // The operator of the conjugate gradients stays in float64.
    const auto matrix = boost::make_shared<typename Outer::matrix>(rows);
    run.setup = now() - start;
    for (double tolerance : task.tolerances) {
        typename amgcl::solver::cg<Outer>::params stop(1000, tolerance);
        amgcl::solver::cg<Outer> cg(p.cells(), stop);
        typename Outer::vector rhs(p.rhs.data(), p.rhs.data() + p.rhs.size()), field(p.cells(), true);
        const double begun = now();
        const auto found = cg(*matrix, precondition, rhs, field);
        run.solve.push_back(now() - begun);
        run.iterations.push_back(static_cast<int>(boost::get<0>(found)));
        run.fields.emplace_back(field.data(), field.data() + p.cells());
    }
    return run;
}

int main(int count, char **words) {
    const Task task(count, words);
    const Problem problem(words[1]);
    reset_peak_memory();
    const int64_t before = bytes_held("VmRSS");
    const Rows rows(problem);
    const bool is_single = task.text("hierarchy", "double") == "single";
    run_all(task, before, [&] { return is_single ? solve<float>(problem, rows, task) : solve<double>(problem, rows, task); });
    return 0;
}
