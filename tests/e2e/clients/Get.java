/* Get CLIENT NAME: https://NAME/ fetched by one of the JDK's own clients. */
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URL;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;

public class Get {
	static String old(String name) throws Exception {
		HttpURLConnection link = (HttpURLConnection)
			new URL("https://" + name + "/").openConnection();
		InputStream body = link.getResponseCode() < 400
			? link.getInputStream() : link.getErrorStream();
		return new String(body.readAllBytes());
	}

	/* Sends back what comes first; what comes then is the answer. */
	static class Talk implements WebSocket.Listener {
		CompletableFuture<String> said = new CompletableFuture<>();
		boolean welcome;

		public CompletionStage<?> onText(WebSocket socket,
				CharSequence text, boolean last) {
			if (!welcome && text.toString().equals("welcome")) {
				welcome = true;
				socket.sendText("and back", true);
			} else {
				said.complete(text.toString());
			}
			socket.request(1);
			return null;
		}
	}

	static void talk(HttpClient client, String name) throws Exception {
		Talk talk = new Talk();
		client.newWebSocketBuilder().buildAsync(
			URI.create("wss://" + name + "/websocket"), talk).join();
		if (!talk.said.get(20, TimeUnit.SECONDS).equals("and back"))
			throw new Exception("the WebSocket said otherwise");
	}

	public static void main(String[] args) throws Exception {
		String name = args[1];
		if (args[0].equals("old")) {
			System.out.print(old(name));
			return;
		}
		HttpClient client = HttpClient.newHttpClient();
		HttpResponse<String> answer = client.send(HttpRequest.newBuilder(
			URI.create("https://" + name + "/")).build(),
			HttpResponse.BodyHandlers.ofString());
		if (answer.statusCode() == 200)
			talk(client, name);
		System.out.print(answer.body());
		System.exit(0);
	}
}
