# SPDX-License-Identifier: MIT
#
# The parts of bench/compare.py, in the order in which they are used:
#   allocators   which libraries are compared, and what they are
#   runner       runs one program under one allocator
#   micro        the tests of suite `malloc`
#   programs     the tests of suite `workloads`
#   inputs       makes the files that the real programs work on
#   figures      medians, ratios, geometric means
#   report       the tables
#   chart        the picture
