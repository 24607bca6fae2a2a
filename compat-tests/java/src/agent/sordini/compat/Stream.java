package sordini.compat;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;

/** A producer that sends 0, 1, 2, ... with acks=all until it is told to stop, through whatever happens to the broker. */
final class Stream {
    private final List<Integer> acked = new ArrayList<>(); // guarded by itself, as is failures
    private final List<String> failures = new ArrayList<>();
    private final KafkaProducer<byte[], byte[]> producer;
    private final Thread sender;
    private volatile boolean stopped;

    Stream(String bootstrap, JsonObject args, boolean idempotent) {
        Properties config = Agent.producerConfig(bootstrap);
        config.put("acks", "all");
        config.put("retries", String.valueOf(Integer.MAX_VALUE)); // the old client's default is 0
        if (idempotent) config.put("enable.idempotence", "true"); // the default only from 3.0 on
        producer = new KafkaProducer<>(config);
        String topic = args.get("topic").getAsString();
        int partitions = args.get("partitions").getAsInt();
        long everyMs = args.get("everyMs").getAsLong();
        sender = new Thread(() -> run(topic, partitions, everyMs), "stream");
        sender.setDaemon(true);
        sender.start();
    }

    private void run(String topic, int partitions, long everyMs) {
        for (int i = 0; !stopped; i++) {
            int n = i;
            byte[] value = String.valueOf(n).getBytes(StandardCharsets.US_ASCII);
            try {
                send(new ProducerRecord<>(topic, n % partitions, value, value), n);
                Thread.sleep(everyMs);
            } catch (Exception e) {
                synchronized (acked) {
                    failures.add(n + ": " + e);
                }
            }
        }
    }

    private void send(ProducerRecord<byte[], byte[]> record, int n) throws InterruptedException {
        while (true) {
            try {
                producer.send(record, (metadata, error) -> {
                    synchronized (acked) {
                        if (error == null) acked.add(n);
                        else failures.add(n + ": " + error);
                    }
                });
                return;
            } catch (IllegalStateException e) { // 0.9 while a batch is sent again: see FINDINGS.md
                if (stopped || !"Memory records is not writable".equals(e.getMessage())) throw e;
                Thread.sleep(10);
            }
        }
    }

    JsonObject status() {
        JsonObject state = new JsonObject();
        synchronized (acked) {
            state.addProperty("count", acked.size());
        }
        return state;
    }

    JsonObject stop() throws InterruptedException {
        stopped = true;
        sender.join();
        producer.flush();
        producer.close();
        JsonObject state = status();
        JsonArray numbers = new JsonArray();
        JsonArray errors = new JsonArray();
        synchronized (acked) {
            acked.forEach(numbers::add);
            failures.forEach(errors::add);
        }
        state.add("acked", numbers);
        state.add("failures", errors);
        return state;
    }
}
