import { startProcess } from './process.ts';

/** What has arrived since the start, or since all was forgotten. */
export interface Tally {
  arrived: number;
  /** Messages that came while another one of their conversation had no answer yet. */
  overlaps: number;
  /** Messages that came after a later one of their conversation, or a second time. */
  disordered: number;
}

export interface Question {
  ask: 'tally' | 'delays' | 'arrivals' | 'forget';
}

export interface PlainApi extends AsyncDisposable {
  url: string;
  tally(): Promise<Tally>;
  /** Of the messages that say when they were handed over to be stored: how long ago that was, in ms. */
  delaysMs(): Promise<number[]>;
  /** When each message arrived, in ms of the machine's monotonic clock. */
  arrivalsMs(): Promise<number[]>;
  forget(): Promise<void>;
}

export async function startPlainApi(latencyMs: number): Promise<PlainApi> {
  const child = await startProcess(new URL('plain-api-process.ts', import.meta.url), [String(latencyMs)]);
  const ask = async (question: Question): Promise<unknown> => await child.ask(question);
  return {
    url: child.greeting as string,
    tally: async () => (await ask({ ask: 'tally' })) as Tally,
    delaysMs: async () => (await ask({ ask: 'delays' })) as number[],
    arrivalsMs: async () => (await ask({ ask: 'arrivals' })) as number[],
    async forget() {
      await ask({ ask: 'forget' });
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}
