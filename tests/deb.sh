#!/bin/bash
# Installs the Debian packages in a throw-away root, in place of the distribution's libpcap, and looks
# whether apt is content and programs use them; then the other way round. `make test-deb` calls it,
# after `make deb`. Needs root, debootstrap and a mirror; changes nothing outside target/.
#
#   tests/deb.sh DIRECTORY    where the packages are; the root that everything starts from is kept there
#   DEB_SUITE, DEB_MIRROR     another release than this machine's, another mirror than debootstrap's
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/packages.sh
. tests/report.sh
packages=$(realpath "$1")
# shellcheck disable=SC1091 # not in this repository
suite=${DEB_SUITE:-$(. /etc/os-release && echo "$VERSION_CODENAME")}

if [ "$(id -u)" != 0 ]; then
    echo "Only root can make a throw-away root: sudo make test-deb"
    failed=1 finish
fi
need debootstrap:debootstrap lintian:lintian unshare:util-linux || failed=1 finish

base=$packages/root-$suite.tar
if [ ! -e "$base" ]; then
    echo "Making a root with $suite"
    fresh=$(mktemp -d)
    # With the distribution's libpcap, and what is needed to build programs.
    # shellcheck disable=SC2086 # the mirror may be left out
    if ! debootstrap --variant=minbase \
        --include=tcpdump,iproute2,libpcap-dev,gcc,libc6-dev,pkg-config,dpkg-dev,man-db \
        "$suite" "$fresh" ${DEB_MIRROR:-} >"$packages/debootstrap.log" 2>&1; then
        tail -n 5 "$packages/debootstrap.log"
        rm -rf "$fresh"
        failed=1 finish
    fi
    tar -C "$fresh" -cf "$base.part" . && mv "$base.part" "$base"
    rm -rf "$fresh"
fi
root=$(mktemp -d) || exit 1
trap 'rm -rf "$root"' EXIT
tar -C "$root" -xf "$base" || exit 1
mkdir "$root/packages"
cp "$packages"/libpcap-rs0.8_*.deb "$root/packages/runtime.deb"
cp "$packages"/libpcap-rs-dev_*.deb "$root/packages/dev.deb"
cp capi-tests/consumer.c "$root/packages/"
cp /etc/resolv.conf "$root/etc/resolv.conf"

# Runs a command in the root, in process and mount namespaces of its own: nothing of it stays.
inside() {
    # shellcheck disable=SC2016 # for the inner shell
    unshare --mount --pid --fork --kill-child sh -c 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"' \
        "$root" env LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@" 2>&1
}
apt() { inside apt-get -qq -o=Dpkg::Use-Pty=0 "$@"; }

# The installed packages that have something to do with libpcap, each after a comma.
installed() {
    # shellcheck disable=SC2016 # for dpkg-query
    inside dpkg-query -Wf '${Package} ${db:Status-Status}\n' | sed -En 's/^(.*pcap.*|tcpdump|ngrep) installed$/,\1/p' |
        tr -d '\n'
    echo ,
}

check "lintian finds no error" "$(lintian --allow-root "$packages"/libpcap-rs*.deb 2>&1; echo "exit $?")" \
    'exit 0' ! '^E: '
check "the distribution's library comes first" "$(inside tcpdump --version)" 'libpcap version' ! 'libpcap-rs'
apt update >/dev/null

check "apt installs both packages" "$(apt install -y /packages/{runtime,dev}.deb; echo "exit $?")" 'exit 0'
check "they took the place of the distribution's" "$(installed)" \
    ',libpcap-rs0\.8,' ',libpcap-rs-dev,' ',tcpdump,' ! ',libpcap0\.8(t64)?,' ',libpcap(0\.8)?-dev,'
check "apt and dpkg are content" "$(apt check; echo "exit $?"; inside dpkg --audit; echo "exit $?")" '^exit 0$' ! '^[^e]'
check "no file was changed" "$(inside dpkg --verify libpcap-rs0.8 libpcap-rs-dev tcpdump; echo "exit $?")" '^exit 0$' ! '^[^e]'
check "nothing wants to bring it back" "$(apt -s dist-upgrade; echo "exit $?")" 'exit 0' ! 'pcap'
check "tcpdump is on the library" "$(inside tcpdump --version)" 'libpcap version 1\.10\.6 \(libpcap-rs'
check "tcpdump compiles" "$(inside tcpdump -y EN10MB -d tcp port 80)" 'ldh +\[12\]' 'ret +#0'
# shellcheck disable=SC2016 # for the inner shell
capture='ip link set lo up; tcpdump -i lo -U -c 2 -w /tmp/lo.pcap udp or icmp 2>/tmp/log & pid=$!
    for i in $(seq 100); do grep -q listening /tmp/log && break; sleep 0.1; done
    echo hello >/dev/udp/127.0.0.1/9; for i in $(seq 100); do kill -0 $pid || break; sleep 0.1; done
    kill $pid; cat /tmp/log'
check "tcpdump captures on lo" "$(inside unshare --net bash -c "$capture")" '^2 packets captured'
check "tcpdump reads that" "$(inside tcpdump -n -r /tmp/lo.pcap)" 'IP 127\.0\.0\.1\.[0-9]+ > 127\.0\.0\.1\.9: UDP, length 6' 'ICMP'

# What is built with the packages.
# shellcheck disable=SC2016 # for the inner shell
build='cc -o /tmp/dynamic /packages/consumer.c $(pkg-config --cflags --libs libpcap) &&
    cc -static -o /tmp/static /packages/consumer.c $(pkg-config --static --cflags --libs libpcap) &&
    cc -o /tmp/config /packages/consumer.c $(pcap-config --cflags --libs) && /tmp/dynamic && /tmp/static && /tmp/config'
check "programs build and run" "$(inside sh -c "$build" | uniq -c)" '1 EN10MB' '^ +1 libpcap version 1\.10\.6' ! 'rror'
check "pcap-config names no directory" "$(inside pcap-config --libs)" '^-lpcap$'
# shellcheck disable=SC2016 # for the inner shell
depends='mkdir -p /tmp/p/debian && cd /tmp/p && echo "Source: p" >debian/control && dpkg-shlibdeps -O "$1"'
check "they can be packaged for both" "$(inside sh -c "$depends" - /tmp/dynamic)" 'libpcap0\.8 \(>= 1\.10\.0\)' ! 'libpcap-rs'
echo 'int main(void) { return pcap_setsampling(0) != 0; }' >"$root/packages/remote.c"
inside cc -w -include pcap.h -DPCAP_REMOTE -o /tmp/remote /packages/remote.c -lpcap
check "or for this one, where the other will not do" "$(inside sh -c "$depends" - /tmp/remote)" 'libpcap-rs0\.8 \(>= 0'
check "man finds the pages" "$(inside sh -c 'man -w pcap_dispatch && man 7 pcap-filter && man pcap_dispatch')" \
    '^/usr/share/man/man3/pcap_(dispatch|loop)\.3pcap\.gz' 'libpcap-rs' 'gateway' 'pcap_loop, pcap_dispatch'

check "a program that needs libpcap0.8 installs" "$(apt install -y --no-install-recommends ngrep; echo "exit $?")" 'exit 0'
check "and brings no other" "$(installed)" ',ngrep,' ',libpcap-rs0\.8,' ! ',libpcap0\.8(t64)?,'
check "and works" "$(inside ngrep -q -I /tmp/lo.pcap hello udp)" 'hello'

check "the distribution's packages take their place back" "$(apt install -y libpcap-dev; echo "exit $?")" 'exit 0'
check "and only theirs are there" "$(installed)" ',libpcap0\.8(t64)?,' ',libpcap-dev,' ',tcpdump,' ',ngrep,' ! ',libpcap-rs'
check "no file stays" "$(inside sh -c 'ls /usr/lib/*/libpcap.* /usr/share/doc')" 'libpcap\.a' ! '1\.10\.6' 'libpcap-rs'
check "tcpdump is on the distribution's" "$(inside tcpdump --version)" 'libpcap version' ! 'libpcap-rs'
finish
