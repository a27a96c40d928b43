import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * A load of transactions by Kafka's own client with its defaults: one producer commits one after
 * another. Each line of standard input, PORT TOPIC RECORDS RECORD_BYTES MILLISECONDS, is answered
 * with a line: transactions a second, p50 and p99 in ms from the last send to the end of the
 * commit, which waits for the records too. Producers are kept, so that one process measures
 * several brokers in turn, all of them warm.
 */
public class Transactions {
  static final Map<String, KafkaProducer<byte[], byte[]>> PRODUCERS = new HashMap<>();

  public static void main(String[] args) throws Exception {
    var lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String[] fields = line.split(" ");
      var producer = PRODUCERS.computeIfAbsent(fields[0], Transactions::open);
      int records = Integer.parseInt(fields[2]);
      byte[] value = new byte[Integer.parseInt(fields[3])];
      measure(producer, fields[1], records, value, Long.parseLong(fields[4]));
    }
    for (var producer : PRODUCERS.values()) producer.close();
  }

  static KafkaProducer<byte[], byte[]> open(String port) {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", "127.0.0.1:" + port);
    properties.put("transactional.id", "bench-" + port);
    var serializer = new ByteArraySerializer();
    var producer = new KafkaProducer<>(properties, serializer, serializer);
    producer.initTransactions();
    return producer;
  }

  static void measure(
      KafkaProducer<byte[], byte[]> producer, String topic, int records, byte[] value, long ms) {
    List<Long> commits = new ArrayList<>();
    long start = System.nanoTime();
    long end = start;
    while (end - start < ms * 1_000_000) {
      producer.beginTransaction();
      for (int i = 0; i < records; i++) producer.send(new ProducerRecord<>(topic, 0, null, value));
      long committing = System.nanoTime();
      // The commit would wait for the records as well, but on a busy machine the client may take
      // the end before it sees them, and send it first: the coordinator then refuses it.
      producer.flush();
      producer.commitTransaction();
      end = System.nanoTime();
      commits.add(end - committing);
    }
    double perSecond = commits.size() * 1e9 / (end - start);
    double[] figures = {perSecond, at(commits, 0.5), at(commits, 0.99)};
    StringBuilder answer = new StringBuilder();
    for (double figure : figures) answer.append(figure).append(' ');
    System.out.println(answer.toString().trim());
  }

  static double at(List<Long> nanoseconds, double part) {
    Collections.sort(nanoseconds);
    int index = Math.min(nanoseconds.size() - 1, (int) (nanoseconds.size() * part));
    return nanoseconds.get(index) / 1e6;
  }
}
