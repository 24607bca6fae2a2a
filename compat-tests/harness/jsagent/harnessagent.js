// The harness's agent protocol for clients in JavaScript (see ../../README.md): one JSON line in, one JSON line out. serve() calls
// the functions of an agent object, whose names are the ops; Stream and Inbox are what every client's stream and member share.
'use strict'
const readline = require('readline')

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const toBytes = (text) => (text === null || text === undefined ? null : Buffer.from(text, 'base64'))
const toText = (data) => (data === null || data === undefined ? null : Buffer.from(data).toString('base64'))

// headersOf turns a record's list of headers into KafkaJS's object, whose values are arrays where a name comes twice.
function headersOf(record) {
  const headers = {}
  for (const { n, v } of record.h || []) {
    const value = toBytes(v)
    headers[n] = n in headers ? [].concat(headers[n], [value]) : value
  }
  return headers
}

// toMessage and toRecord go between the harness's records and KafkaJS's messages.
function toMessage(record) {
  const message = { partition: record.p, key: toBytes(record.k), value: toBytes(record.v), headers: headersOf(record) }
  if (record.t >= 0) message.timestamp = String(record.t)
  return message
}

function toRecord(partition, message) {
  const h = []
  for (const [n, value] of Object.entries(message.headers || {})) {
    for (const v of Array.isArray(value) ? value : [value]) h.push({ n, v: toText(v) })
  }
  return { p: partition, o: Number(message.offset), t: Number(message.timestamp), k: toText(message.key), v: toText(message.value), h }
}

// Stream sends "0", "1", ... to the partitions in turn. send(partition, value) resolves when the broker has it; finish() ends the
// producer. One send waits for the other: KafkaJS gives no order to sends at the same time.
class Stream {
  constructor({ partitions, everyMs }, send, finish) {
    this.acked = []
    this.failures = []
    this.stopped = false
    this.finish = finish
    this.running = this.run(partitions, everyMs, send)
  }

  async run(partitions, everyMs, send) {
    for (let n = 0; !this.stopped; n++) {
      try {
        await send(n % partitions, String(n))
        this.acked.push(n)
      } catch (error) {
        this.failures.push(`${n}: ${error}`)
      }
      await sleep(everyMs)
    }
  }

  status() {
    return { count: this.acked.length }
  }

  async stop() {
    this.stopped = true
    await this.running
    await this.finish()
    return { count: this.acked.length, acked: this.acked, failures: this.failures }
  }
}

// Inbox keeps what a member received. A member has assigned(), and close() and commitPositions(), which do the client's part.
class Inbox {
  constructor(limit) {
    this.limit = limit // records to hand over in all; 0: no limit
    this.count = 0
    this.received = []
    this.positions = new Map()
  }

  full() {
    return this.limit > 0 && this.count >= this.limit
  }

  // add takes a record, or says that the member has enough.
  add(record) {
    if (this.full()) return false
    this.count++
    this.received.push(record)
    this.positions.set(record.p, record.o + 1)
    return true
  }

  take() {
    const taken = this.received
    this.received = []
    return taken
  }

  async commit() {
    const held = await this.assigned()
    const positions = [...this.positions].filter(([partition]) => held.includes(partition))
    if (positions.length > 0) await this.commitPositions(positions)
  }

  leave() {
    return this.close()
  }
}

// within settles with a promise, or fails after a while.
function within(ms, what, promise) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

async function serve(agent) {
  const streams = {}
  const members = {}
  const txns = {}
  const handle = async ({ op, handle, args }) => {
    const [kind, verb] = op.split('.')
    if (op === 'stream.start') {
      streams[handle] = await agent.stream(args)
      return null
    }
    if (op === 'member.join') {
      members[handle] = await agent.member({ sessionMs: 6000, ...args })
      return null
    }
    if (op === 'txn.open') {
      txns[handle] = await agent.transactions(args)
      return null
    }
    if (kind === 'txn') return txns[handle][verb](args)
    if (kind === 'stream') return streams[handle][verb]()
    if (kind === 'member') return members[handle][verb]()
    if (kind === 'admin') return agent.admin(verb, args || {})
    return agent[op](args)
  }
  // Errors that a library throws where nobody can catch them are news, as are those of a broker that is away.
  process.on('unhandledRejection', (error) => console.error('unhandled:', error))
  const out = process.stdout
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let answer
    try {
      const result = await handle(JSON.parse(line))
      answer = { result: result === undefined ? null : result }
    } catch (error) {
      console.error(error)
      answer = { error: String(error) }
    }
    out.write(JSON.stringify(answer) + '\n')
  }
  process.exit(0) // what is still running belongs to a test that is over
}

module.exports = { Inbox, Stream, serve, sleep, toBytes, toMessage, toRecord, toText, within, HEARTBEAT_MS: 300 }
