/**
 * An API that costs as little as it can: it answers yes and counts, so that little but the sender is measured. Argument:
 * latency in ms.
 */
import { createServer } from 'node:http';
import { monotonicMs } from '../../test/support/api/monotonic-ms.ts';
import type { Question, Tally } from './plain-api.ts';

interface Arrived {
  pageId: string;
  conversationId: string;
  message: { text: string };
}

const latencyMs = Number(process.argv[2]);
const ANSWER = '{"success":true}';
const HEADERS = { 'content-type': 'application/json', 'content-length': String(ANSWER.length) };
/** What a text begins with: the number of its message, and when it was handed over to be stored, if that was noted. */
const START = /^(\d+) (?:(\d+\.\d+) )?/;

const fresh = (): Tally => ({ arrived: 0, overlaps: 0, disordered: 0 });
let tally = fresh();
let delaysMs: number[] = [];
let arrivalsMs: number[] = [];
const open = new Set<string>();
const latest = new Map<string, number>();

function note({ message: { text } }: Arrived, conversation: string): void {
  const [, number, storedAtMs] = START.exec(text) ?? [];
  tally.arrived += 1;
  arrivalsMs.push(monotonicMs());
  if (open.has(conversation)) tally.overlaps += 1;
  if (Number(number) <= (latest.get(conversation) ?? -1)) tally.disordered += 1;
  latest.set(conversation, Number(number));
  if (storedAtMs !== undefined) delaysMs.push(monotonicMs() - Number(storedAtMs));
}

const server = createServer({ keepAliveTimeout: 0 }, (req, res) => {
  const chunks: Buffer[] = [];
  req.on('data', (chunk: Buffer) => chunks.push(chunk));
  req.on('end', () => {
    const arrived = JSON.parse(Buffer.concat(chunks).toString()) as Arrived;
    const conversation = `${arrived.pageId}/${arrived.conversationId}`;
    note(arrived, conversation);
    open.add(conversation);
    const answer = (): void => {
      open.delete(conversation);
      res.writeHead(200, HEADERS).end(ANSWER);
    };
    if (latencyMs === 0) answer();
    else setTimeout(answer, latencyMs);
  });
});

process.on('message', ({ ask }: Question) => {
  if (ask === 'delays') process.send?.(delaysMs);
  else if (ask === 'arrivals') process.send?.(arrivalsMs);
  else process.send?.(tally);
  if (ask === 'forget') {
    tally = fresh();
    delaysMs = [];
    arrivalsMs = [];
    latest.clear();
  }
});
process.on('disconnect', () => process.exit(0));
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address) process.send?.(`http://127.0.0.1:${address.port}/kitechat/send-message`);
});
