#!/bin/bash
# Other people's programs on this library and on the distribution's, in a network namespace: what they
# say must be the same. `make test-consumers` calls it.
#
# usage: tests/consumers.sh DIRECTORY    where libpcap.so is
#
# Built from source against this library: Python's pcapy-ng and pypcap (scapy finds it by itself), Perl's
# Net::Pcap, the Rust crate pcap, Go's gopacket. As the distribution has them: nmap, dumpcap, tshark,
# ngrep, tcpreplay, tcprewrite, tcpslice, arp-scan. Installs what it lacks; needs package registries.
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/packages.sh
. tests/report.sh

if [ $# != 1 ]; then
    sed -n 's/^# usage/usage/p' "$0" >&2
    exit 2
fi
built=$(realpath "$1")
need nmap:nmap dumpcap:tshark tshark:tshark ngrep:ngrep tcpreplay:tcpreplay tcprewrite:tcpreplay tcpslice:tcpslice \
    arp-scan:arp-scan tcpdump:tcpdump ip:iproute2 unshare:util-linux cc:gcc c++:g++ make:make go:golang-go \
    python3:python3 prove:perl dpkg-source:dpkg-dev pkg-config:pkg-config \
    "/usr/lib/*-linux-gnu/perl/5*/CORE/perl.h:libperl-dev" "/usr/include/python3*/Python.h:python3-dev" \
    "/usr/lib/python3*/ensurepip/__init__.py:python3-venv" "/usr/lib/*/libpcap.so.0.8:libpcap0.8" \
    /usr/include/pcap/pcap.h:libpcap0.8-dev \
    /usr/share/gocode/src/github.com/google/gopacket/pcap/pcap.go:golang-github-google-gopacket-dev ||
    failed=1 finish
command -v cargo >/dev/null || { echo "cargo is missing: https://rustup.rs"; failed=1 finish; }

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix log=$work/log
make -s install CARGO=true BUILT="$built" PREFIX="$prefix" >"$log" 2>&1 || { cat "$log"; failed=1 finish; }
mkdir "$work/theirs"
ln -s "$(realpath /usr/lib/*/libpcap.so.0.8 | head -n 1)" "$work/theirs/libpcap.so.0.8"

# usage: build WHAT COMMAND...   with the compilers' own ways of saying where headers and libraries are
build() {
    local what=$1 status
    shift
    (
        export CFLAGS="-I$prefix/include" LDFLAGS="-L$prefix/lib" PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
        "$@"
    ) >"$log" 2>&1
    status=$?
    check "$what: builds" "exit $status
$(tail -n 15 "$log")" '^exit 0$'
    return $status
}

python_modules() {
    python3 -m venv "$work/venv" &&
        "$work/venv/bin/pip" install --no-binary pcapy-ng,pypcap pcapy-ng pypcap scapy
}

# From the distribution's source package, of which only the archive is needed.
net_pcap() {
    local lists=$work/apt
    mkdir -p "$lists/lists/partial" "$work/perl"
    mkdir -p "$lists/parts"
    # This machine's own sources, asked for source packages.
    local file
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
        [ ! -f "$file" ] || sed -e 's/^deb /deb-src /' -e 's/^Types:.*/Types: deb-src/' "$file" >"$lists/parts/${file##*/}"
    done
    local get=(apt-get -qq -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$lists/parts"
        -o Dir::State::Lists="$lists/lists" -o APT::Sandbox::User=root)
    # Sources of others may have no source packages.
    "${get[@]}" update 2>/dev/null
    cd "$work/perl" && "${get[@]}" source --tar-only libnet-pcap-perl &&
        tar -xf libnet-pcap-perl_*.orig.tar.* && cd Net-Pcap-* &&
        perl Makefile.PL INC="-I$prefix/include" LIBS="-L$prefix/lib -lpcap" && make &&
        ln -s "$PWD" "$work/net-pcap"
}

build "Python's pcapy-ng and pypcap" python_modules
build "Perl's Net::Pcap" net_pcap
build "Rust's crate pcap" env LIBPCAP_LIBDIR="$prefix/lib" LD_LIBRARY_PATH="$prefix/lib" \
    cargo build --locked --manifest-path tests/consumers/rust/Cargo.toml --target-dir "$(dirname "$built")/consumers"
build "Go's gopacket" env GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE="$work/go-cache" \
    CGO_CFLAGS="-I$prefix/include" CGO_LDFLAGS="-L$prefix/lib" \
    go build -o "$work/go-consumer" tests/consumers/go/consumer.go
cp "$(dirname "$built")/consumers/debug/consumer" "$work/rust-consumer"

as_root=()
[ "$(id -u)" = 0 ] || as_root=(--user --map-root-user)
unshare "${as_root[@]}" --net --mount --pid --fork --kill-child tests/consumers/run.sh "$work" "$passed" "$failed"
