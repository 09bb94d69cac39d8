#!/usr/bin/env bash
# Shows the distribution's tcpdump capturing on this library; `make demo` runs it.
#
# Everything happens in a private network namespace: no packet leaves the machine, nothing on it is
# changed but for packages that are missing. Root or a normal user, where user namespaces are allowed.
# $PCAP_LIB_DIR names a directory with a libpcap.so that is already built.
set -euo pipefail
cd "$(dirname "$0")"
PATH=$PATH:/usr/sbin:/sbin:${HOME:-}/.cargo/bin
PACKETS=8      # that each capture waits for
PATIENCE=20    # seconds that it waits at most

heading() { printf '\n== %s\n' "$*"; }
die() { printf '\ndemo: %s\n' "$*" >&2; exit 1; }

# ---- outside: packages, build, namespace --------------------------------------------------------

install_missing() {
    local missing=()
    if [ -z "${PCAP_LIB_DIR:-}" ]; then
        command -v cargo >/dev/null || die "cargo is missing: see https://rustup.rs"
        command -v cc >/dev/null || missing+=(gcc libc6-dev)
    fi
    command -v tcpdump >/dev/null || missing+=(tcpdump)
    command -v ip >/dev/null || missing+=(iproute2)
    command -v nsenter >/dev/null || missing+=(util-linux)
    [ ${#missing[@]} -gt 0 ] || return 0

    local root=()
    if [ "$(id -u)" != 0 ]; then root=(sudo -n); fi
    command -v apt-get >/dev/null && "${root[@]}" true 2>/dev/null ||
        die "please install: ${missing[*]}"
    heading "Installing ${missing[*]}"
    local get=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq)
    "${get[@]}" install -y --no-install-recommends "${missing[@]}" >/dev/null 2>&1 ||
        # The package lists of a fresh machine are empty or old.
        { "${get[@]}" update && "${get[@]}" install -y --no-install-recommends "${missing[@]}"; } ||
        die "apt-get failed; please install: ${missing[*]}"
}

# Prints the command that starts a program in a network namespace of its own. A normal user stays
# that user inside, with capabilities: to root, tcpdump would change to its own user, which a user
# namespace does not have.
namespace_command() {
    local try
    for try in "unshare -n" "unshare -n -U --map-current-user --keep-caps"; do
        if $try true 2>/dev/null; then echo "$try"; return; fi
    done
    die "cannot make a network namespace here. Now that the library is built, run as root:
    sudo env PCAP_LIB_DIR=$1 ./demo.sh
or allow user namespaces; one of these says no: kernel.apparmor_restrict_unprivileged_userns (Ubuntu,
should be 0), kernel.unprivileged_userns_clone (should be 1), user.max_user_namespaces (not 0)."
}

outside() {
    install_missing
    if [ -z "${PCAP_LIB_DIR:-}" ]; then
        heading "Building the library"
        make build
    fi
    local lib enter
    lib=$(realpath "${PCAP_LIB_DIR:-${CARGO_TARGET_DIR:-target}/release}/libpcap.so")
    enter=$(namespace_command "$(dirname "$lib")")
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    # AppArmor confines /usr/bin/tcpdump to system libraries on some distributions; a copy is not.
    cp "$(command -v tcpdump)" "$work/tcpdump"
    $enter "$BASH" "$0" --inside "$lib" "$work"
}

# ---- inside the namespace -----------------------------------------------------------------------

run_tcpdump() { timeout "$PATIENCE" env LD_PRELOAD="$lib" "$work/tcpdump" "$@"; }

# veth0 here with 10.9.0.1, veth1 with 10.9.0.2 in a second namespace that lives as long as `sleep`.
make_pair() {
    unshare -n sleep 120 &
    peer=$!
    trap 'kill $peer 2>/dev/null || true' EXIT
    local i
    for i in {1..50}; do
        [ "$(readlink /proc/$peer/ns/net)" = "$(readlink /proc/self/ns/net)" ] || break
        sleep 0.1
    done
    # Neighbour discovery would crowd out the packets to show; a kernel without IPv6 has none.
    local no_ipv6='echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6'
    "$BASH" -c "$no_ipv6" 2>/dev/null || true
    in_peer "$BASH" -c "$no_ipv6" 2>/dev/null || true
    ip link add veth0 type veth peer name veth1 netns "$peer"
    ip addr add 10.9.0.1/24 dev veth0
    ip link set veth0 up
    ip link set lo up
    in_peer ip addr add 10.9.0.2/24 dev veth1
    in_peer ip link set veth1 up
}

in_peer() { nsenter -t "$peer" -n "$@"; }

# UDP from the other side to a closed port: each datagram is answered by an ICMP error.
traffic() {
    exec nsenter -t "$peer" -n "$BASH" -c \
        'for i in {1..60}; do echo "hello $i" >/dev/udp/10.9.0.1/9; sleep 0.25; done' 2>/dev/null
}

# Captures $PACKETS packets with these options and shows them; fails when there were none.
capture() {
    heading "tcpdump $*"
    traffic &
    local sender=$! status=0 seen
    run_tcpdump -n -l -c "$PACKETS" "$@" 2>&1 | tee "$work/out" || status=$?
    kill "$sender" 2>/dev/null || true
    wait "$sender" 2>/dev/null || true
    seen=$(grep -cE '(IP6?|ARP),? ' "$work/out" || true)
    [ "$seen" -gt 0 ] || die "no packet was seen with: tcpdump $*"
    [ "$status" = 0 ] || die "tcpdump $* ended with status $status"
    total=$((total + seen))
}

inside() {
    lib=$1 work=$2 total=0
    heading "tcpdump --version, on $lib"
    run_tcpdump --version 2>&1 | tee "$work/out"
    grep -q 'libpcap-rs' "$work/out" || die "tcpdump did not load this library"
    make_pair
    capture -i veth0
    capture -i any --immediate-mode
    heading "$total packets captured by the distribution's tcpdump on this library"
}

if [ "${1:-}" = --inside ]; then inside "$2" "$3"; else outside; fi
