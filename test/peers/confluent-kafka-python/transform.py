"""Reads one request as JSON from standard input: see test/interop/transactions-suite.ts."""

import json
import sys

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

LIMIT_S = 20


class Mover:
    def __init__(self, request):
        self.request = request
        self.aborted = set()
        self.moved = 0

    def run(self):
        while self.moved < self.request["count"]:
            try:
                self.session()
            except KafkaException as error:
                print(error, file=sys.stderr)

    def session(self):
        request = self.request
        config = {
            "bootstrap.servers": request["bootstrap"],
            "log_level": 0,
            # librdkafka 2.16 never connects again to a broker that it forgot because all were down.
            "metadata.recovery.strategy": "none",
        }
        producer = Producer({**config, "transactional.id": request["transactionalId"]})
        producer.init_transactions(LIMIT_S)
        consumer = Consumer(
            {
                **config,
                "group.id": request["group"],
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                # A member that can't leave, because the broker is down, is waited for so long.
                "session.timeout.ms": 6000,
            }
        )
        try:
            consumer.subscribe([request["from"]])
            while self.moved < request["count"]:
                message = consumer.poll(1)
                if message is None:
                    continue
                if message.error() is not None:
                    raise KafkaException(message.error())
                offset = message.offset()
                if offset % request["abortedEvery"] == 0 and offset not in self.aborted:
                    self.write(producer, consumer, message)
                    producer.abort_transaction(LIMIT_S)
                self.aborted.add(offset)
                self.write(producer, consumer, message)
                producer.commit_transaction(LIMIT_S)
                self.moved = offset + 1
        finally:
            consumer.close()

    def write(self, producer, consumer, message):
        producer.begin_transaction()
        producer.produce(self.request["to"], partition=0, value=message.value())
        producer.flush(LIMIT_S)
        position = TopicPartition(message.topic(), message.partition(), message.offset() + 1)
        group = consumer.consumer_group_metadata()
        producer.send_offsets_to_transaction([position], group, LIMIT_S)


mover = Mover(json.load(sys.stdin))
mover.run()
print(json.dumps({"moved": mover.moved}))
