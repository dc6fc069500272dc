import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** A process that greets once when it is ready, and then answers questions, one after the other. */
export interface AskedProcess extends AsyncDisposable {
  pid: number;
  greeting: unknown;
  ask(question: object): Promise<unknown>;
}

/** @throws if it ends before it is ready, or before it has answered. */
export async function startProcess(
  program: URL,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<AskedProcess> {
  const child = fork(program, args, { execArgv: [], serialization: 'advanced', env: { ...process.env, ...env } });
  const exited = once(child, 'exit');
  const greeting = await nextMessage(child, program);
  let last: Promise<unknown> = Promise.resolve();
  return {
    pid: child.pid ?? 0,
    greeting,
    async ask(question) {
      const answer = last.then(async () => {
        const next = nextMessage(child, program);
        child.send(question);
        return await next;
      });
      last = answer.catch(() => {});
      return await answer;
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

async function nextMessage(child: ChildProcess, program: URL): Promise<unknown> {
  const waiting = new AbortController();
  const { signal } = waiting;
  const ended = async (): Promise<never> => {
    await once(child, 'exit', { signal });
    throw new Error(`${program.pathname} has ended`);
  };
  const answered = async (): Promise<unknown> => {
    const [message] = (await once(child, 'message', { signal })) as [unknown];
    return message;
  };
  try {
    return await Promise.race([answered(), ended()]);
  } finally {
    waiting.abort();
  }
}
