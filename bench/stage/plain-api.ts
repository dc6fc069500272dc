import { fork } from 'node:child_process';
import { once } from 'node:events';

/** What has arrived since the start, or since all was forgotten. */
export interface Tally {
  arrived: number;
  /** Messages that came while another one of their conversation had no answer yet. */
  overlaps: number;
}

export interface PlainApi extends AsyncDisposable {
  url: string;
  tally(): Promise<Tally>;
  forget(): Promise<void>;
}

export async function startPlainApi(latencyMs: number): Promise<PlainApi> {
  const child = fork(new URL('plain-api-process.ts', import.meta.url), [String(latencyMs)], { execArgv: [] });
  const exited = once(child, 'exit');
  const [url] = (await once(child, 'message')) as [string];
  const ask = async (question: 'tally' | 'forget'): Promise<Tally> => {
    const answer = once(child, 'message') as Promise<[Tally]>;
    child.send(question);
    return (await answer)[0];
  };
  return {
    url,
    tally: async () => await ask('tally'),
    async forget() {
      await ask('forget');
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
