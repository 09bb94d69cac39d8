"""What scapy sends and receives by libpcap. usage: INTERFACE PEER"""
import sys

from scapy.config import conf

conf.use_pcap = True
from scapy.all import ARP, Ether, IP, UDP, get_if_list, sniff, srp1  # noqa: E402
from scapy.arch.common import compile_filter  # noqa: E402

interface, peer = sys.argv[1:]
print("sockets", conf.L2listen.__name__, conf.L2socket.__name__)
print("devices", sorted(get_if_list()))
print("program", compile_filter("udp", linktype=1).bf_len > 3)
packets = sniff(iface=interface, filter="udp dst port 9 and src port 4000", count=3, timeout=20)
print("live", [(p[IP].src, p[IP].dst, p[UDP].dport, bytes(p[UDP].payload)) for p in packets])
answer = srp1(Ether(dst="ff:ff:ff:ff:ff:ff") / ARP(pdst=peer), iface=interface, timeout=20, verbose=0)
print("answer", answer[ARP].psrc, answer[ARP].hwsrc)
