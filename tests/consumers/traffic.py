"""A datagram every 20 ms, the only traffic there is. usage: FROM TO"""
import socket
import sys
import time

sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.bind((sys.argv[1], 4000))
for _ in range(30000):
    sender.sendto(b"hello", (sys.argv[2], 9))
    time.sleep(0.02)
