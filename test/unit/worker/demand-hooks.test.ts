import { describe, expect, it } from 'vitest';
import { createWorker, type WorkerOptions } from '../../../src/worker/index.ts';

describe('createWorker, called from JavaScript', () => {
  it.each<[string, object | undefined, string]>([
    ['no options', undefined, 'apiKey, apiKeyFile and apiKeysFile are all missing'],
    ['a hook that is no function', { apiKey: 'k', beforeSend: true }, 'beforeSend must be a function'],
    ['another such hook', { apiKey: 'k', resolveUnknown: 'delivered' }, 'resolveUnknown must be a function'],
    ['an object that is no logger', { apiKey: 'k', logger: {} }, 'it lacks debug, info, warn, error'],
    ['half a logger', { apiKey: 'k', logger: { info() {}, warn() {} } }, 'it lacks debug, error'],
  ])('refuses %s', (_, options, problem) => {
    expect(() => createWorker(options as WorkerOptions)).toThrow(
      expect.objectContaining({ code: 'INVALID_CONFIG', message: expect.stringContaining(problem) as string }) as Error,
    );
  });

  it('takes a logger of four functions', () => {
    const log = (): void => {};
    expect(createWorker({ apiKey: 'k', logger: { debug: log, info: log, warn: log, error: log } }).health().phase).toBe(
      'starting',
    );
  });
});
