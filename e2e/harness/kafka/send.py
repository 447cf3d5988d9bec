"""Sends the lines of standard input, each `key<TAB>value`, to a topic, with the client kafka-python: send.py BROKERS TOPIC"""

import sys

from kafka import KafkaProducer

producer = KafkaProducer(bootstrap_servers=sys.argv[1].split(","), acks="all")
for line in sys.stdin.buffer:
    key, _, value = line.rstrip(b"\n").partition(b"\t")
    producer.send(sys.argv[2], key=key or None, value=value)
producer.flush()
producer.close()
