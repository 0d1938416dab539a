"""Build of the compiled kernels: ext/FOLDER/NAME.pyx becomes the module thermostack.FOLDER._NAME.

The metadata of the package is in pyproject.toml. With `THERMOSTACK_CHECK_KERNELS=1` the kernels check every
index and every integer operation. `CFLAGS` is added to the compiler flags.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CCompilerError

IS_CHECKED = os.environ.get("THERMOSTACK_CHECK_KERNELS", "0") not in ("", "0")

# Contraction into fused multiply-adds is off, so that results do not depend on the processor.
# No flag requires a processor newer than the oldest of the platform.
COMMON_FLAGS = ["-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]
FAST_FLAGS = ["-O3"]
CHECKED_FLAGS = ["-O1", "-g", "-UNDEBUG"]
FLAGS_FILE = Path("build", "kernels", "flags.json")
OPENMP_FLAG = "-fopenmp"
OPENMP_PROGRAM = """
#include <omp.h>
int main(void) { return omp_get_max_threads() < 1; }
"""

# A kernel file that sets one of these itself would disable the checked build; tests/project/test_project.py
# refuses such files. Negative indices do not count from the end: the checked build reports them as errors.
DIRECTIVES = {
    "language_level": 3,
    "cdivision": True,
    "wraparound": False,
    "boundscheck": IS_CHECKED,
    "initializedcheck": IS_CHECKED,
    "overflowcheck": IS_CHECKED,
}


class BuildKernels(build_ext):
    """Build command that rebuilds changed kernels, and all kernels when the compiler flags change."""

    def finalize_options(self) -> None:
        """Set the options that do not depend on the compiler."""
        super().finalize_options()
        if self.distribution.ext_modules:
            import numpy

            self.include_dirs += [numpy.get_include(), "ext"]
        if self.parallel is None:
            self.parallel = os.cpu_count()  # compilers at a time

    def build_extensions(self) -> None:
        """Build the kernels with the flags that this compiler supports."""
        openmp = [OPENMP_FLAG] if self.has_openmp() else []
        if not openmp:
            print("thermostack: this compiler has no OpenMP; the kernels will run on one thread")
        own = CHECKED_FLAGS if IS_CHECKED else FAST_FLAGS
        for kernel in self.extensions:
            kernel.extra_compile_args = [*COMMON_FLAGS, *own, *openmp]
            kernel.extra_link_args = openmp
        flags = self.flags()
        self.build_temp = str(FLAGS_FILE.parent / hashlib.sha256(flags.encode()).hexdigest()[:12])
        # setuptools compares modules with their sources only, so the flags are a source file too.
        if not FLAGS_FILE.is_file() or FLAGS_FILE.read_text() != flags:
            FLAGS_FILE.parent.mkdir(parents=True, exist_ok=True)
            FLAGS_FILE.write_text(flags)
        for kernel in self.extensions:
            kernel.depends = [*kernel.depends, str(FLAGS_FILE)]
        from Cython.Build import cythonize

        # Cython translates one file after the other, and `parallel` compilers then run at the same time.
        translated = cythonize(
            self.extensions,
            compiler_directives=DIRECTIVES,
            build_dir=self.build_temp,
            force=self.force,
            quiet=True,
        )
        for kernel, in_c in zip(self.extensions, translated, strict=True):
            kernel.sources = in_c.sources
        super().build_extensions()

    def copy_file(self, infile: str, outfile: str, *args: object, **kwargs: object) -> object:
        """Copy a file and unlink the old one first, so that processes that have it loaded keep it."""
        Path(outfile).unlink(missing_ok=True)
        return super().copy_file(infile, outfile, *args, **kwargs)

    def has_openmp(self) -> bool:
        """Return whether a program with OpenMP compiles and links to a shared library."""
        with tempfile.TemporaryDirectory() as folder:
            source, library = Path(folder, "probe.c"), Path(folder, "probe.so")
            source.write_text(OPENMP_PROGRAM)
            flags = {"extra_postargs": [OPENMP_FLAG]}
            try:
                objects = self.compiler.compile([str(source)], output_dir=folder, **flags)
                self.compiler.link_shared_object(objects, str(library), **flags)
            except CCompilerError:
                return False
        return True

    def flags(self) -> str:
        """Return all inputs of the build except the sources, as JSON."""
        import Cython
        import numpy

        return json.dumps(
            {
                "directives": DIRECTIVES,
                "compile": [kernel.extra_compile_args for kernel in self.extensions],
                "link": [kernel.extra_link_args for kernel in self.extensions],
                "command": self.compiler.compiler_so,
                "environment": {name: os.environ.get(name, "") for name in ("CFLAGS", "CPPFLAGS", "LDFLAGS")},
                "versions": [sys.version, Cython.__version__, numpy.__version__],
            },
            indent=1,
        )


def kernels() -> list[Extension]:
    """Return one extension module per kernel file."""
    return [
        Extension(f"thermostack.{path.parent.name}._{path.stem}", [path.as_posix()], depends=headers_of(path))
        for path in sorted(Path("ext").glob("*/*.pyx"))
    ]


def headers_of(kernel: Path) -> list[str]:
    """Return the files that a kernel may include: those of its own folder and of ext/ itself."""
    own = [path for pattern in ("*.h", "*.pxd", "*.pxi") for path in kernel.parent.glob(pattern)]
    return sorted(path.as_posix() for path in (*Path("ext").glob("*.h"), *own))


setup(ext_modules=kernels(), cmdclass={"build_ext": BuildKernels})
