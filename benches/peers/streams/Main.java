import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.function.Function;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.graalvm.polyglot.Context;
import org.graalvm.polyglot.Value;

/** The loads of benches/speed by Kafka Streams: in Java with Jackson, or in JavaScript with GraalJS. */
public final class Main {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] arguments) {
        boolean javaScript = arguments[0].equals("graaljs");
        Function<byte[], List<byte[]>> work = javaScript ? javaScript(setting("WORK")) : java(setting("WORK"));
        StreamsBuilder builder = new StreamsBuilder();
        builder.<byte[], byte[]>stream(setting("INPUT")).flatMapValues(work::apply).to(setting("OUTPUT"));
        KafkaStreams streams = new KafkaStreams(builder.build(), properties());
        Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
        streams.start();
    }

    private static Properties properties() {
        Properties properties = new Properties();
        boolean exactlyOnce = setting("EXACTLY_ONCE").equals("true");
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, setting("GROUP"));
        properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, setting("BROKERS"));
        properties.put(StreamsConfig.STATE_DIR_CONFIG, setting("STATE"));
        properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, setting("THREADS"));
        properties.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.ByteArraySerde.class);
        properties.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.ByteArraySerde.class);
        properties.put(
                StreamsConfig.PROCESSING_GUARANTEE_CONFIG,
                exactlyOnce ? StreamsConfig.EXACTLY_ONCE_V2 : StreamsConfig.AT_LEAST_ONCE);
        properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, exactlyOnce ? 100 : 1000);
        properties.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        properties.put(ProducerConfig.COMPRESSION_TYPE_CONFIG, "lz4");
        properties.put(ProducerConfig.BATCH_SIZE_CONFIG, 256 * 1024);
        return properties;
    }

    private static Function<byte[], List<byte[]>> java(String work) {
        return switch (work) {
            case "passthrough" -> List::of;
            case "enrich" -> value -> {
                ObjectNode order = parse(value);
                order.put("total", order.get("quantity").longValue() * order.get("price").longValue());
                return List.of(write(order));
            };
            case "filter" -> value ->
                    parse(value).get("status").textValue().equals("returned") ? List.of(value) : List.of();
            case "fan-out" -> value -> {
                ObjectNode order = parse(value);
                List<byte[]> results = new ArrayList<>(3);
                for (int part = 0; part < 3; part++) {
                    order.put("part", part);
                    results.add(write(order));
                }
                return results;
            };
            default -> throw new IllegalArgumentException(work);
        };
    }

    private static ObjectNode parse(byte[] value) {
        try {
            return (ObjectNode) JSON.readTree(value);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    private static byte[] write(ObjectNode order) {
        try {
            return JSON.writeValueAsBytes(order);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    /** An engine for each thread. An array stands for several results, true for the record itself. */
    private static Function<byte[], List<byte[]>> javaScript(String work) {
        String source = switch (work) {
            case "enrich" -> "(text) => { const order = JSON.parse(text); order.total = order.quantity * order.price;"
                    + " return JSON.stringify(order); }";
            case "filter" -> "(text) => JSON.parse(text).status === 'returned'";
            default -> throw new IllegalArgumentException(work);
        };
        ThreadLocal<Value> handlers = ThreadLocal.withInitial(() -> Context.create("js").eval("js", source));
        return value -> {
            Value result = handlers.get().execute(new String(value, StandardCharsets.UTF_8));
            if (result.isString()) {
                return List.of(result.asString().getBytes(StandardCharsets.UTF_8));
            }
            return result.asBoolean() ? List.of(value) : List.of();
        };
    }

    private static String setting(String name) {
        String value = System.getenv("BENCH_" + name);
        if (value == null) {
            throw new IllegalStateException("BENCH_" + name + " is not set");
        }
        return value;
    }
}
