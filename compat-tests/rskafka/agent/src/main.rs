//! Does with rskafka what the harness asks for, one JSON line at a time (see ../../README.md). rskafka has no consumer groups, no
//! idempotent producer and no choice of acks: every produce request asks for all of them.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{DateTime, TimeZone, Utc};
use rskafka::client::partition::{Compression, OffsetAt, PartitionClient, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder};
use rskafka::record::{Record, RecordAndOffset};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// How many bytes one fetch may bring.
const FETCH_BYTES: i32 = 10 << 20;

/// Records of one produce request; splitting is left to the user.
const SEND_AT_MOST: usize = 500;

#[tokio::main(worker_threads = 2)]
async fn main() {
    let bootstrap = std::env::args().nth(1).expect("usage: agent HOST:PORT");
    let mut agent = Agent { bootstrap, streams: BTreeMap::new() };
    for line in std::io::stdin().lock().lines() {
        let answer = match agent.handle(&line.expect("read a request")).await {
            Ok(result) => json!({"result": result}),
            Err(error) => json!({"error": error.to_string()}),
        };
        let mut out = std::io::stdout().lock();
        writeln!(out, "{answer}").and_then(|()| out.flush()).expect("write an answer");
    }
    std::process::exit(0); // what is still running belongs to a test that is over
}

struct Agent {
    bootstrap: String,
    streams: BTreeMap<String, Stream>,
}

impl Agent {
    async fn handle(&mut self, line: &str) -> Result<Value, Error> {
        let request: Value = serde_json::from_str(line)?;
        let (args, handle) = (&request["args"], text(&request["handle"]));
        match text(&request["op"]).as_str() {
            "info" => Ok(json!({
                "codecs": ["none", "gzip", "snappy", "lz4", "zstd"], "headers": true, "headerMap": true, "headerOnce": true,
                "timestamps": true, "nulls": true, "binary": true, "bulky": true, "groupless": true,
                "admin": ["topics", "truncate", "drop"],
            })),
            "produce" => self.produce(args).await,
            "fetch" => self.fetch(args).await,
            "offsets" => self.offsets(args).await,
            "stream.start" => {
                let stream = Stream::start(&self.client().await?, args).await?;
                self.streams.insert(handle, stream);
                Ok(Value::Null)
            }
            "stream.status" => Ok(self.streams.get(&handle).ok_or("no such stream")?.status()),
            "stream.stop" => self.streams.remove(&handle).ok_or("no such stream")?.stop().await,
            "admin.topics" => {
                let topics = self.client().await?.list_topics().await?;
                Ok(topics.into_iter().map(|t| t.name).collect())
            }
            "admin.truncate" => {
                self.partition(args).await?.delete_records(number(&args["offset"]), 10_000).await?;
                Ok(Value::Null)
            }
            "admin.drop" => {
                self.client().await?.controller_client()?.delete_topic(text(&args["topic"]), 10_000).await?;
                Ok(Value::Null)
            }
            op => Err(format!("unknown op {op}").into()),
        }
    }

    async fn client(&self) -> Result<Client, Error> {
        Ok(ClientBuilder::new(vec![self.bootstrap.clone()]).build().await?)
    }

    /// The partition that the args name. Retrying asks for the topic until it is there, and so creates it.
    async fn partition(&self, args: &Value) -> Result<PartitionClient, Error> {
        let (topic, partition) = (text(&args["topic"]), number(&args["partition"]) as i32);
        Ok(self.client().await?.partition_client(topic, partition, UnknownTopicHandling::Retry).await?)
    }

    async fn produce(&self, args: &Value) -> Result<Value, Error> {
        let compression = match text(&args["codec"]).as_str() {
            "gzip" => Compression::Gzip,
            "snappy" => Compression::Snappy,
            "lz4" => Compression::Lz4,
            "zstd" => Compression::Zstd,
            _ => Compression::NoCompression,
        };
        let mut by_partition: BTreeMap<i32, Vec<Record>> = BTreeMap::new();
        for r in args["records"].as_array().ok_or("no records")? {
            by_partition.entry(number(&r["p"]) as i32).or_default().push(record(r)?);
        }
        let client = self.client().await?;
        for (partition, records) in by_partition {
            let to = client.partition_client(text(&args["topic"]), partition, UnknownTopicHandling::Retry).await?;
            for some in records.chunks(SEND_AT_MOST) {
                to.produce(some.to_vec(), compression).await?;
            }
        }
        Ok(Value::Null)
    }

    async fn fetch(&self, args: &Value) -> Result<Value, Error> {
        let from = self.partition(args).await?;
        let (mut offset, count) = (number(&args["offset"]), number(&args["count"]) as usize);
        let deadline = Instant::now() + Duration::from_millis(number(&args["timeoutMs"]) as u64);
        let mut records = Vec::new();
        while records.len() < count && Instant::now() < deadline {
            let (fetched, _) = from.fetch_records(offset, 1..FETCH_BYTES, 100).await?;
            for r in fetched {
                offset = r.offset + 1;
                records.push(to_json(from.partition(), &r));
            }
        }
        Ok(Value::Array(records))
    }

    async fn offsets(&self, args: &Value) -> Result<Value, Error> {
        let of = self.partition(args).await?;
        let at = millis(number(&args["timestamp"]))?;
        Ok(json!({
            "first": of.get_offset(OffsetAt::Earliest).await?,
            "end": of.get_offset(OffsetAt::Latest).await?,
            "byTime": of.get_offset(OffsetAt::Timestamp(at)).await?,
        }))
    }
}

/// A producer that sends "0", "1", "2", ... to the partitions in turn; rskafka tries again for as long as it takes.
struct Stream {
    outcome: Arc<Mutex<Outcome>>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Outcome {
    acked: Vec<i64>,
    failures: Vec<String>,
}

impl Outcome {
    fn note(&mut self, n: i64, error: Option<rskafka::client::error::Error>) {
        match error {
            None => self.acked.push(n),
            Some(error) => self.failures.push(format!("{n}: {error}")),
        }
    }
}

impl Stream {
    async fn start(client: &Client, args: &Value) -> Result<Self, Error> {
        let mut partitions = Vec::new();
        for p in 0..number(&args["partitions"]) {
            partitions.push(client.partition_client(text(&args["topic"]), p as i32, UnknownTopicHandling::Retry).await?);
        }
        let every = Duration::from_millis(number(&args["everyMs"]) as u64);
        let outcome = Arc::new(Mutex::new(Outcome::default()));
        let (stop, mut stopped) = oneshot::channel();
        let shared = outcome.clone();
        let task = tokio::spawn(async move {
            for n in 0.. {
                if stopped.try_recv() != Err(oneshot::error::TryRecvError::Empty) {
                    return;
                }
                let value = n.to_string().into_bytes();
                let record =
                    Record { key: Some(value.clone()), value: Some(value), headers: BTreeMap::new(), timestamp: Utc::now() };
                let sent = partitions[n as usize % partitions.len()].produce(vec![record], Compression::NoCompression).await;
                shared.lock().unwrap().note(n, sent.err());
                tokio::time::sleep(every).await;
            }
        });
        Ok(Self { outcome, stop, task })
    }

    fn status(&self) -> Value {
        json!({"count": self.outcome.lock().unwrap().acked.len()})
    }

    async fn stop(self) -> Result<Value, Error> {
        let _ = self.stop.send(());
        self.task.await?;
        let outcome = self.outcome.lock().unwrap();
        Ok(json!({"count": outcome.acked.len(), "acked": outcome.acked, "failures": outcome.failures}))
    }
}

fn text(v: &Value) -> String {
    v.as_str().unwrap_or_default().to_string()
}

fn number(v: &Value) -> i64 {
    v.as_i64().unwrap_or_default()
}

fn millis(at: i64) -> Result<DateTime<Utc>, Error> {
    Utc.timestamp_millis_opt(at).single().ok_or_else(|| format!("{at} is no time").into())
}

/// The bytes of a field, which may be null.
fn bytes(v: &Value) -> Result<Option<Vec<u8>>, Error> {
    Ok(v.as_str().map(|s| BASE64_STANDARD.decode(s)).transpose()?)
}

fn record(r: &Value) -> Result<Record, Error> {
    let mut headers = BTreeMap::new();
    for h in r["h"].as_array().into_iter().flatten() {
        headers.insert(text(&h["n"]), bytes(&h["v"])?.unwrap_or_default());
    }
    let timestamp = match number(&r["t"]) {
        at if at < 0 => Utc::now(),
        at => millis(at)?,
    };
    Ok(Record { key: bytes(&r["k"])?, value: bytes(&r["v"])?, headers, timestamp })
}

fn to_json(partition: i32, r: &RecordAndOffset) -> Value {
    let base64 = |data: &Option<Vec<u8>>| data.as_ref().map(|d| BASE64_STANDARD.encode(d));
    let headers: Vec<Value> = r.record.headers.iter().map(|(n, v)| json!({"n": n, "v": BASE64_STANDARD.encode(v)})).collect();
    json!({
        "p": partition, "o": r.offset, "t": r.record.timestamp.timestamp_millis(),
        "k": base64(&r.record.key), "v": base64(&r.record.value), "h": headers,
    })
}
