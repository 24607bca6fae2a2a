import java.util.Arrays;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.KStream;

/** Counts words: lines are split, sent through a repartition topic, counted in a store with a changelog, and every new count goes out. */
public final class Program {
    public static void main(String[] args) throws Exception {
        String name = args[1];
        Properties config = new Properties();
        config.put("bootstrap.servers", args[0]);
        config.put("application.id", name);
        config.put("state.dir", args[2]);
        config.put("default.key.serde", Serdes.String().getClass().getName());
        config.put("default.value.serde", Serdes.String().getClass().getName());
        config.put("commit.interval.ms", "200");
        config.put("auto.offset.reset", "earliest");
        config.put("session.timeout.ms", "6000");
        config.put("heartbeat.interval.ms", "300");
        config.put("retries", "1000000"); // 1.1 gives up soon otherwise
        StreamsBuilder builder = new StreamsBuilder();
        KStream<String, String> lines = builder.stream(name + "-lines");
        lines.flatMapValues(line -> Arrays.asList(line.split(" ")))
            .groupBy((key, word) -> word)
            .count()
            .toStream()
            .mapValues(count -> String.valueOf(count))
            .to(name + "-out");
        KafkaStreams streams = new KafkaStreams(builder.build(), config);
        Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
        streams.start();
        Thread.currentThread().join();
    }
}
