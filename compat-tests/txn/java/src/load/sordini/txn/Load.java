package sordini.txn;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;

/**
 * Load HOST:PORT ROLE=PROGRAM[=ARGUMENT]...: programs of a run, each a thread. They end when the input does.
 */
public final class Load {
    private Load() {}

    public static void main(String[] args) throws Exception {
        List<Program> programs = new ArrayList<>();
        for (int i = 1; i < args.length; i++) {
            String[] words = args[i].split("=");
            programs.add(program(args[0], words));
        }
        for (Program p : programs) p.start();
        while (System.in.read() >= 0) continue;
        for (Program p : programs) p.stopped = true;
        for (Program p : programs) p.join();
    }

    private static Program program(String bootstrap, String[] words) {
        String name = words[1];
        switch (words[0]) {
            case "transfers": return new Transfers(bootstrap, name, words[2]);
            case "feeder": return new Feeder(bootstrap, name, words[2]);
            case "copier": return new Copier(bootstrap, name, words[2]);
            case "reader": return new Reader(bootstrap, name, words[2]);
            default: throw new IllegalArgumentException("no role " + words[0]);
        }
    }

    /** Moves money between accounts, a transaction a transfer; every fifth is thought better of. */
    private static final class Transfers extends Program {
        private final String topic;

        Transfers(String bootstrap, String name, String topic) {
            super(bootstrap, name);
            this.topic = topic;
        }

        @Override
        void work() throws Exception {
            Transactions txns = new Transactions(program);
            while (!stopped) {
                txns.run(random.nextInt(5) > 0, (txn, producer) -> {
                    int amount = 1 + random.nextInt(100);
                    int from = random.nextInt(12);
                    int to = random.nextInt(12);
                    txn.send(topic, from % PARTITIONS, from + ":" + -amount + ":" + txn.attempt());
                    if (random.nextInt(4) == 0) producer.flush();
                    txn.send(topic, to % PARTITIONS, to + ":" + amount + ":" + txn.attempt());
                });
            }
            txns.close();
        }
    }

    /** Writes originals. */
    private static final class Feeder extends Program {
        private final String topic;

        Feeder(String bootstrap, String name, String topic) {
            super(bootstrap, name);
            this.topic = topic;
        }

        @Override
        void work() throws Exception {
            Transactions txns = new Transactions(program);
            while (!stopped) {
                txns.run(random.nextInt(5) > 0, (txn, producer) -> {
                    for (int i = 1 + random.nextInt(5); i > 0; i--) txn.send(topic, random.nextInt(PARTITIONS), txn.attempt());
                });
                Thread.sleep(random.nextInt(20));
            }
            txns.close();
        }
    }

    /** Copies a topic, "in/out/group/transactional id": what it read and what it wrote are one transaction. */
    private static final class Copier extends Program {
        private final String in;
        private final String out;
        private final String group;
        private final String id;

        Copier(String bootstrap, String name, String flow) {
            super(bootstrap, name);
            String[] words = flow.split("/");
            in = words[0];
            out = words[1];
            group = words[2];
            id = words[3];
        }

        @Override
        void work() throws Exception {
            Transactions txns = new Transactions(id); // first: what a former self has left open is ended by now
            KafkaConsumer<String, String> consumer = consumer(settings("group.id", group, "session.timeout.ms", "3000",
                    "heartbeat.interval.ms", "500", "max.poll.records", "20"));
            consumer.subscribe(List.of(in));
            while (!stopped) {
                ConsumerRecords<String, String> records = Api.poll(consumer, 200);
                if (records.isEmpty()) continue;
                boolean committed = txns.run(random.nextInt(6) > 0, (txn, producer) -> {
                    Map<TopicPartition, OffsetAndMetadata> next = new HashMap<>();
                    for (ConsumerRecord<String, String> r : records) {
                        txn.send(out, r.partition(), r.value() + "|" + txn.attempt());
                        next.put(new TopicPartition(in, r.partition()), new OffsetAndMetadata(r.offset() + 1));
                    }
                    Api.sendOffsets(producer, next, group, consumer);
                });
                if (!committed) back(consumer);
            }
            consumer.close();
            txns.close();
        }

        /** Reads again what was not copied. */
        private void back(KafkaConsumer<String, String> consumer) throws InterruptedException {
            for (int i = 0; ; i++) {
                try {
                    Map<TopicPartition, OffsetAndMetadata> committed = Api.committed(consumer, consumer.assignment());
                    List<TopicPartition> fresh = new ArrayList<>();
                    for (TopicPartition tp : consumer.assignment()) {
                        if (committed.get(tp) == null) fresh.add(tp);
                        else consumer.seek(tp, committed.get(tp).offset());
                    }
                    if (!fresh.isEmpty()) consumer.seekToBeginning(fresh);
                    return;
                } catch (KafkaException e) {
                    if (i == 20) throw e;
                    Thread.sleep(200);
                }
            }
        }
    }

    /** Reads topics, "a/b", from the beginning to see what can be seen meanwhile. */
    private static final class Reader extends Program {
        private final TreeSet<String> topics;

        Reader(String bootstrap, String name, String topics) {
            super(bootstrap, name);
            this.topics = new TreeSet<>(List.of(topics.split("/")));
        }

        @Override
        void work() {
            KafkaConsumer<String, String> consumer = consumer(settings());
            List<TopicPartition> all = new ArrayList<>();
            for (String topic : topics) for (int p = 0; p < PARTITIONS; p++) all.add(new TopicPartition(topic, p));
            consumer.assign(all);
            consumer.seekToBeginning(all);
            while (!stopped) {
                for (ConsumerRecord<String, String> r : Api.poll(consumer, 200)) report.poll(r.topic(), r.partition(), r.offset(), r.value());
            }
            consumer.close();
        }
    }
}
