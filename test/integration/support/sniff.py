"""Writes every packet of an interface to standard output, raw, one after another, until it is ended. Says on standard error when it begins."""
import socket
import sys

sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
sniffer.bind((sys.argv[1], 0))
print("sniffing", file=sys.stderr, flush=True)
while True:
    sys.stdout.buffer.write(sniffer.recv(65535))
    sys.stdout.buffer.flush()
