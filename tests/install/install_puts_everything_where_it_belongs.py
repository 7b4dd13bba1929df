# SPDX-License-Identifier: MIT
"""`meson install` puts the library, the headers, tarn.pc and the man page in their places, and what
it puts there works: pkg-config finds library and headers, a program built with its flags runs with
and without the preload, and the man page formats without a warning.

Arguments: meson, the build folder, the installation's prefix, libdir, includedir and mandir, and
the C compiler.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from installation import expect, output_of, tool

HEADERS = Path(__file__).parents[2] / "src/include/tarn"

# As in README: without the preload the function is null.
PROGRAM = r"""
#include <stdio.h>
#include <tarn/malloc.h>
#include <tarn/version.h>
int main(void) { printf("%s %s\n", TARN_VERSION, tarn_version ? tarn_version() : "none"); }
"""


def main(meson, build, prefix, bindir, libdir, includedir, mandir, *compiler):
    pkg_config = tool("pkg-config", "pkg-config")
    groff = tool("groff", "groff-base")
    with tempfile.TemporaryDirectory(prefix="tarn-install-") as folder:
        staging = Path(folder)
        output_of(meson, "install", "--no-rebuild", "-C", build, "--destdir", staging / "root")
        root = staging / "root"

        installed = {f"/{path.relative_to(root)}" for path in root.rglob("*")
                     if path.is_file() and not path.is_symlink()}
        library = f"{libdir}/libtarn.so"
        manuals = [f"{mandir}/man7/tarn{topic}.7"
                   for topic in ("", "-debug", "-events", "-fail", "-harden", "-leaks", "-marks",
                                 "-state", "-trace")]
        allocators = [f"{libdir}/libtarn_alloc.a", f"{libdir}/libtarn_alloc.so.0.1.0",
                      f"{libdir}/pkgconfig/tarn_alloc.pc", f"{libdir}/cmake/tarn/tarn-config.cmake",
                      f"{libdir}/cmake/tarn/tarn-config-version.cmake"]
        headers = [f"{includedir}/tarn/{header.name}" for header in HEADERS.glob("*.h")]
        expect("installed files", sorted(installed),
               sorted({library, f"{bindir}/tarn", *manuals, f"{libdir}/pkgconfig/tarn.pc",
                       *allocators, *headers}))

        def ask(*question):
            return output_of(pkg_config, *question, "tarn", PKG_CONFIG_SYSROOT_DIR=str(root),
                             PKG_CONFIG_LIBDIR=f"{root}{libdir}/pkgconfig", PKG_CONFIG_PATH=None)

        expect("pkg-config --variable=preload", ask("--variable=preload"), f"{root}{library}")
        expect("pkg-config --variable=prefix", ask("--variable=prefix"), f"{root}{prefix}")
        expect("pkg-config --libs: nothing is linked", ask("--libs"), "")

        # Position-independent as distributions build, so that the weak reference stays one.
        (staging / "program.c").write_text(PROGRAM, encoding="utf-8")
        output_of(*compiler, *ask("--cflags").split(), "-Wall", "-Werror", "-fPIE", "-pie",
                  staging / "program.c", "-o", staging / "program")
        version = ask("--modversion")
        expect("versions without the preload", output_of(staging / "program", LD_PRELOAD=None),
               f"{version} none")
        expect("versions under the preload",
               output_of(staging / "program", LD_PRELOAD=ask("--variable=preload")),
               f"{version} {version}")

        expect("tarn --version", output_of(f"{root}{bindir}/tarn", "--version"), version)
        report = subprocess.run([staging / "program"], env={
            **os.environ, "LD_PRELOAD": f"{root}{library}", "TARN": "leaks,leaks_show=all"},
            capture_output=True, text=True, check=True).stderr
        expect("names from the installed command", " in main " in report, True)

        expect("groff's warnings about the man page",
               output_of(groff, "-man", "-Tutf8", "-ww", "-z",
                         *(f"{root}{manual}" for manual in manuals)), "")


if __name__ == "__main__":
    main(*sys.argv[1:])
