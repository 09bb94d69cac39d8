"""What pypcap finds: devices, a savefile, a live capture. usage: INTERFACE SAVEFILE"""
import sys

import pcap

interface, savefile = sys.argv[1:]
print("devices", sorted(pcap.findalldevs()))
reader = pcap.pcap(savefile)
reader.setfilter("udp dst port 9")
print("read", reader.datalink(), reader.snaplen, [(time, len(packet)) for time, packet in reader])
live = pcap.pcap(interface, timeout_ms=100, immediate=True)
live.setfilter("udp dst port 9 and src port 4000")
packets = []
while len(packets) < 3:
    live.dispatch(1, lambda time, packet: packets.append(bytes(packet[-5:])))
print("live", packets, live.stats()[1:])
