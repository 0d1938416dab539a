// hypre's conjugate gradients on a 7-point problem, preconditioned by PFMG, SMG (Struct) or BoomerAMG (ParCSR).
//
// Set-up and solution are timed, the transfer of the matrix is not. Documentation: hypre reference manual 2.26.
#include <HYPRE.h>
#include <HYPRE_krylov.h>
#include <HYPRE_parcsr_ls.h>
#include <HYPRE_struct_ls.h>
#include <mpi.h>

#include "problem.hpp"

template <class Solve>
static void repeat(const Task &task, HYPRE_Solver cg, Solve solve, Run &run) {
    for (double tolerance : task.tolerances) {
        HYPRE_PCGSetTol(cg, tolerance);
        HYPRE_Int iterations = 0;
        run.fields.emplace_back();
        const double start = now();
        solve(run.fields.back());
        run.solve.push_back(now() - start);
        HYPRE_PCGGetNumIterations(cg, &iterations);
        run.iterations.push_back(iterations);
    }
}

static void set_stopping(HYPRE_Solver cg) {
    HYPRE_PCGSetMaxIter(cg, 1000);
    HYPRE_PCGSetTwoNorm(cg, 1);  // stops on the residual, not on its product with the preconditioned one
}

// -- the structured interface ---------------------------------------------------------------------------------

struct Structured {
    HYPRE_StructGrid grid;
    HYPRE_StructStencil stencil;
    HYPRE_StructMatrix matrix;
    HYPRE_StructVector rhs, field;
    HYPRE_Int low[3] = {0, 0, 0}, high[3];

    explicit Structured(const Problem &p) {
        high[0] = p.nx - 1, high[1] = p.ny - 1, high[2] = p.nz - 1;
        HYPRE_StructGridCreate(MPI_COMM_SELF, 3, &grid);
        HYPRE_StructGridSetExtents(grid, low, high);
        HYPRE_StructGridAssemble(grid);
        HYPRE_StructStencilCreate(3, 4, &stencil);
        HYPRE_Int offsets[4][3] = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
        for (HYPRE_Int n = 0; n < 4; ++n) HYPRE_StructStencilSetElement(stencil, n, offsets[n]);
        HYPRE_StructMatrixCreate(MPI_COMM_SELF, grid, stencil, &matrix);
        HYPRE_StructMatrixSetSymmetric(matrix, 1);
        HYPRE_StructMatrixInitialize(matrix);
        Values values(4 * p.cells());
        double *value = values.data();
        for (int64_t k = 0; k < p.nz; ++k)
            for (int64_t j = 0; j < p.ny; ++j)
                for (int64_t i = 0; i < p.nx; ++i) {
                    *value++ = p.diagonal(k, j, i);
                    *value++ = -p.x(k, j, i);
                    *value++ = -p.y(k, j, i);
                    *value++ = -p.z(k, j, i);
                }
        HYPRE_Int entries[4] = {0, 1, 2, 3};
        HYPRE_StructMatrixSetBoxValues(matrix, low, high, 4, entries, values.data());
        HYPRE_StructMatrixAssemble(matrix);
        for (HYPRE_StructVector *vector : {&rhs, &field}) {
            HYPRE_StructVectorCreate(MPI_COMM_SELF, grid, vector);
            HYPRE_StructVectorInitialize(*vector);
        }
        HYPRE_StructVectorSetBoxValues(rhs, low, high, const_cast<double *>(p.rhs.data()));
        HYPRE_StructVectorAssemble(rhs);
        HYPRE_StructVectorAssemble(field);
    }
};

static Run solve_structured(const Problem &p, const Structured &s, const Task &task) {
    Run run;
    HYPRE_StructSolver multigrid, cg;
    const bool is_smg = task.text("method", "pfmg") == "smg";
    const double start = now();
    if (is_smg) {
        HYPRE_StructSMGCreate(MPI_COMM_SELF, &multigrid);
        HYPRE_StructSMGSetMaxIter(multigrid, 1);
        HYPRE_StructSMGSetTol(multigrid, 0.0);
        HYPRE_StructSMGSetZeroGuess(multigrid);
        HYPRE_StructSMGSetNumPreRelax(multigrid, task.integer("pre", 1));
        HYPRE_StructSMGSetNumPostRelax(multigrid, task.integer("post", 1));
    } else {
        HYPRE_StructPFMGCreate(MPI_COMM_SELF, &multigrid);
        HYPRE_StructPFMGSetMaxIter(multigrid, 1);
        HYPRE_StructPFMGSetTol(multigrid, 0.0);
        HYPRE_StructPFMGSetZeroGuess(multigrid);
        HYPRE_StructPFMGSetRelaxType(multigrid, task.integer("relax", 1));
        if (task.settings.count("weight")) HYPRE_StructPFMGSetJacobiWeight(multigrid, task.number("weight", 1.0));
        HYPRE_StructPFMGSetRAPType(multigrid, task.integer("rap", 0));
        HYPRE_StructPFMGSetSkipRelax(multigrid, task.integer("skip", 1));
        HYPRE_StructPFMGSetNumPreRelax(multigrid, task.integer("pre", 1));
        HYPRE_StructPFMGSetNumPostRelax(multigrid, task.integer("post", 1));
        if (task.settings.count("dx")) {
            double spacing[3] = {task.number("dx", 1.0), task.number("dy", 1.0), task.number("dz", 1.0)};
            HYPRE_StructPFMGSetDxyz(multigrid, spacing);
        }
    }
    HYPRE_StructPCGCreate(MPI_COMM_SELF, &cg);
    set_stopping(reinterpret_cast<HYPRE_Solver>(cg));
    if (is_smg)
        HYPRE_StructPCGSetPrecond(cg, HYPRE_StructSMGSolve, HYPRE_StructSMGSetup, multigrid);
    else
        HYPRE_StructPCGSetPrecond(cg, HYPRE_StructPFMGSolve, HYPRE_StructPFMGSetup, multigrid);
    HYPRE_StructPCGSetup(cg, s.matrix, s.rhs, s.field);
    run.setup = now() - start;
    repeat(task, reinterpret_cast<HYPRE_Solver>(cg), [&](Values &field) {
        HYPRE_StructVectorSetConstantValues(s.field, 0.0);
        HYPRE_StructPCGSolve(cg, s.matrix, s.rhs, s.field);
        field.resize(p.cells());
        HYPRE_Int low[3] = {0, 0, 0}, high[3] = {s.high[0], s.high[1], s.high[2]};
        HYPRE_StructVectorGetBoxValues(s.field, low, high, field.data());
    }, run);
    HYPRE_StructPCGDestroy(cg);
    is_smg ? HYPRE_StructSMGDestroy(multigrid) : HYPRE_StructPFMGDestroy(multigrid);
    return run;
}

// -- the sparse-matrix interface ---------------------------------------------------------------------------

struct Sparse {
    HYPRE_IJMatrix matrix;
    HYPRE_IJVector rhs, field;
    HYPRE_ParCSRMatrix rows;
    HYPRE_ParVector rhs_values, field_values;
    std::vector<HYPRE_Int> numbers;

    explicit Sparse(const Problem &p) : numbers(p.cells()) {
        const HYPRE_Int last = p.cells() - 1;
        HYPRE_IJMatrixCreate(MPI_COMM_SELF, 0, last, 0, last, &matrix);
        HYPRE_IJMatrixSetObjectType(matrix, HYPRE_PARCSR);
        std::vector<HYPRE_Int> sizes(p.cells(), 7);
        HYPRE_IJMatrixSetRowSizes(matrix, sizes.data());
        HYPRE_IJMatrixInitialize(matrix);
        const HYPRE_Int plane = p.ny * p.nx, line = p.nx;
        for (int64_t k = 0; k < p.nz; ++k)
            for (int64_t j = 0; j < p.ny; ++j)
                for (int64_t i = 0; i < p.nx; ++i) {
                    HYPRE_Int row = k * plane + j * line + i, count = 0, columns[7];
                    double values[7];
                    const auto set = [&](HYPRE_Int column, double value) {
                        if (value != 0.0) columns[count] = column, values[count++] = value;
                    };
                    set(row, p.diagonal(k, j, i));
                    if (k) set(row - plane, -p.z(k - 1, j, i));
                    if (j) set(row - line, -p.y(k, j - 1, i));
                    if (i) set(row - 1, -p.x(k, j, i - 1));
                    set(row + 1, -p.x(k, j, i));
                    set(row + line, -p.y(k, j, i));
                    set(row + plane, -p.z(k, j, i));
                    HYPRE_IJMatrixSetValues(matrix, 1, &count, &row, columns, values);
                }
        HYPRE_IJMatrixAssemble(matrix);
        HYPRE_IJMatrixGetObject(matrix, reinterpret_cast<void **>(&rows));
        for (HYPRE_Int n = 0; n <= last; ++n) numbers[n] = n;
        for (HYPRE_IJVector *vector : {&rhs, &field}) {
            HYPRE_IJVectorCreate(MPI_COMM_SELF, 0, last, vector);
            HYPRE_IJVectorSetObjectType(*vector, HYPRE_PARCSR);
            HYPRE_IJVectorInitialize(*vector);
            HYPRE_IJVectorSetValues(*vector, last + 1, numbers.data(), p.rhs.data());
            HYPRE_IJVectorAssemble(*vector);
        }
        HYPRE_IJVectorGetObject(rhs, reinterpret_cast<void **>(&rhs_values));
        HYPRE_IJVectorGetObject(field, reinterpret_cast<void **>(&field_values));
    }
};

static Run solve_sparse(const Problem &p, const Sparse &s, const Task &task) {
    Run run;
    HYPRE_Solver multigrid, cg;
    const double start = now();
    HYPRE_BoomerAMGCreate(&multigrid);
    HYPRE_BoomerAMGSetMaxIter(multigrid, 1);
    HYPRE_BoomerAMGSetTol(multigrid, 0.0);
    HYPRE_BoomerAMGSetCoarsenType(multigrid, task.integer("coarsen", 10));
    HYPRE_BoomerAMGSetInterpType(multigrid, task.integer("interp", 6));
    HYPRE_BoomerAMGSetPMaxElmts(multigrid, task.integer("pmax", 4));
    HYPRE_BoomerAMGSetTruncFactor(multigrid, task.number("trunc", 0.0));
    HYPRE_BoomerAMGSetStrongThreshold(multigrid, task.number("strong", 0.25));
    HYPRE_BoomerAMGSetAggNumLevels(multigrid, task.integer("aggressive", 0));
    HYPRE_BoomerAMGSetAggInterpType(multigrid, task.integer("agginterp", 4));
    HYPRE_BoomerAMGSetRelaxType(multigrid, task.integer("relax", 13));
    if (task.settings.count("down")) {
        HYPRE_BoomerAMGSetCycleRelaxType(multigrid, task.integer("down", 13), 1);
        HYPRE_BoomerAMGSetCycleRelaxType(multigrid, task.integer("up", 14), 2);
        HYPRE_BoomerAMGSetCycleRelaxType(multigrid, 9, 3);
    }
    HYPRE_BoomerAMGSetRelaxOrder(multigrid, task.integer("order", 0));
    HYPRE_BoomerAMGSetNumSweeps(multigrid, task.integer("sweeps", 1));
    HYPRE_BoomerAMGSetKeepTranspose(multigrid, task.integer("transpose", 1));
    HYPRE_ParCSRPCGCreate(MPI_COMM_SELF, &cg);
    set_stopping(cg);
    HYPRE_PCGSetPrecond(cg, reinterpret_cast<HYPRE_PtrToSolverFcn>(HYPRE_BoomerAMGSolve),
                        reinterpret_cast<HYPRE_PtrToSolverFcn>(HYPRE_BoomerAMGSetup), multigrid);
    HYPRE_ParCSRPCGSetup(cg, s.rows, s.rhs_values, s.field_values);
    run.setup = now() - start;
    repeat(task, cg, [&](Values &field) {
        HYPRE_ParVectorSetConstantValues(s.field_values, 0.0);
        HYPRE_ParCSRPCGSolve(cg, s.rows, s.rhs_values, s.field_values);
        field.resize(p.cells());
        HYPRE_IJVectorGetValues(s.field, p.cells(), s.numbers.data(), field.data());
    }, run);
    HYPRE_ParCSRPCGDestroy(cg);
    HYPRE_BoomerAMGDestroy(multigrid);
    return run;
}

int main(int count, char **words) {
    if (count == 2 && !std::strcmp(words[1], "--version")) {
        std::puts(HYPRE_RELEASE_VERSION);
        return 0;
    }
    MPI_Init(nullptr, nullptr);
    HYPRE_Init();
    const Task task(count, words);
    const Problem problem(words[1]);
    reset_peak_memory();
    const int64_t before = bytes_held("VmRSS");
    const bool is_sparse = task.text("method", "pfmg") == "boomeramg";
    const Sparse *sparse = is_sparse ? new Sparse(problem) : nullptr;
    const Structured *structured = is_sparse ? nullptr : new Structured(problem);
    run_all(task, before, [&] {
        const Run run = is_sparse ? solve_sparse(problem, *sparse, task) : solve_structured(problem, *structured, task);
        HYPRE_ClearAllErrors();  // the caller checks the residual of the solution
        return run;
    });
    HYPRE_Finalize();
    MPI_Finalize();
    return 0;
}
