#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Joins the members of Debian's libjemalloc_pic.a into one object that can live inside libtarn.so:
# without the C++ operators, without its constructor (it sleeps until its first call), its public
# names prefixed so that they are not taken for ours, and what it uses of libc bound to
# jemalloc_libc.cc where that matters.
#
# Usage: join_jemalloc.sh ARCHIVE OUTPUT.o
set -eu

archive=$1
output=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

(cd "$work" && ar x "$archive" && rm -f jemalloc_cpp*.o)
ld -r -o "$work/joined.o" "$work"/*.o

# Every public definition that is not already prefixed je_.
nm --defined-only --extern-only "$work/joined.o" |
    awk '$3 !~ /^je_/ { print $3 " tarn_je_" $3 }' >"$work/renames"
cat >>"$work/renames" <<'NAMES'
exp tarn_je_exp
log tarn_je_log
round tarn_je_round
_Unwind_Backtrace tarn_je_unwind_backtrace
_Unwind_GetIP tarn_je_unwind_get_ip
secure_getenv tarn_je_secure_getenv
readlink tarn_je_readlink
pthread_atfork tarn_je_pthread_atfork
dlsym tarn_je_dlsym
NAMES

objcopy --redefine-syms="$work/renames" --remove-section=.init_array \
    --remove-section=.rela.init_array "$work/joined.o" "$output"
