import { completed, type Settings } from './settings.ts';
import { Writable } from 'node:stream';
import { startHttp } from '../../src/console/index.ts';
import type { Ledger } from '../../src/shared/ledger/ledger.ts';
import { createLogger } from '../../src/shared/logging/logger.ts';

/** A console for an installation, and a visitor. */
export interface TestConsole {
  url: string;
  visitor: ConsoleVisitor;
  /** The lines of the console's log. */
  lines: string[];
  [Symbol.asyncDispose](): Promise<void>;
}

export interface PageAnswer {
  status: number;
  text: string;
  headers: Headers;
  /** The path of a redirect. */
  location: string | null;
}

/** A visitor that acts like a browser: it keeps cookies, and sends the CSRF token of the forms on its pages. */
export interface ConsoleVisitor {
  get(path: string, headers?: Record<string, string>): Promise<PageAnswer>;
  /** Sends a form. A list becomes a field that is sent several times. */
  post(path: string, fields?: Record<string, string | string[]>, headers?: Record<string, string>): Promise<PageAnswer>;
  /** Loads the page that an answer redirects to. */
  follow(answer: PageAnswer): Promise<PageAnswer>;
}

export async function startConsole(config: Settings, ledger: Pick<Ledger, 'read'> | null = null): Promise<TestConsole> {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  const server = await startHttp({
    config: completed({ ...config, httpPort: 0 }),
    worker: null,
    ledger: ledger && { ...ledger, close: async () => {} },
    logger: createLogger({ level: 'info', destination }),
  });
  const url = server.url.replace(/\/$/, '');
  return { url, visitor: createVisitor(url), lines, [Symbol.asyncDispose]: () => server.close() };
}

export function createVisitor(url: string): ConsoleVisitor {
  const cookies = new Map<string, string>();
  let csrf: string | undefined;

  async function ask(path: string, init: RequestInit): Promise<PageAnswer> {
    const cookie = Array.from(cookies, ([name, value]) => `${name}=${value}`).join('; ');
    const headers = { accept: 'text/html', ...(cookie === '' ? {} : { cookie }), ...(init.headers as object) };
    const response = await fetch(url + path, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    const text = await response.text();
    csrf = /name="csrf" value="([^"]+)"/.exec(text)?.[1] ?? csrf;
    return { status: response.status, text, headers: response.headers, location: response.headers.get('location') };
  }

  const get: ConsoleVisitor['get'] = (path, headers = {}) => ask(path, { headers });
  return {
    get,
    async post(path, fields = {}, headers = {}) {
      const body = new URLSearchParams(csrf === undefined ? {} : { csrf });
      for (const [name, value] of Object.entries(fields)) {
        if (name === 'csrf') body.delete(name);
        for (const one of [value].flat()) body.append(name, one);
      }
      return await ask(path, { method: 'POST', body, headers });
    },
    async follow({ location }) {
      if (location === null) throw new Error('the answer leads nowhere');
      return await get(location);
    },
  };
}

/** The text of a page, without markup. */
export function wordsOf({ text }: PageAnswer): string {
  return text
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
