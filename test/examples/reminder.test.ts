import { describe, expect, it } from 'vitest';
import { setStage } from './support/stage.ts';

const REMIND = 'reminder/remind.ts';
const CALL_OFF = 'reminder/call-off.ts';

function inMs(ms: number): string {
  return new Date(Date.now() + ms).toISOString();
}

describe('examples/reminder', () => {
  it('sends the reminder when it is due, and not before', async () => {
    await using stage = await setStage();
    await stage.startWorker();
    const dueAt = Date.now() + 3000;
    const { stdout } = await stage.run(REMIND, ['p1', 'c1', new Date(dueAt).toISOString(), 'See you at ten.']);
    await stage.until(stdout[0] ?? '', 'delivered');
    expect(stage.api.accepted.map(({ message }) => message.text)).toEqual(['See you at ten.']);
    expect(stage.api.accepted[0]?.at).toBeGreaterThanOrEqual(dueAt);

    const late = await stage.run(CALL_OFF, [stdout[0] ?? '']);
    expect(late).toMatchObject({
      exitCode: 1,
      stdout: [expect.stringContaining('Too late: the reminder is delivered')],
    });
  });

  it('sends nothing after it was called off', async () => {
    await using stage = await setStage();
    const { stdout } = await stage.run(REMIND, ['p1', 'c1', inMs(1500), 'See you at ten.']);
    expect(await stage.run(CALL_OFF, [stdout[0] ?? ''])).toMatchObject({ exitCode: 0 });
    const next = await stage.run(REMIND, ['p1', 'c1', inMs(2000), 'See you at eleven.']);
    await stage.startWorker();
    await stage.until(next.stdout[0] ?? '', 'delivered');
    expect(stage.api.accepted.map(({ message }) => message.text)).toEqual(['See you at eleven.']);
  });

  it('says what is wrong with a time, and that an id is unknown', async () => {
    await using stage = await setStage();
    const wrong = await stage.run(REMIND, ['p1', 'c1', 'tomorrow', 'See you at ten.']);
    expect(wrong).toMatchObject({ exitCode: 2 });
    expect(wrong.stderr.join('\n')).toContain('options.sendAt');
    expect(await stage.run(CALL_OFF, ['0-01ARZ3NDEKTSV4RRFFQ69G5FAV'])).toMatchObject({ exitCode: 1 });
  });
});
