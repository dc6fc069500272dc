import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Moment } from '../result/latency.ts';
import type { ApiAnswer, ApiQuestion, ApiReady } from './api-questions.ts';

/** The fake API, from the side of the benchmark. */
export interface Api extends AsyncDisposable {
  readonly url: string;
  forget(): Promise<void>;
  /** What has arrived of a page since the start, or since all was forgotten. */
  arrivalsOf(pageId: string): Promise<Moment[]>;
}

type Question = { ask: 'forget' } | { ask: 'arrivals'; pageId: string };

export async function startApi(latencyMs: number): Promise<Api> {
  const child = fork(new URL('api-process.ts', import.meta.url), [String(latencyMs)], { execArgv: [] });
  const exited = once(child, 'exit');
  const waiting = new Map<number, (arrivals: Moment[]) => void>();
  let asked = 0;

  const first = once(child, 'message') as Promise<[ApiReady]>;
  const [ready] = await Promise.race([first, exited.then(() => Promise.reject(new Error('the fake API ended')))]);
  child.on('message', ({ id, arrivals }: ApiAnswer) => {
    waiting.get(id)?.(arrivals);
    waiting.delete(id);
  });

  async function ask(question: Question): Promise<Moment[]> {
    asked += 1;
    const id = asked;
    const answer = new Promise<Moment[]>((resolve) => {
      waiting.set(id, resolve);
    });
    const sent: ApiQuestion = { id, ...question };
    child.send(sent);
    return await answer;
  }

  return {
    url: ready.url,
    async forget() {
      await ask({ ask: 'forget' });
    },
    arrivalsOf: async (pageId) => await ask({ ask: 'arrivals', pageId }),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
