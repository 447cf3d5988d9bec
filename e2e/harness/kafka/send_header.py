"""Sends one message with a header whose name is any bytes: send_header.py BROKERS TOPIC KEY VALUE NAME_IN_HEX HEADER_VALUE"""

import sys

from kafka import KafkaProducer


class Bytes(str):
    """A name that is encoded as these bytes, whatever they are."""

    def encode(self, *_):
        return bytes.fromhex(str(self))


brokers, topic, key, value, name, header = sys.argv[1:]
producer = KafkaProducer(bootstrap_servers=brokers.split(","), acks="all")
producer.send(
    topic, key=key.encode(), value=value.encode(), headers=[("before", b"1"), (Bytes(name), header.encode())]
)
producer.flush()
producer.close()
