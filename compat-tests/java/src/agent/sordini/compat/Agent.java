package sordini.compat;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;

/**
 * A program that does with kafka-clients what the harness asks for, one JSON line at a time. It is compiled against each
 * pinned version; what differs between their APIs is in small classes that run.sh picks by their folder: name-V/ serves from
 * version V on, until the next of that name. Settings stay at the client's defaults unless a scenario depends on them.
 */
public final class Agent {
    private final String version;
    private final String bootstrap;
    private final Map<String, Stream> streams = new HashMap<>();
    private final Map<String, Member> members = new HashMap<>();
    private final Map<String, Transaction> transactions = new HashMap<>();

    private Agent(String version, String bootstrap) {
        this.version = version;
        this.bootstrap = bootstrap;
    }

    public static void main(String[] args) throws Exception {
        Agent agent = new Agent(args[0], args[1]);
        // Nulls matter: a null key is not an absent one.
        Gson gson = new GsonBuilder().serializeNulls().disableHtmlEscaping().create();
        PrintStream out = new PrintStream(System.out, false, "UTF-8");
        System.setOut(System.err); // no library may write between the answers
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = in.readLine()) != null; ) {
            JsonObject answer = new JsonObject();
            try {
                answer.add("result", agent.handle(gson.fromJson(line, JsonObject.class)));
            } catch (Throwable e) {
                e.printStackTrace();
                answer.addProperty("error", e.toString());
            }
            out.println(gson.toJson(answer));
            out.flush();
        }
        System.exit(0); // what is still running belongs to a test that is over
    }

    private JsonElement handle(JsonObject request) throws Exception {
        String op = request.get("op").getAsString();
        String handle = request.has("handle") ? request.get("handle").getAsString() : "";
        JsonObject args = request.has("args") && request.get("args").isJsonObject() ? request.getAsJsonObject("args") : new JsonObject();
        switch (op) {
            case "info":
                return features();
            case "produce":
                return produce(args);
            case "fetch":
                return fetch(args);
            case "offsets":
                return offsets(args);
            case "stream.start":
                streams.put(handle, new Stream(bootstrap, args, idempotent()));
                return null;
            case "stream.status":
                return streams.get(handle).status();
            case "stream.stop":
                return streams.remove(handle).stop();
            case "member.join":
                members.put(handle, new Member(bootstrap, args));
                return null;
            case "member.assigned":
                return members.get(handle).assigned();
            case "member.take":
                return members.get(handle).take();
            case "member.commit":
                members.get(handle).commit();
                return null;
            case "member.leave":
                members.remove(handle).leave();
                return null;
            case "admin.topics":
                return Topics.goThrough(adminConfig(), args.get("topic").getAsString());
            case "admin.group":
                return Groups.describe(adminConfig(), args.get("group").getAsString());
            case "txn.open":
                transactions.put(handle, new Transaction(bootstrap, args));
                return null;
            case "txn.begin":
                transactions.get(handle).begin();
                return null;
            case "txn.send":
                transactions.get(handle).send(args);
                return null;
            case "txn.offsets":
                transactions.get(handle).offsets(args);
                return null;
            case "txn.commit":
                transactions.get(handle).commit();
                return null;
            case "txn.abort":
                transactions.get(handle).abort();
                return null;
            case "txn.close":
                transactions.remove(handle).close();
                return null;
            default:
                throw new IllegalArgumentException("no such operation: " + op);
        }
    }

    private JsonObject features() {
        JsonObject features = new JsonObject();
        JsonArray codecs = new JsonArray();
        for (String codec : new String[] {"none", "gzip", "snappy", "lz4"}) codecs.add(codec);
        if (atLeast(2, 1)) codecs.add("zstd");
        features.add("codecs", codecs);
        features.addProperty("headers", Fields.HEADERS);
        features.addProperty("timestamps", Fields.TIMESTAMPS);
        features.addProperty("timeless", !Fields.TIMESTAMPS);
        features.addProperty("nulls", true);
        features.addProperty("binary", true);
        features.addProperty("idempotent", idempotent());
        features.addProperty("bulky", true);
        features.addProperty("noTimeQuery", !Offsets.BY_TIME);
        features.addProperty("adminTopics", Topics.ADMIN);
        features.addProperty("adminGroups", Groups.ADMIN);
        features.addProperty("transactions", Transaction.KNOWN);
        return features;
    }

    private boolean idempotent() {
        return atLeast(0, 11);
    }

    private boolean atLeast(int major, int minor) {
        String[] parts = version.split("\\.");
        int ours = Integer.parseInt(parts[0]);
        return ours > major || ours == major && Integer.parseInt(parts[1]) >= minor;
    }

    private JsonElement produce(JsonObject args) throws Exception {
        Properties config = producerConfig(bootstrap);
        config.put("compression.type", args.get("codec").getAsString());
        config.put("acks", args.get("acks").getAsString());
        config.put("linger.ms", "5");
        JsonArray offsets = new JsonArray();
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(config)) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (JsonElement e : args.getAsJsonArray("records")) {
                sent.add(producer.send(Records.toProducer(args.get("topic").getAsString(), e.getAsJsonObject())));
            }
            producer.flush();
            for (Future<RecordMetadata> f : sent) {
                try {
                    offsets.add(f.get(30, TimeUnit.SECONDS).offset());
                } catch (ExecutionException e) {
                    throw new IllegalStateException("record " + offsets.size() + " was refused: " + e.getCause(), e.getCause());
                }
            }
        }
        return offsets;
    }

    private JsonElement fetch(JsonObject args) {
        TopicPartition partition = new TopicPartition(args.get("topic").getAsString(), args.get("partition").getAsInt());
        int count = args.get("count").getAsInt();
        long deadline = System.currentTimeMillis() + args.get("timeoutMs").getAsLong();
        JsonArray records = new JsonArray();
        Properties config = consumerConfig(bootstrap);
        if (args.has("isolation")) config.put("isolation.level", args.get("isolation").getAsString());
        config.put("fetch.max.wait.ms", "50"); // the newer clients' close waits for the fetch that is out
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(config)) {
            consumer.assign(Collections.singletonList(partition));
            consumer.seek(partition, args.get("offset").getAsLong());
            while (records.size() < count && System.currentTimeMillis() < deadline) {
                for (ConsumerRecord<byte[], byte[]> r : Poll.poll(consumer, 200)) records.add(Records.toJson(r));
            }
        }
        return records;
    }

    private JsonElement offsets(JsonObject args) {
        TopicPartition partition = new TopicPartition(args.get("topic").getAsString(), args.get("partition").getAsInt());
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(consumerConfig(bootstrap))) {
            consumer.assign(Collections.singletonList(partition));
            return Offsets.of(consumer, partition, args.get("timestamp").getAsLong());
        }
    }

    private Properties adminConfig() {
        Properties config = new Properties();
        config.put("bootstrap.servers", bootstrap);
        return config;
    }

    static Properties producerConfig(String bootstrap) {
        Properties config = new Properties();
        config.put("bootstrap.servers", bootstrap);
        config.put("key.serializer", "org.apache.kafka.common.serialization.ByteArraySerializer");
        config.put("value.serializer", "org.apache.kafka.common.serialization.ByteArraySerializer");
        return config;
    }

    static Properties consumerConfig(String bootstrap) {
        Properties config = new Properties();
        config.put("bootstrap.servers", bootstrap);
        config.put("key.deserializer", "org.apache.kafka.common.serialization.ByteArrayDeserializer");
        config.put("value.deserializer", "org.apache.kafka.common.serialization.ByteArrayDeserializer");
        config.put("enable.auto.commit", "false");
        config.put("auto.offset.reset", "earliest");
        return config;
    }
}
