"""Does with aiokafka what the harness asks for; see harnessagent. One source for every pinned version.

aiokafka lives in an event loop; it gets a thread of its own, and every other thread hands it coroutines.
"""

import asyncio
import threading
import time

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

try:
    from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
    from aiokafka.errors import for_code
except ImportError:
    AIOKafkaAdminClient = None

from harnessagent import HEARTBEAT_MS, Agent, Member, Stream, headers_of, serve, to_bytes, to_json

LOOP = asyncio.new_event_loop()


def run(coroutine):
    return asyncio.run_coroutine_threadsafe(coroutine, LOOP).result()


async def started(make):
    """Makes a client inside the loop and starts it."""
    client = make()
    await client.start()
    return client


def record(r):
    return to_json(r.partition, r.offset, r.timestamp, r.key, r.value, r.headers)


class AioStream(Stream):
    def __init__(self, config, **args):
        self.producer = run(started(lambda: AIOKafkaProducer(**config)))
        super().__init__(**args)

    def send(self, topic, partition, value, done):
        sent = run(self.producer.send(topic, value, value, partition))
        sent.add_done_callback(lambda f: done(f.exception()))

    def finish(self):
        run(self.producer.stop())  # flushes


class AioMember(Member):
    def __init__(self, config, topic, limit):
        self.consumer = run(started(lambda: AIOKafkaConsumer(topic, **config)))
        super().__init__(limit)

    def poll(self):
        batches = run(self.consumer.getmany(timeout_ms=50))
        return [record(r) for batch in batches.values() for r in batch]

    def held(self):
        return {p.partition for p in self.consumer.assignment()}

    def commit_positions(self, positions):
        topic = next(iter(self.consumer.assignment())).topic if positions else None
        run(self.consumer.commit({TopicPartition(topic, p): o for p, o in positions.items()}))

    def close(self):
        run(self.consumer.stop())


class AioTransactions:
    def __init__(self, config):
        self.producer = run(started(lambda: AIOKafkaProducer(**config)))

    def begin(self):
        run(self.producer.begin_transaction())

    def send(self, topic, records):
        async def send_all():
            sent = [await self.producer.send(topic, to_bytes(r["v"]), to_bytes(r["k"]), r["p"]) for r in records]
            await asyncio.wait_for(asyncio.gather(*sent), 20)

        run(send_all())

    def offsets(self, group, topic, partition, offset):
        run(self.producer.send_offsets_to_transaction({TopicPartition(topic, partition): offset}, group))

    def commit(self):
        run(self.producer.commit_transaction())

    def abort(self):
        run(self.producer.abort_transaction())

    def close(self):
        run(self.producer.stop())


class AdminCalls:
    """The admin calls by their names in the harness; aiokafka has them since 0.9."""

    names = ["create", "topics", "config", "alter", "grow", "truncate", "groups", "group", "committed", "drop"]

    def __init__(self, admin):
        self.admin = admin

    @staticmethod
    def check(errors):
        """The answers are left as they came; an error is in a tuple of what was asked for, its code and more."""
        for error in errors:
            if error[1] != 0:
                raise RuntimeError("{}: {}".format(for_code(error[1]).__name__, error))

    async def create(self, topic, partitions, configs):
        answer = await self.admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=configs)])
        self.check(answer.topic_errors)

    async def topics(self):
        return await self.admin.list_topics()

    async def config(self, topic, name):
        answers = await self.admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        (resource,) = answers[0].resources
        return next(entry[1] for entry in resource[4] if entry[0] == name)

    async def alter(self, topic, name, value):
        answers = await self.admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {name: value})])
        self.check([("",) + tuple(r) for r in answers[0].resources])

    async def grow(self, topic, partitions):
        answer = await self.admin.create_partitions({topic: NewPartitions(partitions)})
        self.check(answer.topic_errors)

    async def truncate(self, topic, partition, offset):
        await self.admin.delete_records({TopicPartition(topic, partition): RecordsToDelete(offset)})

    async def groups(self):
        return [group[0] for group in await self.admin.list_consumer_groups()]

    async def group(self, group):
        (answer,) = await self.admin.describe_consumer_groups([group])
        return answer.groups[0][2]

    async def committed(self, group, topic, partition):
        offsets = await self.admin.list_consumer_group_offsets(group)
        return offsets[TopicPartition(topic, partition)].offset

    async def drop(self, topic):
        answer = await self.admin.delete_topics([topic])
        self.check(answer.topic_error_codes)


class AioAgent(Agent):
    def __init__(self, bootstrap):
        super().__init__()
        self.config = {"bootstrap_servers": bootstrap}

    def info(self):
        return {
            "codecs": ["none", "gzip", "snappy", "lz4", "zstd"],
            "headers": True,
            "timestamps": True,
            "nulls": True,
            "binary": True,
            "idempotent": True,
            "bulky": True,
            "transactions": True,
            "admin": AdminCalls.names if AIOKafkaAdminClient else [],
        }

    def producer_config(self, codec, acks):
        return dict(
            self.config,
            acks=acks if acks == "all" else int(acks),
            compression_type=None if codec == "none" else codec,
            enable_idempotence=acks == "all",
            linger_ms=5,
        )

    def produce(self, topic, codec, acks, records):
        async def send_all():
            async with AIOKafkaProducer(**self.producer_config(codec, acks)) as producer:
                sent = []
                for r in records:
                    timestamp = None if r["t"] < 0 else r["t"]
                    sent.append(
                        await producer.send(topic, to_bytes(r["v"]), to_bytes(r["k"]), r["p"], timestamp, headers_of(r))
                    )
                await asyncio.wait_for(asyncio.gather(*sent), 30)

        run(send_all())

    def fetch(self, topic, partition, offset, count, timeoutMs, isolation="read_uncommitted"):
        async def read():
            where = TopicPartition(topic, partition)
            records = []
            deadline = time.monotonic() + timeoutMs / 1000
            async with AIOKafkaConsumer(
                fetch_max_wait_ms=50, auto_offset_reset="none", isolation_level=isolation, **self.config
            ) as consumer:
                consumer.assign([where])
                consumer.seek(where, offset)
                while len(records) < count and time.monotonic() < deadline:
                    for batch in (await consumer.getmany(timeout_ms=200)).values():
                        records += [record(r) for r in batch]
            return records

        return run(read())

    def offsets(self, topic, partition, timestamp):
        async def look():
            where = TopicPartition(topic, partition)
            async with AIOKafkaConsumer(**self.config) as consumer:
                at = (await consumer.offsets_for_times({where: timestamp}))[where]
                return {
                    "first": (await consumer.beginning_offsets([where]))[where],
                    "end": (await consumer.end_offsets([where]))[where],
                    "byTime": -1 if at is None else at.offset,
                }

        return run(look())

    def transactions(self, id):
        return AioTransactions(dict(self.config, transactional_id=id))

    def admin(self, call, **args):
        async def do():
            admin = AIOKafkaAdminClient(**self.config)
            await admin.start()
            try:
                return await getattr(AdminCalls(admin), call)(**args)
            finally:
                await admin.close()

        return run(do())

    def stream(self, **args):
        return AioStream(self.producer_config("none", "all"), **args)

    def member(self, group, topic, limit, sessionMs=6000):
        config = dict(
            self.config,
            group_id=group,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            heartbeat_interval_ms=HEARTBEAT_MS,
            session_timeout_ms=sessionMs,
        )
        return AioMember(config, topic, limit)


threading.Thread(target=LOOP.run_forever, daemon=True).start()
serve(AioAgent)
