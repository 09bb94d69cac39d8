"""What pcapy finds: devices, a savefile, a copy of it, a live capture. usage: INTERFACE SAVEFILE COPY"""
import sys

import pcapy

interface, savefile, copy = sys.argv[1:]
print("devices", sorted(pcapy.findalldevs()))
reader = pcapy.open_offline(savefile)
reader.setfilter("udp dst port 9")
dumper = reader.dump_open(copy)
lengths = []


def take(header, data):
    lengths.append((header.getlen(), header.getcaplen(), len(data)))
    dumper.dump(header, data)


print("read", reader.loop(0, take), reader.datalink(), lengths)
del dumper
try:
    reader.setfilter("nonsense (")
except pcapy.PcapError as error:
    print("refused", "syntax error" in str(error))
live = pcapy.open_live(interface, 65535, 1, 100)
print("net", live.getnet(), live.getmask(), live.datalink(), live.getnonblock())
live.setfilter("udp dst port 9 and src port 4000")
packets = []
while len(packets) < 3:
    header, data = live.next()
    if header:
        packets.append(data[-5:])
print("live", packets)
