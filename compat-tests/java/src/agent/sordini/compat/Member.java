package sordini.compat;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/** A group member. The consumer belongs to one thread; the agent hands it work through a queue. */
final class Member {
    private interface Work {
        void run() throws Exception;
    }

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final ConcurrentLinkedQueue<Runnable> work = new ConcurrentLinkedQueue<>();
    private final Thread thread;
    private final int limit; // records to hand over in all; 0: no limit
    private volatile boolean left;
    private volatile Throwable failure;

    // Of the consumer's thread alone.
    private JsonArray received = new JsonArray();
    private final Map<TopicPartition, OffsetAndMetadata> positions = new HashMap<>();
    private int count;

    Member(String bootstrap, JsonObject args) {
        Properties config = Agent.consumerConfig(bootstrap);
        config.put("group.id", args.get("group").getAsString());
        config.put("heartbeat.interval.ms", "300");
        config.put("session.timeout.ms", args.get("sessionMs").getAsString());
        consumer = new KafkaConsumer<>(config);
        limit = args.get("limit").getAsInt();
        consumer.subscribe(Collections.singletonList(args.get("topic").getAsString()));
        thread = new Thread(this::loop, "member");
        thread.setDaemon(true);
        thread.start();
    }

    private void loop() {
        try {
            while (!left) {
                for (Runnable r; (r = work.poll()) != null; ) r.run();
                if (left) return;
                if (limit > 0 && count >= limit) {
                    Thread.sleep(10); // the client's own thread keeps the membership alive
                    continue;
                }
                for (ConsumerRecord<byte[], byte[]> r : Poll.poll(consumer, 50)) receive(r);
            }
        } catch (Throwable e) {
            e.printStackTrace();
            failure = e;
        }
    }

    private void receive(ConsumerRecord<byte[], byte[]> r) {
        if (limit > 0 && count >= limit) return;
        count++;
        received.add(Records.toJson(r));
        positions.put(new TopicPartition(r.topic(), r.partition()), new OffsetAndMetadata(r.offset() + 1));
    }

    JsonArray assigned() throws Exception {
        JsonArray partitions = new JsonArray();
        inLoop(() -> consumer.assignment().stream().map(TopicPartition::partition).sorted().forEach(partitions::add));
        return partitions;
    }

    JsonArray take() throws Exception {
        JsonArray[] taken = new JsonArray[1];
        inLoop(() -> {
            taken[0] = received;
            received = new JsonArray();
        });
        return taken[0];
    }

    void commit() throws Exception {
        inLoop(() -> {
            positions.keySet().retainAll(consumer.assignment());
            consumer.commitSync(new HashMap<>(positions));
        });
    }

    void leave() throws Exception {
        inLoop(() -> {
            left = true;
            consumer.close();
        });
        thread.join();
    }

    private void inLoop(Work w) throws Exception {
        CompletableFuture<Void> done = new CompletableFuture<>();
        work.add(() -> {
            try {
                w.run();
                done.complete(null);
            } catch (Throwable e) {
                done.completeExceptionally(e);
            }
        });
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(40);
        while (!done.isDone() && thread.isAlive() && System.nanoTime() < deadline) Thread.sleep(5);
        if (!done.isDone()) throw new IllegalStateException("the member does not answer", failure);
        done.get();
    }
}
