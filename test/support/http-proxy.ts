import { once } from 'node:events';
import { createServer, type IncomingMessage, request as forward, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

/** What the proxy does with a request. A status refuses it; `page` is a page of the proxy's own; `hang` gives no answer. */
export type ProxyTreatment = 'pass' | 'close' | 'hang' | 'page' | number;

/** An HTTP proxy that passes requests on, for APIs with and without TLS. */
export interface HttpProxy {
  url: string;
  /** Decides the fate of each request; at first all pass. */
  treatment: ProxyTreatment;
  /** What was asked for, such as `CONNECT 127.0.0.1:443`, with the login of the client. */
  asked: { request: string; login: string | undefined }[];
  /** The connections of clients so far, and those that are open. */
  connections: { total: number; open: number };
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startHttpProxy(): Promise<HttpProxy> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  };
  const note = ({ method = '', url = '', headers }: IncomingMessage): void => {
    proxy.asked.push({ request: `${method} ${url}`, login: headers['proxy-authorization'] });
  };

  const server = createServer((request, response) => {
    note(request);
    if (proxy.treatment === 'pass') pass(request, response);
    else if (proxy.treatment === 'close') request.socket.destroy();
    else if (proxy.treatment !== 'hang') answer(response, proxy.treatment);
  });
  server.on('connection', (socket) => {
    keep(socket);
    proxy.connections.total += 1;
    proxy.connections.open += 1;
    socket.on('close', () => (proxy.connections.open -= 1));
  });
  server.on('connect', (request, client: Socket) => {
    note(request);
    const { treatment } = proxy;
    if (treatment === 'close') client.destroy();
    else if (treatment === 'page') client.end('HTTP/1.1 403 No\r\ncontent-type: text/html\r\n\r\n<html>no</html>');
    else if (typeof treatment === 'number') client.end(`HTTP/1.1 ${treatment} No\r\ncontent-length: 0\r\n\r\n`);
    else if (treatment === 'pass') {
      tunnel(client, request.url ?? '', keep);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  const proxy: HttpProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    treatment: 'pass',
    asked: [],
    connections: { total: 0, open: 0 },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
}

function tunnel(client: Socket, target: string, keep: (socket: Socket) => void): void {
  const { hostname, port } = new URL(`http://${target}`);
  const api = connect(Number(port), hostname, () => {
    client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    client.pipe(api).pipe(client);
  });
  keep(api);
  client.on('close', () => api.destroy());
  api.on('close', () => client.destroy());
}

function pass(request: IncomingMessage, response: ServerResponse): void {
  const { method, url = '', headers } = request;
  const passed = forward(url, { method, headers }, (answered) => {
    response.writeHead(answered.statusCode ?? 502, answered.headers);
    answered.pipe(response);
  });
  passed.on('error', () => response.writeHead(502).end());
  request.pipe(passed);
}

function answer(response: ServerResponse, treatment: 'page' | number): void {
  const status = treatment === 'page' ? 200 : treatment;
  response.writeHead(status, { 'content-type': 'text/html' }).end('<html><body>Please sign in</body></html>');
}
