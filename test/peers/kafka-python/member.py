"""A member of a group until it is told to end by SIGTERM: see test/harness/group-member.ts."""

import json
import signal
import sys

from kafka import ConsumerRebalanceListener, KafkaConsumer
from kafka.errors import KafkaError

request = json.load(sys.stdin)
topic = request["topic"]
leaving = False


def tell(event):
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def leave(*_):
    global leaving
    leaving = True


class Listener(ConsumerRebalanceListener):
    def on_partitions_revoked(self, revoked):
        tell({"event": "owns", "generation": None, "partitions": []})

    def on_partitions_assigned(self, assigned):
        # No public API returns the generation.
        generation = consumer._coordinator.generation()
        tell(
            {
                "event": "owns",
                "generation": generation.generation_id if generation else None,
                "partitions": sorted(each.partition for each in assigned),
            }
        )


signal.signal(signal.SIGTERM, leave)
consumer = KafkaConsumer(
    bootstrap_servers=request["bootstrap"],
    client_id="kafka-python",
    group_id=request["group"],
    enable_auto_commit=False,
    auto_offset_reset="earliest",
    session_timeout_ms=request["sessionTimeoutMs"],
    heartbeat_interval_ms=request["heartbeatIntervalMs"],
    reconnect_backoff_max_ms=500,
    fetch_max_wait_ms=100,
)
consumer.subscribe([topic], listener=Listener())
while not leaving:
    try:
        polled = consumer.poll(timeout_ms=100)
        if not polled:
            continue
        for partition, records in polled.items():
            offsets = [record.offset for record in records]
            tell({"event": "records", "partition": partition.partition, "offsets": offsets})
        after = {each.partition: records[-1].offset + 1 for each, records in polled.items()}
        consumer.commit()
        tell({"event": "committed", "offsets": after})
    except KafkaError as error:
        tell({"event": "failed", "error": repr(error)})
consumer.close(autocommit=False)
tell({"event": "left"})
