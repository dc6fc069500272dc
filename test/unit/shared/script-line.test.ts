import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createScriptLine, inLine } from '../../../src/shared/lanes/messages/script-line.ts';
import { settled } from '../../support/settled.ts';

const noScript = new Error('NOSCRIPT No matching script.');

describe('inLine', () => {
  it('sends nothing new after a call that lacked its script until all under way have ended, then all in their order', async () => {
    let mended = 0;
    const line = createScriptLine(() => (mended += 1));
    const sent: string[] = [];
    const answers = new Map<string, PromiseWithResolvers<string>>();
    const send = (name: string): Promise<string> =>
      inLine(line, async (isAgain) => {
        sent.push(isAgain ? `${name} again` : name);
        const answer = Promise.withResolvers<string>();
        answers.set(name, answer);
        return await answer.promise;
      });
    const first = send('first');
    const second = send('second');
    const third = send('third');
    answers.get('first')?.reject(noScript);
    answers.get('second')?.resolve('stored');
    expect(await second).toBe('stored');
    const fourth = send('fourth');
    expect(sent).toEqual(['first', 'second', 'third']);

    answers.get('third')?.reject(noScript);
    await setImmediate();
    expect(sent.slice(3)).toEqual(['first again', 'third again', 'fourth again']);
    expect(mended).toBe(1);
    for (const name of ['first', 'third', 'fourth']) answers.get(name)?.resolve(name);
    expect(await Promise.all([first, third, fourth])).toEqual(['first', 'third', 'fourth']);
  });

  it('throws every other error, and goes on with the next', async () => {
    const line = createScriptLine();
    const oom = new Error('OOM command not allowed');
    expect((await settled(inLine(line, () => Promise.reject(oom)))).error).toBe(oom);
    expect(await inLine(line, () => Promise.resolve('stored'))).toBe('stored');
  });
});
