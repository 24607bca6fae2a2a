package sordini.txn;

import com.google.gson.stream.JsonWriter;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** The events of one program, a JSON line each: those of compat-tests/txn/check, and "w", the program. */
final class Report {
    private static final PrintWriter out = new PrintWriter(new OutputStreamWriter(System.out, StandardCharsets.UTF_8));
    private final String program;

    Report(String program) {
        this.program = program;
    }

    void send(long txn, String topic, int partition, String value) {
        line("send", w -> w.name("x").value(txn).name("t").value(topic).name("p").value(partition).name("v").value(value));
    }

    void ack(long txn, String topic, int partition, String value, long offset) {
        line("ack", w -> w.name("x").value(txn).name("t").value(topic).name("p").value(partition).name("v").value(value).name("o").value(offset));
    }

    void end(long txn, boolean commit) {
        line("end", w -> w.name("x").value(txn).name("c").value(commit).name("at").value(System.currentTimeMillis()));
    }

    /** outcome: done, failed or unknown. */
    void ended(long txn, String outcome) {
        line("ended", w -> w.name("x").value(txn).name("r").value(outcome));
    }

    void poll(String topic, int partition, long offset, String value) {
        line("poll", w -> w.name("t").value(topic).name("p").value(partition).name("o").value(offset).name("v").value(value)
                .name("at").value(System.currentTimeMillis()));
    }

    void seek() {
        line("seek", w -> {});
    }

    private interface Fields {
        void write(JsonWriter w) throws IOException;
    }

    private void line(String kind, Fields fields) {
        StringWriter text = new StringWriter();
        try {
            JsonWriter w = new JsonWriter(text);
            w.beginObject().name("w").value(program).name("e").value(kind);
            fields.write(w);
            w.endObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        synchronized (out) {
            out.println(text);
            out.flush();
        }
    }

    /** What a person may want to know when a run has failed. */
    void note(String text) {
        synchronized (System.err) {
            System.err.println(System.currentTimeMillis() + " " + program + ": " + text);
        }
    }
}
