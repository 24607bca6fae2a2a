package sordini.txn;

import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.TimeoutException;

/** One program: a thread that works until it is stopped. */
abstract class Program extends Thread {
    static final int PARTITIONS = 3;

    final Report report;
    final String bootstrap;
    final String program;
    final Random random = new Random();
    volatile boolean stopped;

    Program(String bootstrap, String program) {
        super(program);
        this.bootstrap = bootstrap;
        this.program = program;
        this.report = new Report(program);
    }

    abstract void work() throws Exception;

    @Override
    public final void run() {
        try {
            work();
            report.note("ends");
        } catch (Throwable e) {
            report.note("gives up: " + e);
            e.printStackTrace();
            System.exit(3);
        }
    }

    KafkaConsumer<String, String> consumer(Map<String, String> more) {
        Properties config = strings("deserializer", "Deserializer");
        config.put("enable.auto.commit", "false");
        config.put("auto.offset.reset", "earliest");
        config.put("isolation.level", "read_committed");
        config.put("fetch.max.wait.ms", "100");
        config.putAll(more);
        return new KafkaConsumer<>(config);
    }

    private Properties strings(String key, String type) {
        Properties config = new Properties();
        config.put("bootstrap.servers", bootstrap);
        config.put("client.id", program);
        config.put("metadata.max.age.ms", "2000");
        config.put("reconnect.backoff.max.ms", "200");
        config.put("key." + key, "org.apache.kafka.common.serialization.String" + type);
        config.put("value." + key, "org.apache.kafka.common.serialization.String" + type);
        return config;
    }

    /** What is in a transaction. */
    interface Body {
        void in(Transactions txn, KafkaProducer<String, String> producer) throws Exception;
    }

    /** A transactional producer that reports what it does. When it is fenced or broken it begins anew, as programs do. */
    final class Transactions {
        private final String id;
        private KafkaProducer<String, String> producer;
        private long txn;
        private int sent;

        Transactions(String id) {
            this.id = id;
            renew();
        }

        /** Runs one transaction. Returns whether it is committed for certain. */
        boolean run(boolean commit, Body body) throws Exception {
            txn++;
            sent = 0;
            boolean ending = false;
            try {
                producer.beginTransaction();
                body.in(this, producer);
                producer.flush();
                report.end(txn, commit);
                ending = true;
                if (commit) retried(producer::commitTransaction);
                else retried(producer::abortTransaction);
                report.ended(txn, "done");
                return commit;
            } catch (KafkaException e) {
                report.note("transaction " + txn + ": " + e);
                if (!ending) report.end(txn, false);
            }
            try {
                retried(producer::abortTransaction);
                report.ended(txn, "failed");
            } catch (KafkaException | IllegalStateException e) {
                report.note("transaction " + txn + " cannot be aborted: " + e);
                report.ended(txn, "unknown");
                renew();
            }
            return false;
        }

        void send(String topic, int partition, String value) {
            long in = txn;
            report.send(in, topic, partition, value);
            producer.send(new ProducerRecord<>(topic, partition, null, value), (at, error) -> {
                if (error == null) report.ack(in, topic, partition, value, at.offset());
            });
        }

        /** Names what is being sent: no other value has it. */
        String attempt() {
            return program + "." + txn + "." + sent++;
        }

        /** A time-out says nothing: the same is asked for again. */
        private void retried(Runnable end) {
            for (int i = 0; ; i++) {
                try {
                    end.run();
                    return;
                } catch (TimeoutException e) {
                    if (i == 5) throw e;
                }
            }
        }

        private void renew() {
            if (producer != null) close();
            Properties config = strings("serializer", "Serializer");
            config.put("transactional.id", id);
            config.put("transaction.timeout.ms", "20000");
            config.put("linger.ms", "1");
            config.put("retry.backoff.ms", "20");
            producer = new KafkaProducer<>(config);
            retried(producer::initTransactions);
        }

        void close() {
            try {
                producer.close();
            } catch (KafkaException e) {
                report.note("close: " + e);
            }
        }
    }

    static Map<String, String> settings(String... pairs) {
        Map<String, String> all = new HashMap<>();
        for (int i = 0; i < pairs.length; i += 2) all.put(pairs[i], pairs[i + 1]);
        return all;
    }
}
