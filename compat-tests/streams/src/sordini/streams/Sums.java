package sordini.streams;

import java.io.InputStream;
import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.state.Stores;

/**
 * Sums HOST:PORT GUARANTEE STATE_DIR: reads "in", values "account:amount:number", and writes each to "echo" as it is, and to "out", by
 * account, "count:sum" of all so far. It ends when its input does.
 */
public final class Sums {
    private Sums() {}

    public static void main(String[] args) throws Exception {
        Properties config = new Properties();
        config.put("application.id", "sums");
        config.put("bootstrap.servers", args[0]);
        config.put("processing.guarantee", args[1]);
        config.put("state.dir", args[2]);
        config.put("num.stream.threads", "2");
        config.put("commit.interval.ms", "50");
        config.put("replication.factor", "1");
        config.put("consumer.session.timeout.ms", "6000");
        config.put("consumer.heartbeat.interval.ms", "500");
        config.put("consumer.auto.offset.reset", "earliest");
        config.put("producer.transaction.timeout.ms", "10000");
        config.put("metadata.max.age.ms", "2000");
        config.put("reconnect.backoff.max.ms", "200");

        StreamsBuilder builder = new StreamsBuilder();
        KStream<String, String> in = builder.stream("in", Consumed.with(Serdes.String(), Serdes.String()));
        in.to("echo", Produced.with(Serdes.String(), Serdes.String()));
        in.selectKey((key, value) -> value.split(":")[0]) // another key: by way of a repartition topic
                .groupByKey(Grouped.with("accounts", Serdes.String(), Serdes.String()))
                .aggregate(() -> "0:0", (account, value, sum) -> add(sum, value),
                        Materialized.<String, String>as(Stores.inMemoryKeyValueStore("sums"))
                                .withKeySerde(Serdes.String()).withValueSerde(Serdes.String()).withCachingDisabled())
                .toStream().to("out", Produced.with(Serdes.String(), Serdes.String()));

        KafkaStreams streams = new KafkaStreams(builder.build(), config);
        streams.setStateListener((now, before) -> System.out.println(now));
        streams.start();
        InputStream input = System.in;
        while (input.read() >= 0) continue;
        if (!streams.close(Duration.ofSeconds(20))) throw new IllegalStateException("streams did not close");
    }

    private static String add(String sum, String value) {
        String[] before = sum.split(":");
        long amount = Long.parseLong(value.split(":")[1]);
        return (Long.parseLong(before[0]) + 1) + ":" + (Long.parseLong(before[1]) + amount);
    }
}
