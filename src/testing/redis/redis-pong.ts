import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const ATTEMPT_MS = 1_000;
const PAUSE_MS = 20;

/** Waits until a Redis answers with PONG or asks for a password. @returns `false` if it doesn't within the given time in ms. */
export async function answersPing(host: string, port: number, withinMs: number): Promise<boolean> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const answer = await ping(host, port);
    if (answer.startsWith('+PONG') || answer.startsWith('-NOAUTH')) return true;
    if (Date.now() > deadline) return false;
    await sleep(PAUSE_MS);
  }
}

/** The first bytes of the answer; empty if there was no answer. */
async function ping(host: string, port: number): Promise<string> {
  const socket = connect(port, host);
  socket.setTimeout(ATTEMPT_MS, () => socket.destroy());
  socket.setEncoding('latin1');
  socket.write('PING\r\n');
  try {
    for await (const answer of socket as AsyncIterable<string>) return answer;
    return '';
  } catch {
    return '';
  }
}
