import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { FakeKitechatOptions } from '../../../src/testing/index.ts';
import type { ApiAnswer, ApiMethods, ApiQuestion, ApiReady } from './questions.ts';

type Asked = { [Method in keyof ApiMethods]: Ask<ApiMethods[Method]> };
type Ask<Method> = Method extends (...args: infer Args) => infer Result
  ? (...args: Args) => Promise<Awaited<Result>>
  : never;

/** A handle of the fake API in a process of its own. */
export interface ApiProcess extends Asked, ApiReady, AsyncDisposable {}

export async function startApi(options: FakeKitechatOptions): Promise<ApiProcess> {
  const child = fork(new URL('api-process.ts', import.meta.url), [JSON.stringify(options)], { execArgv: [] });
  const exited = once(child, 'exit');
  const waiting = new Map<number, (result: unknown) => void>();
  let asked = 0;

  const first = once(child, 'message') as Promise<[ApiReady]>;
  const [ready] = await Promise.race([first, exited.then(() => Promise.reject(new Error('the fake API ended')))]);
  child.on('message', ({ id, result }: ApiAnswer) => {
    waiting.get(id)?.(result);
    waiting.delete(id);
  });

  const asking =
    <Method extends keyof ApiMethods>(method: Method) =>
    async (...args: Parameters<ApiMethods[Method]>): Promise<Awaited<ReturnType<ApiMethods[Method]>>> => {
      asked += 1;
      const question: ApiQuestion = { id: asked, method, args };
      const answer = new Promise((resolve) => {
        waiting.set(question.id, resolve);
      });
      child.send(question);
      return (await answer) as Awaited<ReturnType<ApiMethods[Method]>>;
    };

  return {
    ...ready,
    forget: asking('forget'),
    setFaults: asking('setFaults'),
    shut: asking('shut'),
    open: asking('open'),
    counts: asking('counts'),
    accepted: asking('accepted'),
    report: asking('report'),
    arrivalsOf: asking('arrivalsOf'),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
