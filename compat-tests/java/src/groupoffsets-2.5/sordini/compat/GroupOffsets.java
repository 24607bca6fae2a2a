package sordini.compat;

import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.TopicPartition;

/** From 2.5 on the metadata of the member goes with them (KIP-447). */
final class GroupOffsets {
    private GroupOffsets() {}

    static void send(KafkaProducer<byte[], byte[]> producer, Map<TopicPartition, OffsetAndMetadata> offsets, String group) {
        producer.sendOffsetsToTransaction(offsets, new ConsumerGroupMetadata(group));
    }
}
