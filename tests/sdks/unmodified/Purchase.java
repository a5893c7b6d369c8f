import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

/** An application that sends with the JDK's own client: no proxy, no trust store, no address but the real ones. */
public class Purchase {
    public static void main(String[] arguments) throws Exception {
        HttpClient client = HttpClient.newHttpClient();
        String datafile = "https://cdn.optimizely.com/datafiles/SHOPkA7pQ2mXv9Rt.json";
        System.out.println(client.send(HttpRequest.newBuilder(URI.create(datafile)).build(),
            HttpResponse.BodyHandlers.ofString()).statusCode());
        String event = "{\"writeKey\": \"any-key\", \"userId\": \"james\", \"event\": \"Order Completed\","
            + " \"messageId\": \"order-of-james\", \"properties\": {\"revenue\": 4999}}";
        HttpRequest track = HttpRequest.newBuilder(URI.create("https://api.segment.io/v1/track"))
            .header("Content-Type", "application/json").POST(HttpRequest.BodyPublishers.ofString(event)).build();
        System.out.println(client.send(track, HttpResponse.BodyHandlers.ofString()).body());
    }
}
