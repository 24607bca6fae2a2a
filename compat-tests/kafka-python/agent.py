"""Does with kafka-python what the harness asks for, one JSON line at a time (see ../README.md).

One source for every pinned version. Settings stay at the client's defaults unless a scenario depends on them.
"""

import base64
import json
import logging
import os
import queue
import sys
import threading
import time
import traceback

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka import __version__ as kafka_version
from kafka.structs import OffsetAndMetadata

# From 3.0 on the producer is idempotent when nothing else is said.
IDEMPOTENT = int(kafka_version.split(".")[0]) >= 3


def to_bytes(text):
    return None if text is None else base64.b64decode(text)


def to_text(data):
    return None if data is None else base64.b64encode(data).decode()


def to_json(record):
    return {
        "p": record.partition,
        "o": record.offset,
        "t": record.timestamp,
        "k": to_text(record.key),
        "v": to_text(record.value),
        "h": [{"n": name, "v": to_text(value)} for name, value in record.headers],
    }


def position(offset):
    """OffsetAndMetadata has gained a field over the years."""
    rest = {"metadata": "", "leader_epoch": -1}
    return OffsetAndMetadata(offset, *(rest[f] for f in OffsetAndMetadata._fields[1:]))


def producer_config(acks):
    # An idempotent producer insists on acks=all.
    return {"enable_idempotence": False} if IDEMPOTENT and acks != "all" else {}


class Stream:
    """Sends 0, 1, 2, ... with acks=all until it is told to stop, through whatever happens to the broker."""

    def __init__(self, bootstrap, topic, partitions, everyMs):
        self.lock = threading.Lock()
        self.acked = []
        self.failures = []
        self.stopped = False
        # The old client's default is no retry at all.
        config = {} if IDEMPOTENT else {"retries": 1_000_000}
        self.producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", **config)
        self.thread = threading.Thread(target=self.run, args=(topic, partitions, everyMs), daemon=True)
        self.thread.start()

    def run(self, topic, partitions, everyMs):
        n = 0
        while not self.stopped:
            try:
                value = str(n).encode()
                sent = self.producer.send(topic, value, value, partition=n % partitions)
                sent.add_callback(lambda _, n=n: self.note(self.acked, n))
                sent.add_errback(lambda error, n=n: self.note(self.failures, f"{n}: {error!r}"))
            except Exception as error:
                self.note(self.failures, f"{n}: {error!r}")
            n += 1
            time.sleep(everyMs / 1000)

    def note(self, where, what):
        with self.lock:
            where.append(what)

    def status(self):
        with self.lock:
            return {"count": len(self.acked)}

    def stop(self):
        self.stopped = True
        self.thread.join()
        self.producer.flush(timeout=40)
        self.producer.close(timeout=10)
        with self.lock:
            return {"count": len(self.acked), "acked": self.acked, "failures": self.failures}


class Member:
    """A group member. The consumer belongs to one thread; the agent hands it work through a queue."""

    def __init__(self, bootstrap, group, topic, limit, sessionMs):
        self.limit = limit  # records to hand over in all; 0: no limit
        self.work = queue.Queue()
        self.left = False
        self.received = []
        self.positions = {}
        self.count = 0
        self.consumer = KafkaConsumer(
            topic,
            bootstrap_servers=bootstrap,
            group_id=group,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            heartbeat_interval_ms=300,
            session_timeout_ms=sessionMs,
        )
        self.consumer.partitions_for_topic(topic)  # metadata before the first poll: see FINDINGS.md
        self.thread = threading.Thread(target=self.loop, daemon=True)
        self.thread.start()

    def loop(self):
        while not self.left:
            while not self.work.empty():
                self.work.get()()
            if self.left:
                return
            if self.full():
                time.sleep(0.01)  # the client's own thread keeps the membership alive
                continue
            for partition, records in self.consumer.poll(timeout_ms=50).items():
                for record in records:
                    self.receive(partition, record)

    def full(self):
        return 0 < self.limit <= self.count

    def receive(self, partition, record):
        if self.full():
            return
        self.count += 1
        self.received.append(to_json(record))
        self.positions[partition] = position(record.offset + 1)

    def in_loop(self, do):
        done = queue.Queue()

        def run():
            try:
                done.put((do(), None))
            except Exception as error:
                done.put((None, error))

        self.work.put(run)
        while self.thread.is_alive() or not done.empty():
            try:
                result, error = done.get(timeout=1)
            except queue.Empty:
                continue
            if error is not None:
                raise error
            return result
        raise RuntimeError("the member's thread has ended")

    def assigned(self):
        return self.in_loop(lambda: sorted(p.partition for p in self.consumer.assignment()))

    def take(self):
        def swap():
            taken, self.received = self.received, []
            return taken

        return self.in_loop(swap)

    def commit(self):
        def do():
            held = self.consumer.assignment()
            self.consumer.commit({p: o for p, o in self.positions.items() if p in held})

        self.in_loop(do)

    def leave(self):
        def do():
            self.left = True
            self.consumer.close(autocommit=False)

        self.in_loop(do)
        self.thread.join()


class Agent:
    def __init__(self, bootstrap):
        self.bootstrap = bootstrap
        self.streams = {}
        self.members = {}

    def handle(self, op, handle, args):
        if op == "info":
            return self.info()
        if op == "produce":
            return self.produce(**args)
        if op == "fetch":
            return self.fetch(**args)
        if op == "offsets":
            return self.offsets(**args)
        if op == "stream.start":
            self.streams[handle] = Stream(self.bootstrap, **args)
            return None
        if op == "member.join":
            self.members[handle] = Member(self.bootstrap, **args)
            return None
        kind, verb = op.split(".")
        target = {"stream": self.streams, "member": self.members}[kind][handle]
        return getattr(target, verb)()

    def info(self):
        return {
            "codecs": ["none", "gzip", "snappy", "lz4", "zstd"],
            "headers": True,
            "timestamps": True,
            "nulls": True,
            "binary": True,
            "idempotent": IDEMPOTENT,
            "bulky": True,
        }

    def produce(self, topic, codec, acks, records):
        producer = KafkaProducer(
            bootstrap_servers=self.bootstrap,
            acks=acks if acks == "all" else int(acks),
            compression_type=None if codec == "none" else codec,
            linger_ms=5,
            **producer_config(acks),
        )
        sent = [
            producer.send(
                topic,
                to_bytes(r["v"]),
                key=to_bytes(r["k"]),
                headers=[(h["n"], to_bytes(h["v"])) for h in r["h"] or []],
                partition=r["p"],
                timestamp_ms=None if r["t"] < 0 else r["t"],
            )
            for r in records
        ]
        producer.flush(timeout=30)
        offsets = [future.get(timeout=30).offset for future in sent]
        producer.close(timeout=10)
        return offsets

    def fetch(self, topic, partition, offset, count, timeoutMs):
        consumer = KafkaConsumer(
            bootstrap_servers=self.bootstrap,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=50,
        )
        where = TopicPartition(topic, partition)
        consumer.assign([where])
        consumer.seek(where, offset)
        records = []
        deadline = time.monotonic() + timeoutMs / 1000
        while len(records) < count and time.monotonic() < deadline:
            for batch in consumer.poll(timeout_ms=200).values():
                records += [to_json(r) for r in batch]
        consumer.close(autocommit=False)
        return records

    def offsets(self, topic, partition, timestamp):
        consumer = KafkaConsumer(bootstrap_servers=self.bootstrap, group_id=None)
        where = TopicPartition(topic, partition)
        at = consumer.offsets_for_times({where: timestamp})[where]
        result = {
            "first": consumer.beginning_offsets([where])[where],
            "end": consumer.end_offsets([where])[where],
            "byTime": -1 if at is None else at.offset,
        }
        consumer.close(autocommit=False)
        return result


def main():
    version, bootstrap = sys.argv[1:]
    if version != kafka_version:
        sys.exit(f"kafka-python {version} was asked for, {kafka_version} is installed")
    logging.basicConfig(
        stream=sys.stderr,
        level=os.environ.get("CLIENT_LOG", "warning").upper(),
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    out, sys.stdout = sys.stdout, sys.stderr  # no library may write between the answers
    agent = Agent(bootstrap)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"result": agent.handle(request["op"], request.get("handle"), request.get("args") or {})}
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        out.write(json.dumps(answer) + "\n")
        out.flush()
    os._exit(0)  # what is still running belongs to a test that is over


main()
