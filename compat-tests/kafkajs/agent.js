// Does with KafkaJS what the harness asks for; see harnessagent. One source for every pinned version. Settings stay at KafkaJS's
// defaults unless a scenario depends on them.
'use strict'
const { randomUUID } = require('crypto')
const { CompressionCodecs, CompressionTypes, ConfigResourceTypes, Kafka, logLevel } = require('kafkajs')
const snappy = require('kafkajs-snappy')
const lz4 = require('lz4-napi')
const zstd = require('@bokuweb/zstd-wasm')
const { HEARTBEAT_MS, Inbox, Stream, serve, sleep, toMessage, toRecord, within } = require('harnessagent')

// 2.0 brought several headers of one name, and the offsets of several topics at once.
const several = !require('kafkajs/package.json').version.startsWith('1.')

// KafkaJS leaves all codecs but gzip to its user.
CompressionCodecs[CompressionTypes.Snappy] = snappy
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: (encoder) => lz4.compressFrame(encoder.buffer),
  decompress: (buffer) => lz4.decompressFrame(buffer),
})
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async (encoder) => Buffer.from(zstd.compress(encoder.buffer)),
  decompress: async (buffer) => Buffer.from(zstd.decompress(buffer)),
})
const codecs = { none: 'None', gzip: 'GZIP', snappy: 'Snappy', lz4: 'LZ4', zstd: 'ZSTD' }
const acks = { 0: 0, 1: 1, all: -1 }

const level = { debug: logLevel.DEBUG, info: logLevel.INFO }[process.env.CLIENT_LOG] || logLevel.WARN
const kafka = new Kafka({
  brokers: [process.argv[2]],
  logLevel: level,
  logCreator: () => (entry) => console.error(entry.label, entry.log.message, entry.log.error || ''),
})

// Enough tries, soon enough after each other, for a producer to outlive the restart of a broker. A consumer must not have them:
// see FINDINGS.md.
const patient = { retries: 100000, initialRetryTime: 50, maxRetryTime: 500 }

// A send is one batch for each partition, however large: splitting is left to the user.
const sendAtMost = 500

async function connected(client) {
  await client.connect()
  return client
}

class Member extends Inbox {
  constructor({ group, topic, limit, sessionMs }) {
    super(limit)
    this.topic = topic
    this.held = []
    this.consumer = kafka.consumer({
      groupId: group,
      sessionTimeout: sessionMs,
      rebalanceTimeout: sessionMs,
      heartbeatInterval: HEARTBEAT_MS,
      maxWaitTimeInMs: 50,
      retry: { retries: 4, initialRetryTime: 50, maxRetryTime: 500 },
    })
    const { GROUP_JOIN, REBALANCING } = this.consumer.events
    this.consumer.on(GROUP_JOIN, ({ payload }) => {
      this.held = payload.memberAssignment[topic] || []
    })
    this.consumer.on(REBALANCING, () => {
      this.held = []
    })
  }

  async start() {
    await this.consumer.connect()
    await this.consumer.subscribe({ topic: this.topic, fromBeginning: true })
    await this.consumer.run({
      autoCommit: false,
      eachMessage: async ({ partition, message }) => {
        if (!this.add(toRecord(partition, message))) this.consumer.pause([{ topic: this.topic }])
      },
    })
    return this
  }

  assigned() {
    return [...this.held].sort()
  }

  commitPositions(positions) {
    return this.consumer.commitOffsets(positions.map(([partition, offset]) => ({ topic: this.topic, partition, offset: String(offset) })))
  }

  close() {
    return this.consumer.disconnect()
  }
}

async function withAdmin(use) {
  const admin = await connected(kafka.admin())
  try {
    return await use(admin)
  } finally {
    await admin.disconnect()
  }
}

const topicResource = (name) => ({ type: ConfigResourceTypes.TOPIC, name })

const adminCalls = {
  async create(admin, { topic, partitions, configs }) {
    const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
    const created = await admin.createTopics({ topics: [{ topic, numPartitions: partitions, configEntries }] })
    if (!created) throw new Error('createTopics returned false: the topic exists')
  },
  topics: (admin) => admin.listTopics(),
  async config(admin, { topic, name }) {
    const { resources } = await admin.describeConfigs({ resources: [{ ...topicResource(topic), configNames: [name] }] })
    return resources[0].configEntries[0].configValue
  },
  alter: (admin, { topic, name, value }) => admin.alterConfigs({ resources: [{ ...topicResource(topic), configEntries: [{ name, value }] }] }),
  grow: (admin, { topic, partitions }) => admin.createPartitions({ topicPartitions: [{ topic, count: partitions }] }),
  async truncate(admin, { topic, partition, offset }) {
    await admin.fetchTopicMetadata({ topics: [topic] }) // it asks whom it knows: see FINDINGS.md
    await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] })
  },
  groups: async (admin) => (await admin.listGroups()).groups.map((g) => g.groupId),
  group: async (admin, { group }) => (await admin.describeGroups([group])).groups[0].state,
  async committed(admin, { group, topic, partition }) {
    const fetched = await fetchOffsets(admin, group, topic)
    return Number(fetched.find((p) => p.partition === partition).offset)
  },
  dropGroup: (admin, { group }) => admin.deleteGroups([group]),
  drop: (admin, { topic }) => admin.deleteTopics({ topics: [topic] }),
}

async function fetchOffsets(admin, groupId, topic) {
  if (!several) return admin.fetchOffsets({ groupId, topic })
  return (await admin.fetchOffsets({ groupId, topics: [topic] }))[0].partitions
}

// KafkaJS fences its predecessor when the first transaction begins, so that one begins with the producer.
class Transactions {
  constructor(producer) {
    this.producer = producer
  }

  async start() {
    await this.producer.connect()
    this.txn = await this.producer.transaction()
    this.fresh = true
    return this
  }

  async begin() {
    if (!this.fresh) this.txn = await this.producer.transaction()
    this.fresh = false
  }

  async send({ topic, records }) {
    await this.txn.send({ topic, acks: -1, messages: records.map(toMessage) })
  }

  offsets({ group, topic, partition, offset }) {
    return this.txn.sendOffsets({ consumerGroupId: group, topics: [{ topic, partitions: [{ partition, offset: String(offset) }] }] })
  }

  commit() {
    return this.txn.commit()
  }

  abort() {
    return this.txn.abort()
  }

  close() {
    return this.producer.disconnect()
  }
}

serve({
  async info() {
    await zstd.init()
    return {
      codecs: Object.keys(codecs),
      headers: true,
      headerMap: true,
      headerOnce: !several,
      timestamps: true,
      nulls: true,
      binary: true,
      idempotent: true,
      bulky: true,
      transactions: true,
      admin: Object.keys(adminCalls),
    }
  },

  async produce({ topic, codec, acks: acksName, records }) {
    const safe = acksName === 'all'
    const producer = await connected(kafka.producer(safe ? { idempotent: true, maxInFlightRequests: 1 } : {}))
    const compression = CompressionTypes[codecs[codec]]
    for (let i = 0; i < records.length; i += sendAtMost) {
      const messages = records.slice(i, i + sendAtMost).map(toMessage)
      await producer.send({ topic, acks: acks[acksName], compression, messages })
    }
    await producer.disconnect()
  },

  // KafkaJS reads in groups only; this one is the reader's own.
  async fetch({ topic, partition, offset, count, timeoutMs, isolation }) {
    const records = []
    const consumer = await connected(
      kafka.consumer({ groupId: `fetch-${randomUUID()}`, maxWaitTimeInMs: 50, readUncommitted: isolation !== 'read_committed' })
    )
    await consumer.subscribe({ topic, fromBeginning: true })
    let enough
    const read = new Promise((resolve) => (enough = resolve))
    if (count === 0) enough()
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ partition: from, message }) => {
        if (from !== partition || Number(message.offset) < offset || records.length >= count) return
        records.push(toRecord(from, message))
        if (records.length >= count) enough()
      },
    })
    consumer.seek({ topic, partition, offset: String(offset) })
    await Promise.race([read, sleep(timeoutMs)])
    await consumer.disconnect()
    return records
  },

  offsets: ({ topic, partition, timestamp }) =>
    withAdmin(async (admin) => {
      const { low, high } = (await admin.fetchTopicOffsets(topic)).find((p) => p.partition === partition)
      const at = (await admin.fetchTopicOffsetsByTimestamp(topic, timestamp)).find((p) => p.partition === partition)
      return { first: Number(low), end: Number(high), byTime: Number(at.offset) }
    }),

  async stream({ topic, ...args }) {
    const producer = await connected(kafka.producer({ idempotent: true, maxInFlightRequests: 1, retry: patient }))
    const send = (partition, value) => producer.send({ topic, acks: -1, messages: [{ partition, key: value, value }] })
    return new Stream(args, send, () => within(20000, 'disconnect', producer.disconnect()))
  },

  member: (args) => new Member(args).start(),

  transactions: ({ id }) => new Transactions(kafka.producer({ transactionalId: id, idempotent: true, maxInFlightRequests: 1 })).start(),

  admin: (op, args) => withAdmin((admin) => adminCalls[op](admin, args)),
})
