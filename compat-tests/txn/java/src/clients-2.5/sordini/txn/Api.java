package sordini.txn;

import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.TopicPartition;

/** kafka-clients from 2.5 on: offsets are sent with the member's generation (KIP-447). */
final class Api {
    private Api() {}

    static ConsumerRecords<String, String> poll(KafkaConsumer<String, String> consumer, long timeoutMs) {
        return consumer.poll(Duration.ofMillis(timeoutMs));
    }

    static void sendOffsets(KafkaProducer<String, String> producer, Map<TopicPartition, OffsetAndMetadata> offsets,
            String group, KafkaConsumer<String, String> consumer) {
        producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
    }

    static Map<TopicPartition, OffsetAndMetadata> committed(KafkaConsumer<String, String> consumer, Set<TopicPartition> partitions) {
        return consumer.committed(partitions);
    }
}
