#!/bin/bash
# usage: tests/consumers/run.sh DIRECTORY PASSED FAILED
# The part of tests/consumers.sh that runs in namespaces of its own. DIRECTORY has what was built, and the
# two libraries. Between the interfaces "near" (10.9.0.1) and "far" (10.9.0.2, in another namespace) there
# goes a datagram every 20 ms.
set -u
. tests/report.sh
work=$1 passed=$2 failed=$3
export LC_ALL=C
mount -t proc proc /proc

unshare --net sleep 3600 &
far_pid=$!
for _ in $(seq 100); do
    [ "$(readlink /proc/$far_pid/ns/net)" = "$(readlink /proc/self/ns/net)" ] || break
    sleep 0.1
done
far() { nsenter --target "$far_pid" --net "$@"; }
ip link set lo up
ip link add near address 02:00:00:00:00:01 type veth peer name far address 02:00:00:00:00:02
ip link set far netns "$far_pid"
ip addr add 10.9.0.1/24 dev near
ip link set near up
far ip addr add 10.9.0.2/24 dev far
far ip link set far up
far ip link set lo up
# No other traffic than ours: no router solicitations, no answers to our datagrams.
far sh -c 'echo 1000000 >/proc/sys/net/ipv4/icmp_ratelimit' 2>/dev/null
far python3 -m http.server --bind 10.9.0.2 --directory "$work/theirs" 80 >/dev/null 2>&1 &
python3 tests/consumers/traffic.py 10.9.0.1 10.9.0.2 &

tcpdump -i near -U -c 10 -w "$work/sample.pcap" udp dst port 9 2>"$work/log" ||
    { cat "$work/log"; failed=$((failed + 1)); finish; }

# usage: on ours|theirs COMMAND...   runs it on that library, and looks that no other was loaded
on() {
    local dir=$work/theirs status
    [ "$1" = theirs ] || dir=$work/prefix/lib
    shift
    rm -f "$work"/ld.*
    LD_LIBRARY_PATH=$dir LD_DEBUG=libs LD_DEBUG_OUTPUT=$work/ld timeout 60 "$@" 2>&1
    status=$?
    [ "$status" = 0 ] || echo "exit $status"
    grep -h 'calling init: .*/libpcap\.so' "$work"/ld.* | sed "s|.*calling init: $dir/.*|its library|" | sort -u
}

# usage: same WHAT PATTERN COMMAND...   It says the same on both libraries, but for what $normal takes out,
# and has a match of PATTERN.
same() {
    local what=$1 pattern=$2 ours theirs
    shift 2
    theirs=$(on theirs "$@" | sed -E "${normal:-}")
    ours=$(on ours "$@" | sed -E "${normal:-}")
    check "$what" "$ours" '^its library$' "$pattern" ! '^exit ' 'calling init'
    [ "$ours" = "$theirs" ]
    check "$what as on the distribution's" "exit $?
$(diff <(echo "$theirs") <(echo "$ours"))" '^exit 0$'
}

# The devices that only the distribution's library lists (docs/deviations.md).
others='(usbmon[0-9]+|bluetooth-monitor|nflog|nfqueue|dbus-system|dbus-session)'
normal='/^#/d' same "nmap scans ports" '80/open/tcp.*22/closed/tcp|22/closed/tcp.*80/open/tcp' \
    nmap -n -sS -p 22,80 -oG - 10.9.0.2
normal='/^#/d' same "nmap scans by ARP" 'Host: 10\.9\.0\.2.*Up' nmap -n -sn -PR -oG - 10.9.0.0/29
normal='/^Starting/d; /^\*+ROUTES/,/^$/d' same "nmap lists interfaces" 'near' nmap --iflist

normal="/^[0-9]+\\. $others/d; s/^[0-9]+\\. //" same "dumpcap lists interfaces" 'near' dumpcap -D
same "dumpcap lists link types" 'EN10MB' dumpcap -L -i near
captured='rm -f "$1"; dumpcap -q -i near -c 4 -f "udp dst port 9" -P -w "$1" 2>/dev/null &&
    LD_LIBRARY_PATH= LD_DEBUG= tcpdump -n -t -r "$1" 2>/dev/null'
same "dumpcap captures" '10\.9\.0\.1\.4000 > 10\.9\.0\.2\.9: UDP, length 5' sh -c "$captured" - "$work/dumpcap.pcap"
normal='/Capturing on/d; /packets? captured/d; /^ \*\*|Running as user/d; s/^[0-9]+ //' same "tshark captures" '10.9.0.1.4000.47' \
    tshark -n -i near -c 4 -f "udp dst port 9" -T fields -e ip.src -e udp.srcport -e frame.len
same "ngrep matches" 'hello' ngrep -q -d near -n 2 hello udp dst port 9
same "ngrep reads a savefile" 'hello' ngrep -q -I "$work/sample.pcap" hello udp dst port 9
same "arp-scan finds a host" '10\.9\.0\.2.02:00:00:00:00:02' arp-scan -I near -q -x 10.9.0.0/29

sum='out=$1; shift; rm -f "$out"; "$@" >/dev/null && sha256sum "$out"'
same "tcpslice slices" ' ' sh -c "$sum" - "$work/slice.pcap" tcpslice -w "$work/slice.pcap" "$work/sample.pcap"
same "tcprewrite rewrites" ' ' sh -c "$sum" - "$work/other.pcap" \
    tcprewrite --portmap=4000:4001 -i "$work/sample.pcap" -o "$work/other.pcap"
# Sent from here, captured there. The log is there before it is looked into, and is not the last run's.
replayed=': >"$3"; LD_LIBRARY_PATH= LD_DEBUG= nsenter --target $1 --net tcpdump -n -t -e -l -i far -c 10 udp src port 4001 >"$3.out" 2>"$3" & pid=$!
    for i in $(seq 100); do grep -q "listening on" "$3" && break; sleep 0.1; done
    tcpreplay -q --mbps 10 -i near "$2" | grep -E "(Successful|Failed) packets"; wait $pid
    cat "$3.out"'
same "tcpreplay replays" '02:00:00:00:00:01 > 02:00:00:00:00:02.*10\.9\.0\.1\.4001 > 10\.9\.0\.2\.9: UDP, length 5' \
    sh -c "$replayed" - "$far_pid" "$work/other.pcap" "$work/replay.log"

python=$work/venv/bin/python
normal="s/(, )?'$others'//g" same "pcapy" "live \[b'hello', b'hello', b'hello'\]" \
    "$python" tests/consumers/python/use_pcapy.py near "$work/sample.pcap" "$work/copy.pcap"
check "pcapy copied" "$(cmp "$work/sample.pcap" "$work/copy.pcap"; echo "exit $?")" 'exit 0'
normal="s/(, )?'$others'//g" same "pypcap" "live \[b'hello', b'hello', b'hello'\]" \
    "$python" tests/consumers/python/use_pypcap.py near "$work/sample.pcap"
normal="s/(, )?'$others'//g" same "scapy" 'answer 10\.9\.0\.2 02:00:00:00:00:02' "$python" tests/consumers/python/use_scapy.py near 10.9.0.2
normal="/^device $others /d" same "the Rust program" 'live 47 Some\(\[104, 101, 108, 108, 111\]\)' \
    "$work/rust-consumer" near "$work/sample.pcap" "$work/copy2.pcap"
check "the Rust program copied" "$(cmp "$work/sample.pcap" "$work/copy2.pcap"; echo "exit $?")" 'exit 0'
normal="/^device $others /d" same "the Go program" 'live hello' "$work/go-consumer" near "$work/sample.pcap"

# Net::Pcap's own tests: which fail. On this library those, and no others, which want the texts of older
# libpcaps: of syntax errors, which go on here (docs/deviations.md), and descriptions of link types.
cd "$work/net-pcap" || { failed=$((failed + 1)); finish; }
failures='/^its library$|Failed tests?: |^Result|^exit/!d'
ours=$(on ours prove -b t)
check "Net::Pcap's tests" "$(sed -E "$failures" <<<"$ours")" '^its library$' ! '^x'
check "Net::Pcap's tests that fail" "$(grep -E '\(Wstat: [1-9]|Failed tests?:' <<<"$ours" | tr -s ' \n' ' ')" \
    '^t/09-error\.t \(Wstat: 256 \(exited 1\) Tests: 10 Failed: 1\) Failed test: 4 t/14-datalink\.t \(Wstat: 1024 \(exited 4\) Tests: 59 Failed: 4\) Failed tests: [^.]*$'
check "Net::Pcap's tests on the distribution's" "$(on theirs prove -b t | sed -E "$failures")" '^its library$' 'Result: PASS'
finish
