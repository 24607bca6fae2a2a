package sordini.compat;

import com.google.gson.JsonObject;
import java.util.Properties;

/** Until 1.1 no admin client knows groups. */
final class Groups {
    static final boolean ADMIN = false;

    private Groups() {}

    static JsonObject describe(Properties config, String group) {
        throw new UnsupportedOperationException("no admin calls for groups");
    }
}
