"""The libraries that thermostack is compared with, their settings, and the claimed speedups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

THERMOSTACK_NAME = "thermostack"


@dataclass(frozen=True)
class Library:
    """A library, its driver, and its settings by name."""

    name: str
    driver: str
    settings: dict[str, str]
    max_cells: float  # cells
    bytes_per_cell: float  # expected maximum
    is_direct: bool = False
    distribution: str = ""  # packages of a library called from Python


LIBRARIES = (
    Library(
        "hypre PFMG",
        "hypre",
        {
            "red-black": "method=pfmg relax=2 skip=0",
            "red-black, two sweeps": "method=pfmg relax=2 skip=0 pre=2 post=2",
            "Jacobi, no Galerkin": "method=pfmg relax=1 rap=1 skip=0",
            "red-black, three sweeps": "method=pfmg relax=2 skip=0 pre=3 post=3",
            "SMG": "method=smg",
        },
        8e6,
        800.0,
    ),
    Library(
        "hypre BoomerAMG",
        "hypre",
        {
            "HMIS, aggressive 1, 0.5": "method=boomeramg strong=0.5 aggressive=1 down=13 up=14",
            "HMIS, aggressive 1, 0.7": "method=boomeramg strong=0.7 aggressive=1 down=13 up=14",
            "HMIS, aggressive 1, 0.9": "method=boomeramg strong=0.9 aggressive=1 down=13 up=14",
            "HMIS, aggressive 2, 0.5": "method=boomeramg strong=0.5 aggressive=2 down=13 up=14",
            "HMIS, 0.25": "method=boomeramg strong=0.25 down=13 up=14",
            "HMIS, aggressive 2, 0.9": "method=boomeramg strong=0.9 aggressive=2 down=13 up=14",
        },
        8e6,
        600.0,
    ),
    Library(
        "AMGCL",
        "amgcl",
        {
            "smoothed aggregation, ILU(0)": "coarsening.type=smoothed_aggregation relax.type=ilu0",
            "smoothed aggregation, ILU(0), float32": "coarsening.type=smoothed_aggregation relax.type=ilu0 "
            "hierarchy=single",
            "smoothed aggregation 0.02, ILU(0), float32": "coarsening.type=smoothed_aggregation "
            "coarsening.aggr.eps_strong=0.02 relax.type=ilu0 hierarchy=single",
            "aggregation, ILU(0), float32": "coarsening.type=aggregation relax.type=ilu0 hierarchy=single",
            "smoothed aggregation 0.08, SPAI(0), float32": "coarsening.type=smoothed_aggregation "
            "coarsening.aggr.eps_strong=0.08 relax.type=spai0 hierarchy=single",
        },
        8e6,
        1000.0,
    ),
    Library(
        "PyAMG",
        "python",
        {
            "pairwise 3, W": "library=pyamg kind=pairwise matchings=3 cycle=W",
            "pairwise 2, V": "library=pyamg kind=pairwise matchings=2",
            "pairwise 4, V": "library=pyamg kind=pairwise matchings=4",
            "smoothed aggregation": "library=pyamg kind=smoothed theta=0",
            "classical, PMIS": "library=pyamg kind=classical theta=0.5 CF=PMIS",
        },
        8e6,
        1000.0,
        distribution="pyamg",
    ),
    Library(
        "PARDISO",
        "python",
        {"Cholesky, METIS": "library=pardiso"},
        2e6,
        7500.0,
        is_direct=True,
        distribution="pypardiso mkl",
    ),
    Library(
        "CHOLMOD",
        "python",
        {"supernodal, nested dissection": "library=cholmod"},
        5e5,
        7000.0,
        is_direct=True,
        distribution="scikit-sparse",
    ),
    Library(
        "SuperLU",
        "python",
        {"symmetric mode, minimum degree": "library=superlu"},
        2e5,
        13000.0,
        is_direct=True,
        distribution="scipy",
    ),
)
THERMOSTACK = Library(
    THERMOSTACK_NAME, "python", {"default": "library=thermostack precision=single"}, np.inf, 200.0
)
CLAIMS = (  # libraries, of which the fastest counts; size in million cells; claimed speedup
    (("hypre PFMG", "hypre BoomerAMG"), 1.84, 20.0),
    (("AMGCL",), 1.84, 50.0),
    (("PyAMG",), 1.84, 100.0),
    (("PARDISO", "CHOLMOD"), 1.84, 1000.0),
    (("SuperLU",), 0.13, 2000.0),
)
