#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Promise: each kind of misuse has the report that a file of expected/ shows, word by word, and ends
# the program as it shows.

import sys

from reports import check_texts

LIBRARY, SUBJECT, EXPECTED = sys.argv[1:4]

check_texts(LIBRARY, SUBJECT, EXPECTED)
