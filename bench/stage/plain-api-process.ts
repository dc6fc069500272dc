/**
 * An API that costs as little as it can: it answers yes and counts, so that little but the sender is measured. Argument:
 * latency in ms.
 */
import { createServer } from 'node:http';
import type { Tally } from './plain-api.ts';

const latencyMs = Number(process.argv[2]);
const ANSWER = '{"success":true}';
const HEADERS = { 'content-type': 'application/json', 'content-length': String(ANSWER.length) };

const fresh = (): Tally => ({ arrived: 0, overlaps: 0 });
let tally = fresh();
const open = new Set<string>();

const server = createServer({ keepAliveTimeout: 0 }, (req, res) => {
  const chunks: Buffer[] = [];
  req.on('data', (chunk: Buffer) => chunks.push(chunk));
  req.on('end', () => {
    const { pageId, conversationId } = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, string>;
    const conversation = `${pageId}/${conversationId}`;
    tally.arrived += 1;
    if (open.has(conversation)) tally.overlaps += 1;
    open.add(conversation);
    const answer = (): void => {
      open.delete(conversation);
      res.writeHead(200, HEADERS).end(ANSWER);
    };
    if (latencyMs === 0) answer();
    else setTimeout(answer, latencyMs);
  });
});

process.on('message', (question: 'tally' | 'forget') => {
  if (question === 'forget') tally = fresh();
  process.send?.(tally);
});
process.on('disconnect', () => process.exit(0));
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address) process.send?.(`http://127.0.0.1:${address.port}/kitechat/send-message`);
});
