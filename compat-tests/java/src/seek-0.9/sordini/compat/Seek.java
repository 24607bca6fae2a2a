package sordini.compat;

import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;

/** In 0.9 the seek methods take partitions one by one. */
final class Seek {
    private Seek() {}

    static void toBeginning(KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition) {
        consumer.seekToBeginning(partition);
    }

    static void toEnd(KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition) {
        consumer.seekToEnd(partition);
    }
}
