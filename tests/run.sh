#!/bin/bash
# Runs every test: `make test` calls this. Installs what is missing if it can, else names it.
# The last line printed is `N passed, N failed, N skipped` over everything; the exit code is 0 only
# if nothing failed. A test that cannot run here says why, in the list of skipped tests.
#
#   TEST_THREADS   tests that run at a time (default 2: the live tests are processes that wait)
#   TEST_LIMIT     seconds after which the tests are stopped and count as failed (default 3600)
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/packages.sh

# What the tests use.
needs=(tcpdump:tcpdump ip:iproute2 unshare:util-linux mount:mount pkg-config:pkg-config
       valgrind:valgrind nm:binutils cc:gcc c++:g++ gcc:gcc g++:g++ clang:clang ps:procps mandoc:mandoc
       capinfos:wireshark-common tshark:tshark gzip:gzip lz4:lz4 xz:xz-utils zstd:zstd tcpslice:tcpslice
       make:make cmake:cmake ninja:ninja-build autoconf:autoconf meson:meson abidiff:abigail-tools
       "/usr/lib/*/libpcap.so.0.8:libpcap0.8" /usr/include/pcap/pcap.h:libpcap0.8-dev)

finish() {
    echo "$1 passed, $2 failed, $3 skipped"
    [ "$2" = 0 ]
    exit
}

if ! command -v cargo >/dev/null; then
    echo "cargo is missing: install Rust (https://rustup.rs or your distribution's package)"
    finish 0 1 0
fi
need "${needs[@]}" || finish 0 1 0

target=${CARGO_TARGET_DIR:-target}
export PCAP_LIB_DIR=${PCAP_LIB_DIR:-$(realpath -m "$target")/release}
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
# Where the Rust tests and the C tests put the reasons of what they skip.
export LIBPCAP_RS_SKIPS=$scratch/skips CAPI_SKIP_LOG=$scratch/skips
: >"$LIBPCAP_RS_SKIPS"
threads=--test-threads=${TEST_THREADS:-2}

if ! make build || ! cargo test --no-run; then
    finish 0 1 0
fi

# Everything; then the known gaps, which are ignored tests and must fail until they are closed.
timeout -k 10 "${TEST_LIMIT:-3600}" \
    cargo test --no-fail-fast -- "$threads" 2>&1 | tee "$scratch/tests"
status=${PIPESTATUS[0]}
if grep -Eq '^test result: .* [1-9][0-9]* ignored' "$scratch/tests"; then
    timeout -k 10 300 cargo test --no-fail-fast -- "$threads" --ignored >"$scratch/gaps" 2>&1
fi
touch "$scratch/gaps"
closed=$(grep -Ec '^test .* \.\.\. ok$' "$scratch/gaps")

sum() { grep -E '^test result:' "$scratch/tests" | grep -Eo "[0-9]+ $1" | awk '{ n += $1 } END { print n + 0 }'; }
passed=$(sum passed)
failed=$(sum failed)
ignored=$(sum ignored)
skips=$(wc -l <"$LIBPCAP_RS_SKIPS")

# A program that crashed or was stopped has no result line.
started=$(grep -Ec '^ +(Running|Doc-tests) ' "$scratch/tests")
ended=$(grep -Ec '^test result:' "$scratch/tests")
failed=$((failed + started - ended))
if [ "$status" != 0 ] && [ "$failed" = 0 ]; then
    failed=1
fi
[ "$status" != 124 ] || echo "The tests took longer than ${TEST_LIMIT:-3600} seconds and were stopped."

if [ "$closed" != 0 ]; then
    echo "Known gaps that are closed (take their #[ignore] away):"
    grep -E '^test .* \.\.\. ok$' "$scratch/gaps"
    failed=$((failed + closed))
fi
if [ "$skips" != 0 ]; then
    echo "Skipped here:"
    sort "$LIBPCAP_RS_SKIPS" | uniq -c
fi
finish $((passed - skips)) "$failed" $((ignored + skips))
