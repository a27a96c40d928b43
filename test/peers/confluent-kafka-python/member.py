"""A member of a group until it is told to end by SIGTERM: see test/harness/group-member.ts."""

import json
import signal
import sys

from confluent_kafka import Consumer, KafkaException, TopicPartition

request = json.load(sys.stdin)
topic = request["topic"]
owned = set()
# Consumed, but not committed yet: commits fail during a rebalance.
pending = {}
leaving = False


def tell(event):
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def tell_owned():
    # librdkafka does not expose the generation.
    tell({"event": "owns", "generation": None, "partitions": sorted(owned)})


def assigned(_, partitions):
    owned.update(each.partition for each in partitions)
    tell_owned()


def revoked(_, partitions):
    for each in partitions:
        owned.discard(each.partition)
        pending.pop(each.partition, None)
    tell_owned()


def leave(*_):
    global leaving
    leaving = True


config = {
    "bootstrap.servers": request["bootstrap"],
    "client.id": "confluent-kafka-python",
    "group.id": request["group"],
    "enable.auto.commit": False,
    "auto.offset.reset": "earliest",
    "fetch.wait.max.ms": 100,
    "reconnect.backoff.max.ms": 500,
}
if request["protocol"] == "consumer":
    config["group.protocol"] = "consumer"
else:
    config["session.timeout.ms"] = request["sessionTimeoutMs"]
    config["heartbeat.interval.ms"] = request["heartbeatIntervalMs"]
    config["partition.assignment.strategy"] = request.get("assignor") or "range"

signal.signal(signal.SIGTERM, leave)
consumer = Consumer(config)
consumer.subscribe([topic], on_assign=assigned, on_revoke=revoked)
while not leaving:
    records = {}
    for message in consumer.consume(200, 0.1):
        if message.error() is None:
            records.setdefault(message.partition(), []).append(message.offset())
    for partition, offsets in records.items():
        tell({"event": "records", "partition": partition, "offsets": offsets})
        pending[partition] = offsets[-1] + 1
    if not pending:
        continue
    try:
        committed = [TopicPartition(topic, *each) for each in pending.items()]
        answers = consumer.commit(offsets=committed, asynchronous=False)
        done = {each.partition: each.offset for each in answers if each.error is None}
        for partition in done:
            pending.pop(partition, None)
        tell({"event": "committed", "offsets": done})
    except KafkaException as error:
        tell({"event": "failed", "error": str(error)})
consumer.close()
tell({"event": "left"})
