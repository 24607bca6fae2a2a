import java.io.File;
import java.nio.ByteBuffer;
import java.util.Random;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.CompressionType;
import org.apache.kafka.common.record.FileRecords;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.MemoryRecordsBuilder;
import org.apache.kafka.common.record.RecordBatch;
import org.apache.kafka.common.record.TimestampType;

/**
 * Writes segments with Kafka's own record classes, in every message format, codec and timestamp type. A KRaft node writes format 2
 * alone: it ignores message.format.version.
 *
 * Usage: WriteSegments DIR SEED
 */
public class WriteSegments {
    static final long BASE_TIME = 1_700_000_000_000L;

    public static void main(String[] args) throws Exception {
        File dir = new File(args[0]);
        Random random = new Random(Long.parseLong(args[1]));
        long offset = 0;
        for (byte magic = 0; magic <= 2; magic++) {
            File partition = new File(dir, "format" + magic + "-0");
            if (!partition.mkdirs()) throw new IllegalStateException("cannot make " + partition);
            offset = 10L * magic;
            FileRecords file = FileRecords.open(new File(partition, String.format("%020d.log", offset)));
            for (TimestampType type : new TimestampType[] {TimestampType.CREATE_TIME, TimestampType.LOG_APPEND_TIME}) {
                if (magic == 0 && type == TimestampType.LOG_APPEND_TIME) continue;
                for (CompressionType codec : CompressionType.values()) {
                    if (codec == CompressionType.ZSTD && magic < 2) continue;
                    for (int n : new int[] {1, 7}) offset = append(file, magic, codec, type, offset, n, random);
                }
            }
            file.close();
        }
    }

    static long append(FileRecords file, byte magic, CompressionType codec, TimestampType type, long offset, int n, Random random) throws Exception {
        long now = type == TimestampType.LOG_APPEND_TIME ? BASE_TIME + offset : RecordBatch.NO_TIMESTAMP;
        MemoryRecordsBuilder builder = MemoryRecords.builder(ByteBuffer.allocate(1 << 16), magic, Compression.of(codec).build(), type, offset, now);
        for (int i = 0; i < n; i++) {
            long time = magic == 0 ? RecordBatch.NO_TIMESTAMP : BASE_TIME + random.nextInt(1000);
            Header[] headers = magic < 2 || i % 3 == 0 ? new Header[0]
                    : new Header[] {new RecordHeader("plain", null), new RecordHeader("h\u00e4uf", bytes(random))};
            builder.appendWithOffset(offset + i, time, i % 4 == 1 ? null : bytes(random), i % 5 == 2 ? null : bytes(random), headers);
        }
        file.append(builder.build());
        return offset + n;
    }

    /** Bytes that are text, nearly text, or none at all. */
    static byte[] bytes(Random random) {
        byte[] b = new byte[random.nextInt(60)];
        random.nextBytes(b);
        if (random.nextInt(3) == 0) return b;
        int[] leads = {0xc3, 0xe0, 0xe2, 0xed, 0xf0, 0xf4, 0xf5, 0x80, 0xa0, 0xbf, 0x90, 'a', '\n', 0};
        for (int i = 0; i < b.length; i++) b[i] = (byte) leads[random.nextInt(leads.length)];
        return b;
    }
}
