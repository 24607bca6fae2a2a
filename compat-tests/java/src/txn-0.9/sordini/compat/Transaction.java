package sordini.compat;

import com.google.gson.JsonObject;

/** Until 0.10.2 there are neither idempotent nor transactional producers. */
final class Transaction {
    static final boolean KNOWN = false;

    Transaction(String bootstrap, JsonObject args) {
        throw new UnsupportedOperationException("no transactions");
    }

    void begin() {}

    void send(JsonObject args) {}

    void offsets(JsonObject args) {}

    void commit() {}

    void abort() {}

    void close() {}
}
