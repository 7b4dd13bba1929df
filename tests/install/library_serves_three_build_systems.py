# SPDX-License-Identifier: MIT
"""A program that uses the allocator library builds and runs with the flags of pkg-config (shared and
static, and in C), with find_package() of CMake, and with tarn as a subproject of Meson.

Arguments: meson, the source folder, the build folder, the installation's prefix, libdir and
includedir, the C++ compiler, --, and the C compiler.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from installation import expect, output_of, tool

CONSUMERS = Path(__file__).parent / "consumers"
WANTED = "100 texts, owned"
WANTED_IN_C = "100 blocks, no error, all back"


def with_pkg_config(root, libdir, folder, compiler, c_compiler):
    def ask(*question):
        return output_of(tool("pkg-config", "pkg-config"), *question, "tarn_alloc",
                         PKG_CONFIG_SYSROOT_DIR=str(root), PKG_CONFIG_PATH=None,
                         PKG_CONFIG_LIBDIR=f"{root}{libdir}/pkgconfig").split()

    expect("pkg-config --libs", ask("--libs"), [f"-L{root}{libdir}", "-ltarn_alloc"])
    source = CONSUMERS / "consumer.cc"
    output_of(*compiler, "-std=c++20", *ask("--cflags"), source, "-o", folder / "shared",
              *ask("--libs"))
    expect("shared, by pkg-config",
           output_of(folder / "shared", LD_LIBRARY_PATH=f"{root}{libdir}"), WANTED)
    output_of(*compiler, "-std=c++20", *ask("--cflags"), source, "-o", folder / "static",
              f"{root}{libdir}/libtarn_alloc.a")
    expect("static, by its file", output_of(folder / "static", LD_LIBRARY_PATH=None), WANTED)
    output_of(*c_compiler, "-std=c11", *ask("--cflags"), CONSUMERS / "consumer.c", "-o",
              folder / "in_c", *ask("--libs"))
    expect("in C, by pkg-config",
           output_of(folder / "in_c", LD_LIBRARY_PATH=f"{root}{libdir}"), WANTED_IN_C)


def with_cmake(root, prefix, folder, compiler):
    cmake = tool("cmake", "cmake")
    shutil.copytree(CONSUMERS / "cmake", folder / "cmake")
    shutil.copy(CONSUMERS / "consumer.cc", folder / "cmake")
    output_of(cmake, "-S", folder / "cmake", "-B", folder / "cmake-build",
              f"-DCMAKE_PREFIX_PATH={root}{prefix}", f"-DCMAKE_CXX_COMPILER={compiler[-1]}")
    output_of(cmake, "--build", folder / "cmake-build")
    for program in ("consumer", "consumer_static"):
        expect(f"{program}, by find_package",
               output_of(folder / "cmake-build" / program, LD_LIBRARY_PATH=None), WANTED)


def with_meson(meson, source, folder):
    shutil.copytree(CONSUMERS / "meson", folder / "meson")
    shutil.copy(CONSUMERS / "consumer.cc", folder / "meson")
    (folder / "meson" / "subprojects").mkdir()
    (folder / "meson" / "subprojects" / "tarn").symlink_to(source)
    build = folder / "meson-build"
    output_of(meson, "setup", build, folder / "meson", "-Dtarn:tests=false", "-Dtarn:bench=false")
    for program in ("consumer", "consumer_by_name"):
        output_of(meson, "compile", "-C", build, program)
        expect(f"{program}, with a subproject", output_of(build / program, LD_LIBRARY_PATH=None),
               WANTED)


def main(meson, source, build, prefix, libdir, includedir, *compilers):
    compiler = compilers[:compilers.index("--")]
    c_compiler = compilers[compilers.index("--") + 1:]
    with tempfile.TemporaryDirectory(prefix="tarn-consumers-") as name:
        folder = Path(name)
        output_of(meson, "install", "--no-rebuild", "-C", build, "--destdir", folder / "root")
        with_pkg_config(folder / "root", libdir, folder, compiler, c_compiler)
        with_cmake(folder / "root", prefix, folder, compiler)
        with_meson(meson, source, folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
