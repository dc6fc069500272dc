import { type CommandProcess, startCommand } from './command-line.ts';

/** A process of the command line that serves HTTP on its own port. */
export interface HttpProcess extends CommandProcess {
  url: string;
  /** Requests a path; fails if there is no answer within five seconds. */
  ask(path: string, headers?: Record<string, string>): Promise<{ status: number; body: string }>;
}

/** Long, since other tests may keep the machine busy. A caller that expects it sooner checks that itself. */
const ANSWER_MS = 5000;
/** In the log of a worker, and in what the console says to people. Other URLs are in these lines, too. */
const URL_IN_LINE = /(?:"url":"|is at )(http:\/\/[^\s"]+\/)/;

export async function startHttpProcess(
  command: 'worker' | 'console',
  env: Record<string, string>,
): Promise<HttpProcess> {
  const started = startCommand([command], { KITECHAT_HTTP_PORT: '0', ...env });
  const stream = command === 'worker' ? 'stdout' : 'stderr';
  try {
    const line = await started.lineWhere(stream, (text) => URL_IN_LINE.test(text));
    const url = URL_IN_LINE.exec(line)?.[1] ?? '';
    const ask: HttpProcess['ask'] = async (path, headers = {}) => {
      const response = await fetch(new URL(path, url), { headers, signal: AbortSignal.timeout(ANSWER_MS) });
      return { status: response.status, body: await response.text() };
    };
    return Object.assign(started, { url, ask });
  } catch (error) {
    await started[Symbol.asyncDispose]();
    throw error;
  }
}
