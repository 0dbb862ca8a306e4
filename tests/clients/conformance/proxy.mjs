// Adds the caller's access token to every request, which the suite has no way to send.

import { once } from "node:events";
import http from "node:http";

/** Listens on a free port of loopback for requests to `target`; gives the same URL at its own address. */
export async function proxy(target, headers) {
  const server = http.createServer((request, response) => {
    const asked = http.request(
      {
        host: target.hostname,
        port: target.port,
        method: request.method,
        path: request.url,
        headers: { ...readdressed(request.headers, server.address().port, target), ...headers },
      },
      (answer) => {
        response.writeHead(answer.statusCode, answer.headers);
        // The head goes out now: the body of an event stream may come much later.
        response.flushHeaders();
        answer.pipe(response);
        answer.on("error", () => response.destroy());
      },
    );
    asked.on("error", () => response.destroy());
    response.on("close", () => asked.destroy());
    request.pipe(asked);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = new URL(target);
  url.port = server.address().port;
  return {
    url,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** What names this proxy, for the target. Foreign hosts and origins are tested and stay as they are. */
function readdressed(headers, port, target) {
  const own = new Set([`127.0.0.1:${port}`, `localhost:${port}`]);
  const changed = { ...headers };
  if (own.has(headers.host)) changed.host = target.host;
  if (headers.origin && own.has(headers.origin.replace("http://", ""))) changed.origin = target.origin;
  return changed;
}
